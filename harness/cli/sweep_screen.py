"""What is printed before, while and after a sweep is trained."""

from typing import Self

import numpy as np
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar

from harness.cli.printing import console, say, say_wrapped
from harness.experiment import Experiment
from harness.experiment.grid import Axis
from harness.formatting import duration, plural, shown_bytes, si
from harness.kernels._cache import folder_of
from harness.kernels._jit import STAMP
from harness.results.sentences import exact
from harness.sweep.plan import Plan
from harness.sweep.progress import Progress

# Axes of at most so many values are written out.
_LISTED = 6


def announce(experiment: Experiment) -> None:
    """Say what is about to be trained."""
    network = experiment.network
    layers = "-".join(map(str, network.sizes))
    say_wrapped(f"{experiment.name}  {experiment.question}", bold=len(experiment.name))
    say_wrapped(
        f"{layers} {' '.join(network.activations)}, {network.loss}"
        f" on {plural(len(experiment.data.inputs), 'data point')},"
        f" {plural(experiment.grid.size, 'run')}"
    )
    for dimension in experiment.grid.dimensions:
        say_wrapped(_dimension(dimension), indent="  ")
    say()


def _dimension(axes: tuple[Axis, ...]) -> str:
    """Describe an axis, or several that move in step."""
    count = axes[0].values.count
    words = any(isinstance(end, str) for axis in axes for end in axis.values.ends())
    everything = words or count <= _LISTED
    indices = np.arange(count) if everything else np.array([0, count - 1])
    columns = [map(exact, axis.values.take(indices).tolist()) for axis in axes]
    if len(axes) > 1:
        name = ", ".join(axis.name for axis in axes) + " in step"
        points = [f"({', '.join(point)})" for point in zip(*columns, strict=True)]
        if everything:
            return f"{name}: {plural(count, 'value')}, {', '.join(points)}"
        return f"{name}: {count:,} from {points[0]} to {points[1]}"
    if everything:
        return f"{axes[0].name}: {', '.join(columns[0])}"
    least, greatest = map(exact, axes[0].values.ends())
    return f"{axes[0].name}: {count:,} from {least} to {greatest}"


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
            disable=not console.is_terminal,
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
        if self.last is None and progress.runs_done:
            say(f"{progress.runs_done:,} of {progress.runs:,} runs were there already")
        self.last = progress
        self._bar.update(
            self._task,
            description="training",
            completed=progress.runs_done,
            text=f"{progress.runs_done:,} runs  {_rate(progress)}"
            f"  {duration(progress.seconds_left)} left",
        )


def say_how_long(last: Progress | None) -> None:
    """Print what was trained by this command."""
    if last is None:
        say("Nothing to train: every run is there already.")
        return
    if last.runs_reused:
        say(f"{plural(last.runs_reused, 'run')} taken over from the smaller grid before")
    if last.updates_done:
        updates = f"{plural(last.updates_done, 'update')} in {duration(last.seconds)}"
        say(f"trained {updates}: {_rate(last)}")


def show_plan(plan: Plan) -> None:
    """Print what a sweep will take, and why machine code is not kept where that is so."""
    chunks = f"{plural(plan.chunks, 'chunk')} of {plan.chunk_size:,}"
    how = "side by side, in lanes"
    if not plan.kernels_with_lanes:
        how = "one after the other: too little work to compile lanes for"
    elif plan.kernels_with_lanes < plan.kernels:
        how = f"in lanes for {plan.kernels_with_lanes:,} of {plan.kernels:,} kinds of training"
    for label, text in (
        ("runs", f"{plan.runs:,} in {chunks}"),
        ("trained", how),
        ("updates", f"at most {plan.updates:,}"),
        ("recorded epochs", f"at most {plan.trajectory_rows:,}"),
        ("time", f"about {duration(plan.seconds)} on {plural(plan.threads, 'thread')}"),
        ("memory", f"{shown_bytes(plan.memory_bytes)} for rows in flight"),
        ("disk", f"at most {shown_bytes(plan.disk_bytes)}"),
    ):
        say(f"{label:15}  {text}")
    if problem := folder_of(STAMP).problem:
        say(f"{'compiling':15}  at every start, as machine code cannot be kept: {problem}")


def _rate(progress: Progress) -> str:
    return f"{si(progress.updates_done / max(progress.seconds, 1e-9))}updates/s"
