"""Make data points of a table: a CSV file, a Parquet file, or data of Python.

Files and Python data take the same way: `choose` finds the columns, a `Column` takes the cells of
each, and `data_points` makes inputs and targets of them. Nothing is scaled here, and a missing
input that a mean is to replace is NaN, because the mean depends on the data points that count.
"""

import math
import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, islice
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import ExperimentError, shown
from harness.experiment.columns import Column, Origin, is_missing, is_number, parsed
from harness.experiment.csv_files import CONTINUES, SAMPLE, Row, csv_origin, csv_rows, unreadable
from harness.experiment.data import Dataset, Floats, Names, check_size
from harness.experiment.selection import Choice, Reading, choose, ranges
from harness.formatting import plural

# Between the name of a column and a word, in the name of the input for that word.
EQUALS = " = "

# A column of more words than this, with less than two data points per word, has names or ids.
_FEW_WORDS = 10

# Data points that are named when they are left out.
_NAMED = 5

# "1,234" may be 1.234 or 1234.
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The columns of a table that are read.

    Attributes
    ----------
    origin : Origin
        Where they come from.
    header : sequence of str or None
        Names of all columns of the table, if it has them.
    choice : Choice
        Positions of inputs and targets.
    columns : mapping
        The columns by position.
    lines : array of shape (m,) or None
        The line of each row in its file; None if rows are numbered themselves.
    """

    origin: Origin
    header: Sequence[str] | None
    choice: Choice
    columns: Mapping[int, Column]
    lines: NDArray[np.int64] | None = None


def read_csv(path: Path, reading: Reading, key: str = "data.file") -> Table:
    """Read columns from a CSV file that a key names.

    Raises
    ------
    ExperimentError
        The file or a cell cannot be read, a column is missing, or the file can be read in two ways;
        the message names file, line and column.
    """
    origin = csv_origin(path, key)
    rows = csv_rows(origin, reading.separator)
    sample = list(islice(rows, SAMPLE))
    if not sample:
        raise origin.refusal("is empty.", "Add a line for each data point.")
    first, count = sample[0][0], len(sample[0][1])
    header = None
    if _has_header(origin, sample, reading):
        header = [cell.strip() for cell in sample.pop(0)[1]]
    elif any("\n" in cell or "\r" in cell for cell in sample[0][1]):
        raise unreadable(origin, first, CONTINUES)
    choice = choose(origin, header, count, reading)
    decimal = reading.decimal or _decimal(origin, sample, choice)
    columns = empty_columns(origin, header, choice, reading, decimal)
    pairs = list(columns.items())
    lines = array("q")
    for line, cells in chain(sample, rows):
        if len(cells) != count:
            raise origin.refusal(
                f"has {plural(len(cells), 'cell')} in line {line} and {count} in"
                f" {'its header' if header else f'line {first}'}.",
                "Give every line the same number of cells; put texts with separators in quotes.",
            )
        for position, column in pairs:
            column.add(line, cells[position])
        lines.append(line)
    return Table(
        origin=origin, header=header, choice=choice, columns=columns, lines=np.array(lines)
    )


def read_table(table: Any, reading: Reading, key: str = "data") -> Table:
    """Take columns from a pandas DataFrame, or anything that can be made one, given as `key`.

    Raises
    ------
    ExperimentError
        It is not a table, a column is missing, or a cell is not a number or a text.
    """
    origin, frame = Origin(key=key), as_frame(table, key)
    header = [str(name).strip() for name in frame.columns] if has_names(frame) else None
    choice = choose(origin, header, frame.shape[1], reading)
    columns = empty_columns(origin, header, choice, reading)
    for position, column in columns.items():
        add_series(column, frame.iloc[:, position])
    return Table(origin=origin, header=header, choice=choice, columns=columns)


def as_frame(table: Any, key: str) -> pd.DataFrame:
    """Return a table of Python, given as `key`, as a DataFrame; raise if it cannot be one."""
    try:
        return table if isinstance(table, pd.DataFrame) else pd.DataFrame(table)
    except (TypeError, ValueError) as error:
        raise Origin(key=key).refusal(
            f"is not a table: {error}.", "Give a pandas DataFrame, an array, or a list of rows."
        ) from None


def has_names(frame: pd.DataFrame) -> bool:
    """Return whether the columns have names, and not only numbers."""
    return not pd.api.types.is_integer_dtype(frame.columns.dtype)


def _has_header(origin: Origin, sample: Sequence[Row], reading: Reading) -> bool:
    """Tell whether the first row has the names of the columns."""
    if reading.header is not None:
        return reading.header
    (line, cells), *below = sample
    first = [cell.strip() for cell in cells]
    if not any(map(is_number, first)):
        return True
    if any(name in first and not is_number(name) for name in reading.columns):
        return True
    for position, cell in enumerate(first):
        under = (row[position] for _, row in below if position < len(row))
        if not is_number(cell) and not is_missing(cell) and any(map(is_number, under)):
            raise origin.refusal(
                f"has {shown(cell)} above numbers in line {line}, and numbers beside it: the line"
                " may be a header or a data point.",
                origin.advise(
                    "Write header = true or header = false",
                    "Give all columns names that are not numbers, or none.",
                ),
            )
    return False


def _decimal(origin: Origin, sample: Sequence[Row], choice: Choice) -> str:
    """Return the decimal sign of the first data points."""
    found: dict[str, tuple[int, str]] = {}
    is_clear = False
    for line, cells in sample:
        for position in choice.positions:
            cell = cells[position].strip() if position < len(cells) else ""
            for sign in ".,":
                if sign in cell and math.isfinite(parsed(cell, sign)):
                    found.setdefault(sign, (line, cell))
                    is_clear |= sign == "," and not _THOUSANDS.fullmatch(cell)
    if "," not in found:
        return "."
    line, cell = found[","]
    if "." in found:
        other_line, other = found["."]
        problem = f"has {shown(cell)} in line {line} and {shown(other)} in line {other_line}"
    elif is_clear:
        return ","
    else:
        problem = f"has {shown(cell)} in line {line}, where the comma may separate thousands"
    raise origin.refusal(
        f"{problem}; the decimal sign is unclear.",
        origin.advise(
            'Separators of thousands are not read. Write decimal = "," or decimal = "."',
            "Write all numbers with a decimal point, and without separators of thousands.",
        ),
    )


def empty_columns(
    origin: Origin,
    header: Sequence[str] | None,
    choice: Choice,
    reading: Reading,
    decimal: str = ".",
) -> dict[int, Column]:
    """Return an empty column for each position that is read."""
    targets = set(choice.targets)
    return {
        position: Column(
            origin,
            header[position] if header else "",
            position,
            missing=reading.missing,
            is_target=position in targets,
            decimal=decimal,
        )
        for position in choice.positions
    }


def add_series(column: Column, series: "pd.Series[Any]") -> None:
    """Add the cells of a column of pandas."""
    if series.dtype.kind in "biuf":
        column.extend(series.to_numpy(np.float64, na_value=np.nan))
        return
    cells = zip(series, series.isna(), strict=True)
    for row, (cell, missing) in enumerate(cells, start=1):
        if missing:
            column.add(row, "")
        elif isinstance(cell, str):
            column.add(row, cell)
        elif isinstance(cell, Real | Decimal | np.bool_):
            try:
                column.add(row, repr(float(cell)))
            except OverflowError:  # a whole number that is too large
                column.add(row, "inf")
        else:
            raise column.refusal(
                row,
                str(cell),
                f", of the type {type(cell).__name__}; numbers and texts are allowed",
                "Leave the column out, or convert it to numbers or texts.",
            )


# -- from columns to data points -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """One column of a table as columns of data points.

    Attributes
    ----------
    names : list of str
        Names of the columns.
    cells : array of shape (m,)
        Numbers, or codes of words.
    codes : sequence of int or None
        The code that each column marks by 1; None for numbers, which are a column as they are.
    """

    names: Sequence[str]
    cells: NDArray[Any]
    codes: Sequence[int] | None = None

    def values(self) -> NDArray[Any]:
        """Return the columns, of shape (m, len(names))."""
        if self.codes is None:
            return self.cells[:, np.newaxis]
        return np.asarray(self.cells[:, np.newaxis] == np.array(self.codes))


def data_points(table: Table, reading: Reading, validation: Table | None = None) -> Dataset:
    """Make inputs and targets of the columns, without the data points that are to be dropped.

    Parameters
    ----------
    table : Table
        The columns.
    reading : Reading
        How they were read.
    validation : Table, optional
        The same columns of data points for validation only, which become the last ones. They are
        added to those of `table`.

    Raises
    ------
    ExperimentError
        There are no data points, or too many; there is only one class; or `validation` has other
        columns, or a word that `table` does not have.
    """
    columns, choice = table.columns, table.choice
    numbers, unit = _numbers(table, validation)
    rows = _complete_rows(table, reading)
    trained = int(rows.sum())
    dropped_at = _dropped_at(table, rows)
    if validation is not None:
        others = _complete_rows(validation, reading)
        both = ((dropped_at, table), (_dropped_at(validation, others), validation))
        dropped_at = " and ".join(f"{where} of {of.origin}" for where, of in both if where)
        rows = np.concatenate((rows, others))
        for first, second in _pairs(table, validation):
            first.append(second)
        _check_known(table, validation, rows, trained, reading.outputs)
    if reading.inputs is None:
        _check_categories(table, rows)
    points = int(rows.sum())
    check_size(points, len(choice.inputs) + len(choice.targets))
    inputs = [_part(columns[position], rows) for position in choice.inputs]
    targets = [_part(columns[position], rows) for position in choice.targets]
    classes: Sequence[str] = ()
    if len(targets) == 1:
        found = columns[choice.targets[0]].classes(rows, reading.outputs)
        if found:
            classes, codes = found
            # Of two classes, a single output is the second.
            marked = [1] if reading.outputs == 1 and len(classes) == 2 else range(len(classes))
            targets = [_Part([classes[code] for code in marked], codes, marked)]
    check_size(points, sum(len(part.names) for part in inputs + targets))
    return Dataset(
        inputs=_joined(inputs, points),
        targets=_joined(targets, points),
        names=Names(inputs=_names(inputs), targets=_names(targets), classes=tuple(classes)),
        input_words=_words(inputs),
        target_words=_words(targets),
        held_out=points - trained,
        numbers=numbers[rows],
        unit=unit,
        dropped=len(rows) - points,
        dropped_at=dropped_at,
    )


def _dropped_at(table: Table, rows: NDArray[np.bool_]) -> str:
    """Return which rows are not data points, such as "lines 4, 17"; empty if all are."""
    numbers = np.arange(1, len(rows) + 1) if table.lines is None else table.lines
    dropped = numbers[~rows].tolist()
    if not dropped:
        return ""
    named = ", ".join(map(str, dropped[:_NAMED]))
    more = f" and {len(dropped) - _NAMED:,} more" if len(dropped) > _NAMED else ""
    return f"{table.origin.rows}{'s' if len(dropped) > 1 else ''} {named}{more}"


def _numbers(table: Table, validation: Table | None) -> tuple[NDArray[np.int64], str]:
    """Return the numbers of all rows: lines, unless one of two tables has none."""
    tables = [table] if validation is None else [table, validation]
    lines = [t.lines for t in tables if t.lines is not None]
    if len(lines) == len(tables):
        return np.concatenate(lines), "line"
    counts = (len(t.columns[t.choice.positions[0]]) for t in tables)
    return np.concatenate([np.arange(1, count + 1) for count in counts]), "row"


def _complete_rows(table: Table, reading: Reading) -> NDArray[np.bool_]:
    """Return which rows are data points: all, or those without missing cells."""
    origin, columns = table.origin, list(table.columns.values())
    rows = np.ones(len(columns[0]), dtype=np.bool_)
    if not rows.size:
        raise origin.refusal(
            "has a header and no data points." if origin.file else "has no data points.",
            f"Add a {origin.rows} for each data point.",
        )
    if reading.missing == "drop":
        for column in columns:
            rows &= column.present()
        if not rows.any():
            raise origin.refusal(
                f"has no {origin.rows} without a missing cell.",
                "Leave out the columns with missing cells.",
            )
    return rows


def _check_categories(table: Table, rows: NDArray[np.bool_]) -> None:
    """Refuse "all but targets" if it includes names or ids, which would be an input each."""
    points, inputs = int(rows.sum()), table.choice.inputs
    words = {
        position: len(column.words(rows)[0])
        for position in inputs
        if (column := table.columns[position]).numbers(rows) is None
    }
    ids = [p for p, count in words.items() if count > _FEW_WORDS and 2 * count > points]
    if ids:
        others = ", ".join(f'"{text}"' for text in ranges([p for p in inputs if p not in ids]))
        example = f", such as inputs = [{others}]" if others else ""
        raise ExperimentError(
            "data.inputs",
            f'= "all but targets" includes {table.columns[ids[0]].label}, which has'
            f" {words[ids[0]]} different words in {points} data points; each would be an input.",
            f"Name the inputs instead{example}; if these words are categories, name this column,"
            " too.",
        )


def _pairs(table: Table, validation: Table) -> Iterable[tuple[Column, Column]]:
    """Return the columns of two tables that belong together."""
    first, second = (t.choice.inputs + t.choice.targets for t in (table, validation))
    names = [table.columns[position].name for position in first]
    others = [validation.columns[position].name for position in second]
    if validation.origin.is_new and len(first) != len(second):
        raise validation.origin.refusal(
            f"has {plural(len(second), 'column')}; the experiment has"
            f" {plural(len(first), 'input')}.",
            f"Give these inputs in their order: {shown(names)}.",
        )
    both_named = table.header is not None and validation.header is not None
    if len(first) != len(second) or (both_named and names != others):
        raise validation.origin.refusal(
            f"has the columns {shown(others)}, and {table.origin} has {shown(names)}.",
            "Give both the same columns.",
        )
    positions = dict(zip(first, second, strict=True))
    return [(table.columns[p], validation.columns[q]) for p, q in positions.items()]


def _check_known(
    table: Table, validation: Table, rows: NDArray[np.bool_], trained: int, outputs: int
) -> None:
    """Refuse words and classes that only data points for validation have."""
    for position, column in table.columns.items():
        if [position] == table.choice.targets:
            found = column.classes(rows, outputs)
        else:
            found = None if column.numbers(rows) is not None else column.words(rows)
        if found is None:
            continue
        words, codes = found
        unknown = np.setdiff1d(codes[trained:], codes[:trained])
        if unknown.size:
            raise validation.origin.refusal(
                f"has {shown(words[unknown[0]])} in {column.label}, and {table.origin} does not.",
                "Leave such data points out."
                if validation.origin.is_new
                else "Leave such data points out, or add some to the other file.",
            )


def _part(column: Column, rows: NDArray[np.bool_]) -> _Part:
    """Return numbers as they are, and a column of 0 and 1 for each word."""
    numbers = column.numbers(rows)
    if numbers is not None:
        return _Part([column.name], numbers)
    words, codes = column.words(rows)
    return _Part([f"{column.name}{EQUALS}{word}" for word in words], codes, range(len(words)))


def _joined(parts: Iterable[_Part], points: int) -> Floats:
    """Return all columns side by side; inputs to predict have no targets."""
    columns = [np.empty((points, 0)), *(part.values() for part in parts)]
    return np.concatenate(columns, axis=1, dtype=np.float64)


def _names(parts: Iterable[_Part]) -> tuple[str, ...]:
    return tuple(name for part in parts for name in part.names)


def _words(parts: Iterable[_Part]) -> frozenset[int]:
    is_word = [part.codes is not None for part in parts for _ in part.names]
    return frozenset(j for j, found in enumerate(is_word) if found)
