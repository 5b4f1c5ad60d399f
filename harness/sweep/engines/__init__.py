"""Engines: where the chunks of a sweep are trained.

An engine is a module of this package and an entry of `ENGINES`. The module has a class `Setup` (see
`EngineSetup`), made by `set_up` before any folder is touched; its `start` yields an `Engine`, which
`harness.run` uses in one way:

    while chunks are left:
        while engine.room: engine.submit(the next chunk)
        for chunk, result in engine.completed(timeout): ...

Engines call a task with chunk numbers, and know neither networks nor files. If a machine seems
dead, its chunk may be trained twice; `completed` yields it once.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from harness.errors import HarnessError, shown
from harness.hints import nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The end of messages about engines that failed.
KEPT = "Finished chunks are kept, and the same command resumes the sweep."

# Returns the counters of a chunk.
Counters = Callable[[int], "NDArray[np.int64]"]

Result = TypeVar("Result")
Output = TypeVar("Output", covariant=True)


class EngineEntry(NamedTuple):
    """Where an engine trains, in words, and the extra that installs its dependencies."""

    where: str
    extra: str = ""


ENGINES = {
    "threads": EngineEntry("threads of this process"),
    "dask": EngineEntry("worker processes of a Dask cluster on this machine", extra="distributed"),
}


class Task(Protocol[Output]):
    """The training of any chunk. It is pickled to go to other processes."""

    def prepare(self) -> None:
        """Prepare this process, or raise an exception if it cannot do the task."""

    def __call__(
        self,
        chunk: int,
        counts: "NDArray[np.int64] | None" = None,
        stop: "NDArray[np.uint8] | None" = None,
    ) -> Output:
        """Return the result of a chunk; `counts` and `stop` are as for `Trainer.train`."""


class Engine(Protocol[Output]):
    """An engine at work."""

    @property
    def room(self) -> int:
        """How many chunks may be submitted now; it may grow before any chunk ends."""

    def submit(self, chunk: int) -> None:
        """Queue a chunk."""

    def completed(self, timeout: float) -> Iterator[tuple[int, Output | Exception]]:
        """Yield finished chunks, waiting at most `timeout` seconds for the first.

        Each comes with its result, or with the exception that the task raised.
        """


class EngineSetup(Protocol):
    """An engine whose arguments have been checked, before it is started."""

    @property
    def trains_at_once(self) -> int | None:
        """How many chunks one process may train at once; None for all that it is given."""

    def start(
        self, task: Task[Result], counters: Counters
    ) -> AbstractContextManager[Engine[Result]]:
        """Start the engine, and stop it at the end; what is being trained then may be lost.

        Parameters
        ----------
        task : Task
            The training of a chunk.
        counters : callable
            Counters of a chunk, which an engine in this process writes to.
        """


def set_up(name: str, threads: int | None, scheduler: str | None) -> EngineSetup:
    """Choose an engine and check its arguments; nothing is started.

    Parameters
    ----------
    name : str
        A key of `ENGINES`.
    threads : int, optional
        How many chunks are trained at once; by default as many as there are processors.
    scheduler : str, optional
        Address or file of the scheduler of a running cluster.

    Raises
    ------
    HarnessError
        There is no such engine, it is not installed, or an argument is not allowed.
    """
    if name not in ENGINES:
        raise HarnessError(
            f"engine = {shown(name)} must be one of {', '.join(ENGINES)}."
            f" {nearest(name, ENGINES)}\nLeave it out for threads."
        )
    if scheduler is not None:
        name = "dask"  # the only engine that has one
    try:
        module = import_module(f"{__name__}.{name}")
    except ImportError as error:
        raise HarnessError(
            f"the engine {name} needs {error.name}, which is not installed.\n"
            f"Install it: pip install 'harness[{ENGINES[name].extra}]'"
        ) from None
    setup: EngineSetup = module.Setup(threads, scheduler)
    return setup
