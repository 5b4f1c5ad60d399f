"""Plots, the summary on the terminal, and the report, as methods of results.

These are above this package in the order of imports, and load Matplotlib or rich. So they are
imported by name, when they are called for: see decision 32.
"""

from collections.abc import Callable
from importlib import import_module
from inspect import Signature, signature
from typing import TYPE_CHECKING, Any

from harness.hints import suggest

if TYPE_CHECKING:
    from harness.results.tables import Results


def above(module: str) -> Any:
    """Return a module of a package above this one, such as "plots"."""
    return import_module(f"harness.{module}")


class Plots:
    """Plots of results: a method for each kind that `harness plot` has, such as ``map()``.

    Each takes the options of its kind, and returns a Matplotlib figure, with its `caption` and the
    numbers in it as `table`.
    """

    def __init__(self, results: "Results") -> None:
        self._results = results

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        plots = above("plots")
        if kind not in plots.KINDS:
            raise AttributeError(f"there is no plot {kind!r}. {suggest(kind, plots.KINDS)}".strip())
        results, about = self._results, above("plots.kinds").load_kind(kind)

        def draw(**options: Any) -> Any:
            return plots.draw(results, kind, **options)

        taken = ("where", *about.takes, "style")
        options = [p for p in signature(plots.draw).parameters.values() if p.name in taken]
        draw.__name__ = draw.__qualname__ = kind
        draw.__doc__ = f"{about.summary}\n\nThe options are those of `harness.plots.draw`."
        draw.__signature__ = Signature(options)  # type: ignore[attr-defined]  # `inspect` reads it
        return draw

    def __dir__(self) -> list[str]:
        return [*above("plots").KINDS]

    def __repr__(self) -> str:
        return f"<Plots of {self._results.folder}: {', '.join(dir(self))}>"
