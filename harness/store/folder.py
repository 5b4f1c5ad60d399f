"""A results folder: its manifest, its data points, and which chunks are in it and missing."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import NoSpaceError, ResultsError, StorageError
from harness.formatting import shown_bytes
from harness.store.commits import MAX_COMMIT_BYTES, ChunkCommit, FileRecord, Origin, PackedChunk
from harness.store.data_points import (
    DATA,
    NO_NAMES,
    NO_WORDS,
    Floats,
    decode,
    encode,
    has_data_columns,
)
from harness.store.encoding import Columns, to_parquet
from harness.store.files import FULL, LocalFiles
from harness.store.locations import files_at
from harness.store.manifest import MANIFEST, Manifest, read_manifest
from harness.store.objects import ObjectFiles
from harness.store.parts import MAX_PART_BYTES, TABLES

COMMITS = "commits"
_FOLDERS = (*TABLES, COMMITS)


class Store:
    """A results folder.

    Parameters
    ----------
    folder : Path
        The folder, as `results_folder` returns it.
    manifest : Manifest
        Its manifest.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.files = files_at(folder)
        self._known: dict[str, ChunkCommit] = {}  # by name; a commit never changes
        self._suffix = f"-g{manifest.generation}" if manifest.generation else ""
        self._commit_name = re.compile(rf"{COMMITS}/(\d{{6}}){self._suffix}\.json")

    # -- folder and manifest -----------------------------------------------------------------------

    @staticmethod
    def prepare(folder: Path) -> None:
        """Make a folder that can be locked; raise a ResultsError if it holds other things."""
        try:
            files = files_at(folder)
            if _is_taken(files):
                raise ResultsError(
                    f"{folder} already exists and is not a results folder.\n"
                    "Choose another folder with --out, or move this one away."
                )
            files.make_folders(_FOLDERS)
        except OSError as error:
            raise ResultsError(
                f"{folder} cannot be made: {error.strerror}.\nChoose another folder with --out."
            ) from None

    @classmethod
    def create(
        cls,
        folder: Path,
        manifest: Manifest,
        inputs: Floats,
        targets: Floats,
        **further: Any,
    ) -> "Store":
        """Write data points, as `write_data` does, and manifest into a folder of `prepare`."""
        store = cls(folder, manifest)
        store.write_data(inputs, targets, **further)
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
        """Change some entries of the manifest."""
        manifest = replace(self.manifest, **entries)
        data = manifest.to_json()
        with self.writing("the manifest"):
            self.files.replace(MANIFEST, [data])
        self.manifest = manifest

    def grow(self, manifest: Manifest) -> "Store":
        """Begin a new generation; the chunks of the present one stay until `drop_earlier`."""
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
        """Return the former generations that may still have chunks, the latest first."""
        return [Store(self.folder, manifest) for manifest in reversed(self.manifest.earlier)]

    def drop_earlier(self) -> None:
        """Remove all files of former generations."""
        name_of = r"\w+/(?:part-)?\d{{6}}{}\.(?:json|parquet)"
        all_generations = re.compile(name_of.format(r"(?:-g\d+)?"))
        this_one = re.compile(name_of.format(self._suffix))
        with self.writing("the folder"):
            # Commits first: a part without a commit does not exist, a commit without one is broken.
            for folder in (COMMITS, *TABLES):
                self.files.remove(
                    name
                    for name in self.files.names(folder)
                    if all_generations.fullmatch(name) and not this_one.fullmatch(name)
                )
        self.amend(earlier=())

    # -- data points -------------------------------------------------------------------------------

    def write_data(
        self,
        inputs: Floats,
        targets: Floats,
        names: Mapping[str, Sequence[str]] = NO_NAMES,
        words: Mapping[str, Sequence[int]] = NO_WORDS,
        held_out: int = 0,
        original: bool = False,
    ) -> None:
        """Write the data points, replacing a broken file, and record them in the manifest.

        Parameters
        ----------
        inputs, targets : array of shape (m, inputs) and (m, targets)
            The data points.
        names : mapping, optional
            Names of the "inputs", the "targets" and the "classes", of those that have names.
        words : mapping, optional
            Columns of "inputs" and "targets" that words were turned into, counted from 0.
        held_out : int, optional
            How many data points, the last ones, are for validation only.
        original : bool, optional
            Whether the numbers are those before scaling, whether or not some are held out.
        """
        record, content = encode(inputs, targets, names, words, held_out, original)
        with self.writing("the data points"):
            self.files.replace(DATA, [content])
        self.amend(data=record)

    def read_data(self) -> tuple[Floats, Floats]:
        """Return inputs and targets, of shapes (m, inputs) and (m, targets).

        Raises
        ------
        OSError, ValueError, MemoryError
            The file is missing or broken.
        """
        record = self.manifest.data
        assert record is not None  # a former generation has no data points of its own
        return decode(record, self.files.read(DATA, record.file.size))

    def has_data(self) -> bool:
        """Return whether the file of the data points is there and whole."""
        try:
            self.read_data()
        except (OSError, ValueError, MemoryError):
            return False
        return True

    # -- chunks ------------------------------------------------------------------------------------

    def name_of_commit(self, chunk: int) -> str:
        """Return the name of the commit of a chunk."""
        return f"{COMMITS}/{chunk:06}{self._suffix}.json"

    def name_of_part(self, table: str, chunk: int) -> str:
        """Return the name of the file that holds a chunk of a table."""
        return f"{table}/part-{chunk:06}{self._suffix}.parquet"

    def chunk_runs(self, chunk: int) -> range:
        """Return the run ids of a chunk."""
        first, size = chunk * self.manifest.chunk_size, self.manifest.chunk_size
        return range(first, min(first + size, self.manifest.runs))

    def commits(self, broken: Callable[[str, str], None] | None = None) -> dict[int, ChunkCommit]:
        """Return the commits by chunk, ascending.

        `broken` is called with name and reason for each commit that cannot be read; without it,
        such a commit raises a ResultsError.
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
                continue  # withdrawn just now
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
                f"Move {self.folder} away and train again."
            ) from None

    def read_commit(self, chunk: int) -> ChunkCommit:
        """Read the commit of a chunk.

        Raises
        ------
        OSError, ValueError
            It is missing, broken, or belongs to another chunk.
        """
        data = self.files.read(self.name_of_commit(chunk), MAX_COMMIT_BYTES)
        commit = ChunkCommit.from_json(data)
        if commit.identity != self.manifest.identity:
            raise ValueError("it belongs to another experiment")
        if commit.chunk != chunk:
            raise ValueError(f"it is the commit of chunk {commit.chunk}")
        names = [self.name_of_part(table, chunk) for table in TABLES]
        if sorted(commit.files) != names:
            raise ValueError(f"its files are not {' and '.join(names)}")
        runs, trajectories = (commit.files[name] for name in names)
        count = len(self.chunk_runs(chunk))
        if runs.rows != count:
            raise ValueError(f"it has {runs.rows:,} runs instead of {count:,}")
        if trajectories.rows > count * self.manifest.recorded:
            raise ValueError(f"it has {trajectories.rows:,} recorded epochs, too many for its runs")
        if max(runs.size, trajectories.size) > MAX_PART_BYTES:
            raise ValueError(f"it has a file of more than {shown_bytes(MAX_PART_BYTES)}")
        return commit

    def missing(self) -> list[int]:
        """Return the chunks without a commit, or with a file of another size, ascending."""
        there = {
            chunk
            for chunk, commit in self.commits(broken=lambda name, why: None).items()
            if self.has_files(commit)
        }
        return [chunk for chunk in range(self.manifest.chunks) if chunk not in there]

    def has_files(self, commit: ChunkCommit) -> bool:
        """Return whether the files of a commit are there with their recorded sizes."""
        try:
            return all(self.files.size(name) == r.size for name, r in commit.files.items())
        except OSError:  # one of them is not a file
            return False

    def _is_whole(self, chunk: int) -> bool:
        """Return whether a chunk has a commit and the files that it names."""
        try:
            return self.has_files(self.read_commit(chunk))
        except (OSError, ValueError):
            return False

    def remove_leftovers(self, chunks: Iterable[int]) -> None:
        """Remove commits of missing chunks, and temporary files of processes that were killed."""
        with self.writing("the folder"):
            self.files.remove_unfinished(_FOLDERS)
            there = set(self._names_of_commits())
            # Checked again: another process may have committed a chunk since it was missing.
            self.withdraw(
                name
                for chunk in chunks
                if (name := self.name_of_commit(chunk)) in there and not self._is_whole(chunk)
            )

    def withdraw(self, commits: Iterable[str]) -> None:
        """Remove commits, so that their chunks or CSV files do not exist."""
        self.files.remove(commits)

    def pack(
        self, chunk: int, tables: Mapping[str, Iterable[Columns]], about: Origin
    ) -> PackedChunk:
        """Encode the rows of a chunk; nothing is written.

        Parameters
        ----------
        chunk : int
            Number of the chunk.
        tables : mapping
            The rows of each table, in pieces.
        about : Origin
            Where, when and by which code they were trained.
        """
        encoded = {
            self.name_of_part(table, chunk): to_parquet(pieces) for table, pieces in tables.items()
        }
        commit = ChunkCommit(
            identity=self.manifest.identity,
            chunk=chunk,
            files={name: FileRecord.of(rows, data) for name, (rows, data) in encoded.items()},
            about=about,
        )
        parts = {name: data for name, (_, data) in encoded.items()}
        return PackedChunk(parts=parts, commit=commit)

    def commit(self, packed: PackedChunk) -> None:
        """Commit a chunk: its parts, then its commit, each flushed to the disk. The first wins.

        Raises
        ------
        ResultsError
            The chunk was committed before, with other rows.
        NoSpaceError, StorageError
            It cannot be written. Chunks that were committed before are unchanged.
        """
        commit, chunk = packed.commit, packed.commit.chunk
        commit_name = self.name_of_commit(chunk)
        with self.writing(f"chunk {chunk}", sum(r.size for r in commit.files.values())):
            if self.files.size(commit_name) is None:
                for name, data in packed.parts.items():
                    # A part without a commit is the remains of a crash.
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
                f"chunk {chunk} of {self.folder} was trained twice, with different results:"
                f" {there.about} and {commit.about}.\n"
                "The first is kept. Different versions or a broken machine may be the cause."
            )

    # -- errors ------------------------------------------------------------------------------------

    @contextmanager
    def writing(self, what: str, needed: int = 0) -> Iterator[None]:
        """Turn an OSError into a StorageError that names `what`, and the bytes that it needs."""
        try:
            yield
        except OSError as error:
            where = f"{what} of {self.folder} cannot be written"
            if error.errno in FULL:
                raise NoSpaceError(
                    f"{where}: {error.strerror}{self._needs(needed)}.\n"
                    "Make room; finished chunks are kept, and the same command resumes the sweep."
                ) from error
            raise StorageError(
                f"{where}: {error.strerror}.\n"
                "Finished chunks are kept; the same command resumes the sweep."
            ) from error

    def _needs(self, needed: int) -> str:
        """Say how many bytes this chunk and all missing chunks need."""
        if not needed:
            return ""
        missing = self.manifest.chunks - len(self.commits(broken=lambda name, why: None))
        return (
            f"; it needs {shown_bytes(needed)}, and all missing chunks about"
            f" {shown_bytes(needed * missing)}"
        )

    def broken(self, name: str, why: str) -> ResultsError:
        """Return the error for a broken file."""
        return ResultsError(
            f"{self.folder / name} is broken: {why}.\n"
            f"`harness verify {self.folder}` names all broken files; `harness run FILE` then trains"
            " their chunks again."
        )


def _is_taken(files: LocalFiles | ObjectFiles) -> bool:
    """Return whether a folder holds anything but a results folder, finished or just begun."""
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
    # Left by a process that was killed before it wrote the manifest; or a table of the user.
    with files.open(DATA) as file:
        return not has_data_columns(file)


def reason(error: Exception) -> str:
    """Return the message of an error, without the number and the path of an OSError."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
