"""Style of all plots: sizes, colours, titles that fit, and files with the same bytes every time.

Figures are made without pyplot, which would keep every one of them alive until it is closed.
"""

import math
import textwrap
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

# Okabe and Ito (2008, "Color universal design"), without the yellow, which is faint on white.
CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
ENDINGS = {
    "converged": "#009E73",
    "finished": "#0072B2",
    "diverged": "#D55E00",
    "stopped": "#E69F00",
}
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))

# Both are perceptually uniform and colour-blind safe.
VALUES = "viridis"
SHARES = "cividis"

DARK = "#222222"
GREY = "#bbbbbb"  # map cells whose runs diverged
HATCH = "////"
STRIP = "#f0f0f0"  # the part of an axis that stands for zero or infinity

# No dates: the same figure gives the same file.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
FORMATS = tuple(_METADATA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Sizes of a plot: width and height in inches, font and line in points."""

    width: float
    height: float
    font: float
    line: float
    dpi: int

    @property
    def beside(self) -> bool:
        """Whether panels fit beside each other; otherwise they are stacked."""
        return self.width > 6

    @property
    def small(self) -> float:
        """Font size of ticks, legends and notes, in points."""
        return 0.85 * self.font


SLIDE = Style(width=10.0, height=5.6, font=14, line=2.0, dpi=150)
COLUMN = Style(width=3.5, height=2.7, font=8, line=1.1, dpi=300)
POSTER = Style(width=20.0, height=11.2, font=28, line=4.0, dpi=150)
STYLES = {"slide": SLIDE, "column": COLUMN, "poster": POSTER}


class Picture(Figure):
    """A figure with what is said below it; notebooks display it, as they do pyplot's figures.

    Attributes
    ----------
    caption : str
        Sentences on the runs that are shown, what was left out, and what lines and bands mean.
    table : DataFrame
        The numbers that are drawn.
    """

    caption: str = ""
    table: pd.DataFrame

    def _repr_png_(self) -> bytes:
        return rendered(self)


def new_figure(
    style: Style, panels: int = 1, columns: int | None = None, **options: Any
) -> tuple[Picture, list[Any]]:
    """Return a figure and its panels, row by row.

    By default, up to three are side by side, four are two by two, or all are stacked if the figure
    is narrow.
    """
    if columns is None:
        columns = (2 if panels == 4 else min(panels, 3)) if style.beside else 1
    rows = math.ceil(panels / columns)
    height = style.height * (1 if style.beside else max(1, rows * (0.86 if columns == 1 else 0.42)))
    figure = Picture(figsize=(style.width, height), dpi=style.dpi, layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False, **options).ravel())
    for empty in grid[panels:]:
        empty.set_visible(False)
    return figure, grid[:panels]


def dress(
    axes: Any, style: Style, *, x: str = "", y: str = "", title: str = "", room: float = 0.8
) -> None:
    """Set the labels and the title of a panel in the sizes of a style.

    `room` is the share of the figure's width that the title may take.
    """
    if x:
        axes.set_xlabel(x, fontsize=style.font)
    if y:
        axes.set_ylabel(y, fontsize=style.font)
    if title:
        axes.set_title(fitted(title, style, room), fontsize=style.font, loc="left")
    axes.tick_params(labelsize=style.small, width=style.line / 2, length=0.3 * style.font)
    axes.tick_params(which="minor", width=style.line / 3, length=0.18 * style.font)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_linewidth(style.line / 2)


def fitted(text: str, style: Style, share: float = 0.95) -> str:
    """Wrap a title to a share of the figure's width."""
    # A character is about half as wide as the font is high; an inch has 72 points.
    room = int(share * style.width * 72 / (0.5 * style.font))
    return "\n".join(textwrap.wrap(text, max(room, 12), break_long_words=False))


def headline(figure: Any, style: Style, text: str) -> None:
    """Set a title above all panels, at some distance from theirs."""
    figure.get_layout_engine().set(h_pad=0.006 * style.font)  # inches
    figure.suptitle(fitted(text, style), fontsize=style.font, x=0.01, ha="left")


def entry(label: str, **look: Any) -> Line2D:
    """Return a legend entry: a line or, with a marker and no line style, a symbol."""
    return Line2D([], [], label=label, **look)


def legend(figure: Any, style: Style, handles: list[Any]) -> None:
    """Put a legend below the panels, where it covers nothing."""
    if not handles:
        return
    # As many columns as the longest entry allows, with its symbol.
    longest = max(len(handle.get_label()) for handle in handles) + 7
    room = int(style.width * 72 / (0.45 * style.font * longest))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=max(1, min(len(handles), room)),
        frameon=False,
        fontsize=style.small,
        handlelength=1.6,
        columnspacing=1.2,
    )


def write_caption(figure: Picture, style: Style) -> None:
    """Write the caption below the panels and the legend, which make room for it.

    A figure for a column of text becomes higher instead: its panels would be flat.
    """
    if not figure.caption:
        return
    size = 0.75 * style.font
    room = int(0.97 * style.width * 72 / (0.54 * size))
    text = textwrap.fill(figure.caption, room)
    lines = 1.25 * (text.count("\n") + 1) + 0.5
    if not style.beside:
        legends = sum(one.get_window_extent().height for one in figure.legends) / figure.dpi
        figure.set_figheight(figure.get_figheight() + lines * size / 72 + legends)
    line = size / (72 * figure.get_figheight())
    figure.text(0.01, 0.3 * line, text, fontsize=size, va="bottom")
    bottom = line * lines
    for one in figure.legends:
        # A legend that is moved is no longer part of the layout.
        one.set_bbox_to_anchor((0.0, bottom, 1.0, 1.0 - bottom), transform=figure.transFigure)
        bottom += one.get_window_extent().height / figure.bbox.height + line
    layout = figure.get_layout_engine()
    assert isinstance(layout, ConstrainedLayoutEngine)
    layout.set(rect=(0.0, bottom, 1.0, 1.0 - bottom))


def colour_bar(
    figure: Any, style: Style, mappable: Any, axes: Any, label: str, **options: Any
) -> Any:
    """Add a colour bar beside a panel."""
    bar = figure.colorbar(mappable, ax=axes, pad=0.02, **{"aspect": 25, **options})
    bar.set_label(label, fontsize=style.font)
    bar.ax.tick_params(labelsize=style.small)
    bar.outline.set_visible(False)
    return bar


def remark(axes: Any, style: Style, text: str) -> None:
    """Write in the middle of an empty panel why it is empty."""
    axes.text(
        0.5,
        0.5,
        text,
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontsize=style.font,
        bbox={"facecolor": "white", "linewidth": 0},
    )


def rendered(figure: Any, file_format: str = "png") -> bytes:
    """Return a figure as the bytes of a file in one of `FORMATS`."""
    file = BytesIO()
    # The ids in an SVG file are hashes whose salt is random by default.
    with mpl.rc_context({"svg.hashsalt": "harness"}):
        figure.savefig(file, format=file_format, metadata=_METADATA[file_format])
    return file.getvalue()
