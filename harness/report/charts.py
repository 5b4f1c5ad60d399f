"""The smaller pictures and tables: along each axis, how final values spread, and the best fit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis import measures
from harness.analysis.predictions import curves, final_curve, lattice
from harness.analysis.ranking import trained_loss
from harness.analysis.sampling import scattered
from harness.experiment import Experiment
from harness.report.ordered_axes import OrderedAxis
from harness.report.packing import packed
from harness.report.summary import Gathered
from harness.results.tables import Results
from harness.training.variants import make_variant, work_of

# Values of an axis in the table of outcomes and in the picture of epochs; longer ones are binned.
TABLE_BINS = 200
_EPOCH_BINS = 40
_EPOCH_RUNS = 200_000
_WATCHED_RUNS = 4_000  # whose trajectories are read for it
_HISTOGRAM_BINS = 60
_CURVE_POINTS = 201
_MOST_DATA = 2000
# Multiply-adds that the best run may take to be trained again for its curve: some seconds.
_MOST_WORK = 3e9

Places = NDArray[np.int64]


def outcomes_along(
    axis: OrderedAxis, counts: NDArray[np.int64], places: Places, runs: pd.DataFrame
) -> pd.DataFrame:
    """Return how the runs ended along an axis, with quartiles of the final loss that is trained.

    The first columns are the value, or the ends of the bin: `name` and `name_to`.

    Parameters
    ----------
    axis : OrderedAxis
        Which.
    counts : ndarray, shape (3, bins)
        All runs by ending and bin.
    places, runs : ndarray, DataFrame
        What quartiles are taken of: places along the axis; status, and the final loss.
    """
    count = counts.shape[1]
    binned = runs.assign(bin=axis.bins(places, count))
    values = measures.final_values(binned, "bin", trained_loss(runs.columns)).drop(columns="runs")
    ended = pd.DataFrame(counts.T, columns=list(measures.ENDINGS)).rename_axis("bin")
    table = measures.shares(ended[ended.any(axis=1)]).reset_index()
    table = table.merge(values, on="bin", how="left")
    ends = axis.ends(count)
    numbers = table.pop("bin").tolist()
    table.insert(0, axis.axis.name, [ends[number][0] for number in numbers])
    if count < axis.count:
        table.insert(1, f"{axis.axis.name}_to", [ends[number][1] for number in numbers])
    return table


def ends_along(axis: OrderedAxis, table: pd.DataFrame) -> dict[str, Any] | None:
    """Return the shares that converged and diverged, with intervals, of `outcomes_along`."""
    if not table[["converged", "diverged"]].to_numpy().any():
        return None
    names = [f"{end}{edge}" for end in ("converged", "diverged") for edge in ("", "_low", "_high")]
    count = min(axis.count, TABLE_BINS)
    labels = np.array(axis.labels(count))
    if len(table) < count:  # of a sweep that has not ended
        known = {ends: at for at, ends in enumerate(axis.ends(count))}
        first = table[axis.axis.name]
        last = table.get(f"{axis.axis.name}_to", first)
        labels = labels[[known[pair] for pair in zip(first, last, strict=True)]]
    return {
        "axis": axis.name,
        "label": labels,
        "runs": table["runs"].to_numpy(),
        **{name: table[name].round(5).to_numpy() for name in names},
    }


def epochs_along(
    axis: OrderedAxis, places: Places, results: Results, found: Gathered
) -> dict[str, Any] | None:
    """Return the epochs to a threshold along an axis; None where too few get there everywhere.

    The threshold is the tolerance, where half of the runs converge somewhere; else the SSR that a
    quarter of all runs come to, if trajectories show when.
    """
    share = _EPOCH_RUNS / max(found.there, 1)
    rows = np.flatnonzero(scattered(found.runs["run_id"]) <= share)
    runs = found.runs.iloc[rows]
    if found.counts["converged"]:
        watched = measures.reached(runs)
        table = _epochs_table(axis, places[rows], watched)
        if np.isfinite(table["median"]).any():
            # An axis of tolerances has no one threshold.
            names = [axis.name for axis in results.experiment.grid.axes]
            tolerance = results.experiment.training.tolerance
            return _epochs(axis, table, None if "tolerance" in names else tolerance, True)
    few = np.sort(np.argsort(scattered(runs["run_id"]), kind="stable")[:_WATCHED_RUNS])
    rows, runs = rows[few], runs.iloc[few]
    values = measures.comparable(runs, "ssr_final")
    threshold = float(np.quantile(values, 0.25, method="lower"))
    recorded = results.trajectories(runs["run_id"].to_numpy(), ["run_id", "epoch", "ssr"])
    if recorded.empty or not np.isfinite(threshold):
        return None
    threshold = _rounded_up(threshold)
    watched = measures.reached(runs, recorded, threshold)
    table = _epochs_table(axis, places[rows], watched)
    return _epochs(axis, table, threshold, False) if np.isfinite(table["median"]).any() else None


def _epochs_table(axis: OrderedAxis, places: Places, watched: pd.DataFrame) -> pd.DataFrame:
    binned = watched.assign(bin=axis.bins(places, min(axis.count, _EPOCH_BINS)))
    return measures.epochs_to_reach(binned, "bin")


def _epochs(
    axis: OrderedAxis, table: pd.DataFrame, threshold: float | None, converged: bool
) -> dict[str, Any]:
    labels = axis.labels(min(axis.count, _EPOCH_BINS))
    return {
        "axis": axis.name,
        "threshold": threshold,
        "by_tolerance": converged,
        "label": [labels[number] for number in table["bin"]],
        **{name: table[name].to_numpy() for name in ("runs", "reached", "median", "low", "high")},
    }


def _rounded_up(value: float) -> float:
    """Return the next number of two digits, so that a threshold can be said."""
    if value <= 0:
        return value
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(f"{np.ceil(value / unit) * unit:.2g}")


def histogram(
    axes: Sequence[OrderedAxis], places: Sequence[Places], runs: pd.DataFrame
) -> dict[str, Any] | None:
    """Return how many runs of each status came to which SSR, for every value of the first axis.

    Those that diverged are counted beside it: their last number says nothing. None where all did.
    """
    names = list(runs["status"].cat.categories)
    status, values = runs["status"].cat.codes.to_numpy(), runs["ssr_final"].to_numpy(np.float64)
    good = (status != names.index("diverged")) & np.isfinite(values)
    positive = values[good & (values > 0)]
    if not positive.size:
        return None
    low, high = np.log10(positive.min()), np.log10(positive.max())
    low, high = (low - 0.5, high + 0.5) if high - low < 0.1 else (low, high)
    edges = np.linspace(low, high, _HISTOGRAM_BINS + 1)
    logs = np.log10(np.maximum(values[good], positive.min()))  # 0 is in the first bin
    at = np.clip(((logs - low) / (high - low) * _HISTOGRAM_BINS).astype(np.int64), 0, 59)
    bins = min(axes[0].count, TABLE_BINS) if axes else 1
    inside = axes[0].bins(places[0], bins) if axes else np.zeros(len(runs), dtype=np.int64)
    counts = {}
    for number, name in enumerate(names):
        ours = status[good] == number
        code = inside[good][ours] * _HISTOGRAM_BINS + at[ours]
        counts[name] = np.bincount(code, minlength=bins * _HISTOGRAM_BINS)
    left_out = np.bincount(inside[~good], minlength=bins)
    return {
        "edges": [round(edge, 5) for edge in edges.tolist()],
        "bins": bins,
        "axis": 0 if axes else None,
        **{name: packed(counts[name], "<u4") for name in names if name != "diverged"},
        "left_out": left_out,
    }


def fitted_curve(experiment: Experiment, best: "pd.Series[Any]") -> dict[str, Any] | None:
    """Return the curve of the best run beside the data, where the network has one input."""
    run_id = int(best["run_id"])
    alone = experiment.single(run_id)
    network, data = alone.network, alone.data
    if network.sizes[0] != 1:
        return None
    inputs = lattice(alone, _CURVE_POINTS)
    if {f"{name}_final" for name in network.parameters} <= set(best.index):
        table = final_curve(experiment, best, inputs)
    else:
        an_epoch = work_of(make_variant(alone)) / max(alone.training.epochs, 1)
        if an_epoch * int(best["epochs"]) > _MOST_WORK:
            return None
        table = curves(experiment, run_id, [int(best["epochs"])], inputs)
    outputs = range(1, network.sizes[-1] + 1)
    return {
        "x": table["input_1"].to_numpy(),
        "y": [table[f"prediction_{output}"].to_numpy() for output in outputs],
        "inputs": data.inputs[:_MOST_DATA, 0],
        "targets": data.targets[:_MOST_DATA].T,
        "run_id": run_id,
    }
