"""Trajectories for the page: some runs of every cell, and quantiles over a larger sample."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis import measures
from harness.analysis.sampling import scattered
from harness.report.heat_maps import View
from harness.report.ordered_axes import OrderedAxis
from harness.report.packing import packed, packed_logs
from harness.report.summary import Gathered
from harness.results.tables import Results

# Runs whose trajectories are in the page, those of one cell, and recorded epochs of all together.
MOST_RUNS = 4_000
RUNS_A_CELL = 12
MOST_POINTS = 150_000

# The bands are quantiles over so many runs at most, and fewer where each is long.
_BAND_RUNS = 4_000
_BAND_ROWS = 4_000_000
_BAND_EPOCHS = 400
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


def choose(
    found: Gathered,
    shown: Sequence[View],
    axes: Sequence[OrderedAxis],
    places: Sequence[NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Return rows of `found.runs`: of every cell of every heat map a few, as far as they go."""
    ids = found.runs["run_id"].to_numpy()
    order = np.argsort(scattered(ids), kind="stable")
    best = np.flatnonzero(np.isin(ids, found.best["run_id"].to_numpy()[:RUNS_A_CELL]))
    chosen = np.zeros(ids.size, dtype=bool)
    chosen[best] = True
    for view in shown:
        code = np.zeros(ids.size, dtype=np.int64)
        for number, bins in list(zip(view.axes, view.bins, strict=True))[: view.across]:
            code = code * bins + axes[number].bins(places[number], bins)
        room = MOST_RUNS - int(chosen.sum())
        each = min(RUNS_A_CELL, max(1, room // np.unique(code).size))
        nth = pd.Series(code[order]).groupby(code[order]).cumcount().to_numpy()
        chosen[order[nth < each][:room]] = True
    if not shown:
        chosen[order[:RUNS_A_CELL]] = True
    return np.flatnonzero(chosen)


def trajectories(
    results: Results,
    found: Gathered,
    rows: NDArray[np.int64],
    axes: Sequence[OrderedAxis],
    places: Sequence[NDArray[np.int64]],
) -> dict[str, Any] | None:
    """Return the chosen runs and their trajectories for the page; None where none was recorded."""
    runs = found.runs.iloc[rows]
    table = results.trajectories(runs["run_id"].to_numpy(), ["run_id", "epoch", "ssr"])
    if table.empty:
        return None
    kept = thinned(table, max(2, MOST_POINTS // len(runs)))
    lengths = kept.groupby("run_id").size().reindex(runs["run_id"], fill_value=0)
    return {
        "run_id": runs["run_id"].to_numpy(),
        "init_id": runs["init_id"].to_numpy(),
        "status": runs["status"].cat.codes.to_numpy(),
        "epochs": runs["epochs"].to_numpy(),
        "ssr_final": [float(f"{value:.6g}") for value in runs["ssr_final"]],
        "places": [places[number][rows] for number in range(len(axes))],
        "lengths": lengths.to_numpy(),
        "epoch": packed(kept["epoch"], "<u4"),
        "ssr": packed_logs(kept["ssr"]),
        "thinned": len(kept) < len(table),
    }


def thinned(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return of each run at most so many of its recorded epochs, the first and the last always.

    They are denser at the beginning, where most happens.

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


def bands(results: Results, found: Gathered) -> dict[str, Any] | None:
    """Return quantiles of the SSR over a sample of all runs; None where none was recorded."""
    longest = max(results.experiment.recorded_epochs.size, 1)
    most = max(200, min(_BAND_RUNS, _BAND_ROWS // longest))
    ids = found.runs["run_id"].to_numpy()
    runs = found.runs.iloc[np.sort(np.argsort(scattered(ids), kind="stable")[:most])]
    table = results.trajectories(runs["run_id"].to_numpy(), ["run_id", "epoch", "ssr"])
    if table.empty or len(runs) < 2:
        return None
    made = measures.bands(table, runs, SHARES)
    made = thinned(made.assign(run_id=0), _BAND_EPOCHS)
    columns = {name: _digits(made[name]) for name in map(str, SHARES)}
    return {"runs": len(runs), "all": found.there, "epoch": made["epoch"].to_numpy(), **columns}


def _digits(values: Any) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
