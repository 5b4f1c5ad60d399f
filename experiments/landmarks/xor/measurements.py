"""Published numbers for exclusive or, and the training that measures the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import harness
from experiments.landmarks.page import ROOT
from harness.analysis.measures import epochs_to_reach, outcomes, reached, share_interval

# A reimplementation of the exercise in McClelland and Rumelhart 1988, "Explorations in Parallel
# Distributed Processing": 2-2-1, rate 0.5, momentum 0.9, initial weights from -0.5 to 0.5.
SOLVED, OF, MEDIAN = 25, 30, 730

# Shares of another network: 2-3-1, rate 1, momentum 0.7, initial weights from -1 to 1.
ONLINE = {"1": 0.96, "all": 0.99}

# The loss is half the sum of squares. A published learning rate may refer to another scale of the
# gradient: the factor on the rate, and the loss that it stands for.
CONVENTIONS = {
    1.0: "half the sum of squares",
    2.0: "the sum of squares",
    0.5: "the mean of squares",
}

# Learning rates of the two maps; the second one is in the file.
BASINS = (0.5, 10.0)

_QUICK: Mapping[str, Mapping[str, Any]] = {
    "xor_pdp": {"grid.init_id": 300},
    "xor_budget": {"grid.init_id": 40, "training.epochs": 20_000},
    "xor_online": {"grid.init_id": 300},
    "xor_shares": {"grid.init_id": 10, "grid.width": [2, 3], "grid.learning_rate.count": 3},
    "xor_basin": {"grid.w1.count": 24, "grid.w2.count": 24},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Measurements of exclusive or.

    Attributes
    ----------
    published : tuple of float
        Ends of the 95 % interval (Wilson) of 25 of 30.
    pdp : DataFrame
        learning_rate, tolerance; runs, converged with its interval; median, the epochs until half
        of all runs are solved, and median_solved, until half of the solved runs are. For samples
        of 30 runs: few, the share with 25 or fewer solved runs; median_low and median_high, the
        95 % range of median_solved.
    solved : DataFrame
        learning_rate and epochs of the solved runs of `pdp`, at an SSR of 0.04.
    budget : DataFrame
        One row per run: momentum, init_scale, status, epochs, ssr_final, gradient_norm, and
        `largest`, its largest absolute final parameter.
    online : DataFrame
        batch_size, learning_rate; runs, converged with its interval, median.
    shares : DataFrame
        learning_rate, init_scale, momentum, width; runs, converged with its interval, median.
    basins : mapping
        For each learning rate, the epochs until a run was solved or NaN, of shape (values of w2,
        values of w1).
    """

    published: tuple[float, float]
    pdp: pd.DataFrame
    solved: pd.DataFrame
    budget: pd.DataFrame
    online: pd.DataFrame
    shares: pd.DataFrame
    basins: Mapping[float, NDArray[np.float64]]


def measure(out: Path, quick: bool) -> Found:
    """Train all files; the quick version has fewer initialisations."""

    def runs_of(name: str, **training: float) -> pd.DataFrame:
        changes = dict(_QUICK[name]) if quick else {}
        changes |= {f"training.{key}": value for key, value in training.items()}
        file = ROOT / "experiments" / f"{name}.toml"
        folder = "_".join([name, *map(str, training.values())])
        return harness.run(harness.load_experiment(file, changes), out=out / folder).runs

    pdp = runs_of("xor_pdp")
    conventions = ["learning_rate", "tolerance"]
    strict = pdp[(pdp["tolerance"] == 0.02) & (pdp["status"].astype(str) == "converged")]
    budget = runs_of("xor_budget")
    low, high = share_interval(np.array([SOLVED]), np.array([OF]))
    return Found(
        published=(low[0], high[0]),
        pdp=_shares(pdp, conventions).merge(_samples(pdp, conventions), on=conventions),
        solved=strict[["learning_rate", "epochs"]].reset_index(drop=True),
        budget=budget.assign(largest=budget.filter(regex=r"^[wb]\d+_final$").abs().max(axis=1)),
        online=_shares(runs_of("xor_online"), ["batch_size", "learning_rate"]),
        shares=_shares(runs_of("xor_shares"), ["width", "momentum", "init_scale", "learning_rate"]),
        basins={rate: _basin(runs_of("xor_basin", learning_rate=rate)) for rate in BASINS},
    )


def _shares(runs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return the shares of solved runs with intervals, and the median epochs."""
    medians = epochs_to_reach(reached(runs), by)[[*by, "median"]]
    return outcomes(runs, by).merge(medians, on=list(by))


def _samples(runs: pd.DataFrame, by: Sequence[str], repeats: int = 10_000) -> pd.DataFrame:
    """Return the solved runs and the median epochs of samples of the published size."""
    random = np.random.default_rng(0)
    rows = []
    for point, group in runs.groupby(list(by)):
        drawn = random.integers(len(group), size=(repeats, OF))
        solved = (group["status"].astype(str) == "converged").to_numpy()
        epochs = np.where(solved, group["epochs"], np.nan)
        low, high = np.nanquantile(np.nanmedian(epochs[drawn], axis=1), [0.025, 0.975])
        few = (solved[drawn].sum(axis=1) <= SOLVED).mean()
        rows.append((*point, few, np.nanmedian(epochs), low, high))
    names = [*by, "few", "median_solved", "median_low", "median_high"]
    return pd.DataFrame(rows, columns=names)


def _basin(runs: pd.DataFrame) -> NDArray[np.float64]:
    """Return the epochs until each run was solved; w1, the first axis, varies fastest."""
    solved = runs["epochs"].where(runs["status"].astype(str) == "converged").astype(float)
    return solved.to_numpy().reshape(runs["w2"].nunique(), runs["w1"].nunique())


def share_by(runs: pd.DataFrame, epochs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of runs that are solved within each number of epochs.

    >>> runs = pd.DataFrame({"status": ["converged", "finished"], "epochs": [30, 100]})
    >>> share_by(runs, np.array([10, 30, 100])).tolist()
    [0.0, 0.5, 0.5]
    """
    ends = np.sort(runs.loc[runs["status"].astype(str) == "converged", "epochs"])
    return np.searchsorted(ends, epochs, side="right") / len(runs)
