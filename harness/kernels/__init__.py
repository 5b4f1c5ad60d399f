"""Machine code: arrays and numbers in, arrays out.

Nothing in this package knows a file, a table, an experiment or a terminal. It imports numpy,
numba and itself. Kernels take codes, not names; they return status codes and never raise, print
or allocate per run.
"""
