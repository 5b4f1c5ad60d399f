"""Data points, and how they are read from a CSV file and standardised.

Only arithmetic that is the same on every machine is used here, because these numbers decide every
run. `generators` makes data points by rules.
"""

import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from harness.errors import ExperimentError, shown
from harness.hints import nearest
from harness.plain_files import open_text

Floats = NDArray[np.float64]

# Limits of a CSV file: its bytes (about 10^8 numbers, the most that an experiment may have) and the
# characters of a line (about 10^5 columns).
_MOST_BYTES = 500_000_000
_LONGEST_LINE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Data points: `inputs` of shape (m, inputs) and `targets` of shape (m, outputs)."""

    inputs: Floats
    targets: Floats


def read_csv(path: Path, inputs: Sequence[str], targets: Sequence[str]) -> Dataset:
    """Read named columns of a CSV file whose first line is a header.

    Raises
    ------
    ExperimentError
        The file cannot be read, a column is missing, a quote is not closed, or a cell is not a
        finite number; the message names file, line and column.
    """
    columns = [("data.inputs", name) for name in inputs]
    columns += [("data.targets", name) for name in targets]
    numbers = array("d")  # a list of them would take four times the memory
    try:
        with open_text(path, _MOST_BYTES) as file:
            rows = _rows(path, file)
            _, cells = next(rows, (1, []))
            header = [name.strip() for name in cells]
            positions = [_position(path, header, key, name) for key, name in columns]
            for line, row in rows:
                numbers.extend(_numbers(path, line, header, row, positions))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refusal(
            path,
            f"cannot be read as CSV in UTF-8: {reason}.",
            "The path is relative to the folder of the experiment file.",
        ) from None
    if not numbers:
        raise _refusal(path, "has a header and no data points.", "Add a line for each data point.")
    table = np.array(numbers).reshape(-1, len(columns))
    return Dataset(inputs=table[:, : len(inputs)], targets=table[:, len(inputs) :])


def _refusal(path: Path, problem: str, advice: str) -> ExperimentError:
    return ExperimentError("data.file", f"= {shown(str(path))} {problem}", advice)


def _rows(path: Path, file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the first line and the cells of each row, without blank lines.

    A quote that is never closed makes one cell of all lines that follow, and would swallow their
    data points. Only a cell of the header may therefore contain a line break.
    """
    reader = csv.reader(_lines(path, file), strict=True)
    line, is_header = 1, True
    try:
        for row in reader:
            if row:
                if reader.line_num > line and not is_header:
                    raise csv.Error("a cell continues on the next line")
                yield line, row
                is_header = False
            line = reader.line_num + 1
    except csv.Error as error:
        raise _refusal(
            path,
            f"cannot be read at line {line}: {error}.",
            "Close each quote in the line where it is opened, or remove the quotes.",
        ) from None


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    read = partial(file.readline, _LONGEST_LINE + 1)
    for number, line in enumerate(iter(read, ""), start=1):
        if len(line) > _LONGEST_LINE:
            raise _refusal(
                path,
                f"has more than {_LONGEST_LINE} characters in line {number}.",
                "Check that it is a CSV file with one line per data point.",
            )
        yield line


def _position(path: Path, header: list[str], key: str, name: str) -> int:
    """Return the position of a column, which must have a name of its own."""
    file = shown(str(path))
    match header.count(name):
        case 1 if math.isnan(_parsed(name)):
            return header.index(name)
        case 1:
            problem = (
                f"is a number: the first line of {file} is a data point, or names its columns badly"
            )
            advice = "Add a first line with a name for each column, such as dose,effect."
        case 0:
            problem = f"is not in {file}; its columns are {shown(header)}"
            advice = (
                nearest(name, header) or "Correct the name here, or in the first line of the file."
                if len(header) > 1
                else "The first line must have the names of the columns, separated by commas."
            )
        case _:
            problem = f"is in {file} more than once"
            advice = "Give each column its own name."
    raise ExperimentError(key, f"names the column {shown(name)}, which {problem}.", advice)


def _numbers(
    path: Path, line: int, header: list[str], row: list[str], positions: list[int]
) -> Iterator[float]:
    """Yield the numbers of a row at some positions."""
    if len(row) != len(header):
        raise _refusal(
            path,
            f"has {len(row)} cells in line {line} and {len(header)} in its header.",
            "Give every line the same number of cells; decimals are written with a point.",
        )
    for position in positions:
        number = _parsed(row[position])
        if not math.isfinite(number):
            raise _refusal(
                path,
                f"has {shown(row[position])} in line {line}, column {shown(header[position])};"
                " it must be a finite number.",
                "Write classes as numbers, such as 0 and 1; decimals are written with a point.",
            )
        yield number


def _parsed(text: str) -> float:
    """Return the number in a cell; NaN if it does not contain one."""
    try:
        # Python reads 1_000 as a number; spreadsheets do not.
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def standardise(columns: Floats, key: str) -> Floats:
    """Bring every column of `columns` (m, n) to mean 0 and population standard deviation 1.

    Sums are exact (`math.fsum`), so that their order does not matter. Scaling by a power of two
    keeps the squares from overflowing, and does not change a bit of the result.

    Examples
    --------
    >>> standardise(np.array([[1.0], [3.0]]), "data.inputs").ravel().tolist()
    [-1.0, 1.0]
    """
    out = np.empty_like(columns)
    for j in range(columns.shape[1]):
        column = columns[:, j]
        if column.min() == column.max():
            raise ExperimentError(
                "data.standardise",
                f"cannot scale column {j + 1} of {key}, which is {column[0]} at every data point.",
                "Remove the column, or do not standardise.",
            )
        column = np.ldexp(column, -math.frexp(np.abs(column).max())[1])
        mean = math.fsum(column) / column.size
        deviation = math.sqrt(math.fsum((column - mean) ** 2) / column.size)
        out[:, j] = (column - mean) / deviation
    return out
