"""The notebook of docs/ runs, and prints what it shows."""

import nbformat

from tools.notebook import NOTEBOOK, executed


def tables(notebook):
    """The plain text of every output but pictures and the folder, which is a new one each time."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [o["data"]["text/plain"] for o in outputs if "image/png" not in o["data"]]
    return [text for text in shown if not text.startswith("<Results ")]


def test_the_notebook_prints_what_it_shows():
    shown = nbformat.read(NOTEBOOK, as_version=4)
    assert len(tables(shown)) >= 5
    assert tables(executed()) == tables(shown)
