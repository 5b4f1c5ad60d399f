"""The runs of a results folder in one pass: how they ended, the best of them, and a sample."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis import ranking, tally
from harness.analysis.measures import ENDINGS
from harness.analysis.sampling import scattered
from harness.report.ordered_axes import ordered_axes
from harness.results import sentences
from harness.results.tables import Results

# Medians and histograms are of so many runs at most, spread evenly over the grid; shares of all.
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
    best_says : str
        Which combination of axis values is best, or which run; nothing for a single run.
    """

    counts: dict[str, int]
    there: int
    missing: int
    runs: pd.DataFrame
    best: pd.DataFrame
    best_says: str

    @property
    def best_run(self) -> int:
        """The run_id of the best run."""
        return int(self.best["run_id"].iloc[0])


class Counter(Protocol):
    """What counts runs as they are read."""

    def add(self, places: Sequence[NDArray[np.int64]], endings: NDArray[np.int8]) -> None:
        """Count runs by their places along the ordered axes, and in `ENDINGS`."""


def gather(results: Results, counters: Sequence[Counter] = ()) -> Gathered:
    """Read the runs once, chunk by chunk.

    Parameters
    ----------
    results : Results
        Of the sweep.
    counters : sequence of Counter
        What each chunk is shown to.

    Raises
    ------
    ResultsError
        No chunk is finished.
    """
    known = results.run_columns
    wanted = ["run_id", "init_id", "status", "epochs", "ssr_final"]
    wanted += [name for name in ("loss_final", "max_epochs") if name in known]
    counts = tally.Tally(results.grid, [])
    numbered = ordered_axes(results.grid)
    endings = np.zeros(len(ENDINGS), dtype=np.int64)
    parts = []

    def counted() -> Iterator[pd.DataFrame]:
        for part in results.run_batches(wanted):
            part = part.astype({"status": pd.CategoricalDtype(list(ENDINGS))})
            codes = ranking.ending_codes(part)
            endings[:] += np.bincount(codes, minlength=len(ENDINGS))
            coordinates = results.grid.coordinates(part["run_id"].to_numpy())
            places = [axis.place(coordinates[number]) for number, axis in numbered]
            for counter in counters:
                counter.add(places, codes)
            counts.add(part)
            drawn = scattered(part["run_id"]) <= MOST_RUNS / results.manifest["runs"]
            parts.append(part[drawn])
            yield part

    run_ids = ranking.best_of(counted(), BEST_RUNS)["run_id"].tolist()  # in one pass with all else
    best = results.in_order(run_ids, known[:MOST_COLUMNS])
    there = int(endings.sum())
    return Gathered(
        counts=dict(zip(ENDINGS, endings.tolist(), strict=True)),
        there=there,
        missing=results.manifest["runs"] - there,
        runs=pd.concat(parts, ignore_index=True),
        best=best,
        best_says=sentences.best(results, counts, best),
    )
