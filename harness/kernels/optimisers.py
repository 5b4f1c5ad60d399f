"""Optimisers, which turn gradients into updates. A new optimiser is one entry of `OPTIMISERS`.

Symbols: theta a parameter, g the gradient of the loss over a batch with respect to theta.

A step is written once, for numbers and for lanes. It takes theta and g, then the learning rate, the
settings of the run and the slots of the parameter, in the order of the entry. A setting that has
its neutral value in all runs of a kernel is None, so that it costs nothing. So is a slot that only
such a setting needs.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.kernels._jit import compiled
from harness.kernels.simd.arithmetic import fma, select


class Setting(NamedTuple):
    """A setting of an optimiser: a key of [training], and an axis of the grid."""

    name: str
    default: float
    says: str
    allowed: str
    at_least: float | None = None
    below: float | None = None
    by_layer: bool = False  # the file may have one value per layer
    neutral: float | None = None  # the value that has no effect, if there is one


class Slot(NamedTuple):
    """State of the optimiser: one number per parameter, 0 before the first update."""

    name: str
    needed_for: str | None = None  # the only setting that needs it; None: always needed


class Optimiser(NamedTuple):
    """The step of an optimiser, with its settings and its state."""

    step: Callable[..., tuple[Any, ...]]  # arguments: see the module -> theta, then the slots
    explain: Callable[..., tuple[dict[str, Any], str]]  # see `explain_sgd`
    settings: tuple[Setting, ...] = ()  # besides the learning rate
    slots: tuple[Slot, ...] = ()
    shift: str | None = None  # the setting that is also added to theta before the first update

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the numbers of a run that a step takes, in order."""
        return ("learning_rate", *(setting.name for setting in self.settings))

    def in_use(self, settings: Iterable[str]) -> tuple[str, ...]:
        """Return the names of the slots needed by a kernel that uses these settings."""
        return tuple(s.name for s in self.slots if s.needed_for in (None, *settings))

    def by_name(self, settings: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return learning rate and settings of `descent.Runs` by name, each (runs, L)."""
        each = np.split(settings, len(self.numbers), axis=1)
        return dict(zip(self.numbers, each, strict=True))

    def keeps_state(self, settings: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return whether each run has state besides its parameters, (runs,).

        `settings` are those of `descent.Runs`.
        """
        found = self.by_name(settings)
        neutral = {setting.name: setting.neutral for setting in self.settings}
        keeps = np.zeros(len(settings), dtype=bool)
        for slot in self.slots:
            name = slot.needed_for
            keeps |= True if name is None else (found[name] != neutral[name]).any(axis=1)
        return keeps


def sgd(
    theta: Any, gradient: Any, learning_rate: Any, momentum: Any, drift: Any, velocity: Any
) -> tuple[Any, Any]:
    """Gradient descent with momentum, the heavy ball (Polyak 1964).

    v <- momentum v - learning_rate g      without momentum: new = old - derivative * learning rate
    theta <- theta + v + drift
    """
    step = -(learning_rate * gradient)
    if momentum is not None:
        step = select(momentum == 0.0, step, fma(momentum, velocity, step))
    theta = theta + step
    if drift is not None:
        theta = select(drift == 0.0, theta, theta + drift)
    return theta, step


def explain_sgd(
    derivative: float, learning_rate: float, momentum: float, drift: float, velocity: float
) -> tuple[dict[str, float], str]:
    """Return the numbers of a step by name, `step_size` last, and a format string that shows them.

    The step size is subtracted from the parameter.
    """
    numbers = {"learning_rate": learning_rate, "momentum": momentum, "last_step": 0.0 - velocity}
    sentence = "step size = {derivative} x {learning_rate}"
    step_size = derivative * learning_rate + momentum * numbers["last_step"]
    if momentum:
        sentence += " + {momentum} x {last_step}"
    if drift:
        sentence += " - {drift}"
        numbers["drift"] = drift
        step_size -= drift
    return {**numbers, "step_size": step_size}, sentence + " = {step_size}"


OPTIMISERS: Final = {
    "sgd": Optimiser(
        step=sgd,
        explain=explain_sgd,
        settings=(
            Setting(
                "momentum",
                default=0.0,
                says="share of the last step that is added to the next one (heavy ball)",
                allowed="a number from 0 up to, but not including, 1",
                at_least=0.0,
                below=1.0,
                neutral=0.0,
            ),
            Setting(
                "drift",
                default=0.0,
                says="constant that is added to the parameters of a layer at the start and in"
                " every update",
                allowed="a finite number, or a list with one for each layer after the input",
                by_layer=True,
                neutral=0.0,
            ),
        ),
        slots=(Slot("velocity", needed_for="momentum"),),
        shift="drift",
    ),
}


def make_update(optimiser: Optimiser) -> Callable[..., Any]:
    """Return `update(layer, ...)`, which updates some parameters of a layer of one run.

    It takes all settings and slots; a kernel for lanes leaves out those that are not in use.
    """
    step = compiled(optimiser.step)
    read_numbers = _make_read(len(optimiser.numbers))
    read_slots, write_slots = _make_read(len(optimiser.slots)), _make_write(len(optimiser.slots))

    @compiled
    def update(
        layer: int,
        layers: int,
        first: int,
        last: int,
        parameters: int,
        trains: Any,
        numbers: Any,
        theta: Any,
        slots: Any,
        gradient: Any,
        zero: float,
    ) -> float:
        """Update parameters `first` to `last - 1`; return NaN if one is not finite, else zero."""
        of_layer = read_numbers(numbers, layer, layers)
        for i in range(first, last):
            if trains[i]:
                state = read_slots(slots, i, parameters)
                found = step(theta[i], gradient[i], *(of_layer + state))
                theta[i] = found[0]
                write_slots(slots, i, parameters, found)
                zero = fma(found[0], 0.0, zero)
        return zero

    return update


def _make_read(rows: int) -> Callable[..., Any]:
    """Return `read(memory, at, size)`, the tuple of position `at` of each row of length `size`."""
    if not rows:
        return compiled(lambda memory, at, size: ())
    before, last = _make_read(rows - 1), rows - 1

    @compiled
    def read(memory: Any, at: int, size: int) -> Any:
        return (*before(memory, at, size), memory[last * size + at])

    return read


def _make_write(rows: int) -> Callable[..., None]:
    """Return `write(memory, at, size, found)`, which stores the slots that a step returned."""
    if not rows:
        return compiled(lambda memory, at, size, found: None)
    before, last = _make_write(rows - 1), rows - 1

    @compiled
    def write(memory: Any, at: int, size: int, found: Any) -> None:
        before(memory, at, size, found)
        memory[last * size + at] = found[rows]

    return write
