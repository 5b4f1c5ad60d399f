"""Reuse of results when a grid has grown: runs of the smaller grid are taken over.

A run that has ended is taken over as it is. If there are more epochs now, a run that converged,
diverged or was stopped still is, and one that finished continues from its final parameters, if they
were recorded, and so was the state of its optimiser, if it has one. Every number is the same as if
all runs had been trained from the start.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import ResultsError
from harness.experiment import Experiment
from harness.experiment.draws import METHODS
from harness.experiment.grid import Drawn
from harness.experiment.schedules import SCHEDULES
from harness.kernels import descent, stopping
from harness.kernels.descent import Validation
from harness.kernels.measures import MEASURES
from harness.kernels.tables import code_of
from harness.results.reopening import experiment_of
from harness.store import Reader, Store
from harness.training.buffers import needs_state, state_columns
from harness.training.columns import columns_of
from harness.training.evaluation import EPOCH_OF_MIN, held_out_loss
from harness.training.trainer import Trainer
from harness.training.variants import Variant


def obstacle(before: Experiment, now: Experiment) -> str | None:
    """Say why an experiment does not extend one of the same lineage and axes; None if it does."""
    if now.grid.in_former(before.grid) is None:
        return _other_points(now) or "values were removed from an axis"
    if any(axis.name == "max_epochs" for axis in now.grid.axes):
        return None  # the number of epochs is a value of the grid
    if now.training.epochs < before.training.epochs:
        return "it has fewer epochs"
    if now.training.epochs > before.training.epochs and (name := _ending_schedule(now)):
        return (
            f'with more epochs, the schedule "{name}" has other learning rates; "step" and'
            ' "exponential" keep them'
        )
    between = now.recorded_epochs[now.recorded_epochs < before.training.epochs]
    if not np.isin(between, before.recorded_epochs).all():
        return "with more epochs, other epochs are recorded; { every = n } would keep them"
    return None


def _other_points(experiment: Experiment) -> str:
    """Say why a sample has other points if its count changes; empty if it has the same ones."""
    for axis in experiment.written_grid.axes:
        method = axis.values.together if isinstance(axis.values, Drawn) else ""
        if method and not METHODS[method].grows:
            growing = " and ".join(f'"{name}"' for name, each in METHODS.items() if each.grows)
            return f'a sample "{method}" of another count has other points; {growing} keep them'
    return ""


def _ending_schedule(experiment: Experiment) -> str | None:
    """Return a schedule of the experiment whose factors depend on the number of epochs, if any."""
    names = [experiment.training.schedule]
    for axis in experiment.grid.axes:
        if axis.name == "schedule":
            names = axis.values.take(np.arange(axis.values.count)).tolist()
    return next((n for n in names if isinstance(n, str) and SCHEDULES[n].ends), None)


class FormerGenerations:
    """Results of the smaller grids that a grid has grown from.

    Parameters
    ----------
    trainer : Trainer
        Trainer of the present experiment.
    stores : sequence of Store
        The former generations, the latest first.
    """

    def __init__(self, trainer: Trainer, stores: Sequence[Store]) -> None:
        self._trainer = trainer
        experiment = trainer.experiment
        self._sources = []
        for store in stores:
            former = experiment_of(store, experiment.source)
            before = former.with_axes_of(experiment)
            former_ids = experiment.grid.in_former(before.grid)
            if former_ids is None or obstacle(before, experiment):
                raise ResultsError(
                    f"{store.folder} has a former generation that its grid cannot have grown from."
                    f"\nMove {store.folder} away and train again."
                )
            self._sources.append((Reader(store, columns_of(former).by_table()), former_ids))

    def reused_runs(self, first: int, last: int) -> "ReusedRuns":
        """Return the results of the runs from `first` up to, but not including, `last`."""
        run_ids = np.arange(first, last, dtype=np.int64)
        found = ReusedRuns(
            there=np.zeros(run_ids.size, dtype=bool),
            parameters=self._trainer.columns.parameters,
            measures=self._trainer.experiment.record.measures,
        )
        record = self._trainer.experiment.record
        if record.best_parameters and record.parameters != "trajectory":
            return found  # any recorded epoch may be the best, and their parameters are unknown
        for reader, former_ids in self._sources:
            ids = former_ids(run_ids)
            found.add(reader, ids, np.flatnonzero((ids >= 0) & ~found.there))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ReusedRuns:
    """Results of former generations for a range of runs, by position in the range."""

    there: NDArray[np.bool_]  # after `fill`: runs that need not be trained from the start
    parameters: tuple[str, ...]  # in the tables
    measures: tuple[str, ...]
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)  # of runs, with status codes
    trajectories: list[dict[str, NDArray[Any]]] = field(default_factory=list)  # with positions

    def add(self, reader: Reader, ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> None:
        """Read the results at the wanted positions from one generation, which has run ids `ids`."""
        positions = wanted[np.argsort(ids[wanted])]
        sought = ids[positions]

        def positions_of(rows: Any) -> NDArray[np.int64]:
            found: NDArray[np.int64] = positions[np.searchsorted(sought, rows["run_id"].to_numpy())]
            return found

        for rows in reader.batches("runs", run_ids=sought):
            at = positions_of(rows)
            self.there[at] = True
            columns = {name: rows[name].to_numpy() for name in rows.column_names}
            names = pd.Categorical(columns["status"], categories=stopping.STATUSES)
            columns["status"] = names.codes
            for when in descent.MOMENTS:  # no columns of their own if the loss was SSR
                columns.setdefault(f"loss_{when}", columns[f"ssr_{when}"])
            for name, values in columns.items():
                empty = np.zeros(self.there.size, values.dtype)
                self.columns.setdefault(name, empty)[at] = values
        for rows in reader.batches("trajectories", run_ids=sought):
            columns = {name: rows[name].to_numpy() for name in rows.column_names}
            self.trajectories.append({"position": positions_of(rows), **columns})

    def fill(
        self,
        chosen: NDArray[np.int64],
        variant: Variant,
        runs: descent.Runs,
        rows: descent.Rows,
        along: dict[str, NDArray[np.float64]],
    ) -> None:
        """Write results into the kernel's runs and rows, which are those of the chosen positions.

        The status of a run stays RUNNING if it has more epochs to do.
        """
        at = np.flatnonzero(self.there[chosen])
        if not at.size:
            return
        status, epochs = (self.columns[name][chosen[at]] for name in ("status", "epochs"))
        continues = (status == stopping.FINISHED) & (epochs < variant.plan.epochs)
        state = self._state(variant, chosen[at])
        missing = np.isnan(state) & needs_state(variant, runs)[at]
        can_continue = self._has_parameters(variant) & ~missing.any(axis=1)
        from_start = continues & ~can_continue
        self.there[chosen[at[from_start]]] = False
        at, continues, state = at[~from_start], continues[~from_start], state[~from_start]
        source = chosen[at]

        rows.status[at] = np.where(continues, stopping.RUNNING, self.columns["status"][source])
        rows.epochs[at] = self.columns["epochs"][source]
        runs.epochs[at] = np.where(continues, rows.epochs[at], 0)
        for name, values in (("ssr", rows.ssr), ("loss", rows.loss)):
            for column, when in enumerate(descent.MOMENTS):
                values[at, column] = self.columns[f"{name}_{when}"][source]
        for name in self.measures:
            rows.measures[at, code_of(MEASURES, name)] = self.columns[name][source]
        for name, index in variant.network.positions.items():
            if name in self.parameters:
                runs.theta[at, index] = self.columns[f"{name}_final"][source]
        runs.state[at] = np.where(np.isnan(state), runs.state[at], state)
        if variant.plan.patience:
            least = self.columns[f"{held_out_loss(list(along))}_min"][source]
            known = np.isfinite(least)
            rows.validation[at[known], Validation.LOSS_MIN] = least[known]
            rows.validation[at[known], Validation.EPOCH] = self.columns[EPOCH_OF_MIN][source[known]]
        if not variant.plan.recorded.size:
            for name in along:
                along[name][at, 0] = self.columns[f"{name}_final"][source]
        self._fill_trajectories(source, at, continues, variant, rows, along)

    def _state(self, variant: Variant, source: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the state of the optimiser of some runs; NaN where the tables have none."""
        columns = state_columns(variant)
        found = np.full((source.size, len(columns)), np.nan)
        for name, position in columns.items():
            if name in self.columns:
                found[:, position] = self.columns[name][source]
        return found

    def _has_parameters(self, variant: Variant) -> bool:
        """Return whether the tables have parameters, and measures that a run can continue with."""
        return all(MEASURES[name].resumable for name in self.measures) and set(
            variant.network.positions
        ) <= set(self.parameters)

    def _fill_trajectories(
        self,
        source: NDArray[np.int64],
        at: NDArray[np.int64],
        continues: NDArray[np.bool_],
        variant: Variant,
        rows: descent.Rows,
        along: dict[str, NDArray[np.float64]],
    ) -> None:
        """Write recorded epochs of the positions `source` into the rows `at`."""
        row_of = np.full(self.there.size, -1)
        row_of[source] = at
        has_more = np.zeros(self.there.size, dtype=bool)
        has_more[source] = continues
        ends = self.columns["epochs"]
        for piece in self.trajectories:
            position, epoch = piece["position"], piece["epoch"]
            due = np.isin(epoch, variant.plan.recorded)
            # The last epoch of a run is always recorded, unless the run continues.
            wanted = np.where(
                has_more[position], due & (epoch < ends[position]), due | (epoch == ends[position])
            )
            kept = np.flatnonzero(wanted & (row_of[position] >= 0))
            row = row_of[position[kept]]
            order = np.argsort(row, kind="stable")
            kept, row = kept[order], row[order]
            slot = np.arange(row.size) - np.searchsorted(row, row)
            rows.ssr_trajectory[row, slot] = piece["ssr"][kept]
            if rows.loss_trajectory.shape[1]:
                rows.loss_trajectory[row, slot] = piece.get("loss", piece["ssr"])[kept]
            for name, values in along.items():
                values[row, slot] = piece[name][kept]
            for name, index in variant.network.positions.items():
                if name in piece and rows.theta_trajectory.shape[1]:
                    rows.theta_trajectory[row, slot, index] = piece[name][kept]
            np.add.at(rows.recorded, row, 1)
