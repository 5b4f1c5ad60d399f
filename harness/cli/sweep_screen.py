"""Output of a sweep: the experiment, a progress bar, and the time it took."""

from typing import Self

import numpy as np
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar

from harness.cli.printing import console, say, say_wrapped
from harness.experiment import Experiment
from harness.experiment.card import update_rule
from harness.experiment.draws import METHODS
from harness.experiment.grid import Axis, Drawn
from harness.formatting import duration, plural, si
from harness.results.sentences import data_points, dropped, exact
from harness.sweeps.progress import Progress

# The values of an axis are listed up to this many.
_LISTED = 6


def announce(experiment: Experiment) -> None:
    """Print the experiment that is about to be trained."""
    network = experiment.network
    layers = "-".join(map(str, network.sizes))
    say_wrapped(f"{experiment.name}  {experiment.question}", bold=len(experiment.name))
    say_wrapped(
        f"{layers} {' '.join(network.activations)}, {network.loss}"
        f" on {data_points(experiment)},"
        f" {plural(experiment.grid.size, 'run')}"
    )
    if left_out := dropped(experiment):
        say_wrapped(left_out)
    axes = [axis.name for axis in experiment.grid.axes]
    rule = update_rule(experiment.training, axes)
    most = plural(experiment.training.epochs, "epoch")
    say_wrapped(rule if "max_epochs" in axes else f"{rule}, at most {most}")
    for dimension in experiment.written_grid.dimensions:
        partial = [
            f"; {'' if len(dimension) == 1 else axis.name + ' '}only for {', '.join(having)}"
            for axis in dimension
            if (having := experiment.entries_with(axis.name))
        ]
        say_wrapped(_dimension(dimension) + "".join(partial), indent="  ")
    say()


def _dimension(axes: tuple[Axis, ...]) -> str:
    """Describe one axis, or several zipped axes."""
    drawn = [axis.values for axis in axes if isinstance(axis.values, Drawn)]
    if drawn and drawn[0].together:
        ranges = [
            f"{axis.name} {values.distribution.text()}"
            for axis, values in zip(axes, drawn, strict=True)
        ]
        return f"{plural(drawn[0].count, METHODS[drawn[0].together].point)}: {'; '.join(ranges)}"
    if drawn and len(axes) == 1:
        return f"{axes[0].name}: {drawn[0].text()}"
    count = axes[0].values.count
    words = any(isinstance(end, str) for axis in axes for end in axis.values.ends())
    everything = words or count <= _LISTED
    indices = np.arange(count) if everything else np.array([0, count - 1])
    columns = [map(exact, axis.values.take(indices).tolist()) for axis in axes]
    if len(axes) > 1:
        name = ", ".join(axis.name for axis in axes) + ", zipped"
        points = [f"({', '.join(point)})" for point in zip(*columns, strict=True)]
        if everything:
            return f"{name}: {plural(count, 'value')}, {', '.join(points)}"
        return f"{name}: {count:,} from {points[0]} to {points[1]}"
    if everything:
        return f"{axes[0].name}: {', '.join(columns[0])}"
    least, greatest = map(exact, axes[0].values.ends())
    return f"{axes[0].name}: {count:,} from {least} to {greatest}"


class ProgressBar:
    """A bar with runs, updates per second and time left, shown inside its `with` block.

    `last` is the latest progress, or None if there was nothing to train.
    """

    def __init__(self, runs: int) -> None:
        self.last: Progress | None = None
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TextColumn("{task.fields[text]}"),
            console=console(),
            transient=True,
            disable=not console().is_terminal,
        )
        self._task = self._bar.add_task("getting ready", total=runs, text="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def move(self, progress: Progress) -> None:
        """Show the progress of a sweep."""
        if self.last is None and progress.runs_done:
            say(f"{progress.runs_done:,} of {progress.runs:,} runs were finished already")
        self.last = progress
        self._bar.update(
            self._task,
            description="training",
            completed=progress.runs_done,
            text=f"{progress.runs_done:,} runs  {_rate(progress)}"
            f"  {duration(progress.seconds_left)} left",
        )


def say_how_long(last: Progress | None) -> None:
    """Print how much this command trained, and how fast."""
    if last is None:
        say("Nothing to train: every run has finished.")
        return
    if last.runs_reused:
        say(f"{plural(last.runs_reused, 'run')} reused from the smaller grid")
    if last.updates_done:
        updates = f"{plural(last.updates_done, 'update')} in {duration(last.seconds)}"
        say(f"trained {updates}: {_rate(last)}")


def _rate(progress: Progress) -> str:
    return f"{si(progress.updates_done / max(progress.seconds, 1e-9))}updates/s"
