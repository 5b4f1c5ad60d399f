"""Results folders from strangers: nothing outside is touched, and no command crashes.

Next to each folder are canaries, including another sweep, as targets of its links.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.results import inspection
from tests.faults.foreign import CASES, command, commands, everything
from tests.faults.sweeps import TEXT, tables, train

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, pipes and devices as in POSIX")

SEEDS = 3
MOST_MEMORY = 10**9

# The short version has a few cases of each kind, with commands that take milliseconds, and the slow
# commands only for links that lead out of their output folders.
SHORT = [
    "link manifest.json", "link commits", "link runs", "link trajectories/part-000001.parquet",
    "link to secret commits/000001.json", "link .lock", "link .writer.json",
    "link to nothing .lock", "pipe manifest.json", "pipe runs/part-000001.parquet", "pipe .lock",
    "folder commits/000001.json", "sparse manifest.json", "sparse runs/part-000001.parquet",
    "sparse runs.csv", "manifest.json device", "manifest.json nested", "manifest.json values",
    "manifest.json generation text", "manifest.json data missing", "commits/000001.json about true",
    "chunks 1", "one large chunk", "other epochs", "wider points", "a file of points",
    "link data.parquet", "pipe data.parquet", "folder data.parquet", "sparse data.parquet",
    "other points", "more points", "no points", "points of other names", "points that are lists",
    "a point that is NaN", "no parquet of points", "hidden points", "points without end",
    "copied commit", "copied chunk", "former of another", "hidden rows", "unordered", "no status",
    "an unknown status", "a huge text", "lists", "no parquet",
]  # fmt: skip
PICTURES = ["link plots", "link plots/map.png", "link report.html", "pipe report.html"]
SLOW = ("plot", "report")


@pytest.fixture
def place(tmp_path, undisturbed):
    """Return a function that makes the folder of a case, next to canaries."""
    canaries = tmp_path / "canaries"
    shutil.copytree(undisturbed(SEEDS).folder, canaries / "other", copy_function=shutil.copy)
    (canaries / "secret.txt").write_text("a secret")
    (canaries / "other" / "plots").mkdir()
    for name in ("plots/map.png", "report.html", ".writer.json"):
        (canaries / "other" / name).write_text("precious")
    (tmp_path / "faults.toml").write_text(TEXT)

    def make(case):
        folder = tmp_path / "out"
        shutil.copytree(undisturbed(SEEDS).folder, folder)
        CASES[case](folder, canaries)
        return folder, canaries, tmp_path / "faults.toml"

    return make


def check(case, place, wanted):
    folder, canaries, file = place(case)
    before = everything(canaries)
    for name, arguments in commands(folder, file, SEEDS).items():
        if name in wanted:
            status, said = command(arguments)
            assert status in (0, 1, 2, 3, 4), f"{name}: {said}"
            assert len(said) < 20_000 or status == 0, f"{name}: {said[:1000]}"
            assert "a secret" not in said
            assert everything(canaries) == before, f"{name}: {said}"


ALL = ["status", "show", "export", "export trajectories", "plot", "report", "verify", "run", "grow"]


@pytest.mark.parametrize("case", SHORT)
def test_a_foreign_folder_is_refused_or_read_and_its_neighbours_are_unchanged(case, place):
    check(case, place, [name for name in ALL if name not in SLOW])


@pytest.mark.parametrize("case", PICTURES)
def test_plots_and_reports_stay_inside_the_folder(case, place):
    check(case, place, SLOW)


@pytest.mark.torture
@pytest.mark.parametrize("case", CASES)
def test_every_command_withstands_a_foreign_folder_in_bounded_memory(case, place):
    folder, canaries, file = place(case)
    before = everything(canaries)
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.foreign", folder, file, str(SEEDS)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=600,  # stops a hanging command
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) < MOST_MEMORY
    assert everything(canaries) == before


# Cases with wrong tables, which readers must not accept.
FALSE = [
    "copied commit", "copied chunk", "chunks 1", "one large chunk", "fewer runs", "other epochs",
    "other points", "more points", "no points", "a column that is not counted",
    "points of other names", "points that are exchanged", "whole points", "points that are null",
    "a point that is NaN", "an infinite point", "hidden points", "points without end",
    "link data.parquet", "other run ids", "run ids twice", "no status", "hidden rows",
    "commit files.runs/part-000001.parquet.rows 1",
]  # fmt: skip


def read(folder):
    results = harness.open_results(folder)
    return results.runs, results.trajectories


@pytest.mark.parametrize("case", FALSE)
def test_a_false_table_is_refused_by_readers_and_named_by_verify(case, place):
    folder, _, _ = place(case)
    with pytest.raises(harness.ResultsError, match="is broken"):
        read(folder)
    status, said = command(["verify", str(folder)])
    assert {1: "damaged", 2: "is broken"}[status] in said


@pytest.mark.parametrize(
    "case",
    ["link data.parquet", "pipe data.parquet", "sparse data.parquet",
     "copied commit", "copied chunk", "link runs/part-000001.parquet", "pipe commits/000001.json",
     "other run ids", "hidden rows", "sparse trajectories/part-000001.parquet"],
)  # fmt: skip
def test_after_verify_the_same_command_trains_a_broken_chunk_again(case, place, undisturbed):
    folder, canaries, _ = place(case)
    before = everything(canaries)
    assert [file for file in inspection.verify(folder) if file.problem]
    train(folder, SEEDS)
    assert tables(folder) == undisturbed(SEEDS).sha256
    assert not [file for file in inspection.verify(folder) if file.problem]
    assert everything(canaries) == before


def test_the_folder_itself_may_be_a_link(tmp_path, undisturbed):
    (tmp_path / "link").symlink_to(undisturbed(SEEDS).folder)
    assert tables(tmp_path / "link") == undisturbed(SEEDS).sha256
