"""How everything is printed: as plain text, for 80 columns or more, without blanks at line ends."""

import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from harness.errors import printable, shortened

console = Console(highlight=False)

# Characters of a line and of a cell: what is longer came from a file, and hides the rest.
_LONGEST_LINE = 1000
_LONGEST_CELL = 100


def say(text: str = "", style: str = "") -> None:
    """Print text as it is: what a user wrote is no markup, and no line is cut or wrapped."""
    console.print(Text(fit_to_print(text), style), soft_wrap=True)


def fit_to_print(text: str) -> str:
    """Escape what could command a terminal, and cut lines that would flood it."""
    return "\n".join(printable(shortened(line, _LONGEST_LINE)) for line in text.split("\n"))


def say_wrapped(text: str, bold: int = 0, indent: str = "") -> None:
    """Print text in lines as wide as the terminal, its first characters bold."""
    width = max(console.width, 20)
    lines = textwrap.wrap(
        fit_to_print(text),
        width,
        initial_indent=indent,
        subsequent_indent=2 * indent,
        break_on_hyphens=False,  # 1e-05 is one word
    )
    whole = Text("\n".join(lines))
    whole.stylize("bold", 0, bold)
    console.print(whole, soft_wrap=True)


def say_table(
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    gap: int = 2,
    *,
    fold: bool = False,
) -> None:
    """Print a table at its own width, which may be more than that of the terminal.

    With `fold`, columns that do not fit go below the others, beside the first column again.
    """
    lines = [[_cell(text) for text in row] for row in (headings, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    say(title, "bold")
    for columns in _folds(widths, gap, console.width) if fold else [range(len(widths))]:
        for row in lines:
            line = (" " * gap).join(row[n].rjust(widths[n]) for n in columns).rstrip()
            console.print(Text(line), soft_wrap=True)  # of any width: its cells are bounded


def _folds(widths: Sequence[int], gap: int, most: int) -> list[list[int]]:
    """Return which columns stand side by side.

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
