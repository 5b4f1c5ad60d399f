"""The table of plots in docs/results.md has every kind, with its summary and its options."""

import re
from pathlib import Path

from harness.plots.kinds import KINDS, load_kind

TEXT = (Path(__file__).parents[2] / "docs" / "results.md").read_text("utf-8")


def test_the_table_of_plots_is_that_of_the_kinds():
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.*) \|$", TEXT.partition("## Plots")[2], re.M)
    for (name, summary, options), kind in zip(rows, KINDS, strict=True):
        entry = load_kind(kind)
        takes = ", ".join(f"`--{option.replace('_', '-')}`" for option in entry.takes)
        assert (name, f"{summary}.", options) == (kind, entry.summary, takes)
