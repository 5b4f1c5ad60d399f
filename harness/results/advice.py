"""What to try next: changes to the grid or to the epochs that the results support."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.effects import OrderedEffect
from harness.analysis.ranking import trained_loss
from harness.analysis.stability import Threshold
from harness.errors import ExperimentError
from harness.experiment import Experiment
from harness.experiment.grid import Axis, Listed, Spaced
from harness.formatting import plural
from harness.results.findings import writer
from harness.results.sentences import percent
from harness.results.tables import Results

_MOST = 2

# Of more finished runs, the first ones are read.
_MOST_TRAJECTORIES = 200
# The loss still falls if it falls by this share over about the last tenth of the epochs. The epoch
# recorded before may be earlier, but not earlier than this share of the epochs.
_FALL = 0.05
_LAST_TENTH, _EARLIEST = 0.9, 0.75

# Leave values out if this share of the runs is at values where all runs diverge.
_WASTED = 0.2

# Axes that say when a run counts as converged or diverged: their ends are no sign.
_CRITERIA = ("tolerance", "limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A suggestion.

    Attributes
    ----------
    text : str
        A finding and what to do, in sentences.
    change : str
        The argument of `--set` that does it.
    """

    text: str
    change: str


def advise(
    results: Results,
    effects: Mapping[str, OrderedEffect],
    best: Mapping[str, Any],
    runs: pd.DataFrame,
    threshold: Threshold | None,
) -> list[Advice]:
    """Return at most two suggestions, the most important first.

    Parameters
    ----------
    results : Results
        The whole sweep.
    effects : mapping
        The effect of each axis of numbers.
    best : mapping
        The axis values of the best combination; empty if there is none.
    runs : DataFrame
        All runs, or a sample: run_id, status and the axes.
    threshold : Threshold or None
        The explanation of why runs diverged.
    """
    experiment = results.experiment
    if runs["status"].eq("diverged").all():
        found = [_lower_rates(experiment, runs, threshold)]
    else:
        axes = [
            (dimension[0], effects[dimension[0].name])
            for dimension in experiment.grid.dimensions
            if len(dimension) == 1 and dimension[0].name in effects
        ]
        found = [_extend(experiment, axis, effect, best) for axis, effect in axes]
        found.append(_longer(results, best, runs))
        found += [_leave_out(axis, effect) for axis, effect in axes]
    return [advice for advice in found if advice is not None][:_MOST]


def _lower_rates(
    experiment: Experiment, runs: pd.DataFrame, threshold: Threshold | None
) -> Advice | None:
    """Suggest learning rates below those of a sweep in which every run diverged."""
    axes = {d[0].name: d[0] for d in experiment.grid.dimensions if len(d) == 1}
    if "learning_rate" not in runs:
        rate = experiment.training.learning_rate
        if not isinstance(rate, float) or "learning_rate_1" in axes:
            return None
        lower = min(rate, threshold.low if threshold else rate) / 10
        text = "Every run diverged. Try a lower learning rate:"
        return Advice(text=text, change=f"training.learning_rate={lower:.2g}")
    lowest = float(runs["learning_rate"].min())
    high = min(lowest, threshold.low) if threshold else lowest
    if "learning_rate" not in axes or high <= 0:
        return None
    low, high = float(f"{high / 100:.2g}"), float(f"{high:.2g}")
    count = max(axes["learning_rate"].values.count, 5)
    text = f"Every run diverged. Try learning rates below {high:g}:"
    return Advice(text=text, change=_set("learning_rate", _spaced("log", low, high, count)))


def _extend(
    experiment: Experiment, axis: Axis, effect: OrderedEffect, best: Mapping[str, Any]
) -> Advice | None:
    """Suggest more values beyond the end of an axis where the best value is."""
    ends = axis.values.ends()
    if axis.name in _CRITERIA or not effect.works or effect.best["converged"] == 1:
        return None
    value = effect.best[axis.name]
    if value not in ends or best.get(axis.name) != value:
        return None
    up = value == max(ends)
    spec, end = _beyond(axis.values, up=up)
    try:
        experiment.at({axis.name: end})
    except ExperimentError:  # such as a momentum of 1
        return None
    text = (
        f"The best {axis.name}, {writer(sorted(ends))(value)}, is the"
        f" {'largest' if up else 'smallest'} of the grid. Extend it:"
    )
    return Advice(text=text, change=_set(axis.name, spec))
