"""The runs of a results folder in one pass: how they ended, the best of them, and a sample."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from harness import ranking, sentences, tally
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


def gather(results: Results) -> Gathered:
    """Read the runs once, chunk by chunk.

    Raises
    ------
    ResultsError
        No chunk is finished.
    """
    known = results.run_columns
    wanted = ["run_id", "init_id", "status", "epochs", "ssr_final"]
    wanted += [name for name in ("loss_final", "max_epochs") if name in known]
    counts = tally.Tally(results.grid, [])
    endings: Counter[str] = Counter()
    parts = []

    def counted() -> Iterator[pd.DataFrame]:
        for part in results.run_batches(wanted):
            part = part.astype({"status": pd.CategoricalDtype(list(ENDINGS))})
            endings.update({str(k): n for k, n in part["status"].value_counts().items()})
            counts.add(part)
            drawn = tally.scattered(part["run_id"]) <= MOST_RUNS / results.manifest["runs"]
            parts.append(part[drawn])
            yield part

    run_ids = ranking.best_of(counted(), BEST_RUNS)["run_id"].tolist()  # in one pass with all else
    best = results.in_order(run_ids, known[:MOST_COLUMNS])
    there = endings.total()
    return Gathered(
        counts={name: endings[name] for name in ENDINGS},
        there=there,
        missing=results.manifest["runs"] - there,
        runs=pd.concat(parts, ignore_index=True),
        best=best,
        best_says=sentences.best(results, counts, best),
    )
