"""Start and end of the runs in lanes: the part of training that is done lane by lane.

Runs end at different epochs. Lanes are therefore at different epochs, each with its own counters.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from harness.kernels._jit import inner
from harness.kernels.descent import Done, Rows, Runs, TrainingPlan
from harness.kernels.lane_spec import (
    NEVER,
    NOBODY,
    Bound,
    Counter,
    LaneSpec,
    Queue,
    Record,
    State,
)
from harness.kernels.measures import MEASURES, End, make_end
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.passes import Integers
from harness.kernels.simd.memory import address, store
from harness.kernels.stopping import DIVERGED, RUNNING, is_finite, norm, status_after
from harness.kernels.tables import code_of


@cache
def make_record(lanes: int) -> Callable[..., None]:
    """Return `record_due(plan, rows, state, g)`, which records the lanes whose epoch is due."""

    @inner
    def record_due(plan: TrainingPlan, rows: Rows, state: State, g: int) -> None:
        record, counters = state.record[g], state.counters[g]
        for lane in range(lanes):
            if counters[Counter.DUE * lanes + lane] != counters[Counter.EPOCH * lanes + lane]:
                continue
            written = counters[Counter.WRITTEN * lanes + lane]
            at = counters[Counter.TRAJECTORY * lanes + lane] + written
            store(address(rows.ssr_trajectory), at, record[Record.SSR * lanes + lane])
            if rows.loss_trajectory.size:
                store(address(rows.loss_trajectory), at, record[Record.LOSS * lanes + lane])
            written += 1
            counters[Counter.WRITTEN * lanes + lane] = written
            due = plan.recorded[written] if written < plan.recorded.size else NEVER
            counters[Counter.DUE * lanes + lane] = due

    return record_due


def make_visit(spec: LaneSpec) -> Callable[..., bool]:
    """Return `visit(plan, ...)`, which begins or ends runs in the lanes of a group after an epoch.

    It returns whether any run ended.
    """
    lanes, every_epoch, of_gradient = spec.lanes, spec.every_epoch, spec.of_gradient
    loss_min = Record.SSR_MIN if spec.loss == "ssr" else Record.LOSS_MIN
    end_measures = make_end(spec.measures, lanes)

    @inner
    def visit(
        plan: TrainingPlan,
        runs: Runs,
        rows: Rows,
        state: State,
        g: int,
        gradient: Any,
        counts: Integers,
    ) -> bool:
        record, bounds = state.record[g], state.bounds[g]
        counters, theta = state.counters[g], state.theta[g]
        any_ended = False
        for lane in range(lanes):
            r = counters[Counter.RUN * lanes + lane]
            if r == NOBODY:
                continue
            epoch = counters[Counter.EPOCH * lanes + lane]
            ssr = record[Record.SSR * lanes + lane]
            loss = record[Record.LOSS * lanes + lane]
            if epoch == 0:
                rows.ssr[r, 0] = ssr
                rows.loss[r, 0] = loss
                record[Record.SSR_MIN * lanes + lane] = ssr
                record[Record.LOSS_MIN * lanes + lane] = loss

            status = status_after(
                epoch,
                plan.epochs,
                loss,
                bounds[Bound.TOLERANCE * lanes + lane],
                bounds[Bound.LIMIT * lanes + lane],
                bounds[Bound.NOT_FINITE * lanes + lane] == 0.0,
            )
            counters[Counter.EVENT * lanes + lane] = plan.epochs
            if status == RUNNING:
                continue

            written = epoch + 1 if every_epoch else counters[Counter.WRITTEN * lanes + lane]
            # The last epoch of a run is recorded even if it was not due.
            if written and plan.recorded[written - 1] != epoch:
                rows.ssr_trajectory[r, written] = ssr
                if rows.loss_trajectory.shape[1]:
                    rows.loss_trajectory[r, written] = loss
                written += 1
            any_ended = True
            counts[Done.RUNS] += 1
            state.active[g] -= 1
            state.queue[Queue.TRAINING] -= 1
            counters[Counter.RUN * lanes + lane] = NOBODY
            rows.status[r] = status
            rows.epochs[r] = epoch
            rows.ssr[r, 1] = ssr
            rows.ssr[r, 2] = record[Record.SSR_MIN * lanes + lane]
            rows.loss[r, 1] = loss
            rows.loss[r, 2] = record[loss_min * lanes + lane]
            rows.recorded[r] = written
            for p in range(runs.theta.shape[1]):
                runs.theta[r, p] = theta[p * lanes + lane]
            parameters = runs.theta.shape[1]
            last = End(
                float(epoch),
                float(plan.epochs),
                status == DIVERGED,
                loss,
                rows.loss[r, 0],
                norm(gradient, lane, lanes, parameters) if of_gradient else np.nan,
            )
            end_measures(state.totals[g], lane, last, rows.measures[r])
        return any_ended

    return visit


def make_refill(spec: LaneSpec) -> Callable[..., None]:
    """Return `refill(plan, runs, rows, state, g)`, which gives the next runs to idle lanes."""
    lanes, layers, parameters = spec.lanes, len(spec.layers), spec.parameters
    optimiser = OPTIMISERS[spec.optimiser]
    # Positions in the arrays of `Runs` and `Rows` of what the kernel uses.
    numbers = optimiser.numbers
    settings_in_use = np.array([0, *(numbers.index(name) for name in spec.settings)])
    slot_names = [slot.name for slot in optimiser.slots]
    slots_in_use = np.array([slot_names.index(name) for name in spec.slots], dtype=np.int64)
    measured = np.array([code_of(MEASURES, name) for name in spec.measures], dtype=np.int64)

    @inner
    def refill(plan: TrainingPlan, runs: Runs, rows: Rows, state: State, g: int) -> None:
        bounds, record, counters = state.bounds[g], state.record[g], state.counters[g]
        theta, slots, settings = state.theta[g], state.slots[g], state.settings[g]
        totals = state.totals[g]
        for lane in range(lanes):
            if counters[Counter.RUN * lanes + lane] != NOBODY:
                continue
            r = state.queue[Queue.NEXT]
            while r < rows.status.size and rows.status[r] != RUNNING:
                r += 1
            state.queue[Queue.NEXT] = r + 1
            if r >= rows.status.size:
                # An idle lane computes with zeros and never needs attention.
                for p in range(parameters):
                    theta[p * lanes + lane] = 0.0
                for l in range(settings_in_use.size * layers):
                    settings[l * lanes + lane] = 0.0
                bounds[Bound.TOLERANCE * lanes + lane] = -np.inf
                bounds[Bound.LIMIT * lanes + lane] = np.inf
                bounds[Bound.NOT_FINITE * lanes + lane] = 0.0
                counters[Counter.EPOCH * lanes + lane] = 0
                counters[Counter.EVENT * lanes + lane] = NEVER
                counters[Counter.DUE * lanes + lane] = NEVER
                counters[Counter.TRAJECTORY * lanes + lane] = -NEVER
                continue
            state.active[g] += 1
            state.queue[Queue.TRAINING] += 1
            for p in range(parameters):
                theta[p * lanes + lane] = runs.theta[r, p]
                for k, slot in enumerate(slots_in_use):
                    at = (k * parameters + p) * lanes + lane
                    slots[at] = runs.slots[r, slot * parameters + p]
            for k, setting in enumerate(settings_in_use):
                for l in range(layers):
                    at = (k * layers + l) * lanes + lane
                    settings[at] = runs.settings[r, setting * layers + l]
            for k, measure in enumerate(measured):
                totals[k * lanes + lane] = rows.measures[r, measure]
            bounds[Bound.TOLERANCE * lanes + lane] = runs.tolerance[r]
            bounds[Bound.LIMIT * lanes + lane] = runs.limit[r]
            bounds[Bound.NOT_FINITE * lanes + lane] = 0.0 if is_finite(runs.theta[r]) else np.nan
            # If the run is new, epoch 0 overwrites these.
            record[Record.SSR_MIN * lanes + lane] = rows.ssr[r, 2]
            record[Record.LOSS_MIN * lanes + lane] = rows.loss[r, 2]
            record[Record.LOSS_FIRST * lanes + lane] = rows.loss[r, 0]
            written = rows.recorded[r]
            due = plan.recorded[written] if written < plan.recorded.size else NEVER
            counters[Counter.RUN * lanes + lane] = r
            counters[Counter.EPOCH * lanes + lane] = runs.epochs[r]
            counters[Counter.EVENT * lanes + lane] = 0
            counters[Counter.DUE * lanes + lane] = due
            counters[Counter.TRAJECTORY * lanes + lane] = r * plan.recorded.size
            counters[Counter.WRITTEN * lanes + lane] = written

    return refill
