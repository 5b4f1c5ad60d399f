"""Lookup in tables of functions: from a name to a code, and from a code to a function.

Kernels know an entry of a table, such as `activations.ACTIVATIONS`, by its position.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.kernels._jit import compiled
from harness.kernels.settings import Setting


def code_of(table: Mapping[str, Any], name: str) -> int:
    """Return the code of an entry: its position in the table."""
    return list(table).index(name)


def taking_setting(function: Callable[..., Any], setting: Setting | None) -> Callable[..., Any]:
    """Return a function of an entry that takes its setting first, also if the entry has none."""
    if setting is not None:
        return function

    @compiled
    def ignoring_setting(setting: Any, *numbers: Any) -> Any:
        return function(*numbers)

    return ignoring_setting


def by_code(functions: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """Return `choose(code, *numbers)`, which calls `functions[code](*numbers)` in compiled code."""
    *others, last = functions

    @compiled
    def choose(code: int, *numbers: Any) -> Any:
        return last(*numbers)

    for code, function in reversed(list(enumerate(others))):
        choose = _first(code, function, choose)
    return choose


def _first(
    known: int, function: Callable[..., Any], otherwise: Callable[..., Any]
) -> Callable[..., Any]:
    """Return `choose(code, *numbers)`, which tries one code before all others."""

    @compiled
    def choose(code: int, *numbers: Any) -> Any:
        if code == known:
            return function(*numbers)
        return otherwise(code, *numbers)

    return choose
