"""How far a results folder is, and whether its files are whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.errors import ResultsError
from harness.results.reopening import columns_of, experiment_of
from harness.store import Store
from harness.store.checking import Checked, check, check_data
from harness.store.lock import holder, writer
from harness.store.manifest import MANIFEST

# Commits that the present rate is taken from.
_LATELY = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How far a sweep is.

    Attributes
    ----------
    name : str
        Of the experiment.
    runs, runs_done, runs_reused, chunks, chunks_done, bytes : int
        Of the whole sweep, of what is there, and taken over from a smaller grid; and the size of
        the files.
    chunks_broken : int
        Chunks whose commit cannot be read, or whose files are gone or of another size.
    last : datetime or None
        When the last chunk was committed.
    rate : float or None
        Runs a second between the last commits.
    writer : str or None
        The process that writes into the folder.
    """

    name: str
    runs: int
    runs_done: int
    runs_reused: int
    chunks: int
    chunks_done: int
    chunks_broken: int
    bytes: int
    last: datetime | None
    rate: float | None
    writer: str | None


def status(folder: Path) -> Status:
    """Return how far the sweep of a results folder is.

    Raises
    ------
    ResultsError
        It is no results folder, or its manifest is broken.
    """
    store = Store.open(folder)
    broken: list[str] = []
    committed = store.commits(broken=lambda name, why: broken.append(name))
    commits = {chunk: commit for chunk, commit in committed.items() if store.has_files(commit)}
    runs_of = {chunk: len(store.chunk_runs(chunk)) for chunk in commits}
    finished = sorted(
        (datetime.fromisoformat(commit.about.finished), runs_of[chunk])
        for chunk, commit in commits.items()
    )
    lately = finished[-_LATELY:]
    rate = None
    if len(lately) > 1 and lately[-1][0] > lately[0][0]:
        seconds = (lately[-1][0] - lately[0][0]).total_seconds()
        rate = sum(runs for _, runs in lately[1:]) / seconds
    return Status(
        name=store.manifest.experiment["name"],
        runs=store.manifest.runs,
        runs_done=sum(runs_of.values()),
        runs_reused=sum(commit.about.reused_runs for commit in commits.values()),
        chunks=store.manifest.chunks,
        chunks_done=len(commits),
        chunks_broken=len(broken) + len(committed) - len(commits),
        bytes=sum(r.size for commit in commits.values() for r in commit.files.values()),
        last=finished[-1][0] if finished else None,
        rate=rate,
        writer=holder(folder),
    )


def verify(folder: Path) -> Iterator[Checked]:
    """Read every file of a results folder and compare it with its checksum.

    The commits of broken files are withdrawn at the end, so that `harness run` trains their chunks
    again, unless another process writes into the folder at that time.

    Yields
    ------
    Checked
        Each file, and what is wrong with it.

    Raises
    ------
    ResultsError
        It is no results folder, or its manifest is broken.
    InUseError
        Something is broken, and another process writes into the folder.
    """
    whole = Store.open(folder)
    points = check_data(whole)
    problem, data = "", None
    if not points.problem:  # else nobody knows the columns of the tables
        try:
            data = experiment_of(whole).data
        except ResultsError as error:
            problem = f"does not fit its experiment: {error}"
    yield Checked(name=MANIFEST, problem=problem, commit="")
    yield points
    if problem:
        return  # all else follows from it
    for store in (whole, *whole.earlier()):
        broken = set()
        columns = None if data is None else columns_of(experiment_of(store, data))
        for file in check(store, columns):
            if file.problem:
                broken.add(file.commit)
            yield file
        if broken:
            with writer(folder), store.writing("the folder"):
                store.withdraw(broken)
