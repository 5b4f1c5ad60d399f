"""Inputs and targets: given inline, read from a CSV file, or generated.

A new generator is one function here. Only arithmetic that is the same on every machine is used:
these numbers decide every run.
"""

import csv
import itertools
import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from harness.errors import ExperimentError, shown
from harness.hints import nearest
from harness.kernels import philox
from harness.plain_files import open_text

Floats = NDArray[np.float64]

# Of a CSV file: some 10^8 numbers, as many as an experiment may have; and of one of its lines,
# which has 10^5 columns then.
_MOST_BYTES = 500_000_000
_LONGEST_LINE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Data points: `inputs` of shape (m, inputs) and `targets` of shape (m, outputs)."""

    inputs: Floats
    targets: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a generator is asked for."""

    inputs: int
    outputs: int
    samples: int
    seed: int
    degree: int


def _dosage(request: Request) -> tuple[Floats, Floats]:
    """Dosage and effectiveness of StatQuest, Neural Networks Part 1: low and high doses fail."""
    return np.array([[0.0], [0.5], [1.0]]), np.array([[0.0], [1.0], [0.0]])


def _xor(request: Request) -> tuple[Floats, Floats]:
    """Exclusive or of two inputs that are 0 or 1."""
    inputs = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return inputs, np.array([[0.0], [1.0], [1.0], [0.0]])


def _gaussian(request: Request) -> tuple[Floats, Floats]:
    """Draw inputs and targets that are independent standard normal numbers."""
    inputs = np.empty((request.samples, request.inputs))
    targets = np.empty((request.samples, request.outputs))
    seed, major = np.uint64(request.seed), np.uint64(0)
    philox.fill_normal(inputs.reshape(-1), seed, philox.STREAM_INPUTS, major)
    philox.fill_normal(targets.reshape(-1), seed, philox.STREAM_TARGETS, major)
    return inputs, targets


def _chebyshev(request: Request) -> tuple[Floats, Floats]:
    """T_n(x) at equally spaced x from -1 to 1: T_n = 2 x T_(n-1) - T_(n-2), T_0 = 1, T_1 = x."""
    last = max(request.samples - 1, 1)
    x = (2.0 * np.arange(request.samples) - last) / last
    before, now = np.ones_like(x), x
    for _ in range(request.degree - 1):
        before, now = now, 2.0 * x * now - before
    targets = now if request.degree else before
    return x[:, np.newaxis], targets[:, np.newaxis]


@dataclass(frozen=True, slots=True)
class Generator:
    """A rule that makes inputs and targets, and the keys of `Request` that it listens to."""

    make: Callable[[Request], tuple[Floats, Floats]]
    keys: tuple[str, ...] = ()


GENERATORS = {
    "dosage": Generator(_dosage),
    "xor": Generator(_xor),
    "gaussian": Generator(_gaussian, ("samples", "seed")),
    "chebyshev": Generator(_chebyshev, ("samples", "degree")),
}


def generate(generator: str, request: Request) -> Dataset:
    """Return the data of a generator, one of `GENERATORS`.

    Examples
    --------
    >>> request = Request(inputs=1, outputs=1, samples=3, seed=0, degree=2)
    >>> generate("chebyshev", request).targets.ravel().tolist()
    [1.0, -1.0, 1.0]
    """
    inputs, targets = GENERATORS[generator].make(request)
    return Dataset(inputs=inputs, targets=targets)


def read_csv(path: Path, inputs: Sequence[str], targets: Sequence[str]) -> Dataset:
    """Read named columns of a CSV file whose first line is a header.

    Raises
    ------
    ExperimentError
        The file cannot be read, a column is missing, a quote is not closed, or a cell is not a
        finite number; the message names file, line and column.
    """
    names = [*inputs, *targets]
    keys = ["data.inputs"] * len(inputs) + ["data.targets"] * len(targets)
    numbers = array("d")  # a list of them would take four times the memory
    try:
        with open_text(path, _MOST_BYTES) as file:
            rows = _rows(path, file)
            _, cells = next(rows, (1, []))
            header = [name.strip() for name in cells]
            places = [_column(path, header, *one) for one in zip(keys, names, strict=True)]
            for line, row in rows:
                numbers.extend(_row(path, line, header, row, places))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ExperimentError(
            "data.file",
            f"= {shown(str(path))} cannot be read as CSV in UTF-8: {reason}.",
            "The path is relative to the folder of the experiment file.",
        ) from None
    if not numbers:
        raise ExperimentError(
            "data.file",
            f"= {shown(str(path))} has a header and no data points.",
            "Add a line for each data point.",
        )
    table = np.array(numbers).reshape(-1, len(names))
    return Dataset(inputs=table[:, : len(inputs)], targets=table[:, len(inputs) :])


def _rows(path: Path, file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the cells of each row; blank lines are not rows.

    A quote that is never closed would make a cell of all lines that follow. Only names in the
    header may therefore go on in a next line.
    """
    reader = csv.reader(_lines(path, file), strict=True)
    start, is_header = 1, True
    try:
        for row in reader:
            if row and reader.line_num > start and not is_header:
                raise csv.Error("a cell goes on in the next line")
            if row:
                is_header = False
                yield reader.line_num, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise ExperimentError(
            "data.file",
            f"= {shown(str(path))}, line {start} cannot be read: {error}.",
            "Close each quote in the line where it is opened, or take the quotes away.",
        ) from None


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    for number in itertools.count(1):
        line = file.readline(_LONGEST_LINE + 1)
        if not line:
            return
        if len(line) > _LONGEST_LINE:
            raise ExperimentError(
                "data.file",
                f"= {shown(str(path))}, line {number} has more than {_LONGEST_LINE} characters.",
                "Is it a CSV file, with a line for each data point?",
            )
        yield line


def _column(path: Path, header: list[str], key: str, name: str) -> int:
    if header.count(name) == 1:
        if not math.isnan(_parsed(name)):
            raise ExperimentError(
                key,
                f"names the column {shown(name)}, which is a number: the first line of"
                f" {shown(str(path))} is a data point, or names its columns badly.",
                "Add a first line with a name for each column, such as dose,effect.",
            )
        return header.index(name)
    if name in header:
        raise ExperimentError(
            key,
            f"names the column {shown(name)}, which {shown(str(path))} has more than once.",
            "Give each column its own name.",
        )
    if len(header) < 2:
        advice = "The first line must have the names of the columns, separated by commas."
    else:
        advice = nearest(name, header) or "Correct the name here, or in the first line of the file."
    raise ExperimentError(
        key,
        f"names the column {shown(name)}, which {shown(str(path))} does not have; it has"
        f" {shown(header)}.",
        advice,
    )


def _row(
    path: Path, line: int, header: list[str], row: list[str], places: list[int]
) -> list[float]:
    if len(row) != len(header):
        raise ExperimentError(
            "data.file",
            f"= {shown(str(path))}, line {line}: the number of cells is {len(row)}, and in the"
            f" header {len(header)}; they must be equal.",
            "Decimals are written with a point; a comma begins the next cell.",
        )
    return [_number(path, line, header[place], row[place]) for place in places]


def _number(path: Path, line: int, column: str, text: str) -> float:
    number = _parsed(text)
    if math.isfinite(number):
        return number
    raise ExperimentError(
        "data.file",
        f"= {shown(str(path))}, line {line}, column {shown(column)} is {shown(text)}; it must be a"
        " finite number.",
        "Write classes as numbers, such as 0 and 1; decimals have a point.",
    )


def _parsed(text: str) -> float:
    """Return the number that a cell holds; NaN if it holds none."""
    try:
        # Python reads 1_000, which no spreadsheet does.
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def standardise(columns: Floats, key: str) -> Floats:
    """Bring every column of `columns` (m, n) to mean 0 and population standard deviation 1.

    Sums are exact (`math.fsum`), so that no machine adds them in another order. A power of two
    brings the column into reach of squares, and changes no bit of what comes out.

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
                "Leave the column out, or do not standardise.",
            )
        column = np.ldexp(column, -math.frexp(np.abs(column).max())[1])
        mean = math.fsum(column) / column.size
        deviation = math.sqrt(math.fsum((column - mean) ** 2) / column.size)
        out[:, j] = (column - mean) / deviation
    return out
