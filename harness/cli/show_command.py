"""`harness show`: the outcome of a sweep."""

from typing import Annotated

import typer

from harness.cli.loading import loading
from harness.cli.options import Folder


def show(
    folder: Folder,
    where: Annotated[
        str | None,
        typer.Option(metavar="CONDITION", help='Condition on runs, such as "learning_rate < 0.1".'),
    ] = None,
) -> None:
    """Summarise the results in DIR."""
    with loading():
        from harness.cli import summary_screen
        from harness.results import tables

    results = tables.open_results(folder)
    summary_screen.show(results if where is None else results.where(where))
