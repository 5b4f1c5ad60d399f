"""Constants and working memory of a kernel for lanes.

A `LaneSpec` holds the constants that its machine code is written for, and a `Layout` those that the
rest of training needs. A `State` holds the runs that are in the lanes.
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
from harness.kernels.tables import code_of

# Vector operations of a tile, forward and backward, that are written out instead of as loops.
_MOST_UNROLLED = 1000

# Epochs whose SSR and loss are collected before they are copied to the trajectories of the runs.
TRAIL = 32

NOBODY = -1  # the run of an idle lane


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSpec:
    """The constants of a kernel. Kernels with equal constants share their machine code.

    Attributes
    ----------
    layers : tuple of Layer
        Constants of each layer.
    precision : str
        Name in `simd.rows.FLOATS`.
    loss : str
        Name in `losses.KERNEL_LOSSES`.
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
    tiles : tuple of int
        Numbers of data points in a tile, the first as often as possible.
    at_once : int
        Number of data points side by side in registers; it divides all tiles that are larger.
    one_tile : bool
        Whether one tile holds all data points.
    full_batch : bool
        Whether an update sees all data points, in order.
    shuffled : bool
        Whether the order of the data points depends on the epoch.
    all_train : bool
        Whether all parameters train.
    penalises_biases : bool
        Whether biases have penalty and weight decay, if there are any.
    scheduled : bool
        Whether the learning rate depends on the epoch.
    recorded : bool
        Whether epochs are recorded.
    patience : bool
        Whether runs may be stopped by the loss of the held-out data points.
    """

    layers: tuple[Layer, ...]
    precision: str
    loss: str
    optimiser: str
    settings: tuple[str, ...]
    measures: tuple[str, ...]
    output_scaled: bool
    lanes: int
    groups: int
    tiles: tuple[int, ...]
    at_once: int
    one_tile: bool
    full_batch: bool
    shuffled: bool
    all_train: bool
    penalises_biases: bool
    scheduled: bool
    recorded: bool
    patience: bool

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
    def counts(self) -> tuple[str, ...]:
        """Counts of the optimiser."""
        return OPTIMISERS[self.optimiser].counts

    @property
    def of_gradient(self) -> bool:
        """Whether a measure needs the gradient of every epoch."""
        return any(MEASURES[name].of_gradient for name in self.measures)

    @property
    def is_small(self) -> bool:
        """Whether the kernel is written without loops over units."""
        return is_small(self.parameters, self.at_once)


def is_small(parameters: int, at_once: int) -> bool:
    """Return whether loops over units are unrolled, and all values of a tile are variables."""
    return 3 * parameters * at_once <= _MOST_UNROLLED


class Bound(IntEnum):
    """Rows of bounds: the conditions that end a run."""

    TOLERANCE = 0
    LIMIT = 1
    NOT_FINITE = 2  # NaN once a parameter is not finite, else 0


class Record(IntEnum):
    """Rows of records: SSR and loss of a run so far."""

    SSR_MIN = 0
    LOSS_MIN = 1
    LOSS_FIRST = 2
    SSR = 3  # at the last epoch, if the group needs attention, as the next two
    LOSS = 4
    NOT_FINITE = 5  # of the parameters that the last epoch began with


class Waiting(IntEnum):
    """Rows of waiting: the loss of the held-out data points so far, with patience."""

    PATIENCE = 0
    LOSS_MIN = 1
    EPOCH = 2  # the first epoch with that loss


class Counter(IntEnum):
    """Rows of counters."""

    RUN = 0
    EPOCH = 1  # of the run when the group was last visited
    WRITTEN = 2  # rows written to the trajectory of the run


class Clock(IntEnum):
    """Integers of a group."""

    DONE = 0  # epochs since the group was last visited
    UNTIL = 1  # epochs after which it is visited, if no run ends before


class Queue(IntEnum):
    """Elements of `State.queue`."""

    NEXT = 0  # the next run
    TRAINING = 1  # number of lanes that have a run


class Layout(NamedTuple):
    """Positions in the memory of a group, and what else is needed to start and end its runs.

    All numbers of a lane are `lanes` apart; those of neighbouring lanes are side by side. They are
    doubles. A kernel in single precision works on a copy of those before `bounds`.
    """

    lanes: int
    layers: int
    parameters: int
    theta: int  # P
    slots: int  # slots in use * P
    counts: int  # counts of the optimiser
    settings: int  # (1 + settings in use) * L: the learning rate comes first
    bounds: int  # see Bound
    record: int  # see Record
    totals: int  # one per measure
    counters: int  # see Counter; integers
    clock: int  # see Clock; integers, only one of each
    last_theta: int  # P: parameters of the last epoch, if the group needs attention
    last_slots: int  # slots in use * P: the slots there
    last_counts: int  # and the counts
    gradient: int  # P: the gradient there, if a measure needs it
    trail: int  # SSR and loss of the epochs since the last visit
    waiting: int  # see Waiting; if runs may be stopped
    size: int
    has_trail: bool
    has_gradient: bool
    has_patience: bool
    settings_used: Integers  # positions of the settings in use in `descent.Runs`
    defaults: Floats  # of the settings in use, with a learning rate of 0
    slots_used: Integers
    counts_used: Integers  # positions of the counts in the state of a run
    measures_used: Integers  # codes of the measures
    loss_min: int  # the row of the record with the least loss


def layout_of(spec: LaneSpec) -> Layout:
    """Return the layout of the memory of a group."""
    lanes, parameters = spec.lanes, spec.parameters
    sizes = {
        "theta": parameters * lanes,
        "slots": len(spec.slots) * parameters * lanes,
        "counts": len(spec.counts) * lanes,
        "settings": (1 + len(spec.settings)) * len(spec.layers) * lanes,
        "bounds": len(Bound) * lanes,
        "record": len(Record) * lanes,
        "totals": len(spec.measures) * lanes,
        "counters": len(Counter) * lanes,
        "clock": 8,
        "last_theta": parameters * lanes,
        "last_slots": len(spec.slots) * parameters * lanes,
        "last_counts": len(spec.counts) * lanes,
        "gradient": parameters * lanes if spec.of_gradient else 0,
        "trail": 2 * TRAIL * lanes if spec.recorded else 0,
        "waiting": len(Waiting) * lanes if spec.patience else 0,
    }
    ends = np.cumsum([0, *sizes.values()]).tolist()
    optimiser = OPTIMISERS[spec.optimiser]
    slots = [slot.name for slot in optimiser.slots]
    defaults = {setting.name: setting.default for setting in optimiser.all_settings}
    return Layout(
        lanes=lanes,
        layers=len(spec.layers),
        parameters=parameters,
        **dict(zip(sizes, ends, strict=False)),
        size=ends[-1],
        has_trail=spec.recorded,
        has_gradient=spec.of_gradient,
        has_patience=spec.patience,
        settings_used=np.array([0, *map(optimiser.numbers.index, spec.settings)], dtype=np.int64),
        defaults=np.array([0.0, *(defaults[name] for name in spec.settings)]),
        counts_used=len(slots) * parameters + np.arange(len(spec.counts)),
        slots_used=np.array([slots.index(name) for name in spec.slots], dtype=np.int64),
        measures_used=np.array([code_of(MEASURES, n) for n in spec.measures], dtype=np.int64),
        loss_min=int(Record.SSR_MIN if spec.loss == "ssr" else Record.LOSS_MIN),
    )


class Asked(NamedTuple):
    """Integers that the machine code of a kernel is called with."""

    epochs: Any  # of a run
    points: Any  # data points that are trained, m; the held-out ones follow them
    batch_size: Any
    updates: Any  # per epoch
    seen: Any  # data points in all batches of an epoch
    group: Any  # the group to begin with
    groups: Any  # number of groups, which take turns
    most: Any  # epochs of groups to train before returning
    held_out: Any  # held-out data points; 0 without patience


class State(NamedTuple):
    """Runs in the lanes of each group."""

    numbers: Floats  # (groups, size)
    integers: Integers  # the same memory
    scratch: Floats  # for values of a tile, and for the copies in single precision
    orders: Integers  # (lanes, data points of an epoch's batches), used if lanes differ
    active: Integers  # (groups,) number of lanes that have a run
    queue: Integers  # (len(Queue),)


def starts_of(spec: LaneSpec) -> dict[str, int]:
    """Return where each part of the scratch memory starts, and its "end", in numbers."""
    units = spec.units * spec.tiles[0] * spec.lanes
    sizes = {
        "z": units,
        "a": units,
        "slope": units,
        "delta": units,
        "y": spec.layers[-1].fan_out * spec.tiles[0] * spec.lanes,
        "gradient": spec.parameters * spec.lanes,
        "copies": 0 if spec.precision == "float64" else spec.groups * layout_of(spec).bounds,
    }
    starts = np.cumsum([0, *sizes.values()]).tolist()
    return dict(zip([*sizes, "end"], starts, strict=True))


def make_state(spec: LaneSpec, batch_samples: int) -> State:
    """Allocate working memory for a kernel; vectors are aligned to 64 bytes.

    `batch_samples` is the number of data points in all batches of an epoch.
    """
    size = layout_of(spec).size
    numbers = aligned(spec.groups * size).reshape(spec.groups, size)
    return State(
        numbers=numbers,
        integers=numbers.view(np.int64),
        scratch=aligned(starts_of(spec)["end"]),
        orders=np.zeros((spec.lanes, batch_samples), dtype=np.int64),
        active=np.zeros(spec.groups, dtype=np.int64),
        queue=np.zeros(len(Queue), dtype=np.int64),
    )


def bytes_of(spec: LaneSpec, numbers: Floats) -> NDArray[np.uint8]:
    """Return numbers in the precision of a kernel, as bytes: one type for all precisions."""
    return np.ascontiguousarray(numbers, spec.precision).reshape(-1).view(np.uint8)


def aligned(count: int) -> Floats:
    """Return zeros in memory that begins at a multiple of 64 bytes."""
    memory = np.zeros(count + 8)
    first = (-memory.ctypes.data // 8) % 8
    return memory[first : first + count]
