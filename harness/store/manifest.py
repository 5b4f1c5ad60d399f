"""The manifest of a results folder: what was trained, with what, and in which chunks."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from harness.errors import HarnessError, ResultsError, shown
from harness.formatting import shown_bytes
from harness.store.data_points import DataRecord
from harness.store.documents import MAX_BYTES, Fields, parsed, seal, unseal
from harness.store.locations import files_at

MANIFEST = "manifest.json"
FORMAT = 4

MAX_RUNS = 2**53
# Each chunk is two files in one folder and a second or two of training: months on a large machine.
MAX_CHUNKS = 10**6
MAX_CHUNK_RUNS = 1 << 18
# An experiment file allows a million epochs per run.
_MAX_RECORDED = 1 << 20
# Each growth that was interrupted leaves a generation behind.
_MAX_GENERATIONS = 1000


class _OtherFormatError(ValueError):
    """A whole manifest has a format that this version does not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Contents of a results folder.

    Attributes
    ----------
    identity, lineage : str
        SHA-256 of everything in the experiment that decides its numbers, with and without what may
        grow.
    runs, chunk_size, chunks : int
        Runs of the grid, runs per chunk (the last may have fewer), and number of chunks.
    recorded : int
        The most epochs that a run records.
    experiment : mapping
        The resolved experiment. Only its name is checked here.
    created, code, versions, machine, git_commit
        When, by which code, with which packages and on which machine the folder was made.
    data : DataRecord or None
        The file of the data points; None until it is written.
    former_code : tuple of str
        Stamps of the code that trained chunks before `code` did.
    passes : mapping or None
        Passes over the data that lanes had room for, and that runs made; None before the end.
    generation : int
        How often the grid has grown.
    earlier : tuple of Manifest
        Former generations that may still have chunks, the latest last. Their data points are the
        same.
    """

    identity: str
    lineage: str
    runs: int
    chunk_size: int
    chunks: int
    recorded: int
    experiment: Mapping[str, Any]
    created: str
    code: str
    versions: Mapping[str, str]
    machine: Mapping[str, str]
    git_commit: str | None
    data: DataRecord | None = None
    former_code: tuple[str, ...] = ()
    passes: Mapping[str, int] | None = None
    generation: int = 0
    earlier: tuple["Manifest", ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the document that `to_json` writes, as Python objects."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        former = [manifest._former_document() for manifest in self.earlier]
        return {
            "format": FORMAT,
            **values,
            "data": None if self.data is None else self.data.document(),
            "former_code": list(self.former_code),
            "earlier": former,
        }

    def _former_document(self) -> dict[str, Any]:
        """Return it as an entry of `earlier` in the manifest of a larger grid."""
        document = self.document()
        for key in ("format", "data", "earlier"):
            del document[key]
        return document

    def to_json(self) -> bytes:
        """Write the manifest as a sealed document.

        Raises
        ------
        HarnessError
            It is too large to be read again.
        """
        data = seal(self.document())
        try:
            if len(data) > MAX_BYTES:
                raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
            parsed(data)
        except ValueError as error:
            raise HarnessError(
                f"the experiment {self.experiment['name']} is too large for a manifest of"
                f" {shown_bytes(len(data))}: {error}.\n"
                "Shorten its lists; an axis may also be written { log = [...], count = n }."
            ) from None
        return data

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a manifest that `to_json` wrote.

        Raises
        ------
        ValueError
            It is not such a document.
        """
        return Fields(unseal(data)).read(cls._from_fields)

    @classmethod
    def _from_fields(cls, fields: Fields) -> Self:
        version = fields.whole("format", 1, 999)
        if version != FORMAT:
            raise _OtherFormatError(version)
        data = fields.inner("data", DataRecord.from_fields)
        earlier = tuple(
            Fields(document, f"earlier.{index}.").read(cls._generation)
            for index, document in enumerate(fields.listed("earlier", _MAX_GENERATIONS))
        )
        manifest = cls._generation(fields, data, earlier)
        generations = [each.generation for each in (*earlier, manifest)]
        if sorted(set(generations)) != generations:
            raise ValueError(f"the generations {shown(generations)} are not ascending")
        return manifest

    @classmethod
    def _generation(
        cls, fields: Fields, data: DataRecord | None = None, earlier: tuple["Manifest", ...] = ()
    ) -> Self:
        """Take the keys that each generation has of its own."""
        runs = fields.whole("runs", 1, MAX_RUNS)
        chunk_size = fields.whole("chunk_size", 1, MAX_CHUNK_RUNS)
        chunks = math.ceil(runs / chunk_size)
        if fields.whole("chunks", 1, MAX_CHUNKS) != chunks:
            raise ValueError(f"chunks must be {chunks}, for {runs} runs of {chunk_size} per chunk")
        former = fields.listed("former_code", _MAX_GENERATIONS)
        return cls(
            identity=fields.hexadecimal("identity", 64),
            lineage=fields.hexadecimal("lineage", 64),
            runs=runs,
            chunk_size=chunk_size,
            chunks=chunks,
            recorded=fields.whole("recorded", 0, _MAX_RECORDED),
            experiment=_experiment(fields),
            data=data,
            created=fields.time("created"),
            code=fields.hexadecimal("code", 16),
            versions=fields.lines("versions", 20),
            machine=fields.lines("machine", 20),
            git_commit=(
                None if fields.take_null("git_commit") else fields.hexadecimal("git_commit", 40)
            ),
            former_code=tuple(
                Fields({"former_code": code}).hexadecimal("former_code", 16) for code in former
            ),
            passes=None if fields.take_null("passes") else fields.inner("passes", _passes),
            generation=fields.whole("generation", 0, _MAX_GENERATIONS),
            earlier=earlier,
        )


def _experiment(fields: Fields) -> dict[str, Any]:
    """Take the experiment; its name is checked, because messages show it before the rest is."""
    experiment = fields.mapping("experiment")
    Fields(experiment, "experiment.").line("name")
    return experiment


def _passes(fields: Fields) -> dict[str, int]:
    return {kind: fields.whole(kind, 0, 2**63 - 1) for kind in ("lanes", "runs")}


def has_manifest(folder: Path) -> bool:
    """Return whether a folder is a results folder."""
    try:
        return files_at(folder).size(MANIFEST) is not None
    except NotADirectoryError:
        return False
    except OSError:  # something else has that name, and reading it says what
        return True


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a results folder.

    Raises
    ------
    ResultsError
        There is none, or it is broken, or of another format.
    """
    path = folder / MANIFEST
    try:
        return Manifest.from_json(files_at(folder).read(MANIFEST, MAX_BYTES))
    except OSError as error:
        raise ResultsError(
            f"{folder} is not a results folder: {path} cannot be read: {error.strerror}.\n"
            "`harness run FILE` makes one."
        ) from None
    except _OtherFormatError as error:
        raise ResultsError(
            f"{path} has the format {error}; this version of harness reads {FORMAT}.\n"
            f"Use the version that wrote it, or move {folder} away and train again."
        ) from None
    except ValueError as error:
        raise ResultsError(
            f"{path} is broken: {error}.\nMove {folder} away and train again."
        ) from None
