"""Plots of results: tables in, matplotlib figures out. No files are read or written here.

    figure = plots.draw(results, "map")  # one of plots.KINDS

To draw a table, such as a part of `results.runs`, call the function in the module of the kind, such
as `harness.plots.kinds.endings.endings`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.plots.kinds import KINDS

if TYPE_CHECKING:
    from harness.plots.drawing import draw
    from harness.plots.style import COLUMN, FORMATS, POSTER, SLIDE, Picture, Style, rendered

__all__ = [
    "COLUMN",
    "FORMATS",
    "KINDS",
    "POSTER",
    "SLIDE",
    "Picture",
    "Style",
    "draw",
    "rendered",
]


def __getattr__(name: str) -> Any:
    """Fetch a name at its first use: `harness --help` lists the kinds without matplotlib."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "drawing" if name == "draw" else "style"
    return getattr(import_module(f"{__name__}.{module}"), name)
