"""Columns to Parquet and back, and to CSV. Which encodings, and why: docs/decisions/0006."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

Columns = Mapping[str, Any]

_ROWS_AT_ONCE = 1 << 16


def to_parquet(pieces: Iterable[Columns]) -> tuple[int, pa.Buffer]:
    """Return the number of rows of a table that comes in pieces, and a Parquet file of it."""
    sink = pa.BufferOutputStream()
    writer, rows = None, 0
    for columns in pieces:
        piece = _table(columns)
        if writer is None:
            writer = pyarrow.parquet.ParquetWriter(sink, piece.schema, **_options(piece.schema))
        writer.write_table(piece)
        rows += piece.num_rows
    assert writer is not None  # a table has columns, though it may have no rows
    writer.close()
    return rows, sink.getvalue()


def _table(columns: Columns) -> pa.Table:
    arrays = {name: _array(values) for name, values in columns.items()}
    # A column without nulls needs no list of them, which takes as long to write as its numbers.
    schema = pa.schema([pa.field(name, a.type, nullable=False) for name, a in arrays.items()])
    return pa.table(list(arrays.values()), schema=schema)


def _options(schema: pa.Schema) -> dict[str, Any]:
    floats = [field.name for field in schema if pa.types.is_floating(field.type)]
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    return {
        "compression": "lz4",
        "use_dictionary": texts,
        "column_encoding": dict.fromkeys(floats, "BYTE_STREAM_SPLIT"),
        "write_statistics": ["run_id"],
        "write_page_checksum": True,
        "store_schema": False,
    }


def _array(values: Any) -> pa.Array:
    array = pa.array(values)
    # Names are plain text in the tables; Parquet keeps each of them once anyway.
    return array.cast(pa.string()) if pa.types.is_dictionary(array.type) else array


def from_parquet(source: Any, columns: Sequence[str] | None, condition: Any) -> pa.Table:
    """Return a table, or some of its columns or the rows that satisfy a condition, from a file.

    Raises
    ------
    OSError, pa.ArrowException
        It is broken.
    """
    return pyarrow.parquet.read_table(
        source,
        columns=None if columns is None else list(columns),
        filters=condition,
        page_checksum_verification=True,
    )


def column_names(source: Any) -> list[str]:
    """Return the names of the columns of a Parquet file."""
    names: list[str] = pyarrow.parquet.read_schema(source).names
    return names


def csv_header(names: Sequence[str]) -> bytes:
    """Return the first line of a CSV file."""
    return (",".join(names) + "\n").encode()


def to_csv(rows: pa.Table) -> Iterator[pa.Buffer]:
    """Yield a table as CSV, in pieces. Floats read back to the same bits, and as floats."""
    # Names here are words of ours, which need no quotes; pyarrow would put them around all.
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    for first in range(0, rows.num_rows, _ROWS_AT_ONCE):
        piece = rows.slice(first, _ROWS_AT_ONCE)
        for index, field in enumerate(piece.schema):
            if pa.types.is_floating(field.type):
                piece = piece.set_column(index, field.name, _as_text(piece.column(index)))
        sink = pa.BufferOutputStream()
        pyarrow.csv.write_csv(piece, sink, options)
        yield sink.getvalue()


def _as_text(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the shortest texts that read back to the same floats, and as floats."""
    text = numbers.cast(pa.string())
    # pyarrow writes 5 for 5.0: that is an integer. Few columns have such numbers.
    if pc.any(pc.equal(pc.trunc(numbers), numbers)).as_py():
        return pc.replace_substring_regex(text, r"^(-?\d+)$", r"\1.0")
    return text
