"""Initial parameters, against the reference implementation and in experiments."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from harness.experiment import Experiment
from harness.experiment.initialisation import SCHEMES, initial_parameters
from harness.kernels import philox
from harness.kernels.descent import COUNTS
from harness.training.buffers import start
from harness.training.trainer import Trainer
from harness.training.variants import make_variant
from tests.reference import random_numbers as reference
from tests.side_by_side import a_twin, network_of

TWIN = a_twin((3, 4, 2), biases=(True, True))
WIDEST = 2**63 - 1  # the largest seed and init_id of an experiment file
NORMAL = {"normal", "he", "lecun"}


def drawn(scheme, init_ids, seeds=0, scales=1.0, offsets=0.0, biases="zeros", twin=TWIN):
    """Return the initial parameters of some runs, of shape (runs, P)."""
    count = len(init_ids)
    return initial_parameters(
        network_of(twin),
        scheme=scheme,
        biases=biases,
        seeds=np.broadcast_to(np.array(seeds, dtype=np.uint64), count).copy(),
        init_ids=np.array(init_ids, dtype=np.uint64),
        scales=np.broadcast_to(np.array(scales, dtype=float), count).copy(),
        offsets=np.broadcast_to(np.array(offsets, dtype=float), count).copy(),
    )


@pytest.mark.jitless
@pytest.mark.parametrize("biases", ["zeros", "same"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_schemes_match_the_reference(scheme, biases):
    settings = [(0, 0, 1.0), (7, 0, 0.3), (7, 5, 2.0), (WIDEST, WIDEST, -1.0)]
    init_ids, seeds, scales = (list(column) for column in zip(*settings, strict=True))
    offsets = 0.0 if scheme in NORMAL else 0.1
    ours = drawn(scheme, init_ids, seeds, scales, offsets, biases)
    for theta, (init_id, seed, scale) in zip(ours, settings, strict=True):
        theirs = reference.initial_parameters(TWIN, scheme, init_id, seed, scale, offsets, biases)
        if scheme in NORMAL:
            # The same rational approximation; ours fuses its multiply-adds, NormalDist does not.
            assert theta == pytest.approx(theirs, rel=2e-15, abs=0)
        else:
            assert theta.tolist() == theirs.tolist()


@pytest.mark.jitless
@pytest.mark.parametrize("scheme", sorted({*SCHEMES} - {"zeros", "constant"}))
def test_numbers_are_scaled_and_offset_with_one_rounding(scheme):
    draw = philox.normal if scheme in NORMAL else philox.uniform01
    where = np.uint64(5), philox.STREAM_PARAMETERS, np.uint64(7)
    numbers = np.array(
        [draw(np.uint64(philox.word(*where, np.uint64(index)))) for index in range(TWIN.parameters)]
    )
    if scheme not in NORMAL:
        numbers = 2.0 * numbers - 1.0  # exact
    theta = drawn(scheme, [7], 5, scales=0.3, offsets=0.7, biases="same")[0]
    for k, layer in enumerate(TWIN.layer_of_parameters()):
        fan_in, fan_out = TWIN.sizes[layer], TWIN.sizes[layer + 1]
        spread = {
            "glorot": math.sqrt(6 / (fan_in + fan_out)),
            "he": math.sqrt(2 / fan_in),
            "lecun": math.sqrt(1 / fan_in),
        }.get(scheme, 1.0)
        assert theta[k] == reference.fma(0.3 * spread, numbers[k], 0.7)


@pytest.mark.jitless
def test_largest_normal_number_that_a_word_gives():
    smallest, largest = (philox.normal(np.uint64(word)) for word in (0, 2**64 - 1))
    assert largest == -smallest
    assert largest == pytest.approx(-NormalDist().inv_cdf(2.0**-53), rel=2e-15)


def test_fans_do_not_count_the_bias():
    # Up to a layer without biases, the positions are the same, and so are the numbers.
    plain = a_twin((3, 4, 2), biases=(False, True))
    for scheme in ("glorot", "he", "lecun"):
        with_biases, without = drawn(scheme, [3]), drawn(scheme, [3], twin=plain)
        assert with_biases[0, :12].tolist() == without[0, :12].tolist()


@pytest.mark.jitless
@pytest.mark.parametrize("scheme", ["constant", "uniform", "normal"])
def test_biases_are_exactly_zero_or_drawn(scheme):
    biases = network_of(TWIN).bias_positions
    zeros = drawn(scheme, [1, 2], offsets=0.5)
    assert np.all(zeros[:, biases] == 0.0)
    assert not np.signbit(zeros[:, biases]).any()
    same = drawn(scheme, [1, 2], offsets=0.5, biases="same")
    assert np.all(same[:, biases] != 0.0)
    weights = np.setdiff1d(np.arange(TWIN.parameters), biases)
    assert same[:, weights].tobytes() == zeros[:, weights].tobytes()


@pytest.mark.jitless
def test_biases_start_from_a_number():
    # 2-3-1: the weights of a layer, then its biases, by hand; the output has none.
    twin = a_twin((2, 3, 1), biases=(True, False))
    theta = drawn("constant", [0, 1], scales=2.0, offsets=0.5, biases=0.1, twin=twin)
    assert theta.tolist() == [[2.5] * 6 + [0.1] * 3 + [2.5] * 3] * 2


def test_layers_start_from_different_numbers():
    twin = a_twin((2, 2, 2), biases=(False, False))
    theta = drawn("normal", [0, 1], twin=twin)
    assert len(set(theta.ravel().tolist())) == 16


@pytest.mark.parametrize("scheme", ["uniform", "he"])
def test_runs_do_not_depend_on_their_neighbours_or_order(scheme):
    whole = drawn(scheme, list(range(20)))
    assert drawn(scheme, list(range(19, -1, -1)))[::-1].tobytes() == whole.tobytes()
    assert drawn(scheme, [13, 13, 4]).tobytes() == whole[[13, 13, 4]].tobytes()
    pieces = [drawn(scheme, ids) for ids in (range(7), range(7, 8), range(8, 20))]
    assert np.concatenate(pieces).tobytes() == whole.tobytes()


# -- in an experiment ------------------------------------------------------------------------------


def an_experiment(grid, **initialisation):
    """Return an experiment with no epochs, whose final parameters are the initial ones."""
    return Experiment.from_mapping(
        {
            "name": "starts",
            "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
            "data": {"generator": "dosage"},
            "training": {"epochs": 0, "learning_rate": 0.1},
            "initialisation": {"biases": "same", **initialisation},
            "grid": grid,
            "record": {"parameters": True, "epochs": "none"},
        }
    )


def initial_of(experiment, first=0, last=None):
    """Return the axes and parameters of a range of runs, as columns by name."""
    last = experiment.grid.size if last is None else last
    stop, counts = np.zeros(1, dtype=np.uint8), np.zeros(COUNTS, dtype=np.int64)
    return Trainer(experiment).train(first, last, stop, counts).runs


def theta_of(columns):
    """Return the parameters of the runs, of shape (runs, 7)."""
    names = ("w1", "b1", "w2", "b2", "w3", "w4", "b3")
    return np.column_stack([columns[f"{name}_final"] for name in names])


def test_initial_parameters_depend_only_on_init_id():
    plain = theta_of(initial_of(an_experiment({"init_id": 5})))
    assert len(np.unique(plain)) == plain.size
    for grid in (
        {"learning_rate": [0.1, 0.2, 0.3], "init_id": 5},
        {"init_id": 5, "momentum": [0.0, 0.5]},
        {"activation": ["tanh", "relu"], "init_id": 5, "batch_size": [1, 2]},
        {"init_id": [4, 2, 0]},
    ):
        columns = initial_of(an_experiment(grid))
        assert theta_of(columns).tobytes() == plain[columns["init_id"]].tobytes()


def test_init_id_of_the_file_means_the_same_as_the_axis():
    axis = theta_of(initial_of(an_experiment({"init_id": 5})))
    fixed = initial_of(an_experiment({}, init_id=3))
    assert fixed["init_id"].tolist() == [3]
    assert theta_of(fixed)[0].tobytes() == axis[3].tobytes()


def test_chunks_do_not_matter():
    experiment = an_experiment({"learning_rate": [0.1, 0.2], "init_id": 6})
    whole = theta_of(initial_of(experiment))
    for first, last in ((0, 5), (5, 6), (6, 12)):
        assert theta_of(initial_of(experiment, first, last)).tobytes() == (
            whole[first:last].tobytes()
        )


def test_scale_offset_and_seed_are_those_of_file_or_axis():
    names = network_of(a_twin((1, 2, 1))).parameters
    twin = a_twin((1, 2, 1))
    order = [twin.names().index(name) for name in names]
    expected = reference.initial_parameters(twin, "uniform", 2, 9, 0.5, 0.25, "same")[order]
    settings = {"scheme": "uniform", "init_id": 2}
    fixed = an_experiment({}, seed=9, scale=0.5, offset=0.25, **settings)
    assert theta_of(initial_of(fixed))[0].tolist() == expected.tolist()
    grid = {"init_seed": [1, 9], "init_scale": [2.0, 0.5], "init_offset": [0.0, 0.25]}
    swept = theta_of(initial_of(an_experiment(grid, **settings)))
    assert swept[-1].tolist() == expected.tolist()
    assert len(np.unique(swept, axis=0)) == 8


def test_an_axis_of_biases_has_numbers_and_names():
    grid = {"init_biases": ["zeros", 0.1, "same"]}
    theta = theta_of(initial_of(an_experiment(grid, scheme="constant", scale=2.0)))
    biases = [1, 3, 6]
    assert theta[:, biases].tolist() == [[0.0] * 3, [0.1] * 3, [2.0] * 3]
    assert np.all(np.delete(theta, biases, axis=1) == 2.0)
    fixed = an_experiment({}, scheme="constant", scale=2.0, biases=0.1)
    assert theta_of(initial_of(fixed)).tolist() == [theta[1].tolist()]


def test_given_parameters_override_the_scheme_and_keep_the_others():
    free = theta_of(initial_of(an_experiment({"init_id": 3})))
    given = theta_of(initial_of(an_experiment({"init_id": 3}, parameters={"w2": 3.5, "b3": -0.25})))
    assert given[:, [2, 6]].tolist() == [[3.5, -0.25]] * 3
    others = [0, 1, 3, 4, 5]
    assert given[:, others].tobytes() == free[:, others].tobytes()


def test_an_axis_of_a_parameter_overrides_the_file():
    grid = {"b3": [0.0, 1.0, 2.0], "init_id": 2}
    columns = initial_of(an_experiment(grid, parameters={"b3": 9.0, "w1": 0.5}))
    assert columns["b3_final"].tolist() == columns["b3"].tolist() == [0.0, 1.0, 2.0] * 2
    assert columns["w1_final"].tolist() == [0.5] * 6


def test_runs_of_a_block_start_at_rest():
    runs = start(make_variant(an_experiment({})), {}, 3)
    assert runs.theta.shape == runs.state.shape == (3, 7)
    assert not runs.state.any()
