"""Axes that draw their values: distributions, independence, the same values everywhere, growth."""

import copy
import hashlib
import json
import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc

from harness.errors import ExperimentError
from harness.experiment import Experiment
from harness.experiment.draws import (
    METHODS,
    MOST_DRAWN,
    Choice,
    Normal,
    Range,
    draw,
    draw_together,
)

# No distribution is refused by chance: the seeds are fixed.
LEAST_P = 0.001

BASE = {
    "name": "drawn",
    "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
    "data": {"generator": "dosage"},
    "training": {"epochs": 10, "learning_rate": 0.1},
}
TOGETHER = {
    "count": 50,
    "learning_rate": {"log": [1e-4, 1]},
    "momentum": {"linear": [0, 0.99]},
    "width": {"linear": [2, 32]},
    "activation": ["tanh", "relu", "softplus"],
}


def make(grid, **sections):
    return Experiment.from_mapping({**copy.deepcopy(BASE), **sections, "grid": grid})


def words(name, count, seed=0):
    """Return the random bits of an axis, from NumPy's Philox."""
    major = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    found = []
    for block in range(-(-count // 4)):
        # NumPy counts up before it draws.
        counter = block + (major << 64) + (6 << 128) - 1
        found += np.random.Philox(key=seed, counter=counter % 2**256).random_raw(4).tolist()
    return found[:count]


def test_numbers_are_those_of_philox_at_the_name_of_the_axis():
    wanted = [(word >> 11) / 2**53 for word in words("momentum", 10, seed=7)]
    assert METHODS["random"].shares(["momentum"], 10, 7)[0].tolist() == wanted


def test_linear_values_are_shares_of_the_range():
    shares = [Fraction(word >> 11, 2**53) for word in words("b1", 200)]
    exact = [float(Fraction(-3) + 7 * share) for share in shares]
    values = draw(Range(low=-3.0, high=4.0), "b1", 200, 0)
    assert max(abs(a - b) for a, b in zip(values, exact, strict=True)) <= 0.5e-5 * 1.0001
    assert all(Decimal(repr(value)) % Decimal("0.00001") == 0 for value in values)


def test_logarithmic_values_have_six_digits():
    shares = [(word >> 11) / 2**53 for word in words("learning_rate", 200)]
    values = draw(Range(low=1e-4, high=1.0, scale="log"), "learning_rate", 200, 0)
    assert values == [float(f"{1e-4 ** (1 - share):.6g}") for share in shares]


def test_narrow_ranges_have_as_many_digits_as_they_need():
    for scale in ("linear", "log"):
        values = draw(Range(low=0.999999, high=1.0, scale=scale), "beta2", 500, 0)
        assert len(set(values)) == 500
        assert 0.999999 <= min(values) < 0.9999991
        assert 0.9999999 < max(values) <= 1
    ends = 1.0, math.nextafter(1.0, 2.0)
    assert sorted(draw(Range(low=ends[0], high=ends[1]), "limit", 2, 0)) == [*ends]


@pytest.mark.jitless
@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize(
    "ends", [(5e-324, 1.7976931348623157e308), (1e-320, 1e-310), (1e300, 2e300)]
)
def test_extreme_ranges_stay_within_their_ends(ends, scale):
    values = draw(Range(low=ends[0], high=ends[1], scale=scale), "limit", 100, 0)
    assert all(ends[0] <= value <= ends[1] for value in values)


def test_negative_zero_is_not_drawn():
    values = draw(Range(low=-1.0, high=1e-9), "b1", 5000, 0)
    assert all(math.copysign(1, value) == 1 for value in values if value == 0)


def test_whole_numbers_are_drawn_without_repetition():
    assert sorted(draw(Range(low=2, high=32, whole=True), "width", 31, 0)) == [*range(2, 33)]
    logarithmic = draw(Range(low=1, high=40, scale="log", whole=True), "width", 40, 0)
    assert sorted(logarithmic) == [*range(1, 41)]
    assert draw(Range(low=2, high=32, whole=True), "width", 32, 0) is None
    huge = draw(Range(low=-(2**53), high=2**53, whole=True), "init_seed", 10, 0)
    shares = [word >> 11 for word in words("init_seed", 10)]
    assert huge == [-(2**53) + ((2**54 + 1) * share >> 53) for share in shares]


@pytest.mark.parametrize(
    ("distribution", "law"),
    [
        (Range(low=-3.0, high=4.0), stats.uniform(-3, 7)),
        (Range(low=1e-4, high=1.0, scale="log"), stats.loguniform(1e-4, 1)),
        (Normal(middle=2.0, spread=0.5), stats.norm(2, 0.5)),
        (Normal(middle=0.01, spread=3.0, scale="log"), stats.lognorm(math.log(3), scale=0.01)),
    ],
)
def test_values_have_the_distribution_that_was_asked_for(distribution, law):
    values = draw(distribution, "learning_rate", 5000, 0)
    assert stats.kstest(values, law.cdf).pvalue > LEAST_P


def test_whole_and_listed_values_are_equally_probable():
    ranges = {
        "width": Range(low=2, high=9, whole=True),
        "gate": Choice(of=(*"abcde",)),
        "b1": Range(low=0.0, high=1.0),  # so that points differ
    }
    columns = draw_together(ranges, 8000, 0, "random")
    for name in ("width", "gate"):
        counts = np.unique(columns[name], return_counts=True)[1]
        assert stats.chisquare(counts).pvalue > LEAST_P


def test_axes_with_one_seed_are_independent():
    names = ["learning_rate", "momentum", "b1", "b2"]
    shares = METHODS["random"].shares(names, 4000, 0)
    for one, other in pairwise([*shares, *METHODS["random"].shares(names, 4000, 1)]):
        assert stats.pearsonr(one, other).pvalue > LEAST_P
        cells = np.histogram2d(one, other, bins=8, range=[[0, 1], [0, 1]])[0]
        assert stats.chisquare(cells.ravel()).pvalue > LEAST_P


def test_an_axis_has_the_same_values_in_a_sample():
    spec = {"random": [1e-4, 1], "scale": "log", "count": 50}
    single = make({"learning_rate": spec}).grid.axes[0].values.values
    assert make({"sample": TOGETHER}).grid.axes[0].values.values == single


def test_sobol_points_fill_space_more_evenly_than_random_ones():
    names = ["a", "b", "c", "d"]
    for seed in range(5):
        drawn = {name: each.shares(names, 256, seed).T for name, each in METHODS.items()}
        far = {name: qmc.discrepancy(points) for name, points in drawn.items()}
        assert far["sobol"] < 0.2 * far["random"]
        assert far["latin_hypercube"] < 0.5 * far["random"]


@pytest.mark.parametrize("name", ["sobol", "latin_hypercube"])
def test_each_axis_has_a_point_in_every_interval(name):
    shares = METHODS[name].shares(["a", "b", "c"], 64, 3)
    assert np.array_equal(np.sort(np.floor(64 * shares), axis=1), np.tile(np.arange(64.0), (3, 1)))


def test_sobol_points_are_a_net():
    # Of the first 2^m points in two dimensions, each box of area 2^-m has one.
    points = METHODS["sobol"].shares(["a", "b"], 64, 0)
    for k in range(7):
        boxes = np.floor(points * [[2**k], [2 ** (6 - k)]])
        assert len({*map(tuple, boxes.T)}) == 64


def test_scrambled_points_keep_the_sequence_of_scipy():
    # Points that share bits before scrambling share as many afterwards.
    plain = qmc.Sobol(1, scramble=False).random_base2(7)[:, 0]
    found = METHODS["sobol"].shares(["momentum"], 128, 0)[0]

    def shared(values):
        cells = [np.floor(values * 2**k) for k in range(1, 8)]
        return np.sum([each[:, None] == each for each in cells], axis=0)

    assert np.array_equal(shared(plain), shared(found))


# Points with other bits would silently be another experiment.
HASHES = {
    "random": "82c71ce790bdaf6a5551cf06f6f2663fb507113c0e5e30561e6eb4f6218cb9f4",
    "sobol": "d4ad87b08334bef2250fe800b171b51787ea90fe7afe9bebb608f57e3a0a4145",
    "latin_hypercube": "dc9ab7fc82abcf270a57895b9661a55a967287bcb2ecf0ce4fbee8d6e2db87e6",
}


@pytest.mark.jitless
@pytest.mark.parametrize("method", METHODS)
def test_points_are_the_same_everywhere(method):
    ranges = {
        "learning_rate": Range(low=1e-4, high=1.0, scale="log"),
        "momentum": Range(low=0.0, high=0.99),
        "width": Range(low=2, high=64, scale="log", whole=True),
        "activation": Choice(of=("tanh", "relu")),
    }
    columns = draw_together(ranges, 1000, 3, method)
    assert hashlib.sha256(json.dumps(columns).encode()).hexdigest() == HASHES[method]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_more_values_keep_the_first_ones(scale):
    for spec in ({"random": [0.5, 3]}, {"normal": [5, 1.5]}):
        few, many = (
            make({"limit": {**spec, "scale": scale, "count": n}}).grid.axes[0].values.values
            for n in (20, 100)
        )
        assert many[:20] == few


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_samples_grow_at_their_end(method):
    before, now = (
        make({"init_id": 3, "sample": {**TOGETHER, "method": method, "count": n}}).grid
        for n in (50, 77)
    )
    former = now.in_former(before)(np.arange(now.size))
    assert former.tolist() == [*range(before.size)] + [-1] * (now.size - before.size)


def test_latin_hypercubes_do_not_grow():
    before, now = (
        make({"sample": {**TOGETHER, "method": "latin_hypercube", "count": n}}).grid
        for n in (50, 77)
    )
    assert now.in_former(before) is None


def test_a_sample_is_one_dimension_where_it_is_written():
    grid = make({"init_id": 3, "sample": TOGETHER, "b1": [0.0, 1.0]}).grid
    assert grid.shape == (3, 50, 2)
    assert [axis.name for axis in grid.dimensions[1]] == [
        "learning_rate",
        "momentum",
        "width",
        "activation",
    ]


def test_points_that_repeat_are_drawn_again():
    sample = {"count": 6, "width": {"linear": [2, 4]}, "activation": ["tanh", "relu"]}
    for method in ("random", "sobol"):
        columns = make({"sample": {**sample, "method": method}}).grid.columns(np.arange(6))
        points = set(zip(*(columns[name].tolist() for name in columns), strict=True))
        assert points == {(w, a) for w in (2, 3, 4) for a in ("tanh", "relu")}


def test_settings_are_nan_where_the_drawn_optimiser_lacks_them():
    sample = {**TOGETHER, "optimiser": ["sgd", "adam"], "count": 40}
    written, grid = (lambda e: (e.written_grid, e.grid))(make({"init_id": 2, "sample": sample}))
    columns, plain = grid.columns(np.arange(80)), written.columns(np.arange(80))
    adam = columns["optimiser"] == "adam"
    assert 10 < adam.sum() < 70
    assert np.array_equal(np.isnan(columns["momentum"]), adam)
    assert np.array_equal(columns["momentum"][~adam], plain["momentum"][~adam])
    assert np.array_equal(columns["learning_rate"], plain["learning_rate"])


def test_identity_is_that_of_the_values():
    drawn = make({"learning_rate": {"random": [0.1, 1], "count": 5}})
    listed = make({"learning_rate": [*drawn.grid.axes[0].values.values]})
    assert drawn.identity == listed.identity
    assert drawn.identity != make({"learning_rate": {"random": [0.1, 1], "count": 6}}).identity
    other = {"random": [0.1, 1], "count": 5, "seed": 1}
    assert drawn.identity != make({"learning_rate": other}).identity


def test_files_and_documents_load_as_the_same_experiment(tmp_path):
    from harness.experiment import load_experiment

    experiment = make(
        {"init_id": 2, "sample": TOGETHER, "b1": {"normal": [0, 1], "count": 3, "seed": 5}}
    )
    (tmp_path / "drawn.toml").write_text(experiment.to_toml())
    for again in (
        load_experiment(tmp_path / "drawn.toml"),
        Experiment.from_mapping(experiment.document()),
    ):
        assert again == experiment
        assert again.document() == experiment.document()


RATE = "learning_rate"


@pytest.mark.parametrize(
    ("grid", "key", "text"),
    [
        ({RATE: {"random": [1, 0.1], "count": 3}}, "grid.learning_rate.random", "Exchange them."),
        ({RATE: {"random": [1, 1], "count": 3}}, "grid.learning_rate.random", "[1]"),
        ({RATE: {"random": [0, 1], "scale": "log", "count": 3}}, "grid.learning_rate.random", "0"),
        ({RATE: {"random": [0.1], "count": 3}}, "grid.learning_rate.random", "[low, high]"),
        ({RATE: {"random": ["a", 1], "count": 3}}, "grid.learning_rate.random[0]", "number"),
        ({RATE: {"random": [0, 1]}}, "grid.learning_rate", "Add what is missing."),
        ({RATE: {"random": [0, 1], "count": 0}}, "grid.learning_rate.count", str(MOST_DRAWN)),
        ({RATE: {"random": [0, 1], "count": 10**6}}, "grid.learning_rate.count", str(MOST_DRAWN)),
        ({RATE: {"random": [0, 1], "count": 3, "seed": -1}}, "grid.learning_rate.seed", "2^63"),
        (
            {RATE: {"random": [0, 1], "count": 3, "scale": "lin"}},
            "grid.learning_rate.scale",
            "linear",
        ),
        ({RATE: {"random": [0, 1], "count": 3, "sede": 1}}, "grid.learning_rate", '"seed"'),
        ({RATE: {"normal": [0, 0], "count": 3}}, "grid.learning_rate.normal", "deviation above 0"),
        (
            {RATE: {"normal": [0.1, 1], "count": 3, "scale": "log"}},
            "grid.learning_rate.normal",
            "factor above 1",
        ),
        ({"activation": {"random": [0, 1], "count": 3}}, "grid.activation", "list of names"),
        ({"width": {"random": [2.5, 8], "count": 3}}, "grid.width.random[0]", "whole"),
        ({"width": {"random": [2, 8], "count": 8}}, "grid.width", "less than 8 different values"),
        ({"width": {"random": [2, 2**60], "count": 8}}, "grid.width.random", "2^53"),
        ({"sample": 100}, "grid.sample", "table"),
        ({"sample": {"count": 10}}, "grid.sample", "at least one axis"),
        ({"sample": {RATE: {"log": [0.1, 1]}}}, "grid.sample.count", "required"),
        ({"sample": {"count": 9, "metod": "sobol"}}, "grid.sample.metod", "not an axis"),
        (
            {"sample": {"count": 9, "method": "halton", RATE: {"log": [0.1, 1]}}},
            "grid.sample.method",
            '"sobol"',
        ),
        ({"sample": {"count": 9, RATE: [0.1, 0.1]}}, "grid.sample.learning_rate", "more than once"),
        (
            {"sample": {"count": 9, RATE: {"log": [0.1, 1], "count": 3}}},
            "grid.sample.learning_rate",
            "grid.sample.count",
        ),
        ({"sample": {"count": 9, RATE: {"normal": [0, 1]}}}, "grid.sample.learning_rate", "linear"),
        (
            {RATE: [0.1], "sample": {"count": 9, RATE: {"log": [0.1, 1]}}},
            "grid.sample.learning_rate",
            "also grid.learning_rate",
        ),
        ({"sample": {"count": 9, "width": {"linear": [2, 5]}}}, "grid.sample", "less than 9"),
        (
            {"sample": {"count": 9, RATE: {"log": [0.1, 1]}, "learning_rate_1": {"log": [0.1, 1]}}},
            "grid.learning_rate_1",
            "only one",
        ),
        ({RATE: {"normal": [0, 1], "count": 50}}, "training.learning_rate", "at least 0"),
    ],
)
def test_invalid_draws(grid, key, text):
    with pytest.raises(ExperimentError) as caught:
        make(grid)
    assert caught.value.key == key
    assert text in str(caught.value)
