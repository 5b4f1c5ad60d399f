"""Inspection of a results folder: how much of its sweep is done, and which files are broken."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import pyarrow as pa

from harness.errors import ResultsError
from harness.results.reopening import experiment_of
from harness.store import TABLES, Store
from harness.store.commits import FileRecord
from harness.store.csv_files import CSV_COMMIT, read_csv_commit
from harness.store.data_points import DATA
from harness.store.folder import reason
from harness.store.lock import holder, writer
from harness.store.manifest import MANIFEST
from harness.store.parts import ColumnKinds
from harness.store.reader import read_part
from harness.training.columns import columns_of

# The present rate is that of this many commits.
_RECENT_COMMITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The progress of a sweep.

    Attributes
    ----------
    name : str
        Name of the experiment.
    runs, runs_done, runs_reused : int
        Runs of the sweep, those in the folder, and those of them taken over from a smaller grid.
    chunks, chunks_done, chunks_broken : int
        Chunks of the sweep, those in the folder, and those whose commit cannot be read or whose
        files are missing or of another size.
    bytes : int
        Size of the tables.
    last : datetime or None
        Time of the last commit.
    rate : float or None
        Runs per second between the last commits.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A file that was checked: its name, its problem ("" if intact), and the name of its commit."""

    name: str
    problem: str
    commit: str


def status(folder: Path) -> Status:
    """Return the progress of the sweep in a results folder.

    Raises
    ------
    ResultsError
        It is not a results folder, or its manifest is broken.
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
    recent = finished[-_RECENT_COMMITS:]
    rate = None
    if len(recent) > 1 and recent[-1][0] > recent[0][0]:
        seconds = (recent[-1][0] - recent[0][0]).total_seconds()
        rate = sum(runs for _, runs in recent[1:]) / seconds
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

    At the end, the commits of broken files are withdrawn, so that `harness run` trains their chunks
    again.

    Yields
    ------
    Checked
        Each file, intact or not.

    Raises
    ------
    ResultsError
        It is not a results folder, or its manifest is broken.
    InUseError
        A file is broken, and another process writes into the folder.
    """
    whole = Store.open(folder)
    points = Checked(name=DATA, problem=_problem(whole.read_data), commit="")
    problem, data = "", None
    if not points.problem:  # otherwise the columns of the tables are unknown
        try:
            data = experiment_of(whole).source
        except ResultsError as error:
            problem = f"does not fit its experiment: {error}"
    yield Checked(name=MANIFEST, problem=problem, commit="")
    yield points
    if problem:
        return  # no chunk can be compared with such an experiment
    for store in (whole, *whole.earlier()):
        broken = set()
        columns = None if data is None else columns_of(experiment_of(store, data)).by_table()
        for file in check(store, columns):
            if file.problem:
                broken.add(file.commit)
            yield file
        if broken:
            with writer(folder), store.writing("the folder"):
                store.withdraw(broken)


def check(store: Store, columns: Mapping[str, ColumnKinds] | None = None) -> Iterator[Checked]:
    """Read every committed file of a store.

    Parameters
    ----------
    store : Store
        The store.
    columns : mapping, optional
        The columns of each table, if they are known.
    """
    broken: list[tuple[str, str]] = []
    commits = store.commits(broken=lambda name, why: broken.append((name, why)))
    for name, why in broken:
        yield Checked(name=name, problem=f"is broken: {why}", commit=name)
    for chunk, commit in commits.items():
        name = store.name_of_commit(chunk)
        yield Checked(name=name, problem="", commit=name)
        for table in TABLES:
            problem = _problem(partial(read_part, store, table, chunk, commit, columns))
            yield Checked(name=store.name_of_part(table, chunk), problem=problem, commit=name)
    yield from _check_csv(store)


def _check_csv(store: Store) -> Iterator[Checked]:
    try:
        commit = read_csv_commit(store)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        yield Checked(name=CSV_COMMIT, problem=f"is broken: {reason(error)}", commit=CSV_COMMIT)
        return
    if commit.identity != store.manifest.identity:  # of a smaller grid
        return
    yield Checked(name=CSV_COMMIT, problem="", commit=CSV_COMMIT)
    for name, record in commit.files.items():
        problem = _problem(partial(_read_csv, store, name, record))
        yield Checked(name=name, problem=problem, commit=CSV_COMMIT)


def _read_csv(store: Store, name: str, record: FileRecord) -> None:
    """Raise a ValueError unless a CSV file is as it was committed."""
    size = store.files.size(name)
    if size is None:
        raise FileNotFoundError
    if size != record.size:  # compared before a file of any length is read
        raise ValueError(f"has {size:,} bytes instead of {record.size:,}")
    with store.files.open(name) as file:
        if FileRecord.of_file(record.rows, file) != record:
            raise ValueError("is not as it was written: its SHA-256 differs")


def _problem(read: Callable[[], object]) -> str:
    """Return why a file cannot be read; "" if it can."""
    try:
        read()
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {reason(error)}"
    except ValueError as error:
        return str(error)
    except (MemoryError, pa.ArrowException) as error:
        return f"is broken: {error}"
    return ""
