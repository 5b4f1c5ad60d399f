"""The learning rates above which gradient descent is unstable, compared with those that diverged.

Near a point where the Hessian of the loss has the largest eigenvalue s, the sharpness, gradient
descent is unstable for learning rates above 2 / s, and with momentum above 2 (1 + momentum) / s
(Polyak 1964; Cohen, Kaur, Li, Kolter and Talwalkar 2021, "Gradient descent on neural networks
typically occurs at the edge of stability", arXiv:2103.00065). Away from a quadratic this proves
nothing: such a run may move to where the loss is flatter. So a threshold is an explanation only if
the runs above it diverged and those below did not.
"""

import inspect
from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.sampling import scattered
from harness.experiment import Experiment
from harness.experiment.axes import allowed_axes
from harness.kernels.losses import LOSSES, squared_term
from harness.training.buffers import start
from harness.training.evaluation import sharpness
from harness.training.variants import (
    Variant,
    make_variant,
    settings_in_use,
    work_of_sharpness,
)

Floats = NDArray[np.float64]

# The most starts to compute the sharpness at, and the most multiply-adds for all of them.
_MOST_STARTS = 100
_MOST_WORK = 3e8
# Each variant has a network or data of its own to make.
_MOST_VARIANTS = 16

# A threshold explains divergence if this share of the runs above it diverged, and of those below
# it did not.
_SHARE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Thresholds 2 (1 + momentum) / curvature of the learning rate, and how runs ended around them.

    Attributes
    ----------
    of : {"output bias", "start"}
        The curvature: that along a bias of the output, which is the same everywhere if the output
        is linear and the loss a sum of squares; or the sharpness at the start of each run.
    curvature : tuple of two floats
        The lowest and the highest curvature.
    low, high : float
        The lowest and the highest threshold.
    momentum : bool
        Whether any run has momentum.
    starts : int
        The number of starts.
    above, diverged_above, below, diverged_below : int
        Runs with a learning rate above their threshold, and how many of them diverged; the same for
        the others.
    """

    of: Literal["output bias", "start"]
    curvature: tuple[float, float]
    low: float
    high: float
    momentum: bool
    starts: int
    above: int
    diverged_above: int
    below: int
    diverged_below: int

    @property
    def explains(self) -> bool:
        """Whether it tells the runs that diverged from the others."""
        return (
            self.diverged_above > 0
            and self.diverged_above >= _SHARE * self.above
            and self.diverged_below <= (1 - _SHARE) * self.below
        )


def why_diverged(experiment: Experiment, runs: pd.DataFrame) -> Threshold | None:
    """Return the threshold that explains which runs diverged; None if there is none.

    The sharpness is computed at the starts of a sample of the runs, in bounded time.

    Parameters
    ----------
    experiment : Experiment
        The experiment.
    runs : DataFrame
        Some of its runs: run_id, status and the axes of its grid.
    """
    if not runs["status"].eq("diverged").any() or not _one_rate(experiment):
        return None
    grid = experiment.variant_grid
    if grid.size > _MOST_VARIANTS:
        return None
    variants = [
        make_variant(experiment.at(point) if point else experiment, experiment.varied)
        for point in map(grid.point, range(grid.size))
    ]
    if not all(_is_gradient_descent(variant, experiment.varied) for variant in variants):
        return None
    starts = _starts(experiment, runs["run_id"].to_numpy())
    found = _threshold(experiment, runs, starts, variants, "output bias")
    if found and found.explains:
        return found
    # The sharpness is nowhere less, so these runs are above a threshold by the sharpness too. If
    # they are too many for all diverged runs together, it need not be computed.
    survived = found.above - found.diverged_above if found else 0
    if survived > (1 - _SHARE) * (survived + runs["status"].eq("diverged").sum()):
        return None
    found = _threshold(experiment, *_some(runs, starts, variants), variants, "start")
    return found if found and found.explains else None


def _one_rate(experiment: Experiment) -> bool:
    """Return whether each run has one learning rate for all layers."""
    return isinstance(experiment.training.learning_rate, float) and not any(
        axis.name.startswith("learning_rate_") for axis in experiment.grid.axes
    )


def _is_gradient_descent(variant: Variant, varied: Container[str]) -> bool:
    """Return whether all runs of a variant are gradient descent, perhaps with momentum.

    So they have no batches, schedule, drift, penalty, weight decay or clipping.
    """
    training = variant.experiment.training
    return (
        training.optimiser == "sgd"
        and variant.plan.full_batch
        and not variant.plan.factors.size
        and set(settings_in_use(training, varied)) <= {"momentum"}
    )


def _starts(experiment: Experiment, run_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of each run's start: equal if only settings of the training differ."""
    allowed = allowed_axes(experiment.network)
    number, stride = np.zeros(run_ids.shape, dtype=np.int64), 1
    grid = experiment.grid
    for dimension, index in zip(grid.dimensions, grid.coordinates(run_ids), strict=True):
        targets = [allowed[axis.name] for axis in dimension]
        if not all(target.per_run and target.section == "training" for target in targets):
            number += stride * index
            stride *= dimension[0].values.count
    return number


def _some(
    runs: pd.DataFrame, starts: NDArray[np.int64], variants: list[Variant]
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return the runs, and their starts, of as many starts as `_MOST_WORK` allows."""
    most = min(_MOST_STARTS, int(_MOST_WORK / max(map(work_of_sharpness, variants))))
    distinct = np.unique(starts)
    kept = np.isin(starts, distinct[np.argsort(scattered(distinct))[:most]])
    return runs[kept], starts[kept]


def _threshold(
    experiment: Experiment,
    runs: pd.DataFrame,
    starts: NDArray[np.int64],
    variants: list[Variant],
    of: Literal["output bias", "start"],
) -> Threshold | None:
    """Return the threshold by one kind of curvature; None if no curvature is known."""
    diverged = runs["status"].eq("diverged").to_numpy(bool)
    _, firsts, start_of = np.unique(starts, return_index=True, return_inverse=True)
    curvature = _curvatures(experiment, runs["run_id"].to_numpy()[firsts], variants, of)[start_of]
    given = {"learning_rate": experiment.training.learning_rate, **experiment.training.settings}
    rates, momenta = (
        runs[name] if name in runs else given[name] for name in ("learning_rate", "momentum")
    )
    known = curvature > 0  # false for NaN
    if not known.any():
        return None
    threshold = np.where(known, 2 * (1 + momenta) / np.where(known, curvature, 1), np.inf)
    above, below = known & (rates > threshold), known & ~(rates > threshold)
    return Threshold(
        of=of,
        curvature=(float(curvature[known].min()), float(curvature[known].max())),
        low=float(threshold[known].min()),
        high=float(threshold[known].max()),
        momentum=bool(np.any(momenta)),
        starts=np.unique(starts[known]).size,
        above=int(above.sum()),
        diverged_above=int((above & diverged).sum()),
        below=int(below.sum()),
        diverged_below=int((below & diverged).sum()),
    )


def _curvatures(
    experiment: Experiment,
    run_ids: NDArray[np.int64],
    variants: list[Variant],
    of: Literal["output bias", "start"],
) -> Floats:
    """Return the curvature for some runs; NaN if it is not known."""
    grid = experiment.variant_grid
    axes = experiment.grid.columns(run_ids)
    found = np.full(run_ids.shape, np.nan)
    for index, variant in enumerate(variants):
        inside = np.ones(run_ids.shape, dtype=bool)
        for name, value in grid.point(index).items():
            inside &= axes[name] == value
        if not inside.any():
            continue
        if of == "output bias":
            found[inside] = bias_curvature(variant)
            continue
        runs = start(variant, {n: v[inside] for n, v in axes.items()}, int(inside.sum()))
        stop = np.zeros(1, dtype=np.uint8)
        found[inside] = sharpness(variant, runs.theta, runs.settings, stop)
    return found


def bias_curvature(variant: Variant) -> float:
    """Return the curvature along a bias of a linear output with squared residuals.

    The loss is weight * sum (y - p)^2, and p grows by scale * output_scale with the bias. So the
    second derivative is 2 weight m (scale * output_scale)^2 wherever the other parameters are, and
    the sharpness is nowhere less.

    Returns
    -------
    float
        NaN if the output or the loss is another one, or if no bias of the output trains.
    """
    network, architecture = variant.network, variant.architecture
    outputs = network.sizes[-1]
    if not (
        network.activations[-1] == "identity"
        and LOSSES[network.loss].term is squared_term
        and network.biases[-1]
        and variant.plan.trains[-outputs:].any()  # the last row of the last matrix
    ):
        return np.nan
    points = len(variant.data.x)
    slope = float(architecture.scales[-1]) * architecture.output_scale
    weight = inspect.unwrap(LOSSES[network.loss].weight)(points, outputs)  # not compiled
    return float(2 * weight * points * slope**2)
