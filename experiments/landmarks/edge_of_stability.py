"""The edge of stability: sharpness rises to 2 over the learning rate and hovers there."""

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
from harness.plots.style import CATEGORIES, DARK, SLIDE, dress, legend, new_figure

TOY, TEACHING = "edge_of_stability", "edge_teaching"
DEGREES = (3, 4, 5)

# Sharpness at the edge is measured over this last fraction of the epochs.
LAST = 0.25

# A run has reached the edge when its sharpness reaches this fraction of 2 / rate.
NEAR = 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Measurements of the edge of stability.

    Attributes
    ----------
    toy : mapping
        By degree: learning_rate, epoch, loss, sharpness, and edge, the sharpness over 2 / rate.
    teaching : DataFrame
        The same for the setting for a class.
    """

    toy: Mapping[int, pd.DataFrame]
    teaching: pd.DataFrame


def measure(out: Path, quick: bool) -> Found:
    """Train all settings; the quick version trains one degree for fewer epochs."""
    toy = {}
    for degree in DEGREES[1:2] if quick else DEGREES:
        changes = {"data.degree": degree} | ({"training.epochs": 6000} if quick else {})
        toy[degree] = _train(TOY, changes, out / f"degree-{degree}")
    changes = {"training.epochs": 1500} if quick else {}
    return Found(toy=toy, teaching=_train(TEACHING, changes, out / "teaching"))


def _train(name: str, changes: Mapping[str, Any], out: Path) -> pd.DataFrame:
    experiment = harness.load_experiment(ROOT / "experiments" / f"{name}.toml", changes)
    results = harness.run(experiment, out=out)
    runs = results.runs
    if "learning_rate" not in runs:
        runs = runs.assign(learning_rate=experiment.training.learning_rate)
    ways = results.trajectories.merge(runs[["run_id", "learning_rate"]], on="run_id")
    ways["edge"] = ways["sharpness"] * ways["learning_rate"] / 2
    return ways[["learning_rate", "epoch", "loss", "sharpness", "edge"]]


def row_of(way: pd.DataFrame) -> dict[str, float]:
    """Return a summary of a run.

    Returns
    -------
    dict
        `reached`, the first recorded epoch with a sharpness near 2 / rate, after one where it was
        lower; `median`, `low`, `high`: the median, and the 5 % and 95 % quantiles, of sharpness
        over 2 / rate in the last part; `rises`, the share of recorded epochs at which the loss is
        above that of the one before, from there on; `loss` at the end. NaN if it never reached
        the edge.
    """
    edge, loss = way["edge"].to_numpy(), way["loss"].to_numpy()
    below = np.maximum.accumulate(edge < NEAR)
    there = np.flatnonzero(below & (edge >= NEAR))
    last = edge[int((1 - LAST) * len(edge)) :]
    low, median, high = np.quantile(last, [0.05, 0.5, 0.95]).tolist()
    rises = np.mean(np.diff(loss[there[0] :]) > 0) if there.size else np.nan
    return {
        "reached": float(way["epoch"].iloc[there[0]]) if there.size else np.nan,
        "low": low,
        "median": median,
        "high": high,
        "rises": float(rises),
        "loss": float(loss[-1]),
    }


def tell(found: Found, pictures: Path) -> str:
    """Draw the pictures, and write the page."""
    (pictures / "edge_of_stability.png").write_bytes(draw_toy(found))
    (pictures / "edge_teaching.png").write_bytes(draw_teaching(found))
    rows, at_edge = [], []
    for degree, ways in found.toy.items():
        for rate, way in ways.groupby("learning_rate"):
            one = row_of(way)
            came = not np.isnan(one["reached"])
            at_edge += [one["median"]] * came
            rows.append((
                f"{degree}",
                f"{rate:g}",
                f"{2 / rate:g}",
                f"{way['sharpness'].iloc[0]:.1f}",
                f"{one['reached']:,.0f}" if came else "not reached",
                f"{one['median']:.3f} ({one['low']:.3f} to {one['high']:.3f})",
                f"{one['rises']:.0%}" if came else "",
                f"{one['loss']:.2g}",
            ))  # fmt: skip
    header = (
        "degree", "rate", "2 / rate", "sharpness at the start", "edge at epoch",
        "sharpness x rate / 2 in the last quarter", "loss rises", "loss at the end",
    )  # fmt: skip
    class_ = row_of(found.teaching)
    rate = found.teaching["learning_rate"].iloc[0]
    epochs = max(way["epoch"].max() for way in found.toy.values())
    return f"""\
On a quadratic, gradient descent diverges if the sharpness, the largest eigenvalue of the
Hessian, is above 2 / rate. Cohen, Kaur, Li, Kolter and Talwalkar (*Gradient descent on neural
networks typically occurs at the edge of stability*, 2021, arXiv 2103.00065) found that full-batch
gradient descent on networks raises the sharpness to exactly that value and then continues to train:
the sharpness hovers at or just above 2 / rate, and the loss still falls in the long run, but not
in every step.

## One hidden layer

Their toy setting: 100 tanh units fitted to a Chebyshev polynomial of degree 3, 4 or 5 at 20 points,
Glorot's initialisation times 1.9, mean of squares, {epochs:,} epochs, sharpness recorded every
100th.

![Sharpness and loss by epoch](images/edge_of_stability.png)

*Dashed: 2 / rate, in the colour of the rate. One row per degree.*

{table(header, rows)}

Of the {len(rows)} runs, {len(at_edge)} reach the edge (at least {NEAR} of 2 / rate, from below).
In their last quarter, the median of sharpness over 2 / rate is {min(at_edge):.3f} to
{max(at_edge):.3f}. A run that starts above 2 / rate falls below it in its first steps and
climbs back. The others are still below it at their last epoch. *Loss rises* is the share of
recorded epochs, from the edge on, at which the loss is above that of the one before.

## A setting for a class

Two hidden layers of 30 and 20 tanh units, degree 6, rate {rate:g}, so that the edge is at
{2 / rate:g}.

![Sharpness and loss of the setting for a class](images/edge_teaching.png)

*Every fifth epoch is recorded.*

It reaches the edge at epoch {class_["reached"]:,.0f}. In its last quarter, the median of the
sharpness is {class_["median"]:.3f} of 2 / rate ({class_["low"]:.3f} to {class_["high"]:.3f}, from
5 to 95 %). From the edge on, the loss rises at {class_["rises"]:.0%} of the recorded epochs, but
it still falls from {found.teaching["loss"].iloc[0]:.2g} to {class_["loss"]:.2g}."""


def draw_toy(found: Found) -> bytes:
    """Draw sharpness and loss of all runs, one row per degree."""
    count = len(found.toy)
    figure, _ = new_figure(SLIDE)
    figure.clear()
    figure.set_size_inches(SLIDE.width, 1.0 + 2.6 * count)
    panels = figure.subplots(count, 2, squeeze=False, sharex=True)
    for (left, right), (degree, ways) in zip(panels, found.toy.items(), strict=True):
        for colour, (rate, way) in zip(CATEGORIES, ways.groupby("learning_rate"), strict=False):
            left.plot(
                way["epoch"], way["sharpness"], color=colour, linewidth=1, label=f"rate {rate:g}"
            )
            left.axhline(2 / rate, color=colour, linestyle="--", linewidth=1)
            right.plot(way["epoch"], way["loss"], color=colour, linewidth=1)
        left.set_ylim(0, 1.1 * 2 / ways["learning_rate"].min())
        right.set_yscale("log")
        set_log_ticks(right.yaxis, ways["loss"].min(), ways["loss"].max())
        dress(left, SLIDE, title=f"sharpness, degree {degree}", room=0.45)
        dress(right, SLIDE, title="loss", room=0.45)
    for axes in panels[-1]:
        axes.set_xlabel("epoch", fontsize=SLIDE.font)
    legend(figure, SLIDE, panels[0, 0].get_lines()[::2])
    return rendered(figure)


def draw_teaching(found: Found) -> bytes:
    """Draw sharpness and loss of the setting for a class."""
    figure, (left, right) = new_figure(SLIDE, 2)
    way = found.teaching
    left.plot(way["epoch"], way["sharpness"], color=CATEGORIES[0], linewidth=1)
    left.axhline(2 / way["learning_rate"].iloc[0], color=DARK, linestyle="--", linewidth=1.5)
    right.plot(way["epoch"], way["loss"], color=CATEGORIES[1], linewidth=1)
    right.set_yscale("log")
    set_log_ticks(right.yaxis, way["loss"].min(), way["loss"].max())
    left.set_ylim(0, 1.5 * 2 / way["learning_rate"].iloc[0])
    dress(left, SLIDE, x="epoch", title="sharpness (dashed: 2 / rate)", room=0.45)
    dress(right, SLIDE, x="epoch", title="loss", room=0.45)
    return rendered(figure)


LANDMARK = Landmark(
    title="The edge of stability",
    question="Does the sharpness of a network rise to 2 / learning rate, and stay there?",
    files=(f"{TOY}.toml", f"{TEACHING}.toml"),
    measure=measure,
    tell=tell,
)
