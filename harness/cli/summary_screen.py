"""What the results of a sweep came to, read column by column: there may be 10^7 runs."""

import math

from harness.cli.printing import number, plural, say, say_table
from harness.tables import Results

# Axes that get a table, rows of such a table, and rows of the list of the best runs.
_AXES = 3
_AXIS_ROWS = 16
_BEST_RUNS = 5


def summarise(results: Results) -> None:
    """Print how the runs ended, along the axes and the best of them, and where the files are."""
    columns = results.run_columns
    axes = columns[columns.index("init_id") + 1 : columns.index("status")]
    measure = "loss_final" if "loss_final" in columns else "ssr_final"

    counts = results.read_runs(["status"])["status"].value_counts()
    ended = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
    there = int(counts.sum())
    say(f"{plural(there, 'run')}: {ended}.")
    missing = results.manifest["runs"] - there
    if missing:
        are = "is" if missing == 1 else "are"
        say(f"{plural(missing, 'run')} {are} not trained yet; `harness run FILE` goes on.")
    say()
    for axis in axes[:_AXES]:
        _along_axis(results, axis, measure)
        say()
    _best(results, axes, measure)
    say()
    files = sorted(path.name for path in results.folder.glob("*.csv")) or ["runs/", "trajectories/"]
    say(f"Tables in {results.folder}: {', '.join(files)}")


def _along_axis(results: Results, axis: str, measure: str) -> None:
    runs = results.read_runs([axis, "status", measure])
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
    runs = results.read_runs(["run_id", "status", "epochs", measure])
    converged = runs[runs["status"] == "converged"]
    if len(converged):
        title, best = "first to converge", converged.nsmallest(_BEST_RUNS, ["epochs", measure])
    else:
        title, best = f"lowest {measure}", runs.nsmallest(_BEST_RUNS, measure)
    run_ids = best["run_id"].tolist()
    headings = ["run_id", "init_id", *axes, "status", "epochs", measure]
    table = results.read_runs(headings, run_ids).set_index("run_id", drop=False).loc[run_ids]
    rows = [[number(value) for value in row] for row in table.itertuples(index=False)]
    say_table(title, headings, rows)
