"""`harness map`, `harness zoom` and `harness explore`, from a file to images."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.patience import PATIENCE

FILE = Path(__file__).parents[2] / "experiments" / "trainability_tanh.toml"
SMALL = ("--size", "6", "--set", "training.epochs=30", "--set", "data.samples=8")


def harness(*arguments, cwd, **variables):
    code = "from harness.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd, env=os.environ | {"COLUMNS": "80"} | variables,
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip


def test_a_map_writes_a_picture_and_trains_nothing_twice(tmp_path):
    first = harness("map", FILE, *SMALL, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    (picture,) = tmp_path.glob("results/trainability_tanh-*/plots/map.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"{picture.relative_to(tmp_path)}" in first.stdout
    assert "of the runs trained; dimension" in first.stdout
    again = harness("map", FILE, *SMALL, cwd=tmp_path)
    assert "Nothing to train" in again.stdout
    other = harness("map", FILE, *SMALL, "--zoom", "1,10,1,10", cwd=tmp_path)
    assert other.returncode == 0, other.stderr
    assert len(list(tmp_path.glob("results/*"))) == 2  # each window has its own folder


def test_a_refined_map_reports_its_cost_and_resumes(tmp_path):
    arguments = ("map", FILE, "--size", "40", *SMALL[2:], "--refine", "--colours", "plain")
    first = harness(*arguments, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    (folder,) = tmp_path.glob("results/trainability_tanh-refined-*")
    levels = {path.name: len(pd.read_csv(path / "runs.csv")) for path in folder.glob("[lc]*")}
    assert levels["level-0"] == 4 * 4  # every 16th of 40 pixels, and the last
    trained = sum(levels.values())
    assert f"{trained:,} of 1,600 pixels trained: {trained / 1600:.1%}" in first.stdout
    assert "level-0  16 pixels in " in first.stdout
    assert "share of all pixels of the wrong kind: " in first.stdout or trained == 1600
    assert (folder / "plots" / "map-plain.png").read_bytes().startswith(b"\x89PNG")
    again = harness(*arguments, cwd=tmp_path)
    assert again.stdout.count("were finished already") == len(levels)
    assert max(map(len, first.stdout.splitlines())) <= 100  # lines with a path are not wrapped


def test_a_zoom_writes_frames_dimensions_and_a_film(tmp_path):
    done = harness("zoom", FILE, *SMALL, "--frames", "2", "--out", "here", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    boxes = pd.read_csv(tmp_path / "here" / "dimensions.csv")
    assert list(boxes.columns) == ["size", "boxes", "dimension", "frame"]
    frames = sorted(path.name for path in (tmp_path / "here").glob("frame-*"))
    assert frames == [f"frame-0{k}" for k in range(len(frames))]
    assert boxes["frame"].nunique() == len(frames)
    assert len(list((tmp_path / "here").glob("zoom.*"))) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["map", FILE.with_name("dosage.toml")], "grid must have two axes"),
        (["map", FILE, "--zoom", "1,2,3"], '--zoom "1,2,3" must be x0,x1,y0,y1'),
        (["zoom", FILE, "--zoom", "-1,2,1,2"], "learning_rate_1"),
        (["map", FILE, "--colours", "wrong"], '--colours "wrong" must be one of rank, plain'),
        (["explore", FILE, "--colours", "wrong"], '--colours "wrong" must be one of rank, plain'),
        (["explore", FILE], "There is no display to open a window on."),
        (["explore", FILE.with_name("dosage.toml")], "grid must have two axes"),
    ],
)
def test_experiments_that_are_not_maps_are_refused(tmp_path, arguments, says):
    done = harness(*map(str, arguments), cwd=tmp_path, MPLBACKEND="agg")
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("harness: ") == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()
