"""`harness new`: a commented experiment file to start from."""

import re
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.completion import templates
from harness.cli.printing import say
from harness.errors import HarnessError, shown
from harness.hints import nearest


def new(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="File to write; its name ends in .toml.")
    ],
    template: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="NAME",
            help="Template: dosage, xor, sine or blobs.",
            autocompletion=templates,
        ),
    ] = "dosage",
) -> None:
    """Write an experiment to FILE to start from, with comments.

    It runs as it is. A file that exists is never overwritten.
    """
    from harness.experiment.schema import NAME
    from harness.experiment.templates import TEMPLATES, new_file

    if template not in TEMPLATES:
        advice = nearest(template, TEMPLATES) or f"Templates are {', '.join(TEMPLATES)}."
        raise HarnessError(f"--from {shown(template)} is not a template.\n{advice}")
    if file.suffix != ".toml" or not re.fullmatch(NAME, file.stem):
        raise HarnessError(
            f"FILE = {shown(str(file))} must be a name of letters, digits, dots, underscores or"
            " hyphens that ends in .toml.\nFor example: rates.toml"
        )
    if not file.parent.is_dir():
        raise HarnessError(f"{shown(str(file.parent))} is not a folder.\nMake it first.")
    try:
        with file.open("x", encoding="utf-8", newline="\n") as new:
            new.write(new_file(template, str(file)))
    except FileExistsError:
        raise HarnessError(
            f"{shown(str(file))} exists already.\nChoose another name; nothing is overwritten."
        ) from None
    say(f"{file} is written. Train it with: harness run {file}")
