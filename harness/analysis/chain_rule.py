"""One step of one run, factor by factor: the chain rule as the two lessons write it.

The first lesson (StatQuest, Backpropagation Details) numbers everything: x1 goes into a hidden
unit, y1 comes out, w1 and b1 are before it.

    dSSR/dw1 = dSSR/dpredicted * dpredicted/dy1 * dy1/dx1 * dx1/dw1, summed over the data points

The second (Udacity, Deep Learning, Calculating the Gradient 2) has a matrix a layer, whose last
row is the bias: W31(1) is the bias into h1. Its chain goes from one pre-activation h to the next.

    dE/dW11(1) = dE/dŷ * dŷ/dh * dh/dh1 * dh1/dW11(1)

In a network with more than one way from a parameter to the output there is a chain for each.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType

import numpy as np
import pandas as pd

from harness.analysis.factors import Chain
from harness.analysis.notation import NOTATIONS, Symbols, Unit, parameter_places
from harness.analysis.replay import RunState, state_after
from harness.calls import check_type, is_whole
from harness.errors import ExperimentError, shown
from harness.experiment import Experiment, check_experiment
from harness.hints import nearest
from harness.kernels.optimisers import OPTIMISERS
from harness.training.variants import first_batch, make_variant

# More are of no use to a reader, and a wide and deep network has billions.
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
        One row a factor: parameter, data_point, path, through (the units that the path goes
        through), position (in the product), symbol, value.
        A data point that was drawn twice for the batch has each of its paths twice, the second
        time under further numbers.
    updates : DataFrame
        One row per parameter: parameter, symbol, trains, old, derivative (summed over paths and
        data points), the numbers of the optimiser's step (for sgd learning_rate, momentum and
        last_step; all 0 for a parameter that does not train), step_size, new = old - step_size.
    steps : tuple of str
        How each step size is made of these numbers: "step size = {derivative} x {learning_rate}".
    remark : str
        Where the lesson's statement is off, the right one; else empty.
    run_id, epoch : int
        Which run, and after how many epochs.
    loss : str
        Symbol of what is differentiated.
    updates_per_epoch : int
        How many updates an epoch has; this is the first of the next one.
    data_points : tuple of int
        The batch, in its order.
    status : str
        How the run has ended, where it has, so that this update is never made; else empty.
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
    """Take one update apart into the factors of the chain rule.

    Parameters
    ----------
    experiment : Experiment
        What is trained.
    run_id : int
        Which run of the grid.
    epoch : int
        After how many epochs: 0 is the first update. With batches it is the first of the epoch.
    parameter : str, optional
        The one parameter that is wanted, by its name (w1) or its symbol in a matrix (W11(1)); all
        that train if left out.
    notation : {"numbered", "matrix"}, optional
        That of the first or of the second lesson; "matrix" for a network of sigmoid units if left
        out, else "numbered".

    Returns
    -------
    Trace
        Factors and updates as tables.

    Raises
    ------
    ExperimentError
        There is no such run, epoch or parameter, there are too many chains, or an output is so
        far off and so saturated that cross-entropy has no derivative by it in numbers.
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
    alone = experiment.single(run_id)
    network = alone.network
    variant = make_variant(alone)
    state = state_after(variant, min(epoch, alone.training.epochs))
    if state.epochs < epoch:
        raise ExperimentError(
            "epoch",
            f"= {epoch} is never reached: run {run_id} is {state.status} at {state.epochs}.",
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
    names = Symbols(network, notation)
    places = _choose(alone, parameter)
    batch = first_batch(variant, epoch)
    chains = sum(math.prod(network.sizes[unit.layer + 1 :]) for unit, _ in places.values())
    if chains * batch.size > MOST_CHAINS:
        raise ExperimentError(
            "trace",
            f"has {shown(chains * batch.size)} chains; at most {MOST_CHAINS} are shown.",
            "Name one parameter, nearer to the output, or make the batch smaller.",
        )
    factors = pd.DataFrame(
        _rows(alone, state, names, places, batch),
        columns=["parameter", "data_point", "path", "through", "position", "symbol", "value"],
    )
    updates, steps = _updates(alone, state, names, places, factors)
    return Trace(
        factors=factors,
        updates=updates,
        steps=steps,
        remark=_REMARKS.get(network.loss, "") if names.matrix else "",
        run_id=run_id,
        epoch=epoch,
        loss=names.loss,
        updates_per_epoch=int(variant.plan.updates),
        data_points=tuple(batch.tolist()),
        # Training was told to finish here, which is the end of the run at its last epoch only.
        status=state.status if state.status != "finished" or epoch == alone.training.epochs else "",
    )


def _choose(experiment: Experiment, parameter: str | None) -> dict[str, tuple[Unit, int]]:
    """Return the parameters that are wanted: the unit they go into, and their source."""
    network = experiment.network
    places = parameter_places(network)
    if parameter is None:
        train = experiment.training.train
        return {name: places[name] for name in places if train == "all" or name in train}
    # A symbol has brackets, and a name has none.
    matrix = Symbols(network, "matrix")
    symbols = {matrix.parameter(name, *place): name for name, place in places.items()}
    parameter = {s.lower(): name for s, name in symbols.items()}.get(parameter.lower(), parameter)
    if parameter not in places:
        raise ExperimentError(
            "parameter",
            f"= {shown(parameter)} is no parameter of the network, which has"
            f" {shown(list(places))}.",
            nearest(parameter, symbols if "(" in parameter else places),
        )
    return {parameter: places[parameter]}


def _rows(
    experiment: Experiment,
    state: RunState,
    names: Symbols,
    places: dict[str, tuple[Unit, int]],
    batch: np.ndarray,
) -> Iterator[tuple[str, int, int, str, int, str, float]]:
    network, data = experiment.network, experiment.data
    chain = Chain(network, names, state.theta, int(batch.size))
    for name, (unit, source) in places.items():
        later = [range(size) for size in network.sizes[unit.layer + 1 :]]
        chains: Counter[int] = Counter()  # of each data point: a batch may have drawn it before
        for data_point in batch.tolist():
            held = chain.forward(data.inputs[data_point])
            targets = data.targets[data_point].tolist()
            for indices in itertools.product(*later):
                path = chains[data_point]
                chains[data_point] += 1
                on_path = [unit] + [
                    Unit(unit.layer + 1 + step, index) for step, index in enumerate(indices)
                ]
                through = names.through(on_path)
                factors = chain.factors(name, on_path, source, held, targets)
                for position, (symbol, value) in enumerate(factors):
                    yield name, data_point, path, through, position, symbol, value


def _updates(
    experiment: Experiment,
    state: RunState,
    names: Symbols,
    places: dict[str, tuple[Unit, int]],
    factors: pd.DataFrame,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return derivative, step and new value of each parameter, and how the step is made."""
    products = factors.groupby(["parameter", "data_point", "path"], sort=False)["value"].prod()
    derivatives = products.groupby("parameter", sort=False).sum()
    train = experiment.training.train
    optimiser, rows, sentences = OPTIMISERS[experiment.training.optimiser], [], []
    for name, (unit, source) in places.items():
        at = experiment.network.positions[name]
        trains = train == "all" or name in train
        old, derivative = state.theta[at].item(), derivatives[name].item()
        settings = [found[unit.layer - 1].item() * trains for found in state.settings.values()]
        step, sentence = optimiser.explain(derivative, *settings, *state.slots[:, at].tolist())
        rows.append(
            {
                "parameter": name,
                "symbol": names.parameter(name, unit, source),
                "trains": trains,
                "old": old,
                "derivative": derivative,
                **step,
                "new": old - step["step_size"] if trains else old,
            }
        )
        sentences.append(sentence)
    return pd.DataFrame(rows), tuple(sentences)
