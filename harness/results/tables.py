"""Results as pandas tables."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from harness.analysis import predictions, ranking, tally
from harness.analysis.sampling import in_sample
from harness.analysis.trained_network import TrainedNetwork
from harness.calls import (
    check_names,
    check_path,
    check_run_ids,
    check_type,
    check_whole,
    is_whole,
)
from harness.errors import HarnessError, ResultsError, shown
from harness.experiment import Experiment
from harness.experiment.card import card
from harness.experiment.grid import Grid
from harness.experiment.new_inputs import read_inputs
from harness.hints import suggest
from harness.results.accessors import Plots, above
from harness.results.reopening import experiment_of
from harness.results.where import Condition, Missed, parse_condition
from harness.store import Reader, Store, has_manifest, results_folder
from harness.store.reader import gathered
from harness.training.columns import columns_of
from harness.training.evaluation import EPOCH_OF_MIN


class Results:
    """The results of a sweep as tables; `harness.run` and `open_results` return them.

    Parameters
    ----------
    store : Store
        The results folder.
    experiment : Experiment, optional
        Its experiment; by default, the one in the folder.

    Attributes
    ----------
    store, reader
        The folder, and the reader of its tables.
    condition : Condition or None
        The condition that restricts the runs; see `where`.
    experiment : Experiment
        The experiment, with the data points that were trained on.

    Raises
    ------
    ResultsError
        The folder does not fit its experiment, or its data points are broken or missing.
    """

    def __init__(self, store: Store, experiment: Experiment | None = None) -> None:
        check_type("store", store, Store, "a Store", "Use harness.open_results(FOLDER).")
        self.store = store
        self.experiment = experiment or experiment_of(store)
        self.reader = Reader(store, columns_of(self.experiment).by_table())
        self.condition: Condition | None = None

    def where(self, condition: str) -> "Results":
        """Return the same results, restricted to runs that satisfy a condition.

        Parameters
        ----------
        condition : str
            A condition on columns of `runs`, such as ``status == 'diverged' and init_id < 10``; its
            rules are those of ``DataFrame.query``. Conditions add up.

        Raises
        ------
        HarnessError
            The condition cannot be read, or names a column that `runs` does not have.
        """
        check_type("condition", condition, str, "a text", "For example: \"status == 'diverged'\"")
        schema = self.reader.schema("runs")
        found = parse_condition(condition, schema.names)
        found.filter(schema.empty_table())  # an error is raised here, not by the first plot
        chosen = copy(self)
        chosen.condition = found if self.condition is None else self.condition & found
        for name in ("runs", "trajectories", "_matching"):  # cached properties, of the runs before
            vars(chosen).pop(name, None)
        return chosen

    @property
    def folder(self) -> Path:
        """The results folder."""
        return self.store.folder

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The resolved experiment, and the versions and machine that trained it."""
        return {**self.store.manifest.document(), "experiment": self.experiment.document()}

    @property
    def grid(self) -> Grid:
        """The grid: axes, and the arithmetic between run ids and coordinates."""
        return self.experiment.grid

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per run, ordered by `run_id`.

        Columns: run_id, init_id, one per axis, status, epochs (done), ssr_initial, ssr_final,
        ssr_min; loss_* if the loss is not SSR; the measures and final parameters asked for.
        """
        return _to_pandas(self._read_runs(self.run_columns))

    def missed(self) -> list[Missed]:
        """Return the numbers that the condition asks for by ``==`` and no run has."""
        if self.condition is None:
            return []
        return list(self.condition.missed(lambda name: self.reader.batches("runs", [name])))

    def require_runs(self) -> None:
        """Raise a ResultsError if no run satisfies the condition; name the nearest values."""
        if self.condition is not None and not self.run_count:
            nearest = [f"{missed.column} == {missed.nearest!r}" for missed in self.missed()]
            hint = f"The nearest are {' and '.join(nearest)}." if nearest else "Widen it."
            raise ResultsError(
                f"No run of {self.folder} satisfies {shown(self.condition.text)}.\n{hint}"
            )

    @property
    def run_count(self) -> int:
        """The number of trained runs, of those that satisfy the condition if there is one."""
        if self.condition is None:
            return self.reader.rows("runs")
        return self._matching

    @cached_property
    def _matching(self) -> int:
        return sum(rows.num_rows for rows in self._run_tables(["run_id"]))

    def _run_tables(self, names: Sequence[str], run_ids: Any = None) -> Iterator[pa.Table]:
        """Yield some columns of the runs that satisfy the condition, chunk by chunk."""
        if self.condition is None:
            yield from self.reader.batches("runs", names, run_ids=run_ids)
            return
        needed = list(dict.fromkeys([*names, *sorted(self.condition.columns)]))
        for rows in self.reader.batches("runs", needed, run_ids=run_ids):
            yield self.condition.filter(rows).select(names)

    def _read_runs(self, names: Sequence[str], run_ids: Any = None) -> pa.Table:
        parts = list(self._run_tables(names, run_ids))
        return pa.concat_tables(parts) if parts else self.reader.read("runs", names).slice(0, 0)

    @property
    def run_columns(self) -> list[str]:
        """Names of the columns of `runs`."""
        return self.reader.columns("runs")

    def read_runs(
        self, columns: Iterable[str], run_ids: Iterable[int] | None = None
    ) -> pd.DataFrame:
        """Return some columns of `runs`, of all runs or some, with texts as categories.

        Other columns are not read, which matters for millions of runs.

        Raises
        ------
        ResultsError
            The sweep has no such run or column.
        """
        names = self._checked_columns("runs", columns)
        ids = None if run_ids is None else self._checked_ids(run_ids)
        return _with_categories(self._read_runs(names, ids))

    def run_batches(self, columns: Iterable[str]) -> Iterator[pd.DataFrame]:
        """Yield some columns of `runs`, one or more chunks at a time, in memory that does not grow.

        Texts are categories, which may differ from batch to batch.

        Raises
        ------
        ResultsError
            The sweep has no such column.
        """
        names = self._checked_columns("runs", columns)
        for rows in gathered(self._run_tables(names)):
            yield _with_categories(rows)

    def sample_runs(self, columns: Iterable[str], most: int = 1_000_000) -> pd.DataFrame:
        """Return some columns of about `most` runs, or of all runs if there are fewer.

        The sample is the same every time, and consists of whole starts, each with all its runs, if
        there are many; see `harness.analysis.sampling`. Texts are categories.
        """
        names = self._checked_columns("runs", columns)
        most = check_whole("most", most, 1, "It is the number of runs that are wanted.")
        share = most / max(self.run_count, 1)
        parts = []
        for rows in self._run_tables(list(dict.fromkeys(["run_id", *names]))):
            drawn = in_sample(self.grid, rows["run_id"].to_numpy(), share)
            parts.append(rows.filter(pa.array(drawn)).select(names))
        return _with_categories(pa.concat_tables(parts))

    @cached_property
    def trajectories(self) -> pd.DataFrame:
        """One row per recorded epoch of each run, ordered by `run_id`, then `epoch`.

        Columns: run_id, epoch, ssr; loss if it is not SSR; the metrics asked for. There are many
        rows per run: `where` and `read_trajectories` read some of them.
        """
        return self.read_trajectories()

    def read_trajectories(
        self, run_ids: int | Iterable[int] | None = None, columns: Iterable[str] | None = None
    ) -> pd.DataFrame:
        """Return one row per recorded epoch, ordered by run_id, then epoch.

        Parameters
        ----------
        run_ids : int or iterable of int, optional
            The runs; all by default. Other chunks are not read.
        columns : iterable of str, optional
            The columns: run_id, epoch, ssr; and loss if it is not SSR. All by default.

        Raises
        ------
        ResultsError
            The sweep has no such run or column.
        """
        wanted = None if run_ids is None else self._checked_ids(run_ids)
        names = None if columns is None else self._checked_columns("trajectories", columns)
        if self.condition is not None:
            wanted = self._read_runs(["run_id"], wanted)["run_id"].to_numpy()
        return _to_pandas(self.reader.read("trajectories", names, wanted))

    def _checked_ids(self, run_ids: int | Iterable[int]) -> NDArray[np.int64]:
        ids = check_run_ids(run_ids)
        runs = self.store.manifest.runs
        wrong = ids[(ids < 0) | (ids >= runs)] if ids.size else ids
        if wrong.size:
            raise ResultsError(
                f"{self.folder} has no run {shown(wrong[0].item())}; its runs are 0 to {runs - 1}."
            )
        return ids

    def _checked_columns(self, table: str, columns: Iterable[str]) -> list[str]:
        names, known = check_names("columns", columns), self.reader.columns(table)
        for name in names:
            if name not in known:
                raise ResultsError(
                    f"The table {table} of {self.folder} has no column {shown(name)}."
                    f" {suggest(name, known)}\nIts columns are {', '.join(known)}."
                )
        return names

    @property
    def has_tolerance(self) -> bool:
        """Whether runs can converge: a tolerance is set, for all of them or along an axis."""
        tolerance = self.experiment.training.tolerance
        return tolerance is not None or "tolerance" in [axis.name for axis in self.grid.axes]

    @property
    def best_run(self) -> int:
        """The run_id of the best run, as `harness.analysis.ranking` defines it.

        Raises
        ------
        ResultsError
            No run is trained yet.
        """
        return int(self.best_runs(1)["run_id"].iloc[0])

    def best_runs(self, count: int = 10, columns: Iterable[str] | None = None) -> pd.DataFrame:
        """Return rows of `runs`, the best first, in the order of `harness.analysis.ranking`.

        Parameters
        ----------
        count : int
            The number of runs.
        columns : iterable of str, optional
            The columns; all by default.

        Raises
        ------
        ResultsError
            No run is trained yet, or the sweep has no such column.
        """
        count = check_whole("count", count, 1, "It is the number of runs that are wanted.")
        best = ranking.best_of(self.run_batches(self._ranked_columns()), count)
        return self.in_order(best["run_id"].tolist(), columns)

    def in_order(self, run_ids: list[int], columns: Iterable[str] | None = None) -> pd.DataFrame:
        """Return rows of `runs` in the order of `run_ids`, with all columns or some."""
        names = self.run_columns if columns is None else check_names("columns", columns)
        ids = check_run_ids(run_ids)
        rows = self.read_runs(dict.fromkeys(["run_id", *names]), ids)
        rows = rows.set_index("run_id", drop=False).loc[ids]
        return rows[names].reset_index(drop=True)

    def network(self, run_id: int, epoch: int | Literal["best"] | None = None) -> TrainedNetwork:
        """Return the network of a run, with its parameters as matrices.

        A run whose parameters are not recorded is trained again.

        Parameters
        ----------
        run_id : int
            The run.
        epoch : int or "best", optional
            The epoch; by default, the last one of the run. The best recorded epoch is that with the
            least loss of the held-out data points, `epoch_of_validation_min` of the table `runs`;
            or, if none are held out, with the least loss.

        Raises
        ------
        ResultsError
            The sweep has no such run, it is not trained yet, or has no such epoch.
        """
        run = self._trained(run_id)
        if epoch is None:
            return predictions.final_network(self.experiment, run)
        if epoch == "best":
            return predictions.best_network(self.experiment, run, self.best_epoch(run_id))
        if not (is_whole(epoch) and 0 <= epoch <= run["epochs"]):
            raise ResultsError(
                f'epoch = {shown(epoch)} must be "best" or a whole number from 0 to'
                f" {run['epochs']}, the last epoch of run {run_id}.\n"
                "Leave it out for the last epoch."
            )
        return predictions.network_after(self.experiment, run_id, int(epoch))

    def _trained(self, run_id: int) -> "pd.Series[Any]":
        """Return the row of a run; raise a ResultsError if it is not trained yet."""
        rows = self.read_runs(self.run_columns, [run_id])
        if rows.empty:
            raise ResultsError(
                f"run {run_id} of {self.folder} is not trained yet.\n"
                "`harness run FILE` resumes the sweep."
            )
        return rows.iloc[0]

    def best_epoch(self, run_id: int) -> int:
        """Return the best recorded epoch of a run; for its definition and errors, see `network`."""
        run = self._trained(run_id)
        if EPOCH_OF_MIN in run:
            return int(run[EPOCH_OF_MIN])
        rows = self.read_trajectories(run_id)
        if rows.empty:
            raise ResultsError(
                f"{self.folder} has no recorded epochs to choose the best one from: record.epochs ="
                ' "none".\n'
                "Use the last epoch, or record some epochs, such as { log = 50 }."
            )
        losses = rows["loss" if "loss" in rows else "ssr"].fillna(np.inf)
        return int(rows["epoch"].iloc[int(losses.to_numpy().argmin())])

    def predict(
        self,
        run_ids: int | Iterable[int],
        inputs: "pd.DataFrame | ArrayLike | Path | None" = None,
        epoch: int | Literal["best"] | None = None,
    ) -> pd.DataFrame:
        """Return the predictions of runs, in the units of the data.

        Inputs are encoded and scaled as those of training were, and predictions are given back in
        the units of the targets. `network(run_id).predict` takes and returns scaled numbers.

        Parameters
        ----------
        run_ids : int or iterable of int
            The runs.
        inputs : DataFrame, array, list of rows or path of a CSV or Parquet file, optional
            Inputs in the units of the experiment's data: numbers before scaling, and words. Columns
            are found by name if both have names; an array has one column per column of inputs, in
            their order. By default all data points, those held out too.
        epoch : int or "best", optional
            The epoch; see `network`.

        Returns
        -------
        DataFrame
            m rows per run, in the order of `inputs`: run_id; `data` ("training" or "held out") by
            default, if some data points are held out; the inputs; a column for each output, under
            the name of the target or class; and `predicted`, the class, if the targets are classes.
            Where the data have no names, the columns are input_1, ... and prediction_1, ....

        Raises
        ------
        HarnessError
            The sweep has no such run, it is not trained yet, or the inputs do not fit the data.
        """
        parts, x = [], None
        if inputs is not None:
            x = read_inputs(inputs, self.experiment.source, self.experiment.data_section)
        for run_id in self._checked_ids(run_ids).tolist():
            network = self.network(run_id, epoch)
            table = predictions.in_data_units(self.experiment.single(run_id), network, x)
            table.insert(0, "run_id", run_id)
            parts.append(table)
        return pd.concat(parts, ignore_index=True)

    def combinations(self) -> pd.DataFrame:
        """Return the combinations of axis values, the best first; see `harness.analysis.ranking`.

        Returns
        -------
        DataFrame
            The table of `harness.analysis.ranking.combinations` for all trained runs, without axes
            that have a single value. Beyond five million runs the medians are those of a sample;
            shares are of all runs.

        Raises
        ------
        ResultsError
            No run is trained yet, or there are no combinations with several runs each.
        """
        table = self._combinations()
        if table is None:
            raise ResultsError(
                f"{self.folder} has no combinations of axis values to rank: that takes 2 to"
                f" {tally.MOST_COMBINATIONS:,} of them, with several runs each.\n"
                "best_runs ranks single runs."
            )
        return table

    def _combinations(self) -> pd.DataFrame | None:
        """Return the table of `combinations`; None if there are none."""
        counts = tally.Tally(self.grid)
        for part in self.run_batches(self._ranked_columns()):
            counts.add(part)
        return counts.ranked()

    def best(self, count: int = 10) -> pd.DataFrame:
        """Return the best combinations of axis values, as `harness show` ranks them.

        Parameters
        ----------
        count : int
            The number of combinations.

        Returns
        -------
        DataFrame
            The first rows of `combinations`. If no combination has several runs, or there are too
            many to rank, those of `best_runs`.

        Raises
        ------
        ResultsError
            No run is trained yet.
        """
        count = check_whole("count", count, 1, "It is the number of combinations that are wanted.")
        table = self._combinations()
        return self.best_runs(count) if table is None else table.head(count)

    @property
    def plot(self) -> Plots:
        """Plots: ``results.plot.map()`` and the other kinds, each a Matplotlib figure."""
        return Plots(self)

    def show(self) -> None:
        """Print what `harness show` prints.

        Raises
        ------
        ResultsError
            No run is trained yet, or none satisfies the condition.
        """
        above("cli.summary_screen").show(self)

    def report(self, path: str | Path | None = None) -> Path:
        """Write all results as one HTML page, as `harness report` does, and return its path.

        Parameters
        ----------
        path : str or Path, optional
            The HTML file; by default, report.html in the results folder. An existing report is
            replaced.

        Raises
        ------
        ResultsError
            No run is trained yet, or the file is something else than a report.
        """
        if path is not None:
            check_path("path", path)
        if self.condition is not None:
            raise ResultsError(
                f"A report has all runs, and these are those with {shown(self.condition.text)}.\n"
                "Call report() of the results before where()."
            )
        write = above("report.page").write_report
        written: Path = write(self.folder, None if path is None else Path(path)).path
        return written

    def _ranked_columns(self) -> list[str]:
        """Return the columns that decide which run is better."""
        return ["run_id", "status", "epochs", ranking.trained_loss(self.run_columns)]

    def to_xarray(self) -> Any:
        """Return `runs` as an xarray Dataset over the axes of the grid.

        Returns
        -------
        xarray.Dataset
            One dimension per axis, in the order of the grid; zipped axes share one, named after
            the first of them. The values of the axes are coordinates, and each further column of
            `runs` is an array. Runs that are not trained yet are NaN, or empty texts.

        Raises
        ------
        HarnessError
            xarray is not installed; the extra `xarray` brings it.
        """
        try:
            import xarray
        except ImportError:
            raise HarnessError(
                "xarray is not installed.\nInstall it with: pip install 'harness[xarray]'"
            ) from None
        runs, grid = self.runs, self.grid
        names = [dimension[0].name for dimension in grid.dimensions]
        coordinates = {
            axis.name: (name, axis.values.take(np.arange(axis.values.count)))
            for name, dimension in zip(names, grid.dimensions, strict=True)
            for axis in dimension
        }
        position = grid.coordinates(runs["run_id"].to_numpy())
        variables = {}
        for column in runs.columns.difference(list(coordinates), sort=False):
            values = runs[column].to_numpy()
            if values.dtype.kind not in "iuf":
                array = np.full(grid.shape, "", dtype=object)
            elif len(runs) == grid.size:
                array = np.empty(grid.shape, values.dtype)
            else:
                array = np.full(grid.shape, np.nan)
            array[position] = values
            variables[column] = (names, array)
        return xarray.Dataset(variables, coordinates)

    def _repr_html_(self) -> str:
        """Show the results in a notebook: how the runs ended, and where the tables are."""
        counts: Counter[str] = Counter()
        for part in self.run_batches(["status"]) if self.run_count else []:
            counts.update(part["status"].tolist())
        ended = ", ".join(f"{count:,} {status}" for status, count in counts.most_common())
        rows = [
            ("runs", f"{counts.total():,} of {self.store.manifest.runs:,} trained"),
            ("ended", ended),
            ("tables", ".runs, .trajectories, .to_xarray()"),
            ("folder", str(self.folder)),
        ]
        return card(self.experiment.name, [("question", self.experiment.question), *rows])

    def __repr__(self) -> str:
        return f"<Results {self.folder}: {self.store.manifest.runs} runs>"


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(use_threads=False)
    return frame


def _with_categories(table: pa.Table) -> pd.DataFrame:
    """Return a table as a DataFrame whose texts are categories."""
    frame: pd.DataFrame = table.to_pandas(strings_to_categorical=True, use_threads=False)
    return frame


def open_results(folder: str | Path) -> Results:
    """Open the results of a sweep.

    Parameters
    ----------
    folder : str or Path
        A folder that `harness.run` or `harness run` made, or the URL of an object store.

    Raises
    ------
    ResultsError
        It is not a results folder, or does not fit its experiment.
    """
    check_path("folder", folder)
    folder = results_folder(folder)
    inside = Path("results") / str(folder)
    if not has_manifest(folder) and has_manifest(inside):
        raise ResultsError(f"{folder} is not a results folder.\nDid you mean {inside}?")
    return Results(Store.open(folder))
