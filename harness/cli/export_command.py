"""`harness export`: write a table, or part of it, to a file or to standard output."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import ctrl_c
from harness.cli.options import WHOLE, Folder, complain
from harness.cli.printing import say
from harness.errors import HarnessError
from harness.formatting import plural


def export(
    folder: Folder,
    table: Annotated[str, typer.Option(metavar="NAME", help="runs or trajectories.")] = "runs",
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Columns, in this order. Columns of runs are allowed with trajectories.",
            show_default="all columns",
        ),
    ] = None,
    runs: Annotated[
        str | None,
        typer.Option(metavar="IDS", help="Run ids, such as 0,5,100-199.", show_default="all runs"),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION",
            help="Condition on rows, such as \"status == 'diverged' and learning_rate > 0.1\"."
            " Columns of runs are allowed with trajectories.",
        ),
    ] = None,
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Format of standard output: csv or parquet.",
            show_default="csv",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .csv or .parquet file.",
            show_default="standard output",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing FILE.")] = False,
) -> None:
    """Write a table of DIR, or part of it, as CSV or Parquet.

    The table is read chunk by chunk, so it may be larger than memory. FILE appears when it is
    complete.
    """
    if force and output is None:
        raise HarnessError("--force replaces the file of --output, which is missing.")
    ctrl_c.keeping(WHOLE)
    from harness.results import export as exporting

    done = exporting.export(
        folder,
        output or sys.stdout.buffer,
        table=table,
        columns=None if columns is None else [name.strip() for name in columns.split(",")],
        runs=runs,
        where=where,
        file_format=file_format,
        force=force,
    )
    if output is not None:
        say(f"{plural(done.rows, 'row')} in {output}")
    if not done.rows and (runs is not None or where is not None):
        complain("no row matches --runs and --where.")
    for missed in done.missed:
        complain(
            f"no row has {missed.column} == {missed.wanted!r}; the nearest is"
            f" {missed.column} == {missed.nearest!r}"
        )
    if done.chunks_missing:
        complain(
            f"the runs of {plural(done.chunks_missing, 'chunk')} of {folder} are missing, because"
            " they are not trained yet; `harness run FILE` resumes."
        )
