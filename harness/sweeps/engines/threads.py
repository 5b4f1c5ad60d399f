"""The engine of threads: chunks on threads of this process. Kernels release the GIL."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager

import numpy as np

from harness.sweeps.engines import Counters, Task


def available_threads() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Setup:
    """Setup of twice as many threads as train at once: the others encode and write."""

    def __init__(self, threads: int | None, scheduler: str | None) -> None:
        self.trains_at_once = threads or available_threads()

    @contextmanager
    def start(self, task: Task, counters: Counters) -> Iterator["ThreadEngine"]:
        """Start the threads; at the end, stop training."""
        task.prepare()  # not in a thread, where Ctrl-C would have to wait for the compiler
        stop = np.zeros(1, dtype=np.uint8)

        def train(chunk: int) -> object:
            return task(chunk, counters(chunk), stop)

        with closing(ThreadEngine(train, 2 * self.trains_at_once)) as engine:
            try:
                yield engine
            finally:
                stop[0] = 1


class ThreadEngine:
    """Calls a function of chunks on several threads.

    Parameters
    ----------
    train : callable
        Takes a chunk number and returns its result.
    threads : int
        Number of threads.
    """

    def __init__(self, train: Callable[[int], object], threads: int) -> None:
        self._train = train
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="harness")
        self._chunk_of: dict[Future[object], int] = {}

    @property
    def room(self) -> int:
        """How many chunks may be submitted now: one per thread is in memory."""
        return self._threads - len(self._chunk_of)

    def submit(self, chunk: int) -> None:
        """Queue a chunk."""
        self._chunk_of[self._pool.submit(self._train, chunk)] = chunk

    def completed(self, timeout: float) -> Iterator[tuple[int, object]]:
        """Yield finished chunks, waiting at most `timeout` seconds for the first."""
        done, _ = wait(self._chunk_of, timeout=timeout, return_when=FIRST_COMPLETED)
        for future in done:
            try:
                result = future.result()
            except Exception as error:
                result = error
            yield self._chunk_of.pop(future), result

    def close(self) -> None:
        """Drop queued chunks, and wait for those in progress."""
        self._pool.shutdown(cancel_futures=True)
