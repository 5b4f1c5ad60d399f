"""A results folder: its manifest, and the chunks that are kept in it and missing."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import NoSpaceError, ResultsError, StorageError, shown_bytes
from harness.store.commits import Commit, FileRecord, Packed
from harness.store.encoding import Columns, to_parquet
from harness.store.files import FULL
from harness.store.manifest import FORMAT, MANIFEST, read_manifest
from harness.store.places import files_at
from harness.store.sealed import seal

TABLES = ("runs", "trajectories")

COMMITS = "commits"
_FOLDERS = (*TABLES, COMMITS)


class Store:
    """One results folder.

    Parameters
    ----------
    folder : Path
        The folder, as `place` returns it.
    manifest : mapping
        What was trained, and with what. It must have `identity`, `runs`, `chunk_size`, `chunks`;
        `generation`, how often the grid has grown; and `earlier`, the manifests of former
        generations whose chunks are still there.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self.files = files_at(folder)
        self._known: dict[str, Commit] = {}  # by name; a commit never changes
        grown = manifest["generation"]
        self._suffix = f"-g{grown}" if grown else ""
        self._commit_name = re.compile(rf"{COMMITS}/(\d{{6}}){self._suffix}\.json")

    # -- made and opened ---------------------------------------------------------------------------

    @staticmethod
    def prepare(folder: Path) -> None:
        """Make a folder that can be locked; it must not have other things in it."""
        ours = re.compile(rf"\.lock|\.writer\.json|\..+\.unfinished|{'|'.join(_FOLDERS)}")
        try:
            files = files_at(folder)
            there = files.entries()
            taken = not all(map(ours.fullmatch, there)) or any(map(files.names, _FOLDERS))
            if MANIFEST not in there and taken:
                raise ResultsError(
                    f"{folder} is there already and is no results folder.\n"
                    "Choose another folder with --out, or move this one away."
                )
            files.make_folders(_FOLDERS)
        except OSError as error:
            raise ResultsError(
                f"{folder} cannot be made: {error.strerror}.\nChoose another folder with --out."
            ) from None

    @classmethod
    def create(cls, folder: Path, manifest: Mapping[str, Any]) -> "Store":
        """Write the manifest of a folder that was prepared."""
        store = cls(folder, {"format": FORMAT, **manifest, "generation": 0, "earlier": []})
        store.amend({})
        return store

    @classmethod
    def open(cls, folder: Path) -> "Store":
        """Open a results folder.

        Raises
        ------
        ResultsError
            It has no manifest, or one that cannot be read.
        """
        return cls(folder, read_manifest(folder))

    def amend(self, entries: Mapping[str, Any]) -> None:
        """Write entries into the manifest, which keeps the others."""
        manifest = {**self.manifest, **entries}
        with self.writing("the manifest"):
            self.files.replace(MANIFEST, [seal(manifest)])
        self.manifest = manifest

    def grow(self, manifest: Mapping[str, Any]) -> "Store":
        """Begin another generation; `earlier` gives the chunks that are there until it is done."""
        before = {name: value for name, value in self.manifest.items() if name != "earlier"}
        grown = {
            "format": FORMAT,
            **manifest,
            "generation": self.manifest["generation"] + 1,
            "earlier": [*self.manifest["earlier"], before],
        }
        with self.writing("the manifest"):
            self.files.replace(MANIFEST, [seal(grown)])
        return Store(self.folder, grown)

    def earlier(self) -> list["Store"]:
        """Return the former generations of which chunks may be there, the latest first."""
        return [
            Store(self.folder, {**manifest, "earlier": []})
            for manifest in reversed(self.manifest["earlier"])
        ]

    def drop_earlier(self) -> None:
        """Remove the former generations, committed or not."""
        name_of = r"\w+/(?:part-)?\d{{6}}{}\.(?:json|parquet)"
        all_generations = re.compile(name_of.format(r"(?:-g\d+)?"))
        this_one = re.compile(name_of.format(self._suffix))
        with self.writing("the folder"):
            # Commits first: a part without one does not exist, but not the other way round.
            for folder in (COMMITS, *TABLES):
                self.files.remove(
                    name
                    for name in self.files.names(folder)
                    if all_generations.fullmatch(name) and not this_one.fullmatch(name)
                )
        self.amend({"earlier": []})

    # -- chunks ------------------------------------------------------------------------------------

    def name_of_commit(self, chunk: int) -> str:
        """Return the name of the file that says a chunk is there."""
        return f"{COMMITS}/{chunk:06}{self._suffix}.json"

    def chunk_runs(self, chunk: int) -> range:
        """Return the run ids of a chunk."""
        first = chunk * int(self.manifest["chunk_size"])
        return range(first, min(first + self.manifest["chunk_size"], self.manifest["runs"]))

    def commits(self, broken: Callable[[str, str], None] | None = None) -> dict[int, Commit]:
        """Return the commits that are there by chunk, ascending.

        Those that cannot be read go to `broken`, as name and reason, or raise a ResultsError.
        """
        found = {}
        for name in self.files.names(COMMITS):
            match = self._commit_name.fullmatch(name)
            if match is None:
                continue
            try:
                if name not in self._known:
                    self._known[name] = self.read_commit(name)
                found[int(match[1])] = self._known[name]
            except FileNotFoundError:
                continue  # withdrawn in this moment
            except (OSError, ValueError, TypeError, KeyError) as error:
                if broken is None:
                    raise self.broken(name, str(error)) from None
                broken(name, str(error))
        return found

    def read_commit(self, name: str) -> Commit:
        """Read a commit of this generation.

        Raises
        ------
        OSError, ValueError, TypeError, KeyError
            It is not there, broken, or belongs to another one.
        """
        commit = Commit.from_json(self.files.read(name))
        if commit.identity != self.manifest["identity"]:
            raise ValueError("it belongs to another experiment")
        return commit

    def missing(self) -> list[int]:
        """Return the chunks that are not there, ascending: no commit, or a file of another size."""
        there = {
            chunk
            for chunk, commit in self.commits(broken=lambda name, why: None).items()
            if self._has_files(commit)
        }
        return [chunk for chunk in range(int(self.manifest["chunks"])) if chunk not in there]

    def _has_files(self, commit: Commit) -> bool:
        return all(self.files.size(name) == r.size for name, r in commit.files.items())

    def _is_whole(self, name: str) -> bool:
        """Return whether a commit can be read, and its files are there."""
        try:
            return self._has_files(self.read_commit(name))
        except (OSError, ValueError, TypeError, KeyError):
            return False

    def make_room(self, chunks: Iterable[int]) -> None:
        """Remove what is left of missing chunks, and files that a killed process did not finish."""
        with self.writing("the folder"):
            self.files.remove_unfinished(_FOLDERS)
            there = set(self.files.names(COMMITS))
            # Looked at anew: another process may have committed one since it was missing.
            self.withdraw(
                name
                for chunk in chunks
                if (name := self.name_of_commit(chunk)) in there and not self._is_whole(name)
            )

    def withdraw(self, commits: Iterable[str]) -> None:
        """Remove commits, so that what they say does not exist."""
        self.files.remove(commits)

    def pack(
        self, chunk: int, tables: Mapping[str, Iterable[Columns]], about: Mapping[str, Any]
    ) -> Packed:
        """Encode the rows of a chunk; nothing is written.

        Parameters
        ----------
        chunk : int
            Which one.
        tables : mapping
            Of each table its rows, in pieces.
        about : mapping
            What the commit says of their origin.
        """
        encoded = {
            f"{table}/part-{chunk:06}{self._suffix}.parquet": to_parquet(pieces)
            for table, pieces in tables.items()
        }
        commit = Commit(
            identity=self.manifest["identity"],
            files={name: FileRecord.of(rows, data) for name, (rows, data) in encoded.items()},
            about=about,
        )
        parts = {name: data for name, (_, data) in encoded.items()}
        return Packed(chunk=chunk, parts=parts, commit=commit)

    def keep(self, packed: Packed) -> None:
        """Keep a chunk, for good: when this returns it is on the disk.

        Raises
        ------
        ResultsError
            The chunk is there with other rows.
        NoSpaceError, StorageError
            It cannot be written; what was kept before is as it was.
        """
        chunk, commit = packed.chunk, packed.commit
        commit_name = self.name_of_commit(chunk)
        with self.writing(f"chunk {chunk}", sum(r.size for r in commit.files.values())):
            if self.files.size(commit_name) is None:
                for name, data in packed.parts.items():
                    # Without a commit it is what a crash left, or not whole.
                    if not self.files.create(name, [data]):
                        self.files.replace(name, [data])
                if self.files.create(commit_name, [commit.to_json()]):
                    return
            try:
                there = self.read_commit(commit_name)
            except (ValueError, TypeError, KeyError) as error:
                raise self.broken(commit_name, str(error)) from None
        if there.files != commit.files:
            raise ResultsError(
                f"chunk {chunk} of {self.folder} was trained twice, with other results:"
                f" {there.origin} and {commit.origin}.\n"
                "The first is kept. Different versions or a broken machine may be the cause."
            )

    # -- what went wrong ---------------------------------------------------------------------------

    @contextmanager
    def writing(self, what: str, needed: int = 0) -> Iterator[None]:
        """Say what could not be written, where that is so, and how many bytes it needs."""
        try:
            yield
        except OSError as error:
            where = f"{what} of {self.folder} cannot be written"
            if error.errno in FULL:
                raise NoSpaceError(
                    f"{where}: {error.strerror}{self._needs(needed)}.\n"
                    "Make room; the same command then goes on with what is missing."
                ) from error
            raise StorageError(
                f"{where}: {error.strerror}.\n"
                "What was finished before is kept; the same command goes on."
            ) from error

    def _needs(self, needed: int) -> str:
        """Say how much room a chunk needs, and all that are missing."""
        if not needed:
            return ""
        missing = self.manifest["chunks"] - len(self.commits(broken=lambda name, why: None))
        return (
            f"; it needs {shown_bytes(needed)}, and all that is missing about"
            f" {shown_bytes(needed * missing)}"
        )

    def broken(self, name: str, why: str) -> ResultsError:
        """Return the error for a file that is not as it was written."""
        return ResultsError(
            f"{self.folder / name} is broken: {why}.\n"
            f"`harness verify {self.folder}` names all that is broken, and `harness run FILE` then"
            " trains it again."
        )
