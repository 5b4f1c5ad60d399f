"""How lanes take runs and give them back: the part of training that is done lane by lane.

Runs end at different epochs, so lanes are at different epochs, each with its own counters. DUE is
the next epoch that is recorded; EVENT the next at which a lane needs a closer look: its first and
its last.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from harness.kernels import relative as relative_loss
from harness.kernels._jit import inner
from harness.kernels.descent import (
    CONVERGED,
    DIVERGED,
    FINISHED,
    RUNNING,
    Rows,
    Runs,
    TrainingPlan,
)
from harness.kernels.lane_spec import (
    DUE,
    EPOCH,
    EPOCH_OF_MIN,
    EVENT,
    LIMIT,
    LOSS,
    LOSS_FIRST,
    LOSS_MIN,
    MOMENTUM,
    NEVER,
    NEXT,
    NOBODY,
    PLACE,
    RUN,
    SSR,
    SSR_MIN,
    SSR_SUM,
    TOLERANCE,
    TRAINING,
    V_INVERSE_SUM,
    V_LATE,
    V_SUM,
    WRITTEN,
    ZERO,
    State,
)
from harness.kernels.passes import Integers
from harness.kernels.simd.arithmetic import fma
from harness.kernels.simd.memory import address, load, store


@cache
def make_record(lanes: int) -> Callable[..., None]:
    """Return what records an epoch of the lanes of a group where it is due."""

    @inner
    def record_due(plan: TrainingPlan, rows: Rows, state: State, g: int) -> None:
        record, counters = state.record[g], state.counters[g]
        for lane in range(lanes):
            if counters[DUE * lanes + lane] != counters[EPOCH * lanes + lane]:
                continue
            written = counters[WRITTEN * lanes + lane]
            place = counters[PLACE * lanes + lane] + written
            store(address(rows.ssr_trajectory), place, record[SSR * lanes + lane])
            if rows.loss_trajectory.size:
                store(address(rows.loss_trajectory), place, record[LOSS * lanes + lane])
            written += 1
            counters[WRITTEN * lanes + lane] = written
            due = plan.recorded[written] if written < plan.recorded.size else NEVER
            counters[DUE * lanes + lane] = due

    return record_due


@cache
def make_visit(
    lanes: int,
    *,
    own_loss: bool,
    statistics: bool,
    relative: bool,
    gradient_norm: bool,
    every_epoch: bool,
) -> Callable[..., bool]:
    """Return what looks at each lane of a group after an epoch: begins its run, or ends it.

    `own_loss`: the loss is not SSR. The others are as in `LaneSpec`.
    """
    loss_min = LOSS_MIN if own_loss else SSR_MIN

    @inner
    def visit(
        plan: TrainingPlan,
        runs: Runs,
        rows: Rows,
        state: State,
        g: int,
        gradient: Any,
        progress: Integers,
    ) -> bool:
        record, settings = state.record[g], state.settings[g]
        counters, theta = state.counters[g], state.theta[g]
        any_ended = False
        for lane in range(lanes):
            r = counters[RUN * lanes + lane]
            if r == NOBODY:
                continue
            epoch = counters[EPOCH * lanes + lane]
            ssr = record[SSR * lanes + lane]
            loss = record[LOSS * lanes + lane]
            if epoch == 0:
                rows.ssr[r, 0] = ssr
                rows.loss[r, 0] = loss
                record[SSR_MIN * lanes + lane] = ssr
                record[LOSS_MIN * lanes + lane] = loss
                record[SSR_SUM * lanes + lane] = ssr
                counters[EPOCH_OF_MIN * lanes + lane] = 0
                if relative:
                    v = relative_loss.relative(loss, loss, relative_loss.MOST)
                    record[LOSS_FIRST * lanes + lane] = loss
                    record[V_SUM * lanes + lane] = v
                    record[V_INVERSE_SUM * lanes + lane] = 1.0 / v
                    late = epoch > plan.epochs - relative_loss.LATE
                    record[V_LATE * lanes + lane] = v if late else 0.0

            status = RUNNING
            finite = settings[ZERO * lanes + lane] == 0.0
            if not (finite and loss <= settings[LIMIT * lanes + lane]):
                status = DIVERGED
            elif loss <= settings[TOLERANCE * lanes + lane]:
                status = CONVERGED
            elif epoch == plan.epochs:
                status = FINISHED

            counters[EVENT * lanes + lane] = plan.epochs
            if status == RUNNING:
                continue

            written = epoch + 1 if every_epoch else counters[WRITTEN * lanes + lane]
            # The last epoch of a run is recorded even where it was not due.
            if written and plan.recorded[written - 1] != epoch:
                rows.ssr_trajectory[r, written] = ssr
                if rows.loss_trajectory.shape[1]:
                    rows.loss_trajectory[r, written] = loss
                written += 1
            any_ended = True
            progress[0] += 1
            state.active[g] -= 1
            state.places[TRAINING] -= 1
            counters[RUN * lanes + lane] = NOBODY
            rows.status[r] = status
            rows.epochs[r] = epoch
            rows.ssr[r, 1] = ssr
            rows.ssr[r, 2] = record[SSR_MIN * lanes + lane]
            rows.loss[r, 1] = loss
            rows.loss[r, 2] = record[loss_min * lanes + lane]
            rows.recorded[r] = written
            if statistics:
                rows.epoch_of_ssr_min[r] = counters[EPOCH_OF_MIN * lanes + lane]
                rows.ssr_mean[r] = record[SSR_SUM * lanes + lane] / (epoch + 1)
            if relative:
                rows.relative_sum[r] = record[V_SUM * lanes + lane]
                rows.relative_inverse_sum[r] = record[V_INVERSE_SUM * lanes + lane]
                rows.relative_late[r] = record[V_LATE * lanes + lane]
                relative_loss.end(rows, r, plan.epochs, status == DIVERGED)
            for p in range(runs.theta.shape[1]):
                runs.theta[r, p] = theta[p * lanes + lane]
            if gradient_norm:
                squares = 0.0
                for p in range(runs.theta.shape[1]):
                    slope = load(gradient, p * lanes + lane, 1)
                    squares = fma(slope, slope, squares)
                rows.gradient_norm[r] = np.sqrt(squares)
        return any_ended

    return visit


@cache
def make_refill(lanes: int, heavy: bool, drifts: bool) -> Callable[..., None]:
    """Return what gives the next runs to the lanes of a group that have none."""

    @inner
    def refill(plan: TrainingPlan, runs: Runs, rows: Rows, state: State, g: int) -> None:
        settings, record, counters = state.settings[g], state.record[g], state.counters[g]
        theta, velocity, rates = state.theta[g], state.velocity[g], state.rates[g]
        layers = runs.rates.shape[1]
        for lane in range(lanes):
            if counters[RUN * lanes + lane] != NOBODY:
                continue
            r = state.places[NEXT]
            while r < rows.status.size and rows.status[r] != RUNNING:
                r += 1
            state.places[NEXT] = r + 1
            if r >= rows.status.size:
                # An idle lane computes with zeros, and nothing ever happens to it.
                for p in range(runs.theta.shape[1]):
                    theta[p * lanes + lane] = 0.0
                for l in range(rates.size // lanes):
                    rates[l * lanes + lane] = 0.0
                settings[MOMENTUM * lanes + lane] = 0.0
                settings[TOLERANCE * lanes + lane] = -np.inf
                settings[LIMIT * lanes + lane] = np.inf
                settings[ZERO * lanes + lane] = 0.0
                counters[EPOCH * lanes + lane] = 0
                counters[EVENT * lanes + lane] = NEVER
                counters[DUE * lanes + lane] = NEVER
                counters[PLACE * lanes + lane] = -NEVER
                continue
            state.active[g] += 1
            state.places[TRAINING] += 1
            zero = 0.0
            for p in range(runs.theta.shape[1]):
                theta[p * lanes + lane] = runs.theta[r, p]
                zero = fma(runs.theta[r, p], 0.0, zero)  # NaN once one is not finite
                if heavy:
                    velocity[p * lanes + lane] = runs.velocity[r, p]
            for l in range(layers):
                rates[l * lanes + lane] = runs.rates[r, l]
                if drifts:
                    rates[(layers + l) * lanes + lane] = runs.drift[r, l]
            settings[MOMENTUM * lanes + lane] = runs.momentum[r]
            settings[TOLERANCE * lanes + lane] = runs.tolerance[r]
            settings[LIMIT * lanes + lane] = runs.limit[r]
            settings[ZERO * lanes + lane] = zero
            # Of a run that begins these are overwritten at epoch 0.
            record[SSR_MIN * lanes + lane] = rows.ssr[r, 2]
            record[LOSS_MIN * lanes + lane] = rows.loss[r, 2]
            counters[EPOCH_OF_MIN * lanes + lane] = rows.epoch_of_ssr_min[r]
            written = rows.recorded[r]
            due = plan.recorded[written] if written < plan.recorded.size else NEVER
            counters[RUN * lanes + lane] = r
            counters[EPOCH * lanes + lane] = runs.epochs[r]
            counters[EVENT * lanes + lane] = 0
            counters[DUE * lanes + lane] = due
            counters[PLACE * lanes + lane] = r * plan.recorded.size
            counters[WRITTEN * lanes + lane] = written

    return refill
