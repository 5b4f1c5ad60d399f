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
        from harness.cli.printing import say_wrapped
        from harness.results import sentences, tables

    results = tables.open_results(folder)
    if left_out := sentences.dropped(results.experiment):
        say_wrapped(left_out)
    summary_screen.summarise(results if where is None else results.where(where))
