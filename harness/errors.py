"""The exceptions that users see.

* HarnessError
  - ExperimentError    an experiment file, or a change to it, says something that is not allowed
  - ResultsError       a results folder is not what the command needs
"""

import difflib
from collections.abc import Iterable
from typing import Any


class HarnessError(Exception):
    """Base class of everything that harness raises on purpose."""


class ExperimentError(HarnessError):
    """A key of an experiment has a value that is not allowed.

    Parameters
    ----------
    key : str
        Dotted name of the key, such as ``training.learning_rate``.
    problem : str
        What is wrong, and what would be allowed.
    advice : str
        What to do next; may be empty.
    """

    def __init__(self, key: str, problem: str, advice: str = "") -> None:
        self.key = key
        self.problem = problem
        self.advice = advice
        self.source = ""
        super().__init__(key, problem, advice)

    def __str__(self) -> str:
        """One sentence on what is wrong and one on what to do."""
        where = f"{self.source}: " if self.source else ""
        advice = f"\n{self.advice}" if self.advice else ""
        return f"{where}{self.key} {self.problem}{advice}"


class ResultsError(HarnessError):
    """A results folder is missing, incomplete, or holds another experiment."""


def shown(value: Any) -> str:
    """Write a value as it would stand in a TOML file, shortened to fit a line.

    >>> shown(True), shown("softplus"), shown([1, 2])
    ('true', '"softplus"', '[1, 2]')
    """
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(shown(item) for item in value[:20]) + "]"
    else:
        text = str(value)
    return text if len(text) <= 60 else f"{text[:40]} ... {text[-12:]}"


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return a question that offers the allowed name most like `name`, or nothing.

    >>> nearest("learning_rat", ["learning_rate", "momentum"])
    'Did you mean "learning_rate"?'
    """
    found = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f'Did you mean "{found[0]}"?' if found else ""
