"""Arguments, options and exit statuses that several commands share."""

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.completion import experiment_files, results_folders
from harness.cli.printing import fit_to_print
from harness.errors import ExperimentError, HarnessError, shown

if TYPE_CHECKING:
    from harness.experiment import Experiment

# Exit statuses of commands that found something damaged, and of bad input.
FAILED = 1
BAD_INPUT = 2

# Said after Ctrl-C: what remains of a sweep, and of a file being written.
KEPT = "finished chunks are kept, and the same command resumes."
WHOLE = "an output file appears only when it is complete."


def _results_folder(where: str) -> Path:
    """Return the path of a results folder, local or in an object store."""
    from harness.store import results_folder

    return results_folder(where)


def local_folder(where: str) -> Path:
    """Return the path of a local folder; refuse a URL."""
    if "://" in where:
        raise HarnessError(f"{shown(where)} is a URL. Maps are kept in local folders only.")
    return Path(where)


File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="An experiment file (TOML).", autocompletion=experiment_files
    ),
]
Folder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        parser=_results_folder,
        help="A results folder or its URL.",
        autocompletion=results_folders,
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key of FILE, such as training.epochs=100. Repeatable.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, help="Number of training threads.", show_default="all processors"
    ),
]


def load(file: Path, changes: list[str] | None) -> "Experiment":
    """Load an experiment with some of its keys overridden."""
    from harness.experiment import load_experiment

    return load_experiment(file, dict(parse_change(change) for change in changes or []))


def parse_change(change: str) -> tuple[str, Any]:
    """Split KEY=VALUE; the value is TOML or, if it does not parse as TOML, a string."""
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise ExperimentError(
            "--set",
            f"= {shown(change)} must be KEY=VALUE.",
            "For example: --set training.epochs=100",
        )
    if any("\ud800" <= c <= "\udfff" for c in change):  # bytes that are not UTF-8
        raise ExperimentError(
            "--set", f"= {shown(change)} is not UTF-8.", "Write it in UTF-8, as files are."
        )
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # not TOML, a number of 5,000 digits, 5,000 brackets
        document = {}
    # A second line may have added another key: --set takes one.
    return key.strip(), document["value"] if list(document) == ["value"] else text


def complain(message: str) -> None:
    """Print an error or a warning to standard error."""
    print(f"harness: {fit_to_print(message)}", file=sys.stderr)
