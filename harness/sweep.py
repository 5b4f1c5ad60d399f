"""Run a sweep: chunks to an engine, rows to the store, progress to a callback."""

import math
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from harness.blocks import COUNTS, Block, Trainer
from harness.engines.threads import ThreadEngine
from harness.errors import HarnessError, ResultsError, shown
from harness.experiment import Experiment
from harness.planning import available_threads, chunk_size
from harness.store import FORMAT, MANIFEST, Store
from harness.tables import Results

# Each is two files of one folder, and a second or two of training: months on a large machine.
MOST_CHUNKS = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a sweep is: counts, seconds, and seconds left (NaN before anything is known)."""

    runs: int
    runs_done: int
    updates_done: int
    seconds: float
    seconds_left: float


def run(
    experiment: Experiment,
    out: str | Path | None = None,
    *,
    threads: int | None = None,
    lanes: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Results:
    """Train every run of an experiment, or those that are missing in its results folder.

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
    progress : callable, optional
        Called about ten times a second with a `Progress`.

    Returns
    -------
    Results
        The tables.

    Raises
    ------
    ResultsError
        The folder holds another experiment, or other things.
    KeyboardInterrupt
        Ctrl-C; finished chunks are kept, and another call goes on with the others.
    """
    if threads is not None and threads < 1:
        raise HarnessError(
            f"threads = {threads} must be at least 1.\nLeave it out for all of them."
        )
    folder = Path("results") / experiment.name if out is None else Path(out)
    trainer = Trainer(experiment, lanes=lanes)
    store = _open_or_create(folder, trainer)
    missing = store.missing()
    if missing:
        # Here and not in a thread, where Ctrl-C would have to wait for the compiler.
        trainer.compile()
        _train(trainer, store, missing, threads or available_threads(), progress)
    store.write_csv()
    return Results(store)


def _open_or_create(folder: Path, trainer: Trainer) -> Store:
    experiment = trainer.experiment
    if not (folder / MANIFEST).exists():
        manifest = _manifest(experiment, chunk_size(trainer))
        if manifest["chunks"] > MOST_CHUNKS:
            raise HarnessError(
                f"{manifest['runs']:,} runs make {manifest['chunks']:,} chunks; at most"
                f" {MOST_CHUNKS:,} are trained.\n"
                "Make the grid smaller, or several experiments of it."
            )
        return Store.create(folder, manifest)
    store = Store.open(folder)
    if store.manifest.get("identity") != experiment.identity:
        before = store.manifest.get("experiment", {})
        raise ResultsError(
            f"{folder} holds the results of another experiment:"
            f" {_difference(before, experiment.document())}.\n"
            "Choose another folder with --out, or another name, or remove that one."
        )
    return store


def _difference(before: Mapping[str, Any], now: Mapping[str, Any], where: str = "") -> str:
    """Name the first keys that differ, with both values."""
    found = []
    for key in sorted({*before, *now} - ({"name", "question"} if not where else set())):
        old, new = before.get(key), now.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found.append(_difference(old, new, f"{where}{key}."))
        else:
            found.append(f"{where}{key} was {shown(old)} and is {shown(new)}")
    return ", ".join(found[:3]) or "the data differ"


def _manifest(experiment: Experiment, size: int) -> dict[str, Any]:
    packages = ("harness", "numpy", "numba", "llvmlite", "pandas", "pyarrow")
    return {
        "format": FORMAT,
        "identity": experiment.identity,
        "runs": experiment.axes.size,
        "chunk_size": size,
        "chunks": math.ceil(experiment.axes.size / size),
        "experiment": experiment.document(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()} | {p: version(p) for p in packages},
        "machine": {"system": platform.platform(), "processor": platform.machine()},
        "git_commit": _git_commit(),
    }


def _git_commit() -> str | None:
    """Return the commit of the folder that the experiment is run in, where there is one."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def _train(
    trainer: Trainer,
    store: Store,
    missing: list[int],
    threads: int,
    progress: Callable[[Progress], None] | None,
) -> None:
    """Train chunks and write them as they end; at most two a thread are in memory."""
    runs, size = trainer.experiment.axes.size, int(store.manifest["chunk_size"])
    stop = np.zeros(1, dtype=np.uint8)
    counts = np.zeros((len(missing), COUNTS), dtype=np.int64)
    row_of = {chunk: row for row, chunk in enumerate(missing)}
    began = time.perf_counter()
    here = sum(min(size, runs - chunk * size) for chunk in missing)

    def work(chunk: int) -> Block | None:
        first = chunk * size
        return trainer.train(first, min(first + size, runs), stop, counts[row_of[chunk]])

    def report() -> None:
        if progress is not None:
            done, updates = counts[:, :2].sum(axis=0).tolist()
            seconds = time.perf_counter() - began
            progress(
                Progress(
                    runs=runs,
                    runs_done=runs - here + done,
                    updates_done=updates,
                    seconds=seconds,
                    seconds_left=seconds / done * (here - done) if done else math.nan,
                )
            )

    before = store.manifest.get("passes", {})
    passes = np.array([before.get("lanes", 0), before.get("runs", 0)], dtype=np.int64)
    engine = ThreadEngine(work, threads)
    waiting = iter(missing)
    try:
        report()
        for chunk in islice(waiting, 2 * threads):
            engine.submit(chunk)
        while engine.in_flight:
            for chunk, block in engine.completed(timeout=0.1):
                for following in islice(waiting, 1):
                    engine.submit(following)
                if block is not None:
                    store.write(chunk, block.runs, block.trajectories)
                    passes += counts[row_of[chunk], 2:]
            report()
    finally:
        # Without an exception all is done and nobody looks at the flag.
        stop[0] = 1
        engine.close()
        # Passes over the data: those that the lanes had room for, and those that a run made.
        store.amend({"passes": dict(zip(("lanes", "runs"), passes.tolist(), strict=True))})
