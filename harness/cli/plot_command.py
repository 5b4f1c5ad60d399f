"""`harness plot`: draw results into a file."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import ctrl_c
from harness.cli.options import WHOLE, Folder
from harness.cli.printing import say
from harness.errors import HarnessError
from harness.plots import KINDS


def plot(
    folder: Folder,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help=f"{', '.join(KINDS[:-1])} or {KINDS[-1]}.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .png, .svg or .pdf file, replaced if it exists.",
            show_default="DIR/plots/KIND.png",
        ),
    ] = None,
    run_id: Annotated[
        int | None,
        typer.Option(
            "--run",
            metavar="ID",
            help="Run to draw; difficulty counts all runs with its settings.",
            show_default="the best run; all runs",
        ),
    ] = None,
    x: Annotated[
        str | None,
        typer.Option("--x", metavar="NAME", help="Axis of the grid, or parameter for endpoints."),
    ] = None,
    y: Annotated[
        str | None, typer.Option("--y", metavar="NAME", help="The same, for map and endpoints.")
    ] = None,
    ssr: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER", help="SSR to be reached, for epochs.", show_default="the tolerance"
        ),
    ] = None,
    width: Annotated[
        str, typer.Option(metavar="NAME", help="slide, or column for a column of text.")
    ] = "slide",
) -> None:
    """Draw a plot of the results in DIR."""
    ctrl_c.keeping(WHOLE)
    from harness import plots
    from harness.results import tables
    from harness.store import is_local
    from harness.store.outputs import write_inside, write_output

    if output is None and not is_local(folder):
        raise HarnessError(
            f"{folder} is in an object store, where no plots are kept.\nName a file with --output."
        )
    file = output or folder / "plots" / f"{kind}.png"
    file_format = file.suffix.lower().removeprefix(".")
    if output is not None and file_format not in plots.FORMATS:
        raise HarnessError(f"{file} must end in .png, .svg or .pdf.")
    figure = plots.draw(
        tables.open_results(folder), kind, run=run_id, x=x, y=y, ssr=ssr, width=width
    )
    picture = [plots.rendered(figure, file_format)]
    if output is None:
        write_inside(folder, f"plots/{kind}.png", picture)
    else:
        write_output(output, folder, picture)
    say(str(file))
