"""The chain rule, factor by factor: products, their sums, and updates, against the kernel.

Symbols and errors are in test_chain_rule_symbols.py.
"""

import numba
import numpy as np
import pandas as pd
import pytest

import harness
from harness.experiment import Experiment
from harness.kernels.descent import COUNTS
from harness.kernels.losses import CATEGORICAL, KERNEL_LOSSES
from harness.kernels.passes import Data, loss_gradient
from harness.training.trainer import Trainer
from tests.lessons import (
    TWO_CLASSES,
    TWO_OUTPUTS,
    TWO_SIGNS,
    an_experiment,
    first_lesson,
    second_lesson,
    three_layers,
)
from tests.reference.training import batches_of_epoch
from tests.side_by_side import HIDDEN, as_in_files

SHUFFLED = {"batch_size": 2, "batches": "shuffled", "seed": 5}
DRAWN = {"batch_size": 3, "batches": "drawn", "updates_per_epoch": 1, "learning_rate": [0.2, 0.1]}

CASES = {
    "first_lesson": first_lesson(),
    "first_lesson_with_momentum": first_lesson(training={"momentum": 0.9, "learning_rate": 0.02}),
    "first_lesson_with_drift": first_lesson(training={"momentum": 0.5, "drift": [0.01, -0.02]}),
    "first_lesson_in_order": first_lesson(training={"batch_size": 2}),
    "second_lesson": second_lesson(),
    "second_lesson_half_ssr": second_lesson("half_ssr"),
    "second_lesson_shuffled": second_lesson(training=SHUFFLED),
    "second_lesson_drawn_with_momentum": second_lesson(training={**DRAWN, "momentum": 0.5}),
    "three_layers": three_layers(),
    "three_layers_shuffled": three_layers(training=SHUFFLED),
    "relu": an_experiment([2, 3, 2], ["relu", "softplus"], TWO_OUTPUTS, "half_ssr"),
    "softmax_regression": an_experiment(
        [2, 2], ["softmax"], TWO_CLASSES, "cross_entropy", scales=[0.7], training=SHUFFLED
    ),
    "no_hidden_layer": an_experiment([2, 2], ["identity"], TWO_OUTPUTS, output_scale=2.0),
}


def with_loss(kernel_loss, activation):
    """Return a network with two outputs and a loss of kernels."""
    loss, last = as_in_files(kernel_loss, "sigmoid")
    points = {CATEGORICAL: TWO_CLASSES, "hinge": TWO_SIGNS}.get(kernel_loss, TWO_OUTPUTS)
    return an_experiment([2, 3, 2], [activation, last], points, loss)


# Every loss with every activation, so that a new one is tested too.
CASES |= {
    f"{loss}_{activation}": with_loss(loss, activation)
    for loss in KERNEL_LOSSES
    for activation in HIDDEN
}


def parameters_after(experiment, epochs):
    """Parameters by name after some epochs, as the kernel trains them."""
    document = experiment.document()
    document["training"]["epochs"] = epochs
    stop, counts = np.zeros(1, dtype=np.uint8), np.zeros(COUNTS, dtype=np.int64)
    columns = Trainer(Experiment.from_mapping(document)).train(0, 1, stop, counts).runs
    return {name: columns[f"{name}_final"][0] for name in experiment.network.parameters}


def first_batch(experiment, epoch):
    """Data points of the first update after an epoch, by the twin."""
    training, samples = experiment.training, len(experiment.data.inputs)
    size = samples if training.batch_size == "all" else training.batch_size
    return batches_of_epoch(
        training.batches, epoch, samples, size, training.updates_per_epoch, training.seed
    )[0]


def kernel_gradient(experiment, epoch):
    """The gradient of the first update after an epoch, by the kernel, by parameter name."""
    network, dataset = experiment.network, experiment.data
    theta = np.empty(network.parameter_count)
    for name, value in parameters_after(experiment, epoch).items():
        theta[network.positions[name]] = value
    data = Data(x=dataset.inputs, y=dataset.targets)
    batch = np.array(first_batch(experiment, epoch))
    gradient = loss_gradient(network.architecture(), theta, data, batch)[2]
    return {name: gradient[at] for name, at in network.positions.items()}


# -- factors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("notation", ["numbered", "matrix"])
@pytest.mark.parametrize("epoch", [0, 4])
@pytest.mark.parametrize("case", CASES)
def test_factors_multiply_and_add_up_to_the_gradient_of_the_kernel(case, epoch, notation):
    experiment = CASES[case]
    trace = harness.trace(experiment, epoch=epoch, notation=notation)
    products = trace.factors.groupby(["parameter", "data_point", "path"])["value"].prod()
    derivatives = products.groupby("parameter").sum()
    gradient = kernel_gradient(experiment, epoch)
    assert set(trace.factors["data_point"]) == set(first_batch(experiment, epoch))
    assert trace.updates["parameter"].tolist() == list(gradient)
    size = 1e-14 * max(abs(value) for value in gradient.values())
    for row in trace.updates.itertuples():
        assert derivatives[row.parameter] == pytest.approx(row.derivative, rel=1e-14, abs=size)
        assert row.derivative == pytest.approx(gradient[row.parameter], rel=1e-12, abs=size)


@pytest.mark.parametrize("epoch", [0, 1, 5])
@pytest.mark.parametrize(
    "case",
    [
        "first_lesson",
        "first_lesson_with_momentum",
        "first_lesson_with_drift",
        "second_lesson",
        "second_lesson_drawn_with_momentum",
        "three_layers",
    ],
)
def test_new_value_is_that_after_the_next_update_of_the_kernel(case, epoch):
    # In these cases an epoch is one update.
    before, after = (parameters_after(CASES[case], e) for e in (epoch, epoch + 1))
    for row in harness.trace(CASES[case], epoch=epoch).updates.itertuples():
        assert row.old == before[row.parameter]
        assert row.new == pytest.approx(after[row.parameter], rel=1e-13)
        moved = before[row.parameter] - after[row.parameter]
        assert row.step_size == pytest.approx(moved, rel=1e-9, abs=1e-15)
        assert row.step_size != 0.0


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="single precision is trained in lanes")
@pytest.mark.parametrize("epoch", [0, 5])
def test_a_trace_in_single_precision_starts_from_its_parameters(epoch):
    training = {"momentum": 0.9, "learning_rate": 0.02, "precision": "float32"}
    experiment = first_lesson(training=training)
    before, after = (parameters_after(experiment, e) for e in (epoch, epoch + 1))
    for row in harness.trace(experiment, epoch=epoch).updates.itertuples():
        assert row.old == before[row.parameter] == np.float32(row.old)
        assert row.new == pytest.approx(after[row.parameter], rel=1e-6)  # the trace has doubles


def test_learning_rates_are_those_of_the_layers():
    updates = harness.trace(CASES["second_lesson_drawn_with_momentum"]).updates
    rates = dict(zip(updates["parameter"], updates["learning_rate"], strict=True))
    assert {rates[name] for name in ("w1", "w4", "b1", "b2")} == {0.2}
    assert {rates[name] for name in ("w5", "w6", "b3")} == {0.1}
    assert len(rates) == 9


def test_only_parameters_that_train_are_traced():
    trace = harness.trace(first_lesson(training={"train": ["b3", "w1"]}))
    assert trace.updates["parameter"].tolist() == ["w1", "b3"]
    assert set(trace.factors["parameter"]) == {"w1", "b3"}


@pytest.mark.parametrize("parameter", ["w1", "b1", "w3", "b3"])
def test_one_parameter_is_traced_as_among_all(parameter):
    whole = harness.trace(first_lesson(), epoch=2)
    single = harness.trace(first_lesson(), epoch=2, parameter=parameter)
    rows = whole.factors[whole.factors["parameter"] == parameter]
    pd.testing.assert_frame_equal(single.factors, rows.reset_index(drop=True), check_exact=True)
    assert len(single.updates) == 1


def test_run_of_a_grid_is_traced():
    experiment = first_lesson(grid={"learning_rate": [0.1, 0.3], "init_id": 3})
    trace = harness.trace(experiment, run_id=5, epoch=2)
    single = harness.trace(experiment.single(5), epoch=2)
    assert (trace.run_id, trace.epoch) == (5, 2)
    assert set(trace.updates["learning_rate"]) == {0.3}
    pd.testing.assert_frame_equal(trace.updates, single.updates, check_exact=True)
    other = harness.trace(experiment, run_id=3, epoch=2)
    assert not (other.updates["old"] == trace.updates["old"]).any()


def test_a_data_point_drawn_twice_counts_twice():
    batch = first_batch(CASES["second_lesson_drawn_with_momentum"], 0)
    twice = next(point for point in batch if batch.count(point) == 2)
    factors = harness.trace(CASES["second_lesson_drawn_with_momentum"], parameter="w1").factors
    paths = factors[factors["data_point"] == twice].groupby("path")
    assert list(paths.groups) == [0, 1]
    assert paths.get_group(0)["value"].tolist() == paths.get_group(1)["value"].tolist()


def test_a_parameter_that_does_not_train_has_a_derivative_and_stays():
    only_b3 = harness.load_experiment("experiments/statquest_b3.toml")
    (update,) = harness.trace(only_b3, parameter="w1").updates.itertuples()
    assert update.derivative != 0.0
    assert update.learning_rate == update.step_size == 0.0
    assert update.new == update.old == 3.34


def test_the_step_is_the_sum_of_its_two_parts():
    trace = harness.trace(CASES["second_lesson_drawn_with_momentum"], epoch=2)
    updates = trace.updates
    assert (updates["last_step"] != 0.0).all()
    parts = updates["derivative"] * updates["learning_rate"]
    parts += updates["momentum"] * updates["last_step"]
    assert parts.tolist() == updates["step_size"].tolist()
