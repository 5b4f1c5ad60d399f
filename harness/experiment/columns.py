"""Cells of a column as they are found: numbers or words, and missing ones.

Files and Python data take the same way. Nothing is scaled here.
"""

import math
from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import ExperimentError, shown
from harness.experiment.data import Floats

MISSING = ("", "na", "nan", "null", "?")

# Each word of a column becomes a column: names and other free texts are not categories.
MOST_WORDS = 1000

_DROP = 'Write missing = "drop" in [data] to leave such data points out, or complete the cell.'
_COMPLETE = "Complete the cell, or leave this data point out."
_MISSING_ADVICE = (
    'Write missing = "drop" in [data] to leave such data points out, or missing = "mean" to replace'
    " missing inputs by the mean of their column."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where data come from, for messages.

    Attributes
    ----------
    key : str
        Key of the experiment that gives the data.
    file : str
        The file; empty for data of Python.
    rows : str
        What the position of a data point is called: "line" or "row".
    """

    key: str
    file: str = ""
    rows: str = "row"

    def refusal(self, problem: str, advice: str) -> ExperimentError:
        """Return the error about these data; `problem` continues a sentence."""
        file = f"= {shown(self.file)} " if self.file else ""
        return ExperimentError(self.key, f"{file}{problem}", advice)

    @property
    def is_new(self) -> bool:
        """Whether they are to be predicted: the experiment file does not say how to read them."""
        return not self.key.startswith("data")

    def advise(self, in_data: str, in_file: str) -> str:
        """Return the advice about [data], or, for new inputs, the one about their file."""
        return in_file if self.is_new else f"{in_data} in [data]."

    @property
    def path_advice(self) -> str:
        """Advice if the file cannot be read."""
        folder = "current folder" if self.is_new else "folder of the experiment file"
        return f"The path is relative to the {folder}."

    def __str__(self) -> str:
        return shown(self.file) if self.file else self.key if self.is_new else "the data"


def is_missing(cell: str) -> bool:
    """Tell whether a cell has no value.

    >>> is_missing(" N/A"), is_missing("NA "), is_missing("none")
    (False, True, False)
    """
    return cell.strip().lower() in MISSING


def is_number(cell: str) -> bool:
    """Tell whether a cell is a number, with one decimal sign or the other."""
    return not all(math.isnan(parsed(cell, decimal)) for decimal in ".,")


def parsed(cell: str, decimal: str) -> float:
    """Return the number in a cell; NaN if it does not contain one.

    >>> parsed("1,5", ","), parsed("1.5", ","), parsed("x", ".")
    (1.5, nan, nan)
    """
    if decimal == ",":
        cell = "_" if "." in cell else cell.replace(",", ".")
    try:
        # Python reads 1_000 as a number; spreadsheets do not.
        return math.nan if "_" in cell else float(cell)
    except ValueError:
        return math.nan


class Column:
    """Cells of a column, checked as they are added.

    A column has only numbers or only words, and cells that are missing. Words are kept as numbers,
    in the order in which they appear, so that a column takes 8 bytes per cell.

    Parameters
    ----------
    origin : Origin
        The table.
    name : str
        The name; empty if there is no header.
    position : int
        The position in the table, counted from 0.
    missing : str
        What to do with missing cells, as in `Reading`.
    is_target : bool
        Whether it is, or is also, a column of targets.
    decimal : str
        The decimal sign.
    """

    def __init__(
        self,
        origin: Origin,
        name: str,
        position: int,
        *,
        missing: str,
        is_target: bool,
        decimal: str = ".",
    ) -> None:
        self.name = name or f"column {position + 1}"
        self._origin = origin
        self.label = f"column {shown(name)}" if name else f"column {position + 1}"
        self._missing = missing
        self._is_target = is_target
        self._decimal = decimal
        self._cells = array("d")  # a list of them would take four times the memory
        self._words: dict[str, int] = {}
        self._first_word: tuple[int, str] | None = None
        self._first_missing: tuple[int, str] | None = None

    def __len__(self) -> int:
        return len(self._cells)

    def add(self, row: int, cell: str) -> None:
        """Add the cell of a row; raise an ExperimentError if the column cannot have it."""
        number = parsed(cell, self._decimal)
        if math.isfinite(number) and not self._words:
            self._cells.append(number)
        else:
            self._cells.append(self._unusual(row, cell, number))

    def extend(self, numbers: Floats) -> None:
        """Add numbers from the first row on; those that are NaN are missing."""
        if np.isfinite(numbers).all():
            self._cells.frombytes(numbers.tobytes())
        else:
            for row, number in enumerate(numbers.tolist(), start=1):
                self.add(row, repr(number))

    def append(self, other: "Column") -> None:
        """Add the cells of the same column of another table.

        Raises
        ------
        ExperimentError
            One column has words, and the other one numbers; or a word is missing.
        """
        kinds = self._kind(), other._kind()
        if set(kinds) == {"words", "numbers"}:
            raise other._origin.refusal(
                f"has {kinds[1]} in {other.label}, and {self._origin} has {kinds[0]}.",
                "Give both the same columns.",
            )
        if self._words or other._words:
            other._check_complete_words()
        cells = np.array(other._cells)
        if other._words:
            known = [self._words.setdefault(word, len(self._words)) for word in other._words]
            is_word = ~np.isnan(cells)
            cells[is_word] = np.array(known)[cells[is_word].astype(np.int64)]
        self._cells.frombytes(cells.tobytes())

    def _kind(self) -> str:
        """Return "words", "numbers", or nothing if all cells are missing."""
        return "words" if self._words else "numbers" if self.present().any() else ""

    def _check_complete_words(self) -> None:
        """Refuse missing words that a mean is to replace."""
        if self._first_missing and self._missing == "mean":
            row, cell = self._first_missing
            advice = _COMPLETE if self._origin.is_new else _DROP
            raise self.refusal(row, cell, "; a missing word cannot be replaced by a mean", advice)

    def _unusual(self, row: int, cell: str, number: float) -> float:
        """Return the code of a word, or NaN for a missing cell."""
        word = cell.strip()
        if is_missing(word):
            if self._missing == "error":
                advice = _DROP if self._is_target else _MISSING_ADVICE
                advice = _COMPLETE if self._origin.is_new else advice
                raise self.refusal(row, cell, "; the cell is missing", advice)
            if self._missing == "mean" and self._is_target:
                raise self.refusal(
                    row, cell, "; a missing target cannot be replaced by a mean", _DROP
                )
            self._first_missing = self._first_missing or (row, cell)
            return math.nan
        if self._first_word is None:
            if math.isinf(number) or any(not math.isnan(known) for known in self._cells):
                raise self.refusal(row, cell, "; it must be a finite number")
            self._first_word = (row, word)
        elif not math.isnan(number):
            first, before = self._first_word
            raise self.refusal(
                row,
                cell,
                f"; it must be a word, as {shown(before)} in {self._origin.rows} {first}",
                "Correct one of them: a column has only numbers or only words. Units belong in the"
                " header.",
            )
        if word not in self._words and len(self._words) == MOST_WORDS:
            raise self.refusal(
                row,
                cell,
                f", the word number {MOST_WORDS + 1} of this column; at most {MOST_WORDS} are"
                " allowed",
                "Leave the column out if its texts are not categories.",
            )
        return self._words.setdefault(word, len(self._words))

    def refusal(self, row: int, cell: str, problem: str, advice: str = "") -> ExperimentError:
        """Return the error about a cell; `problem` continues a sentence."""
        where = f"{self._origin.rows} {row}, {self.label}"
        return self._origin.refusal(
            f"has {shown(cell)} in {where}{problem}.", advice or self._advice(cell)
        )

    def _advice(self, cell: str) -> str:
        other = "," if self._decimal == "." else "."
        if self._origin.rows == "line" and math.isfinite(parsed(cell, other)):
            return self._origin.advise(
                f"If its decimal sign is meant, write decimal = {shown(other)}",
                f"If its decimal sign is meant, write {shown(self._decimal)} instead.",
            )
        correct = "Correct the cell"
        if not self._origin.is_new:
            correct += ", or leave it empty and write data.missing"
        return f"{correct}. Numbers are written without units and without separators of thousands."

    def present(self) -> NDArray[np.bool_]:
        """Tell which cells are not missing."""
        return ~np.isnan(np.frombuffer(self._cells))

    def numbers(self, rows: NDArray[np.bool_]) -> Floats | None:
        """Return the numbers in some rows, NaN where they are missing; None for words."""
        return None if self._words else np.frombuffer(self._cells)[rows]

    def words(self, rows: NDArray[np.bool_]) -> tuple[list[str], NDArray[np.int64]]:
        """Return the words in some rows, sorted, and the position in that list for each row."""
        self._check_complete_words()
        names = list(self._words)
        codes = np.frombuffer(self._cells)[rows].astype(np.int64)
        order = sorted(np.unique(codes).tolist(), key=names.__getitem__)
        ranks = np.empty(len(names), dtype=np.int64)
        ranks[order] = np.arange(len(order))
        return [names[code] for code in order], ranks[codes]

    def classes(
        self, rows: NDArray[np.bool_], outputs: int
    ) -> tuple[list[str], NDArray[np.int64]] | None:
        """Return the same for targets that are classes: words, or whole numbers of several outputs.

        Raises
        ------
        ExperimentError
            There is only one class.
        """
        numbers = self.numbers(rows)
        if numbers is None:
            names, codes = self.words(rows)
        elif outputs > 1:
            distinct, codes = np.unique(numbers, return_inverse=True)
            if len(distinct) > MOST_WORDS or not all(x.is_integer() for x in distinct.tolist()):
                return None
            names = [str(int(number)) for number in distinct]
        else:
            return None
        if len(names) == 1:
            raise self._origin.refusal(
                f"has only the class {shown(names[0])} in {self.label}.",
                "Give data points of two classes or more.",
            )
        return names, codes
