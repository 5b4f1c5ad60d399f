"""The runs of a results folder in one pass: how they ended, the best of them, and a sample."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import ResultsError
from harness.measures import ENDINGS
from harness.tables import Results

# Medians and shares are taken over so many runs at most, spread evenly over the grid.
MOST_RUNS = 2_000_000
BEST_RUNS = 100
# A wide network has a column for each of its parameters.
MOST_COLUMNS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the pictures are made of.

    Attributes
    ----------
    counts : dict
        Runs by status, of all.
    there, missing : int
        Runs that are trained, and that are not yet.
    runs : DataFrame
        All of them or a sample, ordered by run_id: run_id, init_id, status (a category), epochs,
        ssr_final, and max_epochs where it is an axis.
    best : DataFrame
        Rows of all columns, or of the first `MOST_COLUMNS`, the best first.
    best_by : str
        What the best are the first in.
    """

    counts: dict[str, int]
    there: int
    missing: int
    runs: pd.DataFrame
    best: pd.DataFrame
    best_by: str

    @property
    def best_run(self) -> int:
        """The run_id of the best run."""
        return int(self.best["run_id"].iloc[0])


def gather(results: Results) -> Gathered:
    """Read the runs once, chunk by chunk.

    Raises
    ------
    ResultsError
        No chunk is finished.
    """
    known = results.run_columns
    measure = "loss_final" if "loss_final" in known else "ssr_final"
    wanted = ["run_id", "init_id", "status", "epochs", "ssr_final"]
    wanted += [name for name in ("loss_final", "max_epochs") if name in known]
    counts: Counter[str] = Counter()
    parts, converged, lowest = [], [], []
    for part in results.run_batches(wanted):
        part = part.astype({"status": pd.CategoricalDtype(list(ENDINGS))})
        counts.update({str(name): int(n) for name, n in part["status"].value_counts().items()})
        parts.append(part[scattered(part["run_id"]) <= MOST_RUNS / results.manifest["runs"]])
        # As `harness show` has it: who converges first, or comes lowest where nobody converges.
        ended = part[part["status"] == "converged"]
        converged.append(ended.nsmallest(BEST_RUNS, ["epochs", measure]))
        lowest.append(part[part["status"] != "diverged"].nsmallest(BEST_RUNS, measure))
    there = counts.total()
    if not there:
        raise ResultsError(
            f"{results.folder} has no finished run yet.\n`harness run FILE` goes on."
        )
    best, best_by = pd.concat(converged).nsmallest(BEST_RUNS, ["epochs", measure]), "converged"
    if best.empty:
        best, best_by = pd.concat(lowest).nsmallest(BEST_RUNS, measure), measure
    if best.empty:  # every run diverged: those that held out longest
        best, best_by = pd.concat(parts).nlargest(BEST_RUNS, "epochs"), "diverged"
    run_ids = best["run_id"].to_numpy()
    rows = results.read_runs(known[:MOST_COLUMNS], np.sort(run_ids)).set_index("run_id", drop=False)
    return Gathered(
        counts={name: counts[name] for name in ENDINGS},
        there=there,
        missing=results.manifest["runs"] - there,
        runs=pd.concat(parts, ignore_index=True),
        best=rows.loc[run_ids].reset_index(drop=True),
        best_by=best_by,
    )


def scattered(run_ids: Any) -> NDArray[np.float64]:
    """Return for each run a number from 0 to 1 that tears neighbours in the grid apart.

    The runs below a share are a sample of that share: always the same one, and a part of every
    larger one. It is Fibonacci hashing (Knuth 1998, section 6.4).

    Examples
    --------
    >>> (scattered(np.arange(1000)) < 0.1).sum().item()
    100
    """
    return (np.asarray(run_ids).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) / 2.0**64
