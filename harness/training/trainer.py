"""Training of a range of runs, from settings to columns of results. Engines call this.

The runs of one kernel call share network, plan and data. Each combination of these is a variant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.calls import is_whole
from harness.errors import HarnessError, shown
from harness.experiment import Experiment
from harness.kernels import descent, lane_descent
from harness.kernels._jit import COMPILES
from harness.kernels.measures import MEASURES
from harness.kernels.stopping import RUNNING, STATUSES
from harness.kernels.tables import code_of
from harness.store.encoding import Columns
from harness.training.buffers import make_counts, make_rows, needs_state, start, state_columns
from harness.training.columns import columns_of
from harness.training.evaluation import at_the_end, best_slot, evaluate, sharpness
from harness.training.trajectories import Trajectories, VariantRows
from harness.training.variants import Variant, make_lane_spec, make_variant

# Chunks need the same few variants again and again; all of them may be too large to keep.
_KEPT_VARIANTS = 64

# Trajectories are collected separately, because variants differ in the number of recorded epochs.
_ONE_PER_RUN = [name for name in descent.Rows._fields if not name.endswith("_trajectory")]


_STATUS = pd.CategoricalDtype(list(STATUSES))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedRuns:
    """Results of a range of runs: columns of equal length, ordered by run_id."""

    runs: Columns
    trajectories: Trajectories


class KnownRuns(Protocol):
    """Results known before training; these runs are resumed or not trained at all."""

    def fill(
        self,
        chosen: NDArray[np.int64],
        variant: Variant,
        runs: descent.Runs,
        rows: descent.Rows,
        along: dict[str, NDArray[np.float64]],
    ) -> None:
        """Copy known results into the others, which hold the range's runs at `chosen`."""


class Trainer:
    """Trainer of ranges of run ids of one experiment.

    Parameters
    ----------
    experiment : Experiment
        The experiment to train.
    lanes : int, optional
        Number of runs to train side by side, a multiple of 8; or 1, for the kernel without lanes.
        By default, the number that suits the network. The results are the same.
    """

    def __init__(self, experiment: Experiment, *, lanes: int | None = None) -> None:
        if lanes is not None:
            if not is_whole(lanes) or lanes not in (1, *range(8, 65, 8)):
                raise HarnessError(
                    f"lanes = {shown(lanes)} must be 1 or a multiple of 8 up to 64.\n"
                    "By default, the number that suits the network."
                )
            lanes = int(lanes)
        self.experiment = experiment
        self.lanes = lanes if COMPILES else 1
        self.variant = lru_cache(maxsize=_KEPT_VARIANTS)(self._make_variant)
        self.columns = columns_of(experiment)

    def _make_variant(self, index: int) -> Variant:
        """Return the variant at an index of the experiment's `variant_grid`."""
        point = self.experiment.variant_grid.point(index)
        experiment = self.experiment.at(point) if point else self.experiment
        return make_variant(experiment, self.experiment.varied)

    def compile(self) -> TrainedRuns:
        """Compile the kernel of the first variant by training no runs; return the empty columns."""
        block = self.train(0, 0, np.zeros(1, dtype=np.uint8), make_counts(1)[0])
        assert block is not None  # nothing could stop it
        return block

    def train(
        self,
        first: int,
        last: int,
        stop: NDArray[np.uint8],
        counts: NDArray[np.int64],
        known: KnownRuns | None = None,
    ) -> TrainedRuns | None:
        """Train the runs from `first` up to, but not including, `last`.

        Parameters
        ----------
        first, last : int
            Run ids.
        stop : array of shape (1,)
            Set `stop[0]` to 1 in another thread to stop training.
        counts : array of shape (COUNTS,), int64
            Incremented while training: see `descent.Done`.
        known : KnownRuns, optional
            Known results of some of these runs.

        Returns
        -------
        TrainedRuns or None
            None if training was stopped; a partly trained block is discarded.
        """
        if counts.shape != (descent.COUNTS,):  # the kernel would write past its end
            raise ValueError(f"counts has shape {counts.shape}, but ({descent.COUNTS},) is needed")
        run_ids = np.arange(first, last, dtype=np.int64)
        axes = self.experiment.grid.columns(run_ids)
        variant_of = self.experiment.variants.ids(run_ids)
        rows = make_rows(run_ids.size, 0, self.columns.keeps_loss)
        final, best = (
            np.full((run_ids.size, len(names)), np.nan)
            for names in (self.columns.parameters, self.columns.best)
        )
        state = {name: np.full(run_ids.size, np.nan) for name in self.columns.state}
        ends: Columns = {
            name: np.empty(run_ids.size, kind) for name, kind in self.columns.ends.items()
        }
        parts = []
        for index in np.unique(variant_of) if run_ids.size else [0]:
            variant = self.variant(int(index))
            chosen = np.flatnonzero(variant_of == index)
            inside = {name: values[chosen] for name, values in axes.items()}
            runs = start(variant, inside, chosen.size)
            found, along = self._make_rows(chosen.size, variant)
            if known is not None:
                known.fill(chosen, variant, runs, found, along)
                counts[descent.Done.RUNS] += np.count_nonzero(found.status != RUNNING)
            # All rows of a known run are known, and the first ones of a run that continues.
            before = np.where(found.status == RUNNING, found.recorded, np.iinfo(np.int64).max)
            self.train_runs(variant, runs, found, stop, counts)
            self._fill_along(variant, runs, found, along, before, stop)
            if stop[0]:
                return None
            for name in _ONE_PER_RUN:
                getattr(rows, name)[chosen] = getattr(found, name)
            values_at_end = at_the_end(self.columns.evaluated, along, variant.plan.recorded, found)
            for name, values in values_at_end.items():
                ends[name][chosen] = values
            parts.append(
                VariantRows(
                    run_ids[chosen], variant.plan.recorded, variant.network.positions, found, along
                )
            )
            self._fill_parameters(final, chosen, self.columns.parameters, variant, runs.theta)
            if state:
                kept = np.where(needs_state(variant, runs), runs.state, np.nan)
                for name, position in state_columns(variant).items():
                    state[name][chosen] = kept[:, position]
            if self.columns.best:
                slot = best_slot(self.columns.evaluated, along, found)
                thetas = found.theta_trajectory[np.arange(chosen.size), slot]
                self._fill_parameters(best, chosen, self.columns.best, variant, thetas)
        return TrainedRuns(
            runs=self._run_columns(run_ids, axes, rows, {**ends, **state}, final, best),
            trajectories=Trajectories(first, last, parts, tuple(self.columns.trajectories)),
        )

    def _make_rows(
        self, count: int, variant: Variant
    ) -> tuple[descent.Rows, dict[str, NDArray[np.float64]]]:
        """Allocate the rows of some runs, and the columns along their trajectories.

        If no epochs are recorded, these columns have a row for the last epoch.
        """
        recorded = variant.plan.recorded.size
        asked = self.experiment.record.parameters == "trajectory"
        follows = self.columns.along or self.columns.best or asked
        parameters = variant.network.parameter_count if follows else 0
        rows = make_rows(count, recorded, self.columns.keeps_loss, parameters)
        return rows, {name: np.empty((count, max(1, recorded))) for name in self.columns.along}

    @staticmethod
    def _fill_parameters(
        columns: NDArray[np.float64],
        chosen: NDArray[np.int64],
        names: Sequence[str],
        variant: Variant,
        thetas: NDArray[np.float64],
    ) -> None:
        """Write thetas (chosen, P) into columns; a parameter that is not in the network is NaN."""
        for column, name in enumerate(names):
            if name in variant.network.positions:
                columns[chosen, column] = thetas[:, variant.network.positions[name]]

    def _fill_along(
        self,
        variant: Variant,
        runs: descent.Runs,
        rows: descent.Rows,
        along: dict[str, NDArray[np.float64]],
        before: NDArray[np.int64],
        stop: NDArray[np.uint8],
    ) -> None:
        """Fill in columns along the trajectories, except the first `before` rows of each run."""
        if not along:
            return
        has_rows = variant.plan.recorded.size > 0
        thetas = rows.theta_trajectory if has_rows else runs.theta[:, np.newaxis]
        place = np.arange(thetas.shape[1])
        written = np.maximum(rows.recorded, 1)
        wanted = (place >= before[:, np.newaxis]) & (place < written[:, np.newaxis])
        found = evaluate(
            variant, self.columns.evaluated, thetas[wanted], stop, in_lanes=self.lanes != 1
        )
        if "sharpness" in along:
            settings = runs.settings[np.nonzero(wanted)[0]]
            found["sharpness"] = sharpness(variant, thetas[wanted], settings, stop)
        for name, values in found.items():
            along[name][wanted] = values

    def train_runs(
        self,
        variant: Variant,
        runs: descent.Runs,
        rows: descent.Rows,
        stop: NDArray[np.uint8],
        counts: NDArray[np.int64],
    ) -> None:
        """Train runs of one variant, with or without lanes; write the results to rows."""
        shared = variant.architecture, variant.data, variant.watched, variant.plan
        if self.lanes == 1:
            if variant.experiment.training.precision != "float64":
                raise HarnessError(
                    'training.precision = "float32" is trained in lanes only.\n'
                    "Use more lanes than 1, and do not set NUMBA_DISABLE_JIT."
                )
            descent.train(*shared, runs, rows, stop, counts)
            return
        spec = make_lane_spec(variant, self.experiment.varied, self.lanes)
        lane_descent.train(spec, *shared, runs, rows, stop, counts)

    def kernel_count(self) -> int:
        """Return how many kernels the runs need; each is compiled once on a machine."""
        variants = map(self.variant, range(self.experiment.variant_grid.size))
        varied = self.experiment.varied
        return len({make_lane_spec(variant, varied, self.lanes) for variant in variants})

    def _run_columns(
        self,
        run_ids: NDArray[np.int64],
        axes: Columns,
        rows: descent.Rows,
        ends: Columns,
        final: NDArray[np.float64],
        best: NDArray[np.float64],
    ) -> Columns:
        columns: Columns = {
            "run_id": run_ids,
            "init_id": np.full(run_ids.size, self.experiment.initialisation.init_id),
            **axes,
            "status": pd.Categorical.from_codes(rows.status, dtype=_STATUS),
            "epochs": rows.epochs,
        }
        for name, values in (("ssr", rows.ssr), ("loss", rows.loss)):
            for column, when in enumerate(descent.MOMENTS):
                columns[f"{name}_{when}"] = values[:, column]
        for name in self.experiment.record.measures:
            values = rows.measures[:, code_of(MEASURES, name)]
            columns[name] = values.astype(np.int64) if MEASURES[name].whole else values
        columns |= ends
        for column, name in enumerate(self.columns.parameters):
            columns[f"{name}_final"] = final[:, column]
        for column, name in enumerate(self.columns.best):
            columns[f"{name}_best"] = best[:, column]
        return {name: columns[name] for name in self.columns.runs}
