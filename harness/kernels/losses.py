"""Losses and their derivatives. A new loss is one entry of `LOSSES`.

Every loss is weight * sum(term) over the data points and outputs of a batch:

    ssr            1          (y - p)^2                          sum of squared residuals
    half_ssr       1/2        (y - p)^2
    mse            1 / (m n)  (y - p)^2                          mean of squares
    cross_entropy  1 / m      -(y ln p + (1 - y) ln(1 - p))      p = sigmoid(z)
                   1 / m      -y ln p                            p = softmax(z)

Symbols: y observed, p predicted, z the pre-activation of the output, slope = dp/dz,
bend = d2p/dz2; m data points in the batch, n outputs. With softmax, z is ln p (see `layers`).
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from harness.kernels._jit import compiled, entry
from harness.kernels.elementary import sigmoid, softplus
from harness.kernels.simd.arithmetic import fma, select
from harness.kernels.tables import by_code


class Loss(NamedTuple):
    """Value and derivatives of a loss, on numbers or on lanes."""

    weight: Callable[..., float]  # m, n -> factor before the sum
    term: Callable[..., Any]  # z, p, y -> term of one output of one data point
    derivative: Callable[..., Any]  # z, p, y -> d(term)/dp
    slope: Callable[..., Any]  # z, p, y, slope -> d(term)/dz = d(term)/dp dp/dz
    bend: Callable[..., Any]  # p, y, slope, bend -> d2(term)/dz2
    of_probabilities: bool = False  # needs sigmoid or softmax outputs, and targets from 0 to 1


# -- squared residuals -----------------------------------------------------------------------------


@compiled
def squared_term(z: float, p: float, y: float) -> float:
    """Return (y - p)^2."""
    return (y - p) * (y - p)


@compiled
def squared_derivative(z: float, p: float, y: float) -> float:
    """Return -2 (y - p)."""
    return -2.0 * (y - p)


@compiled
def squared_slope(z: float, p: float, y: float, slope: float) -> float:
    """Return -2 (y - p) dp/dz."""
    return -2.0 * (y - p) * slope


@compiled
def squared_bend(p: float, y: float, slope: float, bend: float) -> float:
    """Return 2 ((p - y) d2p/dz2 + (dp/dz)^2)."""
    return 2.0 * fma(p - y, bend, slope * slope)


@compiled
def one(m: int, n: int) -> float:
    """Return 1."""
    return 1.0


@compiled
def half(m: int, n: int) -> float:
    """Return 1/2."""
    return 0.5


@compiled
def mean_over_all(m: int, n: int) -> float:
    """Return 1 / (m n)."""
    return 1.0 / (m * n)


# -- cross-entropy ---------------------------------------------------------------------------------


@compiled
def entropy_term(z: float, p: float, y: float) -> float:
    """Return -(y ln p + (1 - y) ln(1 - p)) = softplus(z) - y z for p = sigmoid(z).

    This form never takes the logarithm of 0. With softplus(z) = max(z, 0) + softplus(-|z|) no term
    is negative, so that no digits cancel.
    """
    return softplus(-abs(z)) + select(z < 0.0, -y * z, (1.0 - y) * z)


@compiled
def entropy_derivative(z: float, p: float, y: float) -> float:
    """Return (p - y) / (p (1 - p)) = (1 - y) / (1 - p) - y / p.

    1 - p is computed as sigmoid(-z), which is accurate even if p rounds to 1. A term whose
    numerator is 0 is 0.
    """
    return select(y == 1.0, 0.0, (1.0 - y) / sigmoid(-z)) - select(y == 0.0, 0.0, y / p)


@compiled
def entropy_slope(z: float, p: float, y: float, slope: float) -> float:
    """Return p - y: as dp/dz = p (1 - p), the product stays finite if p reaches 0 or 1."""
    return p - y


@compiled
def entropy_bend(p: float, y: float, slope: float, bend: float) -> float:
    """Return the derivative of p - y: the slope, which is accurate near 0 and 1."""
    return slope


@compiled
def mean_over_points(m: int, n: int) -> float:
    """Return 1 / m."""
    return 1.0 / m


# -- cross-entropy of softmax outputs --------------------------------------------------------------


@compiled
def categorical_term(z: float, p: float, y: float) -> float:
    """Return -y ln p = -y z; 0 if y is 0, even if ln p is infinite."""
    return select(y == 0.0, 0.0, -y * z)


@compiled
def categorical_derivative(z: float, p: float, y: float) -> float:
    """Return -y / p; 0 if y is 0, even if p is 0."""
    return select(y == 0.0, 0.0, -y / p)


@compiled
def categorical_slope(z: float, p: float, y: float, slope: float) -> float:
    """Return p - y, the derivative of all terms of a data point with respect to z.

    It is the sum of -y_k / p_k dp_k/dz over the outputs k, where the y_k of a data point sum to 1.
    """
    return p - y


@compiled
def categorical_bend(p: float, y: float, slope: float, bend: float) -> float:
    """Return p. The second derivatives are the matrix diag(p) - p p', see `curvature`."""
    return p


_SQUARED = (squared_term, squared_derivative, squared_slope, squared_bend)
_ENTROPY = (entropy_term, entropy_derivative, entropy_slope, entropy_bend)
_CATEGORICAL = (categorical_term, categorical_derivative, categorical_slope, categorical_bend)

LOSSES: Final = {
    "ssr": Loss(one, *_SQUARED),
    "half_ssr": Loss(half, *_SQUARED),
    "mse": Loss(mean_over_all, *_SQUARED),
    "cross_entropy": Loss(mean_over_points, *_ENTROPY, of_probabilities=True),
}

# The losses of kernels. In an experiment, the last one is "cross_entropy" with softmax outputs.
CATEGORICAL: Final = "categorical_cross_entropy"
KERNEL_LOSSES: Final = {
    **LOSSES,
    CATEGORICAL: Loss(mean_over_points, *_CATEGORICAL, of_probabilities=True),
}

# Each takes a code, `tables.code_of(KERNEL_LOSSES, name)`, and then the arguments listed in `Loss`.
loss_weight = by_code([loss.weight for loss in KERNEL_LOSSES.values()])
loss_term = by_code([loss.term for loss in KERNEL_LOSSES.values()])
loss_derivative = by_code([loss.derivative for loss in KERNEL_LOSSES.values()])
loss_slope = by_code([loss.slope for loss in KERNEL_LOSSES.values()])
loss_bend = by_code([loss.bend for loss in KERNEL_LOSSES.values()])


@entry
def weight_of_loss(loss: int, m: int, n: int) -> float:
    """Return `loss_weight(loss, m, n)`; to be called from Python, and cached on disk."""
    found: float = loss_weight(loss, m, n)
    return found


@entry
def derivative_of_loss(loss: int, z: float, p: float, y: float) -> float:
    """Return `loss_derivative(loss, z, p, y)`; to be called from Python, and cached on disk."""
    found: float = loss_derivative(loss, z, p, y)
    return found
