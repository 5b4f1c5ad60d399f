"""Published numbers of TensorFlow Playground, and the training that measures the same.

The test loss of the Playground is half the mean of squares over the held-out data points.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import harness
from experiments.landmarks.page import ROOT
from harness import Experiment

# One run each, "done" after these epochs, by an unknown criterion; Code for Cause, "Google's
# TensorFlow Playground" (Medium, 519d1a9667c3).
DONE = {"circle": 100, "clouds": 111}

# The test loss of its spiral at the last epoch of the file.
SPIRAL = 0.416

SETS = ("circle", "clouds", "two_gaussians", "spirals")

# The criteria for "done": test losses to reach.
CRITERIA = (0.02, 0.01, 0.005)

# Orders of the data points in batches.
NEW, FIXED = "another order for each epoch", "the same order for each epoch"

# Resets that are compared with one another.
GROUP = 5

_QUICK: Mapping[str, Mapping[str, Any]] = {
    "playground": {
        "grid.data_seed": [0, 1, 2],
        "grid.split_seed": [0, 1, 2],
        "grid.init_id": 8,
        "training.epochs": 300,
    },
    "playground_resets": {
        "grid.data_seed": [0, 1],
        "grid.split_seed": [0, 1],
        "grid.init_id": 8,
        "training.epochs": 100,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Measurements of the Playground.

    Attributes
    ----------
    runs : DataFrame
        One row per run of playground.toml: set, order; split_seed, which numbers its data; epochs,
        test_loss and accuracy at the end; and for each criterion the epoch at which its test loss
        first reached it, or infinity.
    resets : DataFrame
        One row per run of playground_resets.toml: noise, activation, network, split_seed,
        epochs and test_loss.
    """

    runs: pd.DataFrame
    resets: pd.DataFrame


def measure(out: Path, quick: bool) -> Found:
    """Train both files; the quick version has fewer runs and epochs."""

    def load(name: str, **changes: Any) -> Experiment:
        file = ROOT / "experiments" / f"{name}.toml"
        return harness.load_experiment(file, {**(_QUICK[name] if quick else {}), **changes})

    parts = []
    for name in SETS:
        experiment = load("playground", **{"data.generator": name})
        for order, trained in ((NEW, experiment), (FIXED, in_fixed_order(experiment))):
            folder = out / f"{name}_{'new' if order == NEW else 'fixed'}"
            ends = _ends(harness.run(trained, out=folder))
            parts.append(ends.assign(set=name, order=order))

    # The exercise adds a layer and some units.
    deeper = {
        "network.layers": [2, 4, 4, 1],
        "network.activations": ["relu", "relu", "tanh"],
        "grid.width": [4],
    }
    resets = [
        _resets(harness.run(load("playground_resets", **changes), out=out / folder).runs, network)
        for folder, changes, network in (
            ("resets", {}, "2-{0}-1"),
            ("resets_deeper", deeper, "2-{0}-{0}-1"),
        )
    ]
    return Found(
        runs=pd.concat(parts, ignore_index=True), resets=pd.concat(resets, ignore_index=True)
    )


def in_fixed_order(experiment: Experiment) -> Experiment:
    """Return the experiment with batches as in the Playground, which shuffles its points once.

    The generated points are independent, and so need no shuffling, except for spirals, whose points
    are in the order of their radius.
    """
    document = experiment.document()
    document["training"]["batches"] = "in_order"
    if experiment.data_section.generator != "spirals":
        return Experiment.from_mapping(document)
    document["grid"] = {name: document["grid"][name] for name in ("split_seed", "init_id")}
    order = np.random.default_rng(0).permutation(len(experiment.source.inputs))
    source = experiment.source
    shuffled = replace(source, inputs=source.inputs[order], targets=source.targets[order])
    return Experiment.from_mapping(document, data=shuffled)


def _resets(runs: pd.DataFrame, network: str) -> pd.DataFrame:
    """Return the settings and the final test loss of each run."""
    return pd.DataFrame({
        "noise": runs["noise"],
        "activation": runs["activation"].astype(str),
        "network": [network.format(width) for width in runs["width"]],
        "split_seed": runs["split_seed"],
        "epochs": runs["epochs"],
        "test_loss": runs["validation_loss_final"] / 2,
    })  # fmt: skip


def _ends(results: harness.Results) -> pd.DataFrame:
    """Return the final test loss of each run, and the epochs at which it met each criterion."""
    runs, trajectories = results.runs, results.trajectories
    ends = pd.DataFrame({
        "split_seed": runs["split_seed"],
        "epochs": runs["epochs"],
        "test_loss": runs["validation_loss_final"] / 2,
        "accuracy": runs["validation_accuracy_final"],
    })  # fmt: skip
    for criterion in CRITERIA:
        met = trajectories[trajectories["validation_loss"] / 2 <= criterion]
        first = met.groupby("run_id")["epoch"].min()
        ends[criterion] = runs["run_id"].map(first).fillna(np.inf)
    return ends


def by_data(runs: pd.DataFrame, column: Any) -> NDArray[np.float64]:
    """Return a column of the runs, of shape (data sets, runs on each)."""
    return np.stack([group[column].to_numpy(float) for _, group in runs.groupby("split_seed")])


def interval(
    values: NDArray[np.float64], statistic: Callable[[Any], Any], repeats: int = 2000
) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a statistic of runs, (data sets, runs on each).

    Runs on the same data are not independent, so whole data sets are drawn.
    """
    random = np.random.default_rng(0)
    drawn = values[random.integers(len(values), size=(repeats, len(values)))]
    found = [statistic(sample) for sample in drawn]
    low, high = np.quantile(found, [0.025, 0.975], method="nearest")  # some may be infinite
    return float(low), float(high)


def ratios(values: NDArray[np.float64], repeats: int = 10_000) -> NDArray[np.float64]:
    """Return the ratio of the largest to the smallest value in drawn groups of five resets.

    A group has different initialisations on the same data: it is drawn from one row of `values`.
    """
    random = np.random.default_rng(0)
    data_sets = random.integers(len(values), size=repeats)
    chosen = random.random((repeats, values.shape[1])).argsort(axis=1)[:, :GROUP]
    groups = values[data_sets[:, np.newaxis], chosen]
    quotients: NDArray[np.float64] = groups.max(axis=1) / groups.min(axis=1)
    return quotients
