"""Invariance of training to the order of hidden units, runs, chunks and threads."""

import itertools
import math
import tempfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import harness
from harness.experiment import Experiment
from harness.kernels.descent import COUNTS
from harness.kernels.losses import CATEGORICAL, KERNEL_LOSSES
from harness.training.trainer import Trainer
from tests.side_by_side import HIDDEN, as_in_files

FEW = settings(max_examples=25)

BATCHES = st.sampled_from(
    [
        {},
        {"batch_size": 2},
        {"batch_size": 3, "batches": "shuffled", "seed": 3},
        {"batch_size": 2, "batches": "drawn", "updates_per_epoch": 2},
    ]
)

# Each with the settings that bound its steps: a gradient that is 0 but for rounding errors would be
# divided by itself.
OPTIMISED = st.sampled_from(
    [
        {"momentum": 0.0},
        {"momentum": 0.5, "l2": 0.01},
        {"optimiser": "nesterov", "momentum": 0.5},
        {"optimiser": "adagrad", "epsilon": 0.01},
        {"optimiser": "rmsprop", "epsilon": 0.01, "momentum": 0.5},
        {"optimiser": "adam", "epsilon": 0.01, "clip_norm": 0.5},
        {"optimiser": "adamw", "epsilon": 0.01, "penalise_biases": False},
    ]
)
RPROP = {"optimiser": "rprop", "learning_rate": 0.02}

SCHEDULED = st.sampled_from([{}, {"schedule": "cosine", "warm_up": 2}, {"schedule": [1, 0.5] * 3}])


@st.composite
def documents(draw, layers=(2, 3), epochs=6, **more):
    """Return an experiment without a grid, with any activations, loss, batches and rates."""
    sizes = [2, *draw(st.lists(st.integers(1, 4), min_size=layers[0] - 1, max_size=layers[1] - 1))]
    of_kernel = draw(st.sampled_from(sorted(KERNEL_LOSSES)))
    activations = [draw(st.sampled_from(sorted(HIDDEN))) for _ in sizes]
    loss, activations[-1] = as_in_files(of_kernel, activations[-1])
    targets = [[0.2], [0.8], [0.4], [0.7], [0.1]]
    if of_kernel == CATEGORICAL:
        targets = [[y, 1.0 - y] for (y,) in targets]
    if loss == "hinge":
        targets = [[-1.0 if y < 0.5 else 1.0] for (y,) in targets]
    return {
        "name": "drawn",
        "network": {"layers": [*sizes, len(targets[0])], "activations": activations, "loss": loss},
        "data": {
            "inputs": [[0.1, -0.7], [0.9, 0.3], [-1.2, 0.4], [0.6, 1.1], [-0.2, -0.5]],
            "targets": targets,
        },
        "training": {
            "epochs": epochs,
            "learning_rate": draw(st.sampled_from([0.001, 0.02])),
            **draw(OPTIMISED),
            **(draw(SCHEDULED) if epochs == 6 else {}),
            **draw(BATCHES),
        },
        "initialisation": {"seed": draw(st.integers(0, 2**63 - 1)), "biases": "same"},
        "record": {"parameters": True, "epochs": "all", "measures": ["gradient_norm"]},
        **more,
    }


def train(experiment, first=0, last=None):
    """Train a range of runs, and return its tables."""
    last = experiment.grid.size if last is None else last
    stop, counts = np.zeros(1, dtype=np.uint8), np.zeros(COUNTS, dtype=np.int64)
    block = Trainer(experiment).train(first, last, stop, counts)
    return pd.DataFrame(block.runs), pd.DataFrame(block.trajectories.columns())


def bits(table):
    """Return the bits of a table, so that the sign of 0 is compared too; all NaN count as equal."""
    as_integers = {
        name: column.fillna(np.nan).to_numpy().view(np.int64)
        if column.dtype == np.float64
        else column.astype(str)
        for name, column in table.items()
    }
    return pd.DataFrame(as_integers).to_dict("list")


# -- order of hidden units -------------------------------------------------------------------------


def names_of(network, layer, unit):
    """Return the parameters into and out of a hidden unit, in the order of their other ends."""
    sizes, biases = network.sizes, network.biases
    weights = [math.prod(pair) for pair in itertools.pairwise(sizes)]
    before = sum(weights[: layer - 1])
    into = [f"w{before + unit * sizes[layer - 1] + j + 1}" for j in range(sizes[layer - 1])]
    assert biases[layer - 1]
    into.append(f"b{sum(sizes[1:layer]) + unit + 1}")
    after = before + weights[layer - 1]
    out = [f"w{after + k * sizes[layer] + unit + 1}" for k in range(sizes[layer + 1])]
    return into, out


@FEW
@given(st.data())
def test_permuting_hidden_units_permutes_the_results(data):
    document = data.draw(documents())
    document["initialisation"] |= {"scheme": "glorot"}  # rounding would grow in a run that diverges
    network = Experiment.from_mapping(document).network
    layer = data.draw(st.integers(1, network.layers - 1))
    order = data.draw(st.permutations(range(network.sizes[layer])))
    moved = {}  # new name -> old name
    for new, old in enumerate(order):
        for names in zip(*(names_of(network, layer, unit) for unit in (new, old)), strict=True):
            moved.update(zip(*names, strict=True))
    assert sorted(moved) == sorted(moved.values())
    rename = {name: moved.get(name, name) for name in network.parameters}

    untrained = document | {"training": {"epochs": 0, "learning_rate": 0.1}}
    start = train(Experiment.from_mapping(untrained))[0].iloc[0]
    ended = []
    for names in ({name: name for name in network.parameters}, rename):
        parameters = {name: float(start[f"{names[name]}_final"]) for name in network.parameters}
        document["initialisation"]["parameters"] = parameters
        ended.append(train(Experiment.from_mapping(document)))
    (runs, path), (permuted_runs, permuted_path) = ended
    # Only the order of sums over the units differs.
    assert permuted_path["ssr"].to_numpy() == pytest.approx(path["ssr"].to_numpy(), rel=1e-12)
    for name in network.parameters:
        expected = runs[f"{rename[name]}_final"][0]
        found = permuted_runs[f"{name}_final"][0]
        assert found == pytest.approx(expected, rel=1e-11, abs=1e-13)


# -- one run, or a range of them -------------------------------------------------------------------

GRIDS = st.sampled_from(
    [
        {"learning_rate": [0.01, 0.3, 50.0], "init_id": 4},
        {"init_id": 3, "activation_1": ["tanh", "relu"], "batch_size": [5, 2]},
        {"learning_rate_1": [0.0, 0.1], "momentum": [0.0, 0.9], "w1": [-1.0, 0.5, 2.0]},
        {"l2": [0.0, 0.1], "weight_decay": [0.0, 0.2], "clip_norm": [0.1, 5.0], "init_id": 2},
        {"width": [1, 3], "init_id": 3, "loss": ["ssr", "half_ssr"]},
        {
            "learning_rate_1": [0.1, 0.2, 5.0],
            "learning_rate_2": [0.3, 0.2, 0.1],
            "zip": [["learning_rate_1", "learning_rate_2"]],
            "init_scheme": ["glorot", "he"],
            "max_epochs": [3, 6],
        },
    ]
)
WITH_MOMENTUM = ("sgd", "nesterov", "rmsprop")


@st.composite
def sweeps(draw):
    """Return an experiment with a grid, some of whose runs diverge."""
    document, grid = draw(documents(layers=(2, 2))), draw(GRIDS)
    training = document["training"]
    if draw(st.integers(0, 7)) == 0:
        of_others = ("momentum", "epsilon", "schedule", "warm_up")
        training = {name: training[name] for name in training if name not in of_others} | RPROP
        document["training"] = training
    assume("momentum" not in grid or training.get("optimiser", "sgd") in WITH_MOMENTUM)
    assume("max_epochs" not in grid or not isinstance(training.get("schedule"), list))
    assume("loss" not in grid or document["network"]["activations"][-1] != "softmax")
    return Experiment.from_mapping(document | {"grid": grid})


@FEW
@given(sweeps(), st.data())
def test_a_single_run_has_the_same_bits_as_in_the_sweep(experiment, data):
    run_id = data.draw(st.integers(0, experiment.grid.size - 1))
    runs, path = train(experiment)
    single_runs, single_path = train(experiment.single(run_id))
    inside = runs[runs["run_id"] == run_id]
    # A single run lacks columns of axes, and of parameters and losses of other runs.
    columns = [name for name in single_runs if name != "run_id"]
    theirs, ours = bits(inside[columns]), bits(single_runs[columns])
    assert ours == theirs
    inside = path[path["run_id"] == run_id]
    columns = [name for name in single_path if name != "run_id"]
    assert bits(single_path[columns]) == bits(inside[columns])
    assert len(single_path) == single_runs["epochs"][0] + 1


@FEW
@given(sweeps(), st.data())
def test_ranges_and_their_order_do_not_change_bits(experiment, data):
    size = experiment.grid.size
    runs, path = train(experiment)
    assert runs["run_id"].tolist() == list(range(size))
    cuts = sorted(data.draw(st.sets(st.integers(1, size - 1), max_size=4)))
    ranges = list(zip([0, *cuts], [*cuts, size], strict=True))
    pieces = {first: train(experiment, first, last) for first, last in data.draw(
        st.permutations(ranges)
    )}  # fmt: skip
    together = [pd.concat(tables) for tables in zip(*(pieces[f] for f, _ in ranges), strict=True)]
    assert bits(together[0]) == bits(runs)
    assert bits(together[1]) == bits(path)


@settings(max_examples=4)
@given(sweeps(), st.integers(1, 5))
def test_threads_and_chunks_do_not_change_bits(experiment, size):
    runs, path = train(experiment)
    for threads in (1, 2):
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
            patch.setattr("harness.sweeps.chunks.MAX_RUNS", size)
            results = harness.run(experiment, out=f"{folder}/results", threads=threads)
            assert results.manifest["chunk_size"] == size
            assert bits(results.runs) == bits(runs)
            assert bits(results.trajectories) == bits(path)


# -- settings that have no effect ------------------------------------------------------------------

NEUTRAL = {
    "nesterov": ({"optimiser": "nesterov", "momentum": 0.0}, {}, {}),
    "nesterov beside runs with momentum": (
        {"optimiser": "nesterov"},
        {"momentum": [0.0, 0.9]},
        {},
    ),
    "adamw": ({"optimiser": "adamw", "weight_decay": 0.0}, {}, {"optimiser": "adam"}),
    "momentum of rmsprop": (
        {"optimiser": "rmsprop"},
        {"momentum": [0.0, 0.9]},
        {"optimiser": "rmsprop"},
    ),
    "penalties": ({}, {"l2": [0.0, 0.1], "weight_decay": [0.0, 0.1]}, {}),
    "clipping": ({}, {"clip_norm": [1e300, 0.1]}, {}),
    "schedule": ({"schedule": [1.0] * 6, "warm_up": 0}, {}, {}),
}


@pytest.mark.parametrize("lanes", [1, 8])
@pytest.mark.parametrize(("training", "grid", "plain"), NEUTRAL.values(), ids=NEUTRAL)
def test_neutral_settings_change_no_bit(training, grid, plain, lanes):
    def ending(training, grid):
        document = {
            "name": "neutral",
            "network": {"layers": [2, 3, 1], "activations": ["tanh", "identity"]},
            "data": {"generator": "xor"},
            "training": {"epochs": 6, "learning_rate": 0.1, **training},
            "initialisation": {"biases": "same"},
            "grid": {"init_id": 5, **grid},
        }
        block = Trainer(Experiment.from_mapping(document), lanes=lanes).train(
            0, 5, np.zeros(1, dtype=np.uint8), np.zeros(COUNTS, dtype=np.int64)
        )
        names = [name for name in block.runs if name.endswith("_final")]
        return {name: np.asarray(block.runs[name]).tobytes() for name in names}

    # The first five runs have the first value of every other axis.
    assert ending(training, grid) == ending(plain, {})
