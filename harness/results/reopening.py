"""The experiment of an existing results folder, and checks that the folder fits it.

A folder may come from a stranger. Everything that follows from its experiment is computed again and
compared, and no file is read because the folder names it.
"""

from collections.abc import Iterator

import numpy as np

from harness.errors import ExperimentError, ResultsError
from harness.experiment import Experiment
from harness.experiment.data import Dataset
from harness.experiment.grid import Grid
from harness.experiment.network import Network
from harness.experiment.recording import recorded_epochs
from harness.kernels.measures import MEASURES
from harness.kernels.stopping import STATUSES
from harness.store import Store
from harness.store.data_points import DATA
from harness.store.folder import reason
from harness.store.manifest import MANIFEST
from harness.store.parts import TABLES, ColumnKinds, Kind

# Axes that add columns: of parameters, and of a loss other than SSR.
_CHANGES_COLUMNS = ("loss", "width")


def columns_of(experiment: Experiment) -> dict[str, ColumnKinds]:
    """Return the columns of each table of an experiment, in their order."""
    networks = list(_networks(experiment))
    keeps_loss = any(network.loss != "ssr" for network in networks)
    record = experiment.record
    # One column per parameter of any network, in the order of the largest network.
    parameters: dict[str, None] = {}
    if record.parameters:
        for network in sorted(networks, key=lambda n: n.parameter_count, reverse=True):
            parameters |= dict.fromkeys(network.parameters)

    runs: dict[str, Kind] = {"run_id": int, "init_id": int}
    runs |= {name: kind for name, kind in _axes(experiment).items() if name != "init_id"}
    runs |= {"status": frozenset(STATUSES), "epochs": int}
    for name in ("ssr", "loss") if keeps_loss else ("ssr",):
        runs |= {f"{name}_{when}": float for when in ("initial", "final", "min")}
    runs |= {name: int if MEASURES[name].whole else float for name in record.measures}
    runs |= {f"{name}_final": float for name in parameters}

    trajectories: dict[str, Kind] = {"run_id": int, "epoch": int, "ssr": float}
    trajectories |= {"loss": float} if keeps_loss else {}
    trajectories |= {"sharpness": float} if record.sharpness else {}
    if record.parameters == "trajectory":
        trajectories |= dict.fromkeys(parameters, float)
    return dict(zip(TABLES, (runs, trajectories), strict=True))


def _networks(experiment: Experiment) -> Iterator[Network]:
    """Yield one network for each set of columns that runs of the experiment can have."""
    grid = experiment.variant_grid
    changing = [
        any(axis.name.partition("_")[0] in _CHANGES_COLUMNS for axis in dimension)
        for dimension in grid.dimensions
    ]
    if not any(changing):
        yield experiment.network
        return
    dimensions = zip(grid.dimensions, changing, strict=True)
    part = Grid(dimensions=tuple(dimension for dimension, changes in dimensions if changes))
    first = np.zeros(1, dtype=np.int64)
    for index in range(part.size):
        inside = iter(part.coordinates(first + index))
        whole = tuple(next(inside) if changes else first for changes in changing)
        yield experiment.at(grid.point(int(grid.run_ids(whole)[0]))).network


def most_recorded(experiment: Experiment) -> int:
    """Return the largest number of epochs that a run of an experiment records."""
    wanted, epochs = experiment.record.epochs, [experiment.training.epochs]
    for axis in experiment.grid.axes:
        if axis.name == "max_epochs":
            epochs = axis.values.take(np.arange(axis.values.count)).tolist()
    return max(recorded_epochs(wanted, each).size for each in epochs)


def _axes(experiment: Experiment) -> dict[str, Kind]:
    """Return the kind of each axis's column."""
    found: dict[str, Kind] = {}
    first = experiment.grid.columns(np.zeros(1, dtype=np.int64))
    for axis in experiment.grid.axes:
        kind = first[axis.name].dtype.kind
        if kind == "O":
            found[axis.name] = frozenset(axis.values.take(np.arange(axis.values.count)).tolist())
        else:
            found[axis.name] = int if kind in "iu" else float
    return found


def experiment_of(store: Store, data: Dataset | None = None) -> Experiment:
    """Return the experiment of a results folder, after a check that it fits the manifest.

    Parameters
    ----------
    store : Store
        The folder.
    data : Dataset, optional
        The data points, if they are known; by default, those in the folder.

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
    return Dataset(inputs=inputs, targets=targets)


def _broken(store: Store, why: str) -> ResultsError:
    folder = store.folder
    return ResultsError(
        f"{folder / MANIFEST} is broken: {why}.\nMove {folder} away and train again."
    )
