"""Settings of entries of tables: numbers that are keys of the experiment file, and axes."""

from typing import NamedTuple


class Setting(NamedTuple):
    """A setting. The bounds are those that `allowed` says in words."""

    name: str
    default: float
    says: str
    allowed: str
    at_least: float | None = None
    above: float | None = None
    below: float | None = None
    by_layer: bool = False  # the file may have one value per layer
    neutral: float | None = None  # the value that has no effect, if there is one
