"""Data points of a Parquet file; the only module of the package that imports pyarrow."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from harness.experiment.columns import Origin
from harness.experiment.csv_files import MOST_BYTES
from harness.experiment.data import check_size
from harness.experiment.selection import Reading, choose
from harness.experiment.tables import Table, add_series, empty_columns
from harness.plain_files import open_bytes

# pandas writes the labels of rows as columns with such names.
INDEX = "__index_level_"


def is_parquet(name: str) -> bool:
    """Tell by its name whether a file is Parquet."""
    return name.lower().endswith(".parquet")


def read_parquet(path: Path, reading: Reading, key: str = "data.file") -> Table:
    """Read columns from a Parquet file that a key names.

    Raises
    ------
    ExperimentError
        The file or a cell cannot be read, or a column is missing; the message names file, row and
        column.
    """
    origin = Origin(key=key, file=str(path))
    try:
        with open_bytes(path, MOST_BYTES) as source:
            return _read(source, origin, reading)
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None)
        if reason:
            raise origin.refusal(f"cannot be read: {reason}.", origin.path_advice) from None
        raise origin.refusal(
            "is damaged, or is not a Parquet file.",
            "Write it again; CSV files have names that end in .csv.",
        ) from None


def _read(source: io.BufferedReader, origin: Origin, reading: Reading) -> Table:
    options = {"page_checksum_verification": True, "pre_buffer": False}
    footer = pyarrow.parquet.ParquetFile(source, **options)
    names = [name for name in footer.schema_arrow.names if not name.startswith(INDEX)]
    if len(set(names)) < len(names):
        raise origin.refusal("has several columns of the same name.", "Rename them.")
    choice = choose(origin, names, len(names), reading)
    check_size(footer.metadata.num_rows, len(choice.positions))
    # As dictionaries, a long text takes its memory once and not once per row.
    leaves = [footer.schema.column(index) for index in range(len(footer.schema))]
    texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    file = pyarrow.parquet.ParquetFile(source, read_dictionary=texts, **options)
    columns = empty_columns(origin, names, choice, reading)
    for position, column in columns.items():
        # One column after the other, without threads: see `harness.store.encoding.parquet_file`.
        cells = file.read([names[position]], use_threads=False).column(0)
        add_series(column, cells.to_pandas())
    return Table(origin=origin, header=names, choice=choice, columns=columns)
