"""Inputs and targets: given inline, read from a CSV file, or generated.

A new generator is one function here. Only arithmetic that is the same on every machine is used:
these numbers decide every run.
"""

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import ExperimentError, shown
from harness.hints import nearest
from harness.kernels import philox

Floats = NDArray[np.float64]


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
        The file cannot be read, a column is missing, or a cell is not a finite number; the
        message names file, line and column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next((row for row in lines if row), [])]
            places = [
                _column(path, header, key, name)
                for key, names in (("data.inputs", inputs), ("data.targets", targets))
                for name in names
            ]
            rows = [
                _row(path, lines.line_num, header, row, places)
                for row in lines
                if row  # a blank line is no data point
            ]
    except (OSError, ValueError, csv.Error) as error:  # ValueError: not UTF-8, or no path at all
        reason = getattr(error, "strerror", None) or str(error)
        raise ExperimentError(
            "data.file",
            f"= {shown(str(path))} cannot be read as CSV in UTF-8: {reason}.",
            "The path is relative to the folder of the experiment file.",
        ) from None
    if not rows:
        raise ExperimentError(
            "data.file",
            f"= {shown(str(path))} has a header and no data points.",
            "Add a line for each data point.",
        )
    table = np.array(rows)
    return Dataset(inputs=table[:, : len(inputs)], targets=table[:, len(inputs) :])


def _column(path: Path, header: list[str], key: str, name: str) -> int:
    if header.count(name) == 1:
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
    try:
        # Python reads 1_000, which no spreadsheet does.
        number = math.nan if "_" in text else float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return number
    raise ExperimentError(
        "data.file",
        f"= {shown(str(path))}, line {line}, column {shown(column)} is {shown(text)}; it must be a"
        " finite number.",
        "Correct the cell, or leave the line out.",
    )


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
