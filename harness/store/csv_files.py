"""The tables of a finished sweep as CSV: derived from the chunks, and checked as they are."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.store.commits import Commit, FileRecord
from harness.store.encoding import csv_header, to_csv
from harness.store.folder import COMMITS, TABLES, Store
from harness.store.reading import Reader

# Beyond that a spreadsheet does not open the file and Parquet is the format to read.
MOST_CSV_ROWS = 1_000_000

CSV_COMMIT = f"{COMMITS}/csv.json"


def has_csv(store: Store) -> bool:
    """Return whether all CSV files that are due are there, and as long as they were written."""
    try:
        files: Mapping[str, FileRecord] = store.read_commit(CSV_COMMIT).files
    except (OSError, ValueError, TypeError, KeyError):  # not written, broken, of a smaller grid
        return False
    return all(store.files.size(name) == record.size for name, record in files.items())


def write_csv(store: Store) -> None:
    """Write the tables that are small enough."""
    reader = Reader(store)
    records = {}
    with store.writing("the CSV tables"):
        for table in TABLES:
            rows, name = reader.rows(table), f"{table}.csv"
            if 0 < rows < MOST_CSV_ROWS:
                store.files.replace(name, _pieces(reader, table))
                records[name] = FileRecord.of(rows, store.files.read(name))
            else:
                store.files.remove([name])  # of a smaller grid
        commit = Commit(identity=store.manifest["identity"], files=records, about={})
        store.files.replace(CSV_COMMIT, [commit.to_json()])


def _pieces(reader: Reader, table: str) -> Iterator[Any]:
    yield csv_header(reader.columns(table))
    for rows in reader.batches(table):
        yield from to_csv(rows)
