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
    from harness.plots.series import Series
    from harness.plots.style import Picture, Style
    from harness.results.tables import Results

KINDS = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of a plot; None leaves the choice to the plot.

    Attributes
    ----------
    given : frozenset of str
        The options that the user gave, such as "by" or "quantiles".
    run : int or None
        A run_id.
    x, y : str or None
        Axes of the grid, or parameters.
    ssr : float or None
        An SSR to reach.
    series : Series or None
        The values of an axis to compare. The results have the runs with one of them only.
    measure : str or None
        A measure; see `harness.plots.quantities`.
    quantiles : tuple of two floats
        The ends of bands, such as 0.25 and 0.75.
    lines : int or None
        The number of single runs to draw.
    epoch_scale : {"linear", "log"} or None
        Scale of the epochs.
    style : Style
        Sizes.
    """

    given: frozenset[str]
    run: int | None
    x: str | None
    y: str | None
    ssr: float | None
    series: "Series | None"
    measure: str | None
    quantiles: tuple[float, float]
    lines: int | None
    epoch_scale: str | None
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
        The fields of `Options` that it uses, `by` for `series`. All kinds use `style`.
    needs : tuple of callable
        Checks of the results; each raises a ResultsError that names what was not recorded.
    """

    summary: str
    draw: "Callable[[Results, Options], Picture]"
    takes: tuple[str, ...] = ()
    needs: "tuple[Callable[[Results], None], ...]" = ()


def load_kind(name: str) -> Kind:
    """Return the kind with a name of `KINDS`."""
    kind: Kind = import_module(f"{__name__}.{name}").KIND
    return kind
