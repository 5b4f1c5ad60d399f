"""Training: prepares the arguments of a kernel call, and trains a range of runs with it."""
