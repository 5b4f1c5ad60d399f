"""What a commit says: which chunk it is, its files, and how to know that they are whole."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BufferedIOBase
from typing import Any, Self

from harness.errors import shown
from harness.store.schema import Fields
from harness.store.sealed import seal, unseal

# A commit has a kilobyte.
MOST_COMMIT_BYTES = 1 << 16

_MOST = 2**63 - 1
_NAME = re.compile(r"(?:runs|trajectories)(?:\.csv|/part-[0-9]{6}(?:-g[0-9]{1,4})?\.parquet)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file: its rows, its bytes, and their SHA-256 in hexadecimal."""

    rows: int
    size: int
    sha256: str

    @classmethod
    def of(cls, rows: int, data: Any) -> Self:
        """Describe a file of so many rows by what is in it."""
        view = memoryview(data)
        return cls(rows=rows, size=view.nbytes, sha256=hashlib.sha256(view).hexdigest())

    @classmethod
    def of_file(cls, rows: int, file: BufferedIOBase) -> Self:
        """Describe a file of so many rows that is open, in little memory."""
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        return cls(rows=rows, size=size, sha256=hashlib.file_digest(file, "sha256").hexdigest())

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Take a record out of a document."""
        record = cls(
            rows=fields.whole("rows", 0, _MOST),
            size=fields.whole("size", 0, _MOST),
            sha256=fields.hexadecimal("sha256", 64),
        )
        fields.end()
        return record

    def difference(self, data: bytes) -> str:
        """Say how bytes differ from what was written; nothing if they do not."""
        if len(data) != self.size:
            return f"has {len(data):,} bytes instead of {self.size:,}"
        if hashlib.sha256(data).hexdigest() != self.sha256:
            return "is not as it was written: its SHA-256 is another"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where, when and by which code a chunk was made; no reader depends on it.

    Attributes
    ----------
    worker, finished, code : str
        The process, when it had trained the chunk, and the stamp of its code.
    seconds : float
        Time that training took.
    reused_runs : int
        Runs that were taken over from a smaller grid.
    lane_passes, run_passes : int
        Passes over the data that the lanes had room for, and that runs made.
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
        """Take an origin out of a document."""
        origin = cls(
            worker=fields.line("worker"),
            finished=fields.time("finished"),
            code=fields.hexadecimal("code", 16),
            seconds=fields.number("seconds", 0, 1e9),
            reused_runs=fields.whole("reused_runs", 0, _MOST),
            lane_passes=fields.whole("lane_passes", 0, _MOST),
            run_passes=fields.whole("run_passes", 0, _MOST),
        )
        fields.end()
        return origin

    def __str__(self) -> str:
        """Say who made it, and when."""
        return f"by {self.worker} at {self.finished}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A chunk that is there.

    Attributes
    ----------
    identity : str
        Of the experiment that was trained.
    chunk : int
        Which chunk it is.
    files : mapping
        The record of each file, by its name in the results folder.
    about : Origin
        Where it comes from.
    """

    identity: str
    chunk: int
    files: Mapping[str, FileRecord]
    about: Origin

    def to_json(self) -> bytes:
        """Write it as a sealed document."""
        return seal(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            It is not what `to_json` writes.
        """
        keys = Fields(unseal(data))
        commit = cls(
            identity=keys.hexadecimal("identity", 64),
            chunk=keys.whole("chunk", 0, _MOST),
            files=_files(keys),
            about=Origin.from_fields(keys.inner("about")),
        )
        keys.end()
        return commit


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvCommit:
    """The CSV files of a finished sweep that are there, by name, and of which experiment."""

    identity: str
    files: Mapping[str, FileRecord]

    def to_json(self) -> bytes:
        """Write it as a sealed document."""
        return seal(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            It is not what `to_json` writes.
        """
        keys = Fields(unseal(data))
        commit = cls(identity=keys.hexadecimal("identity", 64), files=_files(keys))
        keys.end()
        return commit


def _files(keys: Fields) -> dict[str, FileRecord]:
    """Take the records of files, whose names have the form that the store gives them."""
    records = keys.inner("files")
    for name in records.names():
        if not _NAME.fullmatch(name):
            raise ValueError(f"files has {shown(name)}, which is not a name that harness gives")
    return {name: FileRecord.from_fields(records.inner(name)) for name in records.names()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A chunk as it goes to the disk, on this machine or another.

    Attributes
    ----------
    chunk : int
        Which one.
    parts : mapping
        What is in each file, by its name in the results folder.
    commit : Commit
        What says that they are there.
    """

    chunk: int
    parts: Mapping[str, Any]
    commit: Commit
