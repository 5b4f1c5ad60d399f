"""Products with the Hessian and its largest eigenvalue, compared with the twin's dense Hessian."""

import math

import numpy as np
import pytest

from harness.kernels.activations import ACTIVATIONS
from harness.kernels.curvature import hessian_product, sharpness_of
from harness.kernels.losses import CATEGORICAL
from harness.kernels.passes import Data
from tests.reference.curvature import hessian
from tests.reference.network import COMPLEX_STEP, SLOPES, Twin, gradient_by_complex_step
from tests.side_by_side import HIDDEN, a_problem, a_twin, network_of


def mask_of(twin, trained):
    """Return whether each parameter trains; None stands for all."""
    return np.isin(
        np.arange(twin.parameters), np.arange(twin.parameters) if trained is None else trained
    )


def product_of(twin, theta, inputs, targets, v, trained=None):
    """Return H v by the kernel."""
    architecture = network_of(twin).architecture()
    return hessian_product(
        architecture, theta, Data(x=inputs, y=targets), v, mask_of(twin, trained)
    )


def columns_of(twin, theta, inputs, targets, trained=None):
    """Return the whole Hessian by the kernel, one column per product."""
    units = np.eye(twin.parameters)
    return np.column_stack(
        [product_of(twin, theta, inputs, targets, unit, trained) for unit in units]
    )


def sharpnesses(twin, thetas, inputs, targets, trained=None, stop=0, penalised=(), l2=0.0):
    """Return the largest eigenvalue by the kernel at each row of thetas."""
    out = np.full(len(thetas), -123.0)
    with np.errstate(all="ignore"):  # without the compiler, NumPy warns of overflows
        sharpness_of(
            network_of(twin).architecture(),
            np.array(thetas),
            Data(x=inputs, y=targets),
            mask_of(twin, trained),
            mask_of(twin, penalised),
            np.broadcast_to(l2, len(thetas)).astype(float),
            np.array([stop], dtype=np.uint8),
            out,
        )
    return out


def assert_largest(found, eigenvalues):
    """Compare a sharpness with the ascending eigenvalues, within the promised tolerance."""
    norm = np.abs(eigenvalues).max()
    allowed = max(1e-8 * abs(eigenvalues[-1]), 1e-10 * norm)
    assert found == pytest.approx(eigenvalues[-1], rel=0, abs=allowed)


def a_quadratic(spectrum):
    """Return a linear network, theta, inputs and targets whose Hessian has these eigenvalues."""
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.normal(size=(len(spectrum), len(spectrum))))
    inputs = np.sqrt(spectrum)[:, None] * basis.T  # the loss is 1/2 |X theta|^2: H = X'X
    twin = a_twin((len(spectrum), 1), loss="half_ssr", biases=(False,))
    return twin, np.zeros(len(spectrum)), inputs, np.zeros((len(spectrum), 1))


# -- second derivatives ----------------------------------------------------------------------------


@pytest.mark.jitless
@pytest.mark.parametrize("z", [-30.0, -2.0, -0.3, 0.4, 5.0, 30.0])
@pytest.mark.parametrize("name", HIDDEN)
def test_bend_is_the_derivative_of_the_slope(name, z):
    a, slope = ACTIVATIONS[name].value_and_slope(z)
    moved = np.array([z + 1j * COMPLEX_STEP])
    expected = SLOPES[name](moved)[0].imag / COMPLEX_STEP
    # 1 - slope and 1 - 2a have the rounding error of 1.
    assert ACTIVATIONS[name].bend(a, slope) == pytest.approx(expected, rel=1e-14, abs=1e-15)


CASES = {
    "softplus": a_twin((1, 2, 1), "softplus"),
    "sigmoid": a_twin((2, 3, 1), "sigmoid", "cross_entropy"),
    "tanh": Twin(
        sizes=(3, 4, 2),
        activations=("tanh", "tanh"),
        loss="mse",
        biases=(False, True),
        scales=(0.5, 1.5),
        output_scale=0.8,
    ),
    "three_layers": Twin(
        sizes=(2, 4, 3, 1),
        activations=("softplus", "tanh", "sigmoid"),
        loss="half_ssr",
        biases=(True, False, True),
        scales=(0.5, 1.5, 0.7),
        output_scale=2.0,
    ),
    "cross_entropy": Twin(
        sizes=(2, 3, 2, 2),
        activations=("tanh", "softplus", "sigmoid"),
        loss="cross_entropy",
        scales=(0.5, 1.5, 0.7),
    ),
    "softmax": Twin(
        sizes=(2, 4, 3, 3),
        activations=("softplus", "tanh", "softmax"),
        loss="cross_entropy",
        biases=(True, False, True),
        scales=(0.5, 1.5, 0.7),
    ),
    "softmax_regression": a_twin((2, 4), loss=CATEGORICAL),
    "identity": a_twin((2, 3, 2), "identity"),
    "relu": a_twin((2, 4, 3, 1), "relu", "half_ssr"),
    "softplus_output": a_twin((2, 2), last="softplus", loss="mse"),
}
EVERY_CASE = pytest.mark.parametrize("twin", CASES.values(), ids=CASES)


@EVERY_CASE
def test_the_twins_hessian_agrees_with_differences_of_gradients(twin):
    theta, inputs, targets = a_problem(twin)
    exact, step = hessian(twin, theta, inputs, targets), 1e-5
    for k, row in enumerate(exact):
        move = step * (np.arange(theta.size) == k)
        up = gradient_by_complex_step(twin, theta + move, inputs, targets)
        down = gradient_by_complex_step(twin, theta - move, inputs, targets)
        assert row == pytest.approx((up - down) / (2 * step), rel=1e-7, abs=1e-8)


@pytest.mark.jitless
@EVERY_CASE
def test_products_agree_with_the_dense_hessian(twin):
    theta, inputs, targets = a_problem(twin)
    if "relu" in twin.activations:
        assert all(np.abs(z).min() > 1e-3 for z in twin.forward(theta, inputs)[0])
    exact = hessian(twin, theta, inputs, targets)
    found = columns_of(twin, theta, inputs, targets)
    assert found == pytest.approx(exact, rel=1e-12, abs=1e-14 * np.abs(exact).max())


@pytest.mark.jitless
@EVERY_CASE
def test_sharpness_is_the_largest_eigenvalue_of_the_dense_hessian(twin):
    theta, inputs, targets = a_problem(twin)
    eigenvalues = np.linalg.eigvalsh(hessian(twin, theta, inputs, targets))
    (found,) = sharpnesses(twin, [theta], inputs, targets)
    assert_largest(found, eigenvalues)


@EVERY_CASE
def test_products_are_symmetric(twin):
    problem = a_problem(twin)
    u, v = np.random.default_rng(5).normal(size=(2, twin.parameters))
    there, back = u @ product_of(twin, *problem, v), v @ product_of(twin, *problem, u)
    assert abs(there) > 1e-3  # zeros would agree trivially
    assert there == pytest.approx(back, rel=1e-11)


@pytest.mark.jitless
@pytest.mark.parametrize("trained", [[0, 3], [2], [0, 1, 2, 4, 5, 6]], ids=str)
def test_parameters_that_do_not_train_have_no_curvature(trained):
    twin = a_twin((1, 2, 1), "softplus")
    problem = a_problem(twin)
    exact = np.zeros((twin.parameters, twin.parameters))
    exact[np.ix_(trained, trained)] = hessian(twin, *problem)[np.ix_(trained, trained)]
    found = columns_of(twin, *problem, trained)
    assert found == pytest.approx(exact, rel=1e-12, abs=1e-14)
    own = np.linalg.eigvalsh(hessian(twin, *problem)[np.ix_(trained, trained)])
    assert_largest(sharpnesses(twin, [problem[0]], *problem[1:], trained)[0], own)


@pytest.mark.jitless
@pytest.mark.parametrize("z", [-700.0, -40.0, 0.5, 40.0, 700.0])
def test_curvature_of_a_saturated_cross_entropy_keeps_its_digits(z):
    twin = a_twin((1, 1), loss="cross_entropy", biases=(False,))
    one, target = np.ones((1, 1)), np.full((1, 1), 0.25)
    e = math.exp(-abs(z))
    expected = e / (1.0 + e) ** 2  # p (1 - p), for any target
    assert product_of(twin, np.array([z]), one, target, np.ones(1)) == pytest.approx(
        [expected], rel=1e-12, abs=0
    )
    assert sharpnesses(twin, [[z]], one, target) == pytest.approx([expected], rel=1e-12, abs=0)


@pytest.mark.jitless
@pytest.mark.parametrize("z", [-100.0, -40.0, 0.5, 40.0, 100.0])
def test_curvature_of_saturated_softmax_outputs_keeps_its_digits(z):
    twin = a_twin((1, 2), loss=CATEGORICAL, biases=(False,))
    theta, one, target = np.array([z, -z]), np.ones((1, 1)), np.array([[0.25, 0.75]])
    e = math.exp(-2.0 * abs(z))
    expected = e / (1.0 + e) ** 2 * np.array([[1.0, -1.0], [-1.0, 1.0]])  # diag(p) - p p'
    found = columns_of(twin, theta, one, target)
    assert found == pytest.approx(expected, rel=1e-12, abs=0)
    largest = sharpnesses(twin, [theta], one, target)
    assert largest == pytest.approx([2.0 * expected[0, 0]], rel=1e-12, abs=0)


@pytest.mark.jitless
@pytest.mark.parametrize("penalised", [[0, 1, 4, 5], [2], range(7)], ids=str)
@pytest.mark.parametrize("trained", [None, [0, 2, 5]], ids=str)
def test_a_penalty_adds_to_the_curvature_of_penalised_parameters(trained, penalised):
    twin = a_twin((1, 2, 1), "softplus")
    theta, inputs, targets = a_problem(twin)
    factors = [0.0, 0.5, 40.0]

    def gradient(moved, l2):
        return gradient_by_complex_step(twin, moved, inputs, targets) + np.where(
            np.isin(np.arange(7), penalised), l2 * moved, 0.0
        )

    found = sharpnesses(twin, [theta] * 3, inputs, targets, trained, 0, penalised, factors)
    own = list(range(7)) if trained is None else trained
    for l2, largest in zip(factors, found, strict=True):
        moves = 1e-5 * np.eye(7)
        dense = [(gradient(theta + m, l2) - gradient(theta - m, l2)) / 2e-5 for m in moves]
        eigenvalues = np.linalg.eigvalsh(np.array(dense)[np.ix_(own, own)])
        assert largest == pytest.approx(eigenvalues[-1], rel=1e-6)
    assert found[2] > found[0] or not set(penalised) & set(own)


# -- eigenvalues -----------------------------------------------------------------------------------


def test_linear_regression_has_a_constant_hessian():
    twin = a_twin((3, 1))
    theta, inputs, targets = a_problem(twin)
    matrix = np.column_stack([inputs, np.ones(5)])
    exact = 2 * matrix.T @ matrix
    for factor in (0.0, 1.0, 100.0):
        found = columns_of(twin, factor * theta, inputs, targets)
        assert found == pytest.approx(exact, rel=1e-13, abs=1e-14)


SPECTRA = {
    "one": [3.0],
    "all_equal": np.full(40, 2.5),
    "double": np.r_[np.linspace(0.0, 1.0, 48), 10.0, 10.0],
    "close": np.r_[np.linspace(0.0, 1.0, 98), 1.0001, 1.00011],
    "even": np.arange(1.0, 301.0),
    "decaying": np.logspace(-8, 0, 200),
    "tiny": 1e-12 * np.arange(1.0, 31.0),
    "huge": 1e12 * np.arange(1.0, 31.0),
}


@pytest.mark.parametrize("spectrum", SPECTRA.values(), ids=SPECTRA)
def test_largest_eigenvalue_of_a_known_spectrum(spectrum):
    twin, theta, inputs, targets = a_quadratic(np.asarray(spectrum))
    (found,) = sharpnesses(twin, [theta], inputs, targets)
    assert_largest(found, np.asarray(spectrum))


def test_an_eigenvalue_that_does_not_converge_is_at_most_too_small():
    # The largest eigenvalues are so dense that 1000 steps cannot separate them.
    spectrum = np.sort(1.0 - np.linspace(0.0, 1.0, 300) ** 4)
    twin, theta, inputs, targets = a_quadratic(spectrum)
    (found,) = sharpnesses(twin, [theta], inputs, targets)
    assert 1.0 - 1e-5 < found <= 1.0 + 1e-14


def bent_down(spectrum, rest=0):
    """Return a tanh unit far above all its targets: H is negative, and 0 in `rest` dimensions."""
    rng = np.random.default_rng(1)
    count = len(spectrum) + rest
    basis, _ = np.linalg.qr(rng.normal(size=(count, count)))
    inputs = np.sqrt(spectrum)[:, None] * basis.T[: len(spectrum)]
    twin = a_twin((count, 1), last="tanh", loss="half_ssr", biases=(False,))
    theta = np.linalg.lstsq(inputs, np.full(len(spectrum), 0.5), rcond=None)[0]
    return twin, theta, inputs, np.full((len(spectrum), 1), -50.0)


@pytest.mark.jitless
def test_the_largest_eigenvalue_is_not_the_largest_in_magnitude():
    twin, theta, inputs, targets = bent_down(np.array([1.0, 2.0, 5.0]))
    eigenvalues = np.linalg.eigvalsh(hessian(twin, theta, inputs, targets))
    assert eigenvalues[0] == pytest.approx(5 * eigenvalues[-1])
    assert eigenvalues[-1] < -10.0
    assert_largest(sharpnesses(twin, [theta], inputs, targets)[0], eigenvalues)


def test_a_positive_eigenvalue_beside_larger_negative_ones():
    twin = a_twin((1, 3, 1), loss="half_ssr", last="tanh")
    theta, inputs, _ = a_problem(twin)
    targets = -20.0 * np.sign(twin.predict(theta, inputs))
    eigenvalues = np.linalg.eigvalsh(hessian(twin, theta, inputs, targets))
    assert 0.0 < eigenvalues[-1] < -0.8 * eigenvalues[0]
    assert_largest(sharpnesses(twin, [theta], inputs, targets)[0], eigenvalues)


def test_a_singular_negative_hessian_has_the_largest_eigenvalue_0():
    twin, theta, inputs, targets = bent_down(np.linspace(1.0, 2.0, 20), rest=20)
    eigenvalues = np.linalg.eigvalsh(hessian(twin, theta, inputs, targets))
    assert eigenvalues[0] < -10.0
    assert abs(eigenvalues[-1]) < 1e-12
    assert_largest(sharpnesses(twin, [theta], inputs, targets)[0], eigenvalues)


@pytest.mark.jitless
def test_a_hessian_of_zeros_has_the_eigenvalue_0():
    # A dead relu unit, and an output without a bias, which therefore never changes.
    twin = a_twin((1, 1, 1), "relu", biases=(False, False))
    assert sharpnesses(twin, [[1.0, 2.0]], -np.ones((1, 1)), np.ones((1, 1))).tolist() == [0.0]


@pytest.mark.jitless
def test_sharpness_is_0_if_no_parameter_trains():
    twin = a_twin((1, 2, 1))
    theta, inputs, targets = a_problem(twin)
    assert sharpnesses(twin, [theta], inputs, targets, trained=[]).tolist() == [0.0]


@pytest.mark.jitless
def test_sharpness_is_nan_if_parameters_or_products_are_not_finite():
    twin = a_twin((1, 2, 1), "softplus")
    theta, inputs, targets = a_problem(twin)
    thetas = np.tile(theta, (6, 1))
    thetas[1, 0], thetas[2, 6], thetas[3, 3], thetas[4] = math.nan, math.inf, -math.inf, 1e200
    found = sharpnesses(twin, thetas, inputs, targets)
    assert np.isnan(found).tolist() == [False, True, True, True, True, False]
    assert found[0] == found[5]  # the rows between have no effect


@pytest.mark.jitless
def test_sharpness_is_nan_if_a_saturated_unit_has_an_infinite_parameter():
    # tanh is 1 and flat at infinity: the Hessian itself would be 0, and finite.
    twin = a_twin((1, 1), last="tanh", biases=(False,))
    one = np.ones((1, 1))
    assert np.isnan(sharpnesses(twin, [[math.inf]], one, one))


def test_a_row_has_the_same_bits_with_any_neighbours():
    twin = a_twin((2, 5, 3, 1))
    _, inputs, targets = a_problem(twin)
    thetas = np.random.default_rng(8).normal(size=(7, twin.parameters))
    together = sharpnesses(twin, thetas, inputs, targets)
    alone = [sharpnesses(twin, [theta], inputs, targets)[0] for theta in thetas]
    assert together.tolist() == alone
    assert together[::-1].tolist() == sharpnesses(twin, thetas[::-1], inputs, targets).tolist()
    assert len(set(alone)) == 7


@pytest.mark.jitless
def test_nothing_is_written_once_stop_is_set():
    twin = a_twin((1, 2, 1))
    theta, inputs, targets = a_problem(twin)
    assert sharpnesses(twin, [theta], inputs, targets, stop=1).tolist() == [-123.0]


@pytest.mark.parametrize("sizes", [(1, 100, 1), (1, 30, 20, 1)], ids=str)
def test_networks_at_the_edge_of_stability(sizes):
    # Cohen et al. 2021 (arXiv 2103.00065) fit Chebyshev polynomials at 20 points.
    twin = a_twin(sizes, loss="mse")
    theta = 0.5 * np.random.default_rng(2).normal(size=twin.parameters)
    inputs = np.linspace(-1.0, 1.0, 20)[:, None]
    targets = 8.0 * inputs**4 - 8.0 * inputs**2 + 1.0
    eigenvalues = np.linalg.eigvalsh(hessian(twin, theta, inputs, targets))
    assert_largest(sharpnesses(twin, [theta], inputs, targets)[0], eigenvalues)
