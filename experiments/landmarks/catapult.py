"""The catapult: a rate above 2 over the curvature moves training to a flatter region."""

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

FILE = ROOT / "experiments" / "catapult.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Measurements of the catapult.

    Attributes
    ----------
    width : int
        n, the hidden units.
    start : float
        f at epoch 0.
    ways : DataFrame
        learning_rate, status, epoch, loss, sharpness, and curvature, (|u|^2 + |v|^2) / n.
    """

    width: int
    start: float
    ways: pd.DataFrame

    @property
    def curvature(self) -> float:
        """The curvature at epoch 0."""
        return float(self.ways["curvature"].iloc[0])

    def way(self, rate: float) -> pd.DataFrame:
        """Return the epochs of the run with a rate."""
        return self.ways[self.ways["learning_rate"] == rate].reset_index(drop=True)

    def furthest(self) -> float:
        """Return the largest relative distance of f^2 and curvature from the recurrence."""
        found = 0.0
        for rate, way in self.ways.groupby("learning_rate"):
            exact = recurrence(self.start, self.curvature, rate, self.width, len(way) - 1)
            shown = (way["loss"] > 1e-12).to_numpy() & (way["loss"] < 1e10).to_numpy()
            for ours, theirs in (
                (2 * way["loss"], exact[:, 0] ** 2),
                (way["curvature"], exact[:, 1]),
            ):
                found = max(found, float(np.abs(ours / theirs - 1)[shown].max()))
        return found

    def ends(self) -> pd.DataFrame:
        """Return one row per rate: status, final loss and curvature, highest relative loss."""
        runs = self.ways.groupby("learning_rate")
        ends = runs[["status", "loss", "curvature", "sharpness"]].last()
        ends["rise"] = runs["loss"].max() / runs["loss"].first()
        ends["phase"] = np.select(
            [ends.index < 2 / self.curvature, ends.index < 4 / self.curvature],
            ["below 2 / curvature", "catapult"],
            "above 4 / curvature",
        )
        return ends.reset_index()


def recurrence(f: float, curvature: float, rate: float, n: int, epochs: int) -> Any:
    """Return f and curvature after each epoch, by the equations of the paper's section 2.

    f' = (1 - rate c + rate^2 f^2 / n) f,    c' = c + (rate f^2 / n) (rate c - 4)
    """
    found = [(f, curvature)]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(epochs):
            f, curvature = (
                (1 - rate * curvature + rate**2 * f**2 / n) * f,
                curvature + rate * f**2 / n * (rate * curvature - 4),
            )
            found.append((f, curvature))
    return np.array(found)


def measure(out: Path, quick: bool) -> Found:
    """Train all rates; the quick version trains for fewer epochs."""
    experiment = harness.load_experiment(FILE, {"training.epochs": 60} if quick else None)
    results = harness.run(experiment, out=out / "catapult")
    _, n, _ = experiment.network.sizes
    names = [f"w{k}" for k in range(1, 2 * n + 1)]
    ways = results.trajectories
    weights = ways[names].to_numpy()
    ways["curvature"] = np.square(weights).sum(axis=1) / n
    runs = results.runs[["run_id", "learning_rate", "status"]]
    kept = ["learning_rate", "status", "epoch", "loss", "sharpness", "curvature"]
    return Found(
        width=n,
        start=float(weights[0, :n] @ weights[0, n:] / np.sqrt(n)),
        ways=ways.drop(columns=names).merge(runs, on="run_id")[kept],
    )


def tell(found: Found, pictures: Path) -> str:
    """Draw the picture, and write the page."""
    (pictures / "catapult.png").write_bytes(draw(found))
    ends, c = found.ends(), found.curvature
    rows = []
    for phase, runs in ends.groupby("phase", sort=False):
        fits = runs[runs["status"] != "diverged"]
        curvature = (
            f"{fits['curvature'].min():.3f} to {fits['curvature'].max():.3f}" if len(fits) else ""
        )
        rows.append((
            phase,
            f"{runs['learning_rate'].min():g} to {runs['learning_rate'].max():g}",
            f"{len(runs)}",
            f"{(runs['rise'] > 1).sum()}",
            f"{(runs['status'] == 'diverged').sum()}",
            curvature,
        ))  # fmt: skip
    header = ("phase", "rates", "runs", "loss rises", "diverged", "curvature at the end")
    thrown = ends[(ends["phase"] == "catapult") & (ends["status"] != "diverged")]
    above = (thrown["curvature"] > 2 / thrown["learning_rate"]).sum()
    diverged = ends.loc[ends["status"] == "diverged", "learning_rate"]
    return f"""\
Lewkowycz, Bahri, Dyer, Sohl-Dickstein and Gur-Ari (*The large learning rate phase of deep learning:
the catapult mechanism*, 2020, arXiv 2003.02218) solve the smallest network with this effect: two
linear layers, f = v.u x / sqrt(n), one data point x = 1, y = 0 and the loss f^2 / 2. Its curvature
is c = (|u|^2 + |v|^2) / n. For rates below 2 / c the loss falls. Between 2 / c and 4 / c it first
rises, which makes c smaller until it is below 2 / rate; then the loss falls to 0. Above 4 / c it
diverges.

Here n = {found.width}, f = {found.start:.3f} and c = {c:.4f} at the start, so that 2 / c =
{2 / c:.4f} and 4 / c = {4 / c:.4f}.

![Loss and curvature by epoch, and the curvature at the end over the rate](images/catapult.png)

*Left and middle: trained runs (lines) and the recurrence of the paper (dots). Right: the final
curvature of each run that did not diverge.*

{table(header, rows)}

- Of the {len(thrown)} catapult runs that settle, {above} end with a curvature above 2 / rate.
- The lowest rate that diverges is {diverged.min():g}. 4 / c is the threshold for wide networks and
  small losses; this network is {found.width} units wide.
- In each run f^2 and c agree with the paper's recurrence to a relative error of
  {found.furthest():.0e} as long as the loss is above 1e-12.
- At a loss of 0, the curvature is the largest eigenvalue of the Hessian. There, the recorded
  sharpness differs from it by at most {_sharpness_off(ends):.0e}."""


def _sharpness_off(ends: pd.DataFrame) -> float:
    settled = ends[ends["loss"] < 1e-20]
    return float((settled["sharpness"] / settled["curvature"] - 1).abs().max())


def draw(found: Found) -> bytes:
    """Draw loss and curvature for some rates, and the final curvature for all."""
    figure, (left, middle, right) = new_figure(SLIDE, 3)
    ends, c = found.ends(), found.curvature
    every = ends["learning_rate"].to_numpy()
    epochs = 40
    for colour, times in zip(CATEGORIES, (1.0, 2.2, 3.0, 3.6), strict=False):
        rate = every[np.abs(every - times / c).argmin()]
        way = found.way(rate).head(epochs + 1)
        exact = recurrence(found.start, c, rate, found.width, epochs)[: len(way)]
        for axes, ours, theirs in (
            (left, way["loss"], exact[:, 0] ** 2 / 2),
            (middle, way["curvature"], exact[:, 1]),
        ):
            axes.plot(way["epoch"], ours, color=colour, linewidth=SLIDE.line, label=f"{rate:g}")
            axes.plot(way["epoch"][::4], theirs[::4], "o", color=colour, markersize=4)
        middle.axhline(2 / rate, color=colour, linestyle=":", linewidth=1)
    left.set_yscale("log")
    left.set_ylim(1e-8, 1e4)
    set_log_ticks(left.yaxis, 1e-8, 1e4)
    middle.set_ylim(0, 1.2 * c)
    left.legend(title="rate", frameon=False, fontsize=0.8 * SLIDE.font, loc="upper right")
    settled = ends[ends["status"] != "diverged"]
    right.plot(settled["learning_rate"], settled["curvature"], "o", color=DARK, markersize=5)
    rates = np.linspace(0.8 / c, every.max(), 200)
    right.plot(rates, 2 / rates, color=CATEGORIES[0], linewidth=SLIDE.line)
    right.annotate("2 / rate", (rates[20], 2 / rates[20]), (8, 4), textcoords="offset points",
                   color=CATEGORIES[0], fontsize=0.85 * SLIDE.font)  # fmt: skip
    for times in (2, 4):
        right.axvline(times / c, color=DARK, linestyle="--", linewidth=1)
        right.annotate(f"{times} / c", (times / c, 1.6 * c), (4, -14), textcoords="offset points",
                       fontsize=0.85 * SLIDE.font)  # fmt: skip
    right.set_ylim(0, 1.6 * c)
    dress(left, SLIDE, x="epoch", title="loss", room=0.3)
    dress(middle, SLIDE, x="epoch", title="c (dotted: 2 / rate)", room=0.3)
    dress(right, SLIDE, x="learning rate", title="c at the end", room=0.3)
    return rendered(figure)


LANDMARK = Landmark(
    title="The catapult",
    question="What happens if the learning rate is too large for the initial parameters?",
    files=("catapult.toml",),
    measure=measure,
    tell=tell,
)
