"""A full disk: the error names the file and the bytes needed, and nothing else changes."""

import os
import shutil
import subprocess
import tempfile

import pytest

import harness
from harness.cli import app
from tests.faults.effort import LONG
from tests.faults.sweeps import commits, tables, train

SEEDS = 3
PAGE = 4096
NO_SPACE = app._STATUS[harness.NoSpaceError]


def mount(folder, size, *more):
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}{''.join(more)}", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def may_mount():
    if os.name != "posix" or os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        return (
            mount(folder, PAGE) and not subprocess.run(["umount", folder], check=False).returncode
        )


needs_mount = pytest.mark.skipif(not may_mount(), reason="only root may mount a small disk")


@pytest.fixture
def small_disk(tmp_path):
    """Return a function that makes a disk of a number of pages, or resizes it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = []

    def resize(pages):
        assert mount(folder, pages * PAGE, *([",remount"] if mounted else []))
        mounted.append(pages)
        return folder

    yield resize
    for _ in mounted[:1]:
        subprocess.run(["umount", folder], check=True)


@needs_mount
@pytest.mark.parametrize("pages", range(1, 14) if LONG else (1, 2, 6, 9, 12))
def test_a_full_disk_costs_a_rerun_but_no_chunk(pages, small_disk, undisturbed):
    folder = small_disk(pages) / "out"
    with pytest.raises(harness.NoSpaceError) as caught:
        train(folder, SEEDS)
    lines = str(caught.value).splitlines()
    assert str(folder) in lines[0]
    assert "No space left on device" in lines[0]
    assert ("it needs" in lines[0]) == ("chunk" in lines[0])
    assert "Make room" in lines[1]
    assert not list(folder.rglob("*.unfinished"))
    before = commits(folder)
    small_disk(1000)
    train(folder, SEEDS)
    assert before.items() <= commits(folder).items()
    assert tables(folder) == undisturbed(SEEDS).sha256


@needs_mount
def test_a_disk_that_stays_full_stays_unchanged(small_disk, undisturbed):
    folder = small_disk(9) / "out"
    kept = []
    for _ in range(3):
        with pytest.raises(harness.NoSpaceError):
            train(folder, SEEDS)
        kept.append(commits(folder))
    assert kept[0]
    assert kept[0] == kept[1] == kept[2]


@needs_mount
def test_a_disk_that_fills_while_a_grid_grows_keeps_the_smaller_grid(small_disk, undisturbed):
    folder = small_disk(1000) / "out"
    train(folder, SEEDS)
    used = sum(-(-path.stat().st_size // PAGE) for path in folder.rglob("*") if path.is_file())
    small_disk(used + 8)
    before = commits(folder)
    with pytest.raises(harness.NoSpaceError):
        train(folder, 2 * SEEDS)
    assert before.items() <= commits(folder).items()
    small_disk(1000)
    train(folder, 2 * SEEDS)
    assert tables(folder) == undisturbed(2 * SEEDS).sha256


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the server forks, and limits files as POSIX")
# A manifest takes about 1800 bytes, a part 1000, and a CSV file of these seeds more
# than 2500.
@pytest.mark.parametrize(
    ("limit", "what"),
    [(300, "the manifest"), (900, "chunk 7"), (2500, "CSV")],
)
def test_the_command_line_names_the_bytes_needed_and_has_its_own_status(
    limit, what, server, tmp_path, undisturbed
):
    folder, seeds = tmp_path / "out", 20
    if what == "chunk 7":
        shutil.copytree(undisturbed(seeds).folder, folder)
        (folder / "commits" / "000007.json").unlink()
    assert server.wait(server.run(folder, seeds, limit=limit)) == NO_SPACE
    first, second = server.errors().splitlines()
    assert first.startswith("harness: ")
    assert what in first
    assert ("it needs" in first) == (what == "chunk 7")
    assert "Make room" in second
    before = commits(folder)
    assert len(before) == {"chunk 7": 19, "CSV": 20}.get(what, 0)
    assert server.wait(server.run(folder, seeds)) == 0
    assert before.items() <= commits(folder).items()
    assert tables(folder) == undisturbed(seeds).sha256
