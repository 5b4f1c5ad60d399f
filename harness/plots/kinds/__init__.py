"""The kinds of plots: one module each, found by its name.

A module here is a kind, and holds everything about it: `KIND`, which says what the plot shows and
which options it takes, how it reads results, its title, and how it draws tables.
"""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # matplotlib is loaded when something is drawn, not for `harness --help`
    from matplotlib.figure import Figure

    from harness.plots.style import Style
    from harness.results.tables import Results

KINDS = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of a plot; None leaves the choice to the plot."""

    run: int | None
    x: str | None
    y: str | None
    ssr: float | None
    style: "Style"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of plot.

    Attributes
    ----------
    summary : str
        One sentence on what it shows.
    draw : callable
        From results and options to a figure.
    takes : tuple of str
        The fields of `Options` that it uses. All kinds use `style`.
    needs : tuple of callable
        Checks of the results; each raises a ResultsError that names what was not recorded.
    """

    summary: str
    draw: "Callable[[Results, Options], Figure]"
    takes: tuple[str, ...] = ()
    needs: "tuple[Callable[[Results], None], ...]" = ()


def load_kind(name: str) -> Kind:
    """Return the kind with a name of `KINDS`."""
    kind: Kind = import_module(f"{__name__}.{name}").KIND
    return kind
