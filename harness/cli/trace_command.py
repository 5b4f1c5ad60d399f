"""`harness trace`: the chain rule of one update, symbols above numbers."""

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.loading import loading
from harness.cli.options import Changes, File, load
from harness.cli.printing import say, say_table, say_wrapped
from harness.formatting import number, plural

if TYPE_CHECKING:
    import pandas as pd

    from harness.analysis.chain_rule import Trace

# The heading lists at most this many data points of a batch.
_POINTS = 10


def trace(
    file: File,
    epoch: Annotated[
        int, typer.Option(metavar="N", help="Epochs before the update; 0 for the first update.")
    ] = 0,
    parameter: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="One parameter, such as w1 or W11(1).",
            show_default="all parameters",
        ),
    ] = None,
    run_id: Annotated[int, typer.Option("--run", metavar="ID", help="Run of the grid.")] = 0,
    notation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="numbered (x1, y1, w1) or matrix (h1, W11(1)).",
            show_default="by the activations",
        ),
    ] = None,
    changes: Changes = None,
) -> None:
    """Show the chain rule of one update of FILE, factor by factor."""
    with loading():
        from harness.analysis import chain_rule

    experiment = load(file, changes)
    found = chain_rule.trace(
        experiment, run_id=run_id, epoch=epoch, parameter=parameter, notation=notation
    )
    say_wrapped(_heading(found))
    if found.status:
        say_wrapped(f"the run has ended here ({found.status}); this update is not made")
    say()
    if found.remark:
        say_wrapped(found.remark)
        say()
    for update, step in zip(found.updates.itertuples(), found.steps, strict=True):
        factors = found.factors[found.factors["parameter"] == update.parameter]
        _show_chains(f"d{found.loss}/d{update.symbol}", update, factors)
        _show_step(update, chain_rule.with_numbers(step, update, number))
        say()


def _heading(trace: "Trace") -> str:
    heading = f"run {trace.run_id} after {plural(trace.epoch, 'epoch')}"
    points = list(trace.data_points)
    if trace.updates_per_epoch == 1 and sorted(points) == list(range(len(points))):
        return heading
    noun = "data point" if len(points) == 1 else "data points"
    named = ", ".join(map(str, points[:_POINTS])) + (", ..." if len(points) > _POINTS else "")
    return f"{heading}, update 1 of {trace.updates_per_epoch} of the next epoch, {noun} {named}"


def _show_chains(name: str, update: Any, factors: "pd.DataFrame") -> None:
    """Print one table per path: factors as columns, data points as rows; then the derivative."""
    also = "" if update.symbol == update.parameter else f", {update.symbol} is {update.parameter}"
    paths = factors["through"].unique().tolist()
    for position, through in enumerate(paths, start=1):
        ours = factors[factors["through"] == through]
        title = f"{name}{also}"
        if len(paths) > 1:
            title = f"{name} through {through} (path {position} of {len(paths)}){also}"
        total = _show_path(title, ours)
        if len(paths) > 1:
            say(f"  subtotal of path {position} = {number(total)}\n")
    parts = "subtotals" if len(paths) > 1 else "products"
    say(f"  {name} = {number(update.derivative)}, the sum of the {parts}")


def _show_path(title: str, factors: "pd.DataFrame") -> float:
    # A data point drawn twice has the path twice, numbered apart.
    chains = list(factors.groupby(["data_point", "path"], sort=False))
    first, *others = chains[0][1]["symbol"]
    headings = ["point", first, *(f"x {symbol}" for symbol in others), "= product"]
    rows, total = [], 0.0
    for (point, _), chain in chains:
        product = math.prod(chain["value"])
        total += product
        rows.append([str(point), *map(number, chain["value"]), number(product)])
    say_table(title, headings, rows, gap=1)
    return total


def _show_step(update: Any, lines: list[str]) -> None:
    if not update.trains:
        say(f"  {update.symbol} does not train: it stays at {number(update.old)}")
        return
    for line in lines:
        say_wrapped(line, indent="  ")
    say(
        f"  new {update.symbol} = {number(update.decayed)} - ({number(update.step_size)})"
        f" = {number(update.new)}"
    )
