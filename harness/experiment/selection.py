"""The columns of inputs and targets: by name, by number, or all but the targets."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.errors import ExperimentError, shown
from harness.experiment.columns import Origin
from harness.formatting import plural
from harness.hints import nearest

MOST_COLUMNS = 1_000_000

EVERY = ("1-",)  # all columns, in `Reading.inputs`

# A number of a column, or a range of them; the end may be open.
NUMBERS = re.compile(r"([0-9]{1,7})(?:(-)([0-9]{1,7})?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How to make data points of a table.

    Attributes
    ----------
    inputs : tuple of str or None
        Columns by name, number or range of numbers; None for all but the targets.
    targets : tuple of str
        The same for the targets.
    outputs : int
        Outputs of the network: a column of two words can be one target or two.
    missing : str
        What to do with missing cells.
    header : bool or None
        Whether the first row has the names of the columns; None if it is to be found.
    separator, decimal : str or None
        Separator of cells, and decimal sign; None if they are to be found.
    """

    inputs: tuple[str, ...] | None
    targets: tuple[str, ...]
    outputs: int = 1
    missing: Literal["error", "drop", "mean"] = "error"
    header: bool | None = None
    separator: str | None = None
    decimal: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are named."""
        return (self.inputs or ()) + self.targets


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Positions of the columns of inputs and targets, counted from 0."""

    inputs: list[int]
    targets: list[int]

    @property
    def positions(self) -> list[int]:
        """All of them, without repetition."""
        return list(dict.fromkeys(self.inputs + self.targets))


def choose(origin: Origin, header: Sequence[str] | None, count: int, reading: Reading) -> Choice:
    """Find the columns of inputs and targets.

    Parameters
    ----------
    origin : Origin
        The table.
    header : sequence of str or None
        Names of its columns, if it has them.
    count : int
        Number of its columns.
    reading : Reading
        The columns asked for.

    Raises
    ------
    ExperimentError
        A column does not exist, or several columns have its name.
    """
    by_name: dict[str, list[int]] = {}
    for position, name in enumerate(header or ()):
        by_name.setdefault(name, []).append(position)

    def positions(key: str, names: Iterable[str]) -> list[int]:
        return [p for name in names for p in _positions(origin, by_name, count, key, name)]

    if origin.is_new and reading.inputs != EVERY:
        inputs = [_position(origin, by_name, name) for name in reading.inputs or ()]
        return Choice(inputs=inputs, targets=[])
    targets = positions("data.targets", reading.targets)
    if reading.inputs is not None:
        return Choice(inputs=positions("data.inputs", reading.inputs), targets=targets)
    taken = set(targets)
    inputs = [position for position in range(count) if position not in taken]
    if not inputs:
        raise ExperimentError(
            "data.inputs",
            f'= "all but targets" leaves no column: {origin} has only {plural(count, "column")}.',
            "Name fewer columns in data.targets.",
        )
    return Choice(inputs=inputs, targets=targets)


def ranges(positions: Sequence[int]) -> list[str]:
    """Write ascending positions, counted from 0, as numbers of columns.

    >>> ranges([1, 2, 3, 5])
    ['2-4', '6']
    """
    there = set(positions)
    starts = [p for p in positions if p - 1 not in there]
    ends = [p for p in positions if p + 1 not in there]
    return [
        f"{first + 1}-{last + 1}" if first < last else f"{first + 1}"
        for first, last in zip(starts, ends, strict=True)
    ]


def _position(origin: Origin, by_name: Mapping[str, list[int]], name: str) -> int:
    """Return the position of a column of the experiment in a table of new inputs."""
    named = by_name.get(name, [])
    if len(named) == 1:
        return named[0]
    if named:
        problem, advice = f"it has {len(named)}", "Leave out all but one of them."
    elif by_name:
        problem = f"its columns are {shown(list(by_name))}"
        advice = nearest(name, by_name) or "Name its columns as in those data."
    else:
        problem, advice = "it has no header", "Write the names of its columns in the first line."
    raise origin.refusal(
        f"must have one column {shown(name)}, like the data of the experiment; {problem}.", advice
    )


def _positions(
    origin: Origin, by_name: Mapping[str, list[int]], count: int, key: str, name: str
) -> Sequence[int]:
    """Return the positions of a column or a range; a name in the header comes before a number."""
    match = NUMBERS.fullmatch(name)
    numbered = _numbered(match, count) if match else range(0)
    named = by_name.get(name, [])
    if len(named) > 1:
        problem = f"is in {origin} more than once"
        advice = "Give each column its own name, or write its number."
    elif named and len(numbered) == 1 and named[0] != numbered[0]:
        problem = f"is the name of column {named[0] + 1} of {origin} and the number of another one"
        advice = (
            f'Write "{named[0] + 1}-{named[0] + 1}" for the column of this name, or'
            f' "{name}-{name}" for that of this number.'
        )
    elif named or numbered:
        return named or numbered
    elif match:
        problem = f"is not in {origin}, which has {plural(count, 'column')}"
        advice = 'Columns are counted from 1; "2-4" are columns 2 to 4. ' + _HEADER[origin.rows]
    elif by_name:
        problem = f"is not in {origin}; its columns are {shown(list(by_name))}"
        advice = _range_of(name, by_name) or nearest(name, by_name)
        advice = advice or (_SEPARATE if count == 1 else _CORRECT)[origin.rows]
    else:
        problem = f"is not in {origin}: it has no header, only columns 1 to {count}"
        advice = f'Write numbers, such as "{count}" or "1-{count}". ' + _HEADER[origin.rows]
    raise ExperimentError(key, f"names the column {shown(name)}, which {problem}.", advice.strip())


def _range_of(name: str, by_name: Mapping[str, list[int]]) -> str:
    """Return the advice for a range of names, such as "a-c"; empty if it is something else."""
    for dash, character in enumerate(name):
        first, last = by_name.get(name[:dash], []), by_name.get(name[dash + 1 :], [])
        if character == "-" and first and last:
            return f'Ranges have numbers of columns: write "{first[0] + 1}-{last[0] + 1}".'
    return ""


_HEADER = {"line": "If the first line has the names, write header = true in [data].", "row": ""}
_SEPARATE = {
    "line": "The first line must have the names of the columns. If something else separates them,"
    ' write it, such as separator = ";", in [data].',
    "row": "Correct the name.",
}
_CORRECT = {
    "line": "Correct the name here, or in the first line of the file.",
    "row": "Correct the name.",
}


def _numbered(match: re.Match[str], count: int) -> range:
    """Return the positions of a number or a range; none if one of them does not exist."""
    first = int(match[1])
    last = int(match[3] or count) if match[2] else first
    return range(first - 1, last) if 1 <= first <= last <= count else range(0)
