"""Printing of plain text, for terminals of 80 columns or more, without trailing blanks."""

import textwrap
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from harness.errors import printable, shortened

if TYPE_CHECKING:
    from rich.console import Console

# Characters of a line and of a cell; longer text comes from a file, and would hide the rest.
_LONGEST_LINE = 1000
_LONGEST_CELL = 100


@cache
def console() -> "Console":
    """Return the terminal. It is made on first use, because `--help` does not need rich."""
    from rich.console import Console

    return Console(highlight=False)


def _print(text: str, style: str = "", bold: int = 0) -> None:
    """Print text as it is, without markup or wrapping, its first characters bold."""
    from rich.text import Text

    styled = Text(text, style)
    styled.stylize("bold", 0, bold)
    console().print(styled, soft_wrap=True)


def say(text: str = "", style: str = "") -> None:
    """Print text without wrapping. It may come from a user: it is escaped, and is not markup."""
    _print(fit_to_print(text), style)


def fit_to_print(text: str) -> str:
    """Escape control characters, and shorten lines that would flood a terminal."""
    return "\n".join(printable(shortened(line, _LONGEST_LINE)) for line in text.split("\n"))


def say_wrapped(text: str, bold: int = 0, indent: str = "") -> None:
    """Print text wrapped to the width of the terminal, its first characters bold."""
    width = max(console().width, 20)
    lines = textwrap.wrap(
        fit_to_print(text),
        width,
        initial_indent=indent,
        subsequent_indent=2 * indent,
        break_on_hyphens=False,  # 1e-05 is one word
    )
    _print("\n".join(lines), bold=bold)


def say_table(
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    gap: int = 2,
    *,
    fold: bool = False,
) -> None:
    """Print a table at its own width, which may exceed that of the terminal.

    With `fold`, columns that do not fit are printed below, with the first column repeated.
    """
    lines = [[_cell(text) for text in row] for row in (headings, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    say(title, "bold")
    for columns in _folds(widths, gap, console().width) if fold else [range(len(widths))]:
        for row in lines:
            line = (" " * gap).join(row[n].rjust(widths[n]) for n in columns).rstrip()
            _print(line)  # not `say`, which shortens lines; cells are shortened already


def _folds(widths: Sequence[int], gap: int, most: int) -> list[list[int]]:
    """Return groups of columns that fit side by side, each with the first column.

    >>> _folds([4, 5, 3, 9], 2, 16)
    [[0, 1, 2], [0, 3]]
    """
    folds, used = [[0]], widths[0]
    for column in range(1, len(widths)):
        used += gap + widths[column]
        if used > most and len(folds[-1]) > 1:
            folds.append([0])
            used = widths[0] + gap + widths[column]
        folds[-1].append(column)
    return folds


def _cell(text: str) -> str:
    return shortened(printable(text), _LONGEST_CELL)
