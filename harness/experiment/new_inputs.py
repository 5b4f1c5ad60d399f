"""Inputs to predict: a file or data of Python, chosen and encoded as the data of an experiment.

They are read in the same way as those data. Then the columns of the experiment and the new ones are
put together as data points for training and for validation are, so that words get the same columns,
and the same faults get the same messages.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.experiment.columns import Column, Origin
from harness.experiment.data import Dataset, Floats
from harness.experiment.parquet_files import is_parquet, read_parquet
from harness.experiment.schema import DataSection
from harness.experiment.selection import EVERY, Choice, Reading
from harness.experiment.tables import (
    EQUALS,
    Table,
    as_frame,
    data_points,
    has_names,
    read_csv,
    read_table,
)

# The name of a column of a table without a header.
NUMBERED = re.compile(r"column \d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class InputColumn:
    """A column of inputs as users see it.

    Attributes
    ----------
    name : str
        Its name.
    inputs : range
        The inputs that it became: one for numbers, and one per word.
    words : tuple of str
        Its words, sorted; empty for numbers.
    """

    name: str
    inputs: range
    words: tuple[str, ...] = ()

    def values(self, inputs: Floats) -> NDArray[Any]:
        """Return its numbers or words, of shape (m,), from inputs that are not scaled."""
        if not self.words:
            numbers: Floats = inputs[:, self.inputs.start]
            return numbers
        words = np.array(self.words, dtype=object)
        return np.asarray(words[inputs[:, self.inputs].argmax(axis=1)])


def input_columns(source: Dataset) -> list[InputColumn]:
    """Return the columns that the inputs of data points were made of."""
    names = source.names.inputs or [f"input_{j + 1}" for j in range(source.inputs.shape[1])]

    def column_of(j: int) -> tuple[str, int]:
        """Return the name, and what tells columns of numbers of the same name apart."""
        return (names[j].partition(EQUALS)[0], -1) if j in source.input_words else (names[j], j)

    columns = []
    for (name, number), group in groupby(range(len(names)), column_of):
        positions = list(group)
        words = [names[j].partition(EQUALS)[2] for j in positions] if number < 0 else []
        inputs = range(positions[0], positions[-1] + 1)
        columns.append(InputColumn(name=name, inputs=inputs, words=tuple(words)))
    return columns


def read_inputs(given: Any, source: Dataset, section: DataSection) -> Floats:
    """Return new inputs (m, inputs) before scaling; those that are missing are NaN.

    Parameters
    ----------
    given : path, DataFrame, array or list of rows
        A CSV or Parquet file, or a table. Columns are found by name, if both the data of the
        experiment and the new ones have names; otherwise they are the inputs in order.
    source : Dataset
        The data points of the experiment.
    section : DataSection
        Its section [data].

    Raises
    ------
    ExperimentError
        A column is missing, or a cell is not a number, or a word that the experiment does not have.
    """
    columns = input_columns(source)
    names = [column.name for column in columns]
    is_file = isinstance(given, str | Path)
    is_named = bool(source.names.inputs) and not all(map(NUMBERED.fullmatch, names))
    if not is_file:
        given = as_frame(given, "inputs")
        is_named = is_named and has_names(given)
    reading = Reading(
        inputs=tuple(names) if is_named else EVERY,
        targets=(),
        missing="mean" if section.missing == "mean" else "error",
        header=section.header,
        separator=section.separator,
        decimal=section.decimal,
    )
    if not is_file:
        table = read_table(given, reading, "inputs")
    else:
        read = read_parquet if is_parquet(str(given)) else read_csv
        table = read(Path(given), reading, "inputs")
    known = _table_of(columns, section.file or "", names if is_named else None)
    found = data_points(known, reading, table)
    return found.inputs[-found.held_out :]


def _table_of(columns: Sequence[InputColumn], file: str, header: Sequence[str] | None) -> Table:
    """Return a table that has every word of some columns; its numbers do not matter."""
    origin = Origin(key="data", file=file)
    rows = max(len(column.words) for column in columns) or 1
    made = {}
    for position, column in enumerate(columns):
        made[position] = Column(origin, column.name, position, missing="error", is_target=False)
        for row in range(rows):
            words = column.words
            made[position].add(row + 1, words[row % len(words)] if words else "0")
    choice = Choice(inputs=list(made), targets=[])
    return Table(origin=origin, header=header, choice=choice, columns=made)
