"""Measures of groups of runs. Each is a function from tables to a table.

`by` is the name of an axis, or a list of them; runs with the same values there form a group. NaN is
a value too: that of a setting which a run does not have, such as the momentum of Adam. `runs` and
`trajectories` are tables of `harness.open_results`, or parts of them. The final values of a run
that diverged are meaningless; they are ordered last, as infinity, or as minus infinity where higher
is better.
"""

from collections.abc import Container, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.kernels.metrics import METRICS
from harness.training.evaluation import HELD_OUT

ENDINGS = ("converged", "finished", "diverged", "stopped")

# Level of all intervals.
CONFIDENCE = 0.95

# The normal quantile for it, correctly rounded; NormalDist is two units in the last place off.
_Z = 1.959963984540054


def has_value(column: "pd.Series[Any]", value: Any) -> NDArray[np.bool_]:
    """Return which rows of an axis have a value; NaN, a setting that a run lacks, is a value.

    >>> has_value(pd.Series([0.9, np.nan]), np.nan).tolist()
    [False, True]
    """
    found = column.isna() if pd.isna(value) else column.astype(object) == value
    return found.to_numpy(bool)


def is_ordered(column: "pd.Series[Any]") -> bool:
    """Return whether the values of an axis have an order: numbers, which all runs have.

    >>> is_ordered(pd.Series([0.0, 0.9])), is_ordered(pd.Series([0.0, np.nan]))
    (True, False)
    >>> is_ordered(pd.Series([True, False])), is_ordered(pd.Series(["adam", "sgd"]))
    (False, False)
    """
    numbers = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return bool(numbers and not column.isna().any())


def outcomes(runs: pd.DataFrame, by: str | Sequence[str], start: str | None = None) -> pd.DataFrame:
    """Return how the runs ended, as shares.

    Parameters
    ----------
    runs : DataFrame
        With the columns of `by` and `status`.
    by : str or sequence of str
        Axes.
    start : str, optional
        The column with the number of each run's start. Runs from one start are not independent, so
        the intervals are for the number of starts. By default, each run has its own.

    Returns
    -------
    DataFrame
        The columns of `by`; `runs`, their number; `starts`, if they are known; `converged`,
        `finished` and `diverged`, shares of the runs, and `stopped` if any run was; and
        `converged_low`, `converged_high` and so on, their 95 % intervals by Wilson (1927, "Probable
        inference, the law of succession, and statistical inference"), which are valid for shares of
        0 and 1 too.

    Examples
    --------
    >>> status = ["converged", "finished", "diverged"]
    >>> runs = pd.DataFrame({"learning_rate": [0.1, 0.1, 0.9], "status": status})
    >>> outcomes(runs, "learning_rate")[["learning_rate", "runs", "converged", "diverged"]]
       learning_rate  runs  converged  diverged
    0            0.1     2        0.5       0.0
    1            0.9     1        0.0       1.0
    """
    axes = _names(by)
    ending = pd.Categorical(runs["status"], categories=list(ENDINGS))
    # A million categories take 0.06 s, and texts 0.23 s; with a crosstab, 0.25 and 0.13 s.
    groups = runs.groupby(axes, observed=True, dropna=False)
    codes = groups.ngroup().to_numpy() * len(ENDINGS) + ending.codes
    counts = np.bincount(codes, minlength=groups.ngroups * len(ENDINGS)).reshape(-1, len(ENDINGS))
    sizes = groups.size()
    starts = None if start is None else groups[start].nunique()
    table = pd.DataFrame(counts, index=sizes.index, columns=list(ENDINGS))
    return shares(table, starts).reset_index()


def shares(counts: pd.DataFrame, starts: "pd.Series[int] | None" = None) -> pd.DataFrame:
    """Convert counts of runs to shares with their intervals.

    Parameters
    ----------
    counts : DataFrame
        One column for each of `ENDINGS`; each row counts at least one run.
    starts : Series, optional
        The number of starts of each row, for the intervals; by default, the number of runs.

    Returns
    -------
    DataFrame
        The columns of `outcomes` without the axes; the index of `counts`.
    """
    if not counts["stopped"].any():  # as in every sweep without patience
        counts = counts.drop(columns="stopped")
    total = counts.sum(axis=1)
    table = counts.div(total, axis=0)
    table.insert(0, "runs", total)
    if starts is not None:
        table.insert(1, "starts", starts)
    independent = (total if starts is None else starts).to_numpy()
    for ending in counts:
        # Dividing last keeps shares of 1 exact.
        hits = counts[ending].to_numpy() * independent / total.to_numpy()
        low, high = share_interval(hits, independent)
        table[f"{ending}_low"], table[f"{ending}_high"] = low, high
    table.columns.name = None
    return table


def share_interval(
    hits: NDArray[Any], runs: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return low and high ends of the 95 % Wilson interval of shares hits / runs, shape (n,) each.

    >>> low, high = share_interval(np.array([0, 25]), np.array([30, 30]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.664], [0.114, 0.927])
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, weight = hits / runs, z**2 / runs
    middle = share + weight / 2
    half = z * np.sqrt((share * (1 - share) + weight / 4) / runs)
    low, high = (middle - half) / (1 + weight), (middle + half) / (1 + weight)
    # Rounding would leave 1e-17 instead of 0.
    return np.where(hits == 0, 0.0, low), np.where(hits == runs, 1.0, high)


def change_interval(
    both: float, lost: float, gained: float, neither: float, independent: float | None = None
) -> tuple[float, float]:
    """Return the ends of the 95 % interval of the change of a share within pairs.

    The change is that from the first run of each pair to the second, (gained - lost) / pairs. The
    interval is method 10 of Newcombe (1998, "Improved confidence intervals for the difference
    between binomial proportions based on paired data"): it combines the Wilson intervals of the two
    shares by their correlation, and is valid for shares of 0 and 1 too.

    Parameters
    ----------
    both, lost, gained, neither : float
        The number of pairs in which both runs count, only the first, only the second, and neither.
    independent : float, optional
        The number of independent pairs, if they are fewer than all.

    Examples
    --------
    >>> ends = change_interval(both=1, lost=1, gained=7, neither=12)
    >>> [round(end, 3) for end in ends]
    [0.026, 0.507]
    """
    pairs = both + lost + gained + neither
    runs = pairs if independent is None else independent
    both, lost, gained, neither = (count * runs / pairs for count in (both, lost, gained, neither))
    shares = np.array([both + lost, both + gained]) / runs
    low, high = share_interval(shares * runs, np.full(2, runs))
    (below_first, below), (above_first, above) = shares - low, high - shares
    agreement = both * neither - lost * gained
    if agreement > 0:
        agreement = max(agreement - runs / 2, 0.0)
    spread = runs**2 * np.sqrt(np.prod(shares * (1 - shares)))
    correlation = agreement / spread if spread else 0.0
    change = shares[1] - shares[0]

    def distance(one: float, other: float) -> float:
        return float(np.sqrt(one**2 - 2 * correlation * one * other + other**2))

    return float(change - distance(below, above_first)), float(
        change + distance(above, below_first)
    )


# Metrics of classes, of held-out data first.
_OF_CLASSES = [f"{name}_final" for name, metric in METRICS.items() if metric.of_classes]
_ACCURACIES = (*(f"{HELD_OUT}{name}" for name in _OF_CLASSES), *_OF_CLASSES)


def accuracy_column(columns: Container[str]) -> str | None:
    """Return the final accuracy in a table of runs: that of held-out data, or of training.

    >>> accuracy_column(["accuracy_final", "validation_accuracy_final"]), accuracy_column([])
    ('validation_accuracy_final', None)
    """
    return next((name for name in _ACCURACIES if name in columns), None)


def higher_is_better(column: str) -> bool:
    """Return whether higher values of a column are better, or a larger share of an ending.

    >>> higher_is_better("validation_accuracy_final"), higher_is_better("loss_final")
    (True, False)
    >>> higher_is_better("accuracy"), higher_is_better("mae")
    (True, False)
    >>> higher_is_better("converged"), higher_is_better("diverged")
    (True, False)
    """
    if column in ENDINGS:
        return column != "diverged"
    bare = column.removeprefix(HELD_OUT)
    metric = METRICS.get(bare) or METRICS.get(bare.rpartition("_")[0])
    return metric is not None and metric.higher_is_better


def comparable(runs: pd.DataFrame, column: str) -> "pd.Series[float]":
    """Return a column of `runs` with the worst value for runs that diverged, and for NaN.

    It is infinity, or minus infinity if higher values are better.
    """
    good = (runs["status"] != "diverged") & runs[column].notna()
    return runs[column].where(good, -np.inf if higher_is_better(column) else np.inf)


def final_values(
    runs: pd.DataFrame, by: str | Sequence[str], column: str = "ssr_final"
) -> pd.DataFrame:
    """Return best, quartiles and worst of a column of `runs`.

    Parameters
    ----------
    runs : DataFrame
        With the columns of `by`, `column`, and `status`.
    by : str or sequence of str
        Axes.
    column : str
        The values to compare.

    Returns
    -------
    DataFrame
        The columns of `by`; `runs`; `best`, `lower_quartile`, `median`, `upper_quartile`, `worst`.
        Quartiles are interpolated linearly, as by numpy; next to a diverged run they are its
        value, inf or -inf.
    """
    axes = _names(by)
    values = comparable(runs, column)
    groups = values.groupby([runs[name] for name in axes], observed=True, dropna=False)
    best, worst, lost = groups.min(), groups.max(), np.inf
    if higher_is_better(column):
        best, worst, lost = worst, best, -np.inf
    table = pd.DataFrame({"runs": groups.size(), "best": best})
    for name, share in (("lower_quartile", 0.25), ("median", 0.5), ("upper_quartile", 0.75)):
        # pandas would interpolate to NaN between a number and infinity.
        far = groups.quantile(share, interpolation="higher" if lost > 0 else "lower")
        table[name] = groups.quantile(share).where(np.isfinite(far), lost)
    table["worst"] = worst
    return table.reset_index()


def reached(
    runs: pd.DataFrame,
    trajectories: pd.DataFrame | None = None,
    ssr: float | None = None,
    column: str = "ssr",
) -> pd.DataFrame:
    """Return the epoch at which each run first reached an SSR.

    Parameters
    ----------
    runs : DataFrame
        With run_id, status, epochs.
    trajectories : DataFrame, optional
        Trajectories of all these runs; only recorded epochs count.
    ssr : float, optional
        The SSR to reach. By default, or without trajectories, it is the tolerance: a run that
        converged reached it at its last epoch.
    column : str
        The column of the trajectories, if it is another loss.

    Returns
    -------
    DataFrame
        The rows of `runs` with two more columns: `reached`, whether the run reached it; and
        `epoch`, when, or how long it was watched. A run that diverged never will, so it counts as
        watched to the last epoch.
    """
    if trajectories is None or ssr is None:
        hit = runs["status"] == "converged"
        epoch = runs["epochs"]
    else:
        first = trajectories[trajectories[column] <= ssr].groupby("run_id")["epoch"].min()
        found = runs["run_id"].map(first)
        hit = found.notna()
        epoch = found.fillna(runs["epochs"]).astype(np.int64)
    never = ~hit & (runs["status"] == "diverged")
    budget = runs["max_epochs"] if "max_epochs" in runs else runs["epochs"].max()
    return runs.assign(reached=hit, epoch=epoch.where(~never, budget))


def epochs_to_reach(watched: pd.DataFrame, by: str | Sequence[str]) -> pd.DataFrame:
    """Return the epochs after which half of the runs have reached an SSR.

    Parameters
    ----------
    watched : DataFrame
        The table of `reached`.
    by : str or sequence of str
        Axes.

    Returns
    -------
    DataFrame
        The columns of `by`; `runs`; `reached`, the number of runs that reached it; `median`, and
        its 95 % interval, `low` and `high`. It is the median of Kaplan and Meier (1958,
        "Nonparametric estimation from incomplete observations"), which accounts for the other runs:
        inf if fewer than half reached it. A mean over the runs that did would favour rates that
        succeed only from easy starts.
    """
    axes = _names(by)
    rows = []
    for point, group in watched.groupby(axes, observed=True, dropna=False):
        curve = reached_by_epoch(group)
        median = _first(curve, "share")
        # Where the curve has no interval, the median bounds it.
        low = min(_first(curve, "high"), median)
        hits = int(group["reached"].sum())
        rows.append((*point, len(group), hits, median, low, _first(curve, "low")))
    return pd.DataFrame(rows, columns=[*axes, "runs", "reached", "median", "low", "high"])


def _first(curve: pd.DataFrame, column: str) -> float:
    """Return the first epoch at which a share is at least one half; inf if there is none."""
    half = curve[column].to_numpy() >= 0.5  # false for NaN
    return float(curve["epoch"].to_numpy()[half.argmax()]) if half.any() else np.inf


def reached_by_epoch(watched: pd.DataFrame) -> pd.DataFrame:
    """Return the share of runs that have reached an SSR, epoch by epoch.

    Parameters
    ----------
    watched : DataFrame
        The table of `reached`, or a part of it.

    Returns
    -------
    DataFrame
        One row for epoch 0, one for each epoch at which runs reached the SSR or were watched for
        the last time, in ascending order. `epoch`; `share`, the estimate of Kaplan and Meier
        (1958); its 95 % interval, `low` and `high`, pointwise and by the exponential formula of
        Greenwood, NaN where that has none: before the first run has reached the SSR, and after all
        have; and `lost`, the number of runs that were watched up to this epoch without reaching it.
    """
    epoch = watched["epoch"].to_numpy(np.float64)
    hit = watched["reached"].to_numpy(bool)
    epochs, index = np.unique(epoch, return_inverse=True)
    hits, lost = (np.bincount(index[which], minlength=len(epochs)) for which in (hit, ~hit))
    share = np.zeros(len(epochs))
    low, high = np.full((2, len(epochs)), np.nan)
    if hit.any():
        ended = np.cumsum(hits + lost)
        under_watch = len(epoch) - ended + hits + lost
        if lost.any():
            share = 1 - np.cumprod((under_watch - hits) / under_watch, dtype=np.float64)
        else:  # the same without rounding, which could move a share below one half
            share = ended / len(epoch)
        left = 1 - share
        with np.errstate(all="ignore"):  # no interval at the ends of the curve
            greenwood = np.cumsum(hits / (under_watch * (under_watch - hits)))
            spread = _Z * np.sqrt(1 / np.log(left) ** 2 * greenwood)
            middle = np.log(-np.log(left))
            high, low = (1 - np.exp(-np.exp(middle + side)) for side in (spread, -spread))
    table = pd.DataFrame({"epoch": epochs, "share": share, "low": low, "high": high, "lost": lost})
    start = pd.DataFrame({"epoch": [0.0], "share": 0.0, "low": np.nan, "high": np.nan, "lost": 0})
    return table if epochs[:1] == 0 else pd.concat([start, table], ignore_index=True)


def majority_ranges(
    runs: pd.DataFrame, axis: str, column: str, start: str | None = None
) -> pd.DataFrame:
    """Return the ranges of an axis in which something is true of at least half of the runs.

    Parameters
    ----------
    runs : DataFrame
        With `axis`, whose values are numbers, and `column`.
    column : str
        Booleans, such as whether runs converged.
    start : str, optional
        The column with the number of each run's start. Runs from one start are not independent, so
        the intervals are for the number of starts. By default, each run has its own.

    Returns
    -------
    DataFrame
        One row per range, in ascending order: its first and last value, `low` and `high`; the
        number of `values` in it; `decades`, log10(high / low), NaN if `low` is not positive; and
        the 95 % intervals of both ends, `low_low` to `low_high` and `high_low` to `high_high`. At a
        value between two ranges, it is true of fewer than half of the runs.

        The interval of an end has the values there at which the Wilson interval of the share holds
        one half: those that a test would neither put into the range nor outside. It stops at the
        ends of the axis, and is NaN if there is one start.

    Examples
    --------
    >>> rates = np.repeat([0.01, 0.1, 1.0, 10.0], 20)
    >>> runs = pd.DataFrame({"learning_rate": rates, "init_id": list(range(20)) * 4})
    >>> runs["converged"] = runs["init_id"] < np.repeat([2, 18, 11, 0], 20)
    >>> table = majority_ranges(runs, "learning_rate", "converged")
    >>> print(table.drop(columns="values").to_string(index=False))
     low  high  decades  low_low  low_high  high_low  high_high
     0.1   1.0      1.0      0.1       0.1       0.1        1.0
    """
    groups = runs.groupby(axis)
    shares = groups[column].mean()
    starts = groups.size() if start is None else groups[start].nunique()
    values, most = shares.index.to_numpy(), shares.to_numpy() >= 0.5
    low, high = share_interval(shares.to_numpy() * starts.to_numpy(), starts.to_numpy())
    surely, perhaps = low > 0.5, high >= 0.5
    changes = np.flatnonzero(np.diff(most, prepend=False, append=False))
    rows = []
    for first, end in changes.reshape(-1, 2):
        last, inside = end - 1, surely[first:end]
        outer = first - leading(perhaps[:first][::-1]), last + leading(perhaps[end:])
        inner = last, first  # if no value is surely in the range
        if inside.any():
            inner = first + int(inside.argmax()), last - int(inside[::-1].argmax())
        at = [first, last, outer[0], inner[0], inner[1], outer[1]]
        rows.append([*values[at], end - first])
    ends = ["low_low", "low_high", "high_low", "high_high"]
    names = ["low", "high", *ends, "values"]
    table = pd.DataFrame(rows, columns=names, dtype=None if rows else np.float64)
    if start is not None and starts.max() < 2:
        table[ends] = np.nan
    lowest = table["low"].where(table["low"] > 0)
    table = table.assign(decades=np.log10(table["high"] / lowest))
    return table[["low", "high", "values", "decades", *ends]]


def leading(marks: NDArray[np.bool_]) -> int:
    """Return the number of marks before the first that is false.

    >>> leading(np.array([True, True, False, True]))
    2
    """
    return int(np.argmin([*marks, False]))


def largest_stable(runs: pd.DataFrame, axis: str = "learning_rate") -> pd.DataFrame:
    """Return the largest value of an axis at which each initialisation does not diverge.

    Parameters
    ----------
    runs : DataFrame
        With `axis`, init_id, status; for one value of each further axis.
    axis : str
        The axis, usually learning_rate.

    Returns
    -------
    DataFrame
        init_id; `diverged`, the lowest value at which a run diverged; `stable`, the largest value
        below it. The threshold lies between the two. NaN if there is no such value.
    """
    diverged = runs["status"] == "diverged"
    first = runs[axis].where(diverged).groupby(runs["init_id"]).min()
    below = runs[axis] < runs["init_id"].map(first).fillna(np.inf)
    stable = runs[axis].where(below).groupby(runs["init_id"]).max()
    return pd.DataFrame({"stable": stable, "diverged": first}).reset_index()


def bands(
    trajectories: pd.DataFrame,
    runs: pd.DataFrame,
    shares: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95),
    column: str = "ssr",
) -> pd.DataFrame:
    """Return quantiles of the SSR, or of another column, over some runs, epoch by epoch.

    A run that has ended keeps its last value, or infinity if it diverged, so that the quantiles are
    those of all these runs, not of the survivors. To leave out those that diverged from the start,
    leave them out of `runs`.

    Parameters
    ----------
    trajectories : DataFrame
        With run_id, epoch and the column.
    runs : DataFrame
        With run_id and status of the runs. Trajectories of others are ignored.
    shares : sequence of float
        The quantiles, each the value of a run: the lower one of two.
    column : str
        The column.

    Returns
    -------
    DataFrame
        `epoch`, and one column for each share, named by it; empty if there are no trajectories.
    """
    ours = trajectories[trajectories["run_id"].isin(runs["run_id"])]
    if ours.empty:
        return pd.DataFrame({"epoch": ours["epoch"], **dict.fromkeys(map(str, shares), np.nan)})
    table = ours.pivot(index="epoch", columns="run_id", values=column)
    ended = ours.groupby("run_id")["epoch"].max()
    values = table.ffill().to_numpy(copy=True)
    diverged = runs.set_index("run_id")["status"].eq("diverged")
    falls = np.flatnonzero(diverged.loc[table.columns])
    epochs = table.index.to_numpy()
    for run in falls:
        values[epochs >= ended.iloc[run], run] = np.inf
    # Other epochs in the table are ends of runs.
    recorded = np.isin(epochs, ours.loc[ours["run_id"] == ended.idxmax(), "epoch"])
    found = np.quantile(values[recorded], shares, axis=1, method="lower")
    columns = dict(zip(map(str, shares), found, strict=True))
    return pd.DataFrame({"epoch": epochs[recorded], **columns})


def _names(by: str | Sequence[str]) -> list[str]:
    return [by] if isinstance(by, str) else list(by)
