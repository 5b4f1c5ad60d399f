"""The ranking of combinations of axis values and of single runs: one definition for everyone.

A combination is one value of every axis except the seeds; zipped axes count together. One
combination is better than another

1. if a larger share of its runs converged; and if the shares are equal, as they are where no run
   converged or no tolerance is set,
2. if the median of its final loss is lower. This is the loss that is trained: the column
   `loss_final`, or `ssr_final` if the SSR is trained. A diverged run counts as infinite, and so
   does NaN.

If these are equal too, the first in the grid is better.

One run is better than another if it converged and the other did not, or if the other one diverged
and it did not. Of two that converged, the better one took fewer epochs, then has the lower final
loss; of two that finished or were stopped, it has the lower final loss; of two that diverged, it
lasted longer.
Equals are ordered by run_id.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.measures import CONFIDENCE, ENDINGS, comparable, shares

# Rank of a run by its ending, in the order of `measures.ENDINGS`.
RANKS = np.array([0, 1, 2, 1], dtype=np.int8)

# Axes that repeat a combination instead of changing it.
SEEDS = ("init_id", "init_seed", "batch_seed", "fold", "split_seed")


def trained_loss(columns: Iterable[str]) -> str:
    """Return the column with the final value of the loss that is trained.

    >>> trained_loss(["run_id", "ssr_final"]), trained_loss(["ssr_final", "loss_final"])
    ('ssr_final', 'loss_final')
    """
    return "loss_final" if "loss_final" in columns else "ssr_final"


def ending_codes(runs: pd.DataFrame) -> NDArray[np.int8]:
    """Return the index of each run's status in `measures.ENDINGS`, shape (runs,)."""
    return np.asarray(pd.Categorical(runs["status"], categories=list(ENDINGS)).codes)


def final_losses(runs: pd.DataFrame) -> NDArray[np.float64]:
    """Return the final loss, inf for runs that diverged and for NaN; shape (runs,)."""
    return np.asarray(comparable(runs, trained_loss(runs.columns)), dtype=np.float64)


def combinations(runs: pd.DataFrame, axes: str | Sequence[str]) -> pd.DataFrame:
    """Return the combinations of axis values, the best first.

    Parameters
    ----------
    runs : DataFrame
        With the columns of `axes`, status, and `loss_final` or `ssr_final`; with run_id, or in the
        order of the grid.
    axes : str or sequence of str
        Axes of the grid; seeds among them are left out.

    Returns
    -------
    DataFrame
        The columns of `axes`; those of `measures.outcomes`; `median` of the final loss; and its
        95 % interval, `median_low` and `median_high`, which assumes no distribution (Thompson 1936,
        "On confidence ranges for the median"). Of fewer than six runs it is -inf to inf.

    Examples
    --------
    >>> runs = pd.DataFrame(
    ...     {
    ...         "learning_rate": [0.1, 0.1, 0.9, 0.9],
    ...         "init_id": [0, 1, 0, 1],
    ...         "status": ["converged", "finished", "finished", "diverged"],
    ...         "ssr_final": [0.01, 0.3, 0.2, 1e12],
    ...     }
    ... )
    >>> table = combinations(runs, ["learning_rate", "init_id"])
    >>> table[["learning_rate", "runs", "converged", "median"]]
       learning_rate  runs  converged  median
    0            0.1     2        0.5   0.155
    1            0.9     2        0.0     inf
    """
    names = [axes] if isinstance(axes, str) else axes
    return ranked(_cells(runs, [name for name in names if name not in SEEDS]))


def start_ranks(runs: pd.DataFrame) -> "pd.Series[int]":
    """Return the rank of each run's start, from 0, with starts ordered as `combinations` are.

    Parameters
    ----------
    runs : DataFrame
        As for `combinations`, with init_id.
    """
    starts = ranked(_cells(runs, ["init_id"]))["init_id"]
    rank: pd.Series[int] = runs["init_id"].map(pd.Series(starts.index, index=starts))
    return rank


def _cells(runs: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return `cell_table` of the runs that agree on some axes, in the order of the grid."""
    codes: NDArray[np.int64] = np.zeros(len(runs), dtype=np.int64)
    points = pd.DataFrame(index=range(min(len(runs), 1)))
    if names:
        runs = runs.sort_values("run_id") if "run_id" in runs else runs
        # In the order of the grid; NaN is the value of a run that has no such setting.
        groups = runs.groupby(names, observed=True, sort=False, dropna=False)
        codes = groups.ngroup().to_numpy().astype(np.int64)
        points = groups.size().index.to_frame(index=False)
    counts = np.zeros((len(points), len(ENDINGS)), dtype=np.int64)
    np.add.at(counts, (codes, ending_codes(runs)), 1)
    return cell_table(points, counts, medians(codes, final_losses(runs), len(points)))


def cell_table(
    points: pd.DataFrame, counts: NDArray[np.int64], medians: NDArray[np.float64]
) -> pd.DataFrame:
    """Return shares and medians of the runs of some cells, in the order of the cells.

    Parameters
    ----------
    points : DataFrame
        Values of axes, one row per cell.
    counts : ndarray, shape (cells, 4)
        Runs by ending, in the order of `measures.ENDINGS`; no cell is empty.
    medians : ndarray, shape (3, cells)
        Medians and their intervals, from `medians`.

    Returns
    -------
    DataFrame
        The columns of `combinations`.
    """
    table = shares(pd.DataFrame(counts, index=points.index, columns=list(ENDINGS)))
    names = ("median", "median_low", "median_high")
    return points.join(table.assign(**dict(zip(names, medians, strict=True))))


def ranked(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `cell_table`, the best first."""
    order = np.lexsort((cells["median"], -cells["converged"]))
    return cells.iloc[order].reset_index(drop=True)


def decided_by(table: pd.DataFrame) -> str:
    """Return the column that decided which combination is best: converged or median."""
    return "converged" if table["converged"].iloc[0] > 0 else "median"


def rivals(table: pd.DataFrame) -> pd.DataFrame:
    """Return the combinations whose intervals overlap that of the best one.

    The intervals are those of the shares converged, or of the medians if no run converged.

    Parameters
    ----------
    table : DataFrame
        The table of `combinations`.
    """
    best, others = table.iloc[0], table.iloc[1:]
    by_share = decided_by(table) == "converged"
    overlap: pd.DataFrame = others[
        others["converged_high"] >= best["converged_low"]
        if by_share
        else others["median_low"] <= best["median_high"]
    ]
    return overlap


def best_runs(runs: pd.DataFrame, count: int | None = None) -> pd.DataFrame:
    """Return runs, the best first.

    Parameters
    ----------
    runs : DataFrame
        With run_id, status, epochs, and `loss_final` or `ssr_final`.
    count : int, optional
        The number of runs; all by default.

    Examples
    --------
    >>> status = ["finished", "converged", "diverged", "converged"]
    >>> runs = pd.DataFrame({"run_id": range(4), "status": status, "epochs": [50, 20, 3, 10]})
    >>> best_runs(runs.assign(ssr_final=[0.2, 0.1, 1e9, 0.1]))["run_id"].tolist()
    [3, 1, 0, 2]
    """
    rank, epochs, loss = RANKS[ending_codes(runs)], runs["epochs"].to_numpy(), final_losses(runs)
    first = np.where(rank == 0, epochs, np.where(rank == 1, loss, -epochs))
    rows = np.arange(len(runs))
    if count is not None and count < len(runs):
        rows = _candidates(rank, first, count)
    order = np.lexsort((runs["run_id"].to_numpy()[rows], loss[rows], first[rows], rank[rows]))
    return runs.iloc[rows[order][:count]]


def _candidates(
    rank: NDArray[np.int8], first: NDArray[np.float64], count: int
) -> NDArray[np.int64]:
    """Return the rows that may be among the best, to avoid sorting millions of runs."""
    last = int(np.searchsorted(np.cumsum(np.bincount(rank, minlength=3)), count))
    keys = np.where(rank < last, -np.inf, np.where(rank == last, first, np.inf))
    return np.flatnonzero((rank <= last) & (keys <= np.partition(keys, count - 1)[count - 1]))


def best_of(batches: Iterable[pd.DataFrame], count: int) -> pd.DataFrame:
    """Return the best rows of a table in batches; see `best_runs`.

    Raises
    ------
    ValueError
        There are no batches.
    """
    best: list[pd.DataFrame] = []
    for batch in batches:
        best = [best_runs(pd.concat([*best, best_runs(batch, count)]), count)]
    if not best:
        raise ValueError("no runs to choose from")
    return best[0]


def medians(
    codes: NDArray[np.int64], values: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """Return the median of the values of each cell, and its 95 % interval.

    Parameters
    ----------
    codes : ndarray, shape (runs,)
        The cell of each run.
    values : ndarray, shape (runs,)
        The values, without NaN.
    size : int
        Number of cells.

    Returns
    -------
    ndarray, shape (3, size)
        Median, low and high of each cell; NaN if the cell is empty.
    """
    # Integers of 16 bits or fewer are sorted by counting.
    narrow = codes.astype(np.min_scalar_type(max(size - 1, 0)))
    order = np.argsort(values)
    ordered = values[order[np.argsort(narrow[order], kind="stable")]]
    counts = np.bincount(codes, minlength=size)
    first = np.cumsum(counts) - counts
    full = counts > 0
    found = np.full((3, size), np.nan)
    low, high = (ordered[(first + (counts - odd) // 2)[full]] for odd in (1, 0))
    found[0, full] = np.where(low == high, low, (low + high) / 2)
    lengths, index = np.unique(counts[full], return_inverse=True)
    outside = np.array([ranks_outside(int(length)) for length in lengths], dtype=np.int64)[index]
    bounded, last = outside > 0, (first + counts - 1)[full]
    at_low, at_high = first[full] + outside - 1, last - outside + 1
    found[1, full] = np.where(bounded, ordered[np.maximum(at_low, 0)], -np.inf)
    found[2, full] = np.where(bounded, ordered[np.minimum(at_high, last)], np.inf)
    return found


def ranks_outside(count: int) -> int:
    """Return k such that the k-th least and the k-th greatest of `count` values bound the median.

    The number of independent values below the median is binomial: k is the largest for which
    P(number < k) is at most 2.5 %, or 0.

    >>> [ranks_outside(count) for count in (5, 6, 10, 100)]  # as in Conover 1999, table A3
    [0, 1, 2, 40]
    """
    below = np.arange(count // 2)
    logs = np.cumsum(np.log((count - below) / (below + 1.0))) - count * np.log(2.0)
    tail = np.cumsum(np.exp(np.concatenate([[-count * np.log(2.0)], logs])))
    return int(np.searchsorted(tail, (1 - CONFIDENCE) / 2, side="right"))
