"""Variants: the network, data and training plan that all runs of a kernel call share."""

from collections.abc import Container
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.experiment import Experiment
from harness.experiment.data import Dataset
from harness.experiment.network import Network
from harness.experiment.schedules import CONSTANT, schedule_factors
from harness.experiment.schema import TrainingSection
from harness.kernels import descent
from harness.kernels.activations import NORMALISED
from harness.kernels.lane_evaluation import evaluation_spec
from harness.kernels.lane_spec import LaneSpec, is_small
from harness.kernels.layers import Layer
from harness.kernels.measures import MEASURES
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.passes import Architecture, Data
from harness.kernels.simd.rows import FLOATS, lanes_of
from harness.kernels.tables import code_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Arguments that all runs of a kernel call share."""

    experiment: Experiment
    network: Network
    architecture: Architecture
    plan: descent.TrainingPlan
    data: Data
    held_out: Data | None

    @property
    def watched(self) -> Data:
        """The held-out data points that may stop a run; none without patience."""
        if self.plan.patience and self.held_out is not None:
            return self.held_out
        return Data(x=self.data.x[:0], y=self.data.y[:0])


def make_variant(experiment: Experiment, varied: Container[str] = ()) -> Variant:
    """Return the variant of an experiment whose grid only varies settings of single runs.

    `varied` are keys, such as "training.patience", that differ between these runs.
    """
    return Variant(
        experiment=experiment,
        network=experiment.network,
        architecture=experiment.network.architecture(),
        plan=_training_plan(experiment, varied),
        data=_data(experiment.data),
        held_out=_data(experiment.validation) if experiment.validation else None,
    )


def _data(points: Dataset) -> Data:
    # Contiguous, because Numba compiles a kernel again for every array layout.
    return Data(x=np.ascontiguousarray(points.inputs), y=np.ascontiguousarray(points.targets))


def _training_plan(experiment: Experiment, varied: Container[str]) -> descent.TrainingPlan:
    """Return the training plan of an experiment; for `varied`, see `make_variant`."""
    training, network = experiment.training, experiment.network
    samples = len(experiment.data.inputs)
    batch_size = samples if training.batch_size == "all" else training.batch_size
    updates = training.updates_per_epoch or -(-samples // batch_size)
    drawn = training.batches == "drawn"
    trains = np.full(network.parameter_count, training.train == "all")
    if training.train != "all":
        trains[[network.positions[name] for name in training.train]] = True
    penalised = np.ones(network.parameter_count, dtype=bool)
    penalised[network.bias_positions] = training.penalise_biases
    return descent.TrainingPlan(
        epochs=training.epochs,
        batch_size=batch_size,
        updates=updates,
        batches=descent.BATCHES[training.batches],
        full_batch=batch_size == samples and not drawn,
        points_seen=updates * batch_size if drawn else samples,
        optimiser=code_of(OPTIMISERS, training.optimiser),
        seed=np.uint64(training.seed),
        factors=_factors(training),
        trains=trains,
        penalised=penalised,
        recorded=experiment.recorded_epochs,
        measure_gradient=any(MEASURES[m].of_gradient for m in experiment.record.measures),
        patience=training.patience is not None or "training.patience" in varied,
    )


def _factors(training: TrainingSection) -> NDArray[np.float64]:
    """Return `TrainingPlan.factors`. The last one is for the update after the last epoch."""
    if training.schedule == CONSTANT and not training.warm_up:
        return np.empty(0)
    factors = schedule_factors(
        training.schedule, training.schedule_settings, training.epochs, training.warm_up
    )
    return np.append(factors, 1.0)


# A sharpness takes as long as this many passes over the data, for about ten Hessian products.
_WORK_PER_SHARPNESS = 40

# Without lanes, an activation with its slope takes as long as this many multiply-adds (measured:
# 13 ns, against 0.9 ns for one).
_WORK_PER_ACTIVATION = 15

# A step with state takes as long as this many multiply-adds per parameter, for its division and
# root (measured on 1-2-1 and 2-2-1 networks: 11 to 20 for adagrad, rmsprop and adam, 4 to 13 for
# rprop). Without state, with momentum included, it takes 0 to 3, which are not counted.
_WORK_PER_STEP = 15


def work_of(variant: Variant) -> float:
    """Return the work of a run that does not end early, in multiply-adds."""
    plan, m, network = variant.plan, len(variant.data.x), variant.network
    # With batches, another pass over the data evaluates the loss.
    seen = m if plan.full_batch else m + plan.points_seen
    passes = (plan.epochs + 1.0) * seen
    if variant.experiment.record.sharpness:
        passes += _WORK_PER_SHARPNESS * plan.recorded.size * m
    forward_only = (plan.epochs + 1.0) * len(variant.watched.x)
    has_state = OPTIMISERS[variant.experiment.training.optimiser].in_use(())
    steps = plan.epochs * plan.updates * network.parameter_count if has_state else 0.0
    return (
        passes * _work_per_point(network)
        + forward_only * _work_per_point(network, passes=1)
        + _WORK_PER_STEP * steps
    )


def work_of_sharpness(variant: Variant) -> float:
    """Return the work of one sharpness, in multiply-adds."""
    return _WORK_PER_SHARPNESS * len(variant.data.x) * _work_per_point(variant.network)


def _work_per_point(network: Network, passes: int = 3) -> float:
    """Return the work for one data point; forward, backward and gradient are a pass each."""
    return passes * float(network.parameter_count) + _WORK_PER_ACTIVATION * sum(network.sizes[1:])


# Numbers of data points side by side, the best first: few enough to leave registers for several
# units, and enough to hide one another's latency with a single unit.
_SAMPLES_AT_ONCE = (4, 6, 5, 3, 8, 7, 2)
# In a large network, a tile is up to this many times larger, so that gradients are loaded and
# stored less often.
_MOST_IN_TILE = 4


def make_lane_spec(variant: Variant, varied: Container[str], lanes: int | None) -> LaneSpec:
    """Return the specification of the kernel that trains a variant.

    Parameters
    ----------
    variant : Variant
        The variant to train. Variants that differ only in numbers have equal specifications.
    varied : container of str
        Keys, such as "training.momentum", that may differ between the runs of the variant.
    lanes : int, optional
        Number of runs side by side, rounded up to whole vectors of 8 runs, or of 16 in single
        precision. By default, two vectors if all data points are in flight at once, so that one
        works while the other waits for its results; otherwise one.
    """
    plan, network, training = variant.plan, variant.network, variant.experiment.training
    measures = variant.experiment.record.measures
    points = len(variant.data.x)
    at_once = _at_once(plan.batch_size)
    small = is_small(network.parameter_count, at_once)
    most = 1 if small else _MOST_IN_TILE
    tiles = _tiles(plan, points, len(variant.watched.x), at_once, most)
    one_tile = small and plan.full_batch and tiles[0] == points
    of_group = lanes_of(FLOATS[training.precision])
    return LaneSpec(
        layers=_layers(variant.architecture, one_tile=one_tile),
        precision=training.precision,
        loss=network.kernel_loss,
        optimiser=training.optimiser,
        settings=settings_in_use(training, varied),
        measures=tuple(name for name in MEASURES if name in measures),
        output_scaled=network.output_scale != 1.0,
        lanes=of_group,
        groups=-(-lanes // of_group) if lanes else 2 if one_tile else 1,
        tiles=tiles,
        at_once=at_once,
        one_tile=one_tile,
        full_batch=plan.full_batch,
        shuffled=not plan.full_batch and plan.batches != descent.IN_ORDER,
        all_train=bool(plan.trains.all()),
        penalises_biases=bool(plan.penalised.all()),
        scheduled=plan.factors.size > 0,
        recorded=plan.recorded.size > 0,
        patience=plan.patience,
    )


def settings_in_use(training: TrainingSection, varied: Container[str]) -> tuple[str, ...]:
    """Return the settings of the optimiser, except those with their neutral value in all runs.

    For `varied`, see `make_variant`.
    """
    settings = training.settings
    return tuple(
        setting.name
        for setting in OPTIMISERS[training.optimiser].all_settings
        if f"training.{setting.name}" in varied
        or np.any(np.asarray(settings[setting.name]) != setting.neutral)
    )


def make_evaluation_spec(variant: Variant, points: int) -> LaneSpec:
    """Return the specification of the kernel that evaluates a variant on this many data points."""
    spec = make_lane_spec(variant, frozenset(), None)
    at_once = _at_once(points)
    largest = at_once if is_small(spec.parameters, at_once) else at_once * _MOST_IN_TILE
    sizes = (largest, at_once, 1)
    tiles = [size for size in sizes if size <= points]
    return evaluation_spec(spec, tuple(dict.fromkeys(tiles)), at_once)


def _at_once(points: int) -> int:
    """Return the number of data points side by side for batches of a size."""
    fitting = (n for n in _SAMPLES_AT_ONCE if points % n == 0)
    return next(fitting, min(_SAMPLES_AT_ONCE[0], points))


def _tiles(
    plan: descent.TrainingPlan, points: int, watched: int, at_once: int, most: int
) -> tuple[int, ...]:
    """Return the numbers of data points in the tiles that make up all points and all batches."""
    largest = at_once * min(most, max(1, plan.batch_size // at_once))
    passes = [points, watched, plan.batch_size, plan.points_seen % plan.batch_size]
    rests = [count % largest for count in passes]
    found = [largest]
    if any(rest >= at_once for rest in rests):
        found.append(at_once)
    if any(rest % at_once for rest in rests):
        found.append(1)
    return tuple(found)


def _layers(network: Architecture, *, one_tile: bool) -> tuple[Layer, ...]:
    """Return the layers of a network as constants."""
    return tuple(
        Layer(
            fan_in=int(network.sizes[layer - 1]),
            fan_out=int(network.sizes[layer]),
            activation=int(network.activations[layer]),
            biased=int(network.biases[layer]),
            scaled=int(network.scales[layer] != 1.0),
            scaled_below=int(network.scales[layer - 1] != 1.0),
            hidden=int(layer > 1),
            # If all data points are in flight, they are in registers anyway: 97 million epochs per
            # second of the 1-2-1 network, against 90 million when shared.
            shared=int(layer == 1 and not one_tile),
            last=int(layer == network.sizes.size - 1),
            normalised=NORMALISED[network.activations[layer]],
            matrix=int(network.matrices[layer]),
            sources=int(network.units[layer - 1]),
            units=int(network.units[layer]),
        )
        for layer in range(1, network.sizes.size)
    )


def first_batch(variant: Variant, epoch: int) -> NDArray[np.int64]:
    """Return the data points of the first update after `epoch` epochs."""
    order = descent.order_of_epoch(variant.plan, len(variant.data.x), epoch)
    return order[: variant.plan.batch_size]
