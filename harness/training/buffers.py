"""Arrays that a kernel call reads and writes: a block of runs, and their results."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.experiment.initialisation import initial_parameters
from harness.kernels import descent, stopping
from harness.kernels.measures import MEASURES
from harness.kernels.optimisers import OPTIMISERS
from harness.store.encoding import Columns
from harness.training.columns import state_column
from harness.training.variants import Variant

PARAMETER = re.compile(r"[wb]\d+")

# The kernel compares with numbers only. No finite loss is below the first or above the second; an
# infinite loss is above the second.
_NO_TOLERANCE = -1.0
_NO_LIMIT = float(np.finfo(np.float64).max)

# Distance between the counters of two chunks, in integers, which puts them on separate cache lines:
# false sharing cost two threads a factor of 1.2 to 1.6.
_APART = 16


def start(variant: Variant, axes: Columns, count: int) -> descent.Runs:
    """Return a block of runs before their first update."""
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
        biases=initialisation.biases,
        seeds=column("init_seed", initialisation.seed, np.uint64),
        init_ids=column("init_id", initialisation.init_id, np.uint64),
        scales=column("init_scale", initialisation.scale),
        offsets=column("init_offset", initialisation.offset),
    )
    fixed = {**initialisation.parameters, **{n: axes[n] for n in axes if PARAMETER.fullmatch(n)}}
    for name, values in fixed.items():
        theta[:, network.positions[name]] = values
    optimiser = OPTIMISERS[training.optimiser]
    given = {"learning_rate": training.learning_rate, **training.settings}
    settings = {name: by_layer(name, given[name]) for name in optimiser.numbers}
    if optimiser.shift and settings[optimiser.shift].any():
        trains = variant.plan.trains
        theta[:, trains] += settings[optimiser.shift][:, network.layer_of[trains]]

    state = np.zeros((count, optimiser.state_size(network.parameter_count)))
    for slot, of_slot in zip(optimiser.slots, optimiser.slots_of(state), strict=True):
        if slot.start is not None:
            of_slot[:] = settings[slot.start][:, network.layer_of]

    patience = np.inf if training.patience is None else training.patience
    tolerance = _NO_TOLERANCE if training.tolerance is None else training.tolerance
    return descent.Runs(
        epochs=np.zeros(count, dtype=np.int64),
        theta=theta,
        state=state,
        settings=np.concatenate(list(settings.values()), axis=1),
        tolerance=column("tolerance", tolerance),
        limit=column("limit", _NO_LIMIT if training.limit is None else training.limit),
        patience=column("patience", patience),
    )


def state_columns(variant: Variant) -> dict[str, int]:
    """Return the position of each column of the state of the optimiser in `descent.Runs.state`."""
    optimiser = OPTIMISERS[variant.experiment.training.optimiser]
    names = [
        state_column(name, slot.name)
        for slot in optimiser.slots
        for name in variant.network.parameters
    ]
    return {name: position for position, name in enumerate([*names, *optimiser.counts])}


def needs_state(variant: Variant, runs: descent.Runs) -> NDArray[np.bool_]:
    """Return where the state of runs has a meaning, as a mask of the shape of `runs.state`."""
    optimiser = OPTIMISERS[variant.experiment.training.optimiser]
    return optimiser.needed(runs.settings, runs.state)


def make_rows(
    count: int,
    recorded: int,
    keeps_loss: bool,
    parameters: int = 0,
) -> descent.Rows:
    """Allocate the results of a block of runs, all with status RUNNING.

    If `parameters`, the number of parameters, is not 0, they are kept at every recorded epoch.
    """
    trajectory = (count, recorded)
    return descent.Rows(
        status=np.full(count, stopping.RUNNING, dtype=np.int8),
        epochs=np.zeros(count, dtype=np.int64),
        ssr=np.empty((count, len(descent.MOMENTS))),
        loss=np.empty((count, len(descent.MOMENTS))),
        validation=np.tile([np.inf, 0.0], (count, 1)),
        measures=np.zeros((count, len(MEASURES))),
        recorded=np.zeros(count, dtype=np.int64),
        ssr_trajectory=np.empty(trajectory),
        loss_trajectory=np.empty(trajectory if keeps_loss else (count, 0)),
        theta_trajectory=np.empty((*trajectory, parameters) if parameters else (count, 0, 0)),
    )


def make_counts(chunks: int) -> NDArray[np.int64]:
    """Return zeroed counters for kernels, of shape (chunks, COUNTS)."""
    counts: NDArray[np.int64] = np.zeros((chunks, _APART), dtype=np.int64)[:, : descent.COUNTS]
    return counts
