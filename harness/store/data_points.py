"""The data points of a results folder: a table of the inputs and targets that were trained on.

They are as training sees them, standardised if the experiment asks for it. With them a folder can
be read without any other file.
"""

import re
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from harness.store.commits import FileRecord
from harness.store.encoding import column_names, to_parquet
from harness.store.parts import Columns, check_footer, most_table_bytes
from harness.store.schema import Fields

Floats = NDArray[np.float64]

DATA = "data.parquet"

# Numbers that an experiment may have in all, and units that a layer may have.
MOST_NUMBERS = 100_000_000
_MOST_UNITS = 1_000_000

# Rows that are encoded and decoded at once.
_ROWS_A_GROUP = 1 << 20

_NAME = re.compile(r"(?:input|target)_[1-9]\d*")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRecord:
    """What the manifest says of the data points.

    Attributes
    ----------
    inputs, targets : int
        Numbers of each kind per data point.
    file : FileRecord
        The file, with one row per data point.
    """

    inputs: int
    targets: int
    file: FileRecord

    @property
    def columns(self) -> Columns:
        """The columns of the file: input_1, .., target_1, .., all of them floats."""
        counts = {"input": self.inputs, "target": self.targets}
        return {f"{kind}_{i + 1}": float for kind, count in counts.items() for i in range(count)}

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Take a record out of a document."""
        record = cls(
            inputs=fields.whole("inputs", 1, _MOST_UNITS),
            targets=fields.whole("targets", 1, _MOST_UNITS),
            file=FileRecord.from_fields(fields.inner("file")),
        )
        fields.end()
        rows, columns = record.file.rows, record.inputs + record.targets
        if not 1 <= rows * columns <= MOST_NUMBERS:
            raise ValueError(f"data has {rows * columns:,} numbers; 1 to {MOST_NUMBERS:,} are kept")
        if record.file.size > most_table_bytes(rows, columns):
            size = record.file.size
            raise ValueError(f"data.file has {size:,} bytes, which are too many for {rows:,} rows")
        return record


def encode(inputs: Floats, targets: Floats) -> tuple[DataRecord, pa.Buffer]:
    """Return the record and the content of the file of some data points.

    Parameters
    ----------
    inputs, targets : array of shape (m, inputs) and (m, targets)
        The data points.
    """
    counts = {"inputs": inputs.shape[1], "targets": targets.shape[1]}
    named = [(f"input_{i + 1}", column) for i, column in enumerate(inputs.T)]
    named += [(f"target_{i + 1}", column) for i, column in enumerate(targets.T)]
    pieces = (
        {name: column[first : first + _ROWS_A_GROUP].astype(np.float64) for name, column in named}
        for first in range(0, len(inputs), _ROWS_A_GROUP)
    )
    rows, content = to_parquet(pieces)
    return DataRecord(file=FileRecord.of(rows, content), **counts), content


def decode(record: DataRecord, content: bytes) -> tuple[Floats, Floats]:
    """Return inputs and targets, of shapes (m, inputs) and (m, targets), from what is in a file.

    Raises
    ------
    OSError, ValueError, MemoryError
        It is not what `encode` wrote.
    """
    difference = record.file.difference(content)
    if difference:
        raise ValueError(difference)
    rows, columns = record.file.rows, record.columns
    numbers, first = np.empty((rows, len(columns))), 0
    try:
        file = pyarrow.parquet.ParquetFile(
            pa.BufferReader(content), page_checksum_verification=True
        )
        check_footer(file.metadata, rows, columns)
        for group in range(file.num_row_groups):
            piece = file.read_row_group(group)
            for place, column in enumerate(piece.columns):
                numbers[first : first + piece.num_rows, place] = column.to_numpy()
            first += piece.num_rows
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
    if first != rows:
        raise ValueError(f"has {first:,} rows instead of {rows:,}")
    if not np.isfinite(numbers).all():
        raise ValueError("has a number that is not finite")
    return numbers[:, : record.inputs], numbers[:, record.inputs :]


def is_ours(file: BufferedIOBase) -> bool:
    """Return whether a file has the columns of data points, whatever its numbers."""
    try:
        names = column_names(file)
    except (OSError, ValueError, MemoryError, pa.ArrowException):
        return False
    return bool(names) and all(map(_NAME.fullmatch, names))
