"""Draw the picture of the README from results/dosage. `make docs` runs it."""

from pathlib import Path

import numpy as np

import harness
from harness.analysis.ranking import start_ranks
from harness.plots import Style, rendered
from harness.plots.bins import bins_of
from harness.plots.kinds.map import cells, draw_cells
from harness.plots.kinds.trajectories import draw_lines
from harness.plots.quantities import FINAL_SSR
from harness.plots.scales import set_epochs, span_of
from harness.plots.style import DARK, dress, new_figure

OUT = Path(__file__).parents[1] / "docs" / "images" / "dosage.png"
STYLE = Style(width=10.0, height=4.2, font=10.5, line=1.8, dpi=110)


def main() -> None:
    """Draw the final SSR of all runs, and the SSR by epoch of some."""
    results = harness.open_results("results/dosage")
    runs = results.runs
    fit_at = results.manifest["experiment"]["training"]["tolerance"]
    figure, (left, right) = new_figure(STYLE, 2, width_ratios=[1.15, 1])

    # All runs: one column per learning rate, one row per initialisation.
    ordered = runs.assign(init_id=start_ranks(runs))
    across, up = bins_of(ordered["learning_rate"], 200), bins_of(ordered["init_id"], 200)
    shape = 1, len(up.centres), len(across.centres)
    index = np.zeros(len(ordered), dtype=np.int64), up.of_rows, across.of_rows
    values, _ = cells(ordered, index, shape)
    draw_cells(figure, [left], across, up, values, FINAL_SSR, STYLE)
    dress(
        left,
        STYLE,
        x="learning rate",
        y="starts, those that fit most often first",
        title=f"final SSR of {len(runs):,} trainings (hatched: diverged)",
    )

    # SSR over epochs, at the rate at which most initialisations fit.
    best = (runs["ssr_final"] <= fit_at).groupby(runs["learning_rate"]).sum().idxmax()
    chosen = runs[(runs["learning_rate"] == best) & (runs["init_id"] < 40)]
    ways = results.trajectories(chosen["run_id"], ["run_id", "epoch", "ssr"])
    span = span_of(ways["ssr"])
    draw_lines(figure, right, chosen, ways, span, None, STYLE)
    span.set(right.yaxis, "diverged")
    set_epochs(right, ways["epoch"].max())
    for height, text in ((fit_at, "fits the curve"), (2 / 3, "a flat line at 1/3")):
        right.axhline(height, color=DARK, linestyle=":", linewidth=1)
        right.annotate(text, (0.1, height / 1.1), va="top", fontsize=0.85 * STYLE.font)
    dress(
        right, STYLE, x="epoch", y="SSR", title=f"SSR of {len(chosen)} of them at rate {best:.3g}"
    )

    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(rendered(figure))
    print(OUT)


if __name__ == "__main__":
    main()
