"""`harness plot`: draw results into a file."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import ctrl_c
from harness.cli.completion import names
from harness.cli.options import WHOLE, Folder
from harness.cli.printing import say, say_wrapped
from harness.errors import HarnessError, shown
from harness.plots import KINDS


def plot(
    folder: Folder,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help=f"{', '.join(KINDS[:-1])} or {KINDS[-1]}.",
            autocompletion=names(KINDS),
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
    where: Annotated[
        str | None,
        typer.Option(metavar="CONDITION", help='Condition on runs, such as "learning_rate < 0.1".'),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS[=V1,V2,...]",
            help="Axis to compare along, or some of its values; the nearest ones are taken.",
        ),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What to show, such as loss, accuracy, validation_loss or epochs; for map, also"
            " converged.",
            show_default="the trained loss",
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
        typer.Option(
            "--x",
            metavar="NAME",
            help="Axis of the grid; for grid, also with values; for endpoints, a parameter.",
        ),
    ] = None,
    y: Annotated[
        str | None,
        typer.Option("--y", metavar="NAME", help="The same, for map, grid and endpoints."),
    ] = None,
    ssr: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER", help="SSR to be reached, for epochs.", show_default="the tolerance"
        ),
    ] = None,
    quantiles: Annotated[
        str | None,
        typer.Option(metavar="LOW,HIGH", help="Ends of the bands.", show_default="0.25,0.75"),
    ] = None,
    lines: Annotated[
        int | None,
        typer.Option(metavar="N", help="Number of single runs to draw over each band.", min=0),
    ] = None,
    epoch_scale: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="linear or log, for epochs.", show_default="log if many"),
    ] = None,
    style: Annotated[
        str, typer.Option(metavar="NAME", help="slide, column (of a text) or poster.")
    ] = "slide",
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="CSV file for the numbers in the picture, replaced if it exists."
        ),
    ] = None,
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
    if str(folder) in KINDS and kind not in KINDS:
        raise HarnessError(
            f"DIR comes before KIND, and {shown(str(folder))} is a kind.\n"
            f"Did you mean: harness plot {kind} {folder}"
        )
    file = output or folder / "plots" / f"{kind}.png"
    file_format = file.suffix.lower().removeprefix(".")
    if output is not None and file_format not in plots.FORMATS:
        raise HarnessError(f"{file} must end in .png, .svg or .pdf.")
    if data is not None and data.suffix.lower() != ".csv":
        raise HarnessError(f"--data = {data} must end in .csv.")
    figure = plots.draw(
        tables.open_results(folder),
        kind,
        where=where,
        by=by,
        measure=measure,
        run=run_id,
        x=x,
        y=y,
        ssr=ssr,
        quantiles=None if quantiles is None else _numbers("--quantiles", quantiles),
        lines=lines,
        epoch_scale=epoch_scale,
        style=style,
    )
    picture = [plots.rendered(figure, file_format)]
    if output is None:
        write_inside(folder, f"plots/{kind}.png", picture)
    else:
        write_output(output, folder, picture)
    say(str(file))
    if data is not None:
        write_output(
            data,
            folder,
            [figure.table.to_csv(index=False, lineterminator="\n", na_rep="nan").encode()],
        )
        say(str(data))
    say_wrapped(figure.caption)


def _numbers(option: str, text: str) -> list[float]:
    """Return the numbers of an option such as 0.25,0.75."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise HarnessError(
            f"{option} = {shown(text)} must be numbers.\nFor example: {option} 0.25,0.75"
        ) from None
