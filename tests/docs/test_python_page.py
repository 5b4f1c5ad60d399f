"""The examples of docs/python.md run, print the output shown, and have the right types."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.python_page import PAGE, examples, filled

ROOT = Path(__file__).parents[2]
TEXT = PAGE.read_text(encoding="utf-8")


def test_examples_print_the_output_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert filled(TEXT) == TEXT, "run `make docs`"
    written = {"insects.toml", "insects.csv", "moons.html", "endings.png", "results"}
    assert {path.name for path in tmp_path.iterdir()} == written


def test_examples_have_the_right_types(tmp_path):
    example = tmp_path / "python_page.py"
    example.write_text("\n".join(examples(TEXT)))
    options = ["--config-file", ROOT / "pyproject.toml", "--cache-dir", ROOT / ".mypy_cache"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, example],
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
    )
    errors = [
        line for line in done.stdout.splitlines() if "error:" in line and example.name in line
    ]
    assert len(errors) == 1, done.stdout + done.stderr  # the misspelt key, which is meant
    assert 'Unexpected keyword argument "lr"' in errors[0]


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)", TEXT))
def test_links_have_targets(target):
    assert (ROOT / "docs" / target).exists()
