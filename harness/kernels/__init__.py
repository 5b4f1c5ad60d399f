"""The computation in machine code: arrays and numbers in, arrays out.

Nothing in this package knows about files, tables, experiments or terminals. Kernels take codes
instead of names. They return status codes and never raise, print or allocate per run.
"""
