"""What the results of a sweep came to, in memory that does not grow with the number of runs."""

import math
from collections import Counter
from typing import Any

import pandas as pd

from harness.cli.heat_map import show_endings, show_map
from harness.cli.printing import number, plural, say, say_table, say_wrapped
from harness.measures import best_rate
from harness.tables import Results

# Axes that get a table, rows of such a table, and rows of the list of the best runs.
_AXES = 3
_AXIS_ROWS = 16
_BEST_RUNS = 5

# The best value of an axis is found among so many, with its interval in a tenth of a second.
_ENOUGH_RUNS = 10_000

# Runs that medians and shares are taken of; more would take memory and change no digit shown.
_SAMPLE = 300_000


def summarise(results: Results) -> None:
    """Print how the runs ended, along the axes and the best of them, and where the files are."""
    columns = results.run_columns
    axes = columns[columns.index("init_id") + 1 : columns.index("status")]
    measure = "loss_final" if "loss_final" in columns else "ssr_final"

    counts: Counter[Any] = Counter()
    for part in results.run_batches(["status"]):
        counts.update(part["status"].value_counts().to_dict())
    ended = ", ".join(f"{count:,} {status}" for status, count in counts.most_common())
    there = counts.total()
    say(f"{plural(there, 'run')}: {ended}.")
    missing = results.manifest["runs"] - there
    if missing:
        are = "is" if missing == 1 else "are"
        say(f"{plural(missing, 'run')} {are} not trained yet; `harness run FILE` goes on.")
    say()
    across, *others = sorted(axes, key="init_id".__eq__) or [""]
    if across:
        wanted = dict.fromkeys([*axes, "init_id", "status", "ssr_final", measure])
        runs = results.sample_runs(wanted, _SAMPLE)
        _best_value(runs, across)
        _picture(runs, across, others, measure)
        for axis in axes[:_AXES]:
            _along_axis(runs, axis, measure)
            say()
        if len(runs) < there:
            say(f"Medians and shares are from {len(runs):,} runs spread evenly over the grid.")
            say()
    _best(results, axes, measure)
    say()
    _what_next(results)


def _best_value(runs: pd.DataFrame, axis: str) -> None:
    """Print at which value of an axis most runs converge."""
    if axis == "init_id" or len(runs) < 2 * runs[axis].nunique():
        return
    starts = runs["init_id"].unique()
    few = starts[: max(10, _ENOUGH_RUNS * starts.size // len(runs))]
    best = best_rate(runs[runs["init_id"].isin(few)], axis).iloc[0]
    what = f"{best['score']:.0%} of the runs converge"
    if best["scored_by"] != "converged":
        what = f"the median ssr_final is {number(best['score'])}"
    sure = ""
    if best["low"] != best["high"]:
        ends = f"{number(best['low'])} to {number(best['high'])}"
        sure = f", and from other starts it might be {ends}"
    say_wrapped(f"Best {axis}: {number(best[axis])}, where {what}{sure}.")
    say()


def _picture(runs: pd.DataFrame, across: str, others: list[str], measure: str) -> None:
    """Print a map over two axes, or where the runs end along the only one."""
    down = [axis for axis in others if axis != "init_id"]
    if down:
        show_map(runs, across, down[0], measure)
    else:
        show_endings(runs, across, measure)
    say()


def _what_next(results: Results) -> None:
    """Print where the tables are, and which commands show more."""
    files = sorted(path.name for path in results.folder.glob("*.csv")) or ["runs/", "trajectories/"]
    say(f"Tables in {results.folder}: {', '.join(files)}")
    say(f"See it:    harness report {results.folder}")
    say(f"           harness plot {results.folder} map")


def _along_axis(runs: pd.DataFrame, axis: str, measure: str) -> None:
    values = runs[axis].unique().tolist()  # in the order of the grid
    if not isinstance(values[0], str):
        values.sort()
    step = math.ceil(len(values) / _AXIS_ROWS)
    rows = []
    for value in values[::step]:
        group = runs[runs[axis] == value]
        share = group["status"].value_counts(normalize=True)
        rows.append([
            number(value),
            f"{len(group):,}",
            f"{share.get('converged', 0.0):.0%}",
            f"{share.get('diverged', 0.0):.0%}",
            number(float(group[measure].median())),
        ])  # fmt: skip
    headings = [axis, "runs", "converged", "diverged", f"median {measure}"]
    say_table(f"along {axis}", headings, rows)
    if step > 1:
        say(f"1 of every {step} values is shown")


def _best(results: Results, axes: list[str], measure: str) -> None:
    """Print the runs that converged first, or those that came lowest where none converged."""
    converged, lowest = [], []
    for part in results.run_batches(["run_id", "status", "epochs", measure]):
        ended = part[part["status"] == "converged"]
        converged.append(ended.nsmallest(_BEST_RUNS, ["epochs", measure]))
        lowest.append(part.nsmallest(_BEST_RUNS, measure))
    best = pd.concat(converged).nsmallest(_BEST_RUNS, ["epochs", measure])
    title = "first to converge"
    if best.empty:
        best = pd.concat(lowest).nsmallest(_BEST_RUNS, measure)
        title = f"lowest {measure}"
    run_ids = best["run_id"].tolist()
    headings = ["run_id", "init_id", *axes, "status", "epochs", measure]
    table = results.read_runs(headings, run_ids).set_index("run_id", drop=False).loc[run_ids]
    rows = [[number(value) for value in row] for row in table.itertuples(index=False)]
    say_table(title, headings, rows)
