"""Start and end of the runs in lanes: the part of training that is done lane by lane.

Runs end at different epochs. Lanes are therefore at different epochs, each with its own counters.
When a run ends, its lane takes the next run at once.
"""

import numpy as np
from numpy.typing import NDArray

from harness.kernels import measures
from harness.kernels._jit import compiled, entry
from harness.kernels.descent import Done, Rows, Runs, TrainingPlan, Validation, order_epoch
from harness.kernels.lane_spec import (
    NOBODY,
    TRAIL,
    Asked,
    Bound,
    Clock,
    Counter,
    Layout,
    Queue,
    Record,
    State,
    Waiting,
)
from harness.kernels.machine_code import call
from harness.kernels.measures import End
from harness.kernels.passes import Integers
from harness.kernels.stopping import DIVERGED, RUNNING, is_finite, norm, status_after

Bytes = NDArray[np.uint8]

_POINTS, _GROUP, _GROUPS, _MOST = (
    Asked._fields.index(name) for name in ("points", "group", "groups", "most")
)


@compiled
def _record_theta(
    rows: Rows, state: State, at: Layout, g: int, lane: int, r: int, written: int
) -> None:
    """Write the parameters of the last epoch to the trajectory of the run in a lane."""
    for p in range(at.parameters):
        rows.theta_trajectory[r, written, p] = state.numbers[g, at.last_theta + p * at.lanes + lane]


@compiled
def _end_run(
    plan: TrainingPlan, runs: Runs, rows: Rows, state: State, at: Layout, g: int, lane: int,
    epoch: int, status: int,
) -> None:  # fmt: skip
    """Write the results of the run in a lane, which ended with this status after this epoch."""
    numbers, integers, lanes = state.numbers[g], state.integers[g], at.lanes
    r = integers[at.counters + Counter.RUN * lanes + lane]
    ssr = numbers[at.record + Record.SSR * lanes + lane]
    loss = numbers[at.record + Record.LOSS * lanes + lane]
    written = integers[at.counters + Counter.WRITTEN * lanes + lane]
    # The last epoch of a run is recorded even if it was not due.
    if written and plan.recorded[written - 1] != epoch:
        rows.ssr_trajectory[r, written] = ssr
        if rows.loss_trajectory.shape[1]:
            rows.loss_trajectory[r, written] = loss
        if rows.theta_trajectory.shape[1]:
            _record_theta(rows, state, at, g, lane, r, written)
        written += 1
    rows.status[r] = status
    rows.epochs[r] = epoch
    rows.ssr[r, 1] = ssr
    rows.ssr[r, 2] = numbers[at.record + Record.SSR_MIN * lanes + lane]
    rows.loss[r, 1] = loss
    rows.loss[r, 2] = numbers[at.record + at.loss_min * lanes + lane]
    rows.recorded[r] = written
    if at.has_patience:
        waiting = at.waiting + lane
        rows.validation[r, Validation.LOSS_MIN] = numbers[waiting + Waiting.LOSS_MIN * lanes]
        rows.validation[r, Validation.EPOCH] = numbers[waiting + Waiting.EPOCH * lanes]
    for p in range(at.parameters):
        runs.theta[r, p] = numbers[at.last_theta + p * lanes + lane]
        for k, slot in enumerate(at.slots_used):
            position = at.last_slots + (k * at.parameters + p) * lanes + lane
            runs.state[r, slot * at.parameters + p] = numbers[position]
    for k, count in enumerate(at.counts_used):
        runs.state[r, count] = numbers[at.last_counts + k * lanes + lane]
    for k, measure in enumerate(at.measures_used):
        rows.measures[r, measure] = numbers[at.totals + k * lanes + lane]
    gradient = numbers[at.gradient + lane : at.gradient + at.parameters * lanes : lanes]
    last = End(
        float(epoch),
        float(plan.epochs),
        status == DIVERGED,
        loss,
        rows.loss[r, 0],
        norm(gradient) if at.has_gradient else np.nan,
    )
    measures.end(rows.measures[r], last)


@compiled
def _begin_run(
    plan: TrainingPlan, runs: Runs, rows: Rows, state: State, at: Layout, g: int, lane: int, r: int
) -> None:
    """Put a run into a lane."""
    numbers, integers, lanes = state.numbers[g], state.integers[g], at.lanes
    for p in range(at.parameters):
        numbers[at.theta + p * lanes + lane] = runs.theta[r, p]
        for k, slot in enumerate(at.slots_used):
            position = at.slots + (k * at.parameters + p) * lanes + lane
            numbers[position] = runs.state[r, slot * at.parameters + p]
    for k, count in enumerate(at.counts_used):
        numbers[at.counts + k * lanes + lane] = runs.state[r, count]
    for k, setting in enumerate(at.settings_used):
        for l in range(at.layers):
            position = at.settings + (k * at.layers + l) * lanes + lane
            numbers[position] = runs.settings[r, setting * at.layers + l]
    for k, measure in enumerate(at.measures_used):
        numbers[at.totals + k * lanes + lane] = rows.measures[r, measure]
    bounds, record = at.bounds + lane, at.record + lane
    numbers[bounds + Bound.TOLERANCE * lanes] = runs.tolerance[r]
    numbers[bounds + Bound.LIMIT * lanes] = runs.limit[r]
    numbers[bounds + Bound.NOT_FINITE * lanes] = 0.0 if is_finite(runs.theta[r]) else np.nan
    if at.has_patience:
        waiting = at.waiting + lane
        numbers[waiting + Waiting.PATIENCE * lanes] = runs.patience[r]
        numbers[waiting + Waiting.LOSS_MIN * lanes] = rows.validation[r, Validation.LOSS_MIN]
        numbers[waiting + Waiting.EPOCH * lanes] = rows.validation[r, Validation.EPOCH]
    # If the run is new, its first visit overwrites these.
    numbers[record + Record.SSR_MIN * lanes] = rows.ssr[r, 2]
    numbers[record + Record.LOSS_MIN * lanes] = rows.loss[r, 2]
    numbers[record + Record.LOSS_FIRST * lanes] = rows.loss[r, 0]
    integers[at.counters + Counter.RUN * lanes + lane] = r
    integers[at.counters + Counter.EPOCH * lanes + lane] = runs.epochs[r]
    integers[at.counters + Counter.WRITTEN * lanes + lane] = rows.recorded[r]


@compiled
def _leave_idle(state: State, at: Layout, g: int, lane: int) -> None:
    """Let a lane compute with zeros and default settings, so that it never needs attention."""
    numbers, lanes = state.numbers[g], at.lanes
    for position in range(at.theta, at.settings, lanes):  # parameters, slots and counts
        numbers[position + lane] = 0.0
    for k, default in enumerate(at.defaults):
        for l in range(at.layers):
            numbers[at.settings + (k * at.layers + l) * lanes + lane] = default
    # Its epoch is never above that of a run beside it.
    state.integers[g, at.counters + Counter.EPOCH * lanes + lane] = 0
    numbers[at.bounds + Bound.TOLERANCE * lanes + lane] = -np.inf
    numbers[at.bounds + Bound.LIMIT * lanes + lane] = np.inf
    numbers[at.bounds + Bound.NOT_FINITE * lanes + lane] = 0.0
    if at.has_patience:
        numbers[at.waiting + Waiting.PATIENCE * lanes + lane] = np.inf


@compiled
def _refill(plan: TrainingPlan, runs: Runs, rows: Rows, state: State, at: Layout, g: int) -> None:
    """Give the next runs to the idle lanes of a group, and set its clock."""
    integers, lanes = state.integers[g], at.lanes
    until = plan.epochs
    for lane in range(lanes):
        if integers[at.counters + Counter.RUN * lanes + lane] == NOBODY:
            r = state.queue[Queue.NEXT]
            while r < rows.status.size and rows.status[r] != RUNNING:
                r += 1
            state.queue[Queue.NEXT] = r + 1
            if r >= rows.status.size:
                _leave_idle(state, at, g, lane)
                continue
            state.active[g] += 1
            state.queue[Queue.TRAINING] += 1
            _begin_run(plan, runs, rows, state, at, g, lane, r)
        epoch = integers[at.counters + Counter.EPOCH * lanes + lane]
        # A new run is visited after its first epoch, one with parameters to record when it is due.
        until = min(until, plan.epochs - epoch if epoch else 0)
        written = integers[at.counters + Counter.WRITTEN * lanes + lane]
        if rows.theta_trajectory.shape[1] and written < plan.recorded.size:
            until = min(until, plan.recorded[written] - epoch)
    if at.has_trail:
        until = min(until, TRAIL - 1)
    integers[at.clock + Clock.DONE] = 0
    integers[at.clock + Clock.UNTIL] = until


@compiled
def _visit(
    plan: TrainingPlan, runs: Runs, rows: Rows, state: State, at: Layout, g: int, counts: Integers
) -> None:
    """Record the epochs of a group since the last visit, and end the runs that are to end."""
    numbers, integers, lanes = state.numbers[g], state.integers[g], at.lanes
    done = integers[at.clock + Clock.DONE]
    for lane in range(lanes):
        r = integers[at.counters + Counter.RUN * lanes + lane]
        if r == NOBODY:
            continue
        first = integers[at.counters + Counter.EPOCH * lanes + lane]
        epoch = first + done - 1
        ssr = numbers[at.record + Record.SSR * lanes + lane]
        loss = numbers[at.record + Record.LOSS * lanes + lane]
        if epoch == 0:
            rows.ssr[r, 0] = ssr
            rows.loss[r, 0] = loss
            numbers[at.record + Record.SSR_MIN * lanes + lane] = ssr
            numbers[at.record + Record.LOSS_MIN * lanes + lane] = loss
        if at.has_trail:
            written = integers[at.counters + Counter.WRITTEN * lanes + lane]
            while written < plan.recorded.size and plan.recorded[written] <= epoch:
                position = at.trail + 2 * (plan.recorded[written] - first) * lanes + lane
                rows.ssr_trajectory[r, written] = numbers[position]
                if rows.loss_trajectory.shape[1]:
                    rows.loss_trajectory[r, written] = numbers[position + lanes]
                if rows.theta_trajectory.shape[1]:  # see `_refill`: the last epoch is the only one
                    _record_theta(rows, state, at, g, lane, r, written)
                written += 1
            integers[at.counters + Counter.WRITTEN * lanes + lane] = written
        waited, patience = 0.0, np.inf
        if at.has_patience:
            waited = epoch - numbers[at.waiting + Waiting.EPOCH * lanes + lane]
            patience = numbers[at.waiting + Waiting.PATIENCE * lanes + lane]
        status = status_after(
            epoch,
            plan.epochs,
            loss,
            numbers[at.bounds + Bound.TOLERANCE * lanes + lane],
            numbers[at.bounds + Bound.LIMIT * lanes + lane],
            numbers[at.record + Record.NOT_FINITE * lanes + lane] == 0.0,
            waited,
            patience,
        )
        integers[at.counters + Counter.EPOCH * lanes + lane] = epoch + 1
        if status != RUNNING:
            _end_run(plan, runs, rows, state, at, g, lane, epoch, status)
            integers[at.counters + Counter.RUN * lanes + lane] = NOBODY
            state.active[g] -= 1
            state.queue[Queue.TRAINING] -= 1
            counts[Done.RUNS] += 1
            counts[Done.UPDATES] -= plan.updates  # that of its last epoch, which does not count


@compiled
def _shuffle(plan: TrainingPlan, m: int, state: State, at: Layout, g: int) -> None:
    """Order the data points of the next epoch of each lane."""
    integers, lanes = state.integers[g], at.lanes
    done = integers[at.clock + Clock.DONE]
    for lane in range(lanes):
        epoch = integers[at.counters + Counter.EPOCH * lanes + lane]
        if lane and epoch == integers[at.counters + Counter.EPOCH * lanes + lane - 1]:
            for i in range(state.orders.shape[1]):  # a slice would take long to compile
                state.orders[lane, i] = state.orders[lane - 1, i]
        else:
            order_epoch(plan, m, epoch + done, state.orders[lane])


@entry
def train(
    address: int,
    at: Layout,
    x: Bytes,
    y: Bytes,
    scales: Bytes,
    factors: Bytes,
    plan: TrainingPlan,
    runs: Runs,
    rows: Rows,
    state: State,
    asked: Integers,
    shuffled: bool,
    stop: Bytes,
    counts: Integers,
) -> None:
    """Train a block of runs with the machine code of a kernel at an address.

    `x`, `y`, `scales` and `factors` are bytes of numbers in the precision of the kernel, the
    held-out data points after the others; `asked` holds the numbers of `Asked`. For everything
    else, see `descent.train`.
    """
    groups, lanes = asked[_GROUPS], at.lanes
    for g in range(groups):
        for lane in range(lanes):
            state.integers[g, at.counters + Counter.RUN * lanes + lane] = NOBODY
        _refill(plan, runs, rows, state, at, g)
    most, g = asked[_MOST], 0
    while state.queue[Queue.TRAINING] and stop[0] == 0:
        # An empty group at the end is left out; one before computes zeros until then.
        while state.active[groups - 1] == 0:
            groups -= 1
        g = g if g < groups else 0
        asked[_GROUP], asked[_GROUPS], asked[_MOST] = g, groups, most
        if shuffled:
            _shuffle(plan, asked[_POINTS], state, at, g)
        found = call(
            address,
            (
                state.numbers,
                x,
                y,
                scales,
                factors,
                state.scratch,
                state.orders,
                asked,
                plan.trains,
                stop,
            ),
        )
        if stop[0]:
            break
        epochs = abs(found)
        counts[Done.LANE_PASSES] += epochs * lanes
        for other in range(groups):
            turns = (epochs - (other - g) % groups + groups - 1) // groups
            counts[Done.RUN_PASSES] += turns * state.active[other]
            counts[Done.UPDATES] += turns * state.active[other] * plan.updates
        last = (g + epochs - 1) % groups
        if found < 0:
            _visit(plan, runs, rows, state, at, last, counts)
            _refill(plan, runs, rows, state, at, last)
        g = last + 1
