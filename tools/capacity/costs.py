"""Cost of a chunk on this machine: training, commit, and the overhead of a cluster."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

import harness
from harness.store import Store
from harness.store.lock import writer
from harness.sweeps.chunk_task import ChunkTask, TrainedChunk
from harness.sweeps.engines.dask import DaskEngine
from harness.sweeps.engines.dask_cluster import address_of, connected
from harness.sweeps.resume import make_manifest
from harness.training.buffers import make_counts
from harness.training.trainer import Trainer

Seconds = NDArray[np.float64]

# Numbers of chunks that are trained and committed, and of empty ones that are only sent.
TRAINED, SENT = 12, 3000

DASK, HARNESS = (Path(sys.executable).with_name(name) for name in ("dask", "harness"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Seconds per chunk on one thread.

    Attributes
    ----------
    runs, size : int
        Runs in a chunk, and bytes of its files.
    training, packing, commit : array
        Training it, encoding its files, and writing them, for several chunks. If a worker does not
        see the folder, the driver writes.
    scheduler, driver, worker : float
        Processor time of these processes for an empty chunk.
    sent_a_second : float
        Empty chunks per second of wall time, with two workers.
    """

    runs: int
    size: int
    training: Seconds
    packing: Seconds
    commit: Seconds
    scheduler: float
    driver: float
    worker: float
    sent_a_second: float


class EmptyTask:
    """A task without work, which answers like a chunk that a worker has written."""

    def prepare(self) -> None:
        """Do nothing."""

    def __call__(self, chunk: int) -> TrainedChunk:
        """Answer."""
        return TrainedChunk(counts=make_counts(1)[0], reused=0, packed=None)


def measure(experiment: harness.Experiment) -> Costs:
    """Measure the cost of the chunks of an experiment."""
    with tempfile.TemporaryDirectory() as folder:
        kept = _train_some(experiment, Path(folder) / "out")
    with tempfile.TemporaryDirectory() as folder, _cluster(Path(folder), workers=2) as processes:
        scheduler, *workers, address = processes
        sent = _send_empty_chunks(address, scheduler, workers)
    return Costs(**kept, **sent)


def _train_some(experiment: harness.Experiment, folder: Path) -> dict[str, object]:
    """Train some chunks on one thread, and write them."""
    Store.prepare(folder)
    training, packing, commit = [], [], []
    with writer(folder):
        trainer = Trainer(experiment)
        data = experiment.data
        store = Store.create(folder, make_manifest(trainer), data.inputs, data.targets)
        # With another token than the folder's the rows come back, as from a worker elsewhere.
        task = ChunkTask(trainer, store, "elsewhere")
        task.prepare()
        for chunk in range(TRAINED):
            began = time.perf_counter()
            packed = task(chunk).packed
            trained = time.perf_counter()
            assert packed is not None
            store.commit(packed)
            commit.append(time.perf_counter() - trained)
            training.append(packed.commit.about.seconds)
            packing.append(trained - began - training[-1])
        sizes = [sum(r.size for r in each.files.values()) for each in store.commits().values()]
    return {
        "runs": store.manifest.chunk_size,
        "size": int(np.median(sizes)),
        "training": np.array(training),
        "packing": np.array(packing),
        "commit": np.array(commit),
    }


@contextmanager
def _cluster(folder: Path, workers: int) -> Iterator[tuple]:
    """Start a scheduler and workers; yield their processes and the scheduler file."""
    file = folder / "scheduler.json"
    commands = [
        ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
         "--dashboard-address", "127.0.0.1:0", "--scheduler-file", file],
        *[["worker", "--scheduler-file", file, "--nthreads", 1, "--no-nanny", "--no-dashboard",
           "--host", "127.0.0.1", "--local-directory", folder]] * workers,
    ]  # fmt: skip
    started = []
    try:
        for command in commands:
            with (folder / "log").open("ab") as log:
                process = subprocess.Popen(
                    [DASK, *map(str, command)],
                    stdout=log,
                    stderr=log,
                    env=os.environ
                    | {"PYTHONPATH": str(Path(__file__).parents[2])},  # for EmptyTask
                )
            started.append(process)
            while not file.exists():
                time.sleep(0.05)
        yield *(psutil.Process(process.pid) for process in started), str(file)
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


def _send_empty_chunks(
    address: str, scheduler: psutil.Process, workers: list[psutil.Process]
) -> dict[str, float]:
    """Measure the cost of sending empty chunks through a cluster."""

    def spent() -> NDArray[np.float64]:
        def of(process: psutil.Process) -> float:
            times = process.cpu_times()
            return times.user + times.system

        return np.array([of(scheduler), of(psutil.Process(os.getpid())), sum(map(of, workers))])

    with connected(address_of(address), workers=0) as client:
        engine = DaskEngine(client, EmptyTask())
        _send(engine, 200)  # opens connections and fills caches
        before, began = spent(), time.perf_counter()
        _send(engine, SENT)
        seconds = time.perf_counter() - began
        each = (spent() - before) / SENT
        engine.close()
    names = ("scheduler", "driver", "worker")
    return dict(zip(names, each.tolist(), strict=True)) | {"sent_a_second": SENT / seconds}


def _send(engine: DaskEngine, chunks: int) -> None:
    """Have chunks done as `harness.run` does it."""
    begun = ended = 0
    while ended < chunks:
        for _ in range(min(engine.room, chunks - begun)):
            engine.submit(begun)
            begun += 1
        for _ in engine.completed(timeout=0.1):
            ended += 1


def overhead(sweep: Path, rounds: int) -> list[tuple[float, float]]:
    """Return seconds of `harness run` on threads and on worker processes, in alternating rounds."""
    found = []
    for _ in range(rounds):
        pair = []
        for engine in ("threads", "dask"):
            with tempfile.TemporaryDirectory() as folder:
                command = [HARNESS, "run", sweep, "--engine", engine, "--out", f"{folder}/out"]
                began = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                pair.append(time.perf_counter() - began)
        found.append((pair[0], pair[1]))
    return found
