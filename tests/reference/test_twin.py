"""The twin's gradients, random numbers and training, compared with independent definitions.

`harness` is not used here; `test_reference` compares the twin with published numbers.
"""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from .network import (
    ACTIVATIONS,
    SLOPES,
    Twin,
    gradient,
    gradient_by_backpropagation,
    gradient_by_complex_step,
    gradient_by_differences,
    log_softmax,
    softmax,
)
from .random_numbers import (
    SCHEMES,
    drawn_indices,
    fma,
    initial_parameters,
    normal,
    shuffled_order,
    uniform01,
    word,
)
from .training import batches_of_epoch, train

SMOOTH = ("softplus", "sigmoid", "tanh", "identity")

# -- gradients by three routes ---------------------------------------------------------------------


def a_case(sizes, activations, loss, biases, scales, output_scale=1.0, samples=5):
    """Return a network with data and parameters, the same at every call."""
    twin = Twin(
        sizes=sizes,
        activations=activations,
        loss=loss,
        biases=biases,
        scales=scales,
        output_scale=output_scale,
    )
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(samples, sizes[0]))
    targets = rng.uniform(size=(samples, sizes[-1]))
    if activations[-1] == "softmax":
        targets /= targets.sum(axis=1, keepdims=True)
    return twin, rng.normal(size=twin.parameters), inputs, targets


CASES = [
    ((2, 3), 1, (True,), (1.0,)),
    ((1, 2, 1), 2, (True, True), (1.0, 1.0)),
    ((3, 4, 2), 2, (False, True), (0.5, 1.5)),
    ((2, 3, 2, 2), 3, (True, False, True), (1.0, 0.7, 2.0)),
]


@pytest.mark.parametrize(("sizes", "layers", "biases", "scales"), CASES)
@pytest.mark.parametrize("loss", ["ssr", "half_ssr", "mse", "cross_entropy", "softmax"])
@pytest.mark.parametrize("activation", ["softplus", "sigmoid", "tanh", "identity", "relu"])
def test_backpropagation_against_the_gradient_without_calculus(
    sizes, layers, biases, scales, loss, activation
):
    last = {"cross_entropy": "sigmoid", "softmax": "softmax"}.get(loss, activation)
    loss = "cross_entropy" if loss == "softmax" else loss
    activations = (activation,) * (layers - 1) + (last,)
    output_scale = 1.0 if loss == "cross_entropy" else 0.8
    case = a_case(sizes, activations, loss, biases, scales, output_scale)
    ours, free = gradient_by_backpropagation(*case), gradient(*case)
    smooth = "relu" not in activations
    tolerance = 1e-12 if smooth else 1e-7
    assert ours == pytest.approx(free, rel=tolerance, abs=tolerance * np.abs(free).max())
    assert gradient_by_differences(*case) == pytest.approx(
        ours, rel=1e-6, abs=1e-7 * np.abs(ours).max()
    )
    # Away from the kink, the complex step chooses relu's side by the real part, and agrees too.
    assert gradient_by_complex_step(*case) == pytest.approx(ours, rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("name", SMOOTH)
def test_activations_and_slopes_against_mpmath(name):
    exact = {
        "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
        "tanh": mpmath.tanh,
        "identity": lambda z: z,
    }[name]
    points = np.array([-700.0, -40.0, -3.0, -0.4, -1e-9, 0.0, 1e-9, 0.4, 3.0, 40.0, 700.0])
    with mpmath.workdps(400):
        values = [float(exact(mpmath.mpf(z))) for z in points]
        slopes = [float(mpmath.diff(exact, mpmath.mpf(z))) for z in points[1:-1]]
    f = ACTIVATIONS[name]
    assert f(points) == pytest.approx(values, rel=4e-16, abs=0)
    assert SLOPES[name](points[1:-1]) == pytest.approx(slopes, rel=1e-15, abs=0)
    stepped = f(points + 1e-200j)
    assert stepped.real == pytest.approx(values, rel=1e-15, abs=0)
    assert stepped.imag[1:-1] / 1e-200 == pytest.approx(slopes, rel=1e-14, abs=1e-30)


@pytest.mark.parametrize("z", [[0.0, 0.0, 0.0], [-3.0, 700.0, 699.5], [1e4, -1e4, 9990.0]])
def test_softmax_against_mpmath(z):
    with mpmath.workdps(9000):
        powers = [mpmath.exp(mpmath.mpf(x)) for x in z]
        p = [power / sum(powers) for power in powers]
        exact = [float(x) for x in p]
        logarithms = [float(mpmath.log(x)) for x in p]
        row = [float(p[0] * ((k == 0) - p[k])) for k in range(3)]
    assert softmax(np.array(z)) == pytest.approx(exact, rel=1e-15, abs=1e-300)
    assert log_softmax(np.array(z)) == pytest.approx(logarithms, rel=1e-15, abs=1e-16)
    moved = np.array(z) + 1e-200j * np.eye(3)
    assert softmax(moved)[:, 0].imag / 1e-200 == pytest.approx(row, rel=1e-14, abs=1e-16)


def test_relu_has_slope_zero_at_its_kink():
    assert SLOPES["relu"](np.array([-1.0, 0.0, 1.0])).tolist() == [0.0, 0.0, 1.0]
    assert ACTIVATIONS["relu"](np.array([-1.0, 0.0, 2.0])).tolist() == [0.0, 0.0, 2.0]


# -- random numbers --------------------------------------------------------------------------------


def philox_by_hand(counter, key):
    """Return Philox4x64-10 in Python integers, by the paper (Salmon et al. 2011, section 3.3)."""
    mask = 2**64 - 1
    c, k = list(counter), list(key)
    for _ in range(10):
        low, high = c[0] * 0xD2E7470EE14C6C93, c[2] * 0xCA5A826395121157
        c = [(high >> 64) ^ c[1] ^ k[0], high & mask, (low >> 64) ^ c[3] ^ k[1], low & mask]
        k = [(k[0] + 0x9E3779B97F4A7C15) & mask, (k[1] + 0xBB67AE8584CAA73B) & mask]
    return c


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
@pytest.mark.parametrize(("stream", "major", "index"), [(0, 0, 0), (0, 7, 6), (3, 0, 1), (2, 5, 9)])
def test_word_is_addressed_by_counter_and_key(seed, stream, major, index):
    expected = philox_by_hand((index // 4, major, stream, 0), (seed, 0))[index % 4]
    assert word(seed, stream, major, index) == expected


def test_philox_known_answer():
    # Random123, kat_vectors: philox4x64 with 10 rounds, counter and key of zeros.
    assert [f"{word(0, 0, 0, i):016x}" for i in range(4)] == [
        "16554d9eca36314c",
        "db20fe9d672d0fdc",
        "d7e772cee186176b",
        "7e68b68aec7ba23b",
    ]


def test_uniform_and_normal_have_the_right_moments():
    uniforms = np.array([uniform01(4, 0, i, 2) for i in range(4000)])
    normals = np.array([normal(4, 0, i, 2) for i in range(4000)])
    assert 0 <= uniforms.min() < uniforms.max() < 1
    assert uniforms.mean() == pytest.approx(0.5, abs=0.02)
    assert [normals.mean(), normals.std()] == pytest.approx([0.0, 1.0], abs=0.06)


def test_orders_and_draws():
    assert sorted(shuffled_order(1, 0, 20)) == list(range(20))
    assert shuffled_order(1, 0, 20) != shuffled_order(1, 1, 20)
    assert set(drawn_indices(1, 0, 5, 400)) == set(range(5))
    assert batches_of_epoch("in_order", 3, 5, 2) == [[0, 1], [2, 3], [4]]
    drawn = batches_of_epoch("drawn", 0, 5, 2, updates_per_epoch=4)
    assert [len(batch) for batch in drawn] == [2, 2, 2, 2]
    assert [len(batch) for batch in batches_of_epoch("drawn", 0, 5, 2)] == [2, 2, 2]


def test_fma_rounds_once():
    tiny = 2.0**-30
    assert (1 + tiny) * (1 - tiny) - 1.0 == 0.0
    assert fma(1 + tiny, 1 - tiny, -1.0) == -(tiny**2)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_schemes(scheme):
    twin = Twin(sizes=(3, 50, 2), activations=("tanh", "identity"))
    theta = initial_parameters(twin, scheme, 2, scale=2.0, offset=0.25)
    biases = [name.startswith("b") for name in twin.names()]
    assert not theta[biases].any()
    first = twin.unpack(theta)[0][:3] - 0.25
    spread = {
        "zeros": 0.0,
        "constant": 2.0,
        "normal": 2.0,
        "uniform": 2.0 / math.sqrt(3),
        "glorot": 2.0 * math.sqrt(2 / 53),
        "he": 2.0 * math.sqrt(2 / 3),
        "lecun": 2.0 * math.sqrt(1 / 3),
    }[scheme]
    assert math.sqrt(np.mean(first**2)) == pytest.approx(spread, rel=0.15)
    same = initial_parameters(twin, scheme, 2, biases="same", parameters={"b1": 9.0, "w2": 8.0})
    assert same[twin.names().index("b1")] == 9.0
    assert same[twin.names().index("w2")] == 8.0


# -- training --------------------------------------------------------------------------------------


def test_momentum_batches_and_a_rate_for_each_layer():
    twin, theta, inputs, targets = a_case((2, 3, 1), ("tanh", "identity"), "mse", None, None)
    record = train(twin, inputs, targets, theta, 2, [0.1, 0.02], momentum=0.9, batch_size=2)
    rate = np.array([0.1] * 9 + [0.02] * 4)
    velocity = np.zeros(13)
    for rows in ([0, 1], [2, 3], [4]) * 2:
        slope = gradient_by_backpropagation(twin, theta, inputs[rows], targets[rows])
        velocity = 0.9 * velocity - rate * slope
        theta = theta + velocity
    assert record.theta == pytest.approx(theta, rel=1e-12)
    assert record.state["velocity"] == pytest.approx(velocity, rel=1e-11)
    assert (record.status, record.epochs, len(record.ssr)) == ("finished", 2, 3)
    assert record.loss == pytest.approx(np.array(record.ssr) / 5)


def test_statuses():
    twin = Twin(sizes=(1, 1), activations=("identity",))
    x, y, zero = np.array([[1.0]]), np.array([[1.0]]), np.zeros(2)
    assert train(twin, x, y, zero, 5, 0.1, tolerance=1.0).epochs == 0
    assert train(twin, x, y, zero, 5, 0.1, tolerance=1.0, limit=0.5).status == "diverged"
    # Each epoch multiplies the error by 1 - 4 * rate.
    converged = train(twin, x, y, zero, 50, 0.125, tolerance=2.0**-6)
    assert (converged.status, converged.epochs) == ("converged", 3)
    overflow = train(twin, x, y, zero, 5000, 2.0)
    assert overflow.status == "diverged"
    assert not math.isfinite(overflow.loss[-1])
    assert math.isfinite(overflow.loss[-2])
