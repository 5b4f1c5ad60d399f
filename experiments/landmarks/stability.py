"""The largest learning rate on a quadratic: 2 over the sharpness, and more with momentum."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import harness
from experiments.landmarks.page import ROOT, Landmark, table
from harness.plots import rendered
from harness.plots.scales import set_log_ticks
from harness.plots.style import CATEGORIES, DARK, SLIDE, dress, new_figure

FILE = ROOT / "experiments" / "stability.toml"
MOMENTA = (0.0, 0.5, 0.9)

# Rates and epochs of each sweep of the bisection. At a rate that is off by a millionth, the error
# grows or falls by 2e-6 per step, which is visible after this number of steps.
RATES, EPOCHS = 64, 400_000
ENOUGH = 1e-8  # of the threshold

# A residual below this fraction of the initial one is rounding.
ROUNDING = 1e-20


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Measurements of the stability threshold.

    Attributes
    ----------
    thresholds : mapping
        By momentum: the highest rate that converges and the lowest that does not, from a bisection.
    sharpness, largest : float
        The largest eigenvalue as harness records it, and from the data points by numpy.
    eigenvalues : array
        Of the Hessian, by numpy.
    ways : DataFrame
        learning_rate, epoch, ssr.
    """

    thresholds: Mapping[float, tuple[float, float]]
    sharpness: float
    largest: float
    eigenvalues: Any
    ways: pd.DataFrame

    def factor(self, rates: Any) -> Any:
        """Return the asymptotic factor of the error per step, in closed form."""
        return np.abs(1 - np.multiply.outer(rates, self.eigenvalues)).max(axis=-1)

    def factors(self) -> "pd.Series[float]":
        """Return the same from the last two epochs of each run above rounding."""
        start = self.ways.groupby("learning_rate")["ssr"].transform("first")
        good = self.ways[(self.ways["ssr"] > ROUNDING * start) & np.isfinite(self.ways["ssr"])]
        last = good.groupby("learning_rate")["ssr"].tail(2).groupby(good["learning_rate"])
        return np.sqrt(last.last() / last.first())


def measure(out: Path, quick: bool) -> Found:
    """Narrow the threshold for each momentum; the quick version stops earlier."""
    experiment = harness.load_experiment(FILE)
    ways = harness.run(experiment, out=out / "ways")
    points = np.column_stack([experiment.data.inputs, np.ones(len(experiment.data.inputs))])
    table = ways.trajectories.merge(ways.runs[["run_id", "learning_rate"]], on="run_id")
    eigenvalues = np.linalg.eigvalsh(points.T @ points)  # the Hessian of half the SSR
    enough, epochs = (1e-4, 4_000) if quick else (ENOUGH, EPOCHS)
    return Found(
        thresholds={
            momentum: _bisect(out / f"momentum-{momentum:g}", momentum, enough, epochs)
            for momentum in MOMENTA
        },
        sharpness=table["sharpness"].iloc[0],
        largest=eigenvalues[-1],
        eigenvalues=eigenvalues,
        ways=table,
    )


def _bisect(out: Path, momentum: float, enough: float, epochs: int) -> tuple[float, float]:
    """Return two neighbouring rates: the first converges and the second does not.

    Each sweep trains many rates; the next one trains rates between two of them.
    """
    low, high, sweeps = 0.01, 2.0, 0
    while high - low > enough * low:
        changes = {
            "training.momentum": momentum,
            "training.epochs": epochs,
            "grid.learning_rate": {"linear": [low, high], "count": RATES},
            "record.epochs": {"linear": 3},
            "record.sharpness": False,
        }
        results = harness.run(harness.load_experiment(FILE, changes), out=out / f"{sweeps}")
        ways = results.trajectories.groupby("run_id")["ssr"]
        first, end = ways.first().to_numpy(), ways.last().to_numpy()
        middle = ways.nth(1).to_numpy()
        falls = np.maximum(end, ROUNDING * first) <= np.maximum(middle, ROUNDING * first)
        fits = falls & (results.runs["status"] != "diverged").to_numpy()
        rates = results.runs["learning_rate"].to_numpy()
        first_above = int(np.flatnonzero(~fits)[0])
        low, high = float(rates[first_above - 1]), float(rates[first_above])
        sweeps += 1
    return low, high


def tell(found: Found, pictures: Path) -> str:
    """Draw the picture, and write the page."""
    (pictures / "stability.png").write_bytes(draw(found))
    rows = []
    for momentum, (low, high) in found.thresholds.items():
        expected = 2 * (1 + momentum) / found.largest
        middle = (low + high) / 2
        rows.append((
            f"{momentum:g}",
            f"{expected:.9f}",
            f"{low:.9f} to {high:.9f}",
            f"{middle / expected - 1:+.0e}",
        ))  # fmt: skip
    header = ("momentum", "2 (1 + momentum) / largest eigenvalue", "measured between", "off by")
    return f"""\
On a quadratic loss, a step of gradient descent multiplies the error along each eigenvector of the
Hessian by 1 - rate x eigenvalue. So it converges exactly for rates below 2 / (largest eigenvalue),
and with momentum for rates below 2 (1 + momentum) / (largest eigenvalue) (Polyak 1964, *Some
methods of speeding up the convergence of iteration methods*).

The loss is half the SSR of a linear network with two weights and a bias on five points. The Hessian
is X'X; according to numpy, its eigenvalues are
{", ".join(f"{value:.4g}" for value in found.eigenvalues)}. The largest is {found.largest:.10f}, and
harness records the sharpness {found.sharpness:.10f}.

![The factor of the error per step, and SSR near the threshold](images/stability.png)

*Left: the factor at the end of {found.ways["learning_rate"].nunique()} runs (dots) and the largest
|1 - rate x eigenvalue| (line). Right: SSR at the rates on both sides of the threshold.*

Sweeps of {RATES} rates narrow the threshold. Each sweep lies between two neighbouring rates of the
previous one: the lower converged and the higher did not.

{table(header, rows)}"""


def draw(found: Found) -> bytes:
    """Draw the factor of a step over the rate, and SSR on both sides of the threshold."""
    figure, (left, right) = new_figure(SLIDE, 2)
    rates = np.linspace(0, found.ways["learning_rate"].max(), 400)
    left.plot(rates, found.factor(rates), color=DARK, linewidth=SLIDE.line)
    left.plot(found.factors(), "o", color=CATEGORIES[0], markersize=6)
    left.axhline(1, color=DARK, linestyle=":", linewidth=1)
    left.axvline(2 / found.largest, color=DARK, linestyle="--", linewidth=1)
    left.set_ylim(0, 2)
    dress(left, SLIDE, x="learning rate", y="factor of a step", title="dashed: 2 / sharpness")
    every = np.sort(found.ways["learning_rate"].unique())
    above = int(np.searchsorted(every, 2 / found.largest))
    shown = every[max(above - 2, 0) : above + 2]
    for colour, rate in zip(CATEGORIES, shown, strict=False):
        way = found.ways[found.ways["learning_rate"] == rate]
        right.plot(way["epoch"], way["ssr"], color=colour, linewidth=SLIDE.line)
        right.annotate(
            f"{rate:g}", (way["epoch"].iloc[-1], way["ssr"].iloc[-1]), (6, 0),
            textcoords="offset points", va="center", color=colour, fontsize=0.85 * SLIDE.font,
        )  # fmt: skip
    right.set_yscale("log")
    chosen = found.ways[found.ways["learning_rate"].isin(shown)]["ssr"]
    set_log_ticks(right.yaxis, chosen.min(), chosen.max())
    dress(right, SLIDE, x="epoch", y="SSR", title="on both sides of it")
    right.margins(x=0.14)
    return rendered(figure)


LANDMARK = Landmark(
    title="The largest learning rate on a quadratic",
    question="Does gradient descent converge exactly for rates below 2 over the largest eigenvalue"
    " of the Hessian?",
    files=("stability.toml",),
    measure=measure,
    tell=tell,
)
