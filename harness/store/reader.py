"""Tables read from a results folder: what was committed, byte for byte, or an error."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from harness.errors import ResultsError
from harness.store.commits import Commit, FileRecord
from harness.store.encoding import from_parquet
from harness.store.folder import Store, reason
from harness.store.parts import Columns, check_part, most_bytes


class Reader:
    """Reads the tables of a results folder.

    The first time a file is read its SHA-256 is compared with that of the commit, and its columns
    and run ids with those that it must have; later only the parts that are wanted are read.

    Parameters
    ----------
    store : Store
        The folder. Chunks that are committed later are seen too.
    columns : mapping, optional
        The columns of each table, as the experiment has them. If left out, those of all chunks of a
        table have to be the same.
    """

    def __init__(self, store: Store, columns: Mapping[str, Columns] | None = None) -> None:
        self.store = store
        self._columns = columns
        self._schemas: dict[str, pa.Schema] = {}
        self._whole: set[tuple[str, FileRecord]] = set()  # seen to be right

    def rows(self, table: str) -> int:
        """Return the number of rows of a table."""
        return sum(
            self._part(table, chunk, commit)[1].rows
            for chunk, commit in self.store.commits().items()
        )

    def schema(self, table: str) -> pa.Schema:
        """Return the names and types of the columns of a table."""
        for chunk, commit in self.store.commits().items():
            with self._opened(table, chunk, commit) as source:
                return pyarrow.parquet.read_schema(source)
        raise self._empty()

    def columns(self, table: str) -> list[str]:
        """Return the names of the columns of a table."""
        names: list[str] = self.schema(table).names
        return names

    def batches(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        *,
        run_ids: Any = None,
    ) -> Iterator[pa.Table]:
        """Yield a table chunk by chunk, ordered by run_id.

        Parameters
        ----------
        table : str
            One of TABLES.
        columns : sequence of str, optional
            The columns that are wanted; only these are decoded.
        run_ids : array of int, optional
            The runs that are wanted; only chunks that have some are read.
        """
        among = chunk_of = None
        if run_ids is not None:
            run_ids = np.unique(np.asarray(run_ids, dtype=np.int64))
            chunk_of = run_ids // self.store.manifest.chunk_size
        for chunk, commit in self.store.commits().items():
            if chunk_of is not None:
                here = run_ids[chunk_of == chunk]
                if not here.size:
                    continue
                among = pc.field("run_id").isin(pa.array(here))
            with self._opened(table, chunk, commit) as source:
                rows = from_parquet(source, columns, among)
            yield rows

    def read(
        self, table: str, columns: Sequence[str] | None = None, run_ids: Any = None
    ) -> pa.Table:
        """Return a table, or some columns or the rows of some runs of it, ordered by run_id."""
        parts = list(self.batches(table, columns, run_ids=run_ids))
        if not parts:  # an empty table has columns too
            parts = [rows.slice(0, 0) for rows in self.batches(table, columns)]
        if not parts:
            raise self._empty()
        return pa.concat_tables(parts)

    @contextmanager
    def _opened(self, table: str, chunk: int, commit: Commit) -> Iterator[Any]:
        """Open the part of a table whose bytes are what was committed."""
        name, record = self._part(table, chunk, commit)
        try:
            if (name, record) in self._whole:
                with self.store.files.open(name) as file:
                    yield file
                return
            source = pa.BufferReader(read_part(self.store, table, chunk, commit, self._columns))
            if self._columns is None:
                schema = pyarrow.parquet.read_schema(source)
                if schema != self._schemas.setdefault(table, schema):
                    raise ValueError("has other columns than the other parts")
                source.seek(0)
            self._whole.add((name, record))
            yield source
        except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
            raise self.store.broken(name, reason(error)) from error

    def _part(self, table: str, chunk: int, commit: Commit) -> tuple[str, FileRecord]:
        """Return name and record of the part of a table."""
        name = self.store.name_of_part(table, chunk)
        return name, commit.files[name]

    def _empty(self) -> ResultsError:
        return ResultsError(
            f"{self.store.folder} has no finished chunk yet.\n`harness run FILE` goes on."
        )


def read_part(
    store: Store,
    table: str,
    chunk: int,
    commit: Commit,
    columns: Mapping[str, Columns] | None = None,
) -> bytes:
    """Return the bytes of a part, which are what was committed, and a part of this chunk.

    Parameters
    ----------
    store : Store
        The folder.
    table, chunk, commit
        Which part, and the commit of its chunk.
    columns : mapping, optional
        The columns of each table, if they are known.

    Raises
    ------
    OSError, ValueError, MemoryError, pa.ArrowException
        It is not there, or not as it should be.
    """
    name, runs = store.name_of_part(table, chunk), store.chunk_runs(chunk)
    record = commit.files[name]
    recorded = None if table == "runs" else store.manifest.recorded
    known = None if columns is None else columns[table]
    if record.size > most_bytes(record.rows, len(runs), recorded, known):
        raise ValueError(f"has {record.size:,} bytes, which are too many for {record.rows:,} rows")
    data = store.files.read(name, record.size)
    difference = record.difference(data)
    if difference:
        raise ValueError(difference)
    check_part(pa.BufferReader(data), record, runs, recorded, known)
    return data
