"""Derivatives of each loss, compared with the complex step of its definition."""

import math

import numpy as np
import pytest

from harness.kernels.losses import KERNEL_LOSSES, derivative_of_loss, weight_of_loss
from harness.kernels.tables import code_of

STEP = 1e-200
DELTA = 0.375


def huber(y, p):
    far = abs((y - p).real) > DELTA
    return DELTA * (magnitude(y - p) - DELTA / 2) if far else (y - p) ** 2 / 2


def magnitude(x):
    """|x| of the real part, which complex steps can differentiate."""
    return x if x.real > 0 else -x


TERMS = {
    "ssr": lambda y, p: (y - p) ** 2,
    "half_ssr": lambda y, p: (y - p) ** 2,
    "mse": lambda y, p: (y - p) ** 2,
    "half_mse": lambda y, p: (y - p) ** 2,
    "mae": lambda y, p: magnitude(y - p),
    "huber": huber,
    "hinge": lambda y, p: 1 - y * p if (1 - y * p).real > 0 else 0j,
    "cross_entropy": lambda y, p: -(y * np.log(p) + (1 - y) * np.log(1 - p)),
    "categorical_cross_entropy": lambda y, p: -y * np.log(p),
}


@pytest.mark.jitless
@pytest.mark.parametrize("loss", KERNEL_LOSSES)
@pytest.mark.parametrize("z", [-3.0, -0.1, 0.0, 2.5])
@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_derivative_with_respect_to_the_prediction(loss, z, y):
    p = 1.0 / (1.0 + math.exp(-z))
    expected = TERMS[loss](y, p + 1j * STEP).imag / STEP
    assert derivative_of_loss(code_of(KERNEL_LOSSES, loss), DELTA, z, p, y) == pytest.approx(
        expected, rel=1e-13
    )


@pytest.mark.parametrize("z", [40.0, 700.0])
def test_cross_entropy_has_a_derivative_if_the_prediction_rounds_to_its_target(z):
    # d/dp of -ln p at 1, and of -ln(1 - p) at 0
    assert derivative_of_loss(code_of(KERNEL_LOSSES, "cross_entropy"), DELTA, z, 1.0, 1.0) == -1.0
    assert derivative_of_loss(code_of(KERNEL_LOSSES, "cross_entropy"), DELTA, -z, 0.0, 0.0) == 1.0


def test_derivative_of_a_class_that_is_not_observed_is_0_even_if_its_probability_is():
    code = code_of(KERNEL_LOSSES, "categorical_cross_entropy")
    assert derivative_of_loss(code, DELTA, -math.inf, 0.0, 0.0) == 0.0
    assert derivative_of_loss(code, DELTA, -math.inf, 0.0, 0.5) == -math.inf


@pytest.mark.jitless
@pytest.mark.parametrize(
    ("loss", "weight"),
    [
        ("ssr", 1.0),
        ("half_ssr", 0.5),
        ("mse", 1.0 / 15.0),
        ("cross_entropy", 0.2),
        ("categorical_cross_entropy", 0.2),
    ],
)
def test_weights_for_five_data_points_and_three_outputs(loss, weight):
    assert weight_of_loss(code_of(KERNEL_LOSSES, loss), 5, 3) == weight
