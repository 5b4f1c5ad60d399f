"""What the commands print, for a terminal of 80 columns or more."""

import math
import textwrap
from typing import Self

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

from harness.chain_rule import Trace
from harness.experiment import Experiment
from harness.planning import Plan
from harness.sweep import Progress
from harness.tables import Results

console = Console(highlight=False)

# Rows of a table about an axis, and of the list of the best runs.
_AXIS_ROWS = 16
_BEST_RUNS = 5


def announce(experiment: Experiment) -> None:
    """Say what is about to be trained."""
    network = experiment.perceptron
    layers = "-".join(map(str, network.sizes))
    console.print(f"[bold]{experiment.name}[/bold]  {experiment.question}", soft_wrap=False)
    console.print(
        f"{layers} {' '.join(network.activations)}, {network.loss}"
        f" on {len(experiment.dataset.inputs)} data points, {experiment.axes.size:,} runs"
    )
    for axis in experiment.axes.axes:
        least, greatest = map(_number, axis.values.ends())
        console.print(f"  {axis.name}: {axis.values.count:,} from {least} to {greatest}")
    console.print()


class ProgressBar:
    """A bar with runs, updates a second and time left, while it is entered.

    `last` is the last progress that it was told of; None where there was nothing to train.
    """

    def __init__(self, runs: int) -> None:
        self.last: Progress | None = None
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TextColumn("{task.fields[text]}"),
            console=console,
            transient=True,
        )
        # A new version compiles its kernels once; after that this is gone at once.
        text = "the first time takes a while"
        self._task = self._bar.add_task("getting ready", total=runs, text=text)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def move(self, progress: Progress) -> None:
        """Show how far a sweep is."""
        self.last = progress
        self._bar.update(
            self._task,
            description="training",
            completed=progress.runs_done,
            text=f"{progress.runs_done:,} runs  {_rate(progress)}"
            f"  {_duration(progress.seconds_left)} left",
        )


def say_how_long(last: Progress | None) -> None:
    """Print what was trained by this command."""
    if last is None:
        console.print("Nothing to train: every run is there already.")
    else:
        updates = f"{last.updates_done:,} updates in {_duration(last.seconds)}"
        console.print(f"trained {updates}: {_rate(last)}")


def show_plan(plan: Plan) -> None:
    """Print what a sweep will take."""
    table = Table.grid(padding=(0, 2))
    for label, text in (
        ("runs", f"{plan.runs:,} in {plan.chunks:,} chunks of {plan.chunk_size:,}"),
        ("updates", f"at most {plan.updates:,}"),
        ("recorded epochs", f"at most {plan.trajectory_rows:,}"),
        ("time", f"at most {_duration(plan.seconds)} on {plan.threads} threads"),
        ("memory", f"{_bytes(plan.memory_bytes)} for rows in flight"),
        ("disk", f"at most {_bytes(plan.disk_bytes)}"),
    ):
        table.add_row(label, text)
    console.print(table)


def summarise(results: Results) -> None:
    """Print how the runs ended, along one axis and by the best of them, and where the files are."""
    runs = results.runs
    measure = "loss_final" if "loss_final" in runs else "ssr_final"
    counts = runs["status"].value_counts()
    ended = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    console.print(f"{len(runs):,} runs: {ended}.")
    missing = results.manifest["runs"] - len(runs)
    if missing:
        console.print(f"{missing:,} runs are not trained yet; `harness run FILE` goes on.")
    console.print()

    columns = list(runs.columns)
    axes = columns[columns.index("init_id") + 1 : columns.index("status")]
    for axis in axes[:1]:
        console.print(_along_axis(runs, axis, measure))
        console.print()
    console.print(_best(runs, ["run_id", "init_id", *axes], measure))
    console.print()
    files = sorted(path.name for path in results.folder.glob("*.csv")) or ["runs/", "trajectories/"]
    console.print(f"Tables in {results.folder}: {', '.join(files)}", soft_wrap=True)


def _along_axis(runs: pd.DataFrame, axis: str, measure: str) -> Table:
    table = Table(title=f"along {axis}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading in (axis, "runs", "converged", "diverged", f"median {measure}"):
        table.add_column(heading, justify="right")
    groups = runs.groupby(axis, sort=True)
    step = math.ceil(groups.ngroups / _AXIS_ROWS)
    for number, (value, group) in enumerate(groups):
        if number % step == 0:
            share = group["status"].value_counts(normalize=True)
            table.add_row(
                _number(value),
                f"{len(group):,}",
                f"{share.get('converged', 0.0):.0%}",
                f"{share.get('diverged', 0.0):.0%}",
                _number(group[measure].median()),
            )
    if step > 1:
        table.caption = f"1 of every {step} values is shown"
        table.caption_justify = "left"
    return table


def _best(runs: pd.DataFrame, names: list[str], measure: str) -> Table:
    table = Table(title="best runs", title_justify="left", box=None, padding=(0, 2, 0, 0))
    shown = [*names, "status", "epochs", measure]
    for name in shown:
        table.add_column(name, justify="right")
    for row in runs.nsmallest(_BEST_RUNS, measure)[shown].itertuples(index=False):
        table.add_row(*(_number(value) for value in row))
    return table


def show_trace(trace: Trace) -> None:
    """Print each derivative as a product, symbols above numbers, then step size and new value."""
    console.print(f"run {trace.run_id} after {trace.epoch} epochs\n")
    if trace.remark:
        console.print(textwrap.fill(trace.remark, 80) + "\n")
    for update in trace.updates.itertuples():
        name = f"d{trace.loss}/d{update.symbol}"
        ours = trace.factors[trace.factors["parameter"] == update.parameter]
        for _, chain in ours.groupby("path"):
            console.print(_chain_table(name, chain))
        carried = (
            f" + {_number(update.momentum)} x {_number(update.last_step)}"
            if update.momentum
            else ""
        )
        console.print(
            f"  {name} = {_number(update.derivative)}, the sum of the products\n"
            f"  step size = {_number(update.derivative)} x {_number(update.learning_rate)}{carried}"
            f" = {_number(update.step_size)}\n"
            f"  new {update.symbol} = {_number(update.old)} - ({_number(update.step_size)})"
            f" = [bold]{_number(update.new)}[/bold]\n"
        )


def _chain_table(name: str, chain: pd.DataFrame) -> Table:
    """Return the chain of one path: a column a factor, a row a data point."""
    table = Table(title=name, title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("point", justify="right")
    symbols = chain[chain["data_point"] == chain["data_point"].iloc[0]]["symbol"]
    for number, symbol in enumerate(symbols):
        table.add_column(symbol if number == 0 else f"x {symbol}", justify="right")
    table.add_column("= product", justify="right")
    for point, factors in chain.groupby("data_point", sort=False):
        values = [_number(value) for value in factors["value"]]
        table.add_row(str(point), *values, _number(factors["value"].prod()))
    return table


def _number(value: object) -> str:
    """Write a number as a reader wants it; tables on disk have every digit."""
    # + 0.0 makes 0 of -0, which the products of a chain often are
    return f"{value + 0.0:.4g}" if isinstance(value, float) else str(value)


def _rate(progress: Progress) -> str:
    return f"{_si(progress.updates_done / max(progress.seconds, 1e-9))}updates/s"


def _duration(seconds: float) -> str:
    if math.isnan(seconds):
        return "?"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.1f} h"


def _si(number: float) -> str:
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.1f} {letter} "
    return f"{number:.0f} "


def _bytes(number: float) -> str:
    for factor, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= factor:
            return f"{number / factor:,.1f} {unit}"
    return f"{number:.0f} B"
