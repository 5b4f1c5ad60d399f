"""Checks of JSON documents that anybody may have written: one error for each violation.

Nothing of a document is used before it has been through here: its size before it is parsed, then
every key, its type and its range, and that there is no other key.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from harness.errors import shown

# Counted before parsing, because each value takes ten times the memory of its text: with these
# bounds a document takes 500 MB at most. The sweeps of refined maps list a million pixels by two
# coordinates.
MOST_BYTES = 1 << 26
_MOST_VALUES = 4_000_000
_MOST_DEPTH = 20

_LONGEST_LINE = 256


def parsed(data: bytes) -> Any:
    """Return what a JSON document says.

    Raises
    ------
    ValueError
        It is not JSON, or too large or too deeply nested to be a document of ours.
    """
    if data.count(b",") + data.count(b"[") + data.count(b"{") > _MOST_VALUES:
        raise ValueError(f"it has more than {_MOST_VALUES:,} values")
    try:
        document = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = _inside([document])
    for _ in range(_MOST_DEPTH):
        level = [item for value in level for item in _inside(value)]
    if level:
        raise ValueError("it is nested too deeply")
    return document


def _inside(value: Any) -> list[Any]:
    """Return the lists and objects in a value."""
    items = value.values() if isinstance(value, dict) else value
    return [item for item in items if isinstance(item, list | dict)]


class Fields:
    """The keys of a JSON object, taken one by one.

    Parameters
    ----------
    document : object
        What was parsed.
    where : str
        Name of the object in messages, with a dot at its end; empty for a whole document.

    Raises
    ------
    ValueError
        By every method: the key is missing, or its value is not allowed.
    """

    def __init__(self, document: Any, where: str = "") -> None:
        if not isinstance(document, dict):
            raise ValueError(f"{where.rstrip('.') or 'it'} is not a JSON object")
        self._left = dict(document)
        self._where = where

    def names(self) -> list[str]:
        """Return the keys that were not taken yet."""
        return list(self._left)

    def take(self, key: str) -> Any:
        """Take any value."""
        if key not in self._left:
            raise ValueError(f"the key {self._where}{key} is missing")
        return self._left.pop(key)

    def end(self) -> None:
        """Check that all keys were taken."""
        if self._left:
            raise ValueError(f"the key {self._where}{shown(next(iter(self._left)))} is unknown")

    def wrong(self, key: str, value: Any, allowed: str) -> ValueError:
        """Return the error for a value that is not allowed."""
        return ValueError(f"{self._where}{key} = {shown(value)} must be {allowed}")

    def whole(self, key: str, least: int, most: int) -> int:
        """Take a whole number."""
        value = self.take(key)
        if type(value) is not int or not least <= value <= most:  # True is an int
            raise self.wrong(key, value, f"a whole number from {least} to {most}")
        return value

    def number(self, key: str, least: float, most: float) -> float:
        """Take a number."""
        value = self.take(key)
        if type(value) not in (int, float) or not least <= value <= most:  # nor is NaN
            raise self.wrong(key, value, f"a number from {least} to {most}")
        return float(value)

    def line(self, key: str) -> str:
        """Take a short text on one line."""
        value = self.take(key)
        if not isinstance(value, str) or len(value) > _LONGEST_LINE or not value.isprintable():
            raise self.wrong(key, value, f"at most {_LONGEST_LINE} printable characters")
        return value

    def hexadecimal(self, key: str, digits: int) -> str:
        """Take a hash."""
        value = self.take(key)
        if not isinstance(value, str) or not re.fullmatch(rf"[0-9a-f]{{{digits}}}", value):
            raise self.wrong(key, value, f"{digits} hexadecimal digits")
        return value

    def time(self, key: str) -> str:
        """Take a time in ISO 8601, with its time zone."""
        value = self.take(key)
        try:
            if len(value) <= _LONGEST_LINE and datetime.fromisoformat(value).tzinfo is not None:
                return str(value)
        except (TypeError, ValueError):
            pass
        raise self.wrong(key, value, "a time with its time zone, in ISO 8601")

    def mapping(self, key: str) -> dict[str, Any]:
        """Take a JSON object."""
        value = self.take(key)
        if not isinstance(value, dict):
            raise self.wrong(key, value, "a JSON object")
        return value

    def listed(self, key: str, most: int) -> list[Any]:
        """Take a list."""
        value = self.take(key)
        if not isinstance(value, list) or len(value) > most:
            raise self.wrong(key, value, f"a list of at most {most:,} values")
        return value

    def inner(self, key: str) -> "Fields":
        """Take a JSON object, to take its keys."""
        return Fields(self.mapping(key), f"{self._where}{key}.")

    def lines(self, key: str, most: int) -> Mapping[str, str]:
        """Take an object of short texts."""
        inner = self.inner(key)
        names = inner.names()
        if len(names) > most or not all(len(n) <= _LONGEST_LINE and n.isprintable() for n in names):
            raise self.wrong(key, names, f"an object of at most {most} short texts")
        return {name: inner.line(name) for name in names}
