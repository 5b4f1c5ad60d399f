"""Exclusive or: how often networks learn it, how soon, and from where.

`xor_found` has what was published, `xor_pictures` the pictures and `xor_page` the page.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from page import ROOT, Landmark
from xor_found import OF, SOLVED, Found
from xor_page import tell

import harness
from harness.analysis.measures import epochs_to_reach, outcomes, reached, share_interval

FILES = ("xor_pdp", "xor_budget", "xor_online", "xor_shares", "xor_basin")

# Learning rates of the two maps; the second is that of the file.
BASINS = (0.5, 10.0)

_QUICK: Mapping[str, Mapping[str, Any]] = {
    "xor_pdp": {"grid.init_id": 300},
    "xor_budget": {"grid.init_id": 40, "training.epochs": 20_000},
    "xor_online": {"grid.init_id": 300},
    "xor_shares": {"grid.init_id": 10, "grid.width": [2, 3], "grid.learning_rate.count": 3},
    "xor_basin": {"grid.w1.count": 24, "grid.w2.count": 24},
}


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
    """Return the shares of solved runs with their intervals, and the medians of the epochs."""
    medians = epochs_to_reach(reached(runs), by)[[*by, "median"]]
    return outcomes(runs, by).merge(medians, on=list(by))


def _samples(runs: pd.DataFrame, by: Sequence[str], repeats: int = 10_000) -> pd.DataFrame:
    """Return what samples of as many runs as were published say."""
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
    """Return the epochs until a run was solved; w1, the first axis, varies fastest."""
    solved = runs["epochs"].where(runs["status"].astype(str) == "converged").astype(float)
    return solved.to_numpy().reshape(runs["w2"].nunique(), runs["w1"].nunique())


LANDMARK = Landmark(
    title="Exclusive or: who learns it, how soon, and from where",
    question="How often do small sigmoid networks learn exclusive or, and what decides it?",
    files=tuple(f"{name}.toml" for name in FILES),
    measure=measure,
    tell=tell,
)
