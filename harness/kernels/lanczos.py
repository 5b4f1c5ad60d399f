"""Largest eigenvalue of a symmetric matrix H, given products with it.

Lanczos' method without reorthogonalisation: unit vectors q(0), q(1), ... with

    beta(k) q(k+1) = H q(k) - alpha(k) q(k) - beta(k-1) q(k-1)

T is the tridiagonal matrix with diagonal alpha and off-diagonal beta. Its largest eigenvalue grows
towards that of H. Rounding adds copies of eigenvalues already found, but leaves the largest right
(Paige 1972; Golub and Van Loan, "Matrix Computations", section 10.3).

Sums follow the order of the elements.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.kernels._jit import compiled
from harness.kernels.philox import ZERO, normal, word
from harness.kernels.simd.arithmetic import fma

Floats = NDArray[np.float64]

HALVINGS = 54  # of the interval; one more than the bits of a mantissa
SEED = np.uint64(0)
STREAM = np.uint64(4)  # `philox` has the others


class Lanczos(NamedTuple):
    """Working memory of the method."""

    q: Floats  # (P,)
    q_before: Floats  # (P,)
    product: Floats  # (P,) H q
    alpha: Floats  # (steps,)
    beta: Floats  # (steps,)


@compiled
def make_lanczos(parameters: int, steps: int) -> Lanczos:
    """Allocate working memory for a number of parameters and at most `steps` steps."""
    return Lanczos(
        np.empty(parameters),
        np.empty(parameters),
        np.empty(parameters),
        np.empty(steps),
        np.empty(steps),
    )


@compiled
def _dot(a: Floats, b: Floats) -> float:
    total = 0.0
    for p in range(a.size):
        total = fma(a[p], b[p], total)
    return total


@compiled
def _is_above(x: float, alpha: Floats, beta: Floats, size: int) -> bool:
    """Return whether x is above all eigenvalues of T, so that all pivots of T - x are negative."""
    pivot: float = alpha[0] - x
    for i in range(1, size):
        if not pivot < 0.0:
            return False
        pivot = alpha[i] - x - beta[i - 1] * beta[i - 1] / pivot
    return pivot < 0.0


@compiled
def largest_eigenvalue(alpha: Floats, beta: Floats, size: int) -> float:
    """Return the largest eigenvalue of T of shape (size, size), by bisection.

    Barth, Martin and Wilkinson 1967, "Calculation of the eigenvalues of a symmetric tridiagonal
    matrix by the method of bisection" (Numerische Mathematik 9).
    """
    lower: float = alpha[0]
    width = 0.0
    for i in range(size):
        lower = max(lower, alpha[i])
        width = max(width, beta[i])
    upper = lower + 2.0 * width  # Gershgorin
    for _ in range(HALVINGS):
        middle = 0.5 * (lower + upper)
        if _is_above(middle, alpha, beta, size):
            upper = middle
        else:
            lower = middle
    return lower


@compiled
def residual(ritz: float, alpha: Floats, beta: Floats, size: int) -> float:
    """Return |H y - ritz y| for the Ritz vector y: the last beta times its part along the last q.

    The eigenvector of T is computed from its last component upwards, the direction of its growth.
    """
    after, here, squares = 0.0, 1.0, 1.0
    for i in range(size - 1, 0, -1):
        before = ((ritz - alpha[i]) * here - beta[i] * after) / beta[i - 1]
        after, here = here, before
        squares = fma(here, here, squares)
    length: float = beta[size - 1] / math.sqrt(squares)
    return length


@compiled
def start(trains: NDArray[np.bool_], work: Lanczos) -> None:
    """Fill q with a random unit vector, or with zeros if no parameter trains."""
    q, q_before = work.q, work.q_before
    for p in range(q.size):
        q_before[p] = 0.0
        q[p] = normal(word(SEED, STREAM, ZERO, np.uint64(p))) if trains[p] else 0.0
    length = math.sqrt(_dot(q, q))
    if length > 0.0:
        for p in range(q.size):
            q[p] /= length


@compiled
def step(q: Floats, q_before: Floats, product: Floats, alpha: Floats, beta: Floats, k: int) -> None:
    """Fill alpha[k] and beta[k], and q_before with the next q.

    The operations follow Paige 1972, "Computational variants of the Lanczos method for the
    eigenproblem" (Journal of the Institute of Mathematics and its Applications 10).
    """
    before = beta[k - 1] if k > 0 else 0.0
    for p in range(q.size):
        q_before[p] = fma(-before, q_before[p], product[p])
    alpha[k] = _dot(q, q_before)
    for p in range(q.size):
        q_before[p] = fma(-alpha[k], q[p], q_before[p])
    beta[k] = math.sqrt(_dot(q_before, q_before))
    if beta[k] > 0.0:
        for p in range(q.size):
            q_before[p] /= beta[k]
