"""Commits: the documents that say which files are whole, and how to check them.

A chunk is in a results folder if there is a commit for it and its files have the recorded sizes;
see `Store.commit` for how one is written, and `Store.read_commit` for how it is checked.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BufferedIOBase
from typing import Any, Self

from harness.errors import shown
from harness.store.documents import Fields, seal, unseal

# A commit has a kilobyte.
MAX_COMMIT_BYTES = 1 << 16

_MAX = 2**63 - 1
_NAME = re.compile(r"(?:runs|trajectories)(?:\.csv|/part-[0-9]{6}(?:-g[0-9]{1,4})?\.parquet)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """Number of rows of a file, its size in bytes, and its SHA-256 in hexadecimal."""

    rows: int
    size: int
    sha256: str

    @classmethod
    def of(cls, rows: int, data: Any) -> Self:
        """Describe a file by its content."""
        view = memoryview(data)
        return cls(rows=rows, size=view.nbytes, sha256=hashlib.sha256(view).hexdigest())

    @classmethod
    def of_file(cls, rows: int, file: BufferedIOBase) -> Self:
        """Describe an open file, in little memory."""
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        return cls(rows=rows, size=size, sha256=hashlib.file_digest(file, "sha256").hexdigest())

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Take a record from a document."""
        return cls(
            rows=fields.whole("rows", 0, _MAX),
            size=fields.whole("size", 0, _MAX),
            sha256=fields.hexadecimal("sha256", 64),
        )

    def difference(self, data: bytes) -> str:
        """Say how bytes differ from the recorded ones; empty if they are the same."""
        if len(data) != self.size:
            return f"has {len(data):,} bytes instead of {self.size:,}"
        if hashlib.sha256(data).hexdigest() != self.sha256:
            return "is not as it was written: its SHA-256 differs"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where, when and by which code a chunk was trained; no reader depends on it.

    Attributes
    ----------
    worker, finished, code : str
        The process, the time at which it had trained the chunk, and the stamp of its code.
    seconds : float
        Training time.
    reused_runs : int
        Runs taken over from a smaller grid.
    lane_passes, run_passes : int
        Passes over the data that the lanes had room for, and passes that runs made.
    """

    worker: str
    finished: str
    code: str
    seconds: float
    reused_runs: int
    lane_passes: int
    run_passes: int

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Take an origin from a document."""
        return cls(
            worker=fields.line("worker"),
            finished=fields.time("finished"),
            code=fields.hexadecimal("code", 16),
            seconds=fields.number("seconds", 0, 1e9),
            reused_runs=fields.whole("reused_runs", 0, _MAX),
            lane_passes=fields.whole("lane_passes", 0, _MAX),
            run_passes=fields.whole("run_passes", 0, _MAX),
        )

    def __str__(self) -> str:
        """Name the process and the time."""
        return f"by {self.worker} at {self.finished}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Files of a results folder that are whole.

    Attributes
    ----------
    identity : str
        Identity of the experiment.
    files : mapping
        The record of each file, by its name in the results folder.
    """

    identity: str
    files: Mapping[str, FileRecord]

    def to_json(self) -> bytes:
        """Write the commit as a sealed document."""
        return seal(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a commit that `to_json` wrote.

        Raises
        ------
        ValueError
            It is not such a document.
        """
        return Fields(unseal(data)).read(cls._from_fields)

    @classmethod
    def _from_fields(cls, fields: Fields) -> Self:
        return cls(
            identity=fields.hexadecimal("identity", 64),
            files=fields.inner("files", _file_records),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkCommit(Commit):
    """The files of a chunk, which exists if they have the recorded sizes.

    Attributes
    ----------
    chunk : int
        Number of the chunk.
    about : Origin
        Where, when and by which code it was trained.
    """

    chunk: int
    about: Origin

    @classmethod
    def _from_fields(cls, fields: Fields) -> Self:
        return cls(
            identity=fields.hexadecimal("identity", 64),
            files=fields.inner("files", _file_records),
            chunk=fields.whole("chunk", 0, _MAX),
            about=fields.inner("about", Origin.from_fields),
        )


def _file_records(fields: Fields) -> dict[str, FileRecord]:
    """Take the records of files, whose names have the form that the store writes."""
    names = fields.names()
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"files has {shown(name)}, which is not a name that harness writes")
    return {name: fields.inner(name, FileRecord.from_fields) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedChunk:
    """An encoded chunk that can be written here or sent to another machine."""

    parts: Mapping[str, Any]  # content of each file, by its name in the results folder
    commit: ChunkCommit
