"""Tables read from a results folder: what was committed, byte for byte, or an error."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness.errors import ResultsError
from harness.store.commits import Commit, FileRecord
from harness.store.encoding import column_names, from_parquet
from harness.store.folder import Store


class Reader:
    """Reads the tables of a results folder.

    The first time a file is read its SHA-256 is compared with that of the commit; later only the
    parts that are wanted are read.

    Parameters
    ----------
    store : Store
        The folder. Chunks that are committed later are seen too.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._whole: set[tuple[str, FileRecord]] = set()  # seen to be right

    def rows(self, table: str) -> int:
        """Return the number of rows of a table."""
        return sum(_part(table, commit)[1].rows for commit in self.store.commits().values())

    def columns(self, table: str) -> list[str]:
        """Return the names of the columns of a table."""
        for commit in self.store.commits().values():
            with self._opened(table, commit) as source:
                return column_names(source)
        raise self._empty()

    def batches(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        *,
        run_ids: Any = None,
        condition: Any = None,
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
        condition : pyarrow.compute.Expression, optional
            What rows have to satisfy.
        """
        chunk_of = None
        if run_ids is not None:
            run_ids = np.unique(np.asarray(run_ids, dtype=np.int64))
            chunk_of = run_ids // self.store.manifest["chunk_size"]
        for chunk, commit in self.store.commits().items():
            wanted = condition
            if chunk_of is not None:
                here = run_ids[chunk_of == chunk]
                if not here.size:
                    continue
                among = pc.field("run_id").isin(pa.array(here))
                wanted = among if condition is None else among & condition
            with self._opened(table, commit) as source:
                rows = from_parquet(source, columns, wanted)
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
    def _opened(self, table: str, commit: Commit) -> Iterator[Any]:
        """Open the part of a table whose bytes are what was committed."""
        name, record = _part(table, commit)
        files = self.store.files
        try:
            if (name, record) in self._whole:
                with files.open(name) as file:
                    yield file
                return
            data = files.read(name)
            difference = record.difference(data)
            if difference:
                raise self.store.broken(name, difference)
            self._whole.add((name, record))
            yield pa.BufferReader(data)
        except (OSError, pa.ArrowException) as error:
            raise self.store.broken(name, str(error)) from error

    def _empty(self) -> ResultsError:
        return ResultsError(
            f"{self.store.folder} has no finished chunk yet.\n`harness run FILE` goes on."
        )


def _part(table: str, commit: Commit) -> tuple[str, FileRecord]:
    """Return name and record of the part of a table."""
    return next(item for item in commit.files.items() if item[0].startswith(f"{table}/"))
