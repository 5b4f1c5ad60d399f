"""What all pictures have in common: sizes, colours, titles that fit, and files that are the same.

Figures are made without pyplot, which would keep each of them until it is told to close it.
"""

import textwrap
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

# Okabe and Ito (2008, "Color universal design"), but for the yellow, which white swallows.
CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
ENDINGS = {"converged": "#009E73", "finished": "#0072B2", "diverged": "#D55E00"}
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

# Both are perceptually uniform, and safe for the colour-blind.
VALUES = "viridis"
SHARES = "cividis"

DARK = "#222222"
GREY = "#bbbbbb"  # a cell of a map, where its runs diverged
STRIP = "#f0f0f0"  # the part of an axis that is beyond its numbers

# A date in a file would make it another one every day.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
FORMATS = tuple(_METADATA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Sizes of a picture: width and height in inches, font and line in points."""

    width: float
    height: float
    font: float
    line: float
    dpi: int

    @property
    def beside(self) -> bool:
        """Whether panels have room beside each other; else they stand one above the other."""
        return self.width > 6


SLIDE = Style(width=10.0, height=5.6, font=14, line=2.0, dpi=150)
COLUMN = Style(width=3.5, height=2.7, font=8, line=1.1, dpi=300)
WIDTHS = {"slide": SLIDE, "column": COLUMN}


class Picture(Figure):
    """A figure that a notebook shows; without pyplot nobody tells the notebook how."""

    def _repr_png_(self) -> bytes:
        return rendered(self)


def new_figure(style: Style, panels: int = 1, **options: Any) -> tuple[Figure, list[Any]]:
    """Return a figure and its panels."""
    stacked = panels > 1 and not style.beside
    height = style.height * (0.86 * panels if stacked else 1)
    figure = Picture(figsize=(style.width, height), dpi=style.dpi, layout="constrained")
    rows, columns = (panels, 1) if stacked else (1, panels)
    grid = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(grid.ravel())


def dress(
    axes: Any, style: Style, *, x: str = "", y: str = "", title: str = "", room: float = 0.8
) -> None:
    """Write labels and title of a panel in the sizes of a style.

    `room` is the part of the width of the picture that a title has.
    """
    small = 0.85 * style.font
    if x:
        axes.set_xlabel(x, fontsize=style.font)
    if y:
        axes.set_ylabel(y, fontsize=style.font)
    if title:
        axes.set_title(fitted(title, style, room), fontsize=style.font, loc="left")
    axes.tick_params(labelsize=small, width=style.line / 2, length=0.3 * style.font)
    axes.tick_params(which="minor", width=style.line / 3, length=0.18 * style.font)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_linewidth(style.line / 2)


def fitted(text: str, style: Style, share: float = 0.95) -> str:
    """Break a title into lines that a share of the width has room for."""
    # A character is about half as wide as the font is high, of which an inch has 72 points.
    room = int(share * style.width * 72 / (0.5 * style.font))
    return "\n".join(textwrap.wrap(text, max(room, 12), break_long_words=False))


def headline(figure: Any, style: Style, text: str) -> None:
    """Write a title above all panels."""
    figure.suptitle(fitted(text, style), fontsize=style.font, x=0.01, ha="left")


def legend(figure: Any, style: Style, handles: list[Any], columns: int | None = None) -> None:
    """Put a legend below the panels, where it hides nothing."""
    if not handles:
        return
    # So many columns that the longest entry fits, with its sign.
    longest = max(len(handle.get_label()) for handle in handles) + 7
    room = int(style.width * 72 / (0.45 * style.font * longest))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=columns or max(1, min(len(handles), room)),
        frameon=False,
        fontsize=0.85 * style.font,
        handlelength=1.6,
        columnspacing=1.2,
    )


def colour_bar(
    figure: Any, style: Style, mappable: Any, axes: Any, label: str, **options: Any
) -> Any:
    """Put a bar of colours beside a panel."""
    bar = figure.colorbar(mappable, ax=axes, pad=0.02, aspect=25, **options)
    bar.set_label(label, fontsize=style.font)
    bar.ax.tick_params(labelsize=0.85 * style.font)
    bar.outline.set_visible(False)
    return bar


def remark(axes: Any, style: Style, text: str) -> None:
    """Write in the middle of a panel why there is nothing else in it."""
    axes.text(
        0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=style.font
    )


def rendered(figure: Any, file_format: str = "png") -> bytes:
    """Return a figure as the bytes of a file, one of `FORMATS`: the same every time."""
    file = BytesIO()
    # Ids in an SVG file are hashes with a salt, which would be random.
    with mpl.rc_context({"svg.hashsalt": "harness"}):
        figure.savefig(file, format=file_format, metadata=_METADATA[file_format])
    return file.getvalue()
