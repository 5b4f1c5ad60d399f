"""Chunks on the threads of this process. Kernels release the interpreter's lock."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

Result = TypeVar("Result")


class ThreadEngine(Generic[Result]):
    """Runs `work(chunk)` on some threads.

    Parameters
    ----------
    work : callable
        Takes a chunk number and returns its result.
    threads : int
        How many chunks are worked on side by side.
    """

    def __init__(self, work: Callable[[int], Result], threads: int) -> None:
        self._work = work
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="harness")
        self._chunk_of: dict[Future[Result], int] = {}

    @property
    def room(self) -> int:
        """How many chunks may be submitted now: one a thread is in memory."""
        return self._threads - len(self._chunk_of)

    @property
    def in_flight(self) -> int:
        """Chunks that were submitted and not yet handed out by `completed`."""
        return len(self._chunk_of)

    def submit(self, chunk: int) -> None:
        """Queue a chunk."""
        self._chunk_of[self._pool.submit(self._work, chunk)] = chunk

    def completed(self, timeout: float) -> Iterator[tuple[int, Result | Exception]]:
        """Yield the chunks that have ended, waiting for the first at most `timeout` seconds."""
        done, _ = wait(self._chunk_of, timeout=timeout, return_when=FIRST_COMPLETED)
        for future in done:
            try:
                result: Result | Exception = future.result()
            except Exception as error:
                result = error
            yield self._chunk_of.pop(future), result

    def close(self) -> None:
        """Drop what is queued and wait for what is at work."""
        self._pool.shutdown(cancel_futures=True)
