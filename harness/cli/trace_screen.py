"""The chain rule of one update: symbols above numbers."""

import math
from typing import Any

import pandas as pd

from harness.analysis.chain_rule import Trace
from harness.cli.printing import say, say_table, say_wrapped
from harness.formatting import number, plural

# So many data points of a batch are named.
_POINTS = 10


def show_trace(trace: Trace) -> None:
    """Print each derivative as a product, symbols above numbers, then step size and new value."""
    say_wrapped(_heading(trace))
    if trace.status:
        say_wrapped(f"the run has ended here ({trace.status}); this update is not made")
    say()
    if trace.remark:
        say_wrapped(trace.remark)
        say()
    for update, step in zip(trace.updates.itertuples(), trace.steps, strict=True):
        factors = trace.factors[trace.factors["parameter"] == update.parameter]
        _show_chains(f"d{trace.loss}/d{update.symbol}", update, factors)
        _show_step(update, step)
        say()


def _heading(trace: Trace) -> str:
    heading = f"run {trace.run_id} after {plural(trace.epoch, 'epoch')}"
    points = list(trace.data_points)
    if trace.updates_per_epoch == 1 and sorted(points) == list(range(len(points))):
        return heading
    noun = "data point" if len(points) == 1 else "data points"
    named = ", ".join(map(str, points[:_POINTS])) + (", ..." if len(points) > _POINTS else "")
    return f"{heading}, update 1 of {trace.updates_per_epoch} of the next epoch, {noun} {named}"


def _show_chains(name: str, update: Any, factors: pd.DataFrame) -> None:
    """Print a table a path, with a column a factor and a row a data point, and the derivative."""
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


def _show_path(title: str, factors: pd.DataFrame) -> float:
    # A data point that was drawn twice has the path twice, under two numbers.
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


def _show_step(update: Any, step: str) -> None:
    if not update.trains:
        say(f"  {update.symbol} does not train: it stays at {number(update.old)}")
        return
    numbers = {name: value for name, value in update._asdict().items() if isinstance(value, float)}
    say("  " + step.format(**{name: number(value) for name, value in numbers.items()}))
    say(
        f"  new {update.symbol} = {number(update.old)} - ({number(update.step_size)})"
        f" = {number(update.new)}"
    )
