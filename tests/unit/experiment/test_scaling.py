"""Scaling: exact, measured on some of the data points, and missing inputs."""

import itertools
import math
import statistics
from fractions import Fraction

import numpy as np
import pytest

from harness.errors import ExperimentError
from harness.experiment import Experiment
from harness.experiment.data import Dataset
from harness.experiment.scaling import SCALINGS, mean, prepare, scale_of, unscaled


def standardise(column):
    return scale_of(column, "standardise").apply(column)


def min_max(column):
    return scale_of(column, "min_max").apply(column)


def test_standardise_against_exact_arithmetic():
    for column in ([0.1, 0.2, 0.4, -0.7], [1e9 + 1, 1e9 + 2, 1e9 + 4, 1e9 - 9]):
        found = standardise(np.array(column))
        exact = [Fraction(x) for x in column]
        middle = statistics.fmean(column)
        variance = sum((x - sum(exact) / 4) ** 2 for x in exact) / 4
        assert float(np.mean(found)) == pytest.approx(0.0, abs=1e-15)
        expected = [float(x - Fraction(middle)) / math.sqrt(variance) for x in exact]
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert statistics.pstdev(found.tolist()) == pytest.approx(1.0, rel=1e-14)


def test_standardise_does_not_depend_on_the_order_of_rows():
    # Summed in different orders, these are 4, 3, 1 or 0.
    column = np.array([1e16, 1.0, -1e16, 3.0])
    expected = standardise(column)
    for order in itertools.permutations(range(4)):
        assert standardise(column[list(order)]).tobytes() == expected[list(order)].tobytes()


@pytest.mark.parametrize("size", [1e308, 1.0, 1e-200, 5e-324])
def test_scale_the_largest_and_smallest_floats(size):
    for column in ([size, -size], [size, 0.0]):
        assert standardise(np.array(column)).tolist() == [1.0, -1.0]
        assert min_max(np.array(column)).tolist() == [1.0, 0.0]
    many = np.array([1e308, 1e308, 1e308, -1e308])
    assert np.all(np.isfinite(standardise(many)))
    assert standardise(np.array([1e-200, 2e-200])).tolist() == [-1, 1]
    assert mean(np.array([size, size])) == size


@pytest.mark.parametrize("power", [-900, -3, 1, 900])
def test_scaling_by_powers_of_two_does_not_change_scaled_bits(power):
    rng = np.random.default_rng(5)
    column = rng.normal(3.0, 2.0, size=50)
    middle = math.fsum(column) / 50
    deviation = math.sqrt(math.fsum((column - middle) ** 2) / 50)
    found = standardise(np.ldexp(column, power))
    assert found.tobytes() == ((column - middle) / deviation).tobytes()
    expected = (column - column.min()) / (column.max() - column.min())
    assert min_max(np.ldexp(column, power)).tobytes() == expected.tobytes()


@pytest.mark.parametrize("how", SCALINGS)
def test_data_points_that_are_not_measured_do_not_change_the_others(how):
    column = np.array([2.0, 4.0, 1e6, 5.0])
    rows = np.array([0, 1, 3])
    inputs = column[:, np.newaxis]
    found = Dataset(inputs=inputs, targets=inputs)
    found = prepare(found, {"inputs": ("data.scale", how)}, rows).inputs[:, 0]
    assert found[rows].tobytes() == scale_of(column[rows], how).apply(column[rows]).tobytes()
    low, high = found[0], found[1]
    assert found[2] == pytest.approx(low + (high - low) * (1e6 - 2) / 2, rel=1e-12)


def test_prepare_measures_on_some_of_the_data_points():
    inputs = np.array([[1.0, 10.0], [3.0, np.nan], [100.0, 30.0]])
    found = Dataset(inputs=inputs, targets=np.array([[0.0], [1.0], [0.0]]))
    rows = slice(0, 2)
    made = prepare(found, {"inputs": ("data.scale", 2.0)}, rows)
    assert made.inputs.tolist() == [[0.5, 5.0], [1.5, 5.0], [50.0, 15.0]]
    assert np.isnan(inputs[1, 1])
    assert prepare(found, {}).inputs[1].tolist() == [3.0, 20.0]
    # Of the last column, the rows have a single value.
    with pytest.raises(ExperimentError, match=r"column 2 of data\.inputs, which is 10\.0"):
        prepare(found, {"inputs": ("data.scale", "min_max")}, rows)


@pytest.mark.parametrize("how", [*SCALINGS, 3.0])
def test_unscaled_targets_are_those_that_were_given(how):
    rng = np.random.default_rng(1)
    for size in (1e308, 1.0, 1e-300):
        numbers = size * rng.uniform(-1, 1, 6)
        targets = np.column_stack([numbers, [0.0, 1, 1, 0, 1, 0]])
        given = Dataset(inputs=targets, targets=targets, target_words=frozenset([1]))
        rows = np.array([0, 2, 3, 5])
        made = prepare(given, {"targets": ("data.scale", how)}, rows)
        found = unscaled(made.targets, given, how, rows)
        np.testing.assert_allclose(found, targets, rtol=1e-14, atol=1e-15 * size)
        assert found[:, 1].tolist() == targets[:, 1].tolist()


def test_a_constant_column_cannot_be_scaled():
    points = Dataset(inputs=np.array([[1.0], [2.0]]), targets=np.array([[1.0, 3.0], [2.0, 3.0]]))
    for key, how in (("data.standardise", "standardise"), ("data.scale", "min_max")):
        with pytest.raises(ExperimentError, match=r"column 2 of data.targets, which is 3\.0") as e:
            prepare(points, {"targets": (key, how)})
        assert e.value.key == key
        assert e.value.advice


def experiment(**data):
    return Experiment.from_mapping(
        {
            "name": "x",
            "network": {"layers": [1, 1], "activations": ["identity"]},
            "data": {"inputs": [1, 3, 5], "targets": [10, 30, 20], **data},
            "training": {"epochs": 1, "learning_rate": 0.1},
        }
    )


def test_scaled_columns_of_an_experiment():
    third = math.sqrt(1.5)
    for scaling in ({"standardise": ["inputs"]}, {"scale": {"inputs": "standardise"}}):
        found = experiment(**scaling).data
        assert found.inputs.ravel().tolist() == pytest.approx([-third, 0.0, third])
        assert found.targets.ravel().tolist() == [10.0, 30.0, 20.0]
    both = experiment(scale={"inputs": 4, "targets": "min_max"}).data
    assert both.inputs.ravel().tolist() == [0.25, 0.75, 1.25]
    assert both.targets.ravel().tolist() == [0.0, 1.0, 0.5]
    both = experiment(standardise=["targets"], scale={"inputs": 2.0}).data
    assert both.inputs.ravel().tolist() == [0.5, 1.5, 2.5]
    assert both.targets.ravel().tolist() == pytest.approx([-third, third, 0.0])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"scale": {"inputs": "minmax"}}, r'data\.scale must be a table such as { inputs = "min'),
        ({"scale": {"inputs": 0}}, r"data\.scale = .* a number above 0"),
        ({"scale": {"input": 2}}, r"data\.scale = "),
        ({"scale": 2}, r"data\.scale = 2 is not allowed"),
        ({"scale": {"inputs": 1e-320}}, r"data\.scale = 1e-320 makes numbers .* infinite"),
        ({"scale": {"inputs": 2}, "standardise": ["inputs"]}, r"scales the inputs, as data\.stand"),
    ],
)
def test_scalings_that_are_refused(data, words):
    with pytest.raises(ExperimentError, match=words) as caught:
        experiment(**data)
    assert caught.value.advice
