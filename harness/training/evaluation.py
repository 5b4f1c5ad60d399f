"""Columns of trained networks: metrics, SSR and loss of held-out data points, and sharpness.

They are computed from the parameters at the recorded epochs, after training. So they cost nothing
in between. Each recorded epoch costs a forward pass, and many passes for its sharpness.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.kernels import lane_evaluation, passes
from harness.kernels.curvature import sharpness_of
from harness.kernels.descent import Rows
from harness.kernels.metrics import METRICS, Metric, measure, threshold_of
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.passes import Data, Evaluation
from harness.training.variants import Variant, make_evaluation_spec

Floats = NDArray[np.float64]

HELD_OUT = "validation_"  # prefix of the columns of held-out data points
EPOCH_OF_MIN = "epoch_of_validation_min"

# Predictions that are held at once.
_MOST_PREDICTIONS = 1 << 20


def evaluate(
    variant: Variant,
    names: Sequence[str],
    thetas: Floats,
    stop: NDArray[np.uint8],
    *,
    in_lanes: bool,
) -> dict[str, Floats]:
    """Return columns of numbers, one for each network at a row of `thetas` (n, P).

    Parameters
    ----------
    variant : Variant
        The variant whose runs have these parameters.
    names : sequence of str
        The columns: `ssr`, `loss` and names of `METRICS`; with the prefix `validation_`, of the
        held-out data points.
    thetas : array of shape (n, P)
        Parameters.
    stop : array of shape (1,)
        Another thread may set `stop[0]`; the returned numbers are then meaningless.
    in_lanes : bool
        Whether networks are evaluated side by side. The results are the same.
    """
    found = {name: np.empty(len(thetas)) for name in names}
    parts = {"": variant.data, HELD_OUT: variant.held_out}
    threshold = threshold_of(*(data.y for data in parts.values() if data is not None))
    for prefix, data in parts.items():
        inside = {
            name.removeprefix(prefix): found[name]
            for name in names
            if name.startswith(HELD_OUT) == (prefix == HELD_OUT)
        }
        if not inside or data is None:
            continue
        predicts = any(name in METRICS for name in inside)
        for rows, result in evaluations(variant, data, thetas, stop, predicts, in_lanes):
            for name, column in inside.items():
                if name in METRICS:
                    column[rows] = measure(name, data.y, result.predictions, threshold)
                else:
                    column[rows] = getattr(result, name)
    return found


def evaluations(
    variant: Variant,
    data: Data,
    thetas: Floats,
    stop: NDArray[np.uint8],
    predicts: bool,
    in_lanes: bool,
) -> Iterator[tuple[slice, Evaluation]]:
    """Yield the evaluations of some rows of thetas at a time."""
    step = max(64, _MOST_PREDICTIONS // data.y.size)
    spec = make_evaluation_spec(variant, len(data.y)) if in_lanes else None
    for first in range(0, len(thetas), step):
        rows = slice(first, first + step)
        part = np.ascontiguousarray(thetas[rows])
        if spec is None:
            yield rows, passes.evaluate_all(variant.architecture, part, data, predicts, stop)
        else:
            yield (
                rows,
                lane_evaluation.evaluate_all(
                    spec, variant.architecture, part, data, stop, predicts=predicts
                ),
            )


def sharpness(
    variant: Variant, thetas: Floats, settings: Floats, stop: NDArray[np.uint8]
) -> Floats:
    """Return the sharpness (n,) of the loss that is trained, with its penalty.

    `thetas` (n, P) are parameters, and each row of `settings` is one of `descent.Runs`. Another
    thread may set `stop[0]`; the returned numbers are then meaningless.
    """
    l2 = OPTIMISERS[variant.experiment.training.optimiser].by_name(settings)["l2"][:, 0]
    plan, found = variant.plan, np.empty(len(thetas))
    sharpness_of(
        variant.architecture,
        thetas,
        variant.data,
        plan.trains,
        plan.penalised,
        np.ascontiguousarray(l2),  # Numba compiles a kernel again for every array layout
        stop,
        found,
    )
    return found


def end_columns(names: Sequence[str]) -> dict[str, type]:
    """Return the columns of the runs that follow from columns of the trajectories, with their kind.

    They are the last value, as `<name>_final`, and the best of all recorded epochs: of SSR and loss
    the least, as `<name>_min`, of a metric `<name>_best`; and the epoch at which the trained loss
    of the held-out data points was least. With patience, the least of that loss is that of all
    epochs.
    """
    columns: dict[str, type] = {}
    for name in names:
        columns |= {f"{name}_final": float, f"{name}_{_best_of(name)}": float}
    if held_out_loss(names):
        columns[EPOCH_OF_MIN] = int
    return columns


def at_the_end(
    names: Sequence[str],
    along: Mapping[str, Floats],
    recorded: NDArray[np.int64],
    rows: Rows,
) -> dict[str, NDArray[Any]]:
    """Return the `end_columns` of some runs from their trajectories (runs, epochs).

    `recorded` are the epochs that a run records if it does not end early; if there are none, the
    trajectories have the last epoch only.
    """
    found: dict[str, NDArray[Any]] = {}
    last = np.maximum(rows.recorded, 1)[:, np.newaxis] - 1
    there = np.arange(max(1, recorded.size)) <= last
    for name in names:
        values = np.where(there, along[name], np.nan)
        found[f"{name}_final"] = np.take_along_axis(values, last, axis=1)[:, 0]
        # Both ignore NaN.
        best = np.fmax if _best_of(name) == "best" and _metric(name).higher_is_better else np.fmin
        found[f"{name}_{_best_of(name)}"] = best.reduce(values, axis=1)
    loss = held_out_loss(names)
    if loss:
        slot = best_slot(names, along, rows)
        epochs = recorded[slot] if recorded.size else rows.epochs
        epochs = np.where(slot == last[:, 0], rows.epochs, epochs)
        # With patience, training has evaluated it at every epoch.
        least, epoch = rows.validation.T
        known = np.isfinite(least)
        found[f"{loss}_min"] = np.where(known, least, found[f"{loss}_min"])
        found[EPOCH_OF_MIN] = np.where(known, epoch, epochs).astype(np.int64)
    return found


def best_slot(names: Sequence[str], along: Mapping[str, Floats], rows: Rows) -> NDArray[np.int64]:
    """Return the position in its trajectory of the best recorded epoch of each run, (runs,).

    There the trained loss of the held-out data points is least, or the loss if there are none. Of
    equal losses, that of the first epoch counts.
    """
    held_out = held_out_loss(names)
    if held_out:
        losses = along[held_out]
    else:
        losses = rows.loss_trajectory if rows.loss_trajectory.shape[1] else rows.ssr_trajectory
    written = np.maximum(rows.recorded, 1)[:, np.newaxis]
    there = np.arange(losses.shape[1]) < written
    best: NDArray[np.int64] = np.where(there & ~np.isnan(losses), losses, np.inf).argmin(axis=1)
    return best


def _metric(name: str) -> Metric:
    return METRICS[name.removeprefix(HELD_OUT)]


def _best_of(name: str) -> str:
    """Return the ending of the column with the best value of another column."""
    return "best" if name.removeprefix(HELD_OUT) in METRICS else "min"


def held_out_loss(names: Sequence[str]) -> str:
    """Return the column of the trained loss of held-out data points; empty if there is none."""
    return next((f"{HELD_OUT}{n}" for n in ("loss", "ssr") if f"{HELD_OUT}{n}" in names), "")
