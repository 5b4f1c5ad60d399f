"""Reading results for plots: the axes of the grid, runs and their trajectories."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.measures import has_value
from harness.analysis.sampling import scattered
from harness.analysis.tally import Factor, is_sample
from harness.errors import ResultsError, shown
from harness.formatting import plural
from harness.hints import suggest
from harness.kernels.metrics import are_classes
from harness.results.sentences import point
from harness.results.tables import Results

# If a sweep has more runs, a sample that is spread evenly over the grid is drawn.
MOST_RUNS = 1_000_000

# The most rows of trajectories that are read for one plot.
_MOST_ROWS = 1_500_000


def varied_axes(results: Results) -> list[str]:
    """Return the axes with several values, those with most values first and init_id last.

    Of zipped axes, only the first that determines the others is returned, or all if none does. Of
    those of a sample, all are.
    """
    lengths: dict[str, int] = {}
    for number, axes in enumerate(results.grid.dimensions):
        length = axes[0].values.count
        each = {axis.name: Factor(number, (axis,), length).count for axis in axes}
        factor = Factor(number, axes, length)
        names = [] if is_sample(factor) else [n for n in each if each[n] == factor.count][:1]
        names = names or list(each)
        lengths |= {name: each[name] for name in names if each[name] > 1}
    # Plots summarise over starts, however many there are.
    return sorted(lengths, key=lambda name: (name == "init_id", -lengths[name]))


def points_of_sample(results: Results, axes: Sequence[str]) -> int | None:
    """Return the number of points of the sample that has some axes; None if none has all."""
    for number, dimension in enumerate(results.grid.dimensions):
        factor = Factor(number, dimension, dimension[0].values.count)
        if is_sample(factor) and {*axes} <= {*factor.names}:
            return factor.count
    return None


def all_axes(results: Results) -> list[str]:
    """Return all axes that the table of runs has columns for."""
    columns = results.run_columns
    return [*columns[columns.index("init_id") + 1 : columns.index("status")], "init_id"]


def choose_axes(
    results: Results, wanted: Sequence[str | None], apart: str | None = None
) -> list[str]:
    """Return the axes to draw, fewer than wanted if the grid has fewer.

    Parameters
    ----------
    results : Results
        The sweep.
    wanted : sequence of str or None
        The name of each axis; None for the one with most values among the others.
    apart : str, optional
        The axis that the plot compares by, which is not drawn along.

    Raises
    ------
    ResultsError
        A name is not an axis, or it is `apart`.
    """
    known = all_axes(results)
    for name in wanted:
        if name is not None and name not in known:
            raise ResultsError(
                f"{results.folder} has no axis {shown(name)}. {suggest(name, known)}".rstrip()
                + f"\nIts axes are {', '.join(known)}."
            )
    if apart is not None and apart in wanted:
        raise ResultsError(
            f"{'xy'[wanted.index(apart)]} and by are both {shown(apart)}.\n"
            "Compare by one axis, and draw along another."
        )
    free = [name for name in varied_axes(results) if name not in (*wanted, apart)]
    chosen = []
    for name in wanted:
        if name is not None:
            chosen.append(name)
        elif free:
            chosen.append(free.pop(0))
    if not any(wanted):  # learning_rate goes on the x axis, where readers expect it
        chosen.sort(key=lambda name: name != "learning_rate")
    return chosen or ["init_id"]


def choose_axis(results: Results, wanted: str | None, apart: str | None = None) -> str:
    """Return the axis to draw along; by default learning_rate, or the one with most values.

    Parameters
    ----------
    results : Results
        The sweep.
    wanted : str or None
        The name of the axis.
    apart : str, optional
        The axis that the plot compares by, which is not drawn along.

    Raises
    ------
    ResultsError
        `wanted` is not an axis, or it is `apart`.
    """
    if wanted is None:
        known = [name for name in varied_axes(results) if name != apart]
        return "learning_rate" if "learning_rate" in known else (known or ["init_id"])[0]
    return choose_axes(results, [wanted], apart)[0]


def runs_of(results: Results, columns: Sequence[str], most: int = MOST_RUNS) -> pd.DataFrame:
    """Return some columns of all runs, or of about `most`, spread evenly over the grid."""
    names = list(dict.fromkeys(columns))
    if results.run_count <= most:
        return results.read_runs(names)
    return results.sample_runs(names, most)


def runs_like(
    results: Results, run_id: int, axes: Sequence[str], columns: Sequence[str], most: int
) -> tuple[pd.DataFrame, str]:
    """Return about `most` runs with the values of one run along some axes, and these as a text."""
    if not axes:
        return runs_of(results, columns, most), ""
    runs = runs_of(results, ["run_id", *columns, *axes])
    like = results.read_runs(axes, [run_id]).astype(object).iloc[0]
    for name in axes:
        runs = runs[has_value(runs[name], like[name])]
    # Equal steps could skip the same values of an axis each time.
    drawn = np.sort(np.argsort(scattered(runs["run_id"]), kind="stable")[:most])
    return runs.iloc[drawn], point(axes, like.to_dict())


def one_run(results: Results, run_id: int | None) -> tuple[int, "pd.Series[Any]"]:
    """Return a run_id, that of the best run by default, and the row of the run.

    Raises
    ------
    ResultsError
        The sweep does not have the run, or it is not trained yet.
    """
    if run_id is None:
        run_id = results.best_run
    table = results.read_runs(results.run_columns, [run_id])
    if table.empty and results.condition is not None:
        raise ResultsError(
            f"Run {run_id} does not satisfy {shown(results.condition.text)}, or is not trained yet."
            "\nName another run, or leave out the condition."
        )
    if table.empty:
        raise ResultsError(
            f"Run {run_id} is not trained yet.\n`harness run FILE` trains what is missing."
        )
    return run_id, table.iloc[0]


def need_trajectories(results: Results) -> None:
    """Raise a ResultsError if no trajectories were recorded."""
    if results.manifest["experiment"]["record"]["epochs"] == "none":
        raise ResultsError(
            f"{results.folder} has no trajectories.\n"
            "`record.epochs = { log = 50 }` in the experiment file records them."
        )


def need_inputs(kind: str, count: int, other: str) -> Callable[[Results], None]:
    """Return a check that the network has a number of inputs; `other` is a plot without that."""

    def check(results: Results) -> None:
        inputs = results.experiment.data.inputs.shape[1]
        if inputs != count:
            raise ResultsError(
                f"{kind} is for networks with {plural(count, 'input')}; that of {results.folder}"
                f" has {inputs}.\n`harness plot DIR {other}` shows what it has learnt."
            )

    return check


def need_classes(results: Results) -> None:
    """Raise a ResultsError if the targets are not classes."""
    if not are_classes(results.experiment.source.targets):
        raise ResultsError(
            f"{results.folder} has targets that are not classes.\n"
            "Classes are one output for each, or two values such as 0 and 1 of a single output."
        )


def need_parameters(results: Results) -> None:
    """Raise a ResultsError if no final parameters were recorded."""
    if not results.manifest["experiment"]["record"]["parameters"]:
        raise ResultsError(
            f"{results.folder} has no final parameters.\n"
            "`record.parameters = true` in the experiment file records them."
        )


def runs_and_trajectories(
    results: Results, columns: Sequence[str], most: int, along: Sequence[str] = ("ssr",)
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return about `most` runs with columns of their trajectories; fewer if these are long."""
    need_trajectories(results)
    epochs = max(results.experiment.recorded_epochs.size, 1)
    runs = runs_of(results, ["run_id", *columns], max(min(most, _MOST_ROWS // epochs), 20))
    everything = results.condition is None and len(runs) == results.run_count
    ids: Any = None if everything else runs["run_id"].to_numpy()
    return runs, results.read_trajectories(ids, ["run_id", "epoch", *along])
