"""`harness report`: a results folder as one page."""

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
            "--output", "-o", metavar="FILE", help="Where it goes; DIR/report.html if left out."
        ),
    ] = None,
) -> None:
    """Write one HTML file that shows what DIR came to: pictures, tables, how to do it again.

    It needs nothing beside it and no network. A report that is there is replaced.
    """
    ctrl_c.keeping(WHOLE)
    from harness.report.page import write_report

    written = write_report(folder, output)
    say(f"{written.path}: {shown_bytes(written.size)}")
