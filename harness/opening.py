"""Which folder an experiment's results go into: a new one, one to go on in, to grow, or none."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import provenance
from harness.blocks import Trainer
from harness.data import Dataset
from harness.errors import HarnessError, ResultsError, shown
from harness.experiment import Experiment
from harness.growth import obstacle
from harness.planning import chunk_size
from harness.store import Store, has_manifest
from harness.store.csv_files import has_csv

# Each is two files of one folder, and a second or two of training: months on a large machine.
MOST_CHUNKS = 10**6

# Of the data points that a manifest holds; more stay in their file.
MOST_NUMBERS = 10**5


def is_finished(folder: Path, experiment: Experiment) -> bool:
    """Return whether a folder holds all results of an experiment, so that nothing is written."""
    if not has_manifest(folder):
        return False
    store = Store.open(folder)
    same = store.manifest["identity"] == experiment.identity
    return same and not store.manifest["earlier"] and not store.missing() and has_csv(store)


def open_or_create(
    folder: Path, experiment: Experiment, manifest: Mapping[str, Any], allow_code_change: bool
) -> Store:
    """Return the store of a folder that was prepared, as an experiment with a manifest needs it.

    Raises
    ------
    ResultsError
        The folder holds another experiment, or chunks of another version.
    """
    if not has_manifest(folder):
        return Store.create(folder, manifest)
    store = Store.open(folder)
    same = store.manifest["identity"] == experiment.identity
    if not same:
        _check_growth(store, experiment)
    if not same or store.missing():
        _check_code(store, allow_code_change)
    if same:
        return store
    former = store.manifest.get("former_code", [])
    return store.grow({**manifest, "former_code": former} if former else manifest)


def _check_growth(store: Store, experiment: Experiment) -> None:
    """Raise a ResultsError unless the experiment is that of the folder, grown."""
    document = store.manifest["experiment"]
    differs = _difference(document, experiment.document())
    reason = ""
    before = Experiment.from_mapping(document, data=experiment.dataset)
    # Its lineage says whether it had these data; that with further axes is of the data as well.
    if store.manifest["lineage"] == before.lineage:
        before = before.with_axes_of(experiment)
        if before.lineage == experiment.lineage:
            why = obstacle(before, experiment)
            if why is None:
                return
            reason = f"\nIt does not extend that experiment: {why}."
    raise ResultsError(
        f"{store.folder} holds the results of another experiment: {differs}.{reason}\n"
        "Choose another folder with --out, or another name, or remove that one."
    )


def _check_code(store: Store, allow: bool) -> None:
    """Raise a ResultsError where other code would go on, unless that is allowed."""
    now = provenance.provenance()
    if store.manifest["code"] == now["code"]:
        return
    if not allow:
        before = store.manifest["versions"]
        changed = [
            f"{package} {before.get(package)} is now {version}"
            for package, version in now["versions"].items()
            if package in ("harness", "numba", "llvmlite") and before.get(package) != version
        ]
        raise ResultsError(
            f"{store.folder} was begun by other code"
            f" ({', '.join(changed) or 'the sources of harness have changed'}),"
            " whose numbers may differ in the last bits.\n"
            "Train anew with --out in another folder, or go on here with --allow-code-change."
        )
    former = [*store.manifest.get("former_code", []), store.manifest["code"]]
    store.amend({**now, "former_code": former})


def _difference(before: Mapping[str, Any], now: Mapping[str, Any], where: str = "") -> str:
    """Name the first keys that differ, with both values."""
    found = []
    for key in sorted({*before, *now} - ({"name", "question"} if not where else set())):
        old, new = before.get(key), now.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found.append(_difference(old, new, f"{where}{key}."))
        else:
            found.append(f"{where}{key} was {shown(old)} and is {shown(new)}")
    return ", ".join(found[:3]) or "the data differ"


def manifest_of(trainer: Trainer) -> dict[str, Any]:
    """Return the manifest of a new folder.

    Raises
    ------
    HarnessError
        There would be too many chunks.
    """
    experiment = trainer.experiment
    runs, size = experiment.axes.size, chunk_size(trainer)
    chunks = math.ceil(runs / size)
    if chunks > MOST_CHUNKS:
        raise HarnessError(
            f"{runs:,} runs make {chunks:,} chunks; at most {MOST_CHUNKS:,} are trained.\n"
            "Make the grid smaller, or several experiments of it."
        )
    return {
        "identity": experiment.identity,
        "lineage": experiment.lineage,
        "runs": runs,
        "chunk_size": size,
        "chunks": chunks,
        "experiment": experiment.document(),
        "data": _data(experiment.dataset),
        "created": now(),
        **provenance.provenance(),
    }


def _data(dataset: Dataset) -> dict[str, Any] | None:
    """Return the data points for the manifest, so that a folder needs no other file to be read."""
    if dataset.inputs.size + dataset.targets.size > MOST_NUMBERS:
        return None
    return {"inputs": dataset.inputs.tolist(), "targets": dataset.targets.tolist()}


def now() -> str:
    """Return the time for manifests and commits."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
