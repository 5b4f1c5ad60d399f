"""Whole trainings by the kernel, compared with the slow twin: updates, batches, records, blocks.

test_stopping.py tests when runs end.
"""

import threading
import time

import numpy as np
import pytest

from harness.kernels import descent, stopping
from harness.training.buffers import make_rows
from tests.patience import PATIENCE
from tests.reference.network import gradient_by_complex_step
from tests.reference.training import batches_of_epoch
from tests.side_by_side import (
    a_problem,
    a_twin,
    assert_same_training,
    kernel_train,
    measure,
    plan_of,
    start_runs,
    train_both,
)

LINE = a_twin((1, 1))
ONE = np.ones((1, 1))
ZERO = np.zeros(2)
BOWL = (ZERO, ONE, ONE)  # predicted = w1 + b1: SSR is (1 - w1 - b1)^2, exactly


# -- updates ---------------------------------------------------------------------------------------

SETTINGS = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "drift": {"drift": [0.25, -0.5], "momentum": 0.5},
    "drift_of_some_parameters": {"drift": 0.1, "trained": [0, 3, 9], "batch_size": 2},
    "some_parameters": {"trained": [0, 3, 9], "momentum": 0.5},
    "in_order": {"batch_size": 2},
    "in_order_with_momentum": {"batch_size": 2, "momentum": 0.8},
    "one_by_one": {"batch_size": 1},
    "one_short_of_all": {"batch_size": 4},
    "shuffled": {"batch_size": 2, "batches": "shuffled", "seed": 7},
    "shuffled_all": {"batches": "shuffled"},
    "drawn": {"batch_size": 2, "batches": "drawn", "seed": 2**63 - 1},
    "drawn_all": {"batches": "drawn"},
    "drawn_often": {"batch_size": 3, "batches": "drawn", "updates_per_epoch": 5, "momentum": 0.5},
}


@pytest.mark.jitless
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_updates_and_batches(settings):
    twin = a_twin((2, 3, 2))
    assert_same_training(*train_both(twin, a_problem(twin), 4, 0.03, **settings))


@pytest.mark.parametrize("loss", ["half_ssr", "mse", "cross_entropy"])
@pytest.mark.parametrize("settings", [{}, SETTINGS["shuffled"]], ids=["all", "shuffled"])
def test_loss_of_a_batch_is_over_its_own_data_points(loss, settings):
    # The last batch is smaller, and its mean is over fewer data points.
    twin = a_twin((2, 3, 2), "softplus", loss)
    assert_same_training(*train_both(twin, a_problem(twin), 4, 0.1, **settings))


@pytest.mark.parametrize("settings", [{}, SETTINGS["in_order"]], ids=["all", "in_order"])
def test_learning_rates_of_layers(settings):
    twin = a_twin((2, 3, 4, 2), biases=(True, False, True), scales=(0.7, 1.2, 0.5))
    assert_same_training(
        *train_both(twin, a_problem(twin), 4, [0.2, 0.0, 0.05], momentum=0.5, **settings)
    )


@pytest.mark.jitless
@pytest.mark.parametrize("batch_size", [5, 2])
def test_parameters_that_do_not_train_keep_their_bits(batch_size):
    twin = a_twin((2, 3, 2))
    problem = a_problem(twin)
    runs, _, _ = train_both(twin, problem, 3, 0.05, trained=[1, 16], batch_size=batch_size)
    moved = np.flatnonzero(runs.theta[0] != problem[0])
    assert moved.tolist() == [1, 16]


# -- records ---------------------------------------------------------------------------------------


@pytest.mark.jitless
@pytest.mark.parametrize("settings", [{}, SETTINGS["in_order"]], ids=["all", "in_order"])
def test_measures(settings):
    # Momentum carries SSR past its minimum, so that the least SSR is neither first nor last.
    twin = a_twin((2, 3, 2), loss="mse")
    theta, inputs, targets = a_problem(twin)
    runs, rows, record = train_both(
        twin, (theta, inputs, targets), 12, 0.25, momentum=0.95, **settings
    )
    assert_same_training(runs, rows, record)
    least = int(np.argmin(record.ssr))
    assert 0 < least < 12
    assert measure(rows, "epoch_of_ssr_min")[0] == least
    assert measure(rows, "ssr_mean")[0] == pytest.approx(np.mean(record.ssr), rel=1e-10)
    slope = gradient_by_complex_step(twin, record.theta, inputs, targets)
    assert measure(rows, "gradient_norm")[0] == pytest.approx(np.linalg.norm(slope), rel=1e-9)


def test_of_equal_minima_the_first_epoch_counts():
    # With learning rate 1/2, w1 + b1 jumps from 0 to 2 and back: SSR is 1 at every epoch.
    _, rows, record = train_both(LINE, BOWL, 4, 0.5)
    assert record.ssr == [1.0] * 5
    assert (measure(rows, "epoch_of_ssr_min")[0], measure(rows, "ssr_mean")[0]) == (0, 1.0)


@pytest.mark.jitless
@pytest.mark.parametrize("batch_size", [5, 2])
def test_measuring_the_gradient_changes_no_other_number(batch_size):
    twin = a_twin((2, 3, 2))
    theta, inputs, targets = a_problem(twin)
    settings = {"batch_size": batch_size, "batches": "shuffled"}
    left = []
    for measure_gradient in (True, False):
        plan = plan_of(twin, 5, 3, measure_gradient=measure_gradient, **settings)
        runs = start_runs(twin, theta, 0.1)
        rows, _ = kernel_train(twin, inputs, targets, plan, runs)
        trajectory = rows.ssr_trajectory[0, :4]
        left.append((runs.theta.tobytes(), rows.ssr.tobytes(), trajectory.tobytes()))
    assert left[0] == left[1]


@pytest.mark.jitless
@pytest.mark.parametrize(
    ("recorded", "tolerance", "expected"),
    [
        ([0, 2, 3], None, [0, 2, 3]),
        ([0, 3], 1 / 16, [0, 2]),  # the last epoch is recorded, due or not
        ([0, 2, 3], 1 / 16, [0, 2]),
        ([0], 1.0, [0]),
        ([], None, []),
    ],
)
@pytest.mark.parametrize("keeps_loss", [True, False])
def test_recorded_epochs(recorded, tolerance, expected, keeps_loss):
    # SSR at epoch e is 4^-e.
    plan = plan_of(LINE, 1, 3, recorded=recorded)
    runs = start_runs(LINE, ZERO, 0.125, tolerance=tolerance)
    rows, _ = kernel_train(LINE, ONE, ONE, plan, runs, keeps_loss=keeps_loss)
    written = rows.recorded[0]
    assert written == len(expected)
    assert rows.ssr_trajectory[0, :written].tolist() == [0.25**epoch for epoch in expected]
    if keeps_loss:
        assert rows.loss_trajectory[0, :written].tolist() == [0.25**epoch for epoch in expected]
    else:
        assert rows.loss_trajectory.shape == (1, 0)


# -- blocks ----------------------------------------------------------------------------------------


@pytest.mark.jitless
def test_each_run_has_its_own_settings():
    momentum, tolerance, limit = [0.0, 0.5, 0.0, 0.0], [-1, -1, 1 / 16, -1], [9.0, 9.0, 9.0, 0.5]
    runs = start_runs(
        LINE, ZERO, [[0.125]], momentum=momentum, tolerance=tolerance, limit=limit, runs=4
    )
    rows, counts = kernel_train(LINE, ONE, ONE, plan_of(LINE, 1, 3), runs)
    assert rows.status.tolist() == [1, 1, 2, 3]
    assert rows.epochs.tolist() == [3, 3, 2, 0]
    assert counts[:2].tolist() == [4, 8]
    assert runs.state[1, 0] != runs.state[0, 0]


@pytest.mark.jitless
def test_runs_that_have_ended_are_left_alone():
    runs = start_runs(LINE, ZERO, [[0.125]], runs=2)
    rows = make_rows(2, 4, True)
    rows.status[0] = stopping.CONVERGED
    _, counts = kernel_train(LINE, ONE, ONE, plan_of(LINE, 1, 3), runs, rows)
    assert rows.status.tolist() == [stopping.CONVERGED, stopping.FINISHED]
    assert runs.theta.tolist() == [[0.0, 0.0], [0.4375, 0.4375]]
    assert counts[:2].tolist() == [1, 3]


@pytest.mark.jitless
@pytest.mark.parametrize("first", [0, 1, 4, 8])
@pytest.mark.parametrize(
    "settings",
    [{}, SETTINGS["shuffled"], SETTINGS["drawn_often"]],
    ids=["all", "shuffled", "drawn"],
)
def test_a_resumed_run_has_the_bits_of_an_uninterrupted_one(first, settings):
    # SSR falls and rises again; its minimum is before or after epoch `first`.
    twin = a_twin((2, 3, 2), loss="mse")
    theta, inputs, targets = a_problem(twin)
    momentum = {"momentum": 0.95}
    batches = {name: value for name, value in settings.items() if name != "momentum"}
    recorded = [0, 2, 4, 7, 9]
    whole_runs = start_runs(twin, theta, 0.25, **momentum)
    plan = plan_of(twin, 5, 9, recorded=recorded, **batches)
    whole, _ = kernel_train(twin, inputs, targets, plan, whole_runs)
    assert 1 < measure(whole, "epoch_of_ssr_min")[0] < 8

    before = sorted({epoch for epoch in recorded if epoch < first} | {0, first})
    runs = start_runs(twin, theta, 0.25, **momentum)
    half = plan_of(twin, 5, first, recorded=before, **batches)
    done, _ = kernel_train(twin, inputs, targets, half, runs)
    rows = make_rows(1, len(recorded), True)
    kept = sum(epoch < first for epoch in recorded)
    for name in ("ssr", "loss", "measures"):
        getattr(rows, name)[:] = getattr(done, name)
    for name in ("ssr_trajectory", "loss_trajectory"):
        getattr(rows, name)[:, :kept] = getattr(done, name)[:, :kept]
    rows.recorded[:] = kept
    runs.epochs[:] = first
    _, counts = kernel_train(twin, inputs, targets, plan, runs, rows)

    assert counts[:2].tolist() == [1, (9 - first) * plan.updates]
    # Velocity is state too.
    for ours, theirs in zip(runs, whole_runs, strict=True):
        if ours is not runs.epochs:
            assert ours.tobytes() == theirs.tobytes()
    for name in set(rows._fields) - {"measures"}:
        assert getattr(rows, name).tobytes() == getattr(whole, name).tobytes(), name
    for name in ("epoch_of_ssr_min", "gradient_norm"):
        assert measure(rows, name).tobytes() == measure(whole, name).tobytes(), name


@pytest.mark.jitless
def test_nothing_is_trained_if_stopped_before_the_start():
    runs = start_runs(LINE, ZERO, 0.125)
    stop = np.ones(1, dtype=np.uint8)
    rows, counts = kernel_train(LINE, ONE, ONE, plan_of(LINE, 1, 3), runs, stop=stop)
    assert rows.status.tolist() == [stopping.RUNNING]
    assert counts[:2].tolist() == [0, 0]


@pytest.mark.jitless
def test_another_thread_can_stop_training():
    # Without the flag, training would take years.
    plan = plan_of(LINE, 1, 2**53, recorded=[], measure_gradient=False)
    stop, counts = np.zeros(1, dtype=np.uint8), np.zeros(descent.COUNTS, dtype=np.int64)
    rows = make_rows(2, 0, False)
    runs = start_runs(LINE, ZERO, 0.125, runs=2)
    block = threading.Thread(
        target=kernel_train,
        args=(LINE, ONE, ONE, plan, runs, rows),
        kwargs={"stop": stop, "counts": counts},
        daemon=True,  # so that a kernel that ignores the flag fails only this test
    )
    block.start()
    while counts[1] == 0 and block.is_alive():
        time.sleep(0.001)
    stop[0] = 1
    block.join(timeout=PATIENCE)
    assert not block.is_alive()
    assert rows.status.tolist() == [stopping.RUNNING] * 2
    assert counts[1] > 0
    assert rows.epochs[1] == 0


@pytest.mark.jitless
@pytest.mark.parametrize("batches", ["in_order", "shuffled", "drawn"])
def test_the_order_of_an_epoch_agrees_with_the_twin(batches):
    plan = plan_of(a_twin((2, 3, 2)), 5, 4, batch_size=2, batches=batches, seed=9)
    order = descent.order_of_epoch(plan, 5, 3)
    expected = batches_of_epoch(batches, 3, 5, 2, seed=9)
    assert order.tolist() == [sample for batch in expected for sample in batch]
