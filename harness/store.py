"""Durable results: a folder of chunks, each a part of two tables, beside a manifest.

    <folder>/  manifest.json
               runs/part-000000.parquet           a row a run
               trajectories/part-000000.parquet   a row a recorded epoch
               runs.csv  trajectories.csv         when the sweep has ended, below a million rows

Everything about the folder is in this module, and nothing about networks. A part appears whole or
not at all: it is written under another name and renamed. The runs part of a chunk is written
last, so a chunk is there if its runs part is.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from harness.errors import ResultsError

Columns = Mapping[str, Any]

MANIFEST = "manifest.json"
FORMAT = 1
_TABLES = ("runs", "trajectories")

# Beyond that a spreadsheet does not open the file and Parquet is the format to read.
MOST_CSV_ROWS = 1_000_000


class Store:
    """One results folder.

    Parameters
    ----------
    folder : Path
        The folder.
    manifest : mapping
        What was trained and where; it must have `chunks`, the number of chunks.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest

    @classmethod
    def create(cls, folder: Path, manifest: Mapping[str, Any]) -> "Store":
        """Make a results folder; it must not have other things in it."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ResultsError(
                f"{folder} is there already and is no results folder.\n"
                "Choose another folder with --out, or move this one away."
            )
        try:
            for table in _TABLES:
                (folder / table).mkdir(parents=True)
        except OSError as error:
            raise ResultsError(
                f"{folder} cannot be made: {error.strerror}.\nChoose another folder with --out."
            ) from None
        store = cls(folder, manifest)
        store.amend({})
        return store

    def amend(self, entries: Mapping[str, Any]) -> None:
        """Write entries into the manifest, which keeps the others."""
        self.manifest = {**self.manifest, **entries}
        text = json.dumps(self.manifest, indent=2, ensure_ascii=False) + "\n"
        _write(self.folder / MANIFEST, lambda path: path.write_text(text, encoding="utf-8"))

    @classmethod
    def open(cls, folder: Path) -> "Store":
        """Open a results folder.

        Raises
        ------
        ResultsError
            It has no manifest, or one that cannot be read.
        """
        path = folder / MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            if manifest["format"] != FORMAT:
                raise ResultsError(
                    f"{path} has the format {manifest['format']}; this harness reads {FORMAT}.\n"
                    "Use the version of harness that wrote it."
                )
            return cls(folder, manifest)
        except OSError as error:
            raise ResultsError(
                f"{folder} is no results folder: {path} cannot be read: {error.strerror}.\n"
                "`harness run FILE` makes one."
            ) from None
        except (ValueError, TypeError, KeyError) as error:
            raise ResultsError(
                f"{path} is broken: {error}.\nMove {folder} away, and train anew."
            ) from None

    def _part(self, table: str, chunk: int) -> Path:
        return self.folder / table / f"part-{chunk:06}.parquet"

    def missing(self) -> list[int]:
        """Return the chunks that are not there yet, ascending."""
        there = set.intersection(
            *({path.name for path in (self.folder / table).glob("part-*")} for table in _TABLES)
        )
        chunks = range(int(self.manifest["chunks"]))
        return [chunk for chunk in chunks if self._part("runs", chunk).name not in there]

    def write(self, chunk: int, runs: Columns, trajectories: Columns) -> None:
        """Keep the rows of a chunk."""
        for table, columns in (("trajectories", trajectories), ("runs", runs)):
            rows = pa.table({name: _array(values) for name, values in columns.items()})
            _write(
                self._part(table, chunk),
                partial(
                    pyarrow.parquet.write_table,
                    rows,
                    compression="zstd",
                    **_encodings(rows.schema),
                ),
            )

    def write_csv(self) -> None:
        """Write the tables that are small enough as CSV, where they are not written yet."""
        for table in _TABLES:
            path = self.folder / f"{table}.csv"
            if not path.exists() and 0 < self.rows(table) < MOST_CSV_ROWS:
                _write(path, partial(_write_csv, self.read(table)))

    def rows(self, table: str) -> int:
        """Return the number of rows of a table."""
        rows = 0
        for path in self._files(table):
            try:
                rows += pyarrow.parquet.read_metadata(path).num_rows
            except (OSError, pa.ArrowException) as error:
                raise _broken(path) from error
        return rows

    def columns(self, table: str) -> list[str]:
        """Return the names of the columns of a table."""
        files = self._files(table)
        if not files:
            raise self._empty()
        try:
            names: list[str] = pyarrow.parquet.read_schema(files[0]).names
        except (OSError, pa.ArrowException) as error:
            raise _broken(files[0]) from error
        return names

    def read(
        self, table: str, columns: Sequence[str] | None = None, run_ids: Any = None
    ) -> pa.Table:
        """Return a table, or some columns or the rows of some runs of it, ordered by run_id."""
        kept = None if run_ids is None else pc.field("run_id").isin(pa.array(run_ids, pa.int64()))
        names = None if columns is None else list(columns)
        parts = []
        for path in self._files(table):
            try:
                parts.append(pyarrow.parquet.read_table(path, columns=names, filters=kept))
            except (OSError, pa.ArrowException) as error:
                raise _broken(path) from error
        if not parts:
            raise self._empty()
        return pa.concat_tables(parts)

    def _empty(self) -> ResultsError:
        return ResultsError(
            f"{self.folder} has no finished chunk yet.\n`harness run FILE` goes on."
        )

    def _files(self, table: str) -> list[Path]:
        done = sorted((self.folder / "runs").glob("part-*.parquet"))
        return [self.folder / table / path.name for path in done]


def _broken(path: Path) -> ResultsError:
    chunk = f"{path.parent.parent}/runs/{path.name}"
    return ResultsError(
        f"{path} cannot be read: it is missing or broken.\n"
        f"Remove {chunk}; `harness run FILE` then trains its runs again."
    )


def _array(values: Any) -> pa.Array:
    array = pa.array(values)
    # Names are plain text in the tables; Parquet keeps each of them once anyway.
    return array.cast(pa.string()) if pa.types.is_dictionary(array.type) else array


def _encodings(schema: pa.Schema) -> dict[str, Any]:
    """Return the encodings that made the smallest files: see docs/decisions/0006."""
    floats = [field.name for field in schema if pa.types.is_floating(field.type)]
    integers = [field.name for field in schema if pa.types.is_integer(field.type)]
    return {
        "use_dictionary": [f.name for f in schema if f.name not in {*floats, *integers}],
        "column_encoding": {
            **dict.fromkeys(floats, "BYTE_STREAM_SPLIT"),
            **dict.fromkeys(integers, "DELTA_BINARY_PACKED"),
        },
    }


def _write_csv(rows: pa.Table, path: Path) -> None:
    """Write a table as CSV whose floats read back to the same bits, and as floats."""
    for index, field in enumerate(rows.schema):
        if pa.types.is_floating(field.type):
            # pyarrow writes the shortest text that reads back, and 5 for 5.0: that is an integer.
            text = pc.replace_substring_regex(
                rows.column(index).cast(pa.string()), r"^(-?\d+)$", r"\1.0"
            )
            rows = rows.set_column(index, field.name, text)
    # Names here are words of ours, which need no quotes; pyarrow would put them around all.
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    with path.open("wb") as file:
        file.write((",".join(rows.column_names) + "\n").encode())
        pyarrow.csv.write_csv(rows, file, options)


def _write(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` make a file, which appears under its name when it is whole."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
