"""Titles of plots: the runs shown, and the number in the sweep."""

import pandas as pd

from harness.analysis.ranking import trained_loss
from harness.formatting import listed, plural
from harness.plots.reading import all_axes, varied_axes
from harness.plots.scales import label_of, one_of
from harness.plots.series import short
from harness.results.tables import Results


def run_title(results: Results, run_id: int, row: "pd.Series[float]") -> str:
    """Return the title of a plot of one run: its settings, and how it ended."""
    axes = [name for name in all_axes(results) if name != "init_id"]
    known = [name for name in axes if not pd.isna(row[name])]
    settings = ", ".join(f"{label_of(name)} {short(row[name])}" for name in known[:3])
    where = f" ({settings})" if settings else ""
    loss = trained_loss(row.index)
    return (
        f"run {run_id}{where}: {row['status']} at {'SSR' if loss == 'ssr_final' else 'loss'}"
        f" {row[loss]:.3g} after {plural(int(row['epochs']), 'epoch')}"
    )


def count_runs(results: Results, drawn: int) -> str:
    """Return the number of runs in a plot, with the number in the sweep if it is another.

    This is "24 runs", or "5,012 of 100,000 runs".
    """
    total = results.run_count
    return plural(total, "run") if drawn == total else f"{drawn:,} of {plural(total, 'run')}"


def over_others(results: Results, axes: list[str]) -> str:
    """Return the end of a title that names the axes which a plot does not tell apart.

    Those in a condition are left out: it may fix them, and the caption has it.
    """
    fixed = results.condition.columns if results.condition else ()
    others = [name for name in varied_axes(results) if name not in axes and name not in fixed]
    if others == ["init_id"]:
        return f", over all {label_of('init_id')}"
    return f", over every {listed([one_of(name) for name in others])}" if others else ""
