"""`harness show`: the outcome of a sweep."""

from harness.cli.loading import loading
from harness.cli.options import Folder


def show(folder: Folder) -> None:
    """Summarise the results in DIR."""
    with loading():
        from harness.cli import summary_screen
        from harness.results import tables

    summary_screen.summarise(tables.open_results(folder))
