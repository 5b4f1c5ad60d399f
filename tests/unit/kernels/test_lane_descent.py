"""Runs trained side by side have the same bits as runs trained one after the other."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from harness.errors import HarnessError
from harness.experiment import Experiment
from harness.kernels import descent, lane_descent, machine_code
from harness.kernels.activations import ACTIVATIONS
from harness.kernels.descent import COUNTS
from harness.kernels.losses import LOSSES
from harness.kernels.passes import Data
from harness.kernels.stopping import FINISHED, RUNNING
from harness.training.buffers import make_rows, start
from harness.training.trainer import Trainer
from harness.training.variants import make_lane_spec
from tests.side_by_side import measure

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="lanes need the compiler")

POINTS = {
    "inputs": [[0.1, -0.7], [0.9, 0.3], [-1.2, 0.4], [0.6, 1.1], [-0.2, -0.5]],
    "targets": [0.2, 0.8, 0.4, 0.7, 0.1],
}
MANY = {
    "inputs": np.random.default_rng(3).normal(size=(23, 3)).tolist(),
    "targets": np.random.default_rng(4).random(size=(23, 2)).tolist(),
}
CLASSES = {**POINTS, "targets": np.eye(3)[[0, 2, 1, 1, 0]].tolist()}
MANY_CLASSES = {  # half of them certain
    "inputs": MANY["inputs"],
    "targets": [*np.eye(5)[np.arange(11) % 5].tolist(), *[[0.1, 0.2, 0.3, 0.4, 0.0]] * 12],
}
DOSAGE = {"inputs": [0, 0.5, 1], "targets": [0, 1, 0]}


def experiment(layers, activations, data, epochs, grid, record=None, loss="ssr", **training):
    """Return an experiment that records parameters; keys with `network_` go to that section."""
    network = {"layers": layers, "activations": activations, "loss": loss}
    for name in [name for name in training if name.startswith("network_")]:
        network[name.removeprefix("network_")] = training.pop(name)
    return Experiment.from_mapping(
        {
            "name": "lanes",
            "network": network,
            "data": data,
            "training": {"epochs": epochs, "learning_rate": 0.05, **training},
            "initialisation": {"scheme": "normal", "biases": "same", "seed": 5},
            "grid": grid,
            "record": {"parameters": True, **(record or {})},
        }
    )


MEASURES = {"measures": ["epoch_of_ssr_min", "ssr_mean", "gradient_norm"]}
# Each takes different branches of the kernel. In all of them, runs end at different epochs.
CASES = {
    "one_tile_every_epoch": experiment(
        [1, 2, 1], ["softplus", "identity"], DOSAGE, 40,
        {"learning_rate": [0.01, 0.3, 9.0], "init_id": 13}, {"epochs": "all"},
        tolerance=0.7, limit=9.0,
    ),
    "momentum_and_measures": experiment(
        [1, 3, 1], ["tanh", "identity"], DOSAGE, 30,
        {"momentum": [0.0, 0.5, 0.99], "learning_rate": [0.05, 2.0], "init_id": 7},
        {"epochs": {"every": 7}, **MEASURES}, limit=4.0,
    ),
    "cross_entropy_some_parameters": experiment(
        [2, 2, 1], ["sigmoid", "sigmoid"], POINTS, 30, {"init_id": 21},
        {"epochs": "all"}, loss="cross_entropy", tolerance=0.7, train=["w1", "w5", "b3"],
    ),
    "layers_scales_and_tiles": experiment(
        [2, 5, 4, 1], ["relu", "sigmoid", "identity"], POINTS, 20,
        {"learning_rate_1": [0.0, 0.5], "learning_rate_3": [0.1, 30.0], "init_id": 5},
        {"epochs": "none", **MEASURES}, loss="mse", limit=50.0,
        network_scales=[0.7, 1.0, 1.3], network_output_scale=0.8,
    ),
    "in_order": experiment(
        [2, 3, 1], ["softplus", "identity"], POINTS, 20,
        {"learning_rate": [0.01, 5.0], "init_id": 11}, {"epochs": "all"}, batch_size=2, limit=3.0,
    ),
    "shuffled": experiment(
        [2, 3, 1], ["tanh", "identity"], POINTS, 20,
        {"learning_rate": [0.1, 3.0], "momentum": [0.0, 0.7], "init_id": 5}, MEASURES,
        batch_size=3, batches="shuffled", seed=4, tolerance=0.05, limit=30.0,
    ),
    "drift": experiment(
        [2, 3, 1], ["tanh", "identity"], POINTS, 20,
        {"drift_1": [0.0, 0.25], "learning_rate": [0.1, 3.0], "init_id": 5}, MEASURES,
        train=["w1", "w2", "w7"], limit=5.0,
    ),
    # Large enough to be written with loops: over blocks of units, and tiles of 16, 4 and 1 points.
    "loops": experiment(
        [3, 12, 8, 2], ["tanh", "sigmoid", "identity"], MANY, 9,
        {"learning_rate": [0.01, 3.0], "momentum": [0.0, 0.5], "init_id": 5},
        {"epochs": {"every": 2}, **MEASURES}, limit=300.0, tolerance=30.0,
        network_scales=[0.9, 1.0, 1.1], network_biases=[True, False, True],
    ),
    "shuffled_loops": experiment(
        [3, 17, 7, 2], ["softplus", "relu", "sigmoid"], MANY, 7,
        {"learning_rate": [0.01, 900.0], "init_id": 9}, MEASURES, loss="cross_entropy",
        batch_size=9, batches="shuffled", limit=30.0, tolerance=3.0,
    ),
    "wide_one_by_one": experiment(
        [3, 24, 2], ["tanh", "identity"], MANY, 5,
        {"learning_rate": [0.003, 2.0], "init_id": 9}, batch_size=1, limit=600.0, tolerance=20.0,
    ),
    "no_hidden_layer": experiment(
        [3, 2], ["identity"], MANY, 30, {"learning_rate": [0.001, 0.5], "init_id": 9},
        {"epochs": "all"}, batch_size=20, batches="drawn", seed=2, limit=1e3, tolerance=20.0,
    ),
    "softmax": experiment(
        [2, 3, 3], ["tanh", "softmax"], CLASSES, 30, {"learning_rate": [0.3, 40.0], "init_id": 11},
        {"epochs": "all", **MEASURES}, loss="cross_entropy", tolerance=0.7, limit=4.0,
        network_scales=[1.0, 1.3],
    ),
    "softmax_loops": experiment(
        [3, 17, 7, 5], ["softplus", "relu", "softmax"], MANY_CLASSES, 7,
        {"learning_rate": [0.01, 900.0], "init_id": 9}, MEASURES, loss="cross_entropy",
        batch_size=9, batches="shuffled", limit=30.0, tolerance=2.0,
    ),
    "softmax_of_two": experiment(
        [3, 2], ["softmax"], {**MANY, "targets": np.eye(2)[np.arange(23) % 2].tolist()}, 20,
        {"learning_rate": [0.1, 9.0], "init_id": 9}, {"epochs": "all"}, loss="cross_entropy",
        batch_size=5, tolerance=0.8,
    ),
    "drawn": experiment(
        [2, 4, 1], ["relu", "identity"], POINTS, 15, {"init_id": 19},
        {"epochs": "all"}, loss="half_ssr", batch_size=2, batches="drawn", updates_per_epoch=4,
        tolerance=0.1,
    ),
}  # fmt: skip

# All activations in one network, and each loss that no case above has: a new one is tested, too.
EVERY = [name for name, entry in ACTIVATIONS.items() if not entry.normalised]
SIGNS = {**POINTS, "targets": [-1, 1, -1, 1, -1]}
CASES |= {
    "activations": experiment(
        [2, *[3] * len(EVERY), 1], [*EVERY, "identity"], POINTS, 40,
        {"learning_rate": [0.01, 0.3], "init_id": 11}, {"epochs": "all"}, loss="mse",
        tolerance=0.2, limit=5.0, network_slope=0.2,
    ),
}  # fmt: skip
CASES |= {
    loss: experiment(
        [2, 4, 1], ["leaky_relu", "identity"], SIGNS if LOSSES[loss].of_signs else POINTS, 40,
        {"learning_rate": [0.01, 0.3, 3.0], "init_id": 11}, {"epochs": "all"}, loss=loss,
        tolerance=0.2, limit=2.0, **({"network_delta": 0.3} if loss == "huber" else {}),
    )
    for loss in LOSSES
    if loss not in {case.network.loss for case in CASES.values()}
}  # fmt: skip

HELD_OUT = {**POINTS, "validation": 2}
MANY_HELD_OUT = {**MANY, "validation": 0.4}
# At recorded epochs, groups are visited anyway: some runs stop at others.
CASES |= {
    "patient_one_tile": experiment(
        [2, 3, 1], ["tanh", "identity"], HELD_OUT, 60,
        {"learning_rate": [0.01, 0.2], "patience": [1, 5, 1000], "init_id": 9},
        {"epochs": {"every": 7}, **MEASURES}, tolerance=1e-3, limit=9.0,
    ),
    "patient_shuffled": experiment(
        [3, 4, 2], ["softplus", "sigmoid"], MANY_HELD_OUT, 30,
        {"learning_rate": [0.01, 2.0], "momentum": [0.0, 0.5], "init_id": 5}, loss="cross_entropy",
        batch_size=3, batches="shuffled", seed=4, patience=3,
    ),
    "patient_loops": experiment(
        [3, 12, 8, 2], ["tanh", "sigmoid", "identity"], MANY_HELD_OUT, 20,
        {"learning_rate": [0.01, 1.5], "init_id": 9}, {"epochs": "none"}, loss="mse", patience=2,
    ),
}  # fmt: skip


# Every optimiser, each with a schedule, penalties, clipping, or parameters that do not train.
CASES |= {
    "nesterov": experiment(
        [2, 3, 1], ["tanh", "identity"], POINTS, 20,
        {"momentum": [0.0, 0.9], "learning_rate": [0.02, 2.0], "init_id": 5}, {"epochs": "all"},
        optimiser="nesterov", schedule="cosine", schedule_final=0.1, warm_up=3, limit=50.0,
        tolerance=0.2,
    ),
    "adagrad": experiment(
        [2, 3, 1], ["tanh", "identity"], POINTS, 30,
        {"epsilon": [1e-10, 0.1], "l2": [0.0, 0.02], "init_id": 5}, {"epochs": "all"},
        optimiser="adagrad", learning_rate=0.3, penalise_biases=False, tolerance=0.1,
    ),
    "rmsprop": experiment(
        [2, 3, 1], ["tanh", "identity"], POINTS, 20,
        {"momentum": [0.0, 0.5], "decay": [0.9, 0.99], "clip_norm": [0.3, 100.0], "init_id": 3},
        {"epochs": "all"}, optimiser="rmsprop", tolerance=0.2,
    ),
    "adam": experiment(
        [2, 3, 1], ["softplus", "identity"], POINTS, 40,
        {"beta1": [0.0, 0.9], "beta2": [0.9, 0.999], "l2": [0.0, 0.02],
         "learning_rate": [0.05, 30.0], "init_id": 2},
        {"epochs": "all"}, optimiser="adam", clip_norm=1.0, tolerance=0.15, limit=30.0,
        train=["w1", "w4", "w6", "w8", "b1", "b4"],
    ),
    "adamw": experiment(
        [2, 3, 1], ["softplus", "identity"], POINTS, 30,
        {"weight_decay": [0.0, 0.3], "learning_rate_1": [0.01, 0.1], "init_id": 5},
        optimiser="adamw", penalise_biases=False, schedule="exponential", schedule_factor=0.9,
        batch_size=2, batches="shuffled", tolerance=0.3,
    ),
    "rprop": experiment(
        [2, 3, 1], ["sigmoid", "identity"], POINTS, 40,
        {"eta_plus": [1.2, 2.0], "step_max": [0.1, 50.0], "learning_rate": [0.1, 30.0],
         "init_id": 3},
        {"epochs": "all"}, optimiser="rprop", tolerance=0.05,
        limit=30.0,
    ),
    "adam_loops": experiment(
        [3, 12, 8, 2], ["tanh", "sigmoid", "identity"], MANY, 3,
        {"learning_rate": [0.01, 2.0], "l2": [0.0, 0.1]}, MEASURES,
        optimiser="adam", clip_norm=5.0, weight_decay=0.1, penalise_biases=False,
        schedule="linear", limit=300.0, network_biases=[True, False, True],
    ),
}  # fmt: skip


def train(experiment, lanes, first=0, last=None):
    """Return the trained block of a range of runs, and the counts."""
    last = experiment.grid.size if last is None else last
    counts = np.zeros(COUNTS, dtype=np.int64)
    block = Trainer(experiment, lanes=lanes).train(first, last, np.zeros(1, np.uint8), counts)
    return block, counts


def bits(columns):
    """Return columns in a form that compares bits; all NaN count as equal."""
    found = {}
    for name, column in columns.items():
        values = np.asarray(column)
        if values.dtype == np.float64:
            values = np.where(np.isnan(values), np.nan, values).view(np.int64)
        found[name] = values.tolist()
    return found


@pytest.mark.parametrize("name", CASES)
def test_lanes_change_no_bit(name):
    one, counted_one = train(CASES[name], lanes=1)
    side_by_side, counted = train(CASES[name], lanes=8)
    assert len({*one.runs["epochs"]}) > 1  # runs end at different epochs
    assert bits(side_by_side.runs) == bits(one.runs)
    assert bits(side_by_side.trajectories.columns()) == bits(one.trajectories.columns())
    runs, updates, passes, useful = counted.tolist()
    assert [runs, updates, useful] == counted_one[[0, 1, 3]].tolist()
    assert useful == np.sum(one.runs["epochs"] + 1)
    assert passes >= useful
    assert passes % 8 == 0


def single(experiment, epochs=6):
    """Return an experiment in single precision, with few epochs, and few runs if it is large."""
    document = experiment.document()
    if experiment.network.parameter_count > 50:  # NumPy takes seconds for each run
        document["grid"]["init_id"] = 2
    document["training"] |= {"precision": "float32", "epochs": epochs}
    return Experiment.from_mapping(document, data=experiment.data)


def train_with_numpy_singles(experiment, monkeypatch):
    """Train with `descent.train` as plain Python, on np.float32; return its runs and rows."""
    trainer, f = Trainer(experiment), np.float32
    variant, runs, rows = a_block(trainer)
    network = variant.architecture._replace(
        scales=variant.architecture.scales.astype(f),
        settings=variant.architecture.settings.astype(f),
        output_scale=f(variant.architecture.output_scale),
    )
    data, held_out = (
        Data(each.x.astype(f), each.y.astype(f)) for each in (variant.data, variant.watched)
    )
    runs = runs._replace(
        theta=runs.theta.astype(f), settings=runs.settings.astype(f), state=runs.state.astype(f)
    )
    plan = variant.plan._replace(factors=variant.plan.factors.astype(f))
    make_scratch = descent.make_scratch
    monkeypatch.setattr(
        descent,
        "make_scratch",
        lambda *given: make_scratch(*given)._make(a.astype(f) for a in make_scratch(*given)),
    )
    with np.errstate(all="ignore"):
        descent.train.py_func(
            network,
            data,
            held_out,
            plan,
            runs,
            rows,
            np.zeros(1, np.uint8),
            np.zeros(COUNTS, int),
        )
    return runs, rows


@pytest.mark.parametrize("name", CASES)
def test_single_precision_has_the_bits_of_numpy_singles(name, monkeypatch):
    sweep = single(CASES[name])
    runs, rows = train_with_numpy_singles(sweep, monkeypatch)
    block = train(sweep, lanes=16)[0]
    assert np.isfinite(rows.ssr[:, 1]).any()
    found = {"epochs": rows.epochs, "ssr_final": rows.ssr[:, 1], "ssr_min": rows.ssr[:, 2]}
    if "loss_final" in block.runs:
        found["loss_final"] = rows.loss[:, 1]
    if "epoch_of_validation_min" in block.runs:
        found["epoch_of_validation_min"] = rows.validation[:, 1].astype(np.int64)
    for name in {*sweep.record.measures} - {"gradient_norm"}:  # that of NumPy sums singles
        values = measure(rows, name)
        found[name] = values.astype(np.int64) if name == "epoch_of_ssr_min" else values
    for parameter, at in sweep.network.positions.items():
        found[f"{parameter}_final"] = runs.theta[:, at].astype(float)
    assert bits({n: block.runs[n] for n in found}) == bits(found)
    assert bits(train(sweep, lanes=32)[0].runs) == bits(block.runs)


def test_single_precision_needs_lanes():
    with pytest.raises(HarnessError, match="trained in lanes only"):
        train(single(CASES["in_order"]), lanes=1)


@pytest.mark.parametrize("name", ["one_tile_every_epoch", "momentum_and_measures", "shuffled"])
def test_parameters_recorded_in_lanes_have_the_bits_of_those_without(name):
    document = CASES[name].document()
    document["record"]["parameters"] = "trajectory"
    sweep = Experiment.from_mapping(document, data=CASES[name].data)
    one, lanes = (train(sweep, lanes=n)[0].trajectories.columns() for n in (1, 8))
    assert "w1" in one
    assert bits(lanes) == bits(one)


@pytest.mark.parametrize("name", ["one_tile_every_epoch", "patient_one_tile"])
def test_number_of_lanes_and_neighbours_change_no_bit(name):
    sweep = CASES[name]
    whole = train(sweep, lanes=1)[0]
    assert bits(train(sweep, lanes=16)[0].runs) == bits(whole.runs)
    part = train(sweep, lanes=8, first=5, last=16)[0]
    assert bits(part.runs) == bits({n: np.asarray(c)[5:16] for n, c in whole.runs.items()})


@pytest.mark.parametrize("lanes", [8, 16])
@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize(
    "name",
    ["one_tile_every_epoch", "momentum_and_measures", "in_order", "loops", "patient_one_tile"],
)
def test_interruptions_of_the_machine_code_change_no_bit(name, most, lanes, monkeypatch):
    variant = Trainer(CASES[name]).variant(0)
    work = len(variant.data.x) * variant.network.parameter_count * 8
    whole, counted = train(CASES[name], lanes=lanes)
    monkeypatch.setattr(lane_descent, "_WORK_AT_ONCE", (most - 1) * work)
    parts, counted_in_parts = train(CASES[name], lanes=lanes)
    assert bits(parts.runs) == bits(whole.runs)
    assert bits(parts.trajectories.columns()) == bits(whole.trajectories.columns())
    assert counted_in_parts.tolist() == counted.tolist()


@pytest.mark.parametrize(("axis", "loss"), [("slope", "ssr"), ("delta", "huber")])
def test_values_of_a_setting_share_the_machine_code(axis, loss):
    sweep = experiment(
        [2, 3, 1], ["leaky_relu", "identity"], POINTS, 5, {axis: [0.1, 0.5]}, loss=loss
    )
    trainer = Trainer(sweep)
    specs = {make_lane_spec(trainer.variant(n), sweep.varied, None) for n in range(2)}
    assert len(specs) == 1
    block = train(sweep, lanes=8)[0]
    assert len(set(block.runs["loss_final" if loss == "huber" else "ssr_final"])) == 2


def test_threads_that_need_the_same_kernel_compile_it_once(monkeypatch):
    trainer = Trainer(CASES["drift"], lanes=8)
    spec = dataclasses.replace(make_lane_spec(trainer.variant(0), frozenset(), 8), groups=7)
    written, write = [], machine_code._write
    monkeypatch.setattr(machine_code, "_write", lambda *given: written.append(1) or write(*given))
    monkeypatch.setattr(machine_code._cache, "load", lambda *key: None)
    monkeypatch.setattr(machine_code._cache, "save", lambda *key: None)
    with ThreadPoolExecutor(3) as pool:
        addresses = set(pool.map(lane_descent.address_of, [spec] * 3))
    assert len(addresses) == len(written) == 1


def a_block(trainer, epochs=None):
    """Return variant, runs and rows of a whole experiment, optionally with fewer epochs."""
    variant, count = trainer.variant(0), trainer.experiment.grid.size
    runs = start(variant, trainer.experiment.grid.columns(np.arange(count)), count)
    if epochs is not None:
        recorded = variant.plan.recorded
        recorded = np.append(recorded[recorded < epochs], epochs)
        plan = variant.plan._replace(epochs=epochs, recorded=recorded)
        variant = dataclasses.replace(variant, plan=plan)
    return variant, runs, make_rows(count, variant.plan.recorded.size, trainer.columns.keeps_loss)


@pytest.mark.parametrize(
    "name",
    [
        "one_tile_every_epoch",
        "momentum_and_measures",
        "shuffled",
        "patient_one_tile",
        "adam",
        "rprop",
    ],
)
@pytest.mark.parametrize("epochs", [1, 7, 12])
def test_resumed_runs_have_the_bits_of_uninterrupted_ones(name, epochs):
    def train_in(trainer, *block):
        counts = np.zeros(COUNTS, dtype=np.int64)
        trainer.train_runs(*block, np.zeros(1, np.uint8), counts)
        return counts

    one, lanes = Trainer(CASES[name], lanes=1), Trainer(CASES[name], lanes=8)
    whole = a_block(one)
    train_in(one, *whole)
    half, runs, done = a_block(lanes, epochs)
    train_in(lanes, half, runs, done)
    variant, _, rows = a_block(lanes)
    on = done.status == FINISHED
    assert 0 < on.sum() < on.size
    kept = np.searchsorted(variant.plan.recorded, epochs)
    for field in rows._fields:
        values = getattr(rows, field)
        if field.endswith("trajectory"):
            values[:, :kept] = getattr(done, field)[:, :kept]
        else:
            values[:] = getattr(done, field)
    rows.status[on] = RUNNING
    rows.recorded[on] = kept
    runs.epochs[on] = epochs
    counts = train_in(lanes, variant, runs, rows)

    _, whole_runs, theirs = whole
    updates = (theirs.epochs[on] - epochs).sum() * variant.plan.updates
    assert counts[:2].tolist() == [on.sum(), updates]
    assert np.array_equal(runs.theta[on].view(np.int64), whole_runs.theta[on].view(np.int64))
    if name in ("adam", "rprop"):  # others need no state in some runs
        assert np.array_equal(runs.state[on].view(np.int64), whole_runs.state[on].view(np.int64))
    measures = {"epoch_of_ssr_min", "gradient_norm"} & {*CASES[name].record.measures}
    for field in ("status", "epochs", "ssr", "recorded", "validation"):
        assert np.array_equal(getattr(rows, field)[on], getattr(theirs, field)[on]), field
    for name in measures:
        assert np.array_equal(measure(rows, name)[on], measure(theirs, name)[on]), name
    for row in np.flatnonzero(on):
        written = theirs.recorded[row]
        ours = rows.ssr_trajectory[row, :written]
        assert ours.tobytes() == theirs.ssr_trajectory[row, :written].tobytes()


def test_a_lane_takes_the_next_run_at_once():
    # Runs of 1 to 2,000 epochs: nine tenths of what the lanes compute is used.
    sweep = experiment(
        [1, 2, 1], ["softplus", "identity"], DOSAGE, 2000,
        {"learning_rate": {"log": [0.003, 3.0], "count": 16}, "init_id": 64},
        {"epochs": "none"}, tolerance=0.6,
    )  # fmt: skip
    block, (_, _, passes, useful) = train(sweep, lanes=8)
    epochs = np.asarray(block.runs["epochs"])
    assert np.percentile(epochs, 25) < epochs.max() / 5
    assert useful / passes > 0.9


@pytest.mark.parametrize("lanes", [0, -8, 4, 12])
def test_invalid_numbers_of_lanes_are_refused(lanes):
    with pytest.raises(HarnessError, match=f"lanes = {lanes} must be 1 or"):
        Trainer(CASES["in_order"], lanes=lanes)


def test_an_array_of_counts_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="shape"):
        Trainer(CASES["in_order"]).train(0, 1, np.zeros(1, np.uint8), np.zeros(2, np.int64))
