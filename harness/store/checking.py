"""Every byte of a results folder against its checksum, and every part against its chunk."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from harness.store.commits import FileRecord
from harness.store.csv_files import CSV_COMMIT, read_csv_commit
from harness.store.data_points import DATA
from harness.store.folder import Store, reason
from harness.store.parts import TABLES, ColumnKinds
from harness.store.reader import read_part


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One file that was read: its name, what is wrong with it or nothing, and its commit's name."""

    name: str
    problem: str
    commit: str


def check_data(store: Store) -> Checked:
    """Read the data points, which no commit names."""
    return Checked(name=DATA, problem=_problem(store.read_data), commit="")


def check(store: Store, columns: Mapping[str, ColumnKinds] | None = None) -> Iterator[Checked]:
    """Read every file that was committed.

    Parameters
    ----------
    store : Store
        The folder.
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


def _problem(read: Callable[[], object]) -> str:
    """Return what is wrong with a file that is read; nothing if it is right."""
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
        yield Checked(name=name, problem=_csv_problem(store, name, record), commit=CSV_COMMIT)


def _csv_problem(store: Store, name: str, record: FileRecord) -> str:
    try:
        size = store.files.size(name)
        if size is None:
            return "is missing"
        if size != record.size:  # before it is read, whatever its length
            return f"has {size:,} bytes instead of {record.size:,}"
        with store.files.open(name) as file:
            found = FileRecord.of_file(record.rows, file)
    except OSError as error:
        return f"cannot be read: {reason(error)}"
    return "" if found == record else "is not as it was written: its SHA-256 differs"
