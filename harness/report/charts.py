"""The smaller pictures: outcomes along axes, distribution of final values, fit and regions."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis import measures
from harness.analysis.predictions import (
    class_names,
    data_points,
    final_curve,
    lattice,
    predicted_classes,
)
from harness.analysis.ranking import trained_loss
from harness.analysis.sampling import scattered
from harness.experiment import Experiment
from harness.kernels.metrics import are_classes, classes_of, threshold_of
from harness.report.ordered_axes import OrderedAxis, Ranks
from harness.report.packing import packed
from harness.report.summary import Summary
from harness.results.sentences import column_names
from harness.results.tables import Results
from harness.training.variants import make_variant, work_of

# An axis with more values is binned: in the table of outcomes, and in the picture of epochs.
TABLE_BINS = 200
_EPOCH_BINS = 40
_EPOCH_RUNS = 200_000
_HISTOGRAM_BINS = 60
_CURVE_POINTS = 201
_LATTICE_POINTS = 120  # along each of two inputs
_MOST_DATA = 2000
# Multiply-adds to train the best run again for its curve: a few seconds.
_MOST_WORK = 3e9


def outcomes_along(
    axis: OrderedAxis, counts: NDArray[np.int64], ranks: Ranks, runs: pd.DataFrame
) -> pd.DataFrame:
    """Return how the runs ended along an axis, with quartiles of the trained loss at the end.

    Parameters
    ----------
    axis : OrderedAxis
        The axis.
    counts : ndarray, shape (4, bins)
        All runs by ending and bin.
    ranks, runs : ndarray, DataFrame
        The runs for the quartiles: ranks along the axis; status and the final loss.

    Returns
    -------
    DataFrame
        One row per bin that has runs, with its number as index: the value of each axis, or the ends
        of the bin as `name` and `name_to`; the columns of `measures.outcomes`; best, quartiles and
        worst.
    """
    count = counts.shape[1]
    binned = runs.assign(bin=axis.bins(ranks, count))
    values = measures.final_values(binned, "bin", trained_loss(runs.columns)).set_index("bin")
    ended = pd.DataFrame(counts.T, columns=list(measures.ENDINGS))
    table = measures.shares(ended[ended.any(axis=1)]).join(values.drop(columns="runs"))
    low, high = (
        pd.DataFrame(points, columns=axis.factor.names).iloc[table.index]
        for points in zip(*axis.ends(count), strict=True)
    )
    ends = [low, high.add_suffix("_to")] if count < axis.count else [low]
    return pd.concat([*ends, table], axis=1)


def ends_along(axis: OrderedAxis, table: pd.DataFrame) -> dict[str, Any] | None:
    """Return the shares that ended early, as in `outcomes_along`; None if no run did."""
    early = [
        name for name in ("converged", "diverged", "stopped") if name in table and table[name].any()
    ]
    if not early:
        return None
    names = [f"{end}{edge}" for end in early for edge in ("", "_low", "_high")]
    labels = axis.labels(min(axis.count, TABLE_BINS))
    return {
        "axis": axis.name,
        "label": [labels[number] for number in table.index],
        "runs": table["runs"].to_numpy(),
        **{name: table[name].round(5).to_numpy() for name in names},
    }


def epochs_along(
    axis: OrderedAxis,
    ranks: Ranks,
    results: Results,
    found: Summary,
    sample: NDArray[np.int64],
    trajectories: pd.DataFrame,
) -> dict[str, Any] | None:
    """Return the epochs to a threshold along an axis; None if too few runs reach it everywhere.

    The threshold is the tolerance if half of the runs converge somewhere. Otherwise it is the loss
    that a quarter of the sampled runs reach, if trajectories show when.

    Parameters
    ----------
    axis, ranks : OrderedAxis, ndarray
        The axis, and the ranks of `found.runs` along it.
    results, found : Results, Summary
        The sweep.
    sample, trajectories : ndarray, DataFrame
        Rows of `found.runs`, and trajectories of these and possibly other runs.
    """
    if found.counts["converged"]:
        drawn = scattered(found.runs["run_id"]) <= _EPOCH_RUNS / found.trained
        table = _epochs_table(axis, ranks[drawn], measures.reached(found.runs[drawn]))
        if np.isfinite(table["median"]).any():
            # An axis of tolerances has no single threshold.
            names = [axis.name for axis in results.grid.axes]
            tolerance = results.experiment.training.tolerance
            return _epochs(axis, table, None if "tolerance" in names else tolerance, True)
    if trajectories.empty:
        return None
    runs = found.runs.iloc[sample]
    values = measures.comparable(runs, trained_loss(runs.columns))
    threshold = _rounded_up(float(np.quantile(values, 0.25, method="lower")))
    if not np.isfinite(threshold):
        return None
    recorded = trajectories[trajectories["run_id"].isin(runs["run_id"])]
    table = _epochs_table(axis, ranks[sample], measures.reached(runs, recorded, threshold, "loss"))
    return _epochs(axis, table, threshold, False) if np.isfinite(table["median"]).any() else None


def _epochs_table(axis: OrderedAxis, ranks: Ranks, watched: pd.DataFrame) -> pd.DataFrame:
    binned = watched.assign(bin=axis.bins(ranks, min(axis.count, _EPOCH_BINS)))
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
    """Return the next number of two digits, which can be stated exactly."""
    if value <= 0 or np.isinf(value):
        return value
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(f"{np.ceil(value / unit) * unit:.2g}")


def histogram(
    axis: OrderedAxis | None, ranks: Ranks | None, runs: pd.DataFrame
) -> dict[str, Any] | None:
    """Return runs by status and final loss for each value of an axis; None if all diverged.

    Runs that diverged are counted as left out: their final loss has no meaning.
    """
    names = list(runs["status"].cat.categories)
    status, values = (
        runs["status"].cat.codes.to_numpy(),
        runs[trained_loss(runs.columns)].to_numpy(np.float64),
    )
    good = (status != names.index("diverged")) & np.isfinite(values)
    positive = values[good & (values > 0)]
    if not positive.size:
        return None
    low, high = np.log10(positive.min()), np.log10(positive.max())
    low, high = (low - 0.5, high + 0.5) if high - low < 0.1 else (low, high)
    edges = np.linspace(low, high, _HISTOGRAM_BINS + 1)
    logs = np.log10(np.maximum(values[good], positive.min()))  # 0 is in the first bin
    at = ((logs - low) / (high - low) * _HISTOGRAM_BINS).astype(np.int64)
    at = np.clip(at, 0, _HISTOGRAM_BINS - 1)
    bins = 1 if axis is None else min(axis.count, TABLE_BINS)
    inside = np.zeros(len(runs), dtype=np.int64)
    if axis is not None and ranks is not None:
        inside = axis.bins(ranks, bins)
    counts = {}
    for number, name in enumerate(names):
        ours = status[good] == number
        code = inside[good][ours] * _HISTOGRAM_BINS + at[ours]
        counts[name] = np.bincount(code, minlength=bins * _HISTOGRAM_BINS)
    return {
        "edges": edges.round(5),
        "bins": bins,
        "axis": None if axis is None else 0,
        **{
            name: packed(count, "<u4")
            for name, count in counts.items()
            if name in ("converged", "finished") or (name == "stopped" and count.any())
        },
        "left_out": np.bincount(inside[~good], minlength=bins),
    }


def fitted_curve(experiment: Experiment, best: "pd.Series[Any]") -> dict[str, Any] | None:
    """Return the curve of the best run and the data; None unless the network has one input."""
    run_id = int(best["run_id"])
    single = experiment.single(run_id)
    network, data = single.network, single.data
    if network.sizes[0] != 1 or not _has_predictions(single, best):
        return None
    table = final_curve(experiment, best, lattice(single, _CURVE_POINTS))
    outputs = range(1, network.sizes[-1] + 1)
    return {
        "x": table["input_1"].to_numpy(),
        "y": [table[f"prediction_{output}"].to_numpy() for output in outputs],
        "inputs": data.inputs[:_MOST_DATA, 0],
        "targets": data.targets[:_MOST_DATA].T,
        "run_id": run_id,
    }


def decision_regions(results: Results, best: "pd.Series[Any]") -> dict[str, Any] | None:
    """Return the classes that the best run predicts, and the data; None unless it has two inputs.

    Returns
    -------
    dict or None
        x and y, the values of the inputs on a lattice; classes there, packed, with x varying
        fastest; names of the classes; for each class the points to train on, and for each those
        held out, as pairs of lists; inputs, their names; and run_id.
    """
    experiment, run_id = results.experiment, int(best["run_id"])
    single = experiment.single(run_id)
    targets = single.source.targets
    # The largest of several numbers is a class only if they have two values, such as 0 and 1.
    has_classes = are_classes(targets) and np.unique(targets).size == 2
    if single.network.sizes[0] != 2 or not has_classes or not _has_predictions(single, best):
        return None
    points = data_points(single)
    targets = points.filter(like="target_").to_numpy()
    threshold = threshold_of(targets)
    inputs = lattice(single, _LATTICE_POINTS)
    classes = predicted_classes(final_curve(experiment, best, inputs), threshold)
    if (classes < 0).any():
        return None
    points = points.assign(of_class=classes_of(targets, threshold))[:_MOST_DATA]
    names = class_names(single.source, "class ")

    def of_each(chosen: pd.DataFrame) -> list[list[NDArray[np.float64]]]:
        parts = (chosen[chosen["of_class"] == k] for k in range(len(names)))
        return [[part[f"input_{n}"].to_numpy() for n in (1, 2)] for part in parts]

    return {
        "x": np.unique(inputs[:, 0]),
        "y": np.unique(inputs[:, 1]),
        "classes": packed(classes, "u1"),
        "names": names,
        "training": of_each(points[~points["held_out"]]),
        "held_out": of_each(points[points["held_out"]]),
        "inputs": column_names(results, "inputs") or ["input 1", "input 2"],
        "run_id": run_id,
    }


def _has_predictions(single: Experiment, run: "pd.Series[Any]") -> bool:
    """Return whether a run has final parameters, or is soon trained again for them."""
    if run["status"] == "diverged":
        return False
    if all(f"{name}_final" in run for name in single.network.parameters):
        return True
    an_epoch = work_of(make_variant(single)) / max(single.training.epochs, 1)
    return bool(an_epoch * int(run["epochs"]) <= _MOST_WORK)
