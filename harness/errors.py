"""The exceptions that users see.

* HarnessError
  - ExperimentError    an experiment file, or a change to it, is not valid
  - ResultsError       a results folder is missing, broken, or belongs to another experiment
  - StorageError       results cannot be written
    - NoSpaceError     the disk is full
  - InUseError         another process is writing to the results folder
  - ChunkError         chunks could not be trained; all others are kept
  - ClusterError       a cluster cannot be used, or was lost
"""

from decimal import Decimal
from typing import Any

# Limits of a message, which may contain names and paths of any length.
_LONGEST_LINE = 1000
_MOST_LINES = 20


class HarnessError(Exception):
    """Base class of the exceptions of harness. Their messages have a bounded length."""

    def __str__(self) -> str:
        """Return the message, without the middle of very long lines."""
        lines = self._message().split("\n", _MOST_LINES)[:_MOST_LINES]
        return "\n".join(shortened(line, _LONGEST_LINE) for line in lines)

    def _message(self) -> str:
        return super().__str__()


class ExperimentError(HarnessError):
    """A key of an experiment is missing, unknown, or has a value that is not allowed.

    Parameters
    ----------
    key : str
        Dotted name of the key, such as ``training.learning_rate``.
    problem : str
        What is wrong and what is allowed; continues a sentence that begins with the key.
    advice : str
        What to do; may be empty.

    Attributes
    ----------
    source : str
        Path of the file, if the experiment is read from one.
    position : tuple of int
        Line and column of the key in the file; empty if it is not there.
    """

    def __init__(self, key: str, problem: str, advice: str = "") -> None:
        self.key = key
        self.problem = problem
        self.advice = advice
        self.source = ""
        self.position: tuple[int, ...] = ()
        super().__init__(key, problem, advice)

    def _message(self) -> str:
        """Return one sentence about the problem, and one of advice."""
        # As compilers write it, so that a click in a terminal opens the file at the key.
        parts = [printable(self.source), *map(str, self.position)] if self.source else []
        where = f"{':'.join(parts)}: " if parts else ""
        advice = f"\n{self.advice}" if self.advice else ""
        key = shortened(printable(self.key), 100) or '""'
        return f"{where}{key} {self.problem}{advice}"


class ResultsError(HarnessError):
    """A results folder is missing, incomplete, broken, or holds another experiment."""


class StorageError(HarnessError):
    """Results cannot be written. All chunks finished before are kept."""


class NoSpaceError(StorageError):
    """The disk is full. All chunks finished before are kept."""


class InUseError(HarnessError):
    """Another process is writing to the results folder."""


class ChunkError(HarnessError):
    """Chunks could not be trained. All others are kept."""


class ClusterError(HarnessError):
    """A cluster cannot be used, or was lost. All chunks finished before are kept."""


def shown(value: Any) -> str:
    """Write a value as in a TOML file, shortened to fit on a line.

    >>> shown(True), shown("softplus"), shown([1, 2]), shown({"every": 10})
    ('true', '"softplus"', '[1, 2]', '{ every = 10 }')
    >>> shown(10**400)
    '1.00e+400'
    """
    return shortened(_as_toml(value, 0), 60)


def _as_toml(value: Any, depth: int) -> str:
    """Write a value on one line; long and deep values are cut, but not below 60 characters."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 10**40:
        # str() refuses integers of more than 4300 digits; Decimal does not.
        return f"{Decimal(value):.2e}"
    if isinstance(value, str):
        # Cut before it is escaped, so that a text of any length costs little.
        text = value if len(value) <= 100 else f"{value[:50]}{value[-50:]}"
        return '"' + printable(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'
    if depth > 5 and isinstance(value, list | tuple | dict):
        return "..."
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_as_toml(item, depth + 1) for item in value[:60]) + "]"
    if isinstance(value, dict):
        some = list(value.items())[:20]
        pairs = (f"{printable(str(k)[:60])} = {_as_toml(v, depth + 1)}" for k, v in some)
        return "{ " + ", ".join(pairs) + " }" if value else "{}"
    return printable(str(value))


def printable(text: str) -> str:
    r"""Escape line breaks and other characters that a terminal does not print.

    >>> print(printable("two\nlines"))
    two\u000alines
    """
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def shortened(text: str, length: int) -> str:
    """Remove the middle of a text with more than `length` characters."""
    return text if len(text) <= length else f"{text[: length - 20]} ... {text[-12:]}"
