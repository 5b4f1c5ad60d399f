"""One update of one run, factor by factor: the chain rule as the two lessons write it.

The first lesson (StatQuest, Backpropagation Details) numbers everything: x1 enters a hidden unit,
y1 leaves it, and w1 and b1 come before it.

    dSSR/dw1 = dSSR/dpredicted * dpredicted/dy1 * dy1/dx1 * dx1/dw1, summed over the data points

The second (Udacity, Deep Learning, Calculating the Gradient 2) has one matrix per layer, whose last
row is the bias: W31(1) is the bias into h1. Its chain goes from one pre-activation h to the next.

    dE/dW11(1) = dE/dŷ * dŷ/dh * dh/dh1 * dh1/dW11(1)

In a network with several paths from a parameter to the output there is one chain per path. Each
softmax output depends on all pre-activations of the last layer, so that a path may go from any of
them to any output.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import NoneType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.notation import NOTATIONS, Edge, Symbols, Unit, edges
from harness.analysis.replay import RunState, state_after
from harness.analysis.updates import Shared, explain_update
from harness.calls import check_type, is_whole
from harness.errors import ExperimentError, shown
from harness.experiment import Experiment, check_experiment
from harness.experiment.network import Network
from harness.hints import nearest
from harness.kernels.losses import derivative_of_loss, weight_of_loss
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.passes import loss_gradient, unit_values
from harness.training.variants import Variant, first_batch, make_variant

# A reader has no use for more, and a wide and deep network has billions.
MOST_CHAINS = 100_000

_REMARKS = {
    "cross_entropy": "The lesson says that dE/dŷ is ŷ - y. That is dE/dh, the product of the first"
    " two factors: for cross-entropy dE/dŷ = (ŷ - y) / (ŷ (1 - ŷ)), and dŷ/dh = ŷ (1 - ŷ).",
    "half_ssr": "The lesson says that dE/dŷ is ŷ - y. For half the squared error, as here, it is;"
    " for the lesson's cross-entropy ŷ - y is dE/dh, the product of the first two factors.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The chain rule of one update.

    Attributes
    ----------
    factors : DataFrame
        One row per factor: parameter, data_point, path, through (the units on the path), position
        (in the product), symbol, value. The paths of a data point are numbered; one that was drawn
        twice for the batch has each path twice, under different numbers.
    updates : DataFrame
        One row per parameter: parameter, symbol, trains, old, derivative (of the loss, summed over
        paths and data points), gradient (what the optimiser is given: the derivative with penalty,
        clipped), learning_rate (times the factor of the schedule), decayed (old after weight
        decay), the numbers of the optimiser (for sgd momentum and last_step), step_size, and
        new = decayed - step_size. A penalty, clipping, a schedule and weight decay have their
        numbers in further columns, such as l2 and with_penalty. The gradient, the learning rate and
        the step size of a parameter that does not train are 0.
    steps : tuple of str
        How each step size follows from these numbers, with a line for each equation:
        "step size = {gradient} x {learning_rate} = {step_size}". `with_numbers` fills them in.
    remark : str
        A correction where the lesson's own formula is wrong, or what the paths to softmax outputs
        add up to; else empty.
    run_id, epoch : int
        The run, and the number of epochs before the update.
    loss : str
        Symbol of the loss, which is differentiated.
    updates_per_epoch : int
        Number of updates in an epoch; this is the first one.
    data_points : tuple of int
        The batch, in its order.
    status : str
        How the run has ended, if it has and this update is never made; else empty.
    """

    factors: pd.DataFrame
    updates: pd.DataFrame
    steps: tuple[str, ...]
    remark: str
    run_id: int
    epoch: int
    loss: str
    updates_per_epoch: int
    data_points: tuple[int, ...]
    status: str


def trace(
    experiment: Experiment,
    *,
    run_id: int = 0,
    epoch: int = 0,
    parameter: str | None = None,
    notation: str | None = None,
) -> Trace:
    """Decompose one update into the factors of the chain rule.

    Parameters
    ----------
    experiment : Experiment
        The experiment, with its grid.
    run_id : int
        The run of the grid.
    epoch : int
        The number of epochs before the update: 0 is the first update. With batches it is the first
        update of an epoch.
    parameter : str, optional
        The only parameter to show, by its name (w1) or its symbol in a matrix (W11(1)). By
        default, all that train.
    notation : {"numbered", "matrix"}, optional
        That of the first or of the second lesson. By default, "matrix" for a network of sigmoid
        units, else "numbered".

    Returns
    -------
    Trace
        Factors and updates as tables.

    Raises
    ------
    ExperimentError
        The run, epoch or parameter does not exist, there are too many chains, or an output is so
        saturated that cross-entropy has no finite derivative with respect to it.
    """
    check_experiment(experiment)
    if not (is_whole(epoch) and epoch >= 0):
        raise ExperimentError(
            "epoch",
            f"= {shown(epoch)} must be a whole number of at least 0.",
            "0 is the first update.",
        )
    for name, value in (("parameter", parameter), ("notation", notation)):
        check_type(name, value, (str, NoneType), "a text", "Or leave it out.")
    single = experiment.single(run_id)
    network = single.network
    variant = make_variant(single)
    state = state_after(variant, min(epoch, single.training.epochs))
    if state.epochs < epoch:
        raise ExperimentError(
            "epoch",
            f"= {epoch} is never reached: run {run_id} {state.status} at epoch {state.epochs}.",
            f"Choose an epoch up to {state.epochs}.",
        )
    if notation is None:
        notation = "matrix" if set(network.activations) == {"sigmoid"} else "numbered"
    if notation not in NOTATIONS:
        raise ExperimentError(
            "notation",
            f'= {shown(notation)} must be "numbered" or "matrix".',
            nearest(notation, NOTATIONS) or "Or leave it out.",
        )
    symbols = Symbols(network, notation)
    chosen = _choose(single, parameter)
    batch = first_batch(variant, epoch)
    chains = sum(math.prod(network.sizes[unit.layer + 1 :]) for unit, _ in chosen.values())
    if network.activations[-1] == "softmax":
        chains *= network.sizes[-1]
    if chains * batch.size > MOST_CHAINS:
        raise ExperimentError(
            "trace",
            f"has {shown(chains * batch.size)} chains; at most {MOST_CHAINS} are shown.",
            "Name one parameter, nearer to the output, or make the batch smaller.",
        )
    factors = pd.DataFrame(
        _rows(single, state, symbols, chosen, batch),
        columns=["parameter", "data_point", "path", "through", "position", "symbol", "value"],
    )
    updates, steps = _updates(variant, state, symbols, chosen, factors)
    return Trace(
        factors=factors,
        updates=updates,
        steps=steps,
        remark=_remark(network, symbols),
        run_id=run_id,
        epoch=epoch,
        loss=symbols.loss,
        updates_per_epoch=int(variant.plan.updates),
        data_points=tuple(batch.tolist()),
        status="" if state.status == "running" else state.status,
    )


def _remark(network: Network, symbols: Symbols) -> str:
    """Return `Trace.remark`."""
    if network.activations[-1] != "softmax":
        return _REMARKS.get(network.loss, "") if symbols.matrix else ""
    first, second = (Unit(network.layers, index) for index in range(2))
    h, p, other = symbols.before(first), symbols.predicted(first), symbols.predicted(second)
    return (
        f"With softmax, all outputs depend on {h}: d{p}/d{h} = {p} (1 - {p}), and d{other}/d{h} ="
        f" -{p} {other}. Over all outputs, the products of the first two factors add up to"
        f" ({p} - {symbols.observed(first)}) / m for {h}, with m data points in the batch."
    )


def _choose(experiment: Experiment, parameter: str | None) -> dict[str, Edge]:
    """Return the edges of the parameters to show."""
    network = experiment.network
    known = edges(network)
    if parameter is None:
        train = experiment.training.train
        return {name: known[name] for name in known if train == "all" or name in train}
    matrix = Symbols(network, "matrix")
    symbols = {matrix.parameter(name, edge): name for name, edge in known.items()}
    parameter = {s.lower(): name for s, name in symbols.items()}.get(parameter.lower(), parameter)
    if parameter not in known:
        raise ExperimentError(
            "parameter",
            f"= {shown(parameter)} is not a parameter of the network, which has"
            f" {shown(list(known))}.",
            nearest(parameter, symbols if "(" in parameter else known),
        )
    return {parameter: known[parameter]}


def _rows(
    experiment: Experiment,
    state: RunState,
    symbols: Symbols,
    chosen: dict[str, Edge],
    batch: NDArray[np.int64],
) -> Iterator[tuple[str, int, int, str, int, str, float]]:
    """Yield the rows of `Trace.factors`."""
    network, data = experiment.network, experiment.data
    chain = _Chain(network, symbols, state.theta, batch.size)
    for name, edge in chosen.items():
        paths: Counter[int] = Counter()  # by data point, which a batch may have drawn before
        for data_point in batch.tolist():
            values = chain.forward(data.inputs[data_point])
            targets = data.targets[data_point].tolist()
            for path in _paths(network, edge.unit):
                number, through = paths[data_point], symbols.through(path)
                paths[data_point] += 1
                factors = chain.factors(name, edge.source, path, values, targets)
                for position, (symbol, value) in enumerate(factors):
                    yield name, data_point, number, through, position, symbol, value


def _paths(network: Network, unit: Unit) -> Iterator[list[Unit]]:
    """Yield the paths from a unit to an output, each as the units on it.

    With softmax, the last unit is an output and the one before it a unit of the same layer.
    """
    above = [*range(unit.layer + 1, network.layers + 1)]
    if network.activations[-1] == "softmax":
        above.append(network.layers)
    units = ([Unit(layer, index) for index in range(network.sizes[layer])] for layer in above)
    for path in itertools.product([unit], *units):
        yield list(path)


class _UnitValues(NamedTuple):
    """Pre-activation z, activation a, and slope da/dz of a unit for one data point."""

    z: float
    a: float
    slope: float


class _Chain:
    """The factors of the chain rule in a network at one theta."""

    def __init__(
        self, network: Network, symbols: Symbols, theta: NDArray[np.float64], samples: int
    ) -> None:
        self.network = network
        self.symbols = symbols
        self.theta = theta
        self.architecture = network.architecture()
        self.weight = weight_of_loss(self.architecture.loss, samples, network.sizes[-1])
        self.parameters = {
            edge: theta[network.positions[name]].item() for name, edge in edges(network).items()
        }

    def forward(self, x: NDArray[np.float64]) -> dict[Unit, _UnitValues]:
        """Return the values of every unit for one data point."""
        arrays = unit_values(self.architecture, self.theta, x)
        values = itertools.starmap(_UnitValues, zip(*(a.tolist() for a in arrays), strict=True))
        sizes = enumerate(self.network.sizes)
        units = [Unit(layer, index) for layer, size in sizes for index in range(size)]
        return dict(zip(units, values, strict=True))

    def factors(
        self,
        name: str,
        source: int,
        path: list[Unit],
        values: dict[Unit, _UnitValues],
        targets: list[float],
    ) -> Iterator[tuple[str, float]]:
        """Yield symbol and value of each factor, from the loss to the parameter."""
        symbols, network = self.symbols, self.network
        scales = self.architecture.scales.tolist()
        output = path[-1]
        predicted = symbols.predicted(output)
        z, a, slope = values[output]
        yield (
            f"d{symbols.loss}/d{predicted}",
            self._loss_factor(network.output_scale * a, z, targets[output.index]),
        )
        if network.activations[-1] == "softmax":
            *path, _ = path
            p = values[path[-1]].a
            slope = a * (1.0 - p) if path[-1] == output else -a * p
        inner = symbols.before(path[-1])
        if network.activations[-1] == "identity" and network.output_scale == 1.0:
            inner = predicted  # the pre-activation of the output is the prediction itself
        else:
            yield f"d{predicted}/d{inner}", network.output_scale * slope

        for above, below in itertools.pairwise(reversed(path)):
            into = scales[above.layer] * self.parameters[Edge(above, below.index)]
            slope = values[below].slope
            before, after = symbols.before(below), symbols.after(below)
            if symbols.matrix:
                yield f"d{inner}/d{before}", into * slope
            else:
                yield f"d{inner}/d{after}", into
                yield f"d{after}/d{before}", slope
            inner = before

        unit = path[0]
        is_bias = source == network.sizes[unit.layer - 1]
        entering = 1.0 if is_bias else values[Unit(unit.layer - 1, source)].a
        symbol = symbols.parameter(name, Edge(unit, source))
        yield f"d{inner}/d{symbol}", scales[unit.layer] * entering

    def _loss_factor(self, p: float, z: float, y: float) -> float:
        """Return dE/dpredicted."""
        factor: float = self.weight * derivative_of_loss(self.architecture.loss, z, p, y)
        if not math.isfinite(factor):
            raise ExperimentError(
                "trace",
                "reaches an output so saturated that the derivative of the loss is not finite.",
                "Choose an earlier epoch, or smaller initial weights.",
            )
        return factor


def _updates(
    variant: Variant,
    state: RunState,
    symbols: Symbols,
    chosen: dict[str, Edge],
    factors: pd.DataFrame,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return `Trace.updates` and `Trace.steps`."""
    products = factors.groupby(["parameter", "data_point", "path"], sort=False)["value"].prod()
    derivatives = products.groupby("parameter", sort=False).sum()
    plan = variant.plan
    optimiser = OPTIMISERS[variant.experiment.training.optimiser]
    shared = Shared(
        factor=plan.factors[state.epochs].item() if plan.factors.size else None,
        norm=_norm(variant, state),
    )
    rows: list[dict[str, Any]] = []
    steps: list[str] = []
    for name, edge in chosen.items():
        at = variant.network.positions[name]
        trains, penalised = bool(plan.trains[at]), bool(plan.penalised[at])
        old, derivative = state.theta[at].item(), derivatives[name].item()
        numbers: dict[str, Any] = {"derivative": derivative, "gradient": 0.0, "learning_rate": 0.0}
        numbers |= {"decayed": old, "step_size": 0.0}
        lines = ""
        if trains:
            of_layer = edge.unit.layer - 1
            settings = {key: found[of_layer].item() for key, found in state.settings.items()}
            slots = {key: found[at].item() for key, found in state.slots.items()}
            before = {**slots, **state.counts, "updates": state.epochs * int(plan.updates)}
            numbers, lines = explain_update(
                optimiser, old, derivative, settings, before, shared, penalised=penalised
            )
        symbol = symbols.parameter(name, edge)
        rows.append({"parameter": name, "symbol": symbol, "trains": trains, "old": old, **numbers})
        steps.append(lines)
    table = pd.DataFrame(rows)
    table["step_size"] = table.pop("step_size")  # last, also if others have more numbers
    return table.assign(new=table["decayed"] - table["step_size"]), tuple(steps)


def _norm(variant: Variant, state: RunState) -> float:
    """Return the norm of the gradient with penalties; NaN without clipping, which needs it."""
    l2, clip_norm = (state.settings[name][0] for name in ("l2", "clip_norm"))
    if clip_norm == math.inf:
        return math.nan
    plan = variant.plan
    batch = first_batch(variant, state.epochs)
    gradient = loss_gradient(variant.architecture, state.theta, variant.data, batch)[2]
    gradient += l2 * plan.penalised * state.theta
    return float(np.linalg.norm(gradient[plan.trains]))


def with_numbers(step: str, update: Any, write: Callable[[float], str]) -> list[str]:
    """Return the lines of one of `Trace.steps` with the numbers of its row of `Trace.updates`.

    `update` is from ``itertuples``, and `write` turns a number into text.
    """
    numbers = {
        name: write(value) if isinstance(value, float) else value
        for name, value in update._asdict().items()
    }
    return step.format(**numbers).splitlines()
