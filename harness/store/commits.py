"""What a commit says: which files a chunk is, and how to know that they are whole."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from harness.store.sealed import seal, unseal


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

    def difference(self, data: bytes) -> str:
        """Say how bytes differ from what was written; nothing if they do not."""
        if len(data) != self.size:
            return f"has {len(data):,} bytes instead of {self.size:,}"
        if hashlib.sha256(data).hexdigest() != self.sha256:
            return "is not as it was written: its SHA-256 is another"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A chunk that is there, or a finished CSV file.

    Attributes
    ----------
    identity : str
        Of the experiment that was trained.
    files : mapping
        The record of each file, by its name in the results folder.
    about : mapping
        Where, when and by which code it was made; no reader depends on it.
    """

    identity: str
    files: Mapping[str, FileRecord]
    about: Mapping[str, Any]

    @property
    def origin(self) -> str:
        """Who made it, and when."""
        about = self.about
        return f"by {about.get('worker', 'somebody')} at {about.get('finished', 'some time')}"

    def to_json(self) -> bytes:
        """Write it as a sealed document."""
        files = {name: asdict(record) for name, record in self.files.items()}
        return seal({"identity": self.identity, "files": files, "about": dict(self.about)})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            Something of it has changed.
        """
        document = unseal(data)
        files = {name: FileRecord(**record) for name, record in document["files"].items()}
        return cls(identity=document["identity"], files=files, about=document["about"])


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
