"""Results as pandas tables."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import ResultsError
from harness.store import MANIFEST, Reader, Store


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
        """
        ids = None if run_ids is None else list(run_ids)
        table = self._reader.read("runs", list(columns), ids)
        frame: pd.DataFrame = table.to_pandas(strings_to_categorical=True)
        return frame

    def trajectories(self, run_ids: int | Iterable[int] | None = None) -> pd.DataFrame:
        """Return one row a recorded epoch, ordered by run_id, then epoch.

        Parameters
        ----------
        run_ids : int or iterable of int, optional
            The runs that are wanted; all if left out.

        Returns
        -------
        DataFrame
            Columns run_id, epoch, ssr; and loss where it is not SSR.

        Raises
        ------
        ResultsError
            The sweep has no such run.
        """
        wanted = [run_ids] if isinstance(run_ids, int) else run_ids
        if wanted is not None:
            wanted = list(wanted)
            for run_id in wanted:
                if not 0 <= run_id < self.manifest["runs"]:
                    raise ResultsError(
                        f"run_id = {run_id} is no run of {self.folder}.\n"
                        f"Runs are 0 to {self.manifest['runs'] - 1}."
                    )
        return _to_pandas(self._reader.read("trajectories", run_ids=wanted))

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
        A folder that `harness.run` or `harness run` made.

    Raises
    ------
    ResultsError
        It is no results folder.
    """
    folder = Path(folder)
    inside = Path("results") / folder
    if not (folder / MANIFEST).exists() and (inside / MANIFEST).exists():
        raise ResultsError(f"{folder} is no results folder.\nDid you mean {inside}?")
    return Results(Store.open(folder))
