"""Gradient descent of many runs side by side: the fast version of `descent.train`.

A kernel trains a group of runs at once, one run per lane (see `simd.lanes`). Groups take turns,
epoch by epoch: while one waits for its longest chain of operations, the next one computes. The
sizes, activations and loss of the network are compile-time constants. Each `LaneSpec` is compiled
once and cached on disk.

When a run ends, its lane takes the next run at once. An epoch in which no lane needs attention (see
`lane_runs`) consists of vector instructions only.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.kernels._jit import entry, glue, inner
from harness.kernels.descent import Done, Rows, Runs, TrainingPlan, order_epoch
from harness.kernels.lane_passes import make_evaluate
from harness.kernels.lane_runs import make_record, make_refill, make_visit
from harness.kernels.lane_spec import (
    NOBODY,
    Bound,
    Counter,
    LaneSpec,
    Queue,
    Record,
    State,
    numbers_of,
)
from harness.kernels.layers import Layer, Scratch
from harness.kernels.measures import Epoch, make_add
from harness.kernels.optimisers import make_update
from harness.kernels.passes import Architecture, Data, Integers
from harness.kernels.simd.arithmetic import select, to_float
from harness.kernels.simd.lanes import everywhere, fill
from harness.kernels.simd.memory import address, load, offset, stack, store
from harness.kernels.stopping import goes_on

# Up to this many numbers of working memory are on the stack, where the compiler may keep them in
# registers.
_MOST_ON_STACK = 4096


def _make_update(spec: LaneSpec) -> Callable[..., Any]:
    """Return `steps(trains, settings, theta, slots, g, zero)`, which updates all layers."""
    update = make_update(spec.optimiser, spec.settings, spec.lanes, spec.all_train)
    layers, parameters = len(spec.layers), spec.parameters

    def step_of(layer: Layer, l: int, before: Callable[..., Any]) -> Callable[..., Any]:
        first = layer.matrix
        last = first + (layer.fan_in + layer.biased) * layer.fan_out

        @glue
        def steps(trains: Any, settings: Any, theta: Any, slots: Any, g: Any, zero: Any) -> Any:
            zero = before(trains, settings, theta, slots, g, zero)
            return update(
                l, layers, first, last, parameters, trains, settings, theta, slots, g, zero
            )

        return steps

    @glue
    def steps(trains: Any, settings: Any, theta: Any, slots: Any, g: Any, zero: Any) -> Any:
        return zero

    for l, layer in enumerate(spec.layers):
        steps = step_of(layer, l, steps)
    return steps


def _make_shuffle(spec: LaneSpec) -> Callable[..., None]:
    """Return `shuffle(plan, m, state, g)`, which orders the data points of each lane's epoch."""
    lanes = spec.lanes

    @inner
    def shuffle(plan: TrainingPlan, m: int, state: State, g: int) -> None:
        for lane in range(lanes):
            epoch = state.counters[g, Counter.EPOCH * lanes + lane]
            if lane and epoch == state.counters[g, Counter.EPOCH * lanes + lane - 1]:
                state.orders[lane] = state.orders[lane - 1]
            else:
                order_epoch(plan, m, epoch, state.orders[lane])

    return shuffle


@cache
def _build(spec: LaneSpec) -> Callable[..., None]:
    """Return the training loop of a kernel: the function that `train_with` compiles."""
    lanes, groups = spec.lanes, spec.groups
    full_batch, shuffled, every_epoch = spec.full_batch, spec.shuffled, spec.every_epoch
    own_loss = spec.loss != "ssr"
    evaluate = make_evaluate(spec, full_batch or spec.of_gradient, shuffled=False)
    evaluate_batch = make_evaluate(spec, True, shuffled)
    update, shuffle = _make_update(spec), _make_shuffle(spec)
    record_due, refill, visit = make_record(lanes), make_refill(spec), make_visit(spec)
    add, measures = make_add(spec.measures, lanes), bool(spec.measures)
    numbers = numbers_of(spec)
    n_x, n_z, n_a, n_slope, n_delta, n_y, n_gradient = numbers.values()
    on_stack = sum(numbers.values()) <= _MOST_ON_STACK
    at_z, at_a, at_slope, at_delta, at_y, at_gradient, _ = np.cumsum([*numbers.values()]).tolist()

    @glue
    def epoch_of_group(
        network: Architecture,
        data: Data,
        plan: TrainingPlan,
        runs: Runs,
        rows: Rows,
        state: State,
        g: int,
        scratch: Scratch,
        stop: NDArray[np.uint8],
        counts: Integers,
    ) -> None:
        m = data.y.shape[0]
        theta, slots = address(state.theta[g]), address(state.slots[g])
        settings, bounds = address(state.settings[g]), address(state.bounds[g])
        record, counters = address(state.record[g]), address(state.counters[g])
        trajectory, loss_trajectory = address(rows.ssr_trajectory), address(rows.loss_trajectory)
        epoch = load(counters, Counter.EPOCH * lanes, lanes)

        ssr, loss = evaluate(network, theta, data, state.orders, 0, m, scratch, stop)

        store(record, Record.SSR * lanes, ssr)
        store(record, Record.LOSS * lanes, loss)
        least = load(record, Record.SSR_MIN * lanes, lanes)
        store(record, Record.SSR_MIN * lanes, select(ssr < least, ssr, least))
        if own_loss:
            least_loss = load(record, Record.LOSS_MIN * lanes, lanes)
            store(record, Record.LOSS_MIN * lanes, select(loss < least_loss, loss, least_loss))
        if measures:
            first = select(epoch == 0, loss, load(record, Record.LOSS_FIRST * lanes, lanes))
            store(record, Record.LOSS_FIRST * lanes, first)
            add(
                address(state.totals[g]),
                Epoch(to_float(epoch), float(plan.epochs), ssr, least, loss, first),
            )

        if every_epoch:
            for lane in range(lanes):
                at = load(counters, Counter.TRAJECTORY * lanes + lane, 1)
                if at >= 0:
                    at += load(counters, Counter.EPOCH * lanes + lane, 1)
                    store(trajectory, at, load(record, Record.SSR * lanes + lane, 1))
                    if rows.loss_trajectory.size:
                        store(loss_trajectory, at, load(record, Record.LOSS * lanes + lane, 1))
        elif not everywhere(epoch < load(counters, Counter.DUE * lanes, lanes)):
            record_due(plan, rows, state, g)

        counts[Done.LANE_PASSES] += lanes
        counts[Done.RUN_PASSES] += state.active[g]
        any_ended = False
        tolerance = load(bounds, Bound.TOLERANCE * lanes, lanes)
        limit = load(bounds, Bound.LIMIT * lanes, lanes)
        finite = load(bounds, Bound.NOT_FINITE * lanes, lanes) == 0.0
        uneventful = epoch < load(counters, Counter.EVENT * lanes, lanes)
        if not everywhere(goes_on(loss, tolerance, limit) & finite & uneventful):
            any_ended = visit(plan, runs, rows, state, g, scratch.gradient, counts)

        zero = fill(0.0, lanes)
        if full_batch:
            zero = update(plan.trains, settings, theta, slots, scratch.gradient, zero)
        else:
            if shuffled:
                shuffle(plan, m, state, g)
            seen = state.orders.shape[1] if shuffled else m
            for i in range(plan.updates):
                first = i * plan.batch_size
                last = min(first + plan.batch_size, seen)
                evaluate_batch(network, theta, data, state.orders, first, last, scratch, stop)
                # Only the last answer counts: a parameter that is not finite stays so.
                zero = update(plan.trains, settings, theta, slots, scratch.gradient, zero)
        store(bounds, Bound.NOT_FINITE * lanes, zero)
        store(counters, Counter.EPOCH * lanes, epoch + 1)
        counts[Done.UPDATES] += state.active[g] * plan.updates
        if any_ended:
            refill(plan, runs, rows, state, g)

    @glue
    def train(
        network: Architecture,
        data: Data,
        plan: TrainingPlan,
        runs: Runs,
        rows: Rows,
        state: State,
        stop: NDArray[np.uint8],
        counts: Integers,
    ) -> None:
        if on_stack:
            scratch = Scratch(
                stack(n_x),
                stack(n_z),
                stack(n_a),
                stack(n_slope),
                stack(n_delta),
                stack(n_y),
                stack(n_gradient),
            )
        else:
            memory = address(state.scratch)
            scratch = Scratch(
                memory,
                offset(memory, at_z),
                offset(memory, at_a),
                offset(memory, at_slope),
                offset(memory, at_delta),
                offset(memory, at_y),
                offset(memory, at_gradient),
            )
        g: Any
        for g in range(groups):
            state.counters[g] = NOBODY
            refill(plan, runs, rows, state, g)
        g = np.int64(0)  # the type of a variable: a constant would compile everything once more
        while state.queue[Queue.TRAINING] and stop[0] == 0:
            if state.active[g]:
                epoch_of_group(network, data, plan, runs, rows, state, g, scratch, stop, counts)
            g = g + 1 if g + 1 < groups else 0

    return train


# -- the function that Python calls ----------------------------------------------------------------


def _loop(*arguments: Any) -> None:
    """Stand in for the training loop of a kernel; see `train_with`."""


def _train_lanes(
    network: Architecture,
    data: Data,
    plan: TrainingPlan,
    runs: Runs,
    rows: Rows,
    state: State,
    stop: NDArray[np.uint8],
    counts: Integers,
) -> None:
    _loop(network, data, plan, runs, rows, state, stop, counts)


@cache
def train_with(spec: LaneSpec) -> Callable[..., None]:
    """Return `train(network, data, plan, runs, rows, state, stop, counts)` for a `LaneSpec`.

    It trains as `descent.train` does; `state` is working memory from `make_state`.
    """
    # A closure over compiled functions would differ in every process and could not be cached on
    # disk. This function has a global of its own instead, and a name that identifies the kernel.
    digest = hashlib.sha256(repr(spec).encode()).hexdigest()[:16]
    function = FunctionType(_train_lanes.__code__, {**globals(), "_loop": _build(spec)})
    function.__qualname__ = f"train_lanes_{digest}"
    return entry(function)
