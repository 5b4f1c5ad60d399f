"""The data points of a results folder: a table of the inputs and targets of training.

They are stored as training sees them, standardised if the experiment asks for it. So a results
folder can be read without any file outside it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import BufferedIOBase
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from harness.errors import printable, shortened
from harness.store.commits import FileRecord
from harness.store.documents import MAX_LINE, Fields
from harness.store.encoding import column_names, parquet_file, to_parquet
from harness.store.parts import ColumnKinds, check_footer, max_table_bytes

Floats = NDArray[np.float64]

DATA = "data.parquet"

# Numbers in the data points of an experiment, and units in a layer.
MAX_NUMBERS = 100_000_000
_MAX_UNITS = 1_000_000

# Rows encoded or decoded at once.
_GROUP_ROWS = 1 << 20

NO_NAMES: Mapping[str, Sequence[str]] = MappingProxyType({})

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
    names : mapping
        Names of the "inputs", the "targets" and the "classes", of those that have names. Two
        classes may be those that 0 and 1 of a single target stand for.
    """

    inputs: int
    targets: int
    file: FileRecord
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the record as a part of the manifest."""
        document = asdict(self)
        if not self.names:
            del document["names"]
        return document

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
            names=fields.inner("names", _names) if "names" in fields.names() else {},
        )
        classes = 2 if record.targets == 1 else record.targets
        counts = {"inputs": record.inputs, "targets": record.targets, "classes": classes}
        for kind, names in record.names.items():
            if len(names) != counts[kind]:
                raise ValueError(f"data.names has {len(names):,} {kind}")
        rows, columns = record.file.rows, record.inputs + record.targets
        if not 1 <= rows * columns <= MAX_NUMBERS:
            raise ValueError(
                f"data has {rows * columns:,} numbers; 1 to {MAX_NUMBERS:,} are allowed"
            )
        if record.file.size > max_table_bytes(rows, columns):
            size = record.file.size
            raise ValueError(f"data.file has {size:,} bytes, too many for {rows:,} rows")
        return record


def _names(fields: Fields) -> dict[str, list[str]]:
    return {
        kind: fields.texts(kind, _MAX_UNITS)
        for kind in ("inputs", "targets", "classes")
        if kind in fields.names()
    }


def encode(
    inputs: Floats, targets: Floats, names: Mapping[str, Sequence[str]] = NO_NAMES
) -> tuple[DataRecord, pa.Buffer]:
    """Return the record and the file content of some data points.

    Parameters
    ----------
    inputs, targets : array of shape (m, inputs) and (m, targets)
        The data points.
    names : mapping, optional
        Names as in `DataRecord`, of any length and with any characters.
    """
    lines = {
        kind: [shortened(printable(name), MAX_LINE) for name in listed]
        for kind, listed in names.items()
        if listed
    }
    counts = {"inputs": inputs.shape[1], "targets": targets.shape[1]}
    named = [(f"input_{i + 1}", column) for i, column in enumerate(inputs.T)]
    named += [(f"target_{i + 1}", column) for i, column in enumerate(targets.T)]
    pieces = (
        {name: column[first : first + _GROUP_ROWS].astype(np.float64) for name, column in named}
        for first in range(0, len(inputs), _GROUP_ROWS)
    )
    rows, content = to_parquet(pieces)
    return DataRecord(file=FileRecord.of(rows, content), names=lines, **counts), content


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
