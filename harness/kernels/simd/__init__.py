"""The lanes type: vectors of floats in Numba, with fused multiply-add, masks and memory."""
