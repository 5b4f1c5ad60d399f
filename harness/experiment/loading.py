"""Load an experiment from a TOML file and changes to its keys."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any

from harness.calls import check_path, check_type
from harness.errors import ExperimentError, shown
from harness.experiment.complaints import Complaints
from harness.experiment.experiment import Experiment
from harness.experiment.positions import positions
from harness.experiment.schema import NAME
from harness.hints import nearest
from harness.plain_files import open_text

_FOR_EXAMPLE = 'For example: {"training.epochs": 10}'

# Enough for a million numbers of data; larger data belong in a CSV file.
_MOST_BYTES = 16_000_000


def load_experiment(path: str | Path, changes: Mapping[str, Any] | None = None) -> Experiment:
    """Read and check an experiment file.

    Parameters
    ----------
    path : str or Path
        TOML file; docs/experiment-files.md explains every key.
    changes : mapping, optional
        Values that replace those of the file, by dotted key, such as ``{"training.epochs": 10}``.

    Raises
    ------
    ExperimentError
        The file cannot be read, or it is not a valid experiment.
    """
    check_path("path", path)
    check_type("changes", changes, (Mapping, NoneType), "a mapping", _FOR_EXAMPLE)
    for dotted in changes or {}:
        check_type("changes", dotted, str, "a mapping of keys", _FOR_EXAMPLE)
    path = Path(path)
    text, document = _read(path)
    try:
        for dotted, value in (changes or {}).items():
            _change(document, dotted, value)
        if "name" not in document:
            document["name"] = _name_of(path)
        return Experiment.from_mapping(document, folder=path.parent)
    except ExperimentError as error:
        is_changed = any(error.key.startswith(dotted) for dotted in changes or {})
        _locate([error], path, "" if is_changed else text)
        raise


def check_file(path: Path) -> Experiment | list[ExperimentError]:
    """Read an experiment file; return the experiment, or all errors that can be found.

    Errors in the network hide those that depend on it. Errors in single keys hide those that
    involve several keys, except for the axes of the grid.
    """
    complaints = Complaints(collect=True)
    text = ""
    try:
        text, document = _read(path)
        if "name" not in document:
            document["name"] = _name_of(path)
        return Experiment.model_validate(
            document, context={"folder": path.parent, "complaints": complaints}
        )
    except ExperimentError as error:
        found = [*complaints.found, *([] if error in complaints.found else [error])]
    _locate(found, path, text)
    return sorted(found, key=lambda one: one.position)


def _locate(errors: Sequence[ExperimentError], path: Path, text: str) -> None:
    """Say in which file errors are and, for keys that are in the text, where."""
    # Axes that are wrong together are joined by "and".
    found = positions(text, [error.key.partition(" and ")[0] for error in errors])
    for error, where in zip(errors, found, strict=True):
        if error.key != str(path):
            error.source, error.position = str(path), where


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a TOML file and its content."""
    try:
        with open_text(path, _MOST_BYTES) as file:
            text = file.read()
        return text, tomllib.loads(text)
    except OSError as error:
        there = [p.name for p in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        advice = (
            nearest(path.name, there) or "Check the path; it is relative to the current folder."
        )
        raise ExperimentError(str(path), f"cannot be read: {error.strerror}.", advice) from None
    except UnicodeDecodeError as error:
        raise ExperimentError(
            str(path), f"is not UTF-8: {error.reason} at byte {error.start}.", "Save it as UTF-8."
        ) from None
    except RecursionError:
        raise ExperimentError(
            str(path), "has lists or tables that are nested too deeply.", "Nest them less deeply."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError(
            str(path),
            f"is not TOML: {error}.",
            "Write one key = value per line, and texts in double quotes.",
        ) from None
    except ValueError:  # from int(), which refuses more digits
        raise ExperimentError(
            str(path), "has a whole number of more than 4300 digits.", "Make it smaller."
        ) from None


def _name_of(path: Path) -> str:
    """Return the name of the file without its suffix; raise if it is not a valid name."""
    if not re.fullmatch(NAME, path.stem):
        raise ExperimentError(
            "name",
            f"is missing, and the name of the file, {shown(path.stem)}, cannot replace it.",
            'Add a line such as name = "two_rates" at the top of the file.',
        )
    return path.stem


def _change(document: dict[str, Any], dotted: str, value: Any) -> None:
    *tables, last = dotted.split(".")
    for depth, name in enumerate(tables, start=1):
        inner = document.setdefault(name, {})
        if not isinstance(inner, dict):
            table = ".".join(tables[:depth])
            raise ExperimentError(
                dotted,
                f"cannot be set: {table} = {shown(inner)} is not a table.",
                f"Set {table} as a whole.",
            )
        document = inner
    document[last] = value
