"""The tables of a finished sweep as CSV, made from its chunks and recorded in a commit."""

from collections.abc import Iterator
from typing import Any

from harness.store.commits import MAX_COMMIT_BYTES, Commit, FileRecord
from harness.store.encoding import csv_header, to_csv
from harness.store.folder import COMMITS, Store
from harness.store.parts import TABLES
from harness.store.reader import Reader

# Spreadsheets cannot open larger files; Parquet is the format to read then.
MAX_CSV_ROWS = 1_000_000

CSV_COMMIT = f"{COMMITS}/csv.json"

# A number has at most 26 characters, and a network at most a million parameters.
MAX_ROW_BYTES = 1 << 25


def read_csv_commit(store: Store) -> Commit:
    """Read the commit of the CSV files, of this generation or a former one.

    Raises
    ------
    OSError, ValueError
        It is missing or broken.
    """
    commit = Commit.from_json(store.files.read(CSV_COMMIT, MAX_COMMIT_BYTES))
    if not set(commit.files) <= {f"{table}.csv" for table in TABLES}:
        raise ValueError("it has files other than runs.csv and trajectories.csv")
    for name, record in commit.files.items():
        if record.rows >= MAX_CSV_ROWS or record.size > (record.rows + 1) * MAX_ROW_BYTES:
            raise ValueError(f"{name} is larger than the CSV files that harness writes")
    return commit


def has_csv(store: Store) -> bool:
    """Return whether the CSV files of the experiment are there, with their recorded sizes."""
    try:
        commit = read_csv_commit(store)
        return commit.identity == store.manifest.identity and all(
            store.files.size(name) == record.size for name, record in commit.files.items()
        )
    except (OSError, ValueError):  # missing or broken
        return False


def write_csv(store: Store) -> None:
    """Write each table with fewer than `MAX_CSV_ROWS` rows."""
    reader = Reader(store)
    records = {}
    with store.writing("the CSV tables"):
        for table in TABLES:
            rows, name = reader.rows(table), f"{table}.csv"
            if 0 < rows < MAX_CSV_ROWS:
                store.files.replace(name, _pieces(reader, table))
                with store.files.open(name) as file:
                    records[name] = FileRecord.of_file(rows, file)
            else:
                store.files.remove([name])  # of a smaller grid
        commit = Commit(identity=store.manifest.identity, files=records)
        store.files.replace(CSV_COMMIT, [commit.to_json()])


def _pieces(reader: Reader, table: str) -> Iterator[Any]:
    yield csv_header(reader.columns(table))
    for rows in reader.batches(table):
        yield from to_csv(rows)
