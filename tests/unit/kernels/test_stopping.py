"""End of runs as finished, converged, diverged or stopped, compared with the slow twin."""

import numpy as np
import pytest

from harness.kernels import stopping
from tests.reference import training
from tests.side_by_side import (
    CLOSE,
    a_problem,
    a_twin,
    assert_same_training,
    kernel_train,
    plan_of,
    start_runs,
    train_both,
)

LINE = a_twin((1, 1))
ONE = np.ones((1, 1))
ZERO = np.zeros(2)
BOWL = (ZERO, ONE, ONE)  # predicted = w1 + b1: SSR is (1 - w1 - b1)^2, exactly


@pytest.mark.parametrize("epoch", [0, 1, 4, 7])
def test_tolerance_ends_a_run_at_the_first_epoch_that_reaches_it(epoch):
    twin = a_twin((2, 3, 2), loss="mse")
    problem = a_problem(twin)
    path = training.train(twin, problem[1], problem[2], problem[0], 8, 0.1).loss
    runs, rows, record = train_both(
        twin, problem, 8, 0.1, tolerance=(path[epoch] + path[epoch + 1]) / 2
    )
    assert_same_training(runs, rows, record)
    assert (record.status, record.epochs) == ("converged", epoch + 1)


@pytest.mark.jitless
def test_loss_at_the_tolerance_is_converged_and_at_the_limit_is_not_diverged():
    # The residual is multiplied by 1 - 4 * rate = 1/2: SSR is 1, 1/4, 1/16, all exact.
    for settings, expected in (
        ({"tolerance": 1 / 16}, ("converged", 2)),
        ({"tolerance": 1.0}, ("converged", 0)),
        ({"limit": 1.0}, ("finished", 3)),
        ({"limit": np.nextafter(1.0, 0.0)}, ("diverged", 0)),
        ({"limit": 0.5, "tolerance": 1.0}, ("diverged", 0)),  # diverged is tested first
        ({"tolerance": 1 / 64}, ("converged", 3)),  # converged is tested before finished
    ):
        runs, rows, record = train_both(LINE, BOWL, 3, 0.125, **settings)
        assert_same_training(runs, rows, record)
        assert (record.status, record.epochs) == expected


@pytest.mark.parametrize("batch_size", [3, 1])
def test_limit_ends_a_run_at_the_first_epoch_past_it(batch_size):
    theta, inputs, targets = np.zeros(2), np.array([[0.0], [1.0], [2.0]]), np.ones((3, 1))
    problem = (theta, inputs, targets)
    runs, rows, record = train_both(LINE, problem, 50, 0.7, limit=1e4, batch_size=batch_size)
    assert_same_training(runs, rows, record)
    assert record.status == "diverged"
    assert record.loss[-1] > 1e4 >= record.loss[-2]


@pytest.mark.jitless
@pytest.mark.parametrize("batch_size", [2, 1])
def test_without_epochs_only_the_loss_is_evaluated(batch_size):
    twin = a_twin((2, 3, 1))
    problem = a_problem(twin, samples=2)
    runs, rows, record = train_both(twin, problem, 0, 0.1, batch_size=batch_size)
    assert_same_training(runs, rows, record)
    assert (record.status, rows.recorded[0]) == ("finished", 1)
    assert runs.theta[0].tolist() == problem[0].tolist()


@pytest.mark.jitless
@pytest.mark.parametrize("batch_size", [2, 1])
def test_a_run_that_overflows_diverges_and_its_neighbours_keep_their_bits(batch_size):
    twin = a_twin((1, 2, 1), "softplus")
    theta, inputs, targets = a_problem(twin, samples=2)
    plan = plan_of(twin, 2, 12, batch_size=batch_size)
    rates = np.array([[0.01], [3.0], [0.005]])
    three = start_runs(twin, theta, rates, momentum=0.5, runs=3)
    with_it, _ = kernel_train(twin, inputs, targets, plan, three)
    record = training.train(
        twin, inputs, targets, theta, 12, 3.0, momentum=0.5, batch_size=batch_size
    )
    assert record.status == "diverged"
    assert np.isfinite(record.loss[:-1]).all()
    assert (with_it.status[1], with_it.epochs[1]) == (stopping.DIVERGED, record.epochs)
    assert 0 < record.epochs < 12
    assert not np.isfinite(with_it.loss[1, 1])
    assert with_it.loss[1, 2] == pytest.approx(min(record.loss[:-1]), **CLOSE)

    two = start_runs(twin, theta, rates[::2], momentum=0.5, runs=2)
    without, _ = kernel_train(twin, inputs, targets, plan, two)
    assert three.theta[::2].tobytes() == two.theta.tobytes()
    assert with_it.ssr[::2].tobytes() == without.ssr.tobytes()
    assert with_it.status[::2].tolist() == without.status.tolist() == [stopping.FINISHED] * 2


@pytest.mark.jitless
@pytest.mark.parametrize("batch_size", [2, 1])
def test_a_run_with_an_infinite_parameter_diverges_even_if_its_loss_is_finite(batch_size):
    # w1 becomes infinite in the first update; as tanh(w1) is 1, the loss stays finite.
    twin = a_twin((1, 1, 1), biases=(False, False))
    problem = (np.array([0.5, 2.0]), np.ones((2, 1)), np.full((2, 1), 9.0))
    runs, rows, record = train_both(twin, problem, 5, [1e308, 0.0], batch_size=batch_size)
    assert not np.isfinite(runs.theta[0]).all()
    assert (record.status, record.epochs) == ("diverged", 1)
    assert (rows.status[0], rows.epochs[0]) == (stopping.DIVERGED, 1)
    if batch_size == 2:
        assert rows.loss[0, 1] == record.loss[1] == 98.0  # 2 (9 - 2)^2


def test_a_run_that_starts_with_an_infinite_parameter_diverges_at_once():
    # An init_scale of 1e308 can cause this. Here, the parameter does not even train.
    twin = a_twin((1, 1, 1), biases=(False, False))
    problem = (np.array([np.inf, 2.0]), ONE, ONE)
    runs, rows, record = train_both(twin, problem, 5, 0.1, trained=[1])
    assert_same_training(runs, rows, record)
    assert (record.status, record.epochs, record.loss) == ("diverged", 0, [1.0])


@pytest.mark.parametrize(("batch_size", "rate", "enough"), [(4, 0.9, 40), (3, 0.2, 60)])
@pytest.mark.parametrize("patience", [1, 2, 7, 40])
def test_a_run_is_stopped_once_the_held_out_loss_has_not_improved(
    patience, batch_size, rate, enough
):
    twin = a_twin((2, 4, 2), loss="mse")
    problem = a_problem(twin, samples=4)
    held_out = a_problem(twin, samples=6, seed=5)[1:]
    runs, rows, record = train_both(
        twin, problem, 60, rate, batch_size=batch_size, patience=patience, held_out=held_out
    )
    assert_same_training(runs, rows, record)
    least, epoch = rows.validation[0]
    assert record.status == ("stopped" if patience < enough else "finished")
    assert record.loss_held_out[int(epoch)] == pytest.approx(least, **CLOSE)
    assert epoch == np.argmin(record.loss_held_out)
    if record.status == "stopped":
        assert record.epochs == epoch + patience


@pytest.mark.jitless
def test_the_other_endings_precede_stopped():
    # The held-out loss is 0 at first, and grows as the residual falls: SSR is 1, 1/4, 1/16.
    held_out = (ONE, 0 * ONE)
    for settings, expected in (
        ({"patience": 1}, ("stopped", 1)),
        ({"patience": 2}, ("stopped", 2)),
        ({"patience": 3}, ("finished", 3)),
        ({"patience": 2, "tolerance": 1 / 16}, ("converged", 2)),
        ({"patience": 2, "limit": 0.5}, ("diverged", 0)),
    ):
        runs, rows, record = train_both(LINE, BOWL, 3, 0.125, held_out=held_out, **settings)
        assert_same_training(runs, rows, record)
        assert (record.status, record.epochs) == expected
        assert rows.validation[0].tolist() == [0.0, 0.0]


@pytest.mark.jitless
def test_nan_is_never_an_improvement():
    held_out = (ONE, np.nan * ONE)
    runs, rows, record = train_both(LINE, BOWL, 9, 0.125, held_out=held_out, patience=4)
    assert_same_training(runs, rows, record)
    assert (record.status, record.epochs) == ("stopped", 4)
    assert rows.validation[0].tolist() == [np.inf, 0.0]
