"""The chain rule of the best run's first update as HTML: symbols above numbers."""

import math
from html import escape
from typing import Any

from harness.analysis.chain_rule import Trace, trace
from harness.analysis.notation import edges
from harness.errors import ExperimentError
from harness.experiment import Experiment
from harness.report.markup import derivative, number, symbol

_MOST_ROWS = 12  # chains of one parameter
_MOST_CHAINS = 5_000  # that are multiplied for it


def worked(experiment: Experiment, run_id: int) -> str:
    """Return tables for a weight and a bias of the first layer and of the last."""
    parts, remark = [], ""
    for name in _chosen(experiment.single(run_id)):
        try:
            found = trace(experiment, run_id=run_id, parameter=name)
        except ExperimentError as error:
            # A network whose paths are too many to write down, or an output without derivative.
            parts.append(f"<p>{escape(name)}: {escape(str(error))}</p>")
            continue
        remark = found.remark
        parts.append(_parameter(found))
    said = f'<p class="remark">{escape(remark)}</p>' if remark else ""
    return said + "".join(parts)


def _chosen(alone: Experiment) -> list[str]:
    """Return the first weight and bias of the first layer and of the last, if they train."""
    network, train = alone.network, alone.training.train
    found: list[str] = []
    known = edges(network)
    for layer in dict.fromkeys((network.layers, 1)):
        paths = math.prod(network.sizes[layer + 1 :])
        if paths * len(alone.data.inputs) > _MOST_CHAINS and layer == 1:
            continue
        for kind in "wb":
            ours = (
                name
                for name, (unit, _) in known.items()
                if unit.layer == layer and name[0] == kind and (train == "all" or name in train)
            )
            found += [name for name in [next(ours, None)] if name]
    return found


def _parameter(found: Trace) -> str:
    update: Any = next(iter(found.updates.itertuples()))
    what = f"d{found.loss}/d{update.symbol}"
    also = "" if update.symbol == update.parameter else f", which is {symbol(update.parameter)}"
    heading = f"<h3>{symbol(update.symbol)}{also}</h3>"
    first = found.factors[["data_point", "path"]].drop_duplicates().iloc[0]
    mask = (found.factors[["data_point", "path"]] == first).all(axis=1)
    several = found.factors["through"].nunique() > 1
    # Other paths have other symbols: each has a table of its own, and the first is an example.
    through = found.factors["through"].iloc[0]
    symbols = found.factors.loc[mask, "symbol"].tolist()
    ours = found.factors[found.factors["through"] == through] if several else found.factors
    columns = "".join(
        f'<th scope="col">{"" if at == 0 else "× "}{derivative(text)}</th>'
        for at, text in enumerate(symbols)
    )
    rows = [
        f'<tr><th scope="row">{point}</th>'
        + "".join(f"<td>{number(value)}</td>" for value in chain["value"])
        + f"<td>{number(math.prod(chain['value']))}</td></tr>"
        for (point, _), chain in ours.groupby(["data_point", "path"], sort=False)
    ]
    more = ""
    if len(rows) > _MOST_ROWS:
        more = f"<p>… and {len(rows) - _MOST_ROWS:,} more data points.</p>"
    if several:
        paths = found.factors["through"].nunique()
        more += f"<p>This is the path through {symbol(through)}, one of {paths:,}.</p>"
    return (
        f'<div class="chain">{heading}<div class="wide" tabindex="0" role="region"'
        f' aria-label="Chain rule of {escape(update.parameter)}"><table>'
        f'<thead><tr><th scope="col">point</th>{columns}<th scope="col">= product</th></tr>'
        f"</thead><tbody>{''.join(rows[:_MOST_ROWS])}</tbody></table></div>{more}"
        f"{_step(what, update, found.steps[0], several)}</div>"
    )


def _step(what: str, update: Any, step: str, several: bool) -> str:
    numbers = {name: value for name, value in update._asdict().items() if isinstance(value, float)}
    said = step.replace(" x ", " × ").format(**{name: number(v) for name, v in numbers.items()})
    of = "of all paths and data points" if several else "of the products"
    return (
        f'<p class="steps">{derivative(what)} = {number(update.derivative)}, the sum {of}<br>'
        f"{said}<br>"
        f"new {symbol(update.symbol)} = {number(update.old)} − ({number(update.step_size)})"
        f" = {number(update.new)}</p>"
    )
