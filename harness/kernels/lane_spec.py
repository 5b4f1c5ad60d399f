"""What a kernel for lanes is compiled for, and its working memory; no code of a kernel.

A `LaneSpec` holds the constants: with them the compiler unrolls what is small and keeps it in
registers. A `State` holds the runs that are in the lanes.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.kernels.layers import Layer
from harness.kernels.passes import Floats, Integers

NEVER = np.iinfo(np.int64).max  # an event that never comes
NOBODY = -1  # the run of an idle lane


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSpec:
    """What a kernel is compiled for. Equal ones are the same machine code.

    Attributes
    ----------
    layers : tuple of Layer
        Constants of each layer.
    loss : int
        Code of `losses.LOSSES`.
    scaled : bool
        Whether the output has a scale other than 1.
    lanes, groups : int
        Runs of a group, and groups.
    samples : int
        Data points side by side.
    one_tile : bool
        Whether these are all.
    full_batch : bool
        Whether an update sees all data points, in order.
    shuffled : bool
        Whether the order of the data points depends on the epoch.
    heavy : bool
        Whether any run has momentum.
    drifts : bool
        Whether any run has a drift.
    all_train : bool
        Whether all parameters train.
    statistics : bool
        Whether to measure the mean of SSR and the epoch of its minimum.
    relative : bool
        Whether to measure the relative loss.
    gradient_norm : bool
        Whether to measure the gradient's norm.
    every_epoch : bool
        Whether every epoch is recorded.
    """

    layers: tuple[Layer, ...]
    loss: int
    scaled: bool
    lanes: int
    groups: int
    samples: int
    one_tile: bool
    full_batch: bool
    shuffled: bool
    heavy: bool
    drifts: bool
    all_train: bool
    statistics: bool
    relative: bool
    gradient_norm: bool
    every_epoch: bool

    @property
    def parameters(self) -> int:
        """Number of parameters, P."""
        last = self.layers[-1]
        return last.matrix + (last.fan_in + last.biased) * last.fan_out

    @property
    def units(self) -> int:
        """Number of units, the inputs among them."""
        return self.layers[-1].units + self.layers[-1].fan_out


class State(NamedTuple):
    """The runs in the lanes of each group, shape (groups, ...); lanes innermost and contiguous."""

    theta: Floats  # (groups, P * lanes)
    velocity: Floats
    rates: Floats  # (groups, L * lanes), or twice that with drift behind
    settings: Floats  # (groups, 4 * lanes): rows MOMENTUM, TOLERANCE, LIMIT, ZERO
    record: (
        Floats  # (groups, 9 * lanes): rows SSR, LOSS, SSR_MIN, LOSS_MIN, SSR_SUM, LOSS_FIRST, ..
    )
    counters: Integers  # (groups, 7 * lanes): rows RUN, EPOCH, EVENT, DUE, PLACE, WRITTEN, ..
    scratch: Floats  # where it does not fit on the stack
    orders: Integers  # (lanes, data points of an epoch's batches), where lanes differ
    active: Integers  # (groups,) lanes that have a run
    places: Integers  # (2,) the next run, and how many lanes have one


MOMENTUM, TOLERANCE, LIMIT, ZERO = range(4)
SSR, LOSS, SSR_MIN, LOSS_MIN, SSR_SUM, LOSS_FIRST, V_SUM, V_INVERSE_SUM, V_LATE = range(9)
RUN, EPOCH, EVENT, DUE, PLACE, WRITTEN, EPOCH_OF_MIN = range(7)
NEXT, TRAINING = range(2)


def numbers_of(spec: LaneSpec) -> dict[str, int]:
    """Return how many numbers each part of the scratch memory holds, in their order."""
    units = spec.units * spec.samples * spec.lanes
    return {
        "x": spec.layers[0].fan_in * spec.samples,
        "z": units,
        "a": units,
        "slope": units,
        "delta": units,
        "y": spec.layers[-1].fan_out * spec.samples * spec.lanes,
        "gradient": spec.parameters * spec.lanes,
    }


def make_state(spec: LaneSpec, batch_samples: int) -> State:
    """Return working memory for a kernel; vectors begin at multiples of 64 bytes."""

    def aligned(groups: int, numbers: int, kind: Any = np.float64) -> NDArray[Any]:
        stride = -(-numbers // 8) * 8
        memory = np.zeros(groups * stride + 8, dtype=kind)
        first = (-memory.ctypes.data // 8) % 8
        return memory[first : first + groups * stride].reshape(groups, stride)

    groups, lanes = spec.groups, spec.lanes
    return State(
        theta=aligned(groups, spec.parameters * lanes),
        velocity=aligned(groups, spec.parameters * lanes if spec.heavy else 0),
        rates=aligned(groups, (1 + spec.drifts) * len(spec.layers) * lanes),
        settings=aligned(groups, 4 * lanes),
        record=aligned(groups, 9 * lanes),
        counters=aligned(groups, 7 * lanes, np.int64),
        scratch=aligned(1, sum(numbers_of(spec).values())),
        orders=np.zeros((lanes, batch_samples), dtype=np.int64),
        active=np.zeros(groups, dtype=np.int64),
        places=np.zeros(2, dtype=np.int64),
    )
