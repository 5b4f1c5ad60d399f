"""What a results folder offers to a picture: its axes, and runs to draw, or what is missing."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from harness.errors import ExperimentError, ResultsError, shown
from harness.hints import suggest
from harness.results.tables import Results

# More runs than a picture shows are drawn from by chance: every point of the grid has some.
MOST_RUNS = 1_000_000

# Trajectories that are read for one picture have no more rows.
_MOST_ROWS = 1_500_000


def axes_of(results: Results) -> list[str]:
    """Return the axes of a sweep, those with most values first and init_id last.

    Of axes that move in step there is only the first: the others say the same.
    """
    lengths = {
        dimension[0].name: dimension[0].values.count
        for dimension in results.grid.dimensions
        if dimension[0].values.count > 1
    }
    # Starting values are what one averages over, however many there are.
    return sorted(lengths, key=lambda name: (name == "init_id", -lengths[name]))


def all_axes(results: Results) -> list[str]:
    """Return all axes that runs have columns for."""
    columns = results.run_columns
    return [*columns[columns.index("init_id") + 1 : columns.index("status")], "init_id"]


def choose_axes(results: Results, wanted: Sequence[str | None]) -> list[str]:
    """Return as many axes as are wanted, or as there are; those that are named as they are named.

    Raises
    ------
    ResultsError
        There is no such axis.
    """
    known = all_axes(results)
    for name in wanted:
        if name is not None and name not in known:
            raise ResultsError(
                f"{shown(name)} is no axis of {results.folder}. {suggest(name, known)}\n"
                f"Axes are {', '.join(known)}."
            )
    free = [name for name in axes_of(results) if name not in wanted]
    chosen = []
    for name in wanted:
        if name is not None:
            chosen.append(name)
        elif free:
            chosen.append(free.pop(0))
    if not any(wanted) and "learning_rate" in chosen:  # where one looks for it
        chosen.sort(key=lambda name: name != "learning_rate")
    return chosen or ["init_id"]


def runs_of(results: Results, columns: Sequence[str], most: int = MOST_RUNS) -> pd.DataFrame:
    """Return some columns of all runs, or of about so many, spread evenly over the grid."""
    names = list(dict.fromkeys(columns))
    if results.manifest["runs"] <= most:
        return results.read_runs(names)
    return results.sample_runs(names, most)


def network_runs(
    results: Results, run_id: int, columns: Sequence[str], most: int
) -> tuple[pd.DataFrame, str]:
    """Return runs of the same network and kind of training as one run, and how these are called."""
    variants = [axis.name for axis in results.experiment.variant_grid.axes]
    if not variants:
        return runs_of(results, columns, most), ""
    runs = runs_of(results, [*columns, *variants])
    like = results.read_runs(variants, [run_id]).iloc[0]
    for name in variants:
        runs = runs[runs[name].astype(object) == like[name]]
    step = -(-len(runs) // most) or 1
    return runs.iloc[::step], ", ".join(f"{name} {like[name]}" for name in variants)


def need_trajectories(results: Results) -> None:
    """Complain where no trajectories were recorded."""
    if results.manifest["experiment"]["record"]["epochs"] == "none":
        raise ResultsError(
            f"{results.folder} has no trajectories.\n"
            "`record.epochs = { log = 50 }` in the experiment file records them."
        )


def need_parameters(results: Results) -> None:
    """Complain where no final parameters were recorded."""
    if not results.manifest["experiment"]["record"]["parameters"]:
        raise ResultsError(
            f"{results.folder} has no final parameters.\n"
            "`record.parameters = true` in the experiment file records them."
        )


def runs_and_trajectories(
    results: Results, columns: Sequence[str], most: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return about so many runs, fewer where each has many epochs, and their trajectories."""
    need_trajectories(results)
    epochs = max(len(_recorded(results)), 1)
    runs = runs_of(results, ["run_id", *columns], max(min(most, _MOST_ROWS // epochs), 20))
    ids: Any = runs["run_id"].to_numpy()
    everything = len(runs) == results.manifest["runs"]
    table = results.trajectories(None if everything else ids, ["run_id", "epoch", "ssr"])
    return runs, table


def _recorded(results: Results) -> Any:
    """Return the epochs that are recorded of a run, or of the longest."""
    try:
        return results.experiment.recorded_epochs
    except ExperimentError:
        return range(results.manifest["experiment"]["training"]["epochs"])
