"""Chunks on the workers of a Dask cluster.

The scheduler of the cluster holds the work, once, and gives it to each worker that needs it; a
chunk is then a task of a few hundred bytes. A worker gets chunks after it has prepared the work,
which is where its code is compared with that of this process. A few chunks for each thread of the
cluster are in flight, so that none waits for the way there and back; the result of each is let go
as soon as it is here.
"""

import atexit
import gc
import pickle
import time
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar
from uuid import uuid4

from distributed import Client, Future, KilledWorker

from harness.errors import ClusterError

Result = TypeVar("Result", covariant=True)

# Chunks in flight for each thread of the cluster: one that is at work, and one that waits for it.
WINDOW = 2
# Seconds between two looks at the workers, while some are getting ready and later; and those after
# which the scheduler is taken for dead.
_FIRST_LOOK, _LOOK = 0.1, 1.0
_ANSWER = 60.0
# Seconds without a worker that has prepared the work before that is an error.
PATIENCE = 600.0

_GONE = "What is finished is kept; start a scheduler and workers, and the same command goes on."


class PreparedWork(Protocol[Result]):
    """What a worker is given. It is pickled."""

    def prepare(self) -> None:
        """Make ready in this process, or raise an exception if that cannot be."""

    def __call__(self, chunk: int) -> Result:
        """Return the result of a chunk."""


class DaskEngine(Generic[Result]):
    """Runs `work(chunk)` on the workers of a cluster.

    Parameters
    ----------
    client : Client
        Of the cluster.
    work : PreparedWork
        What is run.

    Raises
    ------
    ClusterError
        By `room` and `completed`: the scheduler is gone, there are no workers for a long time, or
        one of them cannot do the work.
    """

    def __init__(self, client: Client, work: PreparedWork[Result]) -> None:
        self._client = client
        self._name = f"harness-{uuid4().hex}"
        # A task and no scattered data: it is done again elsewhere when its worker dies.
        # It goes there as bytes, which the scheduler need not unpack.
        self._work = client.submit(
            pickle.loads, pickle.dumps(work), key=f"{self._name}-work", pure=False
        )
        self._submitted = 0
        self._chunk_of: dict[Future, int] = {}
        # Chunks that wait until nothing else is in flight, and all that have waited so.
        self._suspects: list[int] = []
        self._alone: set[int] = set()
        self._ended: SimpleQueue[Future] = SimpleQueue()
        self._threads_of: dict[str, int] = {}
        self._preparing: dict[str, Future] = {}
        self._prepared: set[str] = set()
        self._looked = -float("inf")
        self._last_seen = time.monotonic()

    @property
    def room(self) -> int:
        """How many chunks may be submitted now; none before a worker is prepared."""
        self._look()
        threads = sum(self._threads_of[worker] for worker in self._prepared)
        return max(WINDOW * threads - len(self._chunk_of), 0)  # a worker may have left

    @property
    def in_flight(self) -> int:
        """Chunks that were submitted and not yet handed out by `completed`."""
        return len(self._chunk_of) + len(self._suspects)

    def submit(self, chunk: int) -> None:
        """Queue a chunk."""
        if self._client.status != "running":
            raise self._scheduler_gone()
        self._submitted += 1
        future = self._client.submit(
            _do, self._work, chunk, key=f"{self._name}-{chunk}-{self._submitted}", pure=False
        )
        self._chunk_of[future] = chunk
        future.add_done_callback(self._ended.put)

    def completed(self, timeout: float) -> Iterator[tuple[int, Result | Exception]]:
        """Yield the chunks that have ended, waiting for the first at most `timeout` seconds."""
        self._look()
        if self._suspects and not self._chunk_of:
            self.submit(self._suspects.pop())
        try:
            future = self._ended.get(timeout=timeout)
            while True:
                chunk = self._chunk_of.pop(future)
                result = self._result(future, chunk)
                future.release()
                if result is not None:
                    yield chunk, result[0]
                future = self._ended.get_nowait()
        except Empty:
            return

    def _result(self, future: Future, chunk: int) -> tuple[Result | Exception] | None:
        """Return what came of a task that has ended, or its exception; None if it is done again."""
        if future.status == "finished":
            try:
                return (future.result(timeout=_ANSWER),)
            except Exception as error:
                if future.status == "error":
                    return (error,)
        if future.status == "error":
            found = future.exception()
            if not isinstance(found, KilledWorker):
                return (found,)
            if chunk in self._alone:
                deaths = 2 * (found.allowed_failures + 1)
                return (RuntimeError(f"{deaths} workers died while they had it"),)
            # Dask suspects all that a worker had when it died. Alone it is found out.
            self._alone.add(chunk)
            self._suspects.append(chunk)
            return None
        if future.status == "cancelled" or self._client.status != "running":
            raise self._scheduler_gone()
        self.submit(chunk)  # what came of it is lost with its worker
        return None

    def close(self) -> None:
        """Drop what is queued. What is at work ends by itself, and is kept where it can be."""
        with suppress(RuntimeError, OSError, TimeoutError):  # of a client that is closed already
            self._client.cancel(
                [*self._chunk_of, *self._preparing.values(), self._work], force=True
            )

    # -- workers -----------------------------------------------------------------------------------

    def _look(self) -> None:
        """See, now and then, which workers there are, and have new ones prepare the work."""
        now = time.monotonic()
        is_waiting = self._preparing or not self._prepared
        if now - self._looked < (_FIRST_LOOK if is_waiting else _LOOK):
            return
        self._looked = now
        self._threads_of = self._ask_for_workers()
        if self._work.status == "cancelled":  # the scheduler was away for a moment
            raise self._scheduler_gone()
        if self._work.status == "error":
            why = " ".join(str(self._work.exception()).split())
            raise ClusterError(
                f"the cluster cannot read the work: {why}\n"
                "Install the same harness for the scheduler and all workers; what is finished is"
                " kept, and the same command goes on."
            )
        self._prepared &= self._threads_of.keys()
        for worker in self._preparing.keys() - self._threads_of.keys():
            self._preparing.pop(worker).release()
        for worker in self._threads_of.keys() - self._prepared - self._preparing.keys():
            self._preparing[worker] = self._client.submit(
                _prepare,
                self._work,
                key=f"{self._name}-{worker}-{now}",
                pure=False,
                workers=[worker],
                allow_other_workers=False,
                priority=1,  # before any chunk
            )
        for worker, future in list(self._preparing.items()):
            if future.done():
                self._preparing.pop(worker)
                self._take_in(worker, future)
        if self._prepared:
            self._last_seen = now
        elif now - self._last_seen > PATIENCE:
            raise ClusterError(
                f"the cluster has had no worker that is ready for {_minutes(PATIENCE)}.\n"
                "Start some (dask worker ADDRESS), or see what ends those that there are; what is"
                " finished is kept, and the same command goes on."
            )

    def _ask_for_workers(self) -> dict[str, int]:
        """Return the threads of each worker."""
        if self._client.status != "running":
            raise self._scheduler_gone()
        try:
            found: dict[str, int] = self._client.sync(
                self._client.scheduler.ncores, callback_timeout=_ANSWER
            )
        except (OSError, TimeoutError):  # of which the communication errors are
            raise self._scheduler_gone() from None
        return found

    def _take_in(self, worker: str, future: Future) -> None:
        """Let a worker have chunks that has prepared the work; raise an error if it could not."""
        if future.status == "finished":
            self._prepared.add(worker)
        elif future.status == "error":
            error = future.exception()
            if isinstance(error, ClusterError):
                raise error
            if not isinstance(error, KilledWorker):  # or it died, and comes back or not
                raise ClusterError(
                    f"the worker {worker} cannot do the work: {type(error).__name__}: {error}\n"
                    "Install the same harness there; what is finished is kept, and the same"
                    " command goes on."
                )
        future.release()

    def _scheduler_gone(self) -> ClusterError:
        return ClusterError(f"the scheduler of the cluster does not answer any more.\n{_GONE}")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} s"


def _prepare(work: PreparedWork[Any]) -> None:
    work.prepare()
    # Or this process looks for garbage in all that was loaded before it ends, which takes 0.35 s.
    atexit.unregister(gc.freeze)  # of the sweep before
    atexit.register(gc.freeze)


def _do(work: PreparedWork[Result], chunk: int) -> Result:
    return work(chunk)
