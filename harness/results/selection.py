"""Selected rows and columns of a table in a results folder, chunk by chunk."""

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from harness.errors import ResultsError, shown
from harness.hints import nearest, suggest
from harness.results.tables import Results
from harness.results.where import Missed, parse_condition
from harness.store import TABLES, Store
from harness.store.reader import gathered

_RUNS_AT_ONCE = 1 << 20


class Selection:
    """A selection of rows and columns of a table.

    Parameters
    ----------
    results : Results
        The results folder.
    table, columns, runs, where
        As for `harness.results.export.export`.

    Attributes
    ----------
    schema : pyarrow.Schema
        Names and types of the selected columns.

    Raises
    ------
    HarnessError
        One of the arguments names a table, column or run that does not exist, or cannot be read.
    """

    def __init__(
        self,
        results: Results,
        table: str,
        columns: Sequence[str] | None,
        runs: str | None,
        where: str | None,
    ) -> None:
        store = results.store
        if table not in TABLES:
            raise ResultsError(
                f"--table = {shown(table)} must be {TABLES[0]} or {TABLES[1]}.\n"
                f"{nearest(table, TABLES) or 'Leave it out for runs.'}"
            )
        self._table = table
        self._reader = results.reader
        self._ranges = None if runs is None else parse_runs(runs, store)
        own = self._reader.schema(table)
        # A column that both tables have is that of the table itself.
        more = [field for field in self._reader.schema("runs") if field.name not in own.names]
        known = pa.schema([*own, *more])
        names = own.names if columns is None else _checked_columns(columns, known.names, store)
        self.schema = pa.schema([known.field(name).with_nullable(False) for name in names])

        self._condition = None if where is None else parse_condition(where, known.names)
        named: frozenset[str] = frozenset()
        if self._condition:
            self._condition.filter(known.empty_table())  # an error is raised before any output
            named = self._condition.columns
        needed = {"run_id", *names, *named}
        self._columns = [name for name in own.names if name in needed]
        self._lent = [field.name for field in more if field.name in needed]
        # A condition on columns of runs selects runs first, so that only their rows are read.
        self._selects_runs = bool(self._lent) and named <= {"run_id", *self._lent}

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows, ordered by run_id; no table is larger than a chunk of the sweep."""
        for run_ids in self._run_ids():
            if not self._lent:
                batches = self._reader.batches(self._table, self._columns, run_ids=run_ids)
                yield from map(self._chosen, batches)
                continue
            found = self._reader.batches("runs", ["run_id", *self._lent], run_ids=run_ids)
            if self._condition and self._selects_runs:
                found = map(self._condition.filter, found)
            for runs in gathered(found):
                yield from self._beside(runs.combine_chunks())

    def _beside(self, runs: pa.Table) -> Iterator[pa.Table]:
        """Yield the rows of some runs, with the columns of `runs` added to them."""
        run_ids = runs["run_id"].to_numpy()
        for rows in self._reader.batches(self._table, self._columns, run_ids=run_ids):
            positions = pa.array(np.searchsorted(run_ids, rows["run_id"].to_numpy()))
            for name in self._lent:
                rows = rows.append_column(name, runs[name].take(positions))
            yield self._chosen(rows)

    def _chosen(self, rows: pa.Table) -> pa.Table:
        if self._condition and not self._selects_runs:
            rows = self._condition.filter(rows)
        return pa.table([rows[name] for name in self.schema.names], schema=self.schema)

    def missed(self) -> Iterator[Missed]:
        """Yield the numbers that the condition asks for by ``==`` and no row has."""
        if self._condition:
            yield from self._condition.missed(
                lambda name: self._reader.batches(
                    self._table if name in self._columns else "runs", [name]
                )
            )

    def _run_ids(self) -> Iterator[NDArray[np.int64] | None]:
        """Yield the selected runs, about `_RUNS_AT_ONCE` at a time; None for all runs."""
        if self._ranges is None:
            yield None
            return
        parts: list[NDArray[np.int64]] = []
        count = 0
        for runs in self._ranges:
            for first in range(runs.start, runs.stop, _RUNS_AT_ONCE):
                parts.append(np.arange(first, min(first + _RUNS_AT_ONCE, runs.stop)))
                count += parts[-1].size
                if count >= _RUNS_AT_ONCE:
                    yield np.concatenate(parts)
                    parts, count = [], 0
        if parts:
            yield np.concatenate(parts)


def _checked_columns(names: Sequence[str], known: Sequence[str], store: Store) -> list[str]:
    for name in names:
        if name not in known:
            raise ResultsError(
                f"--columns names {shown(name)}, but {store.folder} has no such column.\n"
                f"{suggest(name, known) or f'Columns are {shown(list(known))}.'}"
            )
        if names.count(name) > 1:
            raise ResultsError(f"--columns names {shown(name)} twice.\nName every column once.")
    if not names:
        raise ResultsError("--columns is empty.\nLeave it out for all columns.")
    return list(names)


def parse_runs(text: str, store: Store, option: str = "--runs") -> list[range]:
    """Return runs such as ``0,5,100-199`` as ranges, ascending and without overlaps."""
    runs = store.manifest.runs
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,18})\s*(?:-\s*([0-9]{1,18})\s*)?", part)
        if match is None:
            raise ResultsError(
                f"{option} has {shown(part)}, which is neither a run nor a range of runs.\n"
                f"For example: {option} 0,5,100-199"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise ResultsError(
                f"{option} has {shown(part)}, which ends before it begins.\n"
                f"Write {last}-{first}; rows are always ordered by run_id."
            )
        if last >= runs:
            raise ResultsError(
                f"{option} has {shown(part)}, but {store.folder} has no run {last}.\n"
                f"Its runs are 0 to {runs - 1}."
            )
        found.append(range(first, last + 1))
    apart: list[range] = []
    for here in sorted(found, key=lambda runs: runs.start):
        if apart and here.start <= apart[-1].stop:
            apart[-1] = range(apart[-1].start, max(apart[-1].stop, here.stop))
        else:
            apart.append(here)
    return apart
