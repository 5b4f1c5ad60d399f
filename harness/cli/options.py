"""What several commands take: an experiment file, changes to it, threads, a folder."""

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.printing import fit_to_print
from harness.errors import ExperimentError, HarnessError, shown

if TYPE_CHECKING:
    from harness.experiment import Experiment

# What Ctrl-C leaves of a sweep, and of a file that a command writes.
KEPT = "what is finished is kept, and the same command goes on."
WHOLE = "a file appears only when it is whole."


def _place(where: str) -> Path:
    """Return where a results folder is."""
    from harness.store import results_folder

    return results_folder(where)


def local_folder(where: str) -> Path:
    """Return a folder of this machine."""
    if "://" in where:
        raise HarnessError(f"{shown(where)} is no folder, and maps go into folders alone.")
    return Path(where)


File = Annotated[Path, typer.Argument(metavar="FILE", help="An experiment file (TOML).")]
Folder = Annotated[
    Path, typer.Argument(metavar="DIR", parser=_place, help="A results folder, or its URL.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Replace a key of the file, such as training.epochs=100. May be given again.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="Threads that train side by side; all processors if left out."),
]


def load(file: Path, changes: list[str] | None) -> "Experiment":
    """Return the experiment of a file after changes."""
    from harness.experiment import load_experiment

    return load_experiment(file, dict(parse_change(change) for change in changes or []))


def parse_change(change: str) -> tuple[str, Any]:
    """Take KEY=VALUE apart; the value is TOML, or a text where it is no TOML."""
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise ExperimentError(
            "--set",
            f"= {shown(change)} must be KEY=VALUE.",
            "For example: --set training.epochs=100",
        )
    if any("\ud800" <= c <= "\udfff" for c in change):  # how Python keeps bytes that are no text
        raise ExperimentError(
            "--set", f"= {shown(change)} is not UTF-8.", "Write it in UTF-8, as files are."
        )
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # not TOML, a number of 5,000 digits, 5,000 brackets
        document = {}
    # A second line could be another key, which is nothing that --set takes.
    return key.strip(), document["value"] if list(document) == ["value"] else text


def complain(message: str) -> None:
    """Print what went wrong."""
    print(f"harness: {fit_to_print(message)}", file=sys.stderr)
