"""The data points of a results folder: a table of the inputs and targets of training.

They are stored before they are scaled, and a missing input that a mean replaces is NaN. A results
folder can be read without any file outside it. If no points are held out for validation, folders of
earlier versions have scaled and complete numbers instead.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import BufferedIOBase
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

_NAME = re.compile(r"(?:input|target)_[1-9]\d*")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPoints:
    """Data points to keep in a folder.

    Attributes
    ----------
    inputs, targets : array of shape (m, inputs) and (m, targets)
        The data points; a missing input is NaN.
    names, words : mapping
        As in `DataRecord`, with names of any length and with any characters.
    held_out, dropped, original : int, int and bool
        As in `DataRecord`.
    """

    inputs: Floats
    targets: Floats
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    words: Mapping[str, Sequence[int]] = field(default_factory=dict)
    held_out: int = 0
    dropped: int = 0
    original: bool = False


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
    words : mapping
        Columns of "inputs" and "targets" that words were turned into, counted from 0. In folders of
        earlier versions they are missing if no points are held out.
    held_out : int
        How many data points, the last ones, are for validation only.
    dropped : int
        How many further data points were left out because they have missing cells.
    missing : int
        How many inputs are NaN.
    original : bool
        Whether the numbers are those before scaling, whether or not some are held out.
    """

    inputs: int
    targets: int
    file: FileRecord
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    words: Mapping[str, Sequence[int]] = field(default_factory=dict)
    held_out: int = 0
    dropped: int = 0
    missing: int = 0
    original: bool = False

    def document(self) -> dict[str, Any]:
        """Return the record as a part of the manifest."""
        document = asdict(self)
        for key in ("names", "words", "held_out", "dropped", "missing", "original"):
            if not document[key]:
                del document[key]
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
            **_optional(fields),
        )
        classes = 2 if record.targets == 1 else record.targets
        counts = {"inputs": record.inputs, "targets": record.targets, "classes": classes}
        for kind, names in record.names.items():
            if len(names) != counts[kind]:
                raise ValueError(f"data.names has {len(names):,} {kind}")
        for kind, columns_of_words in record.words.items():
            if columns_of_words[-1] >= counts[kind]:
                raise ValueError(f"data.words has column {columns_of_words[-1]:,} of the {kind}")
        rows, columns = record.file.rows, record.inputs + record.targets
        if record.held_out >= rows or record.missing > rows * record.inputs:
            raise ValueError(
                f"data has {record.held_out:,} data points for validation only and"
                f" {record.missing:,} missing inputs, too many for {rows:,} rows"
            )
        if not 1 <= rows * columns <= MAX_NUMBERS:
            raise ValueError(
                f"data has {rows * columns:,} numbers; 1 to {MAX_NUMBERS:,} are allowed"
            )
        if record.file.size > max_table_bytes(rows, columns):
            size = record.file.size
            raise ValueError(f"data.file has {size:,} bytes, too many for {rows:,} rows")
        return record


def _optional(fields: Fields) -> dict[str, Any]:
    """Take the keys that few folders have."""
    names, found = fields.names(), dict[str, Any]()
    for key, take in (("names", _names), ("words", _words)):
        if key in names:
            found[key] = fields.inner(key, take)
    for key in ("held_out", "dropped", "missing"):
        if key in names:
            found[key] = fields.whole(key, 1, MAX_NUMBERS)
    if "original" in names:
        found["original"] = fields.true("original")
    return found


def _words(fields: Fields) -> dict[str, list[int]]:
    return {
        kind: fields.ascending(kind, _MAX_UNITS)
        for kind in ("inputs", "targets")
        if kind in fields.names()
    }


def _names(fields: Fields) -> dict[str, list[str]]:
    return {
        kind: fields.texts(kind, _MAX_UNITS)
        for kind in ("inputs", "targets", "classes")
        if kind in fields.names()
    }


def encode(points: DataPoints) -> tuple[DataRecord, pa.Buffer]:
    """Return the record and the file content of some data points."""
    inputs, targets = points.inputs, points.targets
    lines = {
        kind: [shortened(printable(name), MAX_LINE) for name in listed]
        for kind, listed in points.names.items()
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
    record = DataRecord(
        file=FileRecord.of(rows, content),
        names=lines,
        words={kind: list(listed) for kind, listed in points.words.items() if listed},
        held_out=points.held_out,
        dropped=points.dropped,
        missing=int(np.isnan(inputs).sum()),
        original=points.original,
        **counts,
    )
    return record, content


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
    inputs, targets = numbers[:, : record.inputs], numbers[:, record.inputs :]
    missing = int(np.isnan(inputs).sum())
    if missing != record.missing:
        raise ValueError(f"has {missing:,} missing inputs instead of {record.missing:,}")
    if np.count_nonzero(~np.isfinite(numbers)) > missing:
        raise ValueError("has a number that is not finite")
    return inputs, targets


def has_data_columns(file: BufferedIOBase) -> bool:
    """Return whether a file has the columns of data points, whatever its rows."""
    try:
        names = column_names(file)
    except (OSError, ValueError, MemoryError, pa.ArrowException):
        return False
    return bool(names) and all(map(_NAME.fullmatch, names))
