"""A results folder: its manifest, and the chunks that are kept in it and missing."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import NoSpaceError, ResultsError, StorageError
from harness.formatting import shown_bytes
from harness.store.commits import MOST_COMMIT_BYTES, Commit, FileRecord, Origin, Packed
from harness.store.data_points import DATA, Floats, decode, encode, is_ours
from harness.store.encoding import Columns, to_parquet
from harness.store.files import FULL, LocalFiles
from harness.store.manifest import MANIFEST, Manifest, read_manifest
from harness.store.objects import ObjectFiles
from harness.store.parts import MOST_PART_BYTES, TABLES
from harness.store.places import files_at

COMMITS = "commits"
_FOLDERS = (*TABLES, COMMITS)


class Store:
    """One results folder.

    Parameters
    ----------
    folder : Path
        The folder, as `place` returns it.
    manifest : Manifest
        What was trained, and with what.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.files = files_at(folder)
        self._known: dict[str, Commit] = {}  # by name; a commit never changes
        self._suffix = f"-g{manifest.generation}" if manifest.generation else ""
        self._commit_name = re.compile(rf"{COMMITS}/(\d{{6}}){self._suffix}\.json")

    # -- made and opened ---------------------------------------------------------------------------

    @staticmethod
    def prepare(folder: Path) -> None:
        """Make a folder that can be locked; it must not have other things in it."""
        try:
            files = files_at(folder)
            if _is_taken(files):
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
    def create(cls, folder: Path, manifest: Manifest, inputs: Floats, targets: Floats) -> "Store":
        """Write data points and manifest of a folder that was prepared."""
        store = cls(folder, manifest)
        store.write_data(inputs, targets)
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

    def amend(self, **entries: Any) -> None:
        """Write entries into the manifest, which keeps the others."""
        manifest = replace(self.manifest, **entries)
        data = manifest.to_json()
        with self.writing("the manifest"):
            self.files.replace(MANIFEST, [data])
        self.manifest = manifest

    def grow(self, manifest: Manifest) -> "Store":
        """Begin another generation; `earlier` gives the chunks that are there until it is done."""
        former = replace(self.manifest, earlier=(), data=None)
        grown = replace(
            manifest,
            data=self.manifest.data,
            generation=former.generation + 1,
            earlier=(*self.manifest.earlier, former),
        )
        store = Store(self.folder, grown)
        store.amend()
        return store

    def earlier(self) -> list["Store"]:
        """Return the former generations of which chunks may be there, the latest first."""
        return [Store(self.folder, manifest) for manifest in reversed(self.manifest.earlier)]

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
        self.amend(earlier=())

    # -- data points -------------------------------------------------------------------------------

    def write_data(self, inputs: Floats, targets: Floats) -> None:
        """Write the data points, in the place of a file that is broken, and then the manifest.

        Parameters
        ----------
        inputs, targets : array of shape (m, inputs) and (m, targets)
            The data points.
        """
        record, content = encode(inputs, targets)
        with self.writing("the data points"):
            self.files.replace(DATA, [content])
        self.amend(data=record)

    def read_data(self) -> tuple[Floats, Floats]:
        """Return inputs and targets, of shapes (m, inputs) and (m, targets).

        Raises
        ------
        OSError, ValueError, MemoryError
            The file is not there, or not as it was written.
        """
        record = self.manifest.data
        assert record is not None  # a former generation has no data points of its own
        return decode(record, self.files.read(DATA, record.file.size))

    def has_data(self) -> bool:
        """Return whether the data points are there, in a file that is whole."""
        try:
            self.read_data()
        except (OSError, ValueError, MemoryError):
            return False
        return True

    # -- chunks ------------------------------------------------------------------------------------

    def name_of_commit(self, chunk: int) -> str:
        """Return the name of the file that says a chunk is there."""
        return f"{COMMITS}/{chunk:06}{self._suffix}.json"

    def name_of_part(self, table: str, chunk: int) -> str:
        """Return the name of the file that a chunk of a table is in."""
        return f"{table}/part-{chunk:06}{self._suffix}.parquet"

    def chunk_runs(self, chunk: int) -> range:
        """Return the run ids of a chunk."""
        first, size = chunk * self.manifest.chunk_size, self.manifest.chunk_size
        return range(first, min(first + size, self.manifest.runs))

    def commits(self, broken: Callable[[str, str], None] | None = None) -> dict[int, Commit]:
        """Return the commits that are there by chunk, ascending.

        Those that cannot be read go to `broken`, as name and reason, or raise a ResultsError.
        """
        found = {}
        for name in self._names_of_commits():
            match = self._commit_name.fullmatch(name)
            if match is None or int(match[1]) >= self.manifest.chunks:
                continue
            chunk = int(match[1])
            try:
                if name not in self._known:
                    self._known[name] = self.read_commit(chunk)
                found[chunk] = self._known[name]
            except FileNotFoundError:
                continue  # withdrawn in this moment
            except (OSError, ValueError) as error:
                if broken is None:
                    raise self.broken(name, reason(error)) from None
                broken(name, reason(error))
        return found

    def _names_of_commits(self) -> list[str]:
        try:
            return self.files.names(COMMITS)
        except OSError as error:
            raise ResultsError(
                f"{self.folder / COMMITS} cannot be read: {error.strerror}.\n"
                f"Move {self.folder} away, and train anew."
            ) from None

    def read_commit(self, chunk: int) -> Commit:
        """Read the commit of a chunk.

        Raises
        ------
        OSError, ValueError
            It is not there, broken, or not of this chunk.
        """
        commit = Commit.from_json(self.files.read(self.name_of_commit(chunk), MOST_COMMIT_BYTES))
        if commit.identity != self.manifest.identity:
            raise ValueError("it belongs to another experiment")
        if commit.chunk != chunk:
            raise ValueError(f"it is the commit of chunk {commit.chunk}")
        names = [self.name_of_part(table, chunk) for table in TABLES]
        if sorted(commit.files) != names:
            raise ValueError(f"it has other files than {' and '.join(names)}")
        runs, trajectories = (commit.files[name] for name in names)
        count = len(self.chunk_runs(chunk))
        if runs.rows != count:
            raise ValueError(f"it has {runs.rows:,} runs instead of {count:,}")
        if trajectories.rows > count * self.manifest.recorded:
            raise ValueError(f"{trajectories.rows:,} recorded epochs are too many")
        if max(runs.size, trajectories.size) > MOST_PART_BYTES:
            raise ValueError(f"it has a file of more than {shown_bytes(MOST_PART_BYTES)}")
        return commit

    def missing(self) -> list[int]:
        """Return the chunks that are not there, ascending: no commit, or a file of another size."""
        there = {
            chunk
            for chunk, commit in self.commits(broken=lambda name, why: None).items()
            if self.has_files(commit)
        }
        return [chunk for chunk in range(self.manifest.chunks) if chunk not in there]

    def has_files(self, commit: Commit) -> bool:
        """Return whether the files of a commit are there, as long as they were written."""
        try:
            return all(self.files.size(name) == r.size for name, r in commit.files.items())
        except OSError:  # something else is there
            return False

    def _is_whole(self, chunk: int) -> bool:
        """Return whether the commit of a chunk can be read, and its files are there."""
        try:
            return self.has_files(self.read_commit(chunk))
        except (OSError, ValueError):
            return False

    def make_room(self, chunks: Iterable[int]) -> None:
        """Remove what is left of missing chunks, and files that a killed process did not finish."""
        with self.writing("the folder"):
            self.files.remove_unfinished(_FOLDERS)
            there = set(self._names_of_commits())
            # Looked at anew: another process may have committed one since it was missing.
            self.withdraw(
                name
                for chunk in chunks
                if (name := self.name_of_commit(chunk)) in there and not self._is_whole(chunk)
            )

    def withdraw(self, commits: Iterable[str]) -> None:
        """Remove commits, so that what they say does not exist."""
        self.files.remove(commits)

    def pack(self, chunk: int, tables: Mapping[str, Iterable[Columns]], about: Origin) -> Packed:
        """Encode the rows of a chunk; nothing is written.

        Parameters
        ----------
        chunk : int
            Which one.
        tables : mapping
            Of each table its rows, in pieces.
        about : Origin
            Where they come from.

        Raises
        ------
        HarnessError
            There are more recorded epochs than a part can have.
        """
        encoded = {
            self.name_of_part(table, chunk): to_parquet(pieces) for table, pieces in tables.items()
        }
        commit = Commit(
            identity=self.manifest.identity,
            chunk=chunk,
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
                there = self.read_commit(chunk)
            except ValueError as error:
                raise self.broken(commit_name, str(error)) from None
        if there.files != commit.files:
            raise ResultsError(
                f"chunk {chunk} of {self.folder} was trained twice, with other results:"
                f" {there.about} and {commit.about}.\n"
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
        missing = self.manifest.chunks - len(self.commits(broken=lambda name, why: None))
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


def _is_taken(files: LocalFiles | ObjectFiles) -> bool:
    """Return whether a folder has other things in it than a results folder, or one just begun."""
    ours = re.compile(
        rf"\.lock|\.writer\.json|\..+\.unfinished|{re.escape(DATA)}|{'|'.join(_FOLDERS)}"
    )
    there = files.entries()
    if MANIFEST in there:
        return False
    if not all(map(ours.fullmatch, there)) or any(map(files.names, _FOLDERS)):
        return True
    if DATA not in there:
        return False
    # A process that ended before it wrote the manifest left it; or it is somebody's own table.
    with files.open(DATA) as file:
        return not is_ours(file)


def reason(error: Exception) -> str:
    """Return what is wrong, without the number and the path that an OSError has."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
