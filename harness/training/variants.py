"""From an experiment to what the kernels take: names become codes, settings become arrays."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.experiment import Experiment
from harness.experiment.initialisation import initial_parameters
from harness.experiment.network import Network
from harness.kernels import descent
from harness.kernels.lane_spec import LaneSpec
from harness.kernels.layers import Layer
from harness.kernels.passes import Architecture, Data

Columns = dict[str, Any]

PARAMETER = re.compile(r"[wb]\d+")

# The kernel compares with numbers only. No loss is below the first or above the second, and an
# infinite one is above it.
_NO_TOLERANCE = -1.0
_NO_LIMIT = float(np.finfo(np.float64).max)

# What a kernel counts while it trains: ended runs, updates, and of passes of a run over the data
# those that there was room for in the lanes and those that were made.
COUNTS = 4
# Integers from the counts of one chunk to those of the next. Where two threads count in one cache
# line each takes it from the other: on two threads that was 1.2 to 1.6 times as long.
_APART = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What all runs of a kernel call have in common."""

    experiment: Experiment
    network: Network
    architecture: Architecture
    plan: descent.TrainingPlan
    data: Data


def make_variant(experiment: Experiment) -> Variant:
    """Return the variant of an experiment whose grid changes nothing but numbers of runs."""
    return Variant(
        experiment=experiment,
        network=experiment.network,
        architecture=experiment.network.architecture(),
        plan=_training_plan(experiment),
        # Contiguous, because Numba compiles a kernel anew for every layout of an array.
        data=Data(
            x=np.ascontiguousarray(experiment.data.inputs),
            y=np.ascontiguousarray(experiment.data.targets),
        ),
    )


def _training_plan(experiment: Experiment) -> descent.TrainingPlan:
    """Return what the kernel needs to know of training."""
    training, network = experiment.training, experiment.network
    samples = len(experiment.data.inputs)
    batch_size = samples if training.batch_size == "all" else training.batch_size
    trains = np.full(network.parameter_count, training.train == "all")
    if training.train != "all":
        trains[[network.positions[name] for name in training.train]] = True
    return descent.TrainingPlan(
        epochs=training.epochs,
        batch_size=batch_size,
        updates=training.updates_per_epoch or -(-samples // batch_size),
        batches=descent.BATCHES[training.batches],
        seed=np.uint64(training.seed),
        trains=trains,
        recorded=experiment.recorded_epochs,
        measure_gradient="gradient_norm" in experiment.record.measures,
        measure_relative=any(name.startswith("relative_") for name in experiment.record.measures),
    )


# A sharpness takes as long as this many passes over the data: some ten products with the Hessian.
_WORK_A_SHARPNESS = 40

# An activation with its slope takes as long as this many multiply-adds, without lanes (measured:
# 13 ns of 0.9 ns).
_WORK_AN_ACTIVATION = 15


def work_of(variant: Variant) -> float:
    """Return the multiply-adds of one run that does not end early; activations counted as such."""
    plan, points = variant.plan, len(variant.data.x)
    units = sum(variant.network.sizes[1:])
    a_point = 3.0 * variant.network.parameter_count + _WORK_AN_ACTIVATION * units
    # With batches the data are seen by the updates, and once more to read the loss.
    seen = points if plan.updates == 1 else 2 * points
    passes = (plan.epochs + 1.0) * seen
    if variant.experiment.record.sharpness:
        passes += _WORK_A_SHARPNESS * plan.recorded.size * points
    return passes * a_point


# Data points side by side, the best first: few enough to leave registers to several units, enough
# to hide one another's latency where there is one unit.
_SAMPLES_AT_ONCE = (4, 6, 5, 3, 8, 7, 2)
_LANES = 8  # of a group: one register of AVX-512


def make_lane_spec(variant: Variant, *, heavy: bool, drifts: bool, lanes: int | None) -> LaneSpec:
    """Return the kernel that trains a variant.

    Parameters
    ----------
    variant : Variant
        What is trained. Kernels of variants that differ in numbers alone are equal.
    heavy : bool
        Whether any run has momentum.
    drifts : bool
        Whether any run has a drift.
    lanes : int, optional
        Runs side by side, a multiple of 8. If left out: 16 where all data points are in flight at
        once, so that one half works while the other waits for its results, and 8 elsewhere.
    """
    plan, measures = variant.plan, variant.experiment.record.measures
    points = len(variant.data.x)
    full_batch = plan.batch_size == points and plan.batches != descent.DRAWN
    samples = next(
        (n for n in _SAMPLES_AT_ONCE if plan.batch_size % n == 0),
        min(_SAMPLES_AT_ONCE[0], plan.batch_size),
    )
    one_tile = full_batch and samples == points
    lanes = lanes or (2 * _LANES if one_tile else _LANES)
    return LaneSpec(
        layers=_layers(variant.architecture, one_tile=one_tile),
        loss=variant.architecture.loss,
        scaled=variant.architecture.output_scale != 1.0,
        lanes=_LANES,
        groups=lanes // _LANES,
        samples=samples,
        one_tile=one_tile,
        full_batch=full_batch,
        shuffled=not full_batch and plan.batches != descent.IN_ORDER,
        heavy=heavy,
        drifts=drifts,
        all_train=bool(plan.trains.all()),
        statistics=not {"epoch_of_ssr_min", "ssr_mean"}.isdisjoint(measures),
        relative=plan.measure_relative,
        gradient_norm=plan.measure_gradient,
        every_epoch=plan.recorded.size == plan.epochs + 1,
    )


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
            # In registers anyway, where all data points are in flight: 97 million epochs a second
            # of the 1-2-1 network, and 90 if they are shared.
            shared=int(layer == 1 and not one_tile),
            last=int(layer == network.sizes.size - 1),
            matrix=int(network.matrices[layer]),
            sources=int(network.units[layer - 1]),
            units=int(network.units[layer]),
        )
        for layer in range(1, network.sizes.size)
    )


def start(variant: Variant, axes: Columns, count: int) -> descent.Runs:
    """Return the runs of a block before their first update."""
    training, initialisation = variant.experiment.training, variant.experiment.initialisation
    network = variant.network

    def column(name: str, otherwise: Any, kind: Any = np.float64) -> NDArray[Any]:
        return np.asarray(axes[name], kind) if name in axes else np.full(count, otherwise, kind)

    def by_layer(name: str, otherwise: Any) -> NDArray[np.float64]:
        found = np.empty((count, network.layers))
        found[:] = axes[name][:, np.newaxis] if name in axes else otherwise
        for layer in range(network.layers):
            if f"{name}_{layer + 1}" in axes:
                found[:, layer] = axes[f"{name}_{layer + 1}"]
        return found

    theta = initial_parameters(
        network,
        scheme=initialisation.scheme,
        biases_too=initialisation.biases == "same",
        seeds=column("init_seed", initialisation.seed, np.uint64),
        init_ids=column("init_id", initialisation.init_id, np.uint64),
        scales=column("init_scale", initialisation.scale),
        offsets=column("init_offset", initialisation.offset),
    )
    given = {**initialisation.parameters, **{n: axes[n] for n in axes if PARAMETER.fullmatch(n)}}
    for name, values in given.items():
        theta[:, network.positions[name]] = values
    drift = by_layer("drift", training.drift)
    if drift.any():
        trains = variant.plan.trains
        theta[:, trains] += drift[:, network.layer_of[trains]]

    tolerance = _NO_TOLERANCE if training.tolerance is None else training.tolerance
    return descent.Runs(
        epochs=np.zeros(count, dtype=np.int64),
        theta=theta,
        velocity=np.zeros_like(theta),
        rates=by_layer("learning_rate", training.learning_rate),
        drift=drift,
        momentum=column("momentum", training.momentum),
        tolerance=column("tolerance", tolerance),
        limit=column("limit", _NO_LIMIT if training.limit is None else training.limit),
    )


def make_rows(
    count: int,
    recorded: int,
    keeps_loss: bool,
    parameters: int = 0,
    *,
    keeps_sharpness: bool = False,
) -> descent.Rows:
    """Return room for what a block of runs leaves; a run is RUNNING until it has ended.

    With `parameters`, how many the network has, they are kept at every recorded epoch.
    """
    trajectory = (count, recorded)
    return descent.Rows(
        status=np.full(count, descent.RUNNING, dtype=np.int8),
        epochs=np.zeros(count, dtype=np.int64),
        ssr=np.empty((count, 3)),
        loss=np.empty((count, 3)),
        epoch_of_ssr_min=np.zeros(count, dtype=np.int64),
        ssr_mean=np.empty(count),
        gradient_norm=np.empty(count),
        relative_sum=np.empty(count),
        relative_inverse_sum=np.empty(count),
        relative_late=np.empty(count),
        recorded=np.zeros(count, dtype=np.int64),
        ssr_trajectory=np.empty(trajectory),
        loss_trajectory=np.empty(trajectory if keeps_loss else (count, 0)),
        theta_trajectory=np.empty((*trajectory, parameters) if parameters else (count, 0, 0)),
        sharpness_trajectory=np.empty(trajectory if keeps_sharpness else (count, 0)),
    )


def first_batch(variant: Variant, epoch: int) -> NDArray[np.int64]:
    """Return the data points of the first update after `epoch` epochs."""
    order = descent.order_of_epoch(variant.plan, len(variant.data.x), epoch)
    return order[: variant.plan.batch_size]


def make_counts(chunks: int) -> NDArray[np.int64]:
    """Return zeros for kernels to count in, a row of shape (COUNTS,) for each chunk."""
    counts: NDArray[np.int64] = np.zeros((chunks, _APART), dtype=np.int64)[:, :COUNTS]
    return counts
