"""Tables of a results folder: the committed bytes, checked, or an error."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from harness.errors import ResultsError
from harness.store.commits import ChunkCommit, FileRecord
from harness.store.encoding import from_parquet
from harness.store.folder import Store, reason
from harness.store.parts import ColumnKinds, check_part, max_part_bytes

_BYTES_AT_ONCE = 1 << 24


class Reader:
    """Reads the tables of a results folder.

    When a file is first read, its SHA-256 is compared with that of the commit, and its columns and
    run ids are checked. After that, only the columns and rows asked for are read.

    Parameters
    ----------
    store : Store
        The folder. Chunks that are committed later are seen too.
    columns : mapping, optional
        The columns of each table of the experiment. If left out, all chunks of a table must have
        the same columns.
    """

    def __init__(self, store: Store, columns: Mapping[str, ColumnKinds] | None = None) -> None:
        self.store = store
        self._columns = columns
        self._schemas: dict[str, pa.Schema] = {}
        self._whole: set[tuple[str, FileRecord]] = set()  # already checked

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
            Columns to read; only these are decoded.
        run_ids : array of int, optional
            Runs to read; only chunks that have some of them are read.
        """
        here = chunk_of = None
        if run_ids is not None:
            run_ids = np.unique(np.asarray(run_ids, dtype=np.int64))
            chunk_of = run_ids // self.store.manifest.chunk_size
        for chunk, commit in self.store.commits().items():
            if chunk_of is not None:
                here = run_ids[chunk_of == chunk]
                if not here.size:
                    continue
            with self._opened(table, chunk, commit) as source:
                rows = from_parquet(source, columns, here)
            yield rows

    def read(
        self, table: str, columns: Sequence[str] | None = None, run_ids: Any = None
    ) -> pa.Table:
        """Return a table, or some columns or runs of it, ordered by run_id."""
        parts = list(self.batches(table, columns, run_ids=run_ids))
        if not parts:  # an empty table has columns too
            parts = [rows.slice(0, 0) for rows in self.batches(table, columns)]
        if not parts:
            raise self._empty()
        return pa.concat_tables(parts)

    @contextmanager
    def _opened(self, table: str, chunk: int, commit: ChunkCommit) -> Iterator[Any]:
        """Open a part of a table, after checking it if it has not been read before."""
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
                    raise ValueError("does not have the columns of the other parts")
                source.seek(0)
            self._whole.add((name, record))
            yield source
        except (OSError, ValueError, KeyError, MemoryError, pa.ArrowException) as error:
            raise self.store.broken(name, reason(error)) from error

    def _part(self, table: str, chunk: int, commit: ChunkCommit) -> tuple[str, FileRecord]:
        """Return name and record of a part of a table."""
        name = self.store.name_of_part(table, chunk)
        return name, commit.files[name]

    def _empty(self) -> ResultsError:
        return ResultsError(
            f"{self.store.folder} has no finished chunk yet.\n`harness run FILE` trains more."
        )


def gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield tables with small ones concatenated and empty ones left out."""
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


def read_part(
    store: Store,
    table: str,
    chunk: int,
    commit: ChunkCommit,
    columns: Mapping[str, ColumnKinds] | None = None,
) -> bytes:
    """Return the content of a part, after checking it against its commit and its chunk.

    Parameters
    ----------
    store : Store
        The folder.
    table, chunk, commit
        Table and chunk of the part, and the commit of the chunk.
    columns : mapping, optional
        The columns of each table, if they are known.

    Raises
    ------
    OSError, ValueError, MemoryError, pa.ArrowException
        The part is missing or broken.
    """
    name, runs = store.name_of_part(table, chunk), store.chunk_runs(chunk)
    record = commit.files[name]
    recorded = None if table == "runs" else store.manifest.recorded
    known = None if columns is None else columns[table]
    if record.size > max_part_bytes(record.rows, len(runs), recorded, known):
        raise ValueError(f"has {record.size:,} bytes, too many for {record.rows:,} rows")
    data = store.files.read(name, record.size)
    difference = record.difference(data)
    if difference:
        raise ValueError(difference)
    check_part(pa.BufferReader(data), record, runs, recorded, known)
    return data
