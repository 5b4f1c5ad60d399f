"""Every example of the README runs and prints the output shown."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BINARIES = Path(sys.executable).parent


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """Return a folder with the files of a fresh clone that the README uses."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "experiments").symlink_to(ROOT / "experiments")
    return folder


def run(arguments, cwd):
    environment = os.environ | {"COLUMNS": "80", "PATH": f"{BINARIES}:{os.environ['PATH']}"}
    return subprocess.run(
        arguments,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    ).stdout


def without_times(text):
    """Return the lines without trailing blanks and without the line of the training time."""
    return [line.rstrip() for line in text.splitlines() if "updates/s" not in line]


def test_the_experiment_shown_is_the_shipped_one():
    shown = blocks("toml")[0]
    shipped = (ROOT / "experiments" / "dosage.toml").read_text(encoding="utf-8")
    assert tomllib.loads(shown) == tomllib.loads(shipped)


def test_the_data_shown_are_those_of_the_shipped_experiment():
    shown = blocks("toml")[1]
    shipped = (ROOT / "experiments" / "iris.toml").read_text(encoding="utf-8")
    assert tomllib.loads(shown)["data"] == tomllib.loads(shipped)["data"]


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.splitlines()[0])
def test_commands_print_the_output_shown(block, clone):
    command, _, shown = block.partition("\n")
    assert command.startswith("$ harness ")
    printed = run(command[2:].split(), clone)
    assert without_times(printed) == without_times(shown)


def test_the_python_example_runs(clone):
    code = blocks("python")[0]
    printed = run([sys.executable, "-c", code], clone)
    rate, share = map(float, printed.splitlines()[0].split())
    assert 0.01 <= rate <= 1 / 3
    assert 0 < share < 1


def test_the_example_of_classes_prints_the_output_shown(clone):
    code, (shown,) = blocks("python")[1], blocks("text")
    assert without_times(run([sys.executable, "-c", code], clone)) == without_times(shown)


def test_every_link_has_a_target():
    for target in re.findall(r"\]\(([^)#]+)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target
