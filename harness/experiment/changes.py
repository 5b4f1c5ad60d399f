"""Change keys of an experiment by their dotted names, such as "training.epochs"."""

from collections.abc import Mapping
from typing import Any

from harness.calls import check_type
from harness.errors import ExperimentError, shown

_FOR_EXAMPLE = 'For example: {"training.epochs": 10}'


def check_changes(changes: Mapping[str, Any]) -> None:
    """Raise a HarnessError unless changes are a mapping by names of keys."""
    check_type("changes", changes, Mapping, "a mapping", _FOR_EXAMPLE)
    for dotted in changes:
        check_type("changes", dotted, str, "a mapping of keys", _FOR_EXAMPLE)


def change(document: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Set keys of a document, and make the tables that they need.

    Raises
    ------
    ExperimentError
        A key is inside of something that is not a table.

    Examples
    --------
    >>> document = {"training": {"epochs": 5}}
    >>> change(document, {"training.epochs": 10, "grid.init_id": 3})
    >>> document
    {'training': {'epochs': 10}, 'grid': {'init_id': 3}}
    """
    for dotted, value in changes.items():
        _set(document, dotted, value)


def _set(document: dict[str, Any], dotted: str, value: Any) -> None:
    *tables, last = dotted.split(".")
    for depth, name in enumerate(tables, start=1):
        inner = document.setdefault(name, {})
        if not isinstance(inner, dict):
            table = ".".join(tables[:depth])
            raise ExperimentError(
                dotted,
                f"cannot be set: {table} = {shown(inner)} is not a table.",
                f"Set {table} as a whole.",
            )
        document = inner
    document[last] = value
