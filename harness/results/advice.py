"""Advice on the next sweep: changes to the grid or to the epochs that the results support."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.effects import OrderedEffect
from harness.analysis.measures import has_value
from harness.analysis.ranking import trained_loss
from harness.analysis.stability import Threshold
from harness.errors import ExperimentError
from harness.experiment import Experiment
from harness.experiment.draws import Choice
from harness.experiment.grid import Axis, Counted, Drawn, Listed, Spaced
from harness.formatting import number
from harness.kernels.optimisers import OPTIMISERS
from harness.results.findings import writer
from harness.results.sentences import exact, percent
from harness.results.tables import Results

_MOST = 2

# Of more finished runs, the first ones are read.
_MOST_TRAJECTORIES = 200
# The loss still falls if it falls by this share over about the last tenth of the epochs. The epoch
# recorded before may be earlier, but not earlier than this share of the epochs.
_FALL = 0.05
_LAST_TENTH, _EARLIEST = 0.9, 0.75
_ROUNDING = 1e-12

# An axis at equal ratios grows by at most this factor.
_MOST_FACTOR = 10.0

# Leave values out if this share of the runs is at values where all runs diverge.
_WASTED = 0.2

# Initial weights are made for inputs of size 1: larger ones saturate units, and rates for them are
# too low for the others.
_LARGEST_INPUT = 10.0

# Axes that say when a run counts as converged or diverged: their ends say nothing.
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
        here = runs
        for name, value in best.items():
            here = here[has_value(here[name], value)]
        found = []
        if not here["status"].eq("converged").all():
            found = [_extend(experiment, axis, effect, best) for axis, effect in axes]
            found.append(_longer(results, here, has_best=bool(best)))
        found += [_leave_out(axis, effect) for axis, effect in axes]
    found.insert(0, _scale_inputs(experiment))
    return [advice for advice in found if advice is not None][:_MOST]


def _scale_inputs(experiment: Experiment) -> Advice | None:
    """Suggest to standardise large inputs; a constant column could not be."""
    inputs, section = experiment.data.inputs, experiment.data_section
    with np.errstate(over="ignore"):
        largest = float(np.abs(inputs).mean(axis=0).max())
    constant = (inputs == inputs[0]).all(axis=0).any()
    if "inputs" in section.scales or largest <= _LARGEST_INPUT or constant:
        return None
    text = (
        f"The inputs are not scaled: a column has values of about {number(largest)}. Training works"
        " best with values of about 1. Standardise them:"
    )
    # Single quotes: the change is printed in double ones.
    return Advice(text=text, change=f"data.standardise={['inputs', *section.standardise]}")


def _lower_rates(
    experiment: Experiment, runs: pd.DataFrame, threshold: Threshold | None
) -> Advice | None:
    """Suggest learning rates below those of a sweep in which every run diverged."""
    axes = {d[0].name: d[0] for d in experiment.grid.dimensions if len(d) == 1}
    if "optimiser" not in runs and not OPTIMISERS[experiment.training.optimiser].scheduled:
        return None  # the rate is only that of the first update
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
    values, ends = axis.values, axis.values.ends()
    # The end of a range is hardly ever drawn.
    if isinstance(values, Counted | Drawn) or axis.name in _CRITERIA:
        return None
    if not effect.works or effect.everywhere:  # values beyond the end would do as well
        return None
    value = effect.best[axis.name]
    if value not in ends or best.get(axis.name) != value:
        return None
    up = value == max(ends)
    spec, end = _beyond(values, up=up)
    try:
        experiment.at({axis.name: end})
    except ExperimentError:  # such as a momentum of 1
        return None
    text = (
        f"The best {axis.name}, {writer(sorted(ends))(value)}, is the"
        f" {'largest' if up else 'smallest'} of the grid. Extend it:"
    )
    return Advice(text=text, change=_set(axis.name, spec))


def _beyond(values: Listed | Spaced, *, up: bool) -> tuple[str, float]:
    """Return the values of an axis and more of them beyond an end, as TOML, and the new end.

    >>> _beyond(Spaced(kind="log", first=0.01, last=1.0, count=31), up=True)
    ('{log=[0.01,10],count=46}', 10.0)
    >>> _beyond(Listed((0.1, 0.2, 0.4)), up=False)
    ('[0.05,0.1,0.2,0.4]', 0.05)
    """
    low, high = values.ends()
    if isinstance(values, Listed):
        ordered = sorted(values.values)
        if not up:
            ordered.reverse()
        last, before = ordered[-1], ordered[-2]
        ratio = all(value > 0 for value in ordered)
        end = _rounded(last * last / before if ratio else 2 * last - before, high - low, last)
        return _listed(sorted([*ordered, end])), end
    low, high = min(low, high), max(low, high)
    if values.kind == "log":
        factor = min(high / low, _MOST_FACTOR)
        end = high * factor if up else low / factor
    else:
        end = high + (high - low) / 2 if up else low - (high - low) / 2
    end = _rounded(end, high - low, values.first)
    low, high = (low, end) if up else (end, high)
    return _spaced(values.kind, low, high, _count(values, low, high)), end


def _rounded(value: float, span: float, like: float) -> float:
    """Return a value with few digits but precise within a span; whole if `like` is an integer.

    >>> _rounded(0.30000000000000004, 0.1, 0.1), _rounded(128.0, 64, 64)
    (0.3, 128)
    """
    digits = 4 if span > 0.01 * abs(value) else 12
    return round(value) if isinstance(like, int) else float(f"{value:.{digits}g}")


def _count(values: Spaced, low: float, high: float) -> int:
    """Return the number of values between two others at the distances of an axis."""
    scale = math.log if values.kind == "log" else float
    step = abs(scale(values.last) - scale(values.first)) / (values.count - 1)
    return max(round((scale(high) - scale(low)) / step), 1) + 1


def _spaced(kind: str, low: float, high: float, count: int) -> str:
    return f"{{{kind}=[{exact(low)},{exact(high)}],count={count}}}"


def _listed(values: Sequence[float]) -> str:
    return f"[{','.join(map(exact, values))}]"


def _set(axis: str, spec: str) -> str:
    return f"grid.{axis}={spec}"


def _longer(results: Results, runs: pd.DataFrame, *, has_best: bool) -> Advice | None:
    """Suggest more epochs if the loss of finished runs at the best combination still falls.

    `runs` are those at the best combination.
    """
    experiment, epochs = results.experiment, results.experiment.training.epochs
    recorded = experiment.recorded_epochs
    earlier = recorded[recorded <= _LAST_TENTH * epochs]
    if not earlier.size or earlier[-1] < _EARLIEST * epochs or "max_epochs" in runs:
        return None
    run_ids = runs.loc[runs["status"] == "finished", "run_id"].to_numpy()[:_MOST_TRAJECTORIES]
    if not run_ids.size:
        return None
    loss = trained_loss(results.run_columns).removesuffix("_final")
    fall = _median_fall(
        results.read_trajectories(run_ids, ["epoch", loss]), loss, earlier[-1], epochs
    )
    if fall < _FALL:
        return None
    whose = f"run {run_ids[0]}"
    if run_ids.size > 1:
        at = " at the best combination" if has_best else ""
        whose = f"{run_ids.size:,} finished runs{at} (median)"
    text = (
        f"Between epochs {earlier[-1]:,} and {epochs:,}, the {loss} of {whose} still falls by"
        f" {percent(fall)}. Train longer:"
    )
    return Advice(text=text, change=f"training.epochs={2 * epochs}")


def _median_fall(rows: pd.DataFrame, loss: str, before: int, after: int) -> float:
    """Return the median share by which the loss of runs falls between two epochs.

    It is 0 for runs whose loss has fallen to rounding errors.
    """
    start, first, last = (
        rows.loc[rows["epoch"] == at, loss].to_numpy() for at in (0, before, after)
    )
    falls = np.zeros(len(first))
    np.divide(first - last, first, out=falls, where=last > _ROUNDING * start)
    return float(np.median(falls))


def _leave_out(axis: Axis, effect: OrderedEffect) -> Advice | None:
    """Suggest an axis without the values at its ends at which all runs diverge."""
    if isinstance(axis.values, Counted):
        return None
    count = axis.values.count
    values = np.sort(axis.values.take(np.arange(count)))
    low = -np.inf if effect.diverge_to is None else effect.diverge_to
    high = np.inf if effect.diverge_from is None else effect.diverge_from
    kept = values[(values > low) & (values < high)]
    lost = count - kept.size
    if lost < _WASTED * count or kept.size < 2:
        return None
    if isinstance(axis.values, Drawn):
        distribution = axis.values.distribution
        if axis.values.together or isinstance(distribution, Choice):
            return None  # the sample has the range
        scale = distribution.scale
        spec = f"{{random=[{exact(kept[0])},{exact(kept[-1])}],scale='{scale}',count={count}}}"
    elif isinstance(axis.values, Listed):
        spec = _listed(kept.tolist())
    else:
        spec = _spaced(axis.values.kind, float(kept[0]), float(kept[-1]), kept.size)
    text = f"At {lost:,} of the {count:,} values of {axis.name} all runs diverge. Leave them out:"
    return Advice(text=text, change=_set(axis.name, spec))
