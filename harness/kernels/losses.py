"""Losses and their derivatives. A new loss is one entry of `LOSSES`.

Every loss is weight * sum(term) over the data points and outputs of a batch:

    ssr            1          (y - p)^2                          sum of squared residuals
    half_ssr       1/2        (y - p)^2
    mse            1 / (m n)  (y - p)^2                          mean of squares
    half_mse       1 / (2 m n)  (y - p)^2
    mae            1 / (m n)  |y - p|                            mean absolute error
    huber          1 / (m n)  (y - p)^2 / 2, or                  where |y - p| < delta
                              delta (|y - p| - delta / 2)        elsewhere
    hinge          1 / (m n)  max(0, 1 - y p)                    y = -1 or 1
    cross_entropy  1 / m      -(y ln p + (1 - y) ln(1 - p))      p = sigmoid(z)
                   1 / m      -y ln p                            p = softmax(z)

Symbols: y observed, p predicted, z the pre-activation of the output, slope = dp/dz,
bend = d2p/dz2; m data points in the batch, n outputs. With softmax, z is ln p (see `layers`).

At a kink, the derivative of a term with respect to p is 0, and so is the second one.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from harness.kernels._jit import compiled, entry
from harness.kernels.elementary import sigmoid, softplus
from harness.kernels.settings import Setting
from harness.kernels.simd.arithmetic import fma, select
from harness.kernels.tables import by_code, taking_setting


class Loss(NamedTuple):
    """Value and derivatives of a loss, on numbers or on lanes.

    A loss with a setting has it as the first argument of its functions, except for `weight`.
    """

    weight: Callable[..., float]  # m, n -> factor before the sum
    term: Callable[..., Any]  # z, p, y -> term of one output of one data point
    derivative: Callable[..., Any]  # z, p, y -> d(term)/dp
    slope: Callable[..., Any]  # z, p, y, slope -> d(term)/dz = d(term)/dp dp/dz
    bend: Callable[..., Any]  # p, y, slope, bend -> d2(term)/dz2
    of_probabilities: bool = False  # needs sigmoid or softmax outputs, and targets from 0 to 1
    of_signs: bool = False  # needs targets that are -1 or 1
    setting: Setting | None = None  # a key of [network]


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
def half_mean_over_all(m: int, n: int) -> float:
    """Return 1 / (2 m n)."""
    return 0.5 / (m * n)


@compiled
def mean_over_all(m: int, n: int) -> float:
    """Return 1 / (m n)."""
    return 1.0 / (m * n)


# -- absolute residuals ----------------------------------------------------------------------------


@compiled
def absolute_term(z: float, p: float, y: float) -> float:
    """Return |y - p|."""
    return abs(y - p)


@compiled
def absolute_derivative(z: float, p: float, y: float) -> float:
    """Return the sign of p - y, 0 if they are equal."""
    return select(p > y, 1.0, select(p < y, -1.0, 0.0))


@compiled
def absolute_slope(z: float, p: float, y: float, slope: float) -> float:
    """Return the sign of p - y times dp/dz."""
    return absolute_derivative(z, p, y) * slope


@compiled
def absolute_bend(p: float, y: float, slope: float, bend: float) -> float:
    """Return the sign of p - y times d2p/dz2."""
    return absolute_derivative(p, p, y) * bend


# -- Huber -----------------------------------------------------------------------------------------


@compiled
def huber_term(delta: float, z: float, p: float, y: float) -> float:
    """Return (y - p)^2 / 2 where |y - p| < delta, and delta (|y - p| - delta / 2) elsewhere."""
    r = abs(y - p)
    return select(r < delta, 0.5 * r * r, delta * (r - 0.5 * delta))


@compiled
def huber_derivative(delta: float, z: float, p: float, y: float) -> float:
    """Return p - y, but at most delta in size."""
    r = p - y
    return select(r > delta, delta, select(r < -delta, -delta, r))


@compiled
def huber_slope(delta: float, z: float, p: float, y: float, slope: float) -> float:
    """Return d(term)/dp dp/dz."""
    return huber_derivative(delta, z, p, y) * slope


@compiled
def huber_bend(delta: float, p: float, y: float, slope: float, bend: float) -> float:
    """Return d(term)/dp d2p/dz2, plus (dp/dz)^2 where |y - p| < delta."""
    inside = select(abs(y - p) < delta, slope * slope, 0.0)
    return fma(huber_derivative(delta, p, p, y), bend, inside)


# -- hinge -----------------------------------------------------------------------------------------


@compiled
def hinge_term(z: float, p: float, y: float) -> float:
    """Return max(0, 1 - y p)."""
    short = 1.0 - y * p
    return select(short < 0.0, 0.0, short)  # NaN stays NaN


@compiled
def hinge_derivative(z: float, p: float, y: float) -> float:
    """Return -y where y p < 1, and 0 elsewhere."""
    return select(y * p < 1.0, -y, 0.0)


@compiled
def hinge_slope(z: float, p: float, y: float, slope: float) -> float:
    """Return -y dp/dz where y p < 1, and 0 elsewhere."""
    return hinge_derivative(z, p, y) * slope


@compiled
def hinge_bend(p: float, y: float, slope: float, bend: float) -> float:
    """Return -y d2p/dz2 where y p < 1, and 0 elsewhere."""
    return hinge_derivative(p, p, y) * bend


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
_ABSOLUTE = (absolute_term, absolute_derivative, absolute_slope, absolute_bend)
_HUBER = (huber_term, huber_derivative, huber_slope, huber_bend)
_HINGE = (hinge_term, hinge_derivative, hinge_slope, hinge_bend)
_ENTROPY = (entropy_term, entropy_derivative, entropy_slope, entropy_bend)
_CATEGORICAL = (categorical_term, categorical_derivative, categorical_slope, categorical_bend)

DELTA: Final = Setting(
    "delta",
    default=1.0,
    says="residual from which the loss grows linearly",
    allowed="a number above 0",
    above=0.0,
)

LOSSES: Final = {
    "ssr": Loss(one, *_SQUARED),
    "half_ssr": Loss(half, *_SQUARED),
    "mse": Loss(mean_over_all, *_SQUARED),
    "half_mse": Loss(half_mean_over_all, *_SQUARED),
    "mae": Loss(mean_over_all, *_ABSOLUTE),  # L1Loss of PyTorch
    # Huber 1964, "Robust estimation of a location parameter"; HuberLoss of PyTorch
    "huber": Loss(mean_over_all, *_HUBER, setting=DELTA),
    # The slack variables of Cortes and Vapnik 1995, "Support-vector networks"
    "hinge": Loss(mean_over_all, *_HINGE, of_signs=True),
    "cross_entropy": Loss(mean_over_points, *_ENTROPY, of_probabilities=True),
}

# The losses of kernels. In an experiment, the last one is "cross_entropy" with softmax outputs.
CATEGORICAL: Final = "categorical_cross_entropy"
KERNEL_LOSSES: Final = {
    **LOSSES,
    CATEGORICAL: Loss(mean_over_points, *_CATEGORICAL, of_probabilities=True),
}


def _by_code(name: str) -> Callable[..., Any]:
    """Return the functions of all losses as one, see `taking_setting`."""
    losses = KERNEL_LOSSES.values()
    return by_code([taking_setting(getattr(loss, name), loss.setting) for loss in losses])


# Each takes a code, `tables.code_of(KERNEL_LOSSES, name)`, and then the arguments listed in `Loss`;
# all but the first take the setting before them, which is ignored if the loss has none.
loss_weight = by_code([loss.weight for loss in KERNEL_LOSSES.values()])
loss_term = _by_code("term")
loss_derivative = _by_code("derivative")
loss_slope = _by_code("slope")
loss_bend = _by_code("bend")


@entry
def weight_of_loss(loss: int, m: int, n: int) -> float:
    """Return `loss_weight(loss, m, n)`; to be called from Python, and cached on disk."""
    found: float = loss_weight(loss, m, n)
    return found


@entry
def derivative_of_loss(loss: int, setting: float, z: float, p: float, y: float) -> float:
    """Return `loss_derivative(loss, setting, z, p, y)`; to be called from Python, and cached."""
    found: float = loss_derivative(loss, setting, z, p, y)
    return found
