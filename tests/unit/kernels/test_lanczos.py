"""Largest eigenvalue and residual of tridiagonal matrices, compared with NumPy."""

import numba
import numpy as np
import pytest

from harness.kernels._jit import OPTIONS
from harness.kernels.lanczos import largest_eigenvalue, residual


@numba.njit(**OPTIONS)
def largest_and_residual(alpha, beta):
    largest = largest_eigenvalue(alpha, beta, alpha.size)
    return largest, residual(largest, alpha, beta, alpha.size)


def both(alpha, beta):
    """Return eigenvalue and residual of T by the kernel and by NumPy; T excludes the last beta."""
    found = largest_and_residual(np.array(alpha, dtype=float), np.array(beta, dtype=float))
    beside = beta[:-1]
    eigenvalues, vectors = np.linalg.eigh(np.diag(alpha) + np.diag(beside, 1) + np.diag(beside, -1))
    return found, (eigenvalues[-1], beta[-1] * abs(vectors[-1, -1]))


@pytest.mark.jitless
@pytest.mark.parametrize("size", [1, 2, 3, 8, 20])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_random_matrices(size, sign):
    rng = np.random.default_rng(size)
    (largest, left), (exact, exact_left) = both(
        sign * rng.uniform(5.0, 9.0, size), rng.uniform(0.1, 1.0, size)
    )
    assert largest == pytest.approx(exact, rel=1e-14)
    assert left == pytest.approx(exact_left, rel=1e-8, abs=1e-15)


@pytest.mark.jitless
def test_the_small_end_of_a_decaying_vector_is_accurate():
    # From its largest entry on, the vector shrinks by about 100 per component: the last is 1e-14.
    alpha, beta = np.r_[100.0, np.linspace(3.0, 1.0, 7)], np.ones(8)
    (largest, left), _ = both(alpha, beta)
    # s(j) = s(j-1) beta(j-1) / pivot(j), and s(0) is almost the length.
    pivot, end = largest - alpha[-1], 1.0
    for i in range(7, 0, -1):
        end *= beta[i - 1] / pivot
        pivot = largest - alpha[i - 1] - beta[i - 1] ** 2 / pivot
    assert largest == pytest.approx(100.0 + 1.0 / 97.0, rel=1e-6)
    assert 1e-15 < left < 1e-13
    assert left == pytest.approx(end, rel=1e-3)


@pytest.mark.jitless
def test_a_matrix_of_zeros():
    assert largest_and_residual(np.zeros(1), np.zeros(1)) == (0.0, 0.0)
