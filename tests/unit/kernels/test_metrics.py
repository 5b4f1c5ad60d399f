"""Metrics of predictions against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sklearn

from harness.kernels.metrics import METRICS, are_classes, classes_of, measure, threshold_of

pytestmark = pytest.mark.jitless

RNG = np.random.default_rng(3)

THEIRS = {
    "r2": sklearn.r2_score,
    "rmse": sklearn.root_mean_squared_error,
    "mae": sklearn.mean_absolute_error,
    "max_error": lambda y, p: np.max(
        [sklearn.max_error(*pair) for pair in zip(y.T, p.T, strict=True)]
    ),
}
OF_CLASSES = {
    "accuracy": sklearn.accuracy_score,
    "balanced_accuracy": sklearn.balanced_accuracy_score,
}


def test_every_metric_is_tested():
    assert {*THEIRS, *OF_CLASSES} == {*METRICS}
    assert {name for name, metric in METRICS.items() if metric.of_classes} == {*OF_CLASSES}


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("name", THEIRS)
def test_metrics_of_numbers(name, outputs):
    y, p = RNG.normal(size=(17, outputs)), RNG.normal(size=(9, 17, outputs))
    expected = [THEIRS[name](y, each) for each in p]
    assert measure(name, y, p, 0.0) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("name", OF_CLASSES)
def test_metrics_of_classes(name, classes):
    observed = RNG.integers(0, classes, 23)
    observed[:classes] = np.arange(classes)
    predicted = np.where(RNG.random((9, 23)) < 0.6, observed, RNG.integers(0, classes, (9, 23)))
    expected = [OF_CLASSES[name](observed, each) for each in predicted]
    y, p = np.eye(classes)[observed], np.eye(classes)[predicted]
    found = measure(name, y, p + 0.1 * RNG.random(p.shape), 0.5)
    assert found == pytest.approx(expected, rel=1e-15)
    if classes == 2:
        for low, high in ((0.0, 1.0), (-1.0, 1.0)):
            y, p = (low + (high - low) * v[..., np.newaxis] for v in (observed, predicted))
            found = measure(name, y, p, threshold_of(y))
            assert found == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([[0], [1], [1]], True),
        ([[0.37], [1.92], [0.37]], True),  # two values are two classes, whichever they are
        ([[0.1], [0.2], [0.3]], False),
        ([[2], [2]], False),
        ([[1, 0, 0], [0, 0, 1]], True),
        ([[0.1, 0.9], [0.9, 0.1]], True),
        ([[-1, 1], [1, -1]], True),
        ([[0.5, 0.25, 0.25], [0.0, 0.1, 0.9]], True),
        ([[0.4, 0.4, 0.2], [0.0, 0.1, 0.9]], False),  # the first point has no largest target
        ([[1, 1, 0], [0, 0, 1]], False),
        ([[1.5, 0.2], [3.1, 9.0]], False),  # a regression
        ([[1.5, -0.5], [0.2, 0.8]], False),  # adds up to 1, but these are not probabilities
        ([[0.2, 0.8], [0.3, 0.6]], False),
    ],
)
def test_which_targets_are_classes(targets, expected):
    assert are_classes(np.array(targets, dtype=float)) is expected


def test_ties_are_the_first_class_of_several_and_the_second_of_two():
    assert classes_of(np.array([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4]]), 0.5).tolist() == [0, 1]
    assert classes_of(np.array([[0.5], [0.49999]]), 0.5).tolist() == [1, 0]
    assert threshold_of(np.array([[0.0], [1.0]])) == 0.5
    assert threshold_of(np.array([[1.0], [-1.0]])) == 0.0
    assert threshold_of(np.array([[1.0], [1.0]]), np.array([[-1.0]])) == 0.0


@pytest.mark.parametrize("name", METRICS)
def test_a_network_with_a_prediction_that_is_not_finite_has_no_metric(name):
    y, p = (
        np.array([[0.0], [1.0]]),
        np.array([[[0.1], [0.9]], [[0.1], [np.nan]], [[0.1], [np.inf]]]),
    )
    assert np.isnan(measure(name, y, p, 0.5)).tolist() == [False, True, True]


@pytest.mark.parametrize(("name", "expected"), {
    "r2": -np.inf, "rmse": np.inf, "mae": np.inf, "max_error": 1e308,
    "accuracy": 0.5, "balanced_accuracy": 0.5,
}.items())  # fmt: skip
def test_finite_predictions_may_overflow_without_a_warning(name, expected):
    y, p = np.array([[0.0], [1.0]]), np.array([[[1e308], [1e308]]])
    assert measure(name, y, p, 0.5).tolist() == [expected]


def test_r2_of_targets_that_are_all_equal():
    y = np.ones((4, 1))
    p = np.array([np.ones((4, 1)), np.zeros((4, 1))])
    assert (
        measure("r2", y, p, 0.5).tolist() == [sklearn.r2_score(y, each) for each in p] == [1.0, 0.0]
    )


def test_sums_run_over_the_data_points_in_order():
    y = np.zeros((3, 1))
    p = np.array([[[1.0], [1e16], [1.0]]])
    assert measure("mae", y, p, 0.5)[0] * 3 == (1.0 + 1e16) + 1.0
