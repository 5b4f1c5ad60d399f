"""Training of the files of optimisers, and what is measured of them.

All settings of a file have the same starts. Intervals therefore draw starts, with all their runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import harness
from experiments.landmarks.page import ROOT

Floats = NDArray[np.float64]

# Shares of solved initialisations. stats.stackexchange.com, question 129472, with the settings of
# the file; the number of runs is not given:
RPROP = 0.80
# An unreviewed study of 200 initialisations each, by activation and initialisation:
ADAM = {
    ("relu", "he"): 0.515,
    ("relu", "glorot"): 0.520,
    ("tanh", "he"): 0.875,
    ("tanh", "glorot"): 0.945,
}
OF_ADAM = 200

# A learning rate works if it converges from at least this share of the starts.
WORKS = 0.5

_QUICK: Mapping[str, Mapping[str, Any]] = {
    "optimisers": {"training.epochs": 400, "grid.init_id": 10},
    "xor_optimisers": {"training.epochs": 400, "grid.init_id": 10},
    "schedules": {"training.epochs": 40, "grid.init_id": 4},
    "xor_rprop": {"training.epochs": 2000, "grid.init_id": 100},
    "adam_xor": {"grid.init_id": 200},
    "micrograd_moons": {"grid.init_id": 40},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The runs of each file.

    Attributes
    ----------
    dosage, xor, schedules, rprop, adam, moons : DataFrame
        The tables of runs.
    """

    dosage: pd.DataFrame
    xor: pd.DataFrame
    schedules: pd.DataFrame
    rprop: pd.DataFrame
    adam: pd.DataFrame
    moons: pd.DataFrame


def measure(out: Path, quick: bool) -> Found:
    """Train all files; the quick version has fewer runs and epochs."""

    def train(name: str) -> pd.DataFrame:
        file = ROOT / "experiments" / f"{name}.toml"
        experiment = harness.load_experiment(file, _QUICK[name] if quick else {})
        return harness.run(experiment, out=out / name).runs

    return Found(
        dosage=train("optimisers"),
        xor=train("xor_optimisers"),
        schedules=train("schedules"),
        rprop=train("xor_rprop"),
        adam=train("adam_xor"),
        moons=train("micrograd_moons"),
    )


def epochs_by_rate(runs: pd.DataFrame, optimiser: str) -> tuple[Floats, Floats]:
    """Return the learning rates (rates,), and the epochs of each run (rates, starts).

    A run that has not converged has infinitely many.
    """
    part = runs[runs["optimiser"] == optimiser]
    epochs = part["epochs"].astype(float).where(part["status"] == "converged", np.inf)
    table = epochs.groupby([part["learning_rate"], part["init_id"]]).first().unstack()
    return table.index.to_numpy(), table.to_numpy()


def middle(epochs: Floats) -> Floats:
    """Return the median over the last axis, the lower one of two; infinite if most are."""
    found: Floats = np.quantile(epochs, 0.5, axis=-1, method="inverted_cdf")
    return found


def decades(rates: Floats, epochs: Floats) -> float:
    """Return the width of the widest range of learning rates that work, in powers of ten.

    It reaches half a step of the grid beyond its first and its last rate.
    """
    works = np.isfinite(epochs).mean(axis=-1) >= WORKS
    edges = np.flatnonzero(np.diff(np.concatenate([[False], works, [False]]).astype(int)))
    longest = (edges[1::2] - edges[::2]).max(initial=0)
    return float(longest * np.log10(rates[-1] / rates[0]) / (len(rates) - 1))


def interval(
    values: Floats, statistic: Callable[[Floats], Any], repeats: int = 1000
) -> tuple[Any, Any]:
    """Return the 95 % bootstrap interval of a statistic of `values` (..., starts)."""
    random = np.random.default_rng(0)
    starts = values.shape[-1]
    drawn = [statistic(values[..., random.integers(starts, size=starts)]) for _ in range(repeats)]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0, method="nearest")  # some are infinite
    return low, high


def losses_by_rate(runs: pd.DataFrame, schedule: str) -> tuple[Floats, Floats]:
    """Return the learning rates (rates,), and the final validation losses (rates, starts).

    A run that diverged has an infinite loss.
    """
    part = runs[runs["schedule"] == schedule]
    loss = part["validation_loss_final"].where(part["status"] != "diverged", np.inf)
    table = loss.groupby([part["learning_rate"], part["init_id"]]).first().unstack()
    return table.index.to_numpy(), table.to_numpy()
