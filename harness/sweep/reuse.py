"""A grid that has grown: what is known of its runs from the smaller grid before.

A run that has ended there is taken over as it is. With more epochs than before, one that converged
or diverged stays what it is, and one that did all its epochs goes on from its final parameters,
where they were recorded and are all of its state. Every number is what it would be without.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import ResultsError
from harness.experiment import Experiment
from harness.kernels import descent, stopping
from harness.kernels.measures import MEASURES
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.tables import code_of
from harness.results.reopening import columns_of, experiment_of
from harness.store import Reader, Store
from harness.training.trainer import Trainer
from harness.training.variants import Variant


def obstacle(before: Experiment, now: Experiment) -> str | None:
    """Say why an experiment does not extend a former one of the same lineage; None if it does."""
    if now.grid.in_former(before.grid) is None:
        return "values of an axis are gone"
    if any(axis.name == "max_epochs" for axis in now.grid.axes):
        return None  # every run has its own
    if now.training.epochs < before.training.epochs:
        return "it has fewer epochs"
    between = now.recorded_epochs[now.recorded_epochs < before.training.epochs]
    if not np.isin(between, before.recorded_epochs).all():
        return "with more epochs other epochs are recorded; { every = n } would keep them"
    return None


class Former:
    """The former generations of a results folder.

    Parameters
    ----------
    trainer : Trainer
        Of the experiment as it is now.
    stores : sequence of Store
        The generations, the latest first.
    """

    def __init__(self, trainer: Trainer, stores: Sequence[Store]) -> None:
        self._trainer = trainer
        experiment = trainer.experiment
        self._sources = []
        for store in stores:
            former = experiment_of(store, experiment.data)
            before = former.with_axes_of(experiment)
            former_ids = experiment.grid.in_former(before.grid)
            if former_ids is None or obstacle(before, experiment):
                raise ResultsError(
                    f"{store.folder} has a former generation that the grid cannot have grown from."
                    f"\nMove {store.folder} away, and train anew."
                )
            self._sources.append((Reader(store, columns_of(former)), former_ids))

    def known(self, first: int, last: int) -> "KnownRuns":
        """Return what is known of the runs from `first` up to `last`, which is not among them."""
        run_ids = np.arange(first, last, dtype=np.int64)
        found = KnownRuns.nothing(run_ids.size, self._trainer)
        for reader, former_ids in self._sources:
            ids = former_ids(run_ids)
            found.add(reader, ids, np.flatnonzero((ids >= 0) & ~found.there))
        return found


@dataclass(frozen=True, slots=True)
class KnownRuns:
    """What is known of the runs of a range, by their places in it."""

    there: NDArray[np.bool_]  # after `fill`: taken over, and not trained from the start
    columns: dict[str, NDArray[Any]]  # of the runs table, with codes for the statuses
    trajectories: list[dict[str, NDArray[Any]]]  # place, epoch, ssr, loss; ordered
    parameters: tuple[str, ...]
    measures: tuple[str, ...]

    @classmethod
    def nothing(cls, count: int, trainer: Trainer) -> "KnownRuns":
        """Return what is known where no run is."""
        return cls(
            np.zeros(count, dtype=bool),
            {},
            [],
            trainer.parameters,
            trainer.experiment.record.measures,
        )

    def add(self, reader: Reader, ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> None:
        """Take what a former generation has of the wanted places, whose run ids there are `ids`."""
        order = wanted[np.argsort(ids[wanted])]
        sought = ids[order]

        def places(rows: Any) -> NDArray[np.int64]:
            found: NDArray[np.int64] = order[np.searchsorted(sought, rows["run_id"].to_numpy())]
            return found

        for rows in reader.batches("runs", run_ids=sought):
            at = places(rows)
            self.there[at] = True
            columns = {name: rows[name].to_numpy() for name in rows.column_names}
            names = pd.Categorical(columns["status"], categories=stopping.STATUSES)
            columns["status"] = names.codes
            for when in ("initial", "final", "min"):  # where all losses were SSR
                columns.setdefault(f"loss_{when}", columns[f"ssr_{when}"])
            for name, values in columns.items():
                empty = np.zeros(self.there.size, values.dtype)
                self.columns.setdefault(name, empty)[at] = values
        for rows in reader.batches("trajectories", run_ids=sought):
            columns = {name: rows[name].to_numpy() for name in rows.column_names}
            self.trajectories.append({"place": places(rows), **columns})

    def fill(
        self,
        chosen: NDArray[np.int64],
        variant: Variant,
        runs: descent.Runs,
        rows: descent.Rows,
    ) -> None:
        """Write it into runs and rows of the kernel: those of the chosen places of the range."""
        at = np.flatnonzero(self.there[chosen])
        if not at.size:
            return
        status = self.columns["status"][chosen[at]]
        goes_on = (status == stopping.FINISHED) & (
            self.columns["epochs"][chosen[at]] < variant.plan.epochs
        )
        # The tables hold parameters and measures, and no other state of a run.
        optimiser = OPTIMISERS[variant.experiment.training.optimiser]
        can = self._has_state(variant) & ~optimiser.keeps_state(runs.settings[at])
        self.there[chosen[at[goes_on & ~can]]] = False
        at, goes_on = at[can | ~goes_on], goes_on[can | ~goes_on]
        source = chosen[at]

        rows.status[at] = np.where(goes_on, stopping.RUNNING, self.columns["status"][source])
        rows.epochs[at] = self.columns["epochs"][source]
        runs.epochs[at] = np.where(goes_on, rows.epochs[at], 0)
        for name, values in (("ssr", rows.ssr), ("loss", rows.loss)):
            for column, when in enumerate(("initial", "final", "min")):
                values[at, column] = self.columns[f"{name}_{when}"][source]
        for name in self.measures:
            rows.measures[at, code_of(MEASURES, name)] = self.columns[name][source]
        for name, position in variant.network.positions.items():
            if name in self.parameters:
                runs.theta[at, position] = self.columns[f"{name}_final"][source]
        self._fill_trajectories(source, at, goes_on, variant, rows)

    def _has_state(self, variant: Variant) -> bool:
        return all(MEASURES[name].goes_on for name in self.measures) and set(
            variant.network.positions
        ) <= set(self.parameters)

    def _fill_trajectories(
        self,
        source: NDArray[np.int64],
        at: NDArray[np.int64],
        goes_on: NDArray[np.bool_],
        variant: Variant,
        rows: descent.Rows,
    ) -> None:
        row_of = np.full(self.there.size, -1)
        row_of[source] = at
        moves = np.zeros(self.there.size, dtype=bool)
        moves[source] = goes_on
        ends = self.columns["epochs"]
        for part in self.trajectories:
            place, epoch = part["place"], part["epoch"]
            due = np.isin(epoch, variant.plan.recorded)
            # The end of a run is there in any case; one that goes on comes to its own.
            wanted = np.where(
                moves[place], due & (epoch < ends[place]), due | (epoch == ends[place])
            )
            kept = np.flatnonzero(wanted & (row_of[place] >= 0))
            row = row_of[place[kept]]
            order = np.argsort(row, kind="stable")
            kept, row = kept[order], row[order]
            slot = np.arange(row.size) - np.searchsorted(row, row)
            rows.ssr_trajectory[row, slot] = part["ssr"][kept]
            if rows.loss_trajectory.shape[1]:
                rows.loss_trajectory[row, slot] = part.get("loss", part["ssr"])[kept]
            if rows.sharpness_trajectory.shape[1]:
                rows.sharpness_trajectory[row, slot] = part["sharpness"][kept]
            for name, position in variant.network.positions.items():
                if name in part:
                    rows.theta_trajectory[row, slot, position] = part[name][kept]
            np.add.at(rows.recorded, row, 1)
