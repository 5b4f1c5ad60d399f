"""Export of a table of a results folder, or a part of it, as one CSV or Parquet file."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import pyarrow as pa

from harness.errors import ResultsError, shown
from harness.results.selection import Selection
from harness.results.tables import Results
from harness.results.where import Missed
from harness.store import Store, is_local
from harness.store.encoding import csv_header, parquet_pieces, to_csv
from harness.store.files import LocalFiles
from harness.store.outputs import not_written
from harness.store.reader import gathered

FORMATS = ("csv", "parquet")

_THREADS = min(4, os.cpu_count() or 1)  # to convert numbers to text
_PIECE_VALUES = 1 << 18

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Exported(NamedTuple):
    """The outcome of an export.

    Attributes
    ----------
    rows : int
        Number of rows written.
    chunks_missing : int
        Number of chunks of the sweep that are not trained yet.
    missed : tuple of Missed
        If no row was written, the numbers that the condition asks for and no row has.
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
    """Write a table of a results folder, or a part of it, in bounded memory.

    Parameters
    ----------
    folder : Path
        The results folder. Chunks that are not trained yet are left out.
    output : Path or binary file
        The destination. A file appears under its name when it is complete.
    table : str
        "runs" or "trajectories".
    columns : sequence of str, optional
        The columns, in this order; by default all of the table. For trajectories, they may include
        columns of `runs`.
    runs : str, optional
        The runs, such as ``0,5,100-199``; all by default. Rows are always ordered by run_id, then
        epoch.
    where : str, optional
        A condition on rows, such as ``status == 'diverged'``; see `harness.results.where`. For
        trajectories, it may name columns of `runs`.
    file_format : str, optional
        "csv" or "parquet"; by default, the suffix of the file, or "csv".
    force : bool
        Whether to replace an existing file.

    Raises
    ------
    HarnessError
        An argument is not allowed, the folder is not a results folder, or it is broken.
    NoSpaceError, StorageError
        The file cannot be written; no part of it remains.
    """
    results = Results(Store.open(folder))
    store, named = results.store, output
    if isinstance(output, Path):
        output = checked_output(output, store, force=force)
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
        write_file(output, pieces, force=force)
    else:
        for piece in pieces:
            output.write(piece)
        output.flush()
    missed = () if written else tuple(selection.missed())
    return Exported(written, len(store.missing()), missed)


def _checked_format(name: str | None, output: Path | IO[bytes]) -> str:
    """Return the format of a file: its suffix, if it has a name, which --format must match."""
    if name is not None and name not in FORMATS:
        raise ResultsError(
            f"--format = {shown(name)} must be csv or parquet.\nA spreadsheet opens CSV."
        )
    if isinstance(output, Path):
        ending = output.suffix[1:].lower()
        if ending not in FORMATS:
            raise ResultsError(
                f"--output = {shown(str(output))} must end in .csv or .parquet.\n"
                "A spreadsheet opens CSV."
            )
        if name is not None and name != ending:
            raise ResultsError(
                f"--format = {name} does not match the suffix of --output ="
                f" {shown(str(output))}.\nLeave --format out, or name a .{name} file."
            )
        return ending
    if name == "parquet" and output.isatty():
        raise ResultsError(
            "Parquet is binary and cannot be written to a terminal.\nUse --output FILE."
        )
    return name or "csv"


def checked_output(output: Path, store: Store, *, force: bool) -> Path:
    """Return the resolved path of a file, if it may be written."""
    path = output.resolve()
    if path.is_dir():
        raise ResultsError(f"--output = {output} is a folder.\nName a file in it.")
    if path.exists() and not path.is_file():
        raise ResultsError(
            f"--output = {output} is not a regular file.\nLeave --output out to write to standard"
            " output."
        )
    if is_local(store.folder) and path.is_relative_to(store.folder.resolve()):
        raise ResultsError(
            f"--output = {output} is in the results folder, where only harness writes.\n"
            "Name a file elsewhere."
        )
    if path.exists() and not force:
        raise ResultsError(
            f"--output = {output} exists.\nName another file, or replace it with --force."
        )
    return path


# -- bytes -----------------------------------------------------------------------------------------


def _csv_pieces(tables: Iterable[pa.Table], names: Sequence[str]) -> Iterator[Any]:
    yield csv_header(names)
    step = max(1, _PIECE_VALUES // len(names))
    slices = (rows.slice(first, step) for rows in tables for first in range(0, rows.num_rows, step))
    for pieces in _in_threads(lambda rows: list(to_csv(rows)), slices):
        yield from pieces


def _in_threads(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Yield the result of each item in order, while threads compute the next few."""
    waiting: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(_THREADS) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def write_file(path: Path, pieces: Iterable[Any], *, force: bool) -> None:
    """Write a file, which appears under its name when it is complete."""
    files = LocalFiles(path.parent)
    try:
        if force:
            files.replace(path.name, pieces)
        elif not files.create(path.name, pieces):
            raise ResultsError(
                f"{path} was created by another process in the meantime.\n"
                "Name another file, or replace it with --force."
            )
    except OSError as error:
        raise not_written(path, error) from error
