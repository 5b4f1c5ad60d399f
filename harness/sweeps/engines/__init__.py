"""Engines: where the chunks of a sweep are trained.

An engine is a module of this package and an entry of `ENGINES`. `set_up` makes the module's class
`Setup` before any folder is touched. `harness.run` then uses the engine in one way:

    with setup.start(task, counters) as engine:
        while chunks are left:
            while engine.room: engine.submit(the next chunk)
            for chunk, result in engine.completed(timeout): ...

Engines call a task with chunk numbers, and know neither networks nor files. If a machine seems
dead, its chunk may be trained twice; `completed` yields it once.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol

from harness.errors import HarnessError, shown
from harness.hints import nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The end of messages about engines that failed.
KEPT = "Finished chunks are kept, and the same command resumes the sweep."

# Returns the counters of a chunk, which engines in this process pass to the task.
Counters = Callable[[int], "NDArray[np.int64]"]


class EngineEntry(NamedTuple):
    """Where an engine trains, in words, and the extra that installs its dependencies."""

    where: str
    extra: str = ""


ENGINES = {
    "threads": EngineEntry("threads of this process"),
    "dask": EngineEntry("worker processes of a Dask cluster on this machine", extra="distributed"),
}


class Task(Protocol):
    """The training of any chunk. It is pickled to go to other processes."""

    def prepare(self) -> None:
        """Prepare this process, or raise an exception if it cannot do the task."""

    def __call__(
        self,
        chunk: int,
        counts: "NDArray[np.int64] | None" = None,
        stop: "NDArray[np.uint8] | None" = None,
    ) -> object:
        """Return the result of a chunk; `counts` and `stop` are as for `Trainer.train`."""


class Engine(Protocol):
    """An engine that has been started."""

    @property
    def room(self) -> int:
        """How many chunks may be submitted now; it may grow before any chunk ends."""

    def submit(self, chunk: int) -> None:
        """Queue a chunk."""

    def completed(self, timeout: float) -> Iterator[tuple[int, object]]:
        """Yield finished chunks, waiting at most `timeout` seconds for the first.

        Each comes with its result, or with the exception that the task raised.
        """


class EngineSetup(Protocol):
    """An engine whose arguments have been checked."""

    @property
    def trains_at_once(self) -> int | None:
        """How many chunks one process may train at once; None for all that it is given."""

    def start(self, task: Task, counters: Counters) -> AbstractContextManager[Engine]:
        """Start the engine; at the end, stop it and drop the chunks that are left."""


def set_up(name: str, threads: int | None, scheduler: str | None) -> EngineSetup:
    """Choose an engine and check its arguments, which are those of `harness.run`."""
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
