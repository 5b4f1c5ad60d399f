"""The page of optimisers: two pictures, a table for each file, and the published shares."""

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.landmarks.optimisers.measurements import (
    ADAM,
    OF_ADAM,
    RPROP,
    WORKS,
    Found,
    decades,
    epochs_by_rate,
    interval,
    losses_by_rate,
    middle,
)
from experiments.landmarks.optimisers.pictures import draw_schedules, draw_shares
from experiments.landmarks.page import table
from harness.analysis.measures import share_interval


def tell(found: Found, pictures: Path) -> str:
    """Draw the two pictures, and write the page."""
    (pictures / "optimisers_shares.png").write_bytes(draw_shares(found))
    (pictures / "optimisers_schedules.png").write_bytes(draw_schedules(found))
    starts, xor_starts = (runs["init_id"].nunique() for runs in (found.dosage, found.xor))
    rates = found.dosage["learning_rate"].nunique()
    epochs, xor_epochs = (runs["epochs"].max() for runs in (found.dosage, found.xor))
    return f"""\
Seven optimisers, with the default settings of PyTorch, at {rates} learning rates. All have the same
starts: {starts} of the 1-2-1 softplus network on the dosage curve, and {xor_starts} of the 2-2-1
sigmoid network on exclusive or. A run converges if it reaches the tolerance of its file within
{epochs:,} and {xor_epochs:,} epochs. Every update sees all data points.

![Share of the starts that converge, by learning rate](images/optimisers_shares.png)

*Bands: 95 % intervals (Wilson). Dashed: {100 * WORKS:.0f} %, the share from which a learning rate
counts as one that works.*

## The dosage curve

{_tell_optimisers(found.dosage)}

## Exclusive or

{_tell_optimisers(found.xor)}

*Best: the rate at which most starts converge. It is chosen by the same runs, so that the shares are
a little too high. Median epoch: there, over all starts, converged or not. Width: of the widest
range of rates that work, in powers of ten. Intervals are 95 %: Wilson's for shares; for epochs and
widths the bootstrap over starts.*

{_tell_contrast(found)}

## Against published shares

{_tell_published(found)}

## Schedules

{_tell_schedules(found.schedules)}"""


def percent(share: float, low: float, high: float) -> str:
    """Return a share with its interval."""
    return f"{100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _epochs(found: float) -> str:
    return f"{found:,.0f}" if np.isfinite(found) else "never"


def best(runs: pd.DataFrame, optimiser: str) -> tuple[float, np.ndarray]:
    """Return the learning rate at which most starts converge, and the epochs there (starts,)."""
    rates, epochs = epochs_by_rate(runs, optimiser)
    at = int(np.argmax(np.isfinite(epochs).mean(axis=1)))
    return float(rates[at]), epochs[at]


def _tell_optimisers(runs: pd.DataFrame) -> str:
    rows = []
    for name in runs["optimiser"].unique():
        rates, epochs = epochs_by_rate(runs, name)
        rate, there = best(runs, name)
        solved = np.isfinite(there)
        low, high = share_interval(solved.sum(), solved.size)
        first, last = interval(there, middle)
        width = decades(rates, epochs)
        narrow, wide = interval(epochs, lambda drawn, rates=rates: decades(rates, drawn))
        rows.append((
            str(name),
            f"{rate:.2g}",
            percent(solved.mean(), low, high),
            f"{_epochs(float(middle(there)))} ({_epochs(first)} to {_epochs(last)})",
            f"{width:.2f} ({narrow:.2f} to {wide:.2f})",
        ))  # fmt: skip
    header = ("optimiser", "best rate", "converged there", "median epoch", "width")
    return table(header, rows)


def _tell_contrast(found: Found) -> str:
    """Compare two optimisers on both data sets."""
    shares = {
        (data, name): np.isfinite(best(runs, name)[1]).mean()
        for data, runs in (("dosage", found.dosage), ("xor", found.xor))
        for name in ("sgd", "adam")
    }
    return (
        "At their best rates, adam and sgd converge from"
        f" {100 * shares['dosage', 'adam']:.0f} and {100 * shares['dosage', 'sgd']:.0f} % of the\n"
        f"starts on the dosage curve, and from {100 * shares['xor', 'adam']:.0f} and"
        f" {100 * shares['xor', 'sgd']:.0f} % on exclusive or."
    )


def _tell_published(found: Found) -> str:
    solved = found.rprop["status"] == "converged"
    measured = percent(solved.mean(), *share_interval(solved.sum(), solved.size))
    rows = [("2-3-1, rprop", f"{100 * RPROP:.0f} %", measured)]
    for (activation, scheme), published in ADAM.items():
        runs = found.adam
        group = runs[(runs["activation"] == activation) & (runs["init_scheme"] == scheme)]
        solved = group["accuracy_final"] == 1
        spread = share_interval(round(published * OF_ADAM), OF_ADAM)
        rows.append((
            f"2-4-1, adam, {activation}, {scheme}",
            percent(published, *spread),
            percent(solved.mean(), *share_interval(solved.sum(), solved.size)),
        ))  # fmt: skip
    right = found.moons["accuracy_final"] == 1
    shares = percent(right.mean(), *share_interval(right.sum(), right.size))
    rows.append(("2-16-16-1, sgd with a penalty, two moons", "1 of 1", shares))
    return f"""\
Shares of the initialisations that learn exclusive or, and the two moons. The 2-3-1 network
(stats.stackexchange.com, question 129472) has learnt it at a root mean square error of 0.05, within
10,000 epochs; the number of runs is not given. For the 2-4-1 network (an unreviewed study of
{OF_ADAM} initialisations, with 200 steps of Adam at a rate of 0.01) the criterion is not stated;
here it is that all four answers are right. The 2-16-16-1 network is that of the demonstration of
micrograd, in which one run has all 100 points right after 100 steps.

{table(("network and training", "published", "measured"), rows)}"""


def _tell_schedules(runs: pd.DataFrame) -> str:
    rows = []
    for name in runs["schedule"].unique():
        rates, losses = losses_by_rate(runs, name)
        at = int(np.argmin(middle(losses)))
        low, high = interval(losses[at], middle)
        rows.append(
            (str(name), f"{rates[at]:.2g}", f"{middle(losses)[at]:.4f} ({low:.4f} to {high:.4f})")
        )
    starts = runs["init_id"].nunique()
    return f"""\
A 1-8-1 tanh network on 60 noisy points of a sine, with batches of 5 and a momentum of 0.9, from
{starts} starts; 200 further points are held out. The variance of the noise is 0.01.

![Median loss on held-out data by learning rate and schedule](images/optimisers_schedules.png)

*Bands: 95 % intervals of the median (bootstrap over starts). A line ends where most runs diverge.
The learning rate is that at the start, and with one_cycle the largest.*

{table(("schedule", "best rate", "median loss on held-out data"), rows)}"""
