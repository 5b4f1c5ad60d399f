"""Run a sweep: chunks to an engine, rows to the store, progress to a callback."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from types import NoneType

import numpy as np

from harness.calls import check_path, check_type, check_whole
from harness.errors import ChunkError, HarnessError, ResultsError, shown
from harness.experiment import Experiment, check_experiment
from harness.hints import nearest
from harness.results.tables import Results
from harness.store import Store, results_folder
from harness.store.csv_files import write_csv
from harness.store.lock import writer
from harness.sweep.chunk_task import Outcome, Work
from harness.sweep.engines import ENGINES, Engine, EngineName
from harness.sweep.engines.threads import ThreadEngine
from harness.sweep.plan import available_threads
from harness.sweep.progress import Progress, Tally
from harness.sweep.resume import is_finished, manifest_of, open_or_create
from harness.training.trainer import Trainer

# After so many chunks that cannot be trained, the others are not tried any more.
_MANY_FAILED = 10


def run(
    experiment: Experiment,
    out: str | Path | None = None,
    *,
    threads: int | None = None,
    lanes: int | None = None,
    engine: EngineName = "threads",
    scheduler: str | None = None,
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
        The results folder, or a URL such as ``s3://bucket/name``; ``results/<name>`` if left out.
    threads : int, optional
        How many chunks are trained side by side; all processors if left out. No number of the
        results depends on it.
    lanes : int, optional
        How many runs each thread trains side by side: 8, 16 or 32; or 1, which needs no compiling
        for each network. What is done first if left out. No number of the results depends on it.
    engine : {"threads", "dask"}
        Where chunks are trained: on threads of this process, or, with the extra `distributed`, by
        `threads` worker processes of a Dask cluster on this machine. No number of the results
        depends on it. A script that asks for worker processes is read by each of them, and needs
        its ``if __name__ == "__main__":``.
    scheduler : str, optional
        Train on a running Dask cluster instead: ``tcp://`` or ``tls://`` and the address of its
        scheduler, or the path of its scheduler file.
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
    ChunkError
        Some chunks could not be trained; all others are kept.
    ClusterError
        The cluster is not there, is gone, must not be used as it is, or has other code.
    KeyboardInterrupt
        Ctrl-C; finished chunks are kept, and another call goes on with the others.
    """
    check_experiment(experiment)
    if out is not None:
        check_path("out", out)
    if threads is not None:
        threads = check_whole("threads", threads, 1, "Leave it out for all processors.")
    check_type("engine", engine, str, " or ".join(ENGINES), "Leave it out for threads.")
    check_type("scheduler", scheduler, (str, NoneType), "an address or a file", "Or leave it out.")
    check_type("allow_code_change", allow_code_change, bool, "True or False", "It is False.")
    if progress is not None and not callable(progress):
        raise HarnessError(
            f"progress = {shown(progress)} must be a function.\nIt is called with a Progress."
        )
    if engine not in ENGINES:
        raise HarnessError(
            f"engine = {shown(engine)} must be one of {', '.join(ENGINES)}."
            f" {nearest(engine, ENGINES)}\nLeave it out for threads."
        )
    if scheduler is not None and threads is not None:
        raise HarnessError(
            f"threads = {threads} is for this machine, and a scheduler has workers of its own.\n"
            "Leave it out; what a worker trains at a time is set where it is started."
        )
    on_cluster = engine == "dask" or scheduler is not None
    address = _checked_address(scheduler) if on_cluster else None
    folder = results_folder(Path("results", experiment.name) if out is None else out)
    trainer = Trainer(experiment, lanes=lanes)
    if is_finished(folder, experiment):  # where nothing is written, the folder may be read-only
        return Results(Store.open(folder), experiment)
    manifest = manifest_of(trainer)
    threads = threads or available_threads()
    Store.prepare(folder)
    with writer(folder) as token:
        store = open_or_create(folder, experiment, manifest, allow_code_change)
        missing = store.missing()
        store.remove_leftovers(missing)
        if missing:
            if on_cluster:
                # A worker that is made here has two threads, and one encodes and writes meanwhile.
                work = Work(trainer, store, token, trains=1 if address is None else None)
            else:
                work = Work(trainer, store, token, trains=threads)
                # Here and not in a thread, where Ctrl-C would have to wait for the compiler.
                work.prepare()
            tally = Tally(store, missing)
            if on_cluster:
                opened = _on_cluster(work, threads, address)
            else:
                opened = _on_threads(work, threads, tally)
            with opened as workers:
                _train(workers, store, missing, tally, progress)
        _finish(store)
    return Results(store, experiment)


def _finish(store: Store) -> None:
    """Write what is there once all chunks are; each step may be done again."""
    _check_alone(store)
    if store.manifest.earlier:
        store.drop_earlier()
    done = [commit.about for commit in store.commits().values()]
    # Passes over the data: those that the lanes had room for, and those that a run made.
    lanes, runs = sum(a.lane_passes for a in done), sum(a.run_passes for a in done)
    store.amend(passes={"lanes": lanes, "runs": runs})
    write_csv(store)


def _check_alone(store: Store) -> None:
    """Raise a ResultsError where another process has grown the folder or taken chunks away.

    A lock keeps it out of a folder; an object store has none.
    """
    there, ours = Store.open(store.folder).manifest, store.manifest
    same = (there.identity, there.generation) == (ours.identity, ours.generation)
    if not same or store.missing():
        raise ResultsError(
            f"{store.folder} was changed by another process meanwhile.\n"
            "What is finished is kept; when that one has ended the same command goes on."
        )


@contextmanager
def _on_threads(work: Work, threads: int, tally: Tally) -> Iterator[Engine[Outcome | None]]:
    """Train on threads, twice as many as train, because some encode and write."""
    stop = np.zeros(1, dtype=np.uint8)

    def train(chunk: int) -> Outcome | None:
        return work.train(chunk, tally.of(chunk), stop)

    with closing(ThreadEngine(train, 2 * threads)) as engine:
        try:
            yield engine
        finally:
            # Without an exception all is done and nobody looks at the flag.
            stop[0] = 1


def _checked_address(scheduler: str | None) -> str | None:
    """Return the address of a scheduler; raise a HarnessError where it, or Dask, cannot be used."""
    try:
        from harness.sweep.engines.dask_cluster import address_of
    except ImportError:
        raise HarnessError(
            "a cluster needs dask.distributed, which is not installed.\n"
            "Install it: pip install 'harness[distributed]'"
        ) from None
    return None if scheduler is None else address_of(scheduler)


@contextmanager
def _on_cluster(work: Work, workers: int, address: str | None) -> Iterator[Engine[Outcome | None]]:
    """Train on the cluster of a scheduler, or on worker processes of this machine."""
    from harness.sweep.engines.dask import DaskEngine
    from harness.sweep.engines.dask_cluster import connected

    with connected(address, workers) as client, closing(DaskEngine(client, work)) as engine:
        yield engine


def _train(
    engine: Engine[Outcome | None],
    store: Store,
    missing: list[int],
    tally: Tally,
    progress: Callable[[Progress], None] | None,
) -> None:
    """Have chunks trained, and keep what comes back of them."""
    waiting, left = iter(missing), len(missing)
    failed: dict[int, Exception] = {}
    if progress is not None:
        progress(tally.progress())
    while left and len(failed) < _MANY_FAILED:
        for chunk in islice(waiting, engine.room):
            engine.submit(chunk)
        for chunk, outcome in engine.completed(timeout=0.1):
            left -= 1
            if isinstance(outcome, HarnessError):
                raise outcome
            if isinstance(outcome, Exception):
                failed[chunk] = outcome
            elif outcome is not None:
                if outcome.packed is not None:
                    store.keep(outcome.packed)
                tally.add(chunk, outcome)
        if progress is not None:
            progress(tally.progress())
    if failed:
        chunk, error = next(iter(failed.items()))
        raise _failure(store, chunk, error, len(failed) - 1) from error


def _failure(store: Store, chunk: int, error: Exception, others: int) -> ChunkError:
    """Return the error for a chunk that could not be trained, and so many others."""
    runs = store.chunk_runs(chunk)
    also = f", and {others} more" if others else ""
    why = " ".join(str(error).split())
    return ChunkError(
        f"chunk {chunk} of {store.folder} (runs {runs.start} to {runs.stop - 1}){also} could not be"
        f" trained: {type(error).__name__}: {why}\n"
        "What else was trained is kept, and the same command tries these again."
    )
