"""Difficulty of data points: the share of runs that classify each of them rightly."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.parameters import parameters_of
from harness.analysis.replay import train_again
from harness.experiment import Experiment
from harness.kernels.metrics import classes_of, threshold_of
from harness.training.evaluation import evaluations
from harness.training.trainer import Trainer
from harness.training.variants import Variant, work_of

Rows = NDArray[np.int64]


def right_shares(experiment: Experiment, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the share of runs that classify each data point rightly at their end.

    Parameters
    ----------
    experiment : Experiment
        The experiment, with its grid. Its targets are classes.
    runs : DataFrame
        Rows of `runs` with the same data points: run_id, and all final parameters, such as
        w1_final. Without the parameters the runs are trained again, in lanes.

    Returns
    -------
    DataFrame
        One row per data point, in the order of `experiment.source`: `class`, its number;
        `held_out`, whether any of the runs holds it out; `runs`, the number of those that do, or
        else of all; and `right`, the share of these.
    """
    trainer = Trainer(experiment)
    source = experiment.single(int(runs["run_id"].iloc[0])).source
    points = len(source.targets)
    # Row 0 counts the runs that are trained on a data point, row 1 those that hold it out.
    seen, hits = np.zeros((2, points), np.int64), np.zeros((2, points), np.int64)
    stop = np.zeros(1, dtype=np.uint8)
    for variant, rows in _by_variant(trainer, runs):
        if all(f"{name}_final" in runs for name in variant.network.parameters):
            thetas = parameters_of(runs.iloc[rows], variant.network)
        else:
            thetas = train_again(trainer, variant, runs["run_id"].to_numpy()[rows])
        parts = {False: variant.data, True: variant.held_out}
        threshold = threshold_of(*(data.y for data in parts.values() if data is not None))
        for is_held_out, data in parts.items():
            if data is None:
                continue
            at = int(is_held_out), variant.experiment.is_held_out == is_held_out
            observed = classes_of(data.y, threshold)
            seen[at] += rows.size
            for _, found in evaluations(variant, data, thetas, stop, True, False):
                finite = np.isfinite(found.predictions).all(axis=-1)
                right = classes_of(found.predictions, threshold) == observed
                hits[at] += (right & finite).sum(axis=0)
    held_out = seen[1] > 0
    chosen = held_out.astype(np.int64), np.arange(points)
    return pd.DataFrame(
        {
            "class": classes_of(source.targets, threshold_of(source.targets)),
            "held_out": held_out,
            "runs": seen[chosen],
            "right": hits[chosen] / seen[chosen],
        }
    )


def within(experiment: Experiment, runs: pd.DataFrame, most: float) -> pd.DataFrame:
    """Return the first of some runs, as many as can be trained again in `most` multiply-adds.

    `runs` have run_id and epochs.
    """
    work = np.empty(len(runs))
    for variant, rows in _by_variant(Trainer(experiment), runs):
        an_epoch = work_of(variant) / (variant.plan.epochs + 1)
        work[rows] = an_epoch * (runs["epochs"].to_numpy()[rows] + 1)
    return runs[np.cumsum(work) <= most]


def _by_variant(trainer: Trainer, runs: pd.DataFrame) -> Iterator[tuple[Variant, Rows]]:
    """Yield each variant with the rows of its runs."""
    variant_of = trainer.experiment.variants.ids(runs["run_id"].to_numpy())
    for index in np.unique(variant_of):
        yield trainer.variant(int(index)), np.flatnonzero(variant_of == index)
