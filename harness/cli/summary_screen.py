"""Summary of a sweep, in memory that does not grow with the number of runs."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis import ranking, tally
from harness.analysis.comparison import paired_axes
from harness.analysis.correlation import rank_correlation
from harness.analysis.effects import OrderedEffect, ordered_effect, paired_effect
from harness.analysis.measures import ENDINGS, is_ordered
from harness.analysis.sampling import in_sample
from harness.analysis.stability import why_diverged
from harness.analysis.tally import Cells, Factor, Tally, is_sample
from harness.cli.heat_map import Endings, map_cells, show_map
from harness.cli.printing import say, say_table, say_wrapped
from harness.experiment.grid import Grid
from harness.formatting import number, plural
from harness.results import findings, sentences
from harness.results.advice import advise
from harness.results.tables import Results

# Factors with a table of their own, rows of such a table, and best runs listed.
_TABLES = 2
_TABLE_ROWS = 8
_BEST_RUNS = 3

# Values of an axis that are compared pair by pair.
_FEW = 4

# Runs that are compared one by one, with each other and with theory.
_SAMPLE = 100_000

# Values of an axis that are enough to tell numbers from names.
_LOOKED_AT = 10_000


def show(results: Results) -> None:
    """Print what `harness show` prints: data points that were left out, and the summary."""
    if left_out := sentences.dropped(results.experiment):
        say_wrapped(left_out)
    summarise(results)


def summarise(results: Results) -> None:
    """Print how the runs ended, what is best and why, what to try next, and where the files are.

    Shares are of all runs, and so are medians up to `tally.MOST_VALUES` runs.

    Raises
    ------
    ResultsError
        No run is trained yet, or none satisfies the condition.
    """
    results.require_runs()
    grid, loss = results.grid, ranking.trained_loss(results.run_columns)
    varied = tally.varied(grid)
    whole = Cells([])
    along = [Cells([factor]) for factor in varied if factor.count <= tally.MOST_COMBINATIONS]
    # A map would show combinations without runs like the best ones.
    mapped = len(varied) > 1 and results.condition is None
    # Neighbours in a sample have nothing in common.
    samples = [factor for factor in varied if is_sample(factor)]
    mapped = mapped and not any(factor in samples for factor in varied[:2])
    over = map_cells(varied[0], varied[1]) if mapped else None
    endings = Endings(grid, varied[0]) if len(varied) == 1 and not samples else None
    counts = Tally(grid, [cells for cells in (whole, over, *along) if cells])
    sample = []

    def counted() -> Iterator[pd.DataFrame]:
        for part in results.run_batches(["run_id", "status", "epochs", loss]):
            counts.add(part)
            if endings:
                endings.add(part)
            sample.append(part[in_sample(grid, part["run_id"].to_numpy(), _SAMPLE / grid.size)])
            yield part

    found = ranking.best_of(counted(), _BEST_RUNS)  # in the same pass as the counts
    best = results.in_order(found["run_id"].tolist())
    _say_endings(results, dict(zip(ENDINGS, counts.endings(whole)[0].tolist(), strict=True)))
    said = sentences.best(results, counts, best)
    if said:
        say_wrapped(said)
        say()
    runs = pd.concat(sample, ignore_index=True)
    # A grid without the axis init_id has one start.
    axes = grid.columns(runs["run_id"].to_numpy())
    runs = runs.assign(init_id=0).assign(**axes)
    tables = {cells.factors[0]: counts.table(cells) for cells in along}
    ranked = counts.ranked()
    names = [name for factor in varied for name in factor.names]
    point = (best if ranked is None else ranked)[names].iloc[0]
    _say_why(results, tables, runs, {name: point[name] for name in names})
    median = f"median {loss}" + (" of a sample" if counts.sampled else "")
    if endings:
        endings.show(loss)
        say()
    if over:
        show_map(over, counts.table(over), median)
        say()
    for factor in samples:
        if factor in tables:
            _what_mattered(factor, tables[factor], median)
    alike = {factor: table for factor, table in tables.items() if factor not in samples}
    for factor, table in list(alike.items())[:_TABLES]:
        if len(table) > 1:
            _along(factor, table, median)
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


def _say_why(
    results: Results,
    tables: Mapping[Factor, pd.DataFrame],
    runs: pd.DataFrame,
    best: Mapping[str, Any],
) -> None:
    """Print what each axis does, why runs diverged, and what to try next.

    `tables` are those along each factor, `runs` are all runs or a sample, with their axes, and
    `best` is the best combination.
    """
    loss = ranking.trained_loss(results.run_columns)
    effects: dict[str, OrderedEffect] = {}
    lines = []
    paired = False
    for factor, table in tables.items():
        if is_sample(factor):
            continue
        axis = _telling_axis(factor, table)
        if len(table) == 1 or axis is None:
            continue
        if axis not in factor.names:
            table, runs = _with_labels(factor, table, runs, results.grid)
        if is_ordered(table[axis]):
            effects[axis] = ordered_effect(table, axis)
        if axis in effects and len(table) > _FEW:
            write = findings.writer(sorted(table[axis]))
            lines.append(findings.ordered_axis(effects[axis], axis, len(table), loss, write))
            continue
        first, *_ = table[axis]
        order = [value for value in ranking.ranked(table)[axis] if value != first]
        on = paired_axes(results.grid, factor.names[0])
        agreed = [name for name in on if name not in factor.names or axis in factor.names]
        effect = paired_effect(runs, axis, [first, *order], agreed)
        if effect:
            paired = True
            named = axis not in factor.names
            lines.append(findings.few_values(effect, axis, len(table), loss, named=named))
    sample = len(runs) if len(runs) < results.run_count else None
    if sample and paired:
        lines.append(f"Pairs are those in a sample of {sample:,} runs.")
    threshold = why_diverged(results.experiment, runs)
    if threshold:
        lines.append(findings.why_diverged(threshold, sample))
    for line in filter(None, lines):
        say_wrapped(line)
    if any(lines):
        say()
    if results.condition is None:  # with one, only a part of the grid is known
        for suggestion in advise(results, effects, best, runs, threshold):
            say_wrapped(suggestion.text)
            say(f'  --set "{suggestion.change}"')
            say()


def _telling_axis(factor: Factor, table: pd.DataFrame) -> str | None:
    """Return an axis whose values tell those of a factor apart.

    If some runs do not have a setting, and no other axis does so by itself, it is that of
    `_with_labels`. None if zipped axes repeat their values otherwise.
    """
    if len(factor.names) == 1:
        return factor.names[0]
    lacking = table[factor.names].isna()
    for name in factor.names:
        if not table[name].duplicated().any() and not lacking[name].any():
            return name
    return factor.title if lacking.any(axis=None) else None


def _with_labels(
    factor: Factor, table: pd.DataFrame, runs: pd.DataFrame, grid: Grid
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add a column to the table of a factor and to runs: the names and values of zipped axes."""
    rows = table[factor.names].to_dict("records")
    labels = pd.Series([sentences.point(factor.names, row) for row in rows], table.index)
    ranks = factor.ranks(grid.coordinates(runs["run_id"].to_numpy())[factor.dimension])
    return (
        table.assign(**{factor.title: labels}),
        runs.assign(**{factor.title: labels.reindex(ranks).to_numpy()}),
    )


def _say_endings(results: Results, counts: dict[str, int]) -> None:
    """Print the number of runs per ending, and how many are missing."""
    there = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    ended = ", ".join(f"{count:,} {status}" for status, count in ordered if count)
    of = f" with {results.condition.text}" if results.condition else ""
    say_wrapped(f"{plural(there, 'run')}{of}: {ended}.")
    missing = results.manifest["runs"] - there
    if missing and not of:
        are = "is" if missing == 1 else "are"
        say(f"{plural(missing, 'run')} {are} not trained yet; `harness run FILE` resumes.")
    say()


def _along(factor: Factor, table: pd.DataFrame, median: str) -> None:
    """Print a table of endings along a factor."""
    step = math.ceil(len(table) / _TABLE_ROWS)
    shares = [name for name in ("converged", "diverged", "stopped") if name in table]
    rows = [
        [
            *(sentences.exact(row[name]) for name in factor.names),
            f"{row['runs']:,}",
            *(sentences.percent(row[name]) for name in shares),
            number(row["median"]),
        ]
        for row in table.iloc[::step].to_dict("records")
    ]
    headings = [*factor.names, "runs", *shares, median]
    say_table(f"along {factor.title}", headings, rows, fold=True)
    if step > 1:
        say(f"1 of every {step} values is shown")


def _what_mattered(factor: Factor, table: pd.DataFrame, median: str) -> None:
    """Print how each axis of a sample goes with the outcome, the strongest first."""
    by_share = table["converged"].nunique() > 1
    outcome = table["converged"] if by_share else -table["median"]
    numbers, names = [], []
    for name in factor.names:
        if not pd.api.types.is_numeric_dtype(table[name]):
            middle = outcome.groupby(table[name], sort=False).agg("mean" if by_share else "median")
            names += [
                [f"{name} {value}", sentences.percent(each) if by_share else number(-each)]
                for value, each in middle.sort_values(ascending=False).items()
            ]
        elif found := rank_correlation(table[name], outcome):
            better = (
                "" if found.low <= 0 <= found.high else "larger" if found.low > 0 else "smaller"
            )
            interval = f"{found.low:.2f} to {found.high:.2f}"
            numbers.append((abs(found.value), [name, f"{found.value:.2f}", interval, better]))
    what = "share that converged" if by_share else median
    if numbers:
        rows = [row for _, row in sorted(numbers, key=lambda pair: -pair[0])]
        headings = ["axis", "rank correlation", "95% interval", "better"]
        say_table(f"what mattered for the {what}, over {len(table):,} points", headings, rows)
        say()
    if names:
        say_table("and for names", ["value", what], names)
        say()


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
    say(f"           harness plot {results.folder} {_fitting_plot(results)}")


def _fitting_plot(results: Results) -> str:
    """Return the kind of plot that suits the grid, with its options."""
    numbers: list[str] = []
    others: list[str] = []
    for factor in tally.varied(results.grid):
        if is_sample(factor):
            return "map"
        some = pd.Series(factor.axes[0].values.take(np.arange(min(factor.length, _LOOKED_AT))))
        (numbers if is_ordered(some) and factor.count > 2 else others).append(factor.names[0])
    if len(numbers) > 1:
        return "map"
    if others:
        return f"compare --by {others[0]}"
    if numbers:
        return "endings" if results.has_tolerance else "map"
    recorded = results.experiment.recorded_epochs.size > 0
    return "trajectories" if recorded else "distribution"
