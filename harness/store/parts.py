"""Checks of the parts of a chunk, made before any of their rows are used or even decoded."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from harness.errors import HarnessError, shown
from harness.store.commits import FileRecord
from harness.store.encoding import parquet_file

# Kind of each column of a table: `int`, `float`, or the texts that are allowed in it.
Kind = type[int] | type[float] | frozenset[str]
ColumnKinds = Mapping[str, Kind]

TABLES = ("runs", "trajectories")

# Values in the recorded epochs of a chunk: half a gigabyte. A chunk has at most four million rows
# unless a single run has more.
MAX_VALUES = 1 << 26
MAX_PART_BYTES = 1 << 30

# Bytes of a text column beside its codes, and its number and length of texts, which are statuses
# and values of axes.
_TEXT_BYTES = 1 << 20
_MAX_TEXTS, _MAX_TEXT = 10_000, 256
# Bytes of any column beside its values, in each row group: headers of pages.
_COLUMN_BYTES = 1 << 12
# The fewest recorded epochs in a row group, if no run ends early.
_GROUP_ROWS = 1 << 15


def check_values(rows: int, columns: int) -> None:
    """Raise a HarnessError if recorded epochs do not fit one part."""
    if rows * columns > MAX_VALUES:
        raise HarnessError(
            f"{rows:,} recorded epochs of {columns} values are too many for one file, which holds"
            f" at most {MAX_VALUES:,} values.\n"
            "Record fewer epochs, such as record.epochs = { log = 1000 }."
        )


def max_part_bytes(rows: int, runs: int, recorded: int | None, columns: ColumnKinds | None) -> int:
    """Return the largest size of a part with `rows` rows; arguments as for `check_part`."""
    if columns is None:
        return MAX_PART_BYTES
    groups = 1 if recorded is None else 2 + runs * recorded // _GROUP_ROWS
    return max_table_bytes(rows, len(columns), groups)


def max_table_bytes(rows: int, columns: int, groups: int = 1) -> int:
    """Return the largest size of a table that is written in at most `groups` groups of rows."""
    needed = _TEXT_BYTES + columns * (10 * rows + _COLUMN_BYTES * groups)
    return min(needed, MAX_PART_BYTES)


def check_part(
    source: Any, record: FileRecord, runs: range, recorded: int | None, columns: ColumnKinds | None
) -> None:
    """Check a Parquet file whose bytes match its record.

    Parameters
    ----------
    source : file or pyarrow.BufferReader
        The file.
    record : FileRecord
        Its record in the commit.
    runs : range
        The runs of the chunk.
    recorded : int or None
        The most rows of a run; None for a table with exactly one row per run.
    columns : mapping or None
        The columns of the table, in order; None if unknown.

    Raises
    ------
    ValueError
        The store does not write such a part.
    OSError, pa.ArrowException
        It is not a Parquet file.
    """
    file = parquet_file(source)
    kinds = check_footer(file.metadata, record.rows, columns)
    if kinds.get("run_id") is not int:
        raise ValueError("has no column run_id")
    if recorded is not None and record.rows * len(kinds) > MAX_VALUES:
        raise ValueError(f"has more than {MAX_VALUES:,} values")
    texts = [name for name, kind in kinds.items() if kind is str]
    if texts:
        _check_texts(source, texts, columns)
    _check_run_ids(file.read(["run_id"], use_threads=False)["run_id"].to_numpy(), runs, recorded)


def check_footer(footer: Any, rows: int, columns: ColumnKinds | None) -> dict[str, type]:
    """Check the footer of a Parquet file, before any of its rows are decoded.

    Parameters
    ----------
    footer : pyarrow.parquet.FileMetaData
        The footer.
    rows : int
        The number of rows that the table must have.
    columns : mapping or None
        The columns that it must have, in order; None if unknown.

    Returns
    -------
    dict
        The kind of each column: int, float or str.

    Raises
    ------
    ValueError
        The store does not write such a table.
    """
    if footer.num_rows != rows:
        raise ValueError(f"has {footer.num_rows:,} rows instead of {rows:,}")
    kinds = _kinds(footer.schema)
    if columns is not None:
        _check_columns(kinds, columns)
    _check_sizes(footer, kinds)
    return kinds


def _kinds(schema: Any) -> dict[str, type]:
    """Return name and kind of each column; raise a ValueError for any other kind."""
    found: dict[str, type] = {}
    for index in range(len(schema)):
        column = schema.column(index)
        kind = {"INT64": int, "DOUBLE": float, "BYTE_ARRAY": str}.get(column.physical_type)
        logical = column.logical_type.type
        flat = column.path == column.name and not column.max_definition_level
        plain = logical == ("STRING" if kind is str else "NONE")
        if kind is None or not flat or not plain or column.name in found:
            raise ValueError(f"has a column {shown(column.name)} of an unknown kind")
        found[column.name] = kind
    return found


def _check_columns(kinds: Mapping[str, type], columns: ColumnKinds) -> None:
    expected = {n: kind if isinstance(kind, type) else str for n, kind in columns.items()}
    for name in [*expected, *kinds]:
        if kinds.get(name) is not expected.get(name):
            raise ValueError(f"does not have the columns of its experiment: {shown(name)} differs")
    if list(kinds) != list(expected):
        raise ValueError("has its columns in another order")


def _check_sizes(footer: Any, kinds: Mapping[str, type]) -> None:
    """Check that each column has one value per row, and not more bytes than these take."""
    rows = 0
    for group_index in range(footer.num_row_groups):
        group = footer.row_group(group_index)
        rows += group.num_rows
        for index, (name, kind) in enumerate(kinds.items()):
            column = group.column(index)
            most = 9 * group.num_rows + _COLUMN_BYTES + _TEXT_BYTES * (kind is str)
            if (
                column.num_values != group.num_rows
                or not 0 <= column.total_uncompressed_size <= most
                or not 0 <= column.total_compressed_size <= most
            ):
                raise ValueError(f"has a column {shown(name)} whose size does not fit its rows")
    if rows != footer.num_rows:
        raise ValueError(f"has {rows:,} rows in its row groups instead of {footer.num_rows:,}")


def _check_texts(source: Any, texts: list[str], columns: ColumnKinds | None) -> None:
    """Check that text columns hold only allowed texts, or few short ones if these are unknown."""
    source.seek(0)
    # Decodes each text once, not once per row.
    file = parquet_file(source, read_dictionary=texts)
    table = file.read(texts, use_threads=False)
    for name in texts:
        column = table[name]
        if not pa.types.is_dictionary(column.type):
            raise ValueError(f"has a column {shown(name)} of an unknown kind")
        allowed = None if columns is None else columns[name]
        for chunk in column.chunks:
            words = chunk.dictionary.to_pylist() if len(chunk.dictionary) <= _MAX_TEXTS else [""]
            if isinstance(allowed, frozenset):
                wrong = next((word for word in words if word not in allowed), None)
            else:
                wrong = next((w for w in words if not 0 < len(w) <= _MAX_TEXT), None)
            if wrong is not None:
                raise ValueError(f"has the text {shown(wrong)} in the column {shown(name)}")


def _check_run_ids(ids: NDArray[np.int64], runs: range, recorded: int | None) -> None:
    if recorded is None:
        if not np.array_equal(ids, np.arange(runs.start, runs.stop)):
            raise ValueError(f"does not have the runs {runs.start} to {runs.stop - 1}")
        return
    if not ids.size:
        return
    changes = ids[1:] != ids[:-1]
    if ids[0] < runs.start or ids[-1] >= runs.stop or np.any(ids[1:] < ids[:-1]):
        raise ValueError(f"has other runs than {runs.start} to {runs.stop - 1}, or not in order")
    ends = np.flatnonzero(np.concatenate([changes, [True]]))
    if np.diff(ends, prepend=-1).max() > recorded:
        raise ValueError(f"has more than {recorded:,} recorded epochs of a run")
