"""The tables of a finished sweep as CSV: derived from the chunks, and checked as they are."""

from collections.abc import Iterator
from typing import Any

from harness.store.commits import MOST_COMMIT_BYTES, CsvCommit, FileRecord
from harness.store.encoding import csv_header, to_csv
from harness.store.folder import COMMITS, Store
from harness.store.parts import TABLES
from harness.store.reader import Reader

# Beyond that a spreadsheet does not open the file and Parquet is the format to read.
MOST_CSV_ROWS = 1_000_000

CSV_COMMIT = f"{COMMITS}/csv.json"

# A number has at most 26 characters, and no table has more columns than a network of this package
# has parameters that fit a row of this length.
MOST_ROW_BYTES = 1 << 16


def read_csv_commit(store: Store) -> CsvCommit:
    """Read the commit of the CSV files, of this generation or a former one.

    Raises
    ------
    OSError, ValueError
        It is not there, or broken.
    """
    commit = CsvCommit.from_json(store.files.read(CSV_COMMIT, MOST_COMMIT_BYTES))
    if not set(commit.files) <= {f"{table}.csv" for table in TABLES}:
        raise ValueError("it has other files than runs.csv and trajectories.csv")
    for name, record in commit.files.items():
        if record.rows >= MOST_CSV_ROWS or record.size > (record.rows + 1) * MOST_ROW_BYTES:
            raise ValueError(f"{name} is larger than harness writes it")
    return commit


def has_csv(store: Store) -> bool:
    """Return whether all CSV files that are due are there, and as long as they were written."""
    try:
        commit = read_csv_commit(store)
        return commit.identity == store.manifest.identity and all(
            store.files.size(name) == record.size for name, record in commit.files.items()
        )
    except (OSError, ValueError):  # not written, or broken
        return False


def write_csv(store: Store) -> None:
    """Write the tables that are small enough."""
    reader = Reader(store)
    records = {}
    with store.writing("the CSV tables"):
        for table in TABLES:
            rows, name = reader.rows(table), f"{table}.csv"
            if 0 < rows < MOST_CSV_ROWS:
                store.files.replace(name, _pieces(reader, table))
                with store.files.open(name) as file:
                    records[name] = FileRecord.of_file(rows, file)
            else:
                store.files.remove([name])  # of a smaller grid
        commit = CsvCommit(identity=store.manifest.identity, files=records)
        store.files.replace(CSV_COMMIT, [commit.to_json()])


def _pieces(reader: Reader, table: str) -> Iterator[Any]:
    yield csv_header(reader.columns(table))
    for rows in reader.batches(table):
        yield from to_csv(rows)
