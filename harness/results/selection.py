"""Rows and columns of a results folder that are wanted, chunk by chunk."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from harness.errors import ResultsError, shown
from harness.hints import nearest, suggest
from harness.results.tables import Results
from harness.results.where import Condition, all_of, parse_condition, wanted_values
from harness.store import TABLES, Reader, Store

_RUNS_AT_ONCE = 1 << 20
_BYTES_AT_ONCE = 1 << 24


class Missed(NamedTuple):
    """A number that was asked for in a column that does not have it, and the nearest one there."""

    column: str
    wanted: float
    nearest: float


class Selection:
    """The rows and columns of a table that are wanted.

    Parameters
    ----------
    results : Results
        The results folder.
    table, columns, runs, where
        As of `harness.results.export.export`.

    Attributes
    ----------
    schema : pyarrow.Schema
        Of the rows that come.

    Raises
    ------
    HarnessError
        One of them names what is not there, or cannot be read.
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
                f"--table = {shown(table)} is no table of {store.folder}.\n"
                f"{nearest(table, TABLES) or f'It is {TABLES[0]} or {TABLES[1]}.'}"
            )
        self._table = table
        self._reader = results.reader
        self._ranges = None if runs is None else _parsed_runs(runs, store)
        own = _types(self._reader, table)
        # A run has one row there. What has the same name in both is that of the table itself.
        lent = {} if table == "runs" else _types(self._reader, "runs")
        types = {**lent, **own}
        wanted = list(own) if columns is None else _checked_columns(columns, types, store)
        self.schema = pa.schema([pa.field(name, types[name], nullable=False) for name in wanted])

        conditions = parse_condition(where, types) if where is not None else []
        self._wanted = wanted_values(where) if where is not None else []
        self._own = own
        self._here, self._of_runs, self._of_both = _sorted_out(conditions, own, lent)
        # Columns that have to be there to decide on a row, and to write it.
        needed = {"run_id", *wanted, *(name for c in self._of_both for name in c.columns)}
        self._columns = [name for name in own if name in needed]
        self._lent = [name for name in lent if name in needed and name not in own]

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows, ordered by run_id, a chunk of the sweep at a time at most."""
        condition = all_of(self._here)
        for run_ids in self._run_ids():
            if not (self._lent or self._of_runs):
                for rows in self._reader.batches(
                    self._table, self._columns, run_ids=run_ids, condition=condition
                ):
                    yield self._ordered(rows)
                continue
            found = self._reader.batches(
                "runs",
                ["run_id", *self._lent],
                run_ids=run_ids,
                condition=all_of(self._of_runs),
            )
            for runs in gathered(found):
                yield from self._beside(runs.combine_chunks(), condition)

    def missed(self) -> Iterator[Missed]:
        """Yield the numbers that the condition asks for and no run or row has, with the nearest."""
        for name, value in self._wanted:
            table = self._table if name in self._own else "runs"
            nearest = math.nan
            for rows in self._reader.batches(table, [name]):
                here = rows[name].to_numpy()
                here = here[np.isfinite(here)]
                if here.size:
                    best = here[np.abs(here - value).argmin()].item()
                    if not abs(nearest - value) <= abs(best - value):
                        nearest = best
            if nearest != value and not math.isnan(nearest):
                yield Missed(name, value, nearest)

    def _beside(self, runs: pa.Table, condition: Any) -> Iterator[pa.Table]:
        """Yield the rows of some runs, with the columns that the runs lend them."""
        run_ids = runs["run_id"].to_numpy()
        both = all_of(self._of_both)
        for rows in self._reader.batches(
            self._table, self._columns, run_ids=run_ids, condition=condition
        ):
            if self._lent:
                places = pa.array(np.searchsorted(run_ids, rows["run_id"].to_numpy()))
                for name in self._lent:
                    rows = rows.append_column(name, runs[name].take(places))
            yield self._ordered(rows if both is None else rows.filter(both))

    def _ordered(self, rows: pa.Table) -> pa.Table:
        return pa.table([rows[name] for name in self.schema.names], schema=self.schema)

    def _run_ids(self) -> Iterator[NDArray[np.int64] | None]:
        """Yield the runs that are wanted, not too many at a time; None for all."""
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


def _types(reader: Reader, table: str) -> dict[str, Any]:
    """Return the type of each column of a table."""
    reader.columns(table)  # says so where no chunk is there yet
    rows = next(reader.batches(table, condition=pc.scalar(False)))
    return {field.name: field.type for field in rows.schema}


def _sorted_out(
    conditions: Iterable[Condition], own: Mapping[str, Any], lent: Mapping[str, Any]
) -> tuple[list[Condition], list[Condition], list[Condition]]:
    """Return the conditions on columns of the table, on those of its runs, and on both."""
    here, of_runs, of_both = [], [], []
    for condition in conditions:
        names = condition.columns
        if names <= set(own):
            here.append(condition)
        elif names - {"run_id"} <= set(lent) - set(own):
            of_runs.append(condition)
        else:
            of_both.append(condition)
    return here, of_runs, of_both


def gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield tables together where they are small; those without rows are left out."""
    waiting: list[pa.Table] = []
    size = 0
    for rows in tables:
        if not rows.num_rows:
            continue
        waiting.append(rows)
        size += rows.nbytes
        if size >= _BYTES_AT_ONCE:
            yield pa.concat_tables(waiting)
            waiting, size = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


def _checked_columns(names: Sequence[str], types: Mapping[str, Any], store: Store) -> list[str]:
    for name in names:
        if name not in types:
            raise ResultsError(
                f"--columns names {shown(name)}, which is no column of {store.folder}.\n"
                f"{suggest(name, types) or f'Columns are {shown(list(types))}.'}"
            )
        if names.count(name) > 1:
            raise ResultsError(f"--columns names {shown(name)} twice.\nName every column once.")
    if not names:
        raise ResultsError("--columns names no column.\nLeave it out for all of them.")
    return list(names)


def _parsed_runs(text: str, store: Store) -> list[range]:
    """Return runs such as ``0,5,100-199`` as ranges, ascending and apart from each other."""
    runs = store.manifest.runs
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,18})\s*(?:-\s*([0-9]{1,18})\s*)?", part)
        if match is None:
            raise ResultsError(
                f"--runs has {shown(part)}, which is neither a run nor a range of runs.\n"
                "For example: --runs 0,5,100-199"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise ResultsError(
                f"--runs has {shown(part)}, which ends before it begins.\n"
                f"Write {last}-{first}; rows are ordered by run_id in any case."
            )
        if last >= runs:
            raise ResultsError(
                f"--runs has {shown(part)}, and {last} is no run of {store.folder}.\n"
                f"Runs are 0 to {runs - 1}."
            )
        found.append(range(first, last + 1))
    apart: list[range] = []
    for here in sorted(found, key=lambda runs: runs.start):
        if apart and here.start <= apart[-1].stop:
            apart[-1] = range(apart[-1].start, max(apart[-1].stop, here.stop))
        else:
            apart.append(here)
    return apart
