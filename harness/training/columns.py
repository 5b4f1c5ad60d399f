"""Columns of the tables of a sweep: their names, order and kinds, derived from the experiment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.experiment import Experiment
from harness.experiment.grid import Grid
from harness.experiment.network import Network
from harness.experiment.recording import recorded_epochs
from harness.kernels.descent import MOMENTS
from harness.kernels.measures import MEASURES
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.stopping import STATUSES
from harness.store.parts import ColumnKinds, Kind
from harness.training.evaluation import HELD_OUT, end_columns

# Axes that add columns: of parameters, and of a loss other than SSR.
_CHANGES_COLUMNS = ("loss", "width")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumns:
    """Columns of the tables, in order.

    Attributes
    ----------
    runs, trajectories : dict of str to Kind
        Kind of each column, by name.
    keeps_loss : bool
        Whether the loss of any run is not the SSR, so that it has columns of its own.
    parameters : tuple of str
        Parameters with columns, in the order of the largest network; empty if none are recorded.
    best : tuple of str
        The same for the parameters of the best epoch.
    state : tuple of str
        Columns of the state of the optimiser: one for each slot of each parameter, then its counts.
    along : tuple of str
        Columns of the trajectories that are computed from the parameters at the recorded epochs.
    evaluated : tuple of str
        Those of them that are metrics, or SSR and loss of held-out data points.
    ends : dict of str to type
        Columns of the runs that follow from `evaluated`.
    held : int
        Numbers that training holds per row of the trajectories, besides run_id, epoch and ssr.
        These include all parameters if other columns are computed from them.
    """

    runs: dict[str, Kind]
    trajectories: dict[str, Kind]
    keeps_loss: bool
    parameters: tuple[str, ...]
    best: tuple[str, ...]
    state: tuple[str, ...]
    along: tuple[str, ...]
    evaluated: tuple[str, ...]
    ends: dict[str, type]
    held: int

    def by_table(self) -> dict[str, ColumnKinds]:
        """Return the columns of each table."""
        return {"runs": self.runs, "trajectories": self.trajectories}


def columns_of(experiment: Experiment) -> TableColumns:
    """Return the columns of the tables of an experiment."""
    networks = sorted(_networks(experiment), key=lambda n: n.parameter_count, reverse=True)
    keeps_loss = any(network.loss != "ssr" for network in networks)
    record = experiment.record
    every = dict.fromkeys(name for network in networks for name in network.parameters)
    names = tuple(every) if record.parameters else ()
    best = tuple(every) if record.best_parameters else ()

    runs: dict[str, Kind] = {"run_id": int, "init_id": int}
    runs |= {name: kind for name, kind in _axes(experiment).items() if name != "init_id"}
    runs |= {"status": frozenset(STATUSES), "epochs": int}
    for name in ("ssr", "loss") if keeps_loss else ("ssr",):
        runs |= {f"{name}_{when}": float for when in MOMENTS}
    runs |= {name: int if MEASURES[name].whole else float for name in record.measures}
    evaluated = _evaluated(experiment, keeps_loss=keeps_loss)
    along = (*(("sharpness",) if record.sharpness else ()), *evaluated)
    ends = end_columns(evaluated)
    runs |= ends
    runs |= {f"{name}_final": float for name in names}
    runs |= {f"{name}_best": float for name in best}
    state = tuple(_state(experiment, names)) if record.state else ()
    runs |= dict.fromkeys(state, float)

    trajectories: dict[str, Kind] = {"run_id": int, "epoch": int, "ssr": float}
    trajectories |= {"loss": float} if keeps_loss else {}
    trajectories |= dict.fromkeys(along, float)
    if record.parameters == "trajectory":
        trajectories |= dict.fromkeys(names, float)
    return TableColumns(
        runs=runs,
        trajectories=trajectories,
        keeps_loss=keeps_loss,
        parameters=names,
        best=best,
        state=state,
        along=along,
        evaluated=evaluated,
        ends=ends,
        held=len(trajectories) - 3 + bool(along or best) * networks[0].parameter_count,
    )


def _evaluated(experiment: Experiment, *, keeps_loss: bool) -> tuple[str, ...]:
    """Return the columns that are computed from the parameters at the recorded epochs."""
    metrics = experiment.record.metrics
    if experiment.validation is None:
        return metrics
    held_out = ("ssr", "loss") if keeps_loss else ("ssr",)
    return (*metrics, *(f"{HELD_OUT}{name}" for name in (*held_out, *metrics)))


def _state(experiment: Experiment, parameters: Sequence[str]) -> Iterator[str]:
    """Yield the columns of the state of every optimiser that runs of the experiment can have."""
    names = [experiment.training.optimiser]
    for axis in experiment.grid.axes:
        if axis.name == "optimiser":
            names = axis.values.take(np.arange(axis.values.count)).tolist()
    optimisers = [OPTIMISERS[name] for name in dict.fromkeys(names)]
    for slot in dict.fromkeys(slot.name for entry in optimisers for slot in entry.slots):
        yield from (state_column(name, slot) for name in parameters)
    yield from dict.fromkeys(count for entry in optimisers for count in entry.counts)


def state_column(parameter: str, slot: str) -> str:
    """Return the column of a slot of a parameter."""
    return f"{parameter}_{slot}"


def _networks(experiment: Experiment) -> Iterator[Network]:
    """Yield one network per set of columns that runs of the experiment can have."""
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
