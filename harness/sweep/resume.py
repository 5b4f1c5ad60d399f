"""Open the results folder of an experiment: create, resume, extend or refuse it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from harness.errors import ExperimentError, HarnessError, ResultsError, shown
from harness.experiment import Experiment
from harness.results.reopening import check_fit
from harness.store import Manifest, Store, has_manifest
from harness.store.csv_files import has_csv
from harness.store.data_points import DataPoints
from harness.store.manifest import MAX_CHUNKS
from harness.store.parts import check_values
from harness.sweep import provenance
from harness.sweep.chunks import chunk_size
from harness.sweep.reuse import obstacle
from harness.training.columns import most_recorded
from harness.training.trainer import Trainer


def is_finished(folder: Path, experiment: Experiment) -> bool:
    """Return whether a folder holds all results of an experiment."""
    if not has_manifest(folder):
        return False
    store = Store.open(folder)
    if store.manifest.identity != experiment.identity:
        return False
    check_fit(store, experiment)
    is_whole = not store.missing() and has_csv(store) and store.has_data()
    return is_whole and not store.manifest.earlier


def open_or_create(
    folder: Path, experiment: Experiment, manifest: Manifest, allow_code_change: bool
) -> Store:
    """Open a prepared folder for an experiment: create, resume or extend its results.

    Raises
    ------
    ResultsError
        The folder holds another experiment, or chunks of another version.
    """
    points = _data_points(experiment)
    if not has_manifest(folder):
        return Store.create(folder, manifest, points)
    store = Store.open(folder)
    same = store.manifest.identity == experiment.identity
    if same:
        check_fit(store, experiment)
    else:
        _check_extends(store, experiment)
    if not same or store.missing():
        _check_code(store, allow_code_change)
    if not store.has_data():
        store.write_data(points)
    if same:
        return store
    return store.grow(replace(manifest, former_code=store.manifest.former_code))


def _data_points(experiment: Experiment) -> DataPoints:
    """Return the data points of an experiment as a folder keeps them."""
    source = experiment.source
    return DataPoints(
        inputs=source.inputs,
        targets=source.targets,
        names=asdict(source.names),
        words={"inputs": sorted(source.input_words), "targets": sorted(source.target_words)},
        held_out=source.held_out,
        dropped=source.dropped,
        original=not source.is_scaled,
    )


def _check_extends(store: Store, experiment: Experiment) -> None:
    """Raise a ResultsError unless the experiment extends that of the folder."""
    reason = ""
    before = _former(store, experiment)
    if before is not None:
        why = obstacle(before, experiment)
        if why is None:
            return
        reason = f"\nIt does not extend that experiment: {why}."
    differences = _differences(store.manifest.experiment, experiment.document())
    raise ResultsError(
        f"{store.folder} holds the results of another experiment: {differences}.{reason}\n"
        "Choose another folder with --out, or another name, or remove that one."
    )


def _former(store: Store, experiment: Experiment) -> Experiment | None:
    """Return the experiment of a folder with the axes of this one; None if the lineage differs."""
    try:
        before = Experiment.from_mapping(store.manifest.experiment, data=experiment.source)
    except ExperimentError:  # it has other data points
        return None
    if before.lineage != store.manifest.lineage:  # here too
        return None
    check_fit(store, before)
    before = before.with_axes_of(experiment)
    return before if before.lineage == experiment.lineage else None


def _check_code(store: Store, allow: bool) -> None:
    """Raise a ResultsError if other code started the sweep, unless that is allowed."""
    manifest, now = store.manifest, provenance.provenance()
    if manifest.code == now["code"]:
        return
    if not allow:
        raise ResultsError(
            f"this code differs from the code that started {store.folder}"
            f" ({provenance.code_difference(manifest.versions)}), so numbers may differ in the last"
            " bits.\n"
            "Train in another folder with --out, or resume here with --allow-code-change."
        )
    store.amend(**now, former_code=(*manifest.former_code, manifest.code))


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], where: str = "") -> str:
    """Name the first keys that differ, with both values."""
    found = []
    for key in sorted({*before, *now} - ({"name", "question"} if not where else set())):
        old, new = before.get(key), now.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found.append(_differences(old, new, f"{where}{key}."))
        else:
            was, now_is = ("not given" if value is None else shown(value) for value in (old, new))
            found.append(f"{where}{key} was {was} and is {now_is}")
    return ", ".join(found[:3]) or "the data differ"


def make_manifest(trainer: Trainer) -> Manifest:
    """Return the manifest of a new folder, without the record of its data points.

    Raises
    ------
    HarnessError
        There would be too many chunks, or too many recorded epochs per run.
    """
    experiment = trainer.experiment
    runs, size = experiment.grid.size, chunk_size(trainer)
    chunks = math.ceil(runs / size)
    if chunks > MAX_CHUNKS:
        raise HarnessError(
            f"{runs:,} runs make {chunks:,} chunks; at most {MAX_CHUNKS:,} are allowed.\n"
            "Make the grid smaller, or split it into several experiments."
        )
    recorded = most_recorded(experiment)
    check_values(recorded, len(trainer.columns.trajectories))
    return Manifest(
        identity=experiment.identity,
        lineage=experiment.lineage,
        runs=runs,
        chunk_size=size,
        chunks=chunks,
        recorded=recorded,
        experiment=experiment.document(),
        created=provenance.now(),
        **provenance.provenance(),
    )
