"""Run docs/from-sweep-to-insight.ipynb and save its outputs. `make docs` runs it."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "from-sweep-to-insight.ipynb"


def executed() -> nbformat.NotebookNode:
    """Run the notebook and return it with its outputs.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell fails.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, resources={"metadata": {"path": NOTEBOOK.parent}})
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day, which change with every run
    notebook.metadata.pop("language_info", None)
    return notebook


if __name__ == "__main__":
    nbformat.write(executed(), NOTEBOOK)
