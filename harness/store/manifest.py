"""The manifest of a results folder: what was trained, with what, and in which chunks."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from harness.errors import HarnessError, ResultsError, shown
from harness.formatting import shown_bytes
from harness.store.data_points import DataRecord
from harness.store.places import files_at
from harness.store.schema import MOST_BYTES, Fields, parsed
from harness.store.sealed import seal, unseal

MANIFEST = "manifest.json"
FORMAT = 3

MOST_RUNS = 2**53
# Each chunk is two files of one folder, and a second or two of training: months on a large machine.
MOST_CHUNKS = 10**6
MOST_CHUNK_RUNS = 1 << 18
# An experiment file allows a million epochs of a run.
_MOST_RECORDED = 1 << 20
# A generation is left behind only by growth that was interrupted.
_MOST_GENERATIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a results folder holds.

    Attributes
    ----------
    identity, lineage : str
        Of the experiment: SHA-256 of all that decides its numbers; and without what may grow.
    runs, chunk_size, chunks : int
        Of the grid; of a chunk, but for the last; and of the sweep.
    recorded : int
        The most recorded epochs of a run.
    experiment : mapping
        The resolved experiment. Nothing but its name is checked here.
    created, code, versions, machine, git_commit
        When, by which code, with which packages and on which machine the folder was made.
    data : DataRecord or None
        The file of its data points; None until it is written.
    former_code : tuple of str
        Code that trained chunks before `code` did.
    passes : mapping or None
        Passes over the data that lanes had room for, and that runs made; None before the end.
    generation : int
        How often the grid has grown.
    earlier : tuple of Manifest
        Former generations of which chunks may be there, the latest last; their data points are
        the same.
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
        """Return what `to_json` writes, as Python objects."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        former = [manifest._former_document() for manifest in self.earlier]
        return {
            "format": FORMAT,
            **values,
            "data": None if self.data is None else asdict(self.data),
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
        """Write it as a sealed document.

        Raises
        ------
        HarnessError
            It is too large to be read again.
        """
        data = seal(self.document())
        try:
            if len(data) > MOST_BYTES:
                raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
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
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            It is not what `to_json` writes.
        """
        fields = Fields(unseal(data))
        fields.whole("format", FORMAT, FORMAT)
        points = DataRecord.from_fields(fields.inner("data"))
        earlier: list[Self] = []
        for place, document in enumerate(fields.listed("earlier", _MOST_GENERATIONS)):
            former = Fields(document, f"earlier.{place}.")
            earlier.append(cls._from_fields(former, data=None, earlier=()))
        manifest = cls._from_fields(fields, data=points, earlier=tuple(earlier))
        generations = [former.generation for former in (*earlier, manifest)]
        if sorted(set(generations)) != generations:
            raise ValueError(f"the generations {shown(generations)} are not ascending")
        return manifest

    @classmethod
    def _from_fields(
        cls, fields: Fields, data: DataRecord | None, earlier: tuple["Manifest", ...]
    ) -> Self:
        runs = fields.whole("runs", 1, MOST_RUNS)
        chunk_size = fields.whole("chunk_size", 1, MOST_CHUNK_RUNS)
        chunks = math.ceil(runs / chunk_size)
        if fields.whole("chunks", 1, MOST_CHUNKS) != chunks:
            raise ValueError(f"chunks must be {chunks}, for {runs} runs of {chunk_size} a chunk")
        commit = fields.take("git_commit")
        if commit is not None:
            commit = Fields({"git_commit": commit}).hexadecimal("git_commit", 40)
        passes = fields.take("passes")
        if passes is not None:
            passes = _passes(Fields(passes, "passes."))
        former = fields.listed("former_code", _MOST_GENERATIONS)
        manifest = cls(
            identity=fields.hexadecimal("identity", 64),
            lineage=fields.hexadecimal("lineage", 64),
            runs=runs,
            chunk_size=chunk_size,
            chunks=chunks,
            recorded=fields.whole("recorded", 0, _MOST_RECORDED),
            experiment=_experiment(fields),
            data=data,
            created=fields.time("created"),
            code=fields.hexadecimal("code", 16),
            versions=fields.lines("versions", 20),
            machine=fields.lines("machine", 20),
            git_commit=commit,
            former_code=tuple(
                Fields({"former_code": code}).hexadecimal("former_code", 16) for code in former
            ),
            passes=passes,
            generation=fields.whole("generation", 0, _MOST_GENERATIONS),
            earlier=earlier,
        )
        fields.end()
        return manifest


def _experiment(fields: Fields) -> dict[str, Any]:
    """Take the experiment, whose name is shown before it is checked."""
    experiment = fields.mapping("experiment")
    Fields(experiment, "experiment.").line("name")
    return experiment


def _passes(fields: Fields) -> dict[str, int]:
    passes = {kind: fields.whole(kind, 0, 2**63 - 1) for kind in ("lanes", "runs")}
    fields.end()
    return passes


def has_manifest(folder: Path) -> bool:
    """Return whether a folder is a results folder."""
    try:
        return files_at(folder).size(MANIFEST) is not None
    except NotADirectoryError:
        return False
    except OSError:  # something of that name is there, and reading it says what
        return True


def read_manifest(folder: Path) -> Manifest:
    """Return what the manifest of a folder says.

    Raises
    ------
    ResultsError
        There is none, or it is broken, or of another format.
    """
    path = folder / MANIFEST
    try:
        data = files_at(folder).read(MANIFEST, MOST_BYTES)
    except OSError as error:
        raise ResultsError(
            f"{folder} is no results folder: {path} cannot be read: {error.strerror}.\n"
            "`harness run FILE` makes one."
        ) from None
    try:
        return Manifest.from_json(data)
    except ValueError as error:
        version = _other_format(data)
        if version is None:
            raise ResultsError(
                f"{path} is broken: {error}.\nMove {folder} away, and train anew."
            ) from None
    raise ResultsError(
        f"{path} has the format {version}; this harness reads {FORMAT}.\n"
        f"Use the version of harness that wrote it, or move {folder} away and train anew."
    )


def _other_format(data: bytes) -> int | None:
    """Return the format of a whole manifest of another version of harness."""
    try:
        document = parsed(data)
        version = document["format"]
        if type(version) is not int or not 0 < version < 1000 or version == FORMAT:
            return None
        unseal(data)
    except (ValueError, TypeError, KeyError):
        return None
    return version
