"""Data points and the names of their columns."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.errors import ExperimentError

Floats = NDArray[np.float64]

MOST_NUMBERS = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names of the columns of data points; empty if there are none.

    Attributes
    ----------
    inputs, targets : tuple of str
        One name per column.
    classes : tuple of str
        Names of the classes if the targets are classes: one per column, or those that 0 and 1 of
        a single column stand for.
    """

    inputs: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Data points.

    Attributes
    ----------
    inputs, targets : array of shape (m, inputs) and (m, outputs)
        The data points.
    names : Names
        Names of their columns.
    input_words, target_words : frozenset of int
        Columns of 0 and 1 that words were turned into, counted from 0; they are not scaled.
    held_out : int
        How many of them, the last ones, are for validation only: points of a file or a generator
        of their own, and not of a split.
    numbers : array of shape (m,) or None
        The number of each data point where it comes from, counted from 1; None for 1 .. m.
    unit : str
        What is numbered there: "data point", "line" of a file, or "row" of a table.
    dropped : int
        How many further data points were left out because they have missing cells.
    dropped_at : str
        Where the first of them are, such as "lines 4, 17"; empty if that is not known.
    is_scaled : bool
        Whether the points, if none are held out, are scaled and complete already, as in folders of
        earlier versions.
    """

    inputs: Floats
    targets: Floats
    names: Names = Names()
    input_words: frozenset[int] = frozenset()
    target_words: frozenset[int] = frozenset()
    held_out: int = 0
    numbers: NDArray[np.int64] | None = None
    unit: str = "data point"
    dropped: int = 0
    dropped_at: str = ""
    is_scaled: bool = False

    def at(self, rows: NDArray[np.bool_]) -> "Dataset":
        """Return some of the data points, which keep their numbers."""
        numbers = np.arange(1, len(rows) + 1) if self.numbers is None else self.numbers
        return replace(
            self,
            inputs=self.inputs[rows],
            targets=self.targets[rows],
            numbers=numbers[rows],
            held_out=0,
        )

    def name_of(self, row: int) -> str:
        """Name a data point by its number, such as "line 3"."""
        return f"{self.unit} {row + 1 if self.numbers is None else self.numbers[row]}"


def check_size(points: int, columns: int) -> None:
    """Raise an ExperimentError if there are too many numbers."""
    if points * columns > MOST_NUMBERS:
        raise ExperimentError(
            "data",
            f"has {points * columns} numbers in {points} data points; at most {MOST_NUMBERS} are"
            " allowed.",
            "Use fewer data points, or fewer columns.",
        )
