"""The loss over the epochs at some values of each axis, beside one another.

The other axes have the values of the best run, and the lines are medians over the starts.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis import measures
from harness.analysis.ranking import SEEDS, trained_loss
from harness.analysis.sums import divide_sums
from harness.report.ordered_axes import OrderedAxis
from harness.report.packing import rounded
from harness.report.trajectories import thinned
from harness.results.tables import Results
from harness.training.evaluation import HELD_OUT

MOST_AXES, MOST_VALUES, MOST_STARTS = 4, 6, 200
_EPOCHS = 100
_SHARES = (0.25, 0.5, 0.75)


def settings(
    results: Results, axes: Sequence[OrderedAxis], best_run: int
) -> list[dict[str, Any]] | None:
    """Return the lines of each axis for the page; None if there are none to draw.

    Parameters
    ----------
    results : Results
        The sweep.
    axes : sequence of OrderedAxis
        The ordered axes of its grid.
    best_run : int
        The run whose values the other axes have.

    Returns
    -------
    list of dict
        For each of up to `MOST_AXES` axes: its number in `axes`; and for up to `MOST_VALUES`
        evenly spread values, that of the best run among them, the label, the numbers of runs and of
        those that diverged, and the lines by name: `training`, and `held out` if the loss of
        held-out data was recorded, each with epochs, median and quartiles of the loss of the runs
        that did not diverge.
    """
    loss = trained_loss(results.run_columns).removesuffix("_final")
    known = results.reader.columns("trajectories")
    columns = [name for name in (loss, f"{HELD_OUT}{loss}") if name in known]
    chosen = [
        (number, axis)
        for number, axis in enumerate(axes)
        if not set(axis.factor.names) & set(SEEDS)
    ][:MOST_AXES]
    ids = {number: _runs_at(results, axis, best_run) for number, axis in chosen}
    read = sorted({run for found in ids.values() for runs in found.values() for run in runs})
    if not read:
        return None
    table = results.read_trajectories(read, ["run_id", "epoch", *columns])
    if table.empty:
        return None
    if len(columns) > 1:
        divide_sums(results.experiment, table, loss)
    status = results.read_runs(["run_id", "status"], read).set_index("run_id")["status"]
    if (status == "diverged").all():
        return None
    return [
        {
            "axis": number,
            "values": [
                _value(axis, rank, runs, status, table, columns)
                for rank, runs in ids[number].items()
            ],
        }
        for number, axis in chosen
    ]


def _runs_at(results: Results, axis: OrderedAxis, best_run: int) -> dict[int, list[int]]:
    """Return the runs at some ranks of an axis, with all its starts or `MOST_STARTS` of them."""
    grid = results.grid
    best = [at.item() for at in grid.coordinates(np.array([best_run]))]
    lengths = [
        dimension[0].values.count if all(one.name in SEEDS for one in dimension) else 1
        for dimension in grid.dimensions
    ]
    starts = np.arange(min(int(np.prod(lengths)), MOST_STARTS))
    along = np.unravel_index(starts, lengths)
    at = [
        one if length > 1 else np.full(starts.size, mine)
        for one, length, mine in zip(along, lengths, best, strict=True)
    ]
    found = {}
    for rank in _spread(axis, best[axis.factor.dimension]):
        index = axis.factor.indices(np.array([rank])).item()
        at[axis.factor.dimension] = np.full(starts.size, index)
        found[rank] = grid.run_ids(tuple(at)).tolist()
    return found


def _spread(axis: OrderedAxis, best: int) -> list[int]:
    """Return up to `MOST_VALUES` ranks, evenly spread, with that of the best run."""
    ranks = np.linspace(0, axis.count - 1, min(axis.count, MOST_VALUES)).round().astype(int)
    mine = axis.factor.ranks(np.array([best])).item()
    ranks[np.abs(ranks - mine).argmin()] = mine
    return sorted(set(ranks.tolist()))


def _value(
    axis: OrderedAxis,
    rank: int,
    run_ids: list[int],
    status: "pd.Series[Any]",
    table: pd.DataFrame,
    columns: Sequence[str],
) -> dict[str, Any]:
    """Return the lines of one value of an axis."""
    trained = status.reindex(run_ids).dropna()
    kept = trained[trained != "diverged"]
    runs = pd.DataFrame({"run_id": kept.index, "status": kept.astype(str).to_numpy()})
    ours = table[table["run_id"].isin(kept.index)]
    lines = {}
    for name, column in zip(("training", "held out"), columns, strict=False):
        if runs.empty:
            break
        made = measures.bands(ours, runs, _SHARES, column)
        made = thinned(made.assign(run_id=0), _EPOCHS)
        low, median, high = (rounded(made[str(share)], 5) for share in _SHARES)
        epoch = made["epoch"].to_numpy()
        lines[name] = {"epoch": epoch, "low": low, "median": median, "high": high}
    return {
        "label": axis.labels(axis.count)[rank],
        "runs": len(trained),
        "diverged": len(trained) - len(kept),
        "lines": lines,
    }
