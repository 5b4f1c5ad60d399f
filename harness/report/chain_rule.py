"""The chain rule of the best run's first update: symbols and numbers for its template."""

import math
from typing import Any, NamedTuple

from harness.analysis.chain_rule import Trace, trace, with_numbers
from harness.analysis.notation import edges
from harness.errors import ExperimentError
from harness.experiment import Experiment
from harness.report.rendering import number

_MOST_ROWS = 12  # data points in a table
_MOST_CHAINS = 5_000  # chains that are multiplied for one parameter
_MOST_PARAMETERS = 60  # beyond these, only the first of each layer are worked out


class Chain(NamedTuple):
    """The derivative of the loss with respect to one parameter, and its update."""

    step: Any  # the row of Trace.updates
    lines: list[str]  # how the optimiser makes the step size
    derivative: str  # such as dSSR/dw1
    factors: list[str]  # their symbols
    rows: list[tuple[int, list[float], float]]  # data point, values of the factors, product
    more: int  # data points that are left out
    through: str  # the units that the path goes through
    paths: int  # number of paths; one is shown


class Worked(NamedTuple):
    """The chains of some parameters to open with, those of all others, and why some have none."""

    chains: list[Chain]
    others: list[Chain]
    remark: str  # where the lesson is wrong
    errors: dict[str, str]


def worked(experiment: Experiment, run_id: int) -> Worked:
    """Return the chains of a weight and a bias of the last layer and of the first; then the others.

    The others are left out if they are many, or have many chains.
    """
    single = experiment.single(run_id)
    first = _chosen(single)
    traces, errors = {}, {}
    for name in [*first, *_others(single, first)]:
        try:
            traces[name] = trace(experiment, run_id=run_id, parameter=name)
        except ExperimentError as error:  # too many paths, or an output without a derivative
            errors[name] = str(error)
    return Worked(
        chains=[_chain(found) for name, found in traces.items() if name in first],
        others=[_chain(found) for name, found in traces.items() if name not in first],
        remark=next((found.remark for found in traces.values()), ""),
        errors=errors,
    )


def _others(single: Experiment, first: list[str]) -> list[str]:
    """Return the other trained parameters; none if they have too many chains."""
    network, train = single.network, single.training.train
    names = [name for name in network.parameters if train == "all" or name in train]
    paths = max(math.prod(network.sizes[layer + 1 :]) for layer in range(1, network.layers + 1))
    if len(names) > _MOST_PARAMETERS or paths * len(single.data.inputs) * len(names) > _MOST_CHAINS:
        return []
    return [name for name in names if name not in first]


def _chosen(single: Experiment) -> list[str]:
    """Return the first trained weight and bias of the last layer and of the first."""
    network, train = single.network, single.training.train
    found = []
    for layer in dict.fromkeys((network.layers, 1)):
        paths = math.prod(network.sizes[layer + 1 :])
        if paths * len(single.data.inputs) > _MOST_CHAINS and layer == 1:
            continue
        for kind in "wb":
            names = (
                name
                for name, (unit, _) in edges(network).items()
                if unit.layer == layer and name[0] == kind and (train == "all" or name in train)
            )
            found += [name for name in (next(names, None),) if name]
    return found


def _chain(found: Trace) -> Chain:
    step = next(found.updates.itertuples())
    # Other paths have other symbols. The first is shown as an example.
    through = found.factors["through"].iloc[0]
    factors = found.factors[found.factors["through"] == through]
    chains = [
        (point, chain["symbol"].tolist(), chain["value"].tolist())
        for (point, _), chain in factors.groupby(["data_point", "path"], sort=False)
    ]
    return Chain(
        step=step,
        lines=with_numbers(found.steps[0], step, number),
        derivative=f"d{found.loss}/d{step.symbol}",
        factors=chains[0][1],
        rows=[(point, values, math.prod(values)) for point, _, values in chains[:_MOST_ROWS]],
        more=max(len(chains) - _MOST_ROWS, 0),
        through=through,
        paths=found.factors["through"].nunique(),
    )
