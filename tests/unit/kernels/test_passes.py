"""Predictions, losses and gradients of the kernels, compared with the slow twin."""

import math

import numpy as np
import pytest
import scipy.special

from harness.experiment.network import SCALES, Network
from harness.kernels.curvature import hessian_product
from harness.kernels.losses import CATEGORICAL, KERNEL_LOSSES
from harness.kernels.passes import Data, evaluate_all
from tests.reference import network as reference
from tests.reference.network import Twin
from tests.side_by_side import (
    HIDDEN,
    a_problem,
    a_twin,
    as_in_files,
    kernel_gradient,
    kernel_predict,
    network_of,
)

SIZES = {0: (2, 3), 1: (2, 3, 2), 2: (2, 3, 4, 2)}
SCALED = {0: (1.5,), 1: (0.5, 1.5), 2: (0.5, 1.5, 0.7)}
BATCHES = {"all": [0, 1, 2, 3, 4], "part": [3, 0, 3], "one": [2]}


def case_of(activation, loss, hidden, biases, scaled):
    """Return a network with the same activation everywhere, if the loss allows it."""
    loss, last = as_in_files(loss, activation)
    return Twin(
        sizes=SIZES[hidden],
        activations=(activation,) * hidden + (last,),
        loss=loss,
        biases=(biases,) * (hidden + 1),
        scales=SCALED[hidden] if scaled else None,
        output_scale=0.8 if scaled and loss != "cross_entropy" else 1.0,
        slope=0.3,
        delta=0.6,
    )


def assert_is_gradient(twin, theta, inputs, targets, ours):
    """Compare a gradient with the twin's, which is computed without calculus."""
    if not twin.has_kinks:
        exact = reference.gradient_by_complex_step(twin, theta, inputs, targets)
        # If the terms of a parameter cancel, its error is that of the terms, not of their sum.
        assert ours == pytest.approx(exact, rel=1e-12, abs=1e-14 * np.abs(exact).max())
        return
    # Nearer to a kink, differences are wrong.
    assert twin.distance_to_kinks(theta, inputs, targets) > 1e-3
    differences = reference.gradient_by_differences(twin, theta, inputs, targets)
    # The loss is rounded before it is divided by a step of 1e-5.
    allowed = 1e-10 + 1e-8 * np.abs(differences).max()
    assert ours == pytest.approx(differences, rel=1e-7, abs=allowed)
    exact = reference.gradient_by_backpropagation(twin, theta, inputs, targets)
    assert ours == pytest.approx(exact, rel=1e-12, abs=1e-14 * np.abs(exact).max())


def assert_kernel_agrees(twin, order, seed=3):
    """Compare SSR, loss and gradient over the data points `order` with the twin's."""
    theta, inputs, targets = a_problem(twin, seed=seed)
    ssr, loss, gradient = kernel_gradient(twin, theta, inputs, targets, order)
    chosen = theta, inputs[order], targets[order]
    assert ssr == pytest.approx(twin.ssr(*chosen), rel=1e-13)
    assert loss == pytest.approx(twin.value(*chosen), rel=1e-13)
    assert gradient.shape == (twin.parameters,)
    assert_is_gradient(twin, *chosen, gradient)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("biases", [True, False], ids=["biases", "none"])
@pytest.mark.parametrize("hidden", SIZES)
@pytest.mark.parametrize("loss", KERNEL_LOSSES)
@pytest.mark.parametrize("activation", HIDDEN)
def test_loss_and_gradient(activation, loss, hidden, biases, batch):
    twin = case_of(activation, loss, hidden, biases, scaled=False)
    assert_kernel_agrees(twin, BATCHES[batch])


@pytest.mark.parametrize("loss", KERNEL_LOSSES)
@pytest.mark.parametrize("hidden", SIZES)
@pytest.mark.parametrize("activation", HIDDEN)
def test_loss_and_gradient_with_scales(activation, hidden, loss):
    assert_kernel_agrees(case_of(activation, loss, hidden, True, scaled=True), BATCHES["all"])


@pytest.mark.jitless
@pytest.mark.parametrize("loss", KERNEL_LOSSES)
@pytest.mark.parametrize("hidden", SIZES)
def test_loss_and_gradient_of_mixed_layers(hidden, loss):
    loss, last = as_in_files(loss, "sigmoid")
    names = (*("relu", "softplus", "tanh")[:hidden], last)
    twin = Twin(
        sizes=SIZES[hidden],
        activations=names,
        loss=loss,
        biases=(False, True, True)[: hidden + 1],
        scales=SCALED[hidden],
    )
    assert_kernel_agrees(twin, BATCHES["part"], seed=5)


def test_a_single_layer_is_linear_regression():
    twin = a_twin((3, 1))
    theta, inputs, targets = a_problem(twin)
    matrix = np.column_stack([inputs, np.ones(5)])
    residual = targets[:, 0] - matrix @ theta
    ssr, loss, gradient = kernel_gradient(twin, theta, inputs, targets)
    assert [ssr, loss] == pytest.approx([residual @ residual] * 2, rel=1e-14)
    assert gradient == pytest.approx(-2 * matrix.T @ residual, rel=1e-13)


@pytest.mark.parametrize("bias", [0.0, -1.0], ids=["at", "below"])
def test_relu_has_no_slope_at_its_kink(bias):
    # z = 1 * 1 + bias - 1 is 0 or -1. The derivatives at the unit's inputs are 0, not 1/2 or 1.
    twin = a_twin((1, 1, 1), "relu")
    theta = twin.theta(w1=1.0, b1=bias - 1.0, w2=2.0, b2=0.5)
    one = np.ones((1, 1))
    _, _, gradient = kernel_gradient(twin, theta, one, one)
    assert dict(zip(twin.names(), gradient.tolist(), strict=True)) == {
        "w1": 0.0,
        "b1": 0.0,
        "w2": 0.0,
        "b2": -1.0,
    }


@pytest.mark.parametrize("bias", [0.0, -1.0], ids=["at", "below"])
def test_leaky_relu_has_its_slope_at_its_kink(bias):
    twin = a_twin((1, 1, 1), "leaky_relu", slope=0.25)
    theta = twin.theta(w1=1.0, b1=bias - 1.0, w2=2.0, b2=0.5)
    one = np.ones((1, 1))
    ssr, _, gradient = kernel_gradient(twin, theta, one, one)
    a = 0.25 * bias
    r = 1.0 - (2.0 * a + 0.5)
    assert ssr == r * r
    assert dict(zip(twin.names(), gradient.tolist(), strict=True)) == {
        "w1": -2.0 * r * 2.0 * 0.25,
        "b1": -2.0 * r * 2.0 * 0.25,
        "w2": -2.0 * r * a,
        "b2": -2.0 * r,
    }


# Of one data point, by hand; delta is 1/2. At the kink of mae and hinge the derivative is 0.
@pytest.mark.jitless
@pytest.mark.parametrize(
    ("loss", "y", "p", "value", "derivative", "second"),
    [
        ("half_mse", 1.0, 3.0, 2.0, 2.0, 1.0),
        ("mae", 1.0, 3.5, 2.5, 1.0, 0.0),
        ("mae", 1.0, -1.0, 2.0, -1.0, 0.0),
        ("mae", 1.0, 1.0, 0.0, 0.0, 0.0),
        ("huber", 1.0, 1.25, 0.03125, 0.25, 1.0),
        ("huber", 1.0, 1.0, 0.0, 0.0, 1.0),
        ("huber", 1.0, 0.5, 0.125, -0.5, 0.0),
        ("huber", 1.0, 3.0, 0.875, 0.5, 0.0),
        ("huber", 1.0, -1.0, 0.875, -0.5, 0.0),
        ("hinge", 1.0, 0.5, 0.5, -1.0, 0.0),
        ("hinge", -1.0, 0.25, 1.25, 1.0, 0.0),
        ("hinge", 1.0, 1.0, 0.0, 0.0, 0.0),
        ("hinge", -1.0, -3.0, 0.0, 0.0, 0.0),
    ],
)
def test_losses_by_hand(loss, y, p, value, derivative, second):
    twin = a_twin((1, 1), loss=loss, biases=(False,), delta=0.5)
    theta, one, target = np.array([p]), np.ones((1, 1)), np.full((1, 1), y)
    _, found, gradient = kernel_gradient(twin, theta, one, target)
    assert (found, gradient.tolist()) == (value, [derivative])
    architecture, data = network_of(twin).architecture(), Data(x=one, y=target)
    product = hessian_product(architecture, theta, data, np.ones(1), np.ones(1, dtype=bool))
    assert product.tolist() == [second]


@pytest.mark.jitless
@pytest.mark.parametrize("z", [-800.0, -40.0, 40.0, 800.0])
@pytest.mark.parametrize("y", [0.0, 0.25, 1.0])
def test_cross_entropy_of_a_saturated_output(z, y):
    twin = a_twin((1, 1), loss="cross_entropy", biases=(False,))
    ssr, loss, gradient = kernel_gradient(twin, np.array([z]), np.ones((1, 1)), np.full((1, 1), y))
    p = 1.0 if z > 0 else 0.0
    # -(y ln p + (1 - y) ln(1 - p)): one logarithm is -|z|, the other -e^-|z|.
    expected = abs(p - y) * abs(z) + math.exp(-abs(z))
    assert loss == pytest.approx(expected, rel=1e-15, abs=0)
    assert gradient == pytest.approx([p - y], rel=1e-15, abs=1e-17)
    assert ssr == pytest.approx((p - y) ** 2, rel=1e-15, abs=1e-17)


SOFTMAX = a_twin((1, 3), loss=CATEGORICAL, biases=(False,))
LARGEST = np.finfo(float).max


@pytest.mark.jitless
@pytest.mark.parametrize(
    "z",
    [
        [0.0, 0.0, 0.0],
        [-40.0, 0.0, 3.0],
        [1e4, -1e4, 9999.0],
        [-1e4, -1e4, -1e4],
        [1e308, 1e308, 1e308],
        [LARGEST, -LARGEST, 0.0],
        [-1e308, 5.0, 5.0],
        [-math.inf, 2.0, 1.0],
    ],
    ids=str,
)
@pytest.mark.parametrize("observed", [0, 1, 2])
def test_cross_entropy_of_softmax_does_not_overflow(z, observed):
    target = np.eye(3)[observed : observed + 1]
    ssr, loss, gradient = kernel_gradient(SOFTMAX, np.array(z), np.ones((1, 1)), target)
    with np.errstate(over="ignore"):
        log_p = scipy.special.log_softmax(z)
        predicted = kernel_predict(SOFTMAX, np.array(z), np.ones((1, 1)))[0]
    p = np.exp(log_p)
    assert loss == pytest.approx(-log_p[observed], rel=1e-15, abs=0)
    assert gradient == pytest.approx(p - target[0], rel=1e-15, abs=2e-16)
    assert ssr == pytest.approx(np.sum((p - target[0]) ** 2), rel=1e-14, abs=1e-31)
    assert predicted == pytest.approx(p, rel=1e-15)


@pytest.mark.jitless
@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("observed", [0, 1, 2])
def test_softmax_of_a_number_that_is_not_finite_is_nan(bad, at, observed):
    z, target = np.array([0.5, -2.0, 1.0]), np.eye(3)[observed : observed + 1]
    z[at] = bad
    ssr, loss, gradient = kernel_gradient(SOFTMAX, z, np.ones((1, 1)), target)
    assert np.isnan([ssr, loss, *gradient]).all()


@pytest.mark.jitless
@pytest.mark.parametrize("predicts", [False, True])
def test_evaluating_many_networks_is_evaluating_each(predicts):
    twin = a_twin((2, 3, 2), output_scale=0.7)
    _, inputs, targets = a_problem(twin)
    thetas = np.random.default_rng(1).normal(size=(4, twin.parameters))
    found = evaluate_all(
        network_of(twin).architecture(),
        thetas,
        Data(x=inputs, y=targets),
        predicts,
        np.zeros(1, np.uint8),
    )
    assert found.predictions.shape == ((4, 5, 2) if predicts else (4, 0, 0))
    for row, theta in enumerate(thetas):
        ssr, loss, _ = kernel_gradient(twin, theta, inputs, targets)
        assert (found.ssr[row], found.loss[row]) == (ssr, loss)
        if predicts:
            expected = kernel_predict(twin, theta, inputs)
            assert found.predictions[row].tolist() == expected.tolist()


def test_cross_entropy_of_softmax_is_scipys():
    rng = np.random.default_rng(7)
    twin = a_twin((4, 6, 10), loss=CATEGORICAL)
    theta, inputs = 3.0 * rng.normal(size=twin.parameters), rng.normal(size=(50, 4))
    classes = rng.integers(0, 10, size=50)
    z = twin.forward(theta, inputs)[0][-1]
    expected = scipy.special.log_softmax(z, axis=1)
    _, loss, _ = kernel_gradient(twin, theta, inputs, np.eye(10)[classes])
    assert loss == pytest.approx(-expected[np.arange(50), classes].mean(), rel=1e-13)
    ours = kernel_predict(twin, theta, inputs)
    assert ours == pytest.approx(scipy.special.softmax(z, axis=1), rel=1e-12)
    assert ours.sum(axis=1) == pytest.approx(np.ones(50), rel=1e-15)


def test_softmax_of_two_outputs_is_a_sigmoid_of_their_difference():
    z, inputs = np.array([0.3, -1.1]), np.array([[1.0], [4.0], [30.0]])
    twin = a_twin((1, 2), loss=CATEGORICAL, biases=(False,))
    ours = kernel_predict(twin, z, inputs)[:, 0]
    assert ours == pytest.approx(scipy.special.expit(1.4 * inputs[:, 0]), rel=1e-14)


def test_infinite_parameters_do_not_have_a_finite_loss():
    twin = a_twin((1, 1), "relu", last="relu")
    one = np.ones((1, 1))
    _, loss, _ = kernel_gradient(twin, twin.theta(w1=math.inf, b1=0.0), one, one)
    assert loss == math.inf
    _, loss, _ = kernel_gradient(twin, twin.theta(w1=math.inf, b1=-math.inf), one, one)
    assert math.isnan(loss)  # relu must not turn it into 0


@pytest.mark.jitless
@pytest.mark.parametrize("output_scale", [1.0, 0.3])
@pytest.mark.parametrize("hidden", SIZES)
def test_predictions(hidden, output_scale):
    twin = Twin(
        sizes=SIZES[hidden],
        activations=(*("softplus", "relu")[:hidden], "tanh"),
        biases=(True, False, True)[: hidden + 1],
        scales=SCALED[hidden],
        output_scale=output_scale,
    )
    theta, inputs, _ = a_problem(twin)
    ours = kernel_predict(twin, theta, inputs)
    assert ours.shape == (5, twin.sizes[-1])
    assert ours == pytest.approx(twin.predict(theta, inputs), rel=1e-13)


# -- packing ---------------------------------------------------------------------------------------

PACKINGS = [
    a_twin((1, 2, 1)),
    a_twin((2, 3)),
    a_twin((3, 2, 4, 2), biases=(True, False, True)),
    a_twin((2, 3, 1), biases=(False, True)),
    a_twin((2, 2, 2), biases=(False, False)),
]


@pytest.mark.parametrize("twin", PACKINGS, ids=lambda twin: "-".join(map(str, twin.sizes)))
def test_names_and_positions_agree_with_the_twin(twin):
    network = network_of(twin)
    assert network.parameter_count == twin.parameters
    assert network.parameters == tuple(twin.table_names())
    assert network.positions == {name: twin.names().index(name) for name in twin.table_names()}
    assert network.layer_of.tolist() == twin.layer_of_parameters().tolist()
    biases = [at for at, name in enumerate(twin.names()) if name.startswith("b")]
    assert sorted(network.bias_positions.tolist()) == biases


@pytest.mark.parametrize("twin", PACKINGS, ids=lambda twin: "-".join(map(str, twin.sizes)))
def test_matrices_begin_where_the_twin_unpacks_them(twin):
    architecture = network_of(twin).architecture()
    theta = np.arange(twin.parameters, dtype=float)
    begins = [int(matrix[0, 0]) for matrix in twin.unpack(theta)]
    assert architecture.matrices.tolist() == [0, *begins]
    assert architecture.sizes.tolist() == list(twin.sizes)
    assert architecture.biases.tolist() == [0, *twin.biases]
    units = [sum(twin.sizes[:layer]) for layer in range(twin.layers + 1)]
    assert architecture.units.tolist() == units


def test_bias_is_the_last_row_of_its_matrix():
    twin = a_twin((2, 3, 2), biases=(True, True))
    network = network_of(twin)
    first, second = twin.unpack(np.arange(twin.parameters))
    assert [network.positions[f"b{k}"] for k in (1, 2, 3)] == first[2].tolist()
    assert [network.positions[f"b{k}"] for k in (4, 5)] == second[3].tolist()
    assert [network.positions[f"w{k}"] for k in (1, 2)] == first[:2, 0].tolist()


@pytest.mark.parametrize(
    ("scale", "factor"),
    [(0.25, 0.25), ("1/sqrt(fan_in)", 0.5), ("sqrt(2/fan_in)", math.sqrt(0.5)), ("1/fan_in", 0.25)],
)
def test_named_scales_depend_on_the_fan_in_without_the_bias(scale, factor):
    network = Network(
        sizes=(2, 4, 3),
        activations=("tanh", "identity"),
        biases=(True, True),
        scales=(1.0, scale),
        output_scale=2.0,
        loss="mse",
    )
    architecture = network.architecture()
    assert architecture.scales.tolist() == [1.0, 1.0, factor]
    assert architecture.output_scale == 2.0
    assert set(SCALES) == {"1/sqrt(fan_in)", "sqrt(2/fan_in)", "1/fan_in"}
