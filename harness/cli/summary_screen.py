"""Summary of a sweep, in memory that does not grow with the number of runs."""

import math
from collections.abc import Iterator

import pandas as pd

from harness.analysis import ranking, tally
from harness.analysis.measures import ENDINGS
from harness.analysis.tally import Cells, Factor, Tally
from harness.cli.heat_map import Endings, map_cells, show_map
from harness.cli.printing import say, say_table, say_wrapped
from harness.formatting import number, plural
from harness.results import sentences
from harness.results.tables import Results

# Factors with a table of their own, rows of such a table, and best runs listed.
_TABLES = 3
_TABLE_ROWS = 16
_BEST_RUNS = 5


def summarise(results: Results) -> None:
    """Print how the runs ended, the best combination and the best runs, and where the files are.

    Shares are of all runs, and so are medians up to `tally.MOST_VALUES` runs.
    """
    grid, loss = results.grid, ranking.trained_loss(results.run_columns)
    varied = tally.varied(grid)
    whole = Cells([])
    along = [Cells([factor], [_step(factor)], thinned=True) for factor in varied[:_TABLES]]
    over = map_cells(varied[0], varied[1]) if len(varied) > 1 else None
    endings = Endings(grid, varied[0]) if len(varied) == 1 else None
    counts = Tally(grid, [cells for cells in (whole, over, *along) if cells])

    def counted() -> Iterator[pd.DataFrame]:
        for part in results.run_batches(["run_id", "status", "epochs", loss]):
            counts.add(part)
            if endings:
                endings.add(part)
            yield part

    found = ranking.best_of(counted(), _BEST_RUNS)  # in the same pass as the counts
    best = results.in_order(found["run_id"].tolist())
    _say_endings(results, dict(zip(ENDINGS, counts.endings(whole)[0].tolist(), strict=True)))
    said = sentences.best(results, counts, best)
    if said:
        say_wrapped(said)
        say()
    median = f"median {loss}" + (" of a sample" if counts.sampled else "")
    if endings:
        endings.show(loss)
        say()
    if over:
        show_map(over, counts.table(over), median)
        say()
    for cells in along:
        _along(cells, counts.table(cells), median)
        say()
    if varied and counts.sampled:
        say_wrapped(
            f"Medians are of a sample of {counts.values:,} runs, spread evenly over the grid."
            " Counts and shares are of all runs."
        )
        say()
    _best_runs(results, best, loss)
    say()
    _what_next(results)


def _step(factor: Factor) -> int:
    return math.ceil(factor.count / _TABLE_ROWS)


def _say_endings(results: Results, counts: dict[str, int]) -> None:
    """Print the number of runs per ending, and how many are missing."""
    there = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    ended = ", ".join(f"{count:,} {status}" for status, count in ordered if count)
    say(f"{plural(there, 'run')}: {ended}.")
    missing = results.manifest["runs"] - there
    if missing:
        are = "is" if missing == 1 else "are"
        say(f"{plural(missing, 'run')} {are} not trained yet; `harness run FILE` resumes.")
    say()


def _along(cells: Cells, table: pd.DataFrame, median: str) -> None:
    """Print a table of endings along a factor."""
    (factor,), (step,) = cells.factors, cells.steps
    shares = [name for name in ("converged", "diverged", "stopped") if name in table]
    rows = [
        [
            *(sentences.exact(row[name]) for name in factor.names),
            f"{row['runs']:,}",
            *(sentences.percent(row[name]) for name in shares),
            number(row["median"]),
        ]
        for row in table.to_dict("records")
    ]
    headings = [*factor.names, "runs", *shares, median]
    say_table(f"along {factor.title}", headings, rows, fold=True)
    if step > 1:
        say(f"1 of every {step} values is shown")


def _best_runs(results: Results, best: pd.DataFrame, loss: str) -> None:
    """Print the best runs, best first."""
    axes = [axis.name for axis in results.grid.axes if axis.name != "init_id"]
    headings = ["run_id", "init_id", *axes, "status", "epochs", loss]
    rows = [
        [*(sentences.exact(row[name]) for name in headings[:-1]), number(row[loss])]
        for row in best[headings].to_dict("records")
    ]
    say_table(sentences.order_of(best, loss), headings, rows, fold=True)


def _what_next(results: Results) -> None:
    """Print where the tables are, and the commands that show more."""
    files = sorted(path.name for path in results.folder.glob("*.csv")) or ["runs/", "trajectories/"]
    say(f"Tables in {results.folder}: {', '.join(files)}")
    say(f"See it:    harness report {results.folder}")
    say(f"           harness plot {results.folder} map")
