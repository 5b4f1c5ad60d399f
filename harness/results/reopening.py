"""The experiment of an existing results folder, and checks that the folder fits it.

A folder may come from a stranger. Everything that follows from its experiment is computed again and
compared, and no file is read because the folder names it.
"""

from harness.errors import ExperimentError, ResultsError
from harness.experiment import Experiment
from harness.experiment.data import Dataset, Names
from harness.store import Store
from harness.store.data_points import DATA
from harness.store.folder import reason
from harness.store.manifest import MANIFEST
from harness.training.columns import most_recorded


def experiment_of(store: Store, data: Dataset | None = None) -> Experiment:
    """Return the experiment of a results folder, after a check that it fits the manifest.

    Parameters
    ----------
    store : Store
        The folder.
    data : Dataset, optional
        Its `source`, if it is known; by default, the data points in the folder.

    Raises
    ------
    ResultsError
        The manifest does not fit its experiment, or the data points are broken or missing.
    """
    try:
        experiment = Experiment.from_mapping(store.manifest.experiment, data=data or _data(store))
    except (ExperimentError, ValueError) as error:
        raise _broken(store, f"its experiment cannot be read: {error}") from None
    check_fit(store, experiment)
    return experiment


def check_fit(store: Store, experiment: Experiment) -> None:
    """Raise a ResultsError unless a manifest agrees with its experiment."""
    manifest = store.manifest
    for name, there, right in (
        ("identity", manifest.identity, experiment.identity),
        ("lineage", manifest.lineage, experiment.lineage),
        ("runs", manifest.runs, experiment.grid.size),
        ("recorded", manifest.recorded, most_recorded(experiment)),
    ):
        if there != right:
            raise _broken(store, f"{name} is {there}, but its experiment makes it {right}")


def _data(store: Store) -> Dataset:
    """Return the data points in a folder."""
    try:
        inputs, targets = store.read_data()
    except (OSError, ValueError, MemoryError) as error:
        raise ResultsError(
            f"{store.folder / DATA} is broken: {reason(error)}.\n"
            f"`harness run FILE --out {store.folder}` writes it again; FILE is the file of this"
            " experiment."
        ) from None
    record = store.manifest.data
    assert record is not None  # `read_data` has read it
    return Dataset(
        inputs=inputs,
        targets=targets,
        names=Names(**{kind: tuple(listed) for kind, listed in record.names.items()}),
        input_words=frozenset(record.words.get("inputs", ())),
        target_words=frozenset(record.words.get("targets", ())),
        held_out=record.held_out,
        dropped=record.dropped,
        is_scaled=not record.original,
    )


def _broken(store: Store, why: str) -> ResultsError:
    folder = store.folder
    return ResultsError(
        f"{folder / MANIFEST} is broken: {why}.\nMove {folder} away and train again."
    )
