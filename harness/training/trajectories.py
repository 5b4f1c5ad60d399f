"""Recorded epochs of a block of runs as rows of a table, built piece by piece.

Pieces fit in a cache. Whole columns took 1.4 times as long to build and encode, and twice that
if several threads allocated such memory at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.kernels import descent
from harness.store.encoding import Columns

_ROWS_PER_PIECE = 1 << 16


class VariantRows(NamedTuple):
    """Results of the runs of one kernel call.

    `along` has further columns by name, computed from the parameters at the recorded epochs.
    """

    run_ids: NDArray[np.int64]  # (runs,) ascending
    recorded: NDArray[np.int64]  # epochs of the trajectory
    positions: Mapping[str, int]  # of the parameters in theta, by name
    rows: descent.Rows
    along: Mapping[str, NDArray[np.float64]]  # (runs, recorded)


class Trajectories:
    """Trajectories of a block of runs as columns, ordered by run_id, then epoch.

    Parameters
    ----------
    first, last : int
        Range of run ids; `last` is excluded.
    parts : sequence of VariantRows
        Results of all runs in the range; each run is in one part.
    names : sequence of str
        The columns: run_id, epoch, ssr, then loss, further columns and names of parameters as far
        as they are kept. A parameter that a network does not have is NaN.
    """

    def __init__(
        self, first: int, last: int, parts: Sequence[VariantRows], names: Sequence[str]
    ) -> None:
        self._runs = range(first, last)
        self._parts = parts
        self._names = names

    def __iter__(self) -> Iterator[Columns]:
        """Yield the rows in pieces; at least one, which may be empty."""
        most = max(part.recorded.size for part in self._parts)
        step = max(1, _ROWS_PER_PIECE // max(most, 1))
        for first in range(self._runs.start, max(self._runs.stop, self._runs.start + 1), step):
            yield self._piece(first, first + step)

    def columns(self) -> Columns:
        """Return all rows at once."""
        pieces = list(self)
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}

    def _piece(self, first: int, last: int) -> Columns:
        found = []
        for part in self._parts:
            here = slice(*np.searchsorted(part.run_ids, (first, last)).tolist())
            rows = descent.Rows._make(values[here] for values in part.rows)
            along = {name: values[here] for name, values in part.along.items()}
            piece = part._replace(run_ids=part.run_ids[here], rows=rows, along=along)
            found.append(_rows_of(piece, self._names))
        if len(found) == 1:
            return found[0]
        columns = {name: np.concatenate([piece[name] for piece in found]) for name in found[0]}
        order = np.argsort(columns["run_id"], kind="stable")
        return {name: values[order] for name, values in columns.items()}


def _rows_of(part: VariantRows, names: Sequence[str]) -> Columns:
    """Return the recorded epochs of some runs as columns, run by run."""
    run_ids, recorded, rows = part.run_ids, part.recorded, part.rows
    epochs = np.tile(recorded, (run_ids.size, 1))
    # The last row of a run is the epoch at which it ended, which may be early.
    ended = np.flatnonzero(rows.recorded)
    epochs[ended, rows.recorded[ended] - 1] = rows.epochs[ended]
    written = np.arange(recorded.size) < rows.recorded[:, np.newaxis]
    whole = bool(written.all())

    def flat(values: NDArray[Any]) -> NDArray[Any]:
        return values.reshape(-1) if whole else values[written]

    columns: Columns = {
        "run_id": np.repeat(run_ids, rows.recorded),
        "epoch": flat(epochs),
        "ssr": flat(rows.ssr_trajectory),
    }
    for name in names[len(columns) :]:
        if name == "loss":
            columns[name] = flat(rows.loss_trajectory)
        elif name in part.along:
            columns[name] = flat(part.along[name][:, : recorded.size])
        elif name in part.positions:
            columns[name] = flat(rows.theta_trajectory[:, :, part.positions[name]])
        else:
            columns[name] = np.full(columns["epoch"].size, np.nan)
    return columns
