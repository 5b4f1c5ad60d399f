"""Optimisers, which turn gradients into updates. A new optimiser is one entry of `OPTIMISERS`.

Symbols: theta a parameter, g the gradient of the loss over a batch with respect to theta.

A step is written once, for numbers and for lanes. It takes theta and g, then the learning rate, the
settings of the run, what `begin` made of them, and the slots of the parameter, in the order of the
entry. A setting that has its neutral value in all runs of a kernel is None, so that it costs
nothing. So is a slot that only such a setting needs.

Formulas and defaults are those of PyTorch. What all optimisers have in common, penalties, weight
decay and clipping, is in `regularisation`.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.kernels._jit import compiled
from harness.kernels.formats import format_of
from harness.kernels.regularisation import (
    REGULARISATION,
    clipping,
    decayed,
    of_penalty,
    with_default,
)
from harness.kernels.settings import Setting
from harness.kernels.simd.arithmetic import fma, select, sqrt, to_bits


class Slot(NamedTuple):
    """State of the optimiser: one number per parameter."""

    name: str
    needed_for: str | None = None  # the only setting that needs it; None: always needed
    start: str | None = None  # before the first update it is this setting; None: it is 0


def nothing(*settings: Any) -> tuple[tuple[()], tuple[()]]:
    """Return no values and no counts: nothing is to be done before the update of a run."""
    return (), ()


class Optimiser(NamedTuple):
    """The step of an optimiser, with its settings and its state."""

    step: Callable[..., tuple[Any, ...]]  # arguments: see the module -> theta, then the slots
    explain: Callable[..., tuple[dict[str, Any], str]]  # see `explain_sgd`
    settings: tuple[Setting, ...] = ()  # besides the learning rate
    slots: tuple[Slot, ...] = ()
    # Once per update of a run: settings, then counts -> values for the steps, and the new counts.
    begin: Callable[..., tuple[tuple[Any, ...], tuple[Any, ...]]] = nothing
    counts: tuple[str, ...] = ()  # state of the optimiser: one number per run, 0 at first
    shift: str | None = None  # the setting that is also added to theta before the first update
    regularisation: tuple[Setting, ...] = REGULARISATION
    scheduled: bool = True  # whether the learning rate matters after the first update

    @property
    def all_settings(self) -> tuple[Setting, ...]:
        """Settings of a run besides the learning rate, those that all optimisers have last."""
        return self.settings + self.regularisation

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the numbers of a run that an update takes, in order."""
        return ("learning_rate", *(setting.name for setting in self.all_settings))

    def state_size(self, parameters: int) -> int:
        """Return the number of numbers in the state of a run with this many parameters."""
        return len(self.slots) * parameters + len(self.counts)

    def slots_of(self, state: NDArray[Any]) -> list[NDArray[Any]]:
        """Return views of the slots in the state of runs (runs, state_size), each (runs, P)."""
        of_slots = state[:, : state.shape[1] - len(self.counts)]
        return np.split(of_slots, len(self.slots), axis=1) if self.slots else []

    def in_use(self, settings: Iterable[str]) -> tuple[str, ...]:
        """Return the names of the slots needed by a kernel that uses these settings."""
        return tuple(s.name for s in self.slots if s.needed_for in (None, *settings))

    def by_name(self, settings: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return learning rate and settings of `descent.Runs` by name, each (runs, L)."""
        each = np.split(settings, len(self.numbers), axis=1)
        return dict(zip(self.numbers, each, strict=True))

    def needed(
        self, settings: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Return where the state of runs has a meaning, as a mask of the shape of `state`.

        `settings` and `state` are those of `descent.Runs`.
        """
        found = self.by_name(settings)
        neutral = {setting.name: setting.neutral for setting in self.settings}
        mask = np.ones(state.shape, dtype=bool)
        for slot, of_slot in zip(self.slots, self.slots_of(mask), strict=True):
            name = slot.needed_for
            if name is not None:
                of_slot[:] = (found[name] != neutral[name]).any(axis=1, keepdims=True)
        return mask


# -- gradient descent ------------------------------------------------------------------------------


def sgd(
    theta: Any, gradient: Any, learning_rate: Any, momentum: Any, drift: Any, velocity: Any
) -> tuple[Any, Any]:
    """Gradient descent with momentum, the heavy ball (Polyak 1964).

    v <- momentum v - learning_rate g      without momentum: new = old - derivative * learning rate
    theta <- theta + v + drift

    PyTorch multiplies v by the learning rate instead, which differs if a schedule changes it.
    """
    step = -(learning_rate * gradient)
    if momentum is not None:
        step = select(momentum == 0.0, step, normal(fma(momentum, velocity, step)))
    theta = theta + step
    if drift is not None:
        theta = select(drift == 0.0, theta, theta + drift)
    return theta, step


def nesterov(
    theta: Any, gradient: Any, learning_rate: Any, momentum: Any, velocity: Any
) -> tuple[Any, Any]:
    """Gradient descent with the momentum of Nesterov (1983), as Sutskever et al. (2013) write it.

    v <- momentum v + g
    theta <- theta - learning_rate (g + momentum v)
    """
    if momentum is None:
        return theta - learning_rate * gradient, gradient
    velocity = select(momentum == 0.0, gradient, normal(fma(momentum, velocity, gradient)))
    ahead = select(momentum == 0.0, gradient, fma(momentum, velocity, gradient))
    return theta - learning_rate * ahead, velocity


# -- step sizes by the squares of gradients --------------------------------------------------------


def adagrad(
    theta: Any, gradient: Any, learning_rate: Any, epsilon: Any, squares: Any
) -> tuple[Any, Any]:
    """Adagrad (Duchi, Hazan and Singer 2011, figure 1).

    s <- s + g^2
    theta <- theta - learning_rate g / (sqrt(s) + epsilon)
    """
    squares = fma(gradient, gradient, squares)
    return theta - learning_rate * gradient / (sqrt(squares) + epsilon), squares


def rmsprop(
    theta: Any,
    gradient: Any,
    learning_rate: Any,
    decay: Any,
    epsilon: Any,
    momentum: Any,
    squares: Any,
    velocity: Any,
) -> tuple[Any, Any, Any]:
    """RMSprop (Tieleman and Hinton 2012, lecture 6e), with momentum as in PyTorch.

    s <- decay s + (1 - decay) g^2
    v <- momentum v + g / (sqrt(s) + epsilon)
    theta <- theta - learning_rate v
    """
    squares = average(squares, gradient * gradient, decay)
    step = gradient / (sqrt(squares) + epsilon)
    if momentum is not None:
        step = select(momentum == 0.0, step, normal(fma(momentum, velocity, step)))
    return theta - learning_rate * step, squares, step


@compiled
def normal(x: Any) -> Any:
    """Return x, or 0 if it is subnormal.

    Where gradients are 0, as those of dead units, state decays to subnormal numbers, and rounding
    keeps it there. An epoch then takes 10 to 40 times as long; this takes 1 to 7 % (1-2-1, ReLU).
    """
    return select(to_bits(x) & format_of(x).exponent_bits == 0, 0.0, x)


@compiled
def average(mean: Any, value: Any, decay: Any) -> Any:
    """Return decay mean + (1 - decay) value, the next of the means that forget by `decay`."""
    return normal(fma(decay, mean, (1.0 - decay) * value))


def count_ones(
    beta1: Any, beta2: Any, epsilon: Any, ones1: Any, ones2: Any
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any]]:
    """Return the bias corrections of a step of Adam with its epsilon, and the new counts.

    Kingma and Ba divide the means m and v by 1 - beta^t after t updates. That is what the same mean
    makes of ones.
    """
    ones1, ones2 = average(ones1, 1.0, beta1), average(ones2, 1.0, beta2)
    return (ones1, ones2, ones1 * ones2 * epsilon), (ones1, ones2)


def adam(
    theta: Any,
    gradient: Any,
    learning_rate: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
    ones1: Any,
    ones2: Any,
    corrected_epsilon: Any,
    mean: Any,
    squares: Any,
) -> tuple[Any, Any, Any]:
    """Adam (Kingma and Ba 2015, algorithm 1).

    m <- beta1 m + (1 - beta1) g                   m' = m / ones1, ones1 = 1 - beta1^t
    v <- beta2 v + (1 - beta2) g^2                 v' = v / ones2, ones2 = 1 - beta2^t
    theta <- theta - learning_rate m' / (sqrt(v') + epsilon)

    The last fraction is ones2 m / (ones1 sqrt(ones2 v) + ones1 ones2 epsilon), which has one
    division.
    """
    mean = average(mean, gradient, beta1)
    squares = average(squares, gradient * gradient, beta2)
    root = fma(ones1, sqrt(ones2 * squares), corrected_epsilon)
    return theta - (learning_rate * ones2) * mean / root, mean, squares


# -- step sizes by the signs of gradients ----------------------------------------------------------


def rprop(
    theta: Any,
    gradient: Any,
    learning_rate: Any,
    eta_minus: Any,
    eta_plus: Any,
    step_min: Any,
    step_max: Any,
    before: Any,
    size: Any,
) -> tuple[Any, Any, Any]:
    """Rprop without weight backtracking (Riedmiller and Braun 1993; Igel and Huesken 2000).

    size <- eta_plus size where g has the sign it had before, eta_minus size where it has the
    other one; then g <- 0. Sizes begin at the learning rate, and stay within their bounds.
    theta <- theta - sign(g) size
    """
    same = ((gradient > 0.0) & (before > 0.0)) | ((gradient < 0.0) & (before < 0.0))
    turned = ((gradient > 0.0) & (before < 0.0)) | ((gradient < 0.0) & (before > 0.0))
    size = select(same, eta_plus * size, select(turned, eta_minus * size, size))
    size = select(size < step_min, step_min, select(size > step_max, step_max, size))
    gradient = select(turned, 0.0, gradient)
    step = select(gradient > 0.0, size, select(gradient < 0.0, -size, gradient))
    return theta - step, gradient, size


# -- the trace -------------------------------------------------------------------------------------


def explain_sgd(
    gradient: float, settings: Mapping[str, float], state: Mapping[str, float]
) -> tuple[dict[str, float], str]:
    """Return the numbers of a step by name, `step_size` last, and format strings that show them.

    There is a line for each equation. The step size is subtracted from the parameter. `gradient`
    and the learning rate are those that the step takes: after penalty and clipping, and times the
    factor of the schedule. `settings` and `state`, before the update, are by name: slots, counts,
    and the number of `updates` so far.
    """
    learning_rate, momentum, drift = (settings[n] for n in ("learning_rate", "momentum", "drift"))
    last_step = 0.0 - state["velocity"]
    numbers = {"momentum": momentum, "last_step": last_step}
    line = "step size = {gradient} x {learning_rate}"
    step_size = gradient * learning_rate + momentum * last_step
    if momentum:
        line += " + {momentum} x {last_step}"
    if drift:
        line += " - ({drift})"
        numbers["drift"] = drift
        step_size -= drift
    return {**numbers, "step_size": step_size}, line + " = {step_size}"


def explain_nesterov(
    gradient: float, settings: Mapping[str, float], state: Mapping[str, float]
) -> tuple[dict[str, float], str]:
    """Return numbers and lines of a step, as `explain_sgd` does."""
    learning_rate, momentum = settings["learning_rate"], settings["momentum"]
    velocity = momentum * state["velocity"] + gradient
    numbers = {
        "momentum": momentum,
        "last_velocity": state["velocity"],
        "velocity": velocity,
        "step_size": learning_rate * (gradient + momentum * velocity),
    }
    return numbers, (
        "velocity = {momentum} x {last_velocity} + {gradient} = {velocity}\n"
        "step size = {learning_rate} x ({gradient} + {momentum} x {velocity}) = {step_size}"
    )


def explain_adagrad(
    gradient: float, settings: Mapping[str, float], state: Mapping[str, float]
) -> tuple[dict[str, float], str]:
    """Return numbers and lines of a step, as `explain_sgd` does."""
    learning_rate, epsilon = settings["learning_rate"], settings["epsilon"]
    squares = state["squares"] + gradient**2
    numbers = {
        "epsilon": epsilon,
        "last_squares": state["squares"],
        "squares": squares,
        "step_size": learning_rate * gradient / (math.sqrt(squares) + epsilon),
    }
    return numbers, (
        "sum of squares = {last_squares} + ({gradient})^2 = {squares}\n"
        "step size = {learning_rate} x {gradient} / (sqrt({squares}) + {epsilon}) = {step_size}"
    )


def explain_rmsprop(
    gradient: float, settings: Mapping[str, float], state: Mapping[str, float]
) -> tuple[dict[str, float], str]:
    """Return numbers and lines of a step, as `explain_sgd` does."""
    learning_rate, decay, epsilon, momentum = (
        settings[name] for name in ("learning_rate", "decay", "epsilon", "momentum")
    )
    squares = average(state["squares"], gradient**2, decay)
    velocity = gradient / (math.sqrt(squares) + epsilon)
    numbers = {
        "decay": decay,
        "epsilon": epsilon,
        "last_squares": state["squares"],
        "squares": squares,
    }
    lines = (
        "mean of squares = {decay} x {last_squares} + (1 - {decay}) x ({gradient})^2 = {squares}\n"
    )
    scaled = "{gradient} / (sqrt({squares}) + {epsilon})"
    if momentum:
        velocity += momentum * state["velocity"]
        numbers |= {
            "momentum": momentum,
            "last_velocity": state["velocity"],
            "velocity": velocity,
        }
        lines += "velocity = {momentum} x {last_velocity} + " + scaled + " = {velocity}\n"
        scaled = "{velocity}"
    numbers["step_size"] = learning_rate * velocity
    return numbers, lines + "step size = {learning_rate} x " + scaled + " = {step_size}"


def explain_adam(
    gradient: float, settings: Mapping[str, float], state: Mapping[str, float]
) -> tuple[dict[str, float], str]:
    """Return numbers and lines of a step, as `explain_sgd` does."""
    learning_rate, beta1, beta2, epsilon = (
        settings[name] for name in ("learning_rate", "beta1", "beta2", "epsilon")
    )
    mean = average(state["mean"], gradient, beta1)
    squares = average(state["squares"], gradient**2, beta2)
    # 1 - beta^t, as the kernel computes it
    ones1, ones2 = average(state["ones1"], 1.0, beta1), average(state["ones2"], 1.0, beta2)
    corrected_mean, corrected_squares = mean / ones1, squares / ones2
    numbers = {
        "beta1": beta1,
        "beta2": beta2,
        "epsilon": epsilon,
        "t": state["updates"] + 1,
        "last_mean": state["mean"],
        "mean": mean,
        "last_squares": state["squares"],
        "squares": squares,
        "corrected_mean": corrected_mean,
        "corrected_squares": corrected_squares,
        "step_size": learning_rate * corrected_mean / (math.sqrt(corrected_squares) + epsilon),
    }
    return numbers, (
        "mean = {beta1} x {last_mean} + (1 - {beta1}) x {gradient} = {mean}\n"
        "mean of squares = {beta2} x {last_squares} + (1 - {beta2}) x ({gradient})^2 = {squares}\n"
        "corrected mean = {mean} / (1 - {beta1}^{t}) = {corrected_mean}\n"
        "corrected mean of squares = {squares} / (1 - {beta2}^{t}) = {corrected_squares}\n"
        "step size = {learning_rate} x {corrected_mean}"
        " / (sqrt({corrected_squares}) + {epsilon}) = {step_size}"
    )


def explain_rprop(
    gradient: float, settings: Mapping[str, float], state: Mapping[str, float]
) -> tuple[dict[str, float], str]:
    """Return numbers and lines of a step, as `explain_sgd` does."""
    sign, sign_before = np.sign(gradient).item(), np.sign(state["before"]).item()
    if sign * sign_before > 0:
        why, eta = "sign kept", settings["eta_plus"]
    elif sign * sign_before < 0:
        why, eta, sign = "sign changed", settings["eta_minus"], 0.0
    else:
        why, eta = "no sign to compare", 1.0
    size = min(max(eta * state["size"], settings["step_min"]), settings["step_max"])
    numbers = {
        "eta": eta,
        "step_min": settings["step_min"],
        "step_max": settings["step_max"],
        "last_gradient": state["before"],
        "last_size": state["size"],
        "size": size,
        "sign": sign,
        "step_size": sign * size,
    }
    return numbers, (
        f"size ({why})"
        " = min(max({eta} x {last_size}, {step_min}), {step_max}) = {size}\n"
        "step size = {sign} x {size} = {step_size}"
    )


MOMENTUM: Final = Setting(
    "momentum",
    default=0.0,
    says="share of the last step that is added to the next one (heavy ball)",
    allowed="a number from 0 up to, but not including, 1",
    at_least=0.0,
    below=1.0,
    neutral=0.0,
)
EPSILON: Final = Setting(
    "epsilon",
    default=1e-8,
    says="added to the root of the squares that the gradient is divided by",
    allowed="a number above 0",
    above=0.0,
)


def _share(name: str, default: float, says: str) -> Setting:
    """Return a setting that is a share."""
    allowed = "a number from 0 up to, but not including, 1"
    return Setting(name, default=default, says=says, allowed=allowed, at_least=0.0, below=1.0)


_ADAM = Optimiser(
    step=adam,
    explain=explain_adam,
    settings=(
        _share("beta1", 0.9, "share of the mean of gradients that is kept in an update"),
        _share("beta2", 0.999, "share of the mean of squared gradients that is kept in an update"),
        EPSILON,
    ),
    slots=(Slot("mean"), Slot("squares")),
    begin=count_ones,
    counts=("ones1", "ones2"),
)

OPTIMISERS: Final = {
    "sgd": Optimiser(
        step=sgd,
        explain=explain_sgd,
        settings=(
            MOMENTUM,
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
    "nesterov": Optimiser(
        step=nesterov,
        explain=explain_nesterov,
        settings=(MOMENTUM._replace(default=0.9),),
        slots=(Slot("velocity", needed_for="momentum"),),
    ),
    "adagrad": Optimiser(
        step=adagrad,
        explain=explain_adagrad,
        settings=(EPSILON._replace(default=1e-10),),
        slots=(Slot("squares"),),
    ),
    "rmsprop": Optimiser(
        step=rmsprop,
        explain=explain_rmsprop,
        settings=(
            _share("decay", 0.99, "share of the mean of squared gradients kept in an update"),
            EPSILON,
            MOMENTUM,
        ),
        slots=(Slot("squares"), Slot("velocity", needed_for="momentum")),
    ),
    "adam": _ADAM,
    # Loshchilov and Hutter (2019), algorithm 2
    "adamw": _ADAM._replace(regularisation=with_default("weight_decay", 0.01)),
    "rprop": Optimiser(
        step=rprop,
        explain=explain_rprop,
        settings=(
            Setting(
                "eta_minus",
                default=0.5,
                says="factor on the step size of a parameter whose derivative changed its sign",
                allowed="a number above 0 and below 1",
                above=0.0,
                below=1.0,
            ),
            Setting(
                "eta_plus",
                default=1.2,
                says="factor on the step size of a parameter whose derivative kept its sign",
                allowed="a finite number of at least 1",
                at_least=1.0,
            ),
            Setting(
                "step_min",
                default=1e-6,
                says="smallest step size",
                allowed="a finite number of at least 0",
                at_least=0.0,
            ),
            Setting(
                "step_max",
                default=50.0,
                says="largest step size",
                allowed="a number above 0",
                above=0.0,
            ),
        ),
        slots=(Slot("before"), Slot("size", start="learning_rate")),
        scheduled=False,
    ),
}


# -- the update of a run, without lanes ------------------------------------------------------------


def make_update(optimiser: Optimiser) -> Callable[..., Any]:
    """Return `update(...)`, which updates the parameters of one run.

    It takes all settings and slots; a kernel for lanes leaves out those that are not in use.
    """
    step, begin = compiled(optimiser.step), compiled(optimiser.begin)
    own, slots, counts = len(optimiser.settings), len(optimiser.slots), len(optimiser.counts)
    l2_at, decay_at, clip_at = (
        optimiser.numbers.index(name) for name in ("l2", "weight_decay", "clip_norm")
    )
    read_own, read_slots, read_counts = _make_read(own), _make_read(slots), _make_read(counts)
    write_slots, write_counts = _make_write(slots), _make_write(counts)

    @compiled
    def update(
        matrices: Any,
        trains: Any,
        penalised: Any,
        factor: float,
        numbers: Any,
        theta: Any,
        state: Any,
        gradient: Any,
    ) -> bool:
        """Take one update step; return whether all trained parameters are still finite.

        `factor` is that of the schedule, and `numbers` and `state` are rows of `descent.Runs`.
        """
        layers, parameters, zero = matrices.size - 1, theta.size, 0.0
        l2, weight_decay = numbers[l2_at * layers], numbers[decay_at * layers]
        clip_norm, share = numbers[clip_at * layers], 1.0
        if clip_norm < np.inf:
            squares = 0.0
            for i in range(parameters):
                if trains[i]:
                    g = of_penalty(gradient[i], theta[i], l2 if penalised[i] else 0.0)
                    squares = fma(g, g, squares)
            share = clipping(squares, clip_norm)
        made, counted = begin(
            *(read_own(numbers, layers, layers) + read_counts(state, slots * parameters, 1))
        )
        write_counts(state, slots * parameters, 1, counted, 0)
        for l in range(layers):
            first = matrices[l + 1]
            last = parameters if l + 1 == layers else matrices[l + 2]
            settings = read_own(numbers, layers + l, layers)
            learning_rate = factor * numbers[l]
            for i in range(first, last):
                if trains[i]:
                    old = theta[i]
                    g = share * of_penalty(gradient[i], old, l2 if penalised[i] else 0.0)
                    old = decayed(old, learning_rate, weight_decay if penalised[i] else 0.0)
                    slots_of_i = read_slots(state, i, parameters)
                    found = step(old, g, learning_rate, *(settings + made + slots_of_i))
                    theta[i] = found[0]
                    write_slots(state, i, parameters, found, 1)
                    zero = fma(found[0], 0.0, zero)
        return zero == 0.0

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
    """Return `write(memory, at, size, found, skipped)`, which stores a tuple like `read` reads it.

    It leaves out the first elements of `found`, as many as `skipped`.
    """
    if not rows:
        return compiled(lambda memory, at, size, found, skipped: None)
    before, last = _make_write(rows - 1), rows - 1

    @compiled
    def write(memory: Any, at: int, size: int, found: Any, skipped: int) -> None:
        before(memory, at, size, found, skipped)
        memory[last * size + at] = found[last + skipped]

    return write
