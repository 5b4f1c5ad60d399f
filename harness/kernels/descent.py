"""Gradient descent: epochs, batches, updates, recording and early stop, a block of runs a call.

Symbols: theta parameters, v velocity, g gradient of the loss over a batch, m data points.

    v <- momentum v - rate g          heavy ball (Polyak 1964); v = 0 before the first update
    theta <- theta + v (+ drift)      momentum 0: v <- -rate g, so new = old - derivative * rate

An epoch is a pass over the data. The loss is read over all data points before the first update
(epoch 0) and after every epoch; there a run may end:

    diverged    the loss is not finite or past the limit, or a parameter is not finite
    converged   the loss is at or below the tolerance
    finished    all epochs are done

`train` takes networks of any size and trains one run after the other, in plain floats: what a trace
shows, and what `lane_descent`, which trains sweeps, is held against bit by bit.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.kernels import philox, relative
from harness.kernels._jit import compiled, entry, inner
from harness.kernels.layers import Scratch
from harness.kernels.passes import Architecture, Data, Floats, Integers, evaluate, make_scratch
from harness.kernels.simd.arithmetic import fma, select
from harness.kernels.simd.memory import load, store

RUNNING: Final = 0
FINISHED: Final = 1
CONVERGED: Final = 2
DIVERGED: Final = 3

STATUSES: Final = ("running", "finished", "converged", "diverged")

IN_ORDER: Final = 0
SHUFFLED: Final = 1
DRAWN: Final = 2

BATCHES: Final = {"in_order": IN_ORDER, "shuffled": SHUFFLED, "drawn": DRAWN}


class TrainingPlan(NamedTuple):
    """What all runs of a block have in common."""

    epochs: int
    batch_size: int
    updates: int  # in an epoch
    batches: int  # code of BATCHES
    seed: np.uint64  # of the order of the data points
    trains: NDArray[np.bool_]  # (P,) whether each parameter trains
    recorded: Integers  # epochs of the trajectory, ascending; the last row is where a run ends
    measure_gradient: bool
    measure_relative: bool


class Runs(NamedTuple):
    """The runs of a block, a row each: where they start, and after the call where they ended.

    A run whose `epochs` is not 0 goes on from there. Its row of `Rows` then holds the initial and
    least values, and in `recorded` how many rows of its trajectory were written before.
    """

    epochs: Integers  # (runs,) done before
    theta: Floats  # (runs, P)
    velocity: Floats  # (runs, P)
    rates: Floats  # (runs, L) learning rate of each layer
    drift: Floats  # (runs, L)
    momentum: Floats  # (runs,)
    tolerance: Floats  # (runs,)
    limit: Floats  # (runs,)


class Rows(NamedTuple):
    """What a block of runs leaves, a row each."""

    status: NDArray[np.int8]  # (runs,) index into STATUSES
    epochs: Integers  # (runs,) epochs done
    ssr: Floats  # (runs, 3) initial, final, least
    loss: Floats  # (runs, 3)
    epoch_of_ssr_min: Integers  # (runs,)
    ssr_mean: Floats  # (runs,) over all epochs from 0 to the last
    gradient_norm: Floats  # (runs,) Euclidean, of the loss over all data at the end
    relative_sum: Floats  # (runs,) sum of v over all epochs: see `relative`
    relative_inverse_sum: Floats  # (runs,) sum of 1 / v
    relative_late: Floats  # (runs,) mean of v over the last epochs
    recorded: Integers  # (runs,) rows of the trajectory that are written
    ssr_trajectory: Floats  # (runs, len(plan.recorded))
    loss_trajectory: Floats  # the same, or (runs, 0) where nobody asks for it
    theta_trajectory: Floats  # (runs, len(plan.recorded), P), or (runs, 0, 0)
    sharpness_trajectory: Floats  # as that of the loss; made from theta_trajectory afterwards


@compiled
def points_seen(plan: TrainingPlan, m: int) -> int:
    """Return the data points of all batches of an epoch; one may be seen more than once."""
    return plan.updates * plan.batch_size if plan.batches == DRAWN else m


@inner
def order_epoch(plan: TrainingPlan, m: int, epoch: int, order: Integers) -> None:
    """Write the data points of all batches of an epoch, one batch behind the other."""
    if plan.batches == SHUFFLED:
        philox.shuffle(order, plan.seed, np.uint64(epoch))
    elif plan.batches == DRAWN:
        philox.draw(order, plan.seed, np.uint64(epoch), m)


@inner
def _finite(theta: Floats) -> bool:
    """Return whether all parameters are finite; a wide initialisation may have overflowed."""
    zero = 0.0
    for parameter in theta:
        zero = fma(parameter, 0.0, zero)  # NaN once any of them is infinite or NaN
    return zero == 0.0


@entry
def order_of_epoch(plan: TrainingPlan, m: int, epoch: int) -> Integers:
    """Return the data points of an epoch's batches, of m in all, one batch behind the other."""
    order = np.arange(points_seen(plan, m))
    if plan.batch_size < m or plan.batches == DRAWN:
        order_epoch(plan, m, epoch, order)
    return order


@cache
def make_update(lanes: int, heavy: bool, drifts: bool, all_train: bool) -> Callable[..., Any]:
    """Return the step of some parameters of a layer, for so many runs at once.

    Where no run is `heavy`, that is has momentum, v is neither read nor written. Where none
    `drifts`, drift is not read.
    """

    @inner
    def update(
        first: int,
        last: int,
        trains: NDArray[np.bool_],
        rate: Any,
        drift: Any,
        momentum: Any,
        theta: Any,
        v: Any,
        g: Any,
        zero: Any,
    ) -> Any:
        """Step the parameters `first` to `last`; return NaN once one is not finite, else zero."""
        for i in range(first, last):
            if all_train or trains[i]:
                at = i * lanes
                step = -(rate * load(g, at, lanes))
                if heavy:
                    step = select(momentum == 0.0, step, fma(momentum, load(v, at, lanes), step))
                    store(v, at, step)
                parameter = load(theta, at, lanes) + step
                if drifts:
                    parameter = select(drift == 0.0, parameter, parameter + drift)
                store(theta, at, parameter)
                zero = fma(parameter, 0.0, zero)
        return zero

    return update


_update_layer = make_update(lanes=1, heavy=True, drifts=True, all_train=False)


@inner
def _update(
    network: Architecture,
    plan: TrainingPlan,
    theta: Floats,
    v: Floats,
    rates: Floats,
    drift: Floats,
    momentum: float,
    g: Floats,
) -> bool:
    """Take one step; return whether all trained parameters are still finite."""
    zero = 0.0
    for l in range(rates.size):
        first = network.matrices[l + 1]
        last = theta.size if l + 1 == rates.size else network.matrices[l + 2]
        zero = _update_layer(
            first, last, plan.trains, rates[l], drift[l], momentum, theta, v, g, zero
        )
    return zero == 0.0


@inner
def _record(rows: Rows, r: int, epoch: int, ssr: float, loss: float) -> None:
    """Note what epoch `epoch` of run r came to."""
    rows.epochs[r] = epoch
    rows.ssr[r, 1] = ssr
    rows.loss[r, 1] = loss
    if epoch == 0:
        rows.ssr[r, 0] = rows.ssr[r, 2] = ssr
        rows.loss[r, 0] = rows.loss[r, 2] = loss
        rows.epoch_of_ssr_min[r] = 0
        rows.ssr_mean[r] = 0.0
    if ssr < rows.ssr[r, 2]:
        rows.ssr[r, 2] = ssr
        rows.epoch_of_ssr_min[r] = epoch
    if loss < rows.loss[r, 2]:
        rows.loss[r, 2] = loss
    rows.ssr_mean[r] += ssr


@inner
def _train_run(
    network: Architecture,
    data: Data,
    plan: TrainingPlan,
    runs: Runs,
    rows: Rows,
    r: int,
    scratch: Scratch,
    in_order: Integers,
    order: Integers,
    stop: NDArray[np.uint8],
    progress: Integers,
) -> None:
    theta, v = runs.theta[r], runs.velocity[r]
    rates, drift, momentum = runs.rates[r], runs.drift[r], runs.momentum[r]
    m = data.y.shape[0]
    full_batch = plan.batch_size == m and plan.batches != DRAWN
    finite = _finite(theta)
    written = rows.recorded[r]
    epoch = runs.epochs[r]
    while stop[0] == 0:
        # With all data in a batch, the pass that reads the loss also gives the next update.
        with_gradient = plan.measure_gradient or (full_batch and epoch < plan.epochs)
        ssr, loss = evaluate(network, theta, data, in_order, 0, m, with_gradient, scratch, stop)
        _record(rows, r, epoch, ssr, loss)
        if plan.measure_relative:
            relative.add(rows, r, epoch, plan.epochs)

        status = RUNNING
        if not (finite and loss <= runs.limit[r]):  # so that NaN is past any limit
            status = DIVERGED
        elif loss <= runs.tolerance[r]:
            status = CONVERGED
        elif epoch == plan.epochs:
            status = FINISHED

        due = written < plan.recorded.size and plan.recorded[written] == epoch
        if plan.recorded.size and (due or status != RUNNING):
            rows.ssr_trajectory[r, written] = ssr
            if rows.loss_trajectory.shape[1]:
                rows.loss_trajectory[r, written] = loss
            if rows.theta_trajectory.shape[1]:
                rows.theta_trajectory[r, written] = theta
            written += 1

        if status != RUNNING:
            rows.status[r] = status
            break

        if full_batch:
            finite = _update(network, plan, theta, v, rates, drift, momentum, scratch.gradient)
        else:
            order_epoch(plan, m, epoch, order)
            for update in range(plan.updates):
                first = update * plan.batch_size
                last = min(first + plan.batch_size, order.size)
                evaluate(network, theta, data, order, first, last, True, scratch, stop)
                # Only the last answer counts: what is not finite stays so.
                finite = _update(network, plan, theta, v, rates, drift, momentum, scratch.gradient)
        epoch += 1
        progress[1] += plan.updates
    progress[2:4] += epoch + 1 - runs.epochs[r]  # no lane is ever idle

    rows.recorded[r] = written
    rows.ssr_mean[r] /= epoch + 1
    if plan.measure_relative:
        relative.end(rows, r, plan.epochs, rows.status[r] == DIVERGED)
    if plan.measure_gradient:
        squares = 0.0
        for g in scratch.gradient:
            squares = fma(g, g, squares)
        rows.gradient_norm[r] = np.sqrt(squares)


@entry
def train(
    network: Architecture,
    data: Data,
    plan: TrainingPlan,
    runs: Runs,
    rows: Rows,
    stop: NDArray[np.uint8],
    progress: Integers,
) -> None:
    """Train a block of runs.

    `runs` and `rows` are written in place. A run whose status is not RUNNING is left alone, so a
    call of no runs compiles the kernel. Another thread may set `stop[0]`: the call returns after
    the data point at hand; the run at hand keeps the status RUNNING and must be thrown away.
    `progress` counts ended runs, updates, and passes over all data, twice: see
    `lane_descent.train_with`.
    """
    m = data.y.shape[0]
    in_order = np.arange(m)
    order = np.arange(points_seen(plan, m))
    scratch = make_scratch(network, runs.theta.shape[1])
    for r in range(rows.status.size):
        if stop[0]:
            break
        if rows.status[r] == RUNNING:
            _train_run(network, data, plan, runs, rows, r, scratch, in_order, order, stop, progress)
            progress[0] += 1
