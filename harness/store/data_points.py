"""The data points of a results folder: a table of the inputs and targets of training.

They are stored as training sees them, standardised if the experiment asks for it. So a results
folder can be read without any file outside it.
"""

import re
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from harness.store.commits import FileRecord
from harness.store.documents import Fields
from harness.store.encoding import column_names, parquet_file, to_parquet
from harness.store.parts import ColumnKinds, check_footer, max_table_bytes

Floats = NDArray[np.float64]

DATA = "data.parquet"

# Numbers in the data points of an experiment, and units in a layer.
MAX_NUMBERS = 100_000_000
_MAX_UNITS = 1_000_000

# Rows encoded or decoded at once.
_GROUP_ROWS = 1 << 20

_NAME = re.compile(r"(?:input|target)_[1-9]\d*")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRecord:
    """The data points in the manifest.

    Attributes
    ----------
    inputs, targets : int
        Inputs and targets per data point.
    file : FileRecord
        The file, with one row per data point.
    """

    inputs: int
    targets: int
    file: FileRecord

    @property
    def columns(self) -> ColumnKinds:
        """The columns of the file: input_1, ..., target_1, ..., all of them floats."""
        counts = {"input": self.inputs, "target": self.targets}
        return {f"{kind}_{i + 1}": float for kind, count in counts.items() for i in range(count)}

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Take a record from a document."""
        record = cls(
            inputs=fields.whole("inputs", 1, _MAX_UNITS),
            targets=fields.whole("targets", 1, _MAX_UNITS),
            file=fields.inner("file", FileRecord.from_fields),
        )
        rows, columns = record.file.rows, record.inputs + record.targets
        if not 1 <= rows * columns <= MAX_NUMBERS:
            raise ValueError(
                f"data has {rows * columns:,} numbers; 1 to {MAX_NUMBERS:,} are allowed"
            )
        if record.file.size > max_table_bytes(rows, columns):
            size = record.file.size
            raise ValueError(f"data.file has {size:,} bytes, too many for {rows:,} rows")
        return record


def encode(inputs: Floats, targets: Floats) -> tuple[DataRecord, pa.Buffer]:
    """Return the record and the file content of some data points.

    Parameters
    ----------
    inputs, targets : array of shape (m, inputs) and (m, targets)
        The data points.
    """
    counts = {"inputs": inputs.shape[1], "targets": targets.shape[1]}
    named = [(f"input_{i + 1}", column) for i, column in enumerate(inputs.T)]
    named += [(f"target_{i + 1}", column) for i, column in enumerate(targets.T)]
    pieces = (
        {name: column[first : first + _GROUP_ROWS].astype(np.float64) for name, column in named}
        for first in range(0, len(inputs), _GROUP_ROWS)
    )
    rows, content = to_parquet(pieces)
    return DataRecord(file=FileRecord.of(rows, content), **counts), content


def decode(record: DataRecord, content: bytes) -> tuple[Floats, Floats]:
    """Return inputs and targets, of shapes (m, inputs) and (m, targets), from file content.

    Raises
    ------
    OSError, ValueError, MemoryError
        `encode` did not write this content.
    """
    difference = record.file.difference(content)
    if difference:
        raise ValueError(difference)
    rows, columns = record.file.rows, record.columns
    numbers, first = np.empty((rows, len(columns))), 0
    try:
        file = parquet_file(pa.BufferReader(content))
        check_footer(file.metadata, rows, columns)
        for group in range(file.num_row_groups):
            piece = file.read_row_group(group, use_threads=False)
            for index, column in enumerate(piece.columns):
                numbers[first : first + piece.num_rows, index] = column.to_numpy()
            first += piece.num_rows
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
    if first != rows:
        raise ValueError(f"has {first:,} rows instead of {rows:,}")
    if not np.isfinite(numbers).all():
        raise ValueError("has a number that is not finite")
    return numbers[:, : record.inputs], numbers[:, record.inputs :]


def has_data_columns(file: BufferedIOBase) -> bool:
    """Return whether a file has the columns of data points, whatever its rows."""
    try:
        names = column_names(file)
    except (OSError, ValueError, MemoryError, pa.ArrowException):
        return False
    return bool(names) and all(map(_NAME.fullmatch, names))
