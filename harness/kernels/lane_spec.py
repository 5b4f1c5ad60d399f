"""Constants and working memory of a kernel for lanes.

A `LaneSpec` holds the constants, which let the compiler unroll small loops and keep their values in
registers. A `State` holds the runs that are in the lanes.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.kernels.layers import Layer
from harness.kernels.measures import MEASURES
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.passes import Floats, Integers

NEVER = np.iinfo(np.int64).max  # the epoch of an event that never happens
NOBODY = -1  # the run of an idle lane


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSpec:
    """The constants of a kernel. Kernels with equal constants share their machine code.

    Attributes
    ----------
    layers : tuple of Layer
        Constants of each layer.
    loss : str
        Name in `losses.LOSSES`.
    optimiser : str
        Name in `optimisers.OPTIMISERS`.
    settings : tuple of str
        Settings of the optimiser, except those with their neutral value in all runs.
    measures : tuple of str
        Names in `measures.MEASURES`.
    output_scaled : bool
        Whether the output has a scale other than 1.
    lanes, groups : int
        Number of runs in a group, and number of groups.
    samples : int
        Number of data points side by side.
    one_tile : bool
        Whether one tile holds all data points.
    full_batch : bool
        Whether an update sees all data points, in order.
    shuffled : bool
        Whether the order of the data points depends on the epoch.
    all_train : bool
        Whether all parameters train.
    every_epoch : bool
        Whether every epoch is recorded.
    """

    layers: tuple[Layer, ...]
    loss: str
    optimiser: str
    settings: tuple[str, ...]
    measures: tuple[str, ...]
    output_scaled: bool
    lanes: int
    groups: int
    samples: int
    one_tile: bool
    full_batch: bool
    shuffled: bool
    all_train: bool
    every_epoch: bool

    @property
    def parameters(self) -> int:
        """Number of parameters, P."""
        last = self.layers[-1]
        return last.matrix + (last.fan_in + last.biased) * last.fan_out

    @property
    def units(self) -> int:
        """Number of units, including the inputs."""
        return self.layers[-1].units + self.layers[-1].fan_out

    @property
    def slots(self) -> tuple[str, ...]:
        """Slots of the optimiser that are in use."""
        return OPTIMISERS[self.optimiser].in_use(self.settings)

    @property
    def of_gradient(self) -> bool:
        """Whether a measure needs the gradient of every epoch."""
        return any(MEASURES[name].of_gradient for name in self.measures)


class Bound(IntEnum):
    """Rows of `State.bounds`, the conditions that end a run."""

    TOLERANCE = 0
    LIMIT = 1
    NOT_FINITE = 2  # NaN once a parameter is not finite, else 0


class Record(IntEnum):
    """Rows of `State.record`: SSR and loss of a run so far."""

    SSR = 0
    LOSS = 1
    SSR_MIN = 2
    LOSS_MIN = 3
    LOSS_FIRST = 4


class Counter(IntEnum):
    """Rows of `State.counters`."""

    RUN = 0
    EPOCH = 1
    EVENT = 2  # the next epoch at which `visit` must run
    DUE = 3  # the next epoch to record
    TRAJECTORY = 4  # offset of the trajectory of the run
    WRITTEN = 5  # rows written to it


class Queue(IntEnum):
    """Elements of `State.queue`."""

    NEXT = 0  # the next run
    TRAINING = 1  # number of lanes that have a run


class State(NamedTuple):
    """Runs in the lanes of each group; in memory, the lanes of a number are side by side."""

    theta: Floats  # (groups, P * lanes)
    slots: Floats  # (groups, slots * P * lanes), for the slots in use
    settings: Floats  # (groups, (1 + settings) * L * lanes): learning rate and settings in use
    bounds: Floats  # (groups, len(Bound) * lanes)
    record: Floats  # (groups, len(Record) * lanes)
    totals: Floats  # (groups, measures * lanes)
    counters: Integers  # (groups, len(Counter) * lanes)
    scratch: Floats  # scratch memory too large for the stack
    orders: Integers  # (lanes, data points of an epoch's batches), used if lanes differ
    active: Integers  # (groups,) number of lanes that have a run
    queue: Integers  # (len(Queue),)


def numbers_of(spec: LaneSpec) -> dict[str, int]:
    """Return the length of each part of the scratch memory, in order."""
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
    """Allocate working memory for a kernel; vectors are aligned to 64 bytes.

    `batch_samples` is the number of data points in all batches of an epoch.
    """

    def aligned(groups: int, numbers: int, kind: Any = np.float64) -> NDArray[Any]:
        stride = -(-numbers // 8) * 8
        memory = np.zeros(groups * stride + 8, dtype=kind)
        first = (-memory.ctypes.data // 8) % 8
        return memory[first : first + groups * stride].reshape(groups, stride)

    groups, lanes = spec.groups, spec.lanes
    return State(
        theta=aligned(groups, spec.parameters * lanes),
        slots=aligned(groups, len(spec.slots) * spec.parameters * lanes),
        settings=aligned(groups, (1 + len(spec.settings)) * len(spec.layers) * lanes),
        bounds=aligned(groups, len(Bound) * lanes),
        record=aligned(groups, len(Record) * lanes),
        totals=aligned(groups, len(spec.measures) * lanes),
        counters=aligned(groups, len(Counter) * lanes, np.int64),
        scratch=aligned(1, sum(numbers_of(spec).values())),
        orders=np.zeros((lanes, batch_samples), dtype=np.int64),
        active=np.zeros(groups, dtype=np.int64),
        queue=np.zeros(len(Queue), dtype=np.int64),
    )
