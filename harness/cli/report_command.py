"""`harness report`: a results folder as one HTML page."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import ctrl_c
from harness.cli.options import WHOLE, Folder
from harness.cli.printing import say
from harness.formatting import shown_bytes


def report(
    folder: Folder,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="HTML file to write.",
            show_default="DIR/report.html",
        ),
    ] = None,
) -> None:
    """Write the results in DIR as one HTML page.

    The page shows plots, tables and how to reproduce them. It is self-contained and works
    offline. An existing report is replaced.
    """
    ctrl_c.keeping(WHOLE)
    from harness.report.page import write_report

    written = write_report(folder, output)
    say(f"{written.path}: {shown_bytes(written.size)}")
