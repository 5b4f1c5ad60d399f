"""The page of TensorFlow Playground: two pictures, and the published and the measured numbers."""

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.landmarks.generalisation.measurements import (
    CRITERIA,
    DONE,
    FIXED,
    GROUP,
    NEW,
    SETS,
    SPIRAL,
    Found,
    by_data,
    interval,
    ratios,
)
from experiments.landmarks.generalisation.pictures import draw_resets, draw_runs
from experiments.landmarks.page import table

# Names of the data sets in the Playground.
TITLES = {
    "circle": "circle",
    "clouds": "exclusive or",
    "two_gaussians": "two Gaussians",
    "spirals": "spiral",
}


def tell(found: Found, pictures: Path) -> str:
    """Draw the two pictures, and write the page."""
    (pictures / "generalisation_runs.png").write_bytes(draw_runs(found, TITLES))
    (pictures / "generalisation_resets.png").write_bytes(draw_resets(found))
    count, epochs = len(runs_of(found, "circle")), found.runs["epochs"].max()
    data_sets = found.runs["split_seed"].nunique()
    return f"""\
[TensorFlow Playground](https://github.com/tensorflow/playground) (Smilkov, Carter, Sculley, Viegas
and Wattenberg 2017) trains one small network in the browser, from other weights after each reset.
What people report is one run. Here are {count:,} runs of each data set, with the settings that it
starts with: tanh units in layers of 4 and 2 and in the output, a learning rate of 0.03, batches of
10, weights from -0.5 to 0.5, biases of 0.1, and 500 data points without noise, half of them held
out.

- The test loss is half the mean of squares over the held-out data, as in the Playground. Its
  updates follow the gradient of half the squared error, averaged over a batch. That is half the
  gradient of `mse`, so the files have a rate of 0.015.
- There are {data_sets} data sets or splits, with {count // data_sets} initialisations each.
  Intervals are 95 % (bootstrap over these {data_sets}).
- Random numbers are not those of the Playground. It shuffles its data points once; here their order
  is another one for each epoch, unless stated otherwise.

## Until it is done

Reported (Code for Cause, Medium, 519d1a9667c3): the circle was done after about {DONE["circle"]}
epochs, and exclusive or after about {DONE["clouds"]}, one run each. What counts as done is not
stated. Here a run is done once its test loss is at most {CRITERIA[0]:g}, {CRITERIA[1]:g} or
{CRITERIA[2]:g}, within {epochs:,} epochs.

![Share of runs done by epoch, and final test losses of the spiral](images/generalisation_runs.png)

*Left: the share of runs whose test loss has reached {CRITERIA[1]:g}; dots: the published epochs, at
one half. Right: the test loss on the spiral at the end; the line is the published run.*

{_tell_done(found)}

{_tell_orders(found)}

## The spiral

Reported by the same author: a test loss of {SPIRAL} after 3,509 epochs.

{_tell_spirals(found)}

## Five resets

{_tell_resets(found)}"""


def runs_of(found: Found, name: str, order: str = NEW) -> pd.DataFrame:
    """Return the runs of a data set."""
    return found.runs[(found.runs["set"] == name) & (found.runs["order"] == order)]


def middle(epochs: np.ndarray) -> float:
    """Return the median, the lower one of two: half of the runs need at most that many epochs."""
    return float(np.quantile(epochs, 0.5, method="inverted_cdf"))


def _epochs(found: float) -> str:
    """Return a number of epochs as text; infinity stands for runs that are never done."""
    return f"{found:,.0f}" if np.isfinite(found) else "never"


def _middle_epoch(runs: pd.DataFrame, criterion: float) -> str:
    """Return the median epoch at which the criterion was met, with its interval."""
    epochs = by_data(runs, criterion)
    if not np.isfinite(epochs).any():
        return "never"
    low, high = interval(epochs, middle)
    return f"{_epochs(middle(epochs))} ({_epochs(low)} to {_epochs(high)})"


def _ratio(found: float) -> str:
    """Return a ratio as text, with two decimals below 10."""
    return f"{found:.2f}" if found < 10 else f"{found:,.0f}"


def _tell_done(found: Found) -> str:
    rows = []
    for name in SETS[:-1]:
        runs = runs_of(found, name)
        for criterion in CRITERIA:
            done = np.isfinite(by_data(runs, criterion))
            low, high = interval(done, np.mean)
            tenth, most = np.quantile(runs[criterion], [0.1, 0.9], method="inverted_cdf")
            rows.append((
                TITLES[name],
                f"about {DONE[name]}" if name in DONE else "",
                f"{criterion:g}",
                f"{100 * done.mean():.1f} % ({100 * low:.1f} to {100 * high:.1f})",
                _middle_epoch(runs, criterion),
                f"{_epochs(tenth)} to {_epochs(most)}",
            ))  # fmt: skip
    header = ("data set", "published", "test loss", "done", "median epoch", "10 % to 90 % of runs")
    circle, clouds = (
        " %, ".join(
            f"{100 * np.mean(runs_of(found, name)[each] <= epoch):.0f}" for each in CRITERIA
        )
        for name, epoch in DONE.items()
    )
    never = np.isinf(runs_of(found, "clouds")[CRITERIA[0]]).mean()
    spirals = np.isfinite(runs_of(found, "spirals")[CRITERIA[0]]).sum()
    return f"""\
{table(header, rows)}

*Median and percentiles are those of all runs, done or not. Epochs count up to the next recorded
one, at most 3 % later.*

Within the published epochs, {circle} % of the runs on the circle are done by the
three criteria, and {clouds} % of those on exclusive or. One run does not show that
{100 * never:.0f} % of the runs on exclusive or never reach {CRITERIA[0]:g}. On the spiral,
{spirals or "no"} runs reach it."""


def _tell_orders(found: Found) -> str:
    rows = []
    for name in SETS:
        by_order = [runs_of(found, name, order) for order in (NEW, FIXED)]
        losses = []
        for runs in by_order:
            each = by_data(runs, "test_loss")
            low, high = interval(each, np.median)
            losses.append(f"{np.median(each):.3g} ({low:.3g} to {high:.3g})")
        epochs = (_middle_epoch(runs, CRITERIA[1]) for runs in by_order)
        rows.append((TITLES[name], *epochs, *losses))
    header = ("data set", "epoch: new order", "fixed order", "final loss: new order", "fixed order")
    return f"""\
With another order of the data points for each epoch, and with one order as in the Playground:
medians of the epoch at which the test loss reaches {CRITERIA[1]:g}, and of the final test loss.

{table(header, rows)}"""


def _tell_spirals(found: Found) -> str:
    levels = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
    rows = []
    for order in (NEW, FIXED):
        losses = by_data(runs_of(found, "spirals", order), "test_loss")
        low, high = interval(losses <= SPIRAL, np.mean)
        share = 100 * np.mean(losses <= SPIRAL)
        quantiles = (f"{loss:.3f}" for loss in np.quantile(losses, levels))
        rows.append((order, *quantiles, f"{share:.0f} % ({100 * low:.0f} to {100 * high:.0f})"))
    header = ("order", *(f"{100 * level:g} %" for level in levels), f"at most {SPIRAL}")
    accuracy = runs_of(found, "spirals")["accuracy"]
    return f"""\
{table(header, rows)}

*Quantiles of the test loss, and the share of runs that end no higher than the published one.*

This network is too small for the spiral. The median accuracy on held-out data is
{accuracy.median():.2f}, and the best of {len(accuracy):,} runs has {accuracy.max():.2f}. A network
that always answers 0 has a test loss of 0.5. [spirals.toml](../../experiments/spirals.toml) has
wider networks."""


def _tell_resets(found: Found) -> str:
    rows, medians = [], {}
    settings = ["noise", "activation", "network"]
    for setting, runs in found.resets.groupby(settings):
        losses = by_data(runs, "test_loss")
        drawn = ratios(losses)
        low, median, high = np.quantile(drawn, [0.025, 0.5, 0.975])
        medians[setting] = median
        rows.append((
            f"{setting[0]:g}",
            *setting[1:],
            f"{np.median(losses):.2g}",
            f"{losses.min():.2g}",
            f"{_ratio(median)} ({_ratio(low)} to {_ratio(high)})",
            f"{100 * np.mean(drawn <= 2):.0f} %",
        ))  # fmt: skip
    header = (
        *("noise", "hidden units", "network", "median loss", "lowest loss"),
        *("largest / smallest", "groups at most 2"),
    )
    per, epochs = len(runs), found.resets["epochs"].max()
    noises = found.resets["noise"].unique()
    clean, noisy = (
        [medians[noise, "relu", network] for network in ("2-3-1", "2-8-1", "2-4-4-1")]
        for noise in (noises.min(), noises.max())
    )
    return f"""\
An exercise of Google's Machine Learning Crash Course (*Neural Net Initialization*) trains on
exclusive or four or five times, each time from other weights, for at least 500 steps. Published:
"The converged test loss varied almost 2X from lowest to highest", and with another layer and some
more units it varied less. Its network, activation and noise are not in the text; a neighbouring
exercise on the same data asks for a test loss of at most 0.177. So here are several, each with
{per} runs of {epochs} epochs. The ratio is that of the largest to the smallest final test loss in
groups of {GROUP} resets on the same data.

![Ratio of the largest to the smallest test loss in five resets](images/generalisation_resets.png)

*Median and 95 % range of the groups of {GROUP}, for one hidden layer. Dashed: twofold.*

{table(header, rows)}

- With noise {noises.max():g} and three ReLU units, the median ratio is {noisy[0]:.2f}, where almost
  twofold was published. It is {noisy[2]:.2f} with two layers of four units, and {noisy[1]:.2f} with
  eight units in one layer.
- Without noise there is no floor under the test loss. Three ReLU units then have a ratio of
  {clean[0]:.0f}, eight have {clean[1]:.2f}, and two layers of four {clean[2]:.0f}: the starts that
  fail end far above the others."""
