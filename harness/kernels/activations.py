"""Activations and their derivatives. A new activation is one entry of `ACTIVATIONS`.

Symbols: z is the pre-activation of a unit, a = f(z) its output, slope = f'(z), bend = f''(z).
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from harness.kernels._jit import compiled
from harness.kernels.elementary import sigmoid_and_slope, softplus_and_slope, tanh_and_slope
from harness.kernels.simd.arithmetic import select
from harness.kernels.tables import by_code


class Activation(NamedTuple):
    """Value and derivatives of an activation, on a number or on lanes."""

    value_and_slope: Callable[..., Any]  # z -> f(z), f'(z), which share an exponential
    bend: Callable[..., Any]  # f(z), f'(z) -> f''(z)
    normalised: bool = False  # the values of a layer are then turned into probabilities: `layers`


@compiled
def softplus_bend(a: float, slope: float) -> float:
    """Return s (1 - s), where the slope s is a sigmoid."""
    return slope * (1.0 - slope)


@compiled
def sigmoid_bend(a: float, slope: float) -> float:
    """Return a (1 - a) (1 - 2 a)."""
    return slope * (1.0 - 2.0 * a)


@compiled
def tanh_bend(a: float, slope: float) -> float:
    """Return -2 a (1 - a^2)."""
    return -2.0 * a * slope


@compiled
def relu_and_slope(z: float) -> tuple[float, float]:
    """Return max(0, z) and its derivative, which is 0 at z = 0."""
    # The value tests z < 0 rather than z > 0, so that NaN stays NaN.
    return select(z < 0.0, 0.0, z), select(z > 0.0, 1.0, 0.0)


@compiled
def identity_and_slope(z: float) -> tuple[float, float]:
    """Return z and 1."""
    return z, select(z == z, 1.0, 1.0)  # 1 in every lane


@compiled
def no_bend(a: float, slope: float) -> float:
    """Return 0, even at the kink of relu."""
    return 0.0


ACTIVATIONS: Final = {
    "softplus": Activation(softplus_and_slope, softplus_bend),  # ln(1 + e^z)
    "sigmoid": Activation(sigmoid_and_slope, sigmoid_bend),  # 1 / (1 + e^-z)
    "tanh": Activation(tanh_and_slope, tanh_bend),
    "relu": Activation(relu_and_slope, no_bend),  # max(0, z)
    "identity": Activation(identity_and_slope, no_bend),
    "softmax": Activation(identity_and_slope, no_bend, normalised=True),  # e^z / sum over units
}

# activate(code, z) and bend(code, a, slope), where code is `tables.code_of(ACTIVATIONS, name)`
activate = by_code([entry.value_and_slope for entry in ACTIVATIONS.values()])
bend = by_code([entry.bend for entry in ACTIVATIONS.values()])
NORMALISED: Final = tuple(int(entry.normalised) for entry in ACTIVATIONS.values())  # by code
