"""Gradient descent of many runs side by side: the fast version of `descent.train`.

A kernel trains a group of runs at once, one run per lane. Groups take turns, epoch by epoch: while
one waits for its longest chain of operations, the next one computes.

What depends on the network is machine code for each `LaneSpec`, written by running its equations
once with rows in place of numbers (see `simd.rows`). It trains epoch after epoch until a lane needs
attention: because its run ends, has just begun, or has more epochs to record than fit. Then
`lane_runs` visits the group. That part is compiled once for all networks.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numba.core.compiler_lock import global_compiler_lock
from numpy.typing import NDArray

from harness.kernels import lane_runs
from harness.kernels.descent import Rows, Runs, TrainingPlan
from harness.kernels.lane_passes import Given, evaluate, make_scratch, scales_of
from harness.kernels.lane_spec import (
    Asked,
    Bound,
    Clock,
    Counter,
    LaneSpec,
    Record,
    Waiting,
    bytes_of,
    layout_of,
    make_state,
    starts_of,
)
from harness.kernels.layers import Layer, Scratch
from harness.kernels.machine_code import compile_kernel
from harness.kernels.measures import MEASURES, Epoch
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.passes import Architecture, Data, Integers
from harness.kernels.regularisation import clipping, decayed, of_penalty
from harness.kernels.simd.arithmetic import fma, select, to_double, to_float, to_precision
from harness.kernels.simd.memory import Pointer, load, store, variable
from harness.kernels.simd.parts import fill
from harness.kernels.simd.rows import Row, joined
from harness.kernels.simd.writing import loop, loop_while, rarely_when, unrolling
from harness.kernels.stopping import goes_on

ARGUMENTS = {
    "groups": "doubles",
    "x": "numbers",
    "y": "numbers",
    "scales": "numbers",
    "factors": "numbers",
    "scratch": "numbers",
    "orders": "integers",
    "asked": "integers",
    "trains": "bytes",
    "stop": "shared",
}


def make_kernel(spec: LaneSpec) -> Callable[..., Row]:
    """Return the function that writes a kernel.

    The kernel returns the number of epochs that it trained, over all groups; negative if the last
    group needs attention.
    """
    layout = layout_of(spec)

    def write(
        groups: Pointer,
        x: Pointer,
        y: Pointer,
        scales: Pointer,
        factors: Pointer,
        scratch: Pointer,
        orders: Pointer,
        asked: Pointer,
        trains: Pointer,
        stop: Pointer,
    ) -> Row:
        ask = Asked(*(load(asked, i, 1) for i in range(len(Asked._fields))))
        given = Given(x, y, orders, ask.seen, scales, stop)
        memory = make_scratch(spec, scratch)
        group, done, going = variable(), variable(), variable()
        store(group, 0, ask.group)
        store(done, 0, ask.group * 0)
        store(going, 0, ask.most > 0)
        calm = variable()
        has_copies = spec.precision != "float64"
        copies = scratch.offset(starts_of(spec)["copies"])
        if has_copies:
            _copy(spec, groups, copies, layout.bounds, to_precision, back=False)
        with loop_while(lambda: load(going, 0, 1)):
            g = load(group, 0, 1)
            of_group = groups.offset(g * layout.size)
            values = copies.offset(g * layout.bounds) if has_copies else of_group
            store(calm, 0, _epoch(spec, of_group, values, given, ask, factors, trains, memory))
            store(done, 0, load(done, 0, 1) + 1)
            store(group, 0, select(g + 1 == ask.groups, g * 0, g + 1))
            store(going, 0, load(calm, 0, 1) & (load(done, 0, 1) < ask.most))
        if has_copies:
            _copy(spec, groups, copies, layout.settings, to_double, back=True)
        return Row.select(load(calm, 0, 1), load(done, 0, 1), 0 - load(done, 0, 1))

    return write


def _copy(
    spec: LaneSpec,
    groups: Pointer,
    copies: Pointer,
    count: int,
    convert: Callable[[Any], Any],
    *,
    back: bool,
) -> None:
    """Write the conversion of the first `count` numbers of each group to copies, or back."""
    layout = layout_of(spec)
    for g in loop(0, spec.groups):
        for position in loop(0, count, spec.lanes):
            double, copy = g * layout.size + position, g * layout.bounds + position
            if back:
                store(groups, double, convert(load(copies, copy, spec.lanes)))
            else:
                store(copies, copy, convert(load(groups, double, spec.lanes)))


def _epoch(
    spec: LaneSpec,
    group: Pointer,
    values: Pointer,
    given: Given,
    ask: Asked,
    factors: Pointer,
    trains: Pointer,
    scratch: Scratch,
) -> Any:
    """Write an epoch of a group; return whether no lane needs attention.

    `values` are the numbers of the group before its bounds, in the precision of the kernel.
    """
    lanes, at = spec.lanes, layout_of(spec)
    integers, theta = group.as_integers(), values.offset(at.theta)
    done = load(integers, at.clock + Clock.DONE, 1)
    epoch = to_float(load(integers, at.counters + Counter.EPOCH * lanes, lanes) + done)

    if spec.patience:  # before the pass whose gradient would take up registers
        _note_held_out(spec, group, theta, given, ask, epoch, scratch)
    ssr, loss = evaluate(
        spec,
        theta,
        given,
        0,
        ask.points,
        scratch,
        with_gradient=spec.full_batch or spec.of_gradient,
    )

    least = load(group, at.record + Record.SSR_MIN * lanes, lanes)
    store(group, at.record + Record.SSR_MIN * lanes, select(ssr < least, ssr, least))
    if spec.loss != "ssr":
        least_loss = load(group, at.record + Record.LOSS_MIN * lanes, lanes)
        store(
            group,
            at.record + Record.LOSS_MIN * lanes,
            select(loss < least_loss, loss, least_loss),
        )
    if spec.measures:
        first = load(group, at.record + Record.LOSS_FIRST * lanes, lanes)
        first, least = select(epoch == 0.0, loss, first), select(epoch == 0.0, ssr, least)
        store(group, at.record + Record.LOSS_FIRST * lanes, first)
        now = Epoch(epoch, to_float(ask.epochs), ssr, least, loss, first)
        for row, name in enumerate(spec.measures):
            total = load(group, at.totals + row * lanes, lanes)
            store(group, at.totals + row * lanes, MEASURES[name].add(total, now))
    if spec.recorded:
        store(group, at.trail + done * (2 * lanes), ssr)
        store(group, at.trail + done * (2 * lanes) + lanes, loss)

    tolerance = load(group, at.bounds + Bound.TOLERANCE * lanes, lanes)
    limit = load(group, at.bounds + Bound.LIMIT * lanes, lanes)
    before = load(group, at.bounds + Bound.NOT_FINITE * lanes, lanes)
    in_time = done < load(integers, at.clock + Clock.UNTIL, 1)
    going = goes_on(loss, tolerance, limit) & (before == 0.0)
    if spec.patience:
        waited = epoch - load(group, at.waiting + Waiting.EPOCH * lanes, lanes)
        going = going & (waited < load(group, at.waiting + Waiting.PATIENCE * lanes, lanes))
    calm = Row.everywhere(going) & in_time
    with rarely_when(~calm):
        store(group, at.record + Record.SSR * lanes, ssr)
        store(group, at.record + Record.LOSS * lanes, loss)
        store(group, at.record + Record.NOT_FINITE * lanes, before)
        for position in loop(0, at.settings, lanes):  # parameters, slots and counts
            store(group, at.last_theta + position, to_double(load(values, position, lanes)))
        if spec.of_gradient:
            with unrolling(spec.is_small):
                for p in loop(0, spec.parameters * lanes, lanes):
                    store(group, at.gradient + p, to_double(load(scratch.gradient, p, lanes)))

    not_finite = variable()
    store(not_finite, 0, fill(0.0, lanes))
    factor = None
    if spec.scheduled:
        since = at.counters + Counter.EPOCH * lanes
        epochs = [load(integers, since + lane, 1) + done for lane in range(lanes)]
        factor = joined([load(factors, of_lane, 1) for of_lane in epochs])
    if spec.full_batch:
        _update(spec, values, scratch.gradient, factor, trains, not_finite)
    else:
        for i in loop(0, ask.updates):
            first = i * ask.batch_size
            last = select(first + ask.batch_size < ask.seen, first + ask.batch_size, ask.seen)
            evaluate(
                spec,
                theta,
                given,
                first,
                last,
                scratch,
                with_gradient=True,
                shuffled=spec.shuffled,
            )
            # Only the last answer counts: a parameter that is not finite stays so.
            _update(spec, values, scratch.gradient, factor, trains, not_finite)
    found = to_double(load(not_finite, 0, lanes))
    store(group, at.bounds + Bound.NOT_FINITE * lanes, found)
    store(integers, at.clock + Clock.DONE, done + 1)
    return calm


def _note_held_out(
    spec: LaneSpec,
    group: Pointer,
    theta: Pointer,
    given: Given,
    ask: Asked,
    epoch: Any,
    scratch: Scratch,
) -> None:
    """Write the passes over the held-out data points, and note their loss if it improved."""
    lanes, waiting = spec.lanes, layout_of(spec).waiting
    in_tiles = dataclasses.replace(spec, one_tile=False)
    last = ask.points + ask.held_out
    _, loss = evaluate(in_tiles, theta, given, ask.points, last, scratch, with_gradient=False)
    least = load(group, waiting + Waiting.LOSS_MIN * lanes, lanes)
    since = load(group, waiting + Waiting.EPOCH * lanes, lanes)
    store(group, waiting + Waiting.LOSS_MIN * lanes, select(loss < least, loss, least))
    store(group, waiting + Waiting.EPOCH * lanes, select(loss < least, epoch, since))


def _update(
    spec: LaneSpec,
    values: Pointer,
    gradient: Any,
    factor: Row | None,
    trains: Pointer,
    not_finite: Any,
) -> None:
    """Write the update of all parameters; `not_finite` becomes NaN if one is not finite.

    `factor` is that of the schedule, if there is one.
    """
    lanes, at, layers = spec.lanes, layout_of(spec), len(spec.layers)
    optimiser, in_use = OPTIMISERS[spec.optimiser], ("learning_rate", *spec.settings)

    def stored(name: str, l: int) -> Any:
        return load(values, at.settings + (in_use.index(name) * layers + l) * lanes, lanes)

    shared = {
        s.name: stored(s.name, 0)
        for s in optimiser.all_settings
        if s.name in in_use and not s.by_layer
    }

    def setting(name: str, l: int) -> Any:
        """Return a setting of a layer; None if it is not in use."""
        if name in shared:
            return shared[name]
        return stored(name, l) if name in in_use else None

    share = None
    if "clip_norm" in in_use:
        squares = variable()
        store(squares, 0, fill(0.0, lanes))
        for l, layer in enumerate(spec.layers):
            l2 = setting("l2", l)
            for i, fixed, penalised in _parameters(spec, layer, trains):
                g = load(gradient, i * lanes, lanes)
                if l2 is not None and penalised:
                    g = of_penalty(g, load(values, at.theta + i * lanes, lanes), l2)
                if fixed is not None:
                    g = select(fixed, 0.0, g)
                store(squares, 0, fma(g, g, load(squares, 0, lanes)))
        share = clipping(load(squares, 0, lanes), setting("clip_norm", 0))

    own = [s.name for s in optimiser.settings]
    counts = [load(values, at.counts + k * lanes, lanes) for k in range(len(spec.counts))]
    made, counted = optimiser.begin(*(setting(name, 0) for name in own), *counts)
    for k, count in enumerate(counted):
        store(values, at.counts + k * lanes, count)

    for l, layer in enumerate(spec.layers):
        settings = [setting(name, l) for name in own]
        l2, weight_decay, learning_rate = (
            setting(name, l) for name in ("l2", "weight_decay", "learning_rate")
        )
        if factor is not None:
            learning_rate = factor * learning_rate
        for i, fixed, penalised in _parameters(spec, layer, trains):
            p = i * lanes
            places = {
                name: at.slots + row * spec.parameters * lanes + p
                for row, name in enumerate(spec.slots)
            }
            slots = [
                load(values, places[slot.name], lanes) if slot.name in places else None
                for slot in optimiser.slots
            ]
            theta, g = load(values, at.theta + p, lanes), load(gradient, p, lanes)
            old = theta
            if l2 is not None and penalised:
                g = of_penalty(g, theta, l2)
            if share is not None:
                g = share * g
            if weight_decay is not None and penalised:
                old = decayed(theta, learning_rate, weight_decay)
            new, *new_slots = optimiser.step(old, g, learning_rate, *settings, *made, *slots)
            if fixed is not None:
                new = select(fixed, theta, new)
            store(values, at.theta + p, new)
            for slot, before, value in zip(optimiser.slots, slots, new_slots, strict=True):
                if slot.name in places:
                    kept = value if fixed is None else select(fixed, before, value)
                    store(values, places[slot.name], kept)
            store(not_finite, 0, fma(new, 0.0, load(not_finite, 0, lanes)))


def _parameters(spec: LaneSpec, layer: Layer, trains: Pointer) -> Iterator[tuple[Any, Any, bool]]:
    """Write loops over the parameters of a layer.

    Yield the position of a parameter, whether it is fixed (None if none is), and whether it has
    penalty and weight decay.
    """
    weights = layer.matrix + layer.fan_in * layer.fan_out
    biases = weights + layer.biased * layer.fan_out
    parts = [(layer.matrix, biases, True)]
    if not spec.penalises_biases and {"l2", "weight_decay"} & set(spec.settings):
        parts = [(layer.matrix, weights, True), (weights, biases, False)]
    for first, last, penalised in parts:
        with unrolling(spec.is_small):
            for i in loop(first, last):
                yield i, None if spec.all_train else load(trains, i, 1) == 0, penalised


# -- the function that Python calls ----------------------------------------------------------------


_addresses: dict[LaneSpec, int] = {}


def address_of(spec: LaneSpec) -> int:
    """Return the address of the machine code of a kernel, which is compiled or read from disk."""
    if spec not in _addresses:
        with global_compiler_lock:
            if spec not in _addresses:  # another thread may have needed it, too
                _addresses[spec] = _compile(spec)
    return _addresses[spec]


def _compile(spec: LaneSpec) -> int:
    digest = hashlib.sha256(repr(spec).encode()).hexdigest()[:16]
    arguments = list(ARGUMENTS.values())
    return compile_kernel(f"lanes_{digest}", arguments, make_kernel(spec), spec.precision)


# Multiply-adds of one call, after which `stop` is checked and `counts` are updated: milliseconds.
_WORK_AT_ONCE = 1 << 24


def train(
    spec: LaneSpec,
    network: Architecture,
    data: Data,
    held_out: Data,
    plan: TrainingPlan,
    runs: Runs,
    rows: Rows,
    stop: NDArray[np.uint8],
    counts: Integers,
) -> None:
    """Train a block of runs in lanes, as `descent.train` does."""
    points, others = len(data.x), len(held_out.x)
    asked = Asked(
        epochs=plan.epochs,
        points=points,
        batch_size=plan.batch_size,
        updates=plan.updates,
        seen=plan.points_seen,
        group=0,
        groups=spec.groups,
        # Lanes see their data points in an order that is made anew for every epoch.
        most=1
        if spec.shuffled
        else 1 + _WORK_AT_ONCE // ((points + others) * spec.parameters * spec.lanes),
        held_out=others,
    )
    lane_runs.train(
        address_of(spec),
        layout_of(spec),
        bytes_of(spec, np.concatenate([data.x, held_out.x])),
        bytes_of(spec, np.concatenate([data.y, held_out.y])),
        bytes_of(spec, scales_of(network)),
        bytes_of(spec, plan.factors if plan.factors.size else np.ones(1)),
        plan,
        runs,
        rows,
        make_state(spec, asked.seen),
        np.array(asked, dtype=np.int64),
        spec.shuffled,
        stop,
        counts,
    )
