"""JSON documents of a results folder: written with a checksum, and checked key by key when read.

The checksum finds accidents. Anyone can write a document with a matching checksum, so a document is
not trusted because of it: its size is bounded before it is parsed, and `Fields` checks the type and
range of every key and refuses unknown keys.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from harness.errors import shown

# Counted before parsing, because each value takes ten times the memory of its text: with these
# bounds a document takes at most 500 MB. The sweeps of refined maps list a million pixels by two
# coordinates.
MAX_BYTES = 1 << 26
_MAX_VALUES = 4_000_000
_MAX_DEPTH = 20

MAX_LINE = 256

_SEAL = "sha256"
_END = re.compile(rb',\n "sha256": "([0-9a-f]{64})"\n}\n')
_END_LENGTH = len(b',\n "sha256": ""\n}\n') + 64

Result = TypeVar("Result")


def seal(document: Mapping[str, Any]) -> bytes:
    """Write a document as JSON, ending with the SHA-256 of everything before.

    >>> unseal(seal({"rows": 3}))
    {'rows': 3}
    """
    digest = hashlib.sha256(_as_json(document)).hexdigest()
    return _as_json({**document, _SEAL: digest})


def unseal(data: bytes) -> dict[str, Any]:
    """Read a document that `seal` wrote.

    Raises
    ------
    ValueError
        It is not a JSON object, or its checksum is missing or wrong.
    """
    end = _END.fullmatch(data[-_END_LENGTH:])
    if end is None:
        raise ValueError("it has no checksum")
    digest = hashlib.sha256(data[:-_END_LENGTH])
    digest.update(b"\n}\n")
    if digest.hexdigest() != end[1].decode():
        raise ValueError("its checksum does not match its content")
    document = parsed(data)
    if not isinstance(document, dict) or document.pop(_SEAL, None) is None:
        raise ValueError("it has no checksum")
    return document


def _as_json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def parsed(data: bytes) -> Any:
    """Parse a JSON document.

    Raises
    ------
    ValueError
        It is not JSON, has too many values, or is nested too deeply.
    """
    if data.count(b",") + data.count(b"[") + data.count(b"{") > _MAX_VALUES:
        raise ValueError(f"it has more than {_MAX_VALUES:,} values")
    try:
        document = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = _containers([document])
    for _ in range(_MAX_DEPTH):
        level = [item for value in level for item in _containers(value)]
    if level:
        raise ValueError("it is nested too deeply")
    return document


def _containers(value: Any) -> list[Any]:
    """Return the lists and objects directly inside a value."""
    items = value.values() if isinstance(value, dict) else value
    return [item for item in items if isinstance(item, list | dict)]


class Fields:
    """The keys of a JSON object, taken and checked one by one.

    Parameters
    ----------
    document : object
        The parsed value.
    where : str
        Name of the object in messages, ending with a dot; empty for a whole document.

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

    def read(self, take: Callable[["Fields"], Result]) -> Result:
        """Return the result of `take`, which must take every key of the object."""
        result = take(self)
        if self._left:
            raise ValueError(f"the key {self._where}{shown(next(iter(self._left)))} is unknown")
        return result

    def names(self) -> list[str]:
        """Return the keys that have not been taken."""
        return list(self._left)

    def take(self, key: str) -> Any:
        """Take any value."""
        if key not in self._left:
            raise ValueError(f"the key {self._where}{key} is missing")
        return self._left.pop(key)

    def take_null(self, key: str) -> bool:
        """Take null and return True; take nothing and return False if there is another value."""
        if key in self._left and self._left[key] is not None:
            return False
        self.take(key)
        return True

    def wrong(self, key: str, value: Any, allowed: str) -> ValueError:
        """Return the error for a value that is not allowed."""
        return ValueError(f"{self._where}{key} = {shown(value)} must be {allowed}")

    def whole(self, key: str, least: int, most: int) -> int:
        """Take a whole number."""
        value = self.take(key)
        if type(value) is not int or not least <= value <= most:  # True is an int
            raise self.wrong(key, value, f"a whole number from {least} to {most}")
        return value

    def true(self, key: str) -> bool:
        """Take the value true, of a key that is left out otherwise."""
        value = self.take(key)
        if value is not True:
            raise self.wrong(key, value, "true")
        return True

    def number(self, key: str, least: float, most: float) -> float:
        """Take a number."""
        value = self.take(key)
        if type(value) not in (int, float) or not least <= value <= most:  # NaN fails too
            raise self.wrong(key, value, f"a number from {least} to {most}")
        return float(value)

    def line(self, key: str) -> str:
        """Take a short text on one line."""
        value = self.take(key)
        if not isinstance(value, str) or len(value) > MAX_LINE or not value.isprintable():
            raise self.wrong(key, value, f"at most {MAX_LINE} printable characters")
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
            if len(value) <= MAX_LINE and datetime.fromisoformat(value).tzinfo is not None:
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

    def inner(self, key: str, take: Callable[["Fields"], Result]) -> Result:
        """Take a JSON object, and return the result of `take`, which must take all its keys."""
        return Fields(self.mapping(key), f"{self._where}{key}.").read(take)

    def texts(self, key: str, most: int) -> list[str]:
        """Take a list of short texts on one line each."""
        return [Fields({key: text}, self._where).line(key) for text in self.listed(key, most)]

    def ascending(self, key: str, most: int) -> list[int]:
        """Take a list of at least one and at most `most` natural numbers, each above the last."""
        listed = self.listed(key, most)
        if not all(type(value) is int and value >= 0 for value in listed) or not listed:
            raise self.wrong(key, listed, "a list of natural numbers")
        if sorted(set(listed)) != listed:
            raise self.wrong(key, listed, "ascending")
        return listed

    def lines(self, key: str, most: int) -> Mapping[str, str]:
        """Take an object of short texts."""

        def take(inner: Fields) -> dict[str, str]:
            names = inner.names()
            if len(names) > most or not all(len(n) <= MAX_LINE and n.isprintable() for n in names):
                raise self.wrong(key, names, f"an object of at most {most} short texts")
            return {name: inner.line(name) for name in names}

        return self.inner(key, take)
