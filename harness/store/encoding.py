"""Tables to Parquet and back, and to CSV; docs/decisions/0006 explains the encodings."""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

Columns = dict[str, Any]

_ROWS_AT_ONCE = 1 << 16

# A fifth faster than pyarrow's default of 1024.
_CSV_BATCH_ROWS = 1 << 13


def to_parquet(pieces: Iterable[Columns]) -> tuple[int, pa.Buffer]:
    """Encode a table that comes in pieces; return its number of rows and the Parquet file."""
    sink = pa.BufferOutputStream()
    writer, rows = None, 0
    for columns in pieces:
        piece = _table(columns)
        if writer is None:
            writer = pyarrow.parquet.ParquetWriter(sink, piece.schema, **_options(piece.schema))
        writer.write_table(piece)
        rows += piece.num_rows
    assert writer is not None  # a table without rows is one piece without rows
    writer.close()
    return rows, sink.getvalue()


def parquet_pieces(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[bytes]:
    """Yield a Parquet file piece by piece, holding one of the tables at a time."""
    sink = _Sink()
    with pyarrow.parquet.ParquetWriter(sink, schema, **_options(schema)) as writer:
        for table in tables:
            writer.write_table(table)
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """Write-only buffer, drained by `taken`; `tell` keeps counting, as the Parquet writer needs."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._length

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        self._length += len(self._pieces[-1])
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _table(columns: Columns) -> pa.Table:
    arrays = {name: _array(values) for name, values in columns.items()}
    # In a nullable column, writing the list of nulls would take as long as writing the numbers.
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
        # With the default, pages of 1,024 rows, encoding takes 1.15 times as long.
        "write_batch_size": _ROWS_AT_ONCE,
    }


def _array(values: Any) -> pa.Array:
    array = pa.array(_with_one_nan(values))
    # Tables have plain text, which Parquet's own dictionaries keep as small.
    return array.cast(pa.string()) if pa.types.is_dictionary(array.type) else array


def _with_one_nan(values: Any) -> Any:
    """Return the values with the same bits in every NaN.

    The sign of a NaN depends on the processor's instructions, and differs between kernels with and
    without lanes. Looking for NaN takes 0.3 ns per value, encoding a value 12 ns.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        is_nan = np.isnan(values)
        if is_nan.any():
            return np.where(is_nan, values.dtype.type(np.nan), values)
    return values


def parquet_file(source: Any, **options: Any) -> pyarrow.parquet.ParquetFile:
    """Open a Parquet file to read it without threads; read with `use_threads=False`, too.

    A thread of Arrow may outlive the call and need the interpreter lock to free what it read. If
    the interpreter is ending by then, the process aborts (8 of 120 on a loaded machine). Buffering
    in advance would read with such a thread, and so would `pyarrow.parquet.read_table`.

    Raises
    ------
    OSError, pa.ArrowException
        The file is broken.
    """
    return pyarrow.parquet.ParquetFile(
        source, page_checksum_verification=True, pre_buffer=False, **options
    )


def from_parquet(source: Any, columns: Sequence[str] | None, run_ids: Any = None) -> pa.Table:
    """Read a table from a Parquet file: all of it, or some columns, or rows of some runs.

    Parameters
    ----------
    source : file or pyarrow.BufferReader
        The file.
    columns : sequence of str or None
        The columns, in this order; None for all.
    run_ids : array of int, optional
        The runs.

    Raises
    ------
    OSError, pa.ArrowException
        The file is broken.
    KeyError
        It does not have one of the columns.
    """
    file = parquet_file(source)
    names = file.schema_arrow.names if columns is None else list(columns)
    if run_ids is None:
        return file.read(names, use_threads=False).select(names)
    groups = []
    for group in range(file.num_row_groups):
        here = file.read_row_group(group, ["run_id"], use_threads=False)["run_id"].to_numpy()
        wanted = np.isin(here, run_ids)
        if wanted.any():
            rows = file.read_row_group(group, names, use_threads=False)
            groups.append(rows.filter(pa.array(wanted)))
    return pa.concat_tables(groups or [file.schema_arrow.empty_table()]).select(names)


def column_names(source: Any) -> list[str]:
    """Return the names of the columns of a Parquet file."""
    names: list[str] = pyarrow.parquet.read_schema(source).names
    return names


def csv_header(names: Sequence[str]) -> bytes:
    """Return the first line of a CSV file."""
    return (",".join(names) + "\n").encode()


def to_csv(rows: pa.Table) -> Iterator[pa.Buffer]:
    """Yield a table as CSV, in pieces. Floats read back to the same bits, and as floats."""
    # Texts are names without commas and quotes; by default pyarrow would quote all of them.
    options = pyarrow.csv.WriteOptions(
        include_header=False, quoting_style="none", batch_size=_CSV_BATCH_ROWS
    )
    for first in range(0, rows.num_rows, _ROWS_AT_ONCE):
        piece = rows.slice(first, _ROWS_AT_ONCE)
        for index, field in enumerate(piece.schema):
            if pa.types.is_floating(field.type):
                texts = _as_text(piece.column(index).combine_chunks())
                piece = piece.set_column(index, field.name, texts)
        sink = pa.BufferOutputStream()
        pyarrow.csv.write_csv(piece, sink, options)
        yield sink.getvalue()


def _as_text(numbers: pa.Array) -> pa.Array:
    """Return the shortest texts that read back to the same floats, and as floats."""
    text = numbers.cast(pa.string())
    # pyarrow writes 5.0 as 5, which reads back as an integer. Few columns have whole numbers, and
    # most of those have few, so only their texts are searched.
    whole = pc.equal(pc.trunc(numbers), numbers)
    if not pc.any(whole).as_py():
        return text
    marked = pc.replace_substring_regex(text.filter(whole), r"^(-?\d+)$", r"\1.0")
    return pc.replace_with_mask(text, whole, marked)
