"""Runs that are trained again: one after some epochs, or several to their end."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.kernels.descent import Validation
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.stopping import FINISHED, RUNNING, STATUSES, STOPPED
from harness.training.buffers import make_counts, make_rows, start
from harness.training.trainer import Trainer
from harness.training.variants import Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """One run after some epochs.

    Attributes
    ----------
    theta : array of shape (P,)
        Parameters.
    slots : dict of str to array of shape (P,)
        State of the optimiser, by parameter.
    counts : dict of str to float
        State of the optimiser that all parameters share.
    settings : dict of str to array of shape (L,)
        Learning rate and settings of the optimiser, for each layer.
    status : str
        One of `stopping.STATUSES`: "running" if the run has more epochs.
    epochs : int
        Epochs done.
    """

    theta: NDArray[np.float64]
    slots: dict[str, NDArray[np.float64]]
    counts: dict[str, float]
    settings: dict[str, NDArray[np.float64]]
    status: str
    epochs: int


def state_after(variant: Variant, epochs: int) -> RunState:
    """Train the one run of an experiment without a grid for at most some epochs."""
    plan = variant.plan._replace(epochs=epochs)
    runs, rows = start(variant, {}, 1), make_rows(1, plan.recorded.size, False)
    # One run is sooner done without lanes, unless they have to be compiled for its precision.
    lanes = 1 if variant.experiment.training.precision == "float64" else None
    trainer = Trainer(variant.experiment, lanes=lanes)
    trainer.train_runs(
        replace(variant, plan=plan), runs, rows, np.zeros(1, dtype=np.uint8), make_counts(1)[0]
    )
    if rows.status[0] == FINISHED and epochs < variant.plan.epochs:
        waited = epochs - rows.validation[0, Validation.EPOCH]
        rows.status[0] = RUNNING if waited < runs.patience[0] else STOPPED
    optimiser = OPTIMISERS[variant.experiment.training.optimiser]
    return RunState(
        theta=runs.theta[0],
        slots={
            slot.name: found[0]
            for slot, found in zip(optimiser.slots, optimiser.slots_of(runs.state), strict=True)
        },
        counts=dict(
            zip(optimiser.counts, runs.state[0, -len(optimiser.counts) :].tolist(), strict=False)
        ),
        settings={name: found[0] for name, found in optimiser.by_name(runs.settings).items()},
        status=STATUSES[rows.status[0]],
        epochs=int(rows.epochs[0]),
    )


def train_again(
    trainer: Trainer, variant: Variant, run_ids: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the parameters (runs, P) of runs of one variant at their end, trained again."""
    axes = trainer.experiment.grid.columns(run_ids)
    runs = start(variant, axes, run_ids.size)
    rows = make_rows(run_ids.size, variant.plan.recorded.size, trainer.columns.keeps_loss)
    trainer.train_runs(variant, runs, rows, np.zeros(1, dtype=np.uint8), make_counts(1)[0])
    return runs.theta
