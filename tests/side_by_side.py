"""The package and its slow twin, with the same network, data and settings.

This is the only module that converts a `Twin` of tests/reference into arguments of kernels.
"""

import math

import numpy as np
import pytest

from harness.experiment.network import Network
from harness.kernels import descent, stopping
from harness.kernels.activations import ACTIVATIONS
from harness.kernels.losses import CATEGORICAL
from harness.kernels.measures import MEASURES
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.passes import Data, loss_gradient, predict
from harness.kernels.tables import code_of
from harness.training.buffers import make_rows
from tests.reference import training
from tests.reference.network import Twin

CLOSE = {"rel": 1e-10, "abs": 1e-13}  # rounding errors stay below this over a few epochs
NO_TOLERANCE, NO_LIMIT = -1.0, float(np.finfo(float).max)


HIDDEN = [name for name, entry in ACTIVATIONS.items() if not entry.normalised]


def as_in_files(kernel_loss, last):
    """Return loss and last activation of an experiment whose kernels have this loss."""
    if kernel_loss == CATEGORICAL:
        return "cross_entropy", "softmax"
    return kernel_loss, "sigmoid" if kernel_loss == "cross_entropy" else last


def a_twin(sizes, activation="tanh", loss="ssr", last="identity", **more):
    """Return a twin with one hidden activation, a loss of kernels, and outputs that it allows."""
    loss, last = as_in_files(loss, last)
    activations = (activation,) * (len(sizes) - 2) + (last,)
    return Twin(sizes=sizes, activations=activations, loss=loss, **more)


def a_problem(twin, samples=5, seed=3):
    """Return parameters, inputs and targets between 0 and 1, the same at every call.

    Targets of softmax outputs add up to 1.
    """
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(samples, twin.sizes[0]))
    targets = rng.uniform(size=(samples, twin.sizes[-1]))
    if twin.activations[-1] == "softmax":
        targets /= targets.sum(axis=1, keepdims=True)
    return rng.normal(size=twin.parameters), inputs, targets


def network_of(twin):
    """Return the twin as a network of the package."""
    return Network(
        sizes=twin.sizes,
        activations=twin.activations,
        biases=twin.biases,
        scales=twin.scales,
        output_scale=twin.output_scale,
        loss=twin.loss,
    )


def kernel_gradient(twin, theta, inputs, targets, order=None):
    """Return SSR, loss and gradient by the kernel over the data points `order`."""
    order = np.arange(len(inputs)) if order is None else np.array(order)
    architecture = network_of(twin).architecture()
    with np.errstate(all="ignore"):  # without the compiler, NumPy warns of overflows
        return loss_gradient(architecture, theta, Data(x=inputs, y=targets), order)


def kernel_predict(twin, theta, inputs):
    """Return the predictions by the kernel."""
    return predict(network_of(twin).architecture(), theta, inputs)


def plan_of(
    twin,
    samples,
    epochs,
    batch_size=None,
    batches="in_order",
    updates_per_epoch=None,
    seed=0,
    trained=None,
    recorded=None,
    measure_gradient=True,
    patience=False,
    optimiser="sgd",
    factors=None,
    penalise_biases=True,
):
    """Return the kernel's plan for settings of the twin's `train` that all runs share."""
    batch_size = batch_size or samples
    updates = updates_per_epoch or math.ceil(samples / batch_size)
    penalised = np.ones(twin.parameters, dtype=bool)
    penalised[network_of(twin).bias_positions] = penalise_biases
    return descent.TrainingPlan(
        epochs=epochs,
        batch_size=batch_size,
        updates=updates,
        batches=descent.BATCHES[batches],
        full_batch=batches != "drawn" and batch_size == samples,
        points_seen=updates * batch_size if batches == "drawn" else samples,
        optimiser=code_of(OPTIMISERS, optimiser),
        seed=np.uint64(seed),
        factors=np.empty(0) if factors is None else np.append(factors, 1.0),
        trains=np.isin(
            np.arange(twin.parameters), np.arange(twin.parameters) if trained is None else trained
        ),
        penalised=penalised,
        recorded=np.arange(epochs + 1) if recorded is None else np.array(recorded, dtype=np.int64),
        measure_gradient=measure_gradient,
        patience=patience,
    )


def start_runs(
    twin,
    theta,
    rates,
    tolerance=None,
    limit=None,
    patience=None,
    runs=1,
    optimiser="sgd",
    **settings,
):
    """Return a block of runs before the first update; settings may differ per run."""
    optimiser = OPTIMISERS[optimiser]

    def filled(shape, value):
        array = np.empty(shape)  # a copy might have another memory order
        array[:] = value
        return array

    def column(value, otherwise=None):
        return filled(runs, otherwise if value is None else value)

    numbers = {"learning_rate": filled((runs, twin.layers), rates)}
    for setting in optimiser.all_settings:
        value = settings.pop(setting.name, setting.default)
        by_run = value if setting.by_layer else column(value)[:, np.newaxis]
        numbers[setting.name] = filled((runs, twin.layers), by_run)
    assert not settings
    state = np.zeros((runs, optimiser.state_size(twin.parameters)))
    for slot, of_slot in zip(optimiser.slots, optimiser.slots_of(state), strict=True):
        if slot.start is not None:
            of_slot[:] = numbers[slot.start][:, twin.layer_of_parameters()]
    return descent.Runs(
        epochs=np.zeros(runs, dtype=np.int64),
        theta=filled((runs, twin.parameters), theta),
        state=state,
        settings=np.hstack(list(numbers.values())),
        tolerance=column(tolerance, NO_TOLERANCE),
        limit=column(limit, NO_LIMIT),
        patience=column(patience, np.inf),
    )


def kernel_train(
    twin,
    inputs,
    targets,
    plan,
    runs,
    rows=None,
    keeps_loss=True,
    stop=None,
    counts=None,
    held_out=None,
):
    """Train a block with the kernel; return its rows and the counts.

    `held_out` are inputs and targets of the held-out data points.
    """
    count = len(runs.theta)
    rows = make_rows(count, plan.recorded.size, keeps_loss) if rows is None else rows
    stop = np.zeros(1, dtype=np.uint8) if stop is None else stop
    counts = np.zeros(descent.COUNTS, dtype=np.int64) if counts is None else counts
    data = Data(x=inputs, y=targets)
    others = Data(*held_out) if held_out else Data(x=inputs[:0], y=targets[:0])
    with np.errstate(all="ignore"):  # as above
        descent.train(network_of(twin).architecture(), data, others, plan, runs, rows, stop, counts)
    return rows, counts


def measure(rows, name):
    """Return a measure of every run, (runs,)."""
    return rows.measures[:, code_of(MEASURES, name)]


SHARED = (
    "batch_size",
    "batches",
    "updates_per_epoch",
    "seed",
    "trained",
    "factors",
    "penalise_biases",
)
ONLY_TWIN = ("held_out", "gradient")


def train_both(twin, problem, epochs, rates, **settings):
    """Train with kernel and twin; return the kernel's runs and rows, and the twin's record."""
    theta, inputs, targets = problem
    shared = {name: value for name, value in settings.items() if name in SHARED}
    optimiser = settings.get("optimiser", "sgd")
    plan = plan_of(
        twin, len(inputs), epochs, patience="patience" in settings, optimiser=optimiser, **shared
    )
    own = {name: settings[name] for name in settings if name not in (*SHARED, *ONLY_TWIN)}
    runs = start_runs(twin, theta, rates, **own)
    held_out = settings.get("held_out")
    rows, counts = kernel_train(twin, inputs, targets, plan, runs, held_out=held_out)
    record = training.train(twin, inputs, targets, theta, epochs, rates, **settings)
    assert counts[:2].tolist() == [1, record.epochs * plan.updates]
    return runs, rows, record


def assert_same_training(runs, rows, record, optimiser="sgd", close=CLOSE):
    """Compare all results of a run with the twin's record."""
    assert stopping.STATUSES[rows.status[0]] == record.status
    assert rows.epochs[0] == record.epochs
    assert rows.recorded[0] == len(record.ssr)
    assert rows.ssr_trajectory[0, : len(record.ssr)] == pytest.approx(record.ssr, **close)
    assert rows.loss_trajectory[0, : len(record.loss)] == pytest.approx(record.loss, **close)
    assert rows.ssr[0] == pytest.approx([record.ssr[0], record.ssr[-1], min(record.ssr)], **close)
    three = [record.loss[0], record.loss[-1], min(record.loss)]
    assert rows.loss[0] == pytest.approx(three, **close)
    assert runs.theta[0] == pytest.approx(record.theta, **close)
    if record.epochs:
        entry = OPTIMISERS[optimiser]
        for slot, values in zip(entry.slots, entry.slots_of(runs.state), strict=True):
            assert values[0] == pytest.approx(record.state[slot.name], **close)
