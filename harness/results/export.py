"""Tables of a results folder, or a part of them, as one CSV or Parquet file of any size."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import pyarrow as pa

from harness.errors import ResultsError, shown
from harness.results.selection import Missed, Selection, gathered
from harness.results.tables import Results
from harness.store import Store, is_local
from harness.store.encoding import csv_header, parquet_pieces, to_csv
from harness.store.files import LocalFiles
from harness.store.outputs import not_written

FORMATS = ("csv", "parquet")

_THREADS = min(4, os.cpu_count() or 1)  # that write numbers as text
_VALUES_A_PIECE = 1 << 18

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Exported(NamedTuple):
    """What was written: how many rows, of a sweep of which some chunks are not trained yet.

    Where there are no rows, `missed` has the values that the condition asks for and no row has, and
    the values that come nearest.
    """

    rows: int
    chunks_missing: int
    missed: tuple[Missed, ...]


def export(
    folder: Path,
    output: Path | IO[bytes],
    *,
    table: str = "runs",
    columns: Sequence[str] | None = None,
    runs: str | None = None,
    where: str | None = None,
    file_format: str | None = None,
    force: bool = False,
) -> Exported:
    """Write a table of a results folder, or a part of it, in memory that does not grow with it.

    Parameters
    ----------
    folder : Path
        The results folder. Of a sweep that has not ended, what is trained is written.
    output : Path or binary file
        Where it goes. A file appears under its name when it is whole.
    table : str
        "runs" or "trajectories".
    columns : sequence of str, optional
        The columns that are wanted, in this order; all if left out. Beside trajectories, those of
        `runs` may be among them.
    runs : str, optional
        The runs that are wanted, such as ``0,5,100-199``; all if left out. Rows are always ordered
        by run_id, then epoch.
    where : str, optional
        A condition on columns, such as ``status == 'diverged'``; see `harness.results.where`.
        Beside trajectories, it may be on columns of `runs` too.
    file_format : str, optional
        "csv" or "parquet"; "csv" if left out. The name of a file says its format by its ending.
    force : bool
        Whether a file that is there is replaced.

    Raises
    ------
    HarnessError
        An argument is not allowed, the folder is no results folder, or part of it is broken.
    NoSpaceError, StorageError
        The file cannot be written; nothing of it is there.
    """
    results = Results(Store.open(folder))
    store, named = results.store, output
    if isinstance(output, Path):
        output = _checked_output(output, store, force=force)
    file_format = _checked_format(file_format, named)
    selection = Selection(results, table, columns, runs, where)
    written = 0

    def counted() -> Iterator[pa.Table]:
        nonlocal written
        for rows in selection.tables():
            written += rows.num_rows
            yield rows

    if file_format == "csv":
        pieces = _csv_pieces(counted(), selection.schema.names)
    else:
        pieces = parquet_pieces(gathered(counted()), selection.schema)
    if isinstance(output, Path):
        _write_file(output, pieces, force=force)
    else:
        for piece in pieces:
            output.write(piece)
        output.flush()
    missed = () if written else tuple(selection.missed())
    return Exported(written, len(store.missing()), missed)


def _checked_format(name: str | None, output: Path | IO[bytes]) -> str:
    """Return the format of a file: that of its name, with which --format has to agree."""
    if name is not None and name not in FORMATS:
        raise ResultsError(f"--format = {shown(name)} is no format.\nIt is csv or parquet.")
    if isinstance(output, Path):
        ending = output.suffix[1:].lower()
        if ending not in FORMATS:
            raise ResultsError(
                f"--output = {shown(str(output))} must end in .csv or .parquet, the formats that"
                " there are.\nA spreadsheet opens CSV."
            )
        if name is not None and name != ending:
            raise ResultsError(
                f"--format = {name} is not what --output = {shown(str(output))} ends in.\n"
                "Leave --format out, or give the file the other ending."
            )
        return ending
    if name == "parquet" and output.isatty():
        raise ResultsError(
            "--format parquet is nothing that a terminal can show.\nName a file with --output."
        )
    return name or "csv"


def _checked_output(output: Path, store: Store, *, force: bool) -> Path:
    """Return where a file is to be, behind all links."""
    path = output.resolve()
    if path.is_dir():
        raise ResultsError(f"--output = {output} is a folder.\nName a file in it.")
    if path.exists() and not path.is_file():
        raise ResultsError(
            f"--output = {output} is no plain file.\nWithout --output, all goes to standard output."
        )
    if is_local(store.folder) and path.is_relative_to(store.folder.resolve()):
        raise ResultsError(
            f"--output = {output} is in the results folder, whose files harness keeps.\n"
            "Name a file elsewhere."
        )
    if path.exists() and not force:
        raise ResultsError(
            f"--output = {output} is there already.\nName another file, or replace it with --force."
        )
    return path


# -- bytes -----------------------------------------------------------------------------------------


def _csv_pieces(tables: Iterable[pa.Table], names: Sequence[str]) -> Iterator[Any]:
    yield csv_header(names)
    step = max(1, _VALUES_A_PIECE // len(names))
    slices = (rows.slice(first, step) for rows in tables for first in range(0, rows.num_rows, step))
    for pieces in _in_threads(lambda rows: list(to_csv(rows)), slices):
        yield from pieces


def _in_threads(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Yield the result of each item in turn, while those of the next few are being made."""
    waiting: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(_THREADS) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _write_file(path: Path, pieces: Iterable[Any], *, force: bool) -> None:
    files = LocalFiles(path.parent)
    try:
        if force:
            files.replace(path.name, pieces)
        elif not files.create(path.name, pieces):
            raise ResultsError(
                f"{path} was made by somebody else in the meantime.\n"
                "Name another file, or replace it with --force."
            )
    except OSError as error:
        raise not_written(path, error) from error
