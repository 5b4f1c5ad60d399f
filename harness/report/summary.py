"""The runs of a sweep, read once: how they ended, the best of them, and a sample."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.analysis import ranking, tally
from harness.analysis.measures import ENDINGS, accuracy_column
from harness.analysis.sampling import in_sample
from harness.report.heat_maps import CellCounts
from harness.report.ordered_axes import OrderedAxis
from harness.results import sentences
from harness.results.tables import Results

# Medians and histograms are of at most this many runs, spread evenly over the grid.
MOST_RUNS = 2_000_000
BEST_RUNS = 100
# Of the best runs: a wide network has a column for each of its parameters.
MOST_COLUMNS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The runs of a sweep.

    Attributes
    ----------
    counts : dict
        All runs by status.
    trained, missing : int
        Runs that are trained, and runs that are not yet.
    runs : DataFrame
        All runs or a sample, ordered by run_id: run_id, init_id, status (a category), epochs,
        ssr_final; loss_final, max_epochs and `measures.accuracy_column` if the sweep has them.
    best : DataFrame
        The best runs in order, with all columns, or with the first `MOST_COLUMNS`.
    best_says : str
        Which combination of axis values is best, or which run; empty for a single run.
    """

    counts: dict[str, int]
    trained: int
    missing: int
    runs: pd.DataFrame
    best: pd.DataFrame
    best_says: str

    @property
    def best_run(self) -> int:
        """The run_id of the best run."""
        return int(self.best["run_id"].iloc[0])


def summarise(
    results: Results, axes: Sequence[OrderedAxis] = (), cells: Sequence[CellCounts] = ()
) -> Summary:
    """Read the runs once, chunk by chunk.

    Parameters
    ----------
    results : Results
        The sweep.
    axes : sequence of OrderedAxis
        The ordered axes of its grid.
    cells : sequence of CellCounts
        Counts to add all runs to.

    Raises
    ------
    ResultsError
        No chunk is finished.
    """
    known = results.run_columns
    columns = ["run_id", "init_id", "status", "epochs", "ssr_final"]
    wanted = dict.fromkeys(("loss_final", "max_epochs", accuracy_column(known)))
    columns += [name for name in wanted if name in known and name not in columns]
    whole = tally.Cells([])
    counts = tally.Tally(results.grid, [whole])
    sample = []

    def counted() -> Iterator[pd.DataFrame]:
        for batch in results.run_batches(columns):
            batch = batch.astype({"status": pd.CategoricalDtype(list(ENDINGS))})
            codes = ranking.ending_codes(batch)
            ids = batch["run_id"].to_numpy()
            ranks = [axis.ranks(ids) for axis in axes]
            for each in cells:
                each.add(ranks, codes)
            counts.add(batch)
            drawn = in_sample(results.grid, ids, MOST_RUNS / results.manifest["runs"])
            sample.append(batch[drawn])
            yield batch

    run_ids = ranking.best_of(counted(), BEST_RUNS)["run_id"].tolist()
    best = results.in_order(run_ids, known[:MOST_COLUMNS])
    endings = counts.endings(whole)[0].tolist()
    trained = sum(endings)
    return Summary(
        counts=dict(zip(ENDINGS, endings, strict=True)),
        trained=trained,
        missing=results.manifest["runs"] - trained,
        runs=pd.concat(sample, ignore_index=True),
        best=best,
        best_says=sentences.best(results, counts, best),
    )
