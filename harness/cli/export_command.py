"""`harness export`: a table, or a part of it, into a file or to standard output."""

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
            help="Columns in this order; all if left out. With trajectories, also those of runs.",
        ),
    ] = None,
    runs: Annotated[
        str | None,
        typer.Option(metavar="IDS", help="Run ids, such as 0,5,100-199; all if left out."),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION",
            help="What rows satisfy: \"status == 'diverged' and learning_rate > 0.1\"; with"
            " trajectories, also on columns of runs.",
        ),
    ] = None,
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="NAME", help="csv or parquet, for standard output; csv if left out."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .csv or .parquet; standard output if left out.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
) -> None:
    """Write a table of DIR, or a part of it, as one CSV or Parquet file.

    It is read chunk by chunk, so that any table fits into memory. FILE appears when it is whole.
    """
    if force and output is None:
        raise HarnessError("--force replaces the file of --output, and there is none.")
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
            f"{plural(done.chunks_missing, 'chunk')} of {folder} not trained yet, so that"
            " their runs are not in it; `harness run FILE` goes on."
        )
