"""The page of dead ReLU units: measured shares and published probabilities."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.landmarks.page import table
from harness.formatting import duration
from harness.plots import rendered
from harness.plots.scales import set_log_ticks
from harness.plots.style import CATEGORIES, DARK, MARKERS, SLIDE, dress, legend, new_figure


def tell(found: pd.DataFrame, pictures: Path) -> str:
    """Draw the picture, and write the page."""
    (pictures / "dead_relu.png").write_bytes(rendered(draw(found)))
    inside = found["published"].between(found["low"], found["high"])
    furthest = found.loc[_errors(found).abs().idxmax()]
    rows = [
        (
            f"{row.n0}-{row.n1}-1",
            row.law,
            f"{row.published:.6f}",
            f"{row.share:.6f}",
            f"{row.low:.6f} to {row.high:.6f}",
            "yes" if within else "no",
        )
        for row, within in zip(found.itertuples(), inside, strict=True)
    ]
    header = (
        "network",
        "distribution",
        "published",
        "measured",
        "95 % interval",
        "published inside",
    )
    runs, cases, hits = found["runs"].iloc[0], len(found), int(inside.sum())
    return f"""\
Brownlowe, Cornwell, Montes, Quijano, Stulman and Zhang, *Stably unactivated neurons in ReLU neural
networks* (arXiv 2412.06829, 2024), give exact probabilities. A unit of the second layer is dead if
its pre-activation is at most 0 for every input. Weights and biases are drawn independently from
distributions symmetric about 0. With n0 inputs and n1 units in the first layer, a unit is dead
with probability

- 2^-(n1 + 1) if n1 <= n0,
- (2^n0 + 1) / 4^(n0 + 1) if n1 = n0 + 1, which is 3/16 for one input.

Each case here is a sweep of {runs:,} untrained networks.

![Shares of dead units and published probabilities, and their distances](images/dead_relu.png)

*Left: published (bars) and measured (markers). Right: the measured minus the published share, in
standard errors for {runs:,} runs. By chance, 95 % of the distances lie in the grey band.*

{table(header, rows)}

The published probability lies in the 95 % interval (Wilson) in {hits} of {cases} cases, where
chance predicts {0.95 * cases:.1f} on average; the cases have independent random numbers. The
largest distance is {_errors(found).abs().max():.1f} standard errors, for
{furthest["n0"]}-{furthest["n1"]}-1 with {furthest["law"]} weights. Both distributions have the same
probabilities.

## How dead units are detected

Dead units are not detected by trying inputs. The pre-activations h of the first layer fill all of
R^n1 if n1 <= n0, and a hyperplane if n1 = n0 + 1. There the pre-activation of the unit is
b + sum_j w_j max(h_j, 0), which is linear on each of the polyhedra into which the hyperplanes
h_j = 0 divide the space. None of them contains a whole line. So the unit is dead exactly if its
pre-activation is at most 0 at each corner and does not rise along any unbounded edge. The docstring
of [`is_dead`](../../experiments/landmarks/dead_relu/measurements.py) lists the corners and edges.
The tests compare it with linear programs, one for each pattern of active units. The decision is
exact except for rounding.

A sweep of {runs:,} initialisations takes {duration(found["seconds"].min())} to
{duration(found["seconds"].max())} here, including evaluation and writing. All parameters are
recorded: the {cases} sweeps leave {found["bytes"].sum() / 1e9:.1f} GB in
`results/landmarks/dead_relu`, which can be deleted."""


def _errors(found: pd.DataFrame) -> "pd.Series[float]":
    """Return measured minus published shares, in standard errors."""
    chance = found["published"] * (1 - found["published"]) / found["runs"]
    return (found["share"] - found["published"]) / np.sqrt(chance)


def draw(found: pd.DataFrame) -> Figure:
    """Draw shares and probabilities, and their distances."""
    figure, (left, right) = new_figure(SLIDE, 2)
    sizes = found[["n0", "n1"]].drop_duplicates()
    ticks = np.arange(len(sizes))
    laws = found.groupby("law", sort=False)
    heights = found.drop_duplicates(["n0", "n1"])["published"]
    half = 0.32
    left.hlines(heights, ticks - half, ticks + half, color=DARK, linewidth=SLIDE.line)
    right.axhspan(-1.96, 1.96, color="#e8e8e8", linewidth=0, zorder=0)
    right.axhline(0, color=DARK, linewidth=0.5 * SLIDE.line)
    handles = []
    for (law, rows), colour, marker, aside in zip(
        laws, CATEGORIES, MARKERS, (-0.14, 0.14), strict=False
    ):
        look = {"color": colour, "marker": marker, "markersize": 8, "linestyle": "none"}
        handles += left.plot(ticks + aside, rows["share"], label=f"{law} weights", **look)
        right.plot(ticks + aside, _errors(rows), **look)
    left.set_yscale("log")
    set_log_ticks(left.yaxis, 0.03, 0.3)
    left.set_ylim(0.03, 0.3)
    most = max(3.0, 1.2 * _errors(found).abs().max())
    right.set_ylim(-most, most)
    for axes in (left, right):
        axes.set_xticks(ticks, [f"{n0}-{n1}-1" for n0, n1 in sizes.itertuples(index=False)])
    dress(left, SLIDE, x="network", y="share of dead units", title="measured and published")
    dress(right, SLIDE, x="network", y="standard errors", title="measured minus published")
    for axes in (left, right):
        axes.tick_params(axis="x", labelsize=0.7 * SLIDE.font)
    legend(figure, SLIDE, handles)
    return figure
