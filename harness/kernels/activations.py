"""Activations and their derivatives. A new activation is one entry of `ACTIVATIONS`.

Symbols: z is the pre-activation of a unit, a = f(z) its output, slope = f'(z), bend = f''(z).

At a kink, slope is the derivative from below, and bend is 0.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from harness.kernels._jit import compiled
from harness.kernels.elementary import (
    elu_and_slope,
    gelu_and_slope,
    gelu_inside,
    sigmoid_and_slope,
    silu_and_slope,
    sine_and_slope,
    softplus_and_slope,
    tanh_and_slope,
)
from harness.kernels.settings import Setting
from harness.kernels.simd.arithmetic import fma, select
from harness.kernels.tables import by_code, taking_setting


class Activation(NamedTuple):
    """Value and derivatives of an activation, on a number or on lanes.

    An activation with a setting has it as the first argument of its functions.
    """

    value_and_slope: Callable[..., Any]  # z -> f(z), f'(z), which share an exponential
    bend: Callable[..., Any]  # z, f(z), f'(z) -> f''(z)
    normalised: bool = False  # the values of a layer are then turned into probabilities: `layers`
    setting: Setting | None = None  # a key of [network]


@compiled
def softplus_bend(z: float, a: float, slope: float) -> float:
    """Return s (1 - s), where the slope s is a sigmoid."""
    return slope * (1.0 - slope)


@compiled
def sigmoid_bend(z: float, a: float, slope: float) -> float:
    """Return a (1 - a) (1 - 2 a)."""
    return slope * (1.0 - 2.0 * a)


@compiled
def tanh_bend(z: float, a: float, slope: float) -> float:
    """Return -2 a (1 - a^2)."""
    return -2.0 * a * slope


@compiled
def relu_and_slope(z: float) -> tuple[float, float]:
    """Return max(0, z) and its derivative, which is 0 at z = 0."""
    # The value tests z < 0 rather than z > 0, so that NaN stays NaN.
    return select(z < 0.0, 0.0, z), select(z > 0.0, 1.0, 0.0)


@compiled
def leaky_relu_and_slope(slope: float, z: float) -> tuple[float, float]:
    """Return z if z > 0, otherwise slope z, and its derivative, which is the slope at z = 0."""
    return select(z < 0.0, slope * z, z), select(z > 0.0, 1.0, slope)


@compiled
def leaky_relu_bend(setting: float, z: float, a: float, slope: float) -> float:
    """Return 0."""
    return 0.0


@compiled
def identity_and_slope(z: float) -> tuple[float, float]:
    """Return z and 1."""
    return z, select(z == z, 1.0, 1.0)  # 1 in every lane


@compiled
def no_bend(z: float, a: float, slope: float) -> float:
    """Return 0, even at the kink of relu."""
    return 0.0


@compiled
def elu_bend(z: float, a: float, slope: float) -> float:
    """Return e^z if z < 0, otherwise 0."""
    return select(z < 0.0, slope, 0.0)


@compiled
def silu_bend(z: float, a: float, slope: float) -> float:
    """Return s (1 - s) (2 + z (1 - 2 s)), where s = sigmoid(z)."""
    s, s_slope = sigmoid_and_slope(z)
    return select(s_slope == 0.0, 0.0, s_slope * fma(z, 1.0 - 2.0 * s, 2.0))


@compiled
def gelu_bend(z: float, a: float, slope: float) -> float:
    """Return s (1 - s) (2 v' + z (v'' + (1 - 2 s) v'^2)), where s = sigmoid(v)."""
    v, v_slope, v_bend = gelu_inside(z)
    s, s_slope = sigmoid_and_slope(v)
    inner = fma((1.0 - 2.0 * s) * v_slope, v_slope, v_bend)
    return select(s_slope == 0.0, 0.0, s_slope * fma(z, inner, 2.0 * v_slope))


@compiled
def sine_bend(z: float, a: float, slope: float) -> float:
    """Return -sin(z)."""
    return -a


SLOPE: Final = Setting(
    "slope",
    default=0.01,
    says="derivative below 0",
    allowed="a number from 0 up to, but not including, 1",
    at_least=0.0,
    below=1.0,
)

ACTIVATIONS: Final = {
    "softplus": Activation(softplus_and_slope, softplus_bend),  # ln(1 + e^z)
    "sigmoid": Activation(sigmoid_and_slope, sigmoid_bend),  # 1 / (1 + e^-z)
    "tanh": Activation(tanh_and_slope, tanh_bend),
    "relu": Activation(relu_and_slope, no_bend),  # max(0, z)
    # z, times the slope if z < 0: Maas, Hannun and Ng 2013, "Rectifier nonlinearities improve
    # neural network acoustic models", section 2; LeakyReLU of PyTorch
    "leaky_relu": Activation(leaky_relu_and_slope, leaky_relu_bend, setting=SLOPE),
    # e^z - 1 if z < 0, else z: Clevert, Unterthiner and Hochreiter 2016 (arXiv 1511.07289), with
    # alpha = 1; ELU of PyTorch
    "elu": Activation(elu_and_slope, elu_bend),
    # z/2 (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3))): Hendrycks and Gimpel 2016 (arXiv 1606.08415),
    # section 2; GELU(approximate="tanh") of PyTorch
    "gelu": Activation(gelu_and_slope, gelu_bend),
    # z sigmoid(z): Elfwing, Uchibe and Doya 2018 (arXiv 1702.03118); SiLU of PyTorch
    "silu": Activation(silu_and_slope, silu_bend),
    # sin(z): Sitzmann et al. 2020 (arXiv 2006.09661), whose factor omega_0 is network.scales
    "sine": Activation(sine_and_slope, sine_bend),
    "identity": Activation(identity_and_slope, no_bend),
    "softmax": Activation(identity_and_slope, no_bend, normalised=True),  # e^z / sum over units
}

# activate(code, setting, z) and bend(code, setting, z, a, slope), where code is
# `tables.code_of(ACTIVATIONS, name)`; the setting is ignored if the activation has none
activate = by_code([taking_setting(e.value_and_slope, e.setting) for e in ACTIVATIONS.values()])
bend = by_code([taking_setting(e.bend, e.setting) for e in ACTIVATIONS.values()])
NORMALISED: Final = tuple(int(entry.normalised) for entry in ACTIVATIONS.values())  # by code
