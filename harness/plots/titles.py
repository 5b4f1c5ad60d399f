"""What stands above a picture, and the names of inputs and outputs."""

import pandas as pd

from harness.analysis.ranking import trained_loss
from harness.formatting import plural
from harness.plots.reading import all_axes, axes_of
from harness.plots.scales import label_of
from harness.results.sentences import exact
from harness.results.tables import Results


def run_title(results: Results, run_id: int, row: "pd.Series[float]") -> str:
    """Return a title that says which run a picture is of, and how it ended."""
    axes = [name for name in all_axes(results) if name != "init_id"]
    parts = [f"{label_of(name)} {exact(row[name])}" for name in axes]
    where = f" ({', '.join(parts[:3])})" if parts else ""
    loss = trained_loss(row.index)
    return (
        f"run {run_id:,}{where}: {row['status']} at {'SSR' if loss == 'ssr_final' else 'loss'}"
        f" {row[loss]:.3g} after {plural(int(row['epochs']), 'epoch')}"
    )


def sampled(results: Results, drawn: int, text: str) -> str:
    """Return a title that says of how many runs a picture is."""
    there = results.manifest["runs"]
    return text.format(("" if drawn == there else f"{drawn:,} of ") + plural(there, "run"))


def over_others(results: Results, drawn: int, axes: list[str], text: str = "{}") -> str:
    """Return a title that says over which other axes a picture takes its runs together."""
    others = [label_of(name) for name in axes_of(results) if name not in axes]
    over = f", over all {' and '.join(others)}" if others else ""
    return sampled(results, drawn, text) + over


def called(results: Results, what: str) -> list[str]:
    """Return the names of the columns of a data file, or none."""
    data = results.manifest["experiment"]["data"]
    names = data.get(what) or []
    if not all(isinstance(name, str) for name in names):
        return []
    note = ", standardised" if what in data["standardise"] else ""
    return [name.replace("_", " ") + note for name in names]
