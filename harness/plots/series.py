"""The values of an axis that a plot compares, with a line, band or panel for each of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.measures import has_value
from harness.analysis.tally import Factor
from harness.errors import ResultsError, shown
from harness.formatting import listed, plural
from harness.plots.reading import choose_axes
from harness.plots.scales import one_of, values_of
from harness.results.sentences import exact
from harness.results.tables import Results

# As many as there are colours that everyone can tell apart.
MOST_SERIES = 6

# Values of longer axes, which only numbered starts have, are not listed.
_MOST_VALUES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Some values of an axis.

    Attributes
    ----------
    axis : str
        Name of the axis.
    values : tuple
        Its values, as in the table of runs, in the order of the legend.
    note : str
        A sentence on how they differ from those asked for; empty if they do not.
    """

    axis: str
    values: tuple[Any, ...]
    note: str = ""

    @property
    def condition(self) -> str:
        """The condition for `Results.where` that a run has one of the values."""
        known = [int(value) if isinstance(value, bool) else value for value in self.values]
        values = [value for value in known if not pd.isna(value)]
        either = [f"{self.axis} in {values!r}"] if values else []
        if len(values) < len(known):  # only NaN differs from itself
            either.append(f"{self.axis} != {self.axis}")
        return " or ".join(either)

    def label(self, value: Any) -> str:
        """Return a value with the name of the axis.

        >>> Series(axis="learning_rate", values=(0.1,)).label(0.034145488738336005)
        'learning rate 0.03415'
        >>> Series(axis="momentum", values=(float("nan"),)).label(float("nan"))
        'no momentum'
        """
        if pd.isna(value):
            return f"no {one_of(self.axis)}"
        return f"{one_of(self.axis)} {short(value)}"

    def parts(self, runs: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
        """Yield each value's label and its rows of a table that has the column of the axis."""
        for value in self.values:
            yield self.label(value), runs[has_value(runs[self.axis], value)]


def short(value: Any) -> str:
    """Write a value of an axis for a legend, with at most four digits.

    >>> short(0.034145488738336005), short(1000000.0), short(3), short("tanh"), short(True)
    ('0.03415', '1e+06', '3', 'tanh', 'true')
    >>> short(float("nan"))  # of runs that do not have the setting
    'none'
    """
    if pd.isna(value):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def series_of(results: Results, by: str, *, most: int = MOST_SERIES, option: str = "by") -> Series:
    """Return the series that a user asked for.

    Parameters
    ----------
    results : Results
        The sweep.
    by : str
        The name of an axis, for all its values or `most` of them, evenly spread; or the name and
        some values, such as ``"learning_rate=0.02,0.05"``. Of numbers that are not on the axis, the
        nearest are taken, and `Series.note` says so.
    most : int
        The largest number of values.
    option : str
        Name of the option in error messages.

    Raises
    ------
    ResultsError
        The axis does not exist, does not have a text, or has too many values.
    """
    name, equals, text = by.partition("=")
    name = choose_axes(results, [name.strip()])[0]
    known = _values(results, name, option)
    if not equals:
        if len(known) <= most:
            return Series(axis=name, values=tuple(known))
        spread = np.linspace(0, len(known) - 1, most).round().astype(int)
        note = f"{most} of {len(known):,} {values_of(name)} are shown."
        return Series(axis=name, values=tuple(known[i] for i in spread), note=note)
    wanted = [part.strip() for part in text.split(",")]
    if len(wanted) > most:
        raise ResultsError(
            f"{option} = {shown(by)} names {len(wanted)} values.\nName at most {most}."
        )
    found = [_nearest(name, part, known, option) for part in wanted]
    moved = [
        (short(value), part)
        for part, value in zip(wanted, found, strict=True)
        if part != exact(value) and not _same(part, value)
    ]
    nearest = [
        f"{value} {'' if number else 'is nearest '}to {part}"
        for number, (value, part) in enumerate(moved)
    ]
    note = f"Of the {values_of(name)}, {listed(nearest)}." if moved else ""
    return Series(axis=name, values=tuple(dict.fromkeys(found)), note=note)


def _values(results: Results, name: str, option: str) -> list[Any]:
    """Return the distinct values of an axis: numbers in ascending order, names as in the grid."""
    for number, axes in enumerate(results.grid.dimensions):
        for axis in axes:
            if axis.name == name:
                if axis.values.count > _MOST_VALUES:
                    raise ResultsError(
                        f"{option} = {shown(name)} has {plural(axis.values.count, 'value')}, too"
                        ' many to choose from.\nUse --where, such as --where "init_id < 100".'
                    )
                factor = Factor(number, (axis,), axis.values.count)
                found: list[Any] = factor.values(np.arange(factor.count))[name].tolist()
                return found
    # An axis that is left out of the grid has one value for all runs.
    return next(results.run_batches([name]))[name].astype(object).unique().tolist()


def _nearest(name: str, text: str, known: Sequence[Any], option: str) -> Any:
    """Return the value that a user means: the same text, or the nearest number."""
    for value in known:
        if text in (exact(value), short(value), str(value)):
            return value
    known = [value for value in known if not pd.isna(value)]
    numbers = [value for value in known if isinstance(value, int | float)]
    try:
        wanted = float(text)
    except ValueError:
        wanted = float("nan")
    if not numbers or len(numbers) < len(known) or not np.isfinite(wanted):
        few = ", ".join(short(value) for value in known[:20])
        raise ResultsError(
            f"{option} = {shown(f'{name}={text}')} is not a value of the axis {name}.\n"
            f"Its values are {few}{', ...' if len(known) > 20 else ''}."
        )
    return min(numbers, key=lambda value: abs(value - wanted))


def _same(text: str, value: Any) -> bool:
    try:
        return bool(float(text) == value)
    except ValueError:
        return text == short(value)
