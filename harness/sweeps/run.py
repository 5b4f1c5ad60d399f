"""Run a sweep: chunks to an engine, their rows to the results folder, progress to a callback."""

import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import NoneType

from harness.calls import check_path, check_type, check_whole
from harness.errors import ChunkError, HarnessError, ResultsError, shown
from harness.experiment import Experiment, check_experiment
from harness.results.tables import Results
from harness.store import Store, results_folder
from harness.store.csv_files import write_csv
from harness.store.lock import writer
from harness.sweeps import engines
from harness.sweeps.chunk_task import ChunkTask, TrainedChunk
from harness.sweeps.progress import ChunkCounters, Progress
from harness.sweeps.resume import is_finished, make_manifest, open_or_create
from harness.training.trainer import Trainer

# Give up after this many failed chunks.
_MAX_FAILED = 10


def run(
    experiment: Experiment,
    out: str | Path | None = None,
    *,
    threads: int | None = None,
    lanes: int | None = None,
    engine: str = "threads",
    scheduler: str | None = None,
    allow_code_change: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Results:
    """Train all runs of an experiment that are not yet in its results folder.

    Finished chunks are on the disk and stay there, whatever happens to this process or the machine.
    If the folder holds the same experiment with a smaller grid or fewer epochs, it is extended.

    Parameters
    ----------
    experiment : Experiment
        The experiment to train.
    out : str or Path, optional
        The results folder, or a URL such as ``s3://bucket/name``; by default ``results/<name>``.
    threads : int, optional
        How many chunks are trained at once; by default as many as there are processors. Results do
        not depend on it.
    lanes : int, optional
        How many runs each thread trains side by side: a multiple of 8 up to 64; or 1. By default,
        the number that suits the network. Results do not depend on it.
    engine : {"threads", "dask"}
        Where chunks are trained: on threads of this process or, with the extra `distributed`, by
        `threads` worker processes of a Dask cluster on this machine. Results do not depend on it.
        Worker processes import the calling script, so it needs ``if __name__ == "__main__":``.
    scheduler : str, optional
        Train on a running Dask cluster: ``tcp://`` or ``tls://`` and the address of its scheduler,
        or the path of its scheduler file.
    allow_code_change : bool
        Resume a sweep that another version of harness or Numba started, whose numbers may differ in
        the last bits.
    progress : callable, optional
        Called about ten times per second with a `Progress`.

    Returns
    -------
    Results
        The tables.

    Raises
    ------
    ResultsError
        The folder holds another experiment, other files, or chunks of another version.
    InUseError
        Another process writes into the folder.
    StorageError
        Results cannot be written; NoSpaceError if the disk is full.
    ChunkError
        Some chunks could not be trained; all others are kept.
    ClusterError
        The cluster cannot be reached, is gone, or has other code.
    KeyboardInterrupt
        Ctrl-C; finished chunks are kept, and another call resumes the sweep.
    """
    check_experiment(experiment)
    if out is not None:
        check_path("out", out)
    if threads is not None:
        threads = check_whole("threads", threads, 1, "Leave it out for all processors.")
    names = " or ".join(engines.ENGINES)
    check_type("engine", engine, str, names, "Leave it out for threads.")
    check_type("scheduler", scheduler, (str, NoneType), "an address or a file", "Or leave it out.")
    check_type("allow_code_change", allow_code_change, bool, "True or False", "It is False.")
    if progress is not None and not callable(progress):
        raise HarnessError(
            f"progress = {shown(progress)} must be a function.\nIt is called with a Progress."
        )
    setup = engines.set_up(engine, threads, scheduler)
    folder = results_folder(Path("results", experiment.name) if out is None else out)
    trainer = Trainer(experiment, lanes=lanes)
    if is_finished(folder, experiment):  # then nothing is written, and the folder may be read-only
        return Results(Store.open(folder), experiment)
    manifest = make_manifest(trainer)
    Store.prepare(folder)
    with writer(folder) as token:
        store = open_or_create(folder, experiment, manifest, allow_code_change)
        missing = store.missing()
        store.remove_leftovers(missing)
        if missing:
            task = ChunkTask(trainer, store, token, trains_at_once=setup.trains_at_once)
            counters = ChunkCounters(store, missing)
            with setup.start(task, counters.of) as workers:
                _train(workers, store, missing, counters, progress)
        _finish(store)
    return Results(store, experiment)


def _train(
    engine: engines.Engine,
    store: Store,
    missing: list[int],
    counters: ChunkCounters,
    progress: Callable[[Progress], None] | None,
) -> None:
    """Have chunks trained, and commit those that come back."""
    began = time.perf_counter()

    def report() -> None:
        if progress is not None:
            progress(counters.progress(time.perf_counter() - began))

    waiting, left = iter(missing), len(missing)
    failed: dict[int, Exception] = {}
    report()
    while left and len(failed) < _MAX_FAILED:
        for chunk in islice(waiting, engine.room):
            engine.submit(chunk)
        for chunk, trained in engine.completed(timeout=0.1):
            left -= 1
            if isinstance(trained, HarnessError):
                raise trained
            if isinstance(trained, Exception):
                failed[chunk] = trained
            elif isinstance(trained, TrainedChunk):
                if trained.packed is not None:
                    store.commit(trained.packed)
                counters.add(chunk, trained.counts, trained.reused)
        report()
    if failed:
        chunk, error = next(iter(failed.items()))
        raise _failure(store, chunk, error, len(failed) - 1) from error


def _failure(store: Store, chunk: int, error: Exception, others: int) -> ChunkError:
    """Return the error for a chunk that could not be trained, and the number of others."""
    runs = store.chunk_runs(chunk)
    also = f", and {others} more" if others else ""
    why = " ".join(str(error).split())
    return ChunkError(
        f"chunk {chunk} of {store.folder} (runs {runs.start} to {runs.stop - 1}){also} could not be"
        f" trained: {type(error).__name__}: {why}\n"
        "All other chunks are kept, and the same command tries these again."
    )


def _finish(store: Store) -> None:
    """Complete a folder that has all its chunks; each step may be repeated."""
    _check_unchanged(store)
    if store.manifest.earlier:
        store.drop_earlier()
    origins = [commit.about for commit in store.commits().values()]
    lanes, runs = sum(o.lane_passes for o in origins), sum(o.run_passes for o in origins)
    store.amend(passes={"lanes": lanes, "runs": runs})
    write_csv(store)


def _check_unchanged(store: Store) -> None:
    """Raise a ResultsError if another process has extended the folder or removed chunks.

    A lock prevents that in a folder, but an object store has none.
    """
    there, ours = Store.open(store.folder).manifest, store.manifest
    same = (there.identity, there.generation) == (ours.identity, ours.generation)
    if not same or store.missing():
        raise ResultsError(
            f"{store.folder} was changed by another process during this one.\n"
            "Finished chunks are kept; when the other process has ended, the same command resumes"
            " the sweep."
        )
