"""Write an experiment as a file, with its data points beside it."""

import os
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import tomli_w
from numpy.typing import NDArray

from harness.errors import ExperimentError, shown
from harness.experiment.data import Dataset, Floats, Names
from harness.experiment.new_inputs import NUMBERED, input_columns
from harness.experiment.parquet_files import INDEX
from harness.experiment.sections import numbered
from harness.experiment.selection import NUMBERS, Reading
from harness.experiment.tables import data_points, read_table

if TYPE_CHECKING:
    from harness.experiment.experiment import Experiment

# Data points without names, up to this many numbers, are readable in the experiment file itself.
MOST_INLINE = 100

# A CSV file of more numbers is slow to read.
MOST_CSV = 1_000_000


def _inline(value: Any) -> str:
    """Write a value of [grid] on one line; its texts are names of harness, without quotes."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_inline(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def as_toml(document: Mapping[str, Any]) -> str:
    """Return the text of a file with the keys of a document."""
    sections = dict(document)
    grid = sections.pop("grid", {})
    # tomli_w would move axes that are tables to the end, but their order decides the run ids.
    axes = "".join(f"{name} = {_inline(spec)}\n" for name, spec in grid.items())
    return tomli_w.dumps(sections) + (f"\n[grid]\n{axes}" if grid else "")


def write_experiment(
    experiment: "Experiment", path: Path, folder: Path | None, *, overwrite: bool
) -> None:
    """Write an experiment file, and its data points; see `Experiment.save`.

    `folder` is that of a relative `data.file`, if the data points are from there.
    """
    if path.suffix != ".toml":
        raise ExperimentError(
            "path", f"= {shown(str(path))} must end in .toml.", 'For example: "two_rates.toml"'
        )
    document = experiment.document()
    section = document["data"]
    has_file = "file" in section and _moved(section, folder, path.parent)
    is_complete = has_file or experiment.data_section.makes_points
    files = {} if is_complete else _give_data(section, experiment, path)
    mode = "w" if overwrite else "x"
    for file in (*files, path):
        if not overwrite and file.exists():
            raise _exists(file)
    for file, table in files.items():
        _write(file, mode, table)
    _write(path, mode, as_toml(document))


def _write(path: Path, mode: str, content: str | pd.DataFrame) -> None:
    """Write a text or a table."""
    try:
        if isinstance(content, str):
            with path.open(mode, encoding="utf-8", newline="\n") as text:
                text.write(content)
        else:
            with path.open(f"{mode}b") as file:
                if path.suffix == ".csv":
                    content.to_csv(file, index=False, lineterminator="\n", na_rep="nan")
                else:
                    content.to_parquet(file, index=False)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise ExperimentError(
            str(path), f"cannot be written: {error.strerror}.", "Choose another path."
        ) from None


def _exists(path: Path) -> ExperimentError:
    return ExperimentError(
        str(path), "exists already.", "Choose another name, or save with overwrite=True."
    )


def _moved(section: dict[str, Any], folder: Path | None, target: Path) -> bool:
    """Make the paths of data files relative to another folder; return whether they exist."""
    keys = [key for key in ("file", "validation_file") if key in section]
    if folder is None or not all((folder / section[key]).is_file() for key in keys):
        return False
    for key in keys:
        if not Path(section[key]).is_absolute():
            section[key] = Path(os.path.relpath(folder / section[key], target)).as_posix()
    return True


def _give_data(
    section: dict[str, Any], experiment: "Experiment", path: Path
) -> dict[Path, pd.DataFrame]:
    """Put data points into the section [data], or the names of files for them; return the files."""
    source, outputs = experiment.source, experiment.network.sizes[-1]
    if source.is_scaled:
        raise ExperimentError(
            "data",
            "has data points that an earlier version of harness has scaled already.",
            "Load the experiment from its own file, and save that.",
        )
    for key in ("inputs", "targets", "file", "validation_file", "header", "separator", "decimal"):
        section.pop(key, None)
    if _is_short(source):
        section.pop("missing")
        section |= {"inputs": _listed(source.inputs), "targets": _listed(source.targets)}
        return {}
    inputs = _columns(source)
    targets = _class_column(source) or _columns(_targets_as_inputs(source))
    names = _names(experiment, list(inputs), list(targets))
    table = pd.DataFrame(dict(zip(names, [*inputs.values(), *targets.values()], strict=True)))
    section |= {"inputs": names[: len(inputs)], "targets": names[len(inputs) :]}
    reading = Reading(
        inputs=tuple(section["inputs"]),
        targets=tuple(section["targets"]),
        outputs=outputs,
        missing=section["missing"],
    )
    trained = len(table) - source.held_out
    parts = [table[:trained], table[trained:]] if source.held_out else [table]
    first, *others = [read_table(part, reading) for part in parts]
    found = data_points(first, reading, *others)
    for made, there in ((found.inputs, source.inputs), (found.targets, source.targets)):
        if made.shape != there.shape or made.tobytes() != there.tobytes():
            raise ExperimentError(
                "data",
                "has columns that cannot be told apart in a file.",
                "Give all columns different names.",
            )
    suffix = ".csv" if table.size <= MOST_CSV and _is_printable(table) else ".parquet"
    if suffix == ".csv":
        section |= {"header": True, "separator": ",", "decimal": "."}
    keys = ("file", "validation_file")
    files = [path.with_suffix(suffix), path.with_name(f"{path.stem}_validation{suffix}")]
    section |= {key: file.name for key, file, _ in zip(keys, files, parts, strict=False)}
    return dict(zip(files, parts, strict=False))


def _is_short(source: Dataset) -> bool:
    """Return whether data points are few numbers without names, and all for one purpose."""
    names = source.names
    named = [n for n in names.inputs + names.targets if not NUMBERED.fullmatch(n)]
    others = named or names.classes or source.held_out
    numbers = source.inputs.size + source.targets.size
    return not others and numbers <= MOST_INLINE and bool(np.isfinite(source.inputs).all())


def _listed(numbers: Floats) -> list[Any]:
    listed: list[Any] = (numbers[:, 0] if numbers.shape[1] == 1 else numbers).tolist()
    return listed


def _columns(source: Dataset) -> dict[tuple[str, int], NDArray[Any]]:
    """Return the columns that inputs were made of, by name and position."""
    columns = enumerate(input_columns(source))
    return {(c.name, number): _as_written(c.values(source.inputs)) for number, c in columns}


def _targets_as_inputs(source: Dataset) -> Dataset:
    names = source.names.targets or numbered("y", source.targets.shape[1])
    return Dataset(
        inputs=source.targets,
        targets=source.targets,
        names=Names(inputs=tuple(names)),
        input_words=source.target_words,
    )


def _class_column(source: Dataset) -> dict[tuple[str, int], NDArray[Any]]:
    """Return the column of the classes; none if the targets are not classes."""
    targets, classes = source.targets, source.names.classes
    if not classes:
        return {}
    codes = targets.argmax(axis=1) if targets.shape[1] > 1 else targets[:, 0].astype(np.int64)
    return {("", 0): np.array(classes, dtype=object)[codes]}


def _as_written(values: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers as integers, unless one of them is -0.0."""
    if values.dtype.kind != "f" or not np.all(np.abs(values) < 2**53):
        return values
    whole = values.astype(np.int64)
    return whole if whole.astype(np.float64).tobytes() == values.tobytes() else values


def _names(
    experiment: "Experiment", inputs: Sequence[tuple[str, int]], targets: Sequence[tuple[str, int]]
) -> list[str]:
    """Return names for the columns of a file: their own, if they can be told apart there."""
    names = [name for name, _ in (*inputs, *targets)]
    given = experiment.data_section.targets or ()
    if experiment.source.names.classes and isinstance(given[0], str):
        names[-1] = given[0]  # the data points have the names of the classes only
    is_fit = len(set(names)) == len(names) and not any(
        not name
        or name.startswith(INDEX)
        or NUMBERS.fullmatch(name)
        or NUMBERED.fullmatch(name)
        or name != name.strip()
        for name in names
    )
    return names if is_fit else [*numbered("x", len(inputs)), *numbered("y", len(targets))]


def _is_printable(table: pd.DataFrame) -> bool:
    """Return whether all texts of a table are such that they can be on a line of a CSV file."""
    texts = (set(table[name]) for name in table if table[name].dtype.kind not in "iuf")
    return all(text.isprintable() for text in chain(table.columns, *texts))
