"""Every byte of a results folder against its checksum."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.store.commits import Commit, FileRecord
from harness.store.csv_files import CSV_COMMIT
from harness.store.folder import Store
from harness.store.manifest import MANIFEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One file that was read: its name, what is wrong with it or nothing, and its commit's name."""

    name: str
    problem: str
    commit: str


def check(store: Store) -> Iterator[Checked]:
    """Read every file that was committed."""
    # Opening the store has checked it.
    yield Checked(name=MANIFEST, problem="", commit="")
    broken: list[tuple[str, str]] = []
    commits = store.commits(broken=lambda name, why: broken.append((name, why)))
    listed = {store.name_of_commit(chunk): commit for chunk, commit in commits.items()}
    if store.files.size(CSV_COMMIT) is not None:
        try:
            commit = Commit.from_json(store.files.read(CSV_COMMIT))
            if commit.identity == store.manifest["identity"]:  # not of a smaller grid
                listed[CSV_COMMIT] = commit
        except (OSError, ValueError, TypeError, KeyError) as error:
            broken.append((CSV_COMMIT, str(error)))
    for name, why in broken:
        yield Checked(name=name, problem=f"is broken: {why}", commit=name)
    for commit_name, commit in listed.items():
        yield Checked(name=commit_name, problem="", commit=commit_name)
        for name, record in commit.files.items():
            yield Checked(name=name, problem=_problem(store, name, record), commit=commit_name)


def _problem(store: Store, name: str, record: FileRecord) -> str:
    try:
        return record.difference(store.files.read(name))
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
