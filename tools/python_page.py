"""Run the examples of docs/python.md and update the outputs shown. `make docs` runs it."""

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "python.md"

_EXAMPLE = re.compile(r"^```python\n(.*?)^```$(\n\n^```text\n.*?^```$)?", re.DOTALL | re.MULTILINE)


def examples(page: str) -> list[str]:
    """Return the examples of a page, which run one after the other."""
    return [found[1] for found in _EXAMPLE.finditer(page)]


def filled(page: str) -> str:
    """Return a page with the outputs of its examples, which run in the current folder."""
    names: dict[str, Any] = {}

    def fill(found: re.Match[str]) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(found[1], PAGE.name, "exec"), names)
        shown = f"\n\n```text\n{printed.getvalue()}```" if found[2] else ""
        return f"```python\n{found[1]}```{shown}"

    return _EXAMPLE.sub(fill, page)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ["COLUMNS"] = "80"
        text = filled(text)
    PAGE.write_text(text, encoding="utf-8", newline="\n")
