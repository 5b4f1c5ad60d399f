"""Where chunks are trained: on the threads of this process, or on a cluster.

An engine is given a function of a chunk number and knows neither networks nor files. The loop over
an engine is always the one of `sweep`:

    while there is something to do:
        while engine.room: engine.submit(the next chunk)
        for chunk, result in engine.completed(timeout): ...

A chunk may be worked on twice, where a machine was thought to be dead; it is handed out once.
"""

from collections.abc import Iterator
from typing import Literal, Protocol, TypeVar, get_args

EngineName = Literal["threads", "dask"]
ENGINES: tuple[str, ...] = get_args(EngineName)

Result = TypeVar("Result", covariant=True)


class Engine(Protocol[Result]):
    """What `sweep` asks of an engine."""

    @property
    def room(self) -> int:
        """How many chunks may be submitted now, 0 or more; it may grow while nothing ends."""

    @property
    def in_flight(self) -> int:
        """Chunks that were submitted and not yet handed out by `completed`."""

    def submit(self, chunk: int) -> None:
        """Queue a chunk."""

    def completed(self, timeout: float) -> Iterator[tuple[int, Result | Exception]]:
        """Yield chunks that have ended, waiting for the first at most `timeout` seconds.

        Each comes with its result, or with the exception that the work raised.
        """

    def close(self) -> None:
        """Drop what is queued; what is at work ends, or is of no use to anybody."""
