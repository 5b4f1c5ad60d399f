"""Gradient descent: epochs, batches, updates, recording and early stopping of a block of runs.

An epoch is a pass over the data, in one or more updates. The loss is evaluated over all data points
before the first update (epoch 0) and after every epoch. A run may end only then (see `stopping`).
With patience, the loss of held-out data points is evaluated at the same epochs.

`train` takes networks of any size and trains one run after the other, in plain floats. It is the
reference for `lane_descent`, which trains sweeps and must agree with it bit by bit.

Symbols: theta parameters, m data points.
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.kernels import measures, philox
from harness.kernels._jit import compiled, entry
from harness.kernels.layers import Scratch
from harness.kernels.measures import End, Epoch
from harness.kernels.optimisers import OPTIMISERS, make_update
from harness.kernels.passes import Architecture, Data, Floats, Integers, evaluate, make_scratch
from harness.kernels.stopping import DIVERGED, RUNNING, is_finite, norm, status_after
from harness.kernels.tables import by_code

IN_ORDER: Final = 0
SHUFFLED: Final = 1
DRAWN: Final = 2

BATCHES: Final = {"in_order": IN_ORDER, "shuffled": SHUFFLED, "drawn": DRAWN}


class TrainingPlan(NamedTuple):
    """Settings that all runs of a block share."""

    epochs: int
    batch_size: int
    updates: int  # per epoch
    batches: int  # code of BATCHES
    full_batch: bool  # whether each update sees all data points, in order
    points_seen: int  # data points in all batches of an epoch, counting repeats
    optimiser: int  # code of `optimisers.OPTIMISERS`
    seed: np.uint64  # for the order of the data points
    factors: Floats  # (epochs + 1,) on the learning rate, by epoch; empty if all are 1
    trains: NDArray[np.bool_]  # (P,) whether each parameter trains
    penalised: NDArray[np.bool_]  # (P,) whether each parameter has penalty and weight decay
    recorded: Integers  # epochs of the trajectory, ascending; a run's last epoch is added
    measure_gradient: bool
    patience: bool  # whether runs may be stopped by the loss of the held-out data points


class Runs(NamedTuple):
    """State of a block of runs, one row per run; training updates it in place.

    A run whose `epochs` is not 0 resumes there. Its row of `Rows` must then hold its initial and
    least values, and in `recorded` the number of rows of its trajectory that exist already.
    """

    epochs: Integers  # (runs,) epochs done before the call
    theta: Floats  # (runs, P)
    state: Floats  # (runs, slots * P + counts) of the optimiser: slot by slot, then its counts
    settings: Floats  # (runs, settings * L) learning rate and settings, each for all layers
    tolerance: Floats  # (runs,)
    limit: Floats  # (runs,)
    patience: Floats  # (runs,) epochs without improvement that stop a run; inf for never


class Done(IntEnum):
    """Elements of `counts`, which kernels increment while they train."""

    RUNS = 0  # ended
    UPDATES = 1
    LANE_PASSES = 2  # passes over the data that the lanes had room for
    RUN_PASSES = 3  # passes that runs made; the same without lanes


class Validation(IntEnum):
    """Columns of `Rows.validation`."""

    LOSS_MIN = 0  # least loss of the held-out data points so far, inf before any
    EPOCH = 1  # the first epoch that had it, 0 before any


COUNTS: Final = len(Done)
# Columns of the SSR and loss in `Rows`, as the tables name them.
MOMENTS: Final = ("initial", "final", "min")


class Rows(NamedTuple):
    """Results of a block of runs, one row per run."""

    status: NDArray[np.int8]  # (runs,) index into STATUSES
    epochs: Integers  # (runs,) epochs done
    ssr: Floats  # (runs, len(MOMENTS))
    loss: Floats  # the same
    validation: Floats  # (runs, len(Validation)), unchanged without patience
    measures: Floats  # (runs, len(MEASURES))
    recorded: Integers  # (runs,) rows written to the trajectory
    ssr_trajectory: Floats  # (runs, len(plan.recorded))
    loss_trajectory: Floats  # the same, or (runs, 0) if not needed
    theta_trajectory: Floats  # (runs, len(plan.recorded), P), or (runs, 0, 0)


@compiled
def order_epoch(plan: TrainingPlan, m: int, epoch: int, order: Integers) -> None:
    """Fill order with the data points of the batches of an epoch, batch by batch."""
    if plan.batches == SHUFFLED:
        philox.shuffle(order, plan.seed, np.uint64(epoch))
    elif plan.batches == DRAWN:
        philox.draw(order, plan.seed, np.uint64(epoch), m)


@entry
def order_of_epoch(plan: TrainingPlan, m: int, epoch: int) -> Integers:
    """Return the indices of the data points of an epoch, batch by batch, out of m data points."""
    order = np.arange(plan.points_seen)
    if not plan.full_batch:
        order_epoch(plan, m, epoch, order)
    return order


_update_by = by_code([make_update(optimiser) for optimiser in OPTIMISERS.values()])


@compiled
def _update(
    network: Architecture, plan: TrainingPlan, runs: Runs, r: int, epoch: int, gradient: Floats
) -> bool:
    """Take one update step; return whether all trained parameters are still finite."""
    finite: bool = _update_by(
        plan.optimiser,
        network.matrices,
        plan.trains,
        plan.penalised,
        plan.factors[epoch] if plan.factors.size else 1.0,
        runs.settings[r],
        runs.theta[r],
        runs.state[r],
        gradient,
    )
    return finite


@compiled
def _note(plan: TrainingPlan, rows: Rows, r: int, epoch: int, ssr: float, loss: float) -> None:
    """Write SSR and loss of an epoch of run r, and update its measures."""
    rows.epochs[r] = epoch
    rows.ssr[r, 1] = ssr
    rows.loss[r, 1] = loss
    if epoch == 0:
        rows.ssr[r, 0] = rows.ssr[r, 2] = ssr
        rows.loss[r, 0] = rows.loss[r, 2] = loss
    at = Epoch(float(epoch), float(plan.epochs), ssr, rows.ssr[r, 2], loss, rows.loss[r, 0])
    measures.add(rows.measures[r], at)
    if ssr < rows.ssr[r, 2]:
        rows.ssr[r, 2] = ssr
    if loss < rows.loss[r, 2]:
        rows.loss[r, 2] = loss


@compiled
def _note_held_out(rows: Rows, r: int, epoch: int, loss: float) -> float:
    """Note the loss of the held-out data points at an epoch of run r.

    Return the number of epochs since it improved.
    """
    if loss < rows.validation[r, Validation.LOSS_MIN]:
        rows.validation[r, Validation.LOSS_MIN] = loss
        rows.validation[r, Validation.EPOCH] = epoch
    waited: float = epoch - rows.validation[r, Validation.EPOCH]
    return waited


@compiled
def _train_run(
    network: Architecture,
    data: Data,
    held_out: Data,
    plan: TrainingPlan,
    runs: Runs,
    rows: Rows,
    r: int,
    scratch: Scratch,
    in_order: Integers,
    order: Integers,
    stop: NDArray[np.uint8],
    counts: Integers,
) -> None:
    theta = runs.theta[r]
    m, others = data.y.shape[0], held_out.y.shape[0]
    finite = is_finite(theta)
    waited = 0.0
    written = rows.recorded[r]
    epoch = runs.epochs[r]
    status = RUNNING
    while stop[0] == 0:
        # With full batches, the pass that evaluates the loss also yields the next gradient.
        with_gradient = plan.measure_gradient or (plan.full_batch and epoch < plan.epochs)
        ssr, loss = evaluate(network, theta, data, in_order, 0, m, with_gradient, scratch, stop)
        _note(plan, rows, r, epoch, ssr, loss)
        if plan.patience:
            held_out_loss = evaluate(
                network, theta, held_out, in_order, 0, others, False, scratch, stop
            )[1]
            waited = _note_held_out(rows, r, epoch, held_out_loss)
        status = status_after(
            epoch,
            plan.epochs,
            loss,
            runs.tolerance[r],
            runs.limit[r],
            finite,
            waited,
            runs.patience[r],
        )

        due = written < plan.recorded.size and plan.recorded[written] == epoch
        if plan.recorded.size and (due or status != RUNNING):
            rows.ssr_trajectory[r, written] = ssr
            if rows.loss_trajectory.shape[1]:
                rows.loss_trajectory[r, written] = loss
            if rows.theta_trajectory.shape[1]:
                for p in range(theta.size):  # a slice would take seconds to compile
                    rows.theta_trajectory[r, written, p] = theta[p]
            written += 1

        if status != RUNNING:
            rows.status[r] = status
            break

        if not plan.full_batch:
            order_epoch(plan, m, epoch, order)
        for update in range(plan.updates):  # the only call of `_update`, which is long to compile
            if not plan.full_batch:
                first = update * plan.batch_size
                last = min(first + plan.batch_size, order.size)
                evaluate(network, theta, data, order, first, last, True, scratch, stop)
            # Only the last answer counts: a parameter that is not finite stays so.
            finite = _update(network, plan, runs, r, epoch, scratch.gradient)
        epoch += 1
        counts[Done.UPDATES] += plan.updates
    passes = epoch + 1 - runs.epochs[r]
    counts[Done.LANE_PASSES] += passes
    counts[Done.RUN_PASSES] += passes

    rows.recorded[r] = written
    gradient_norm = norm(scratch.gradient) if plan.measure_gradient else np.nan
    last_epoch = End(
        float(epoch),
        float(plan.epochs),
        status == DIVERGED,
        rows.loss[r, 1],
        rows.loss[r, 0],
        gradient_norm,
    )
    measures.end(rows.measures[r], last_epoch)


@entry
def train(
    network: Architecture,
    data: Data,
    held_out: Data,
    plan: TrainingPlan,
    runs: Runs,
    rows: Rows,
    stop: NDArray[np.uint8],
    counts: Integers,
) -> None:
    """Train a block of runs.

    `runs` and `rows` are written in place. Only runs with status RUNNING are trained. A call with
    no runs compiles the kernel. `held_out` may be empty without patience.

    Another thread may set `stop[0]`. The call then returns after the current data point; the
    current run keeps the status RUNNING and must be discarded. `counts` has the shape
    (COUNTS,): see `Done`.
    """
    m = data.y.shape[0]
    in_order = np.arange(max(m, held_out.y.shape[0]))
    order = np.arange(plan.points_seen)
    scratch = make_scratch(network, runs.theta.shape[1])
    for r in range(rows.status.size):
        if stop[0]:
            break
        if rows.status[r] == RUNNING:
            _train_run(
                network, data, held_out, plan, runs, rows, r, scratch, in_order, order, stop, counts
            )
            counts[Done.RUNS] += 1
