"""The notebook of docs/ runs, and prints what it shows."""

import importlib.util
from pathlib import Path

import nbformat

DOCS = Path(__file__).parents[2] / "docs"


def tables(notebook):
    """The plain text of every output but pictures and the folder, which is a new one each time."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [o["data"]["text/plain"] for o in outputs if "image/png" not in o["data"]]
    return [text for text in shown if not text.startswith("<Results ")]


def test_the_notebook_prints_what_it_shows():
    spec = importlib.util.spec_from_file_location("notebook", DOCS / "notebook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shown = nbformat.read(module.NOTEBOOK, as_version=4)
    assert len(tables(shown)) >= 5
    assert tables(module.executed()) == tables(shown)
