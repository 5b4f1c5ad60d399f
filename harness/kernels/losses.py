"""Value and derivatives of each loss. A new loss is a few lines here and its test.

Every loss is weight * sum(term) over the data points and outputs of a batch:

    ssr            1          (y - p)^2                          sum of squared residuals
    half_ssr       1/2        (y - p)^2
    mse            1 / (m n)  (y - p)^2                          mean of squares
    cross_entropy  1 / m      -(y ln p + (1 - y) ln(1 - p))      p = sigmoid(z)

Symbols: y observed, p predicted, z the pre-activation of the output, slope = dp/dz,
bend = d2p/dz2; m data points in the batch, n outputs.
"""

from typing import Final

from harness.kernels._jit import compiled, entry
from harness.kernels.elementary import sigmoid, softplus
from harness.kernels.simd.arithmetic import fma, select

SSR: Final = 0
HALF_SSR: Final = 1
MSE: Final = 2
CROSS_ENTROPY: Final = 3

LOSSES: Final = {"ssr": SSR, "half_ssr": HALF_SSR, "mse": MSE, "cross_entropy": CROSS_ENTROPY}

# Losses that are defined for a sigmoid output and targets between 0 and 1 only.
NEEDS_PROBABILITY: Final = frozenset({"cross_entropy"})


@compiled
def loss_weight(loss: int, m: int, n: int) -> float:
    """Return the factor before the sum over m data points and n outputs."""
    if loss == HALF_SSR:
        return 0.5
    if loss == MSE:
        return 1.0 / (m * n)
    if loss == CROSS_ENTROPY:
        return 1.0 / m
    return 1.0


@compiled
def squared_term(z: float, p: float, y: float) -> float:
    """Return (y - p)^2."""
    return (y - p) * (y - p)


@compiled
def entropy_term(z: float, p: float, y: float) -> float:
    """Return -(y ln p + (1 - y) ln(1 - p)) = softplus(z) - y z for p = sigmoid(z).

    There is no logarithm of 0. With softplus(z) = max(z, 0) + softplus(-|z|) no term is negative,
    so that no digits cancel either.
    """
    return softplus(-abs(z)) + select(z < 0.0, -y * z, (1.0 - y) * z)


@compiled
def loss_term(loss: int, z: float, p: float, y: float) -> float:
    """Return what one output of one data point adds to the sum."""
    if loss == CROSS_ENTROPY:
        return entropy_term(z, p, y)
    return squared_term(z, p, y)


@compiled
def loss_derivative(loss: int, z: float, p: float, y: float) -> float:
    """Return d(term)/dp.

    For cross-entropy it is (p - y) / (p (1 - p)) = (1 - y) / (1 - p) - y / p, where 1 - p is
    sigmoid(-z), which is right where p rounds to 1; a term that y makes 0 is 0.
    """
    if loss == CROSS_ENTROPY:
        return select(y == 1.0, 0.0, (1.0 - y) / sigmoid(-z)) - select(y == 0.0, 0.0, y / p)
    return -2.0 * (y - p)


@compiled
def squared_slope(z: float, p: float, y: float, slope: float) -> float:
    """Return -2 (y - p) dp/dz."""
    return -2.0 * (y - p) * slope


@compiled
def entropy_slope(z: float, p: float, y: float, slope: float) -> float:
    """Return p - y: dp/dz = p (1 - p), and the product stays finite where p reaches 0 or 1."""
    return p - y


@compiled
def loss_slope(loss: int, z: float, p: float, y: float, slope: float) -> float:
    """Return d(term)/dz = d(term)/dp dp/dz."""
    if loss == CROSS_ENTROPY:
        return entropy_slope(z, p, y, slope)
    return squared_slope(z, p, y, slope)


@compiled
def loss_bend(loss: int, p: float, y: float, slope: float, bend: float) -> float:
    """Return d2(term)/dz2.

    For cross-entropy it is the derivative of p - y, which is right near 0 and 1 if the slope is.
    """
    if loss == CROSS_ENTROPY:
        return slope
    return 2.0 * fma(p - y, bend, slope * slope)


# Term and slope by the codes of the losses, where the code is a constant.
_SQUARED = (squared_term, squared_slope)
FUNCTIONS: Final = (_SQUARED, _SQUARED, _SQUARED, (entropy_term, entropy_slope))


@entry
def weight_of_loss(loss: int, m: int, n: int) -> float:
    """Return what `loss_weight` returns; kept on disk for those who call it from Python."""
    return loss_weight(loss, m, n)


@entry
def derivative_of_loss(loss: int, z: float, p: float, y: float) -> float:
    """Return what `loss_derivative` returns; kept on disk for those who call it from Python."""
    return loss_derivative(loss, z, p, y)
