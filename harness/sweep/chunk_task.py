"""One chunk of a sweep: trained, packed and kept, in this process or on another machine.

An engine is given a `Work` and calls it with chunk numbers. It travels as a pickle, and makes its
trainer where it arrives.
"""

import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import ClusterError
from harness.experiment import Experiment
from harness.store import Manifest, Origin, PackedChunk, Store
from harness.store.encoding import Columns
from harness.store.lock import is_written_by
from harness.sweep import provenance
from harness.sweep.resume import now
from harness.sweep.reuse import Former
from harness.training.buffers import make_counts
from harness.training.trainer import Trainer


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a chunk.

    Attributes
    ----------
    counts : array of shape (COUNTS,), int64
        What `Trainer.train` counts.
    reused : int
        Runs taken over from a smaller grid.
    packed : PackedChunk or None
        The chunk, where it could not be kept; None where it is in the folder.
    """

    counts: NDArray[np.int64]
    reused: int
    packed: PackedChunk | None


class Work:
    """Trains chunks of one sweep.

    Parameters
    ----------
    trainer : Trainer
        Of the sweep.
    store : Store
        The results folder; another machine may have it under the same name.
    token : str
        Of the process that writes into the folder.
    trains : int, optional
        How many chunks a process trains at once, however many threads it has: the others encode
        and write, and wait for the disk. If left out, all that it is given.
    """

    def __init__(
        self, trainer: Trainer, store: Store, token: str, *, trains: int | None = None
    ) -> None:
        self._trainer = trainer
        self._store = store
        self._token = token
        self._trains = trains
        self._preparing = threading.Lock()
        self._may_train = nullcontext() if trains is None else threading.Semaphore(trains)

    def __reduce__(self) -> tuple[Any, ...]:
        trainer, store = self._trainer, self._store
        folder = store.folder.absolute()  # where it arrives another folder may be the current one
        made_of = trainer.experiment, trainer.lanes, folder, store.manifest
        return _arrived, (*made_of, self._token, self._trains)

    @cached_property
    def _former(self) -> Former:
        # Another machine may not see the chunks of a smaller grid, and then trains their runs anew.
        return Former(self._trainer, self._store.earlier() if self._is_here() else [])

    def _is_here(self) -> bool:
        return is_written_by(self._store.folder, self._token)

    def prepare(self) -> None:
        """Compile what training calls; once a process, however many threads ask for it.

        Raises
        ------
        ClusterError
            This process has other code than the one that made the work.
        """
        with self._preparing:
            if "_former" in self.__dict__:
                return
            if provenance.code_stamp() != self._store.manifest.code:
                raise ClusterError(_other_code(self._store.manifest.versions))
            self._trainer.compile()
            _ = self._former

    def __call__(self, chunk: int) -> Outcome:
        """Train a chunk, and keep it where its folder is."""
        counts, stop = make_counts(1)[0], np.zeros(1, dtype=np.uint8)
        outcome = self.train(chunk, counts, stop)
        assert outcome is not None  # nobody could stop it
        return outcome

    def train(
        self,
        chunk: int,
        counts: NDArray[np.int64],
        stop: NDArray[np.uint8],
    ) -> Outcome | None:
        """Train a chunk, and keep it where its folder is.

        Parameters
        ----------
        chunk : int
            Which one.
        counts, stop : array
            As `Trainer.train` has them.

        Returns
        -------
        Outcome or None
            None where training was stopped.
        """
        self.prepare()
        runs = self._store.chunk_runs(chunk)
        known = self._former.known(runs.start, runs.stop)
        with self._may_train:
            began = time.perf_counter()
            block = self._trainer.train(runs.start, runs.stop, stop, counts, known)
            seconds = time.perf_counter() - began
        if block is None:
            return None
        reused = int(known.there.sum())
        about = Origin(
            worker=provenance.worker(),
            code=provenance.code_stamp(),
            finished=now(),
            seconds=round(seconds, 6),
            reused_runs=reused,
            lane_passes=int(counts[2]),
            run_passes=int(counts[3]),
        )
        tables: Mapping[str, Iterable[Columns]] = {
            "runs": [block.runs],
            "trajectories": block.trajectories,
        }
        packed = self._store.pack(chunk, tables, about)
        is_here = self._is_here()
        if is_here:
            self._store.keep(packed)
        return Outcome(counts=counts, reused=reused, packed=None if is_here else packed)


def _arrived(
    experiment: Experiment,
    lanes: int | None,
    folder: Path,
    manifest: Manifest,
    token: str,
    trains: int | None,
) -> Work:
    trainer, store = Trainer(experiment, lanes=lanes), Store(folder, manifest)
    return Work(trainer, store, token, trains=trains)


def _other_code(driver: Mapping[str, str]) -> str:
    """Say how the code of this process differs from the driver's, which has these versions."""
    here = provenance.versions()
    differ = [
        f"{package} {here.get(package)} and not {version}"
        for package, version in driver.items()
        if here.get(package) != version
    ]
    return (
        f"{provenance.worker()} has other code than the process that runs the sweep"
        f" ({', '.join(differ) or 'its sources of harness are others'}): its numbers may differ in"
        " the last bits.\nInstall the same harness, numba and llvmlite there; what is finished is"
        " kept, and the same command goes on."
    )
