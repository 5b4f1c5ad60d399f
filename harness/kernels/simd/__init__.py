"""Rows of numbers in vector registers, and the operations from which kernels are written."""
