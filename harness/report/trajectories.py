"""Trajectories for the page: some runs of every cell, and quantiles over a larger sample."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis import measures
from harness.analysis.ranking import trained_loss
from harness.analysis.sampling import scattered
from harness.report.heat_maps import View
from harness.report.ordered_axes import OrderedAxis, Ranks
from harness.report.packing import packed, packed_logs, rounded
from harness.report.summary import Summary
from harness.results.tables import Results

# Lines in the page: runs in all, runs per cell, and recorded epochs in all.
MOST_RUNS = 4_000
RUNS_PER_CELL = 12
MOST_POINTS = 100_000

# Runs that quantiles are taken of: fewer, but not fewer than `_FEWEST`, if trajectories are long.
_SAMPLE = 4_000
_SAMPLE_ROWS = 4_000_000
_FEWEST = 200
_BAND_EPOCHS = 400
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


def choose(
    found: Summary, views: Sequence[View], axes: Sequence[OrderedAxis], ranks: Sequence[Ranks]
) -> NDArray[np.int64]:
    """Return the rows of `found.runs` to draw as lines: some of every cell of every heat map."""
    ids = found.runs["run_id"].to_numpy()
    order = np.argsort(scattered(ids), kind="stable")
    chosen = np.isin(ids, found.best["run_id"].to_numpy()[:RUNS_PER_CELL])
    for view in views:
        code = np.zeros(ids.size, dtype=np.int64)
        for number, bins in list(zip(view.axes, view.bins, strict=True))[: view.across]:
            code = code * bins + axes[number].bins(ranks[number], bins)
        room = MOST_RUNS - int(chosen.sum())
        each = min(RUNS_PER_CELL, max(1, room // np.unique(code).size))
        nth = pd.Series(code[order]).groupby(code[order]).cumcount().to_numpy()
        chosen[order[nth < each][:room]] = True
    if not views:
        chosen[order[:RUNS_PER_CELL]] = True
    return np.flatnonzero(chosen)


def draw_sample(results: Results, found: Summary) -> NDArray[np.int64]:
    """Return the rows of `found.runs` to take quantiles of, spread evenly over the grid."""
    longest = max(results.experiment.recorded_epochs.size, 1)
    most = max(_FEWEST, min(_SAMPLE, _SAMPLE_ROWS // longest))
    return np.sort(np.argsort(scattered(found.runs["run_id"]), kind="stable")[:most])


def lines(runs: pd.DataFrame, ranks: Sequence[Ranks], table: pd.DataFrame) -> dict[str, Any] | None:
    """Return some runs and their trajectories for the page; None if none were recorded.

    Parameters
    ----------
    runs : DataFrame
        The runs to draw, as in `Summary.runs`.
    ranks : sequence of ndarray
        Their ranks along each ordered axis.
    table : DataFrame
        Trajectories of these and possibly other runs: run_id, epoch, loss.
    """
    if table.empty:
        return None
    ours = table[table["run_id"].isin(runs["run_id"])]
    kept = thinned(ours, max(2, MOST_POINTS // len(runs)))
    lengths = kept.groupby("run_id").size().reindex(runs["run_id"], fill_value=0)
    return {
        "run_id": runs["run_id"].to_numpy(),
        "init_id": runs["init_id"].to_numpy(),
        "status": runs["status"].cat.codes.to_numpy(),
        "epochs": runs["epochs"].to_numpy(),
        "loss_final": rounded(runs[trained_loss(runs.columns)], 6),
        "ranks": list(ranks),
        "lengths": lengths.to_numpy(),
        "epoch": packed(kept["epoch"], "<u4"),
        "loss": packed_logs(kept["loss"]),
        "thinned": len(kept) < len(ours),
    }


def thinned(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most `most` of the recorded epochs of each run, its first and last among them.

    They are denser in the beginning, where most happens.

    Examples
    --------
    >>> table = pd.DataFrame({"run_id": [0] * 9 + [1] * 2, "epoch": [*range(9), 0, 5]})
    >>> thinned(table, 4)["epoch"].tolist()
    [0, 1, 4, 8, 0, 5]
    """
    runs = table.groupby("run_id")["epoch"]
    nth, last = runs.cumcount().to_numpy(), runs.transform("size").to_numpy() - 1

    def mark(position: Any) -> Any:
        return np.floor(np.sqrt(np.maximum(position, 0) / np.maximum(last, 1)) * (most - 1))

    kept: pd.DataFrame = table.loc[(last < most) | (nth == 0) | (mark(nth) > mark(nth - 1))]
    return kept


def bands(found: Summary, sample: pd.DataFrame, table: pd.DataFrame) -> dict[str, Any] | None:
    """Return quantiles of the loss over a sample of runs; None if no trajectories were recorded.

    Parameters
    ----------
    found : Summary
        The summary.
    sample : DataFrame
        Runs, as in `Summary.runs`.
    table : DataFrame
        Trajectories of these and possibly other runs: run_id, epoch, loss.
    """
    if table.empty or len(sample) < 2:
        return None
    ours = table[table["run_id"].isin(sample["run_id"])]
    made = measures.bands(ours, sample, SHARES, "loss")
    made = thinned(made.assign(run_id=0), _BAND_EPOCHS)
    columns = {name: rounded(made[name], 5) for name in map(str, SHARES)}
    return {"runs": len(sample), "all": found.trained, "epoch": made["epoch"].to_numpy(), **columns}
