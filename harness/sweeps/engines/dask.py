"""The engine of Dask: chunks on the workers of a Dask cluster.

The scheduler holds the task once and gives it to each worker that needs it; a chunk is then a Dask
task of a few hundred bytes. A worker gets chunks after it has prepared the task, which compares its
code with that of this process. A few chunks per thread of the cluster are in flight, so that no
thread waits for the round trip; each result is released as soon as it has arrived.
"""

import atexit
import gc
import pickle
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from queue import Empty, SimpleQueue
from uuid import uuid4

from distributed import Client, Future, KilledWorker

from harness.errors import ClusterError, HarnessError
from harness.formatting import duration
from harness.sweeps.engines import KEPT, Counters, Task
from harness.sweeps.engines.dask_cluster import address_of, connected
from harness.sweeps.engines.threads import available_threads

# Chunks in flight per thread of the cluster: one in progress, and one waiting for it.
WINDOW = 2
# Seconds between two looks at the workers, while some are preparing and later.
_FIRST_LOOK, _LOOK = 0.1, 1.0
# Seconds after which a scheduler that does not answer is taken for dead.
_ANSWER = 60.0
# Seconds without a prepared worker that are an error.
PATIENCE = 600.0


class Setup:
    """Setup of worker processes on this machine, or of a running cluster."""

    def __init__(self, threads: int | None, scheduler: str | None) -> None:
        if scheduler is not None and threads is not None:
            raise HarnessError(
                f"threads = {threads} is for this machine, and a scheduler has its own workers.\n"
                "Leave it out; `dask worker` sets how many chunks a worker trains at once."
            )
        self._address = None if scheduler is None else address_of(scheduler)
        self._workers = threads or available_threads()
        # Workers made here have two threads each: one trains, the other encodes and writes.
        self.trains_at_once = 1 if scheduler is None else None

    @contextmanager
    def start(self, task: Task, counters: Counters) -> Iterator["DaskEngine"]:
        """Connect with the cluster, or make one; drop what is queued at the end."""
        with (
            connected(self._address, self._workers) as client,
            closing(DaskEngine(client, task)) as engine,
        ):
            yield engine


class DaskEngine:
    """Calls a task with chunks on the workers of a cluster.

    Parameters
    ----------
    client : Client
        Client of the cluster.
    task : Task
        The training of a chunk.

    Raises
    ------
    ClusterError
        By `room` and `completed`: the scheduler is gone, there are no workers for a long time, or
        one of them cannot do the task.
    """

    def __init__(self, client: Client, task: Task) -> None:
        self._client = client
        self._name = f"harness-{uuid4().hex}"
        # A Dask task, which is done again elsewhere when its worker dies; scattered data would be
        # lost. It travels as bytes, which the scheduler need not unpickle.
        self._task = client.submit(
            pickle.loads, pickle.dumps(task), key=f"{self._name}-task", pure=False
        )
        self._submitted = 0
        self._chunk_of: dict[Future, int] = {}
        # Chunks to be trained while nothing else is in flight, and all that have been.
        self._suspects: list[int] = []
        self._tried_alone: set[int] = set()
        self._ended: SimpleQueue[Future] = SimpleQueue()
        self._threads_of: dict[str, int] = {}
        self._preparing: dict[str, Future] = {}
        self._prepared: set[str] = set()
        self._looked = -float("inf")
        self._last_seen = time.monotonic()

    @property
    def room(self) -> int:
        """How many chunks may be submitted now: none until a worker has prepared the task."""
        self._look()
        threads = sum(self._threads_of[worker] for worker in self._prepared)
        return max(WINDOW * threads - len(self._chunk_of), 0)  # a worker may have left

    def submit(self, chunk: int) -> None:
        """Queue a chunk."""
        if self._client.status != "running":
            raise self._scheduler_gone()
        self._submitted += 1
        future = self._client.submit(
            _do, self._task, chunk, key=f"{self._name}-{chunk}-{self._submitted}", pure=False
        )
        self._chunk_of[future] = chunk
        future.add_done_callback(self._ended.put)

    def completed(self, timeout: float) -> Iterator[tuple[int, object]]:
        """Yield finished chunks, waiting at most `timeout` seconds for the first."""
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

    def _result(self, future: Future, chunk: int) -> tuple[object] | None:
        """Return a tuple of the result or exception of a Dask task; None if it is done again."""
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
            if chunk in self._tried_alone:
                deaths = 2 * (found.allowed_failures + 1)
                return (RuntimeError(f"{deaths} workers died while training it"),)
            # Dask suspects every task of a worker that died. Trained by itself, the culprit shows.
            self._tried_alone.add(chunk)
            self._suspects.append(chunk)
            return None
        if future.status == "cancelled" or self._client.status != "running":
            raise self._scheduler_gone()
        self.submit(chunk)  # its result is lost with its worker
        return None

    def close(self) -> None:
        """Drop queued chunks. Those in progress end by themselves, and are kept if possible."""
        with suppress(RuntimeError, OSError, TimeoutError):  # raised by a client that is closed
            self._client.cancel(
                [*self._chunk_of, *self._preparing.values(), self._task], force=True
            )

    # -- workers -----------------------------------------------------------------------------------

    def _look(self) -> None:
        """From time to time, ask for the workers, and have new ones prepare the task."""
        now = time.monotonic()
        is_waiting = self._preparing or not self._prepared
        if now - self._looked < (_FIRST_LOOK if is_waiting else _LOOK):
            return
        self._looked = now
        self._threads_of = self._ask_for_workers()
        if self._task.status == "cancelled":  # the scheduler was gone for a moment
            raise self._scheduler_gone()
        if self._task.status == "error":
            why = " ".join(str(self._task.exception()).split())
            raise ClusterError(
                f"the cluster cannot read the task: {why}\n"
                f"Install the same harness for the scheduler and all workers. {KEPT}"
            )
        self._prepared &= self._threads_of.keys()
        for worker in self._preparing.keys() - self._threads_of.keys():
            self._preparing.pop(worker).release()
        for worker in self._threads_of.keys() - self._prepared - self._preparing.keys():
            self._preparing[worker] = self._client.submit(
                _prepare,
                self._task,
                key=f"{self._name}-{worker}-{now}",
                pure=False,
                workers=[worker],
                allow_other_workers=False,
                priority=1,  # before any chunk
            )
        for worker, future in list(self._preparing.items()):
            if future.done():
                self._preparing.pop(worker)
                self._check_prepared(worker, future)
        if self._prepared:
            self._last_seen = now
        elif now - self._last_seen > PATIENCE:
            raise ClusterError(
                f"no worker of the cluster has been ready for {duration(PATIENCE)}.\n"
                "Start workers (dask worker ADDRESS), or find out why the present ones end. "
                f"{KEPT}"
            )

    def _ask_for_workers(self) -> dict[str, int]:
        """Return the threads of each worker."""
        if self._client.status != "running":
            raise self._scheduler_gone()
        try:
            found: dict[str, int] = self._client.sync(
                self._client.scheduler.ncores, callback_timeout=_ANSWER
            )
        except (OSError, TimeoutError):  # communication errors are OSErrors
            raise self._scheduler_gone() from None
        return found

    def _check_prepared(self, worker: str, future: Future) -> None:
        """Accept a worker that has prepared the task; raise an error if it could not."""
        if future.status == "finished":
            self._prepared.add(worker)
        elif future.status == "error":
            error = future.exception()
            if isinstance(error, ClusterError):
                raise error
            if not isinstance(error, KilledWorker):  # a worker that died may come back
                raise ClusterError(
                    f"the worker {worker} cannot do the task: {type(error).__name__}: {error}\n"
                    f"Install the same harness there. {KEPT}"
                )
        future.release()

    def _scheduler_gone(self) -> ClusterError:
        return ClusterError(
            "the scheduler of the cluster no longer answers.\n"
            f"Start a scheduler and workers. {KEPT}"
        )


def _prepare(task: Task) -> None:
    task.prepare()
    # Otherwise this process spends 0.35 s on a last garbage collection before it ends.
    atexit.unregister(gc.freeze)  # registered by an earlier sweep
    atexit.register(gc.freeze)


def _do(task: Task, chunk: int) -> object:
    return task(chunk)
