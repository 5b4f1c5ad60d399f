"""The errors of an experiment: the first, or all that can be found."""

from collections.abc import Callable, Iterable
from typing import ParamSpec

from harness.errors import ExperimentError

P = ParamSpec("P")


class Complaints:
    """Errors found while an experiment is checked.

    Parameters
    ----------
    collect : bool, optional
        Whether to keep errors in `found` and go on. By default, the first one is raised.
    """

    def __init__(self, *, collect: bool = False) -> None:
        self.found: list[ExperimentError] = []
        self._collect = collect

    def add(self, errors: Iterable[ExperimentError]) -> None:
        """Keep errors, or raise the first."""
        for error in errors:
            if not self._collect:
                raise error
            self.found.append(error)

    def check(self, check: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call a check; keep its error, or raise it."""
        try:
            check(*args, **kwargs)
        except ExperimentError as error:
            self.add([error])

    def stop_if_any(self) -> None:
        """Raise the first error, if there is one: what follows needs a valid experiment."""
        if self.found:
            raise self.found[0]
