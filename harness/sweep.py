"""Run a sweep: chunks to an engine, rows to the store, progress to a callback."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from harness import provenance
from harness.blocks import COUNTS, Trainer
from harness.engines.threads import ThreadEngine
from harness.errors import HarnessError
from harness.experiment import Experiment
from harness.growth import Former
from harness.opening import is_finished, manifest_of, now, open_or_create
from harness.planning import available_threads
from harness.store import Store
from harness.store.csv_files import write_csv
from harness.store.lock import writer
from harness.tables import Results


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a sweep is.

    Attributes
    ----------
    runs, runs_done : int
        Runs of the sweep, and those that have ended, in this call or before.
    runs_reused : int
        Runs that this call took over from a smaller grid.
    updates_done : int
        Updates of this call.
    seconds, seconds_left : float
        Time of this call, and what is left of it; NaN before anything is known.
    """

    runs: int
    runs_done: int
    runs_reused: int
    updates_done: int
    seconds: float
    seconds_left: float


def run(
    experiment: Experiment,
    out: str | Path | None = None,
    *,
    threads: int | None = None,
    lanes: int | None = None,
    allow_code_change: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Results:
    """Train every run of an experiment, or those that are missing in its results folder.

    What has ended is on the disk and stays, whatever happens to this process or the machine. A
    folder of the same experiment with a smaller grid, or fewer epochs, is grown.

    Parameters
    ----------
    experiment : Experiment
        What to train.
    out : str or Path, optional
        The results folder; ``results/<name>`` if left out.
    threads : int, optional
        How many chunks are trained side by side; all processors if left out. No number of the
        results depends on it.
    lanes : int, optional
        How many runs each thread trains side by side: 8, 16 or 32; or 1, which needs no compiling
        for each network. What is done first if left out. No number of the results depends on it.
    allow_code_change : bool
        Go on in a folder that another version of harness or Numba has begun, whose numbers may
        differ in their last bits.
    progress : callable, optional
        Called about ten times a second with a `Progress`.

    Returns
    -------
    Results
        The tables.

    Raises
    ------
    ResultsError
        The folder holds another experiment, other things, or chunks of another version.
    InUseError
        Another process writes into the folder.
    StorageError
        Results cannot be written; NoSpaceError where the disk is full.
    KeyboardInterrupt
        Ctrl-C; finished chunks are kept, and another call goes on with the others.
    """
    if threads is not None and threads < 1:
        raise HarnessError(
            f"threads = {threads} must be at least 1.\nLeave it out for all of them."
        )
    folder = Path("results") / experiment.name if out is None else Path(out)
    trainer = Trainer(experiment, lanes=lanes)
    if is_finished(folder, experiment):  # where nothing is written, the folder may be read-only
        return Results(Store.open(folder))
    manifest = manifest_of(trainer)
    Store.prepare(folder)
    with writer(folder):
        store = open_or_create(folder, experiment, manifest, allow_code_change)
        missing = store.missing()
        store.make_room(missing)
        if missing:
            # Here and not in a thread, where Ctrl-C would have to wait for the compiler.
            trainer.compile()
            _train(trainer, store, missing, threads or available_threads(), progress)
        _finish(store)
    return Results(store)


def _finish(store: Store) -> None:
    """Write what is there once all chunks are; each step may be done again."""
    if store.manifest["earlier"]:
        store.drop_earlier()
    done = [commit.about for commit in store.commits().values()]
    # Passes over the data: those that the lanes had room for, and those that a run made.
    passes = {kind: sum(about[f"{kind}_passes"] for about in done) for kind in ("lane", "run")}
    store.amend({"passes": {"lanes": passes["lane"], "runs": passes["run"]}})
    write_csv(store)


def _train(
    trainer: Trainer,
    store: Store,
    missing: list[int],
    threads: int,
    progress: Callable[[Progress], None] | None,
) -> None:
    """Train chunks and keep them as they end; at most two a thread are in memory."""
    stop = np.zeros(1, dtype=np.uint8)
    counts = np.zeros((len(missing), COUNTS), dtype=np.int64)
    reused = np.zeros(len(missing), dtype=np.int64)
    row_of = {chunk: row for row, chunk in enumerate(missing)}
    former = Former(trainer, store.earlier())
    # While some threads encode and write, and wait for the disk, as many as were asked for train.
    may_train = threading.Semaphore(threads)
    began = time.perf_counter()

    def work(chunk: int) -> None:
        runs, row = store.chunk_runs(chunk), row_of[chunk]
        known = former.known(runs.start, runs.stop)
        with may_train:
            begins = time.perf_counter()
            block = trainer.train(runs.start, runs.stop, stop, counts[row], known)
            seconds = time.perf_counter() - begins
        if block is None:
            return
        reused[row] = known.there.sum()
        about = {
            "worker": provenance.worker(),
            "code": provenance.code_stamp(),
            "finished": now(),
            "seconds": round(seconds, 6),
            "reused_runs": int(reused[row]),
            "lane_passes": int(counts[row, 2]),
            "run_passes": int(counts[row, 3]),
        }
        store.keep(chunk, {"runs": [block.runs], "trajectories": block.trajectories}, about)

    report = _reporter(store, missing, counts, reused, began)
    engine = ThreadEngine(work, 2 * threads)
    waiting = iter(missing)
    try:
        if progress is not None:
            progress(report())
        for chunk in islice(waiting, 2 * threads):
            engine.submit(chunk)
        while engine.in_flight:
            for _ in engine.completed(timeout=0.1):
                for following in islice(waiting, 1):
                    engine.submit(following)
            if progress is not None:
                progress(report())
    finally:
        # Without an exception all is done and nobody looks at the flag.
        stop[0] = 1
        engine.close()


def _reporter(
    store: Store, missing: list[int], counts: Any, reused: Any, began: float
) -> Callable[[], Progress]:
    """Return what says how far the training of missing chunks is."""
    runs = store.manifest["runs"]
    here = sum(len(store.chunk_runs(chunk)) for chunk in missing)

    def report() -> Progress:
        done, updates = counts[:, :2].sum(axis=0).tolist()
        seconds = time.perf_counter() - began
        return Progress(
            runs=runs,
            runs_done=runs - here + done,
            runs_reused=int(reused.sum()),
            updates_done=updates,
            seconds=seconds,
            seconds_left=seconds / done * (here - done) if done else math.nan,
        )

    return report
