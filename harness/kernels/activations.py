"""Value and derivatives of each activation. A new activation is a line here and its test.

Symbols: z is the pre-activation of a unit, a = f(z) its output, slope = f'(z), bend = f''(z).
"""

from typing import Final

from harness.kernels._jit import compiled
from harness.kernels.elementary import sigmoid_and_slope, softplus_and_slope, tanh_and_slope
from harness.kernels.simd.arithmetic import select

SOFTPLUS: Final = 0
SIGMOID: Final = 1
TANH: Final = 2
RELU: Final = 3
IDENTITY: Final = 4

ACTIVATIONS: Final = {
    "softplus": SOFTPLUS,  # ln(1 + e^z), slope sigmoid(z)
    "sigmoid": SIGMOID,  # 1 / (1 + e^-z), slope sigmoid(z) (1 - sigmoid(z))
    "tanh": TANH,  # slope 1 - tanh(z)^2
    "relu": RELU,  # max(0, z), slope 0 at z = 0
    "identity": IDENTITY,
}


@compiled
def relu_and_slope(z: float) -> tuple[float, float]:
    """Return max(0, z) and its derivative, 0 at z = 0."""
    # z < 0 and not z > 0 chooses the value, so that NaN stays NaN.
    return select(z < 0.0, 0.0, z), select(z > 0.0, 1.0, 0.0)


@compiled
def identity_and_slope(z: float) -> tuple[float, float]:
    """Return z and 1."""
    return z, select(z == z, 1.0, 1.0)  # 1 in every lane


@compiled
def activate(activation: int, z: float) -> tuple[float, float]:
    """Return a = f(z) and the slope f'(z); both come from one exponential."""
    if activation == SOFTPLUS:
        return softplus_and_slope(z)
    if activation == SIGMOID:
        return sigmoid_and_slope(z)
    if activation == TANH:
        return tanh_and_slope(z)
    if activation == RELU:
        return relu_and_slope(z)
    return identity_and_slope(z)


@compiled
def bend(activation: int, a: float, slope: float) -> float:
    """Return f''(z) from a = f(z) and the slope f'(z); 0 at the kink of relu."""
    if activation == SOFTPLUS:
        return slope * (1.0 - slope)
    if activation == SIGMOID:
        return slope * (1.0 - 2.0 * a)
    if activation == TANH:
        return -2.0 * a * slope
    return 0.0


# By their codes, where the code is a constant.
FUNCTIONS: Final = (
    softplus_and_slope,
    sigmoid_and_slope,
    tanh_and_slope,
    relu_and_slope,
    identity_and_slope,
)
