"""The notebook in docs/ runs, and its outputs are up to date."""

import nbformat

from tools.notebook import NOTEBOOK, executed


def tables(notebook):
    """Return the plain text of the outputs, except images and the temporary folder."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [o["data"]["text/plain"] for o in outputs if "image/png" not in o["data"]]
    return [text for text in shown if not text.startswith("<Results ")]


def test_outputs_of_the_notebook_are_up_to_date():
    shown = nbformat.read(NOTEBOOK, as_version=4)
    assert len(tables(shown)) >= 5
    assert tables(executed()) == tables(shown)
