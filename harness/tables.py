"""Results as pandas tables."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.arrays import to_dataset
from harness.data import Dataset
from harness.errors import ResultsError, nearest, shown
from harness.experiment import Experiment
from harness.experiment.card import card
from harness.store import Reader, Store, has_manifest, place

# Fewer initialisations are all kept when runs are chosen.
_MANY_STARTS = 1000


class Results:
    """What a sweep left, as tables; `harness.run` and `open_results` return it.

    Parameters
    ----------
    store : Store
        The results folder.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reader = Reader(store)

    @property
    def folder(self) -> Path:
        """Where the results are."""
        return self._store.folder

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The experiment as it was resolved, and with what it was trained."""
        return self._store.manifest

    @cached_property
    def experiment(self) -> Experiment:
        """The experiment, with the data points that were trained on.

        Raises
        ------
        ExperimentError
            Its data come from a file that is no longer there, and were too many for the manifest.
        """
        kept = self.manifest["data"]
        data = None
        if kept is not None:
            data = Dataset(inputs=np.array(kept["inputs"]), targets=np.array(kept["targets"]))
        return Experiment.from_mapping(self.manifest["experiment"], data=data)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row a run, ordered by `run_id`.

        Columns: run_id, init_id, one an axis, status, epochs (done), ssr_initial, ssr_final,
        ssr_min; loss_* where the loss is not SSR; the measures and final parameters asked for.
        """
        return _to_pandas(self._reader.read("runs"))

    @property
    def run_columns(self) -> list[str]:
        """Names of the columns of `runs`."""
        return self._reader.columns("runs")

    def read_runs(
        self, columns: Iterable[str], run_ids: Iterable[int] | None = None
    ) -> pd.DataFrame:
        """Return some columns of `runs`, of all runs or some, with texts as categories.

        Only these are read, which counts where there are millions of runs.

        Raises
        ------
        ResultsError
            The sweep has no such run or column.
        """
        names = self._checked_columns("runs", columns)
        ids = None if run_ids is None else self._checked_ids(run_ids)
        frame: pd.DataFrame = self._reader.read("runs", names, ids).to_pandas(
            strings_to_categorical=True
        )
        return frame

    def run_batches(self, columns: Iterable[str]) -> Iterator[pd.DataFrame]:
        """Yield some columns of `runs`, some ten thousand rows at a time, however many there are.

        Raises
        ------
        ResultsError
            The sweep has no such column.
        """
        for rows in self._reader.batches("runs", self._checked_columns("runs", columns)):
            yield rows.to_pandas()

    def sample_runs(self, columns: Iterable[str], most: int = 1_000_000) -> pd.DataFrame:
        """Return some columns of about `most` runs, or of all where there are not so many.

        Initialisations are chosen, with all their runs; or runs, where there are few of the
        former. A hash of the number chooses: the same every time, and evenly in the grid.
        """
        names = list(columns)
        runs = self._reader.rows("runs")
        starts = self.manifest["experiment"].get("grid", {}).get("init_id")
        many = isinstance(starts, int) and starts >= _MANY_STARTS
        chosen_by = "init_id" if many else "run_id"
        parts = []
        for rows in self.run_batches(dict.fromkeys([chosen_by, *names])):
            # Fibonacci hashing (Knuth 1998, section 6.4): neighbours in the grid are torn apart.
            drawn = rows[chosen_by].to_numpy().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            parts.append(rows.loc[drawn <= min(most / runs, 1.0) * 2.0**64, names])
        return pd.concat(parts, ignore_index=True)

    def trajectories(
        self, run_ids: int | Iterable[int] | None = None, columns: Iterable[str] | None = None
    ) -> pd.DataFrame:
        """Return one row a recorded epoch, ordered by run_id, then epoch.

        Parameters
        ----------
        run_ids : int or iterable of int, optional
            The runs that are wanted; all if left out. Only their chunks are read.
        columns : iterable of str, optional
            The columns that are wanted: run_id, epoch, ssr; and loss where it is not SSR. All if
            left out.

        Raises
        ------
        ResultsError
            The sweep has no such run or column.
        """
        wanted = [run_ids] if isinstance(run_ids, int) else run_ids
        if wanted is not None:
            wanted = self._checked_ids(wanted)
        names = None if columns is None else self._checked_columns("trajectories", columns)
        return _to_pandas(self._reader.read("trajectories", names, wanted))

    def _checked_ids(self, run_ids: Iterable[int]) -> NDArray[np.int64]:
        ids = np.asarray(run_ids if isinstance(run_ids, np.ndarray) else list(run_ids))
        runs = self.manifest["runs"]
        wrong = ids[(ids < 0) | (ids >= runs)] if ids.size else ids
        if wrong.size:
            raise ResultsError(
                f"run_id = {shown(wrong[0].item())} is no run of {self.folder}.\n"
                f"Runs are 0 to {runs - 1}."
            )
        return ids.astype(np.int64)

    def _checked_columns(self, table: str, columns: Iterable[str]) -> list[str]:
        names, known = list(columns), self._reader.columns(table)
        for name in names:
            if name not in known:
                raise ResultsError(
                    f"{shown(name)} is no column of {table} in {self.folder}."
                    f" {nearest(str(name), known)}\nColumns are {', '.join(known)}."
                )
        return names

    def to_xarray(self) -> Any:
        """Return `runs` as an xarray Dataset over the axes of the grid.

        Returns
        -------
        xarray.Dataset
            A dimension for each axis, with its values as coordinates; each further column of
            `runs` is an array over them.

        Raises
        ------
        HarnessError
            xarray is not installed; the extra `xarray` brings it.
        """
        return to_dataset(self.runs, self.experiment.axes)

    def _repr_html_(self) -> str:
        """Show them in a notebook: how the runs ended, and where the tables are."""
        counts: Counter[str] = Counter()
        for part in self.run_batches(["status"]) if self._reader.rows("runs") else []:
            counts.update(part["status"].tolist())
        ended = ", ".join(f"{count:,} {status}" for status, count in counts.most_common())
        rows = [
            ("runs", f"{counts.total():,} of {self.manifest['runs']:,} trained"),
            ("ended", ended),
            ("tables", ".runs, .trajectories(), .to_xarray()"),
            ("folder", str(self.folder)),
        ]
        document = self.manifest["experiment"]
        return card(document["name"], [("question", document.get("question", "")), *rows])

    def __repr__(self) -> str:
        return f"<Results {self.folder}: {self.manifest['runs']} runs>"


def _to_pandas(table: Any) -> pd.DataFrame:
    """Return a pyarrow table as a DataFrame that can be written to."""
    frame: pd.DataFrame = table.to_pandas()
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
        It is no results folder.
    """
    folder = place(folder)
    inside = Path("results") / str(folder)
    if not has_manifest(folder) and has_manifest(inside):
        raise ResultsError(f"{folder} is no results folder.\nDid you mean {inside}?")
    return Results(Store.open(folder))
