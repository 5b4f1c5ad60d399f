"""Make the data points of the section [data]: inline, from a file or a table, or generated."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import ExperimentError, shown
from harness.experiment.checks import check_repeats
from harness.experiment.data import MOST_NUMBERS, Dataset, Floats
from harness.experiment.generators import GENERATORS, KEYS, TRAINING, VALIDATION
from harness.experiment.grid import Grid
from harness.experiment.held_out import generated_in_addition
from harness.experiment.network import Network
from harness.experiment.parquet_files import is_parquet, read_parquet
from harness.experiment.schema import DataSection, keys_of, listed
from harness.experiment.selection import Reading
from harness.experiment.tables import data_points, read_csv, read_table
from harness.formatting import plural

MOST_GENERATED = 10_000_000  # in all data that axes generate, each time the experiment is read


def build_source(
    section: DataSection, network: Network, folder: Path, table: Any = None
) -> Dataset:
    """Make the data points: inline, read from a file or a table of Python, or generated."""
    forms = {
        "generator": section.generator is not None,
        "file": section.file is not None,
        "a table of Python": table is not None,
        "inline": section.file is None
        and table is None
        and (section.inputs or section.targets) is not None,
    }
    _check_unused_keys(section, has_table=table is not None)
    if sum(forms.values()) != 1:
        chosen = [form for form, given in forms.items() if given]
        raise ExperimentError(
            "data",
            f"must have one form; it has {' and '.join(chosen) or 'none'}.",
            "Give `inputs` and `targets`; or `file`, with columns in `inputs` and `targets`;"
            " or `generator`.",
        )
    if section.generator is not None:
        return _generated(section.generator, section, network)
    if section.file is not None:
        return _from_files(section, _reading(section, network), folder)
    if table is not None:
        reading = _reading(section, network)
        return data_points(read_table(table, reading), reading)
    return Dataset(
        inputs=_table("data.inputs", section.inputs),
        targets=_table("data.targets", section.targets),
    )


def _reading(section: DataSection, network: Network) -> Reading:
    """Return how to read a table."""
    every = section.inputs == "all but targets"
    return Reading(
        inputs=None if every else _column_names("data.inputs", section.inputs),
        targets=_column_names("data.targets", section.targets),
        outputs=network.sizes[-1],
        missing=section.missing,
        header=section.header,
        separator=section.separator,
        decimal=section.decimal,
    )


def _from_files(section: DataSection, reading: Reading, folder: Path) -> Dataset:
    """Read data points, and those of another file for validation, if there is one."""
    tables = [
        (read_parquet if is_parquet(name) else read_csv)(folder / name, reading, key)
        for key, name in (
            ("data.file", section.file),
            ("data.validation_file", section.validation_file),
        )
        if name is not None
    ]
    return data_points(tables[0], reading, *tables[1:])


def _check_unused_keys(section: DataSection, *, has_table: bool) -> None:
    """Refuse keys of another form, such as `samples` for data from a file."""
    unused: dict[str, str] = {}
    if section.file is None or is_parquet(section.file):
        unused |= dict.fromkeys(("header", "separator", "decimal"), "a CSV file")
    if section.file is None and not has_table:
        unused["missing"] = "data from a file"
    if section.file is None:
        unused["validation_file"] = "data from a file"
    for key, users in unused.items():
        value = getattr(section, key)
        if value != keys_of(DataSection)[key].default:
            raise ExperimentError(
                f"data.{key}", f"= {shown(value)} is only for {users}.", "Remove it."
            )
    check_repeats("data.standardise", section.standardise)
    twice = [name for name in section.scale or {} if name in section.standardise]
    if twice:
        raise ExperimentError(
            "data.scale",
            f"= {shown(section.scale)} scales the {twice[0]}, as data.standardise does.",
            "Remove one of the two.",
        )
    takers: dict[str, list[str]] = {}
    for name, generator in GENERATORS.items():
        for key in generator.keys:
            takers.setdefault(key, []).append(name)
    for key, names in takers.items():
        if getattr(section, key) is not None and section.generator not in names:
            raise ExperimentError(
                f"data.{key}",
                f"= {shown(getattr(section, key))} is only for the generator {listed(names)}.",
                "Remove it, or change data.generator.",
            )


def _keys_of_generator(section: DataSection) -> dict[str, Any]:
    """Return the values of the keys that the generator takes; empty if there is none."""
    defaults = GENERATORS[section.generator].keys if section.generator else {}
    given = {key: getattr(section, key) for key in defaults}
    return {key: defaults[key] if given[key] is None else given[key] for key in defaults}


def _size_of_generated(keys: Mapping[str, Any], section: DataSection, network: Network) -> int:
    """Return how many numbers a generator makes; 0 for a table, which is small."""
    points = keys.get("samples", 0) + generated_in_addition(section)
    inputs, outputs = network.sizes[0], network.sizes[-1]
    return int(points * (inputs + max(outputs, keys.get("classes", 0))))


def _generated(name: str, section: DataSection, network: Network) -> Dataset:
    keys = _keys_of_generator(section)
    inputs, outputs = network.sizes[0], network.sizes[-1]
    held_out = generated_in_addition(section)
    if _size_of_generated(keys, section, network) > MOST_NUMBERS:
        more = f" and data.validation = {held_out}" if held_out else ""
        raise ExperimentError(
            "data.samples",
            f"= {keys['samples']}{more}, with {plural(inputs, 'input')} and"
            f" {plural(outputs, 'output')}, is more than {MOST_NUMBERS} numbers.",
            "Use fewer samples, or a smaller network.",
        )
    made = GENERATORS[name].make(inputs, outputs, TRAINING, **keys)
    if not held_out:
        return made
    further = GENERATORS[name].make(inputs, outputs, VALIDATION, **{**keys, "samples": held_out})
    return replace(
        made,
        inputs=np.concatenate((made.inputs, further.inputs)),
        targets=np.concatenate((made.targets, further.targets)),
        held_out=held_out,
    )


def check_generated(section: DataSection, network: Network, grid: Grid) -> None:
    """Check the size of the data that the points of a grid generate, before any are made."""
    axes = {axis.name: axis.values for axis in grid.axes}
    if not any(key.axis in axes for key in KEYS.values()):
        return
    keys = _keys_of_generator(section)
    if "samples" in axes:
        keys["samples"] = axes["samples"].take(np.arange(axes["samples"].count)).max().item()
    if grid.size * _size_of_generated(keys, section, network) > MOST_GENERATED:
        raise ExperimentError(
            "grid",
            f"has axes that change the data: {grid.size} data sets of up to {keys['samples']} data"
            f" points are more than {MOST_GENERATED} numbers.",
            "Shorten an axis, or use fewer samples.",
        )


def _column_names(key: str, given: Sequence[Any] | None) -> tuple[str, ...]:
    if not given or not all(isinstance(name, str) for name in given):
        raise ExperimentError(
            key,
            f"= {shown(given or [])} must be a list of columns: column names, or numbers from 1.",
            'For example: ["dosage"], or ["1-3"] for the first three.',
        )
    return tuple(given)


def _table(key: str, given: Sequence[Any] | None) -> Floats:
    rows = [row if isinstance(row, tuple) else (row,) for row in given or ()]
    if not rows or not rows[0]:
        raise ExperimentError(
            key,
            f"= {shown(given or [])} must have at least one data point with at least one number.",
            "Give a list of numbers, or of lists of numbers.",
        )
    for number, row in enumerate(rows, start=1):
        if any(isinstance(value, str) for value in row):
            raise ExperimentError(
                key,
                f"= {shown(given)} has column names, but there is no data.file.",
                "Give data.file, or numbers.",
            )
        if len(row) != len(rows[0]):
            raise ExperimentError(
                key,
                f"= {shown(given)} has {plural(len(row), 'number')} in data point {number} and"
                f" {len(rows[0])} in the first.",
                "Give all data points the same length.",
            )
    return np.array(rows, dtype=np.float64)
