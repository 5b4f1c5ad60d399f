"""Training: what a kernel call needs, and a range of runs trained by it."""
