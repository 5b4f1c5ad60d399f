"""The progress of a folder, and its broken files."""

import os
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

import harness
from harness.cli import folder_command
from harness.results import inspection
from harness.store import Store
from harness.store.lock import writer
from harness.sweeps import chunks
from tests import made_store
from tests.made_store import origin


@pytest.fixture
def trained(small, tmp_path, monkeypatch):
    """A finished folder of six chunks of two runs."""
    monkeypatch.setattr(chunks, "MAX_RUNS", 2)
    return harness.run(small(), tmp_path / "out").folder


def verify(folder):
    """The problem of every file, by name."""
    return {file.name: file.problem for file in inspection.verify(folder)}


def names(folder):
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def sizes(folder):
    return sum(path.stat().st_size for path in folder.rglob("part-*"))


# -- status ----------------------------------------------------------------------------------------


def test_status_of_a_finished_folder(trained):
    found = inspection.status(trained)
    assert found.name == "small"
    assert (found.runs, found.runs_done, found.runs_reused) == (12, 12, 0)
    assert (found.chunks, found.chunks_done) == (6, 6)
    assert found.bytes == sizes(trained)
    assert found.writer is None
    assert timedelta(0) <= datetime.now(UTC) - found.last < timedelta(minutes=1)


def test_status_of_a_folder_with_missing_chunks_and_a_writer(trained):
    # A chunk whose commit is broken counts as missing.
    (trained / "commits" / "000005.json").unlink()
    (trained / "commits" / "000001.json").write_text("{")
    (trained / "runs" / "part-000005.parquet").unlink()
    (trained / "trajectories" / "part-000005.parquet").unlink()
    for table in ("runs", "trajectories"):
        (trained / table / "part-000001.parquet").unlink()
    with writer(trained):
        found = inspection.status(trained)
    assert (found.runs, found.runs_done, found.chunks, found.chunks_done) == (12, 8, 6, 4)
    assert found.chunks_broken == 1  # a chunk without a commit is not broken
    assert found.bytes == sizes(trained)
    assert found.writer.startswith(f"process {os.getpid()} on ")


@pytest.mark.parametrize("table", ["runs", "trajectories"])
@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: (path.unlink(), path.symlink_to(path.with_name("part-000001.parquet"))),
    ],
    ids=["gone", "short", "link"],
)
def test_chunks_with_missing_or_short_files_are_not_done(trained, capsys, table, harm):
    for chunk in (0, 4):
        harm(trained / table / f"part-{chunk:06}.parquet")
    found = inspection.status(trained)
    assert (found.runs_done, found.chunks_done, found.chunks_broken) == (8, 4, 2)
    folder_command.status(trained)
    said = capsys.readouterr().out
    assert "8 of 12 done (67%)" in said
    assert "2 chunks are committed but damaged" in said


def make_store(folder, seconds):
    """A folder with chunks of 10 runs, committed at the given seconds."""
    store = made_store.make_store(folder, 995, 10)
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for chunk, after in enumerate(seconds):
        table = [{"run_id": np.arange(10 * chunk, 10 * chunk + 10)}]
        finished = (began + timedelta(seconds=after)).isoformat(timespec="milliseconds")
        about = origin(finished=finished, reused_runs=chunk)
        store.commit(store.pack(chunk, {"runs": table, "trajectories": table}, about))
    return folder


@pytest.mark.parametrize(
    ("seconds", "rate"),
    [
        ([], None),
        ([3], None),
        ([3, 3], None),  # no time went by
        ([0, 2, 4], 5.0),
        ([4, 0, 2], 5.0),  # chunks do not end in their order
        ([*range(0, 10_000, 1000), *range(10_000, 10_020)], 10.0),  # the last 20 count
    ],
)
def test_rate_is_that_of_the_last_commits(tmp_path, seconds, rate):
    found = inspection.status(make_store(tmp_path / "out", seconds))
    assert found.rate == rate
    assert found.runs_done == 10 * len(seconds)
    assert found.runs_reused == sum(range(len(seconds)))
    last = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=max(seconds, default=0))
    assert found.last == (last if seconds else None)


# -- verify ----------------------------------------------------------------------------------------


def test_every_file_of_a_finished_folder_is_read(trained):
    assert verify(trained) == dict.fromkeys(names(trained), "")
    assert len(names(trained)) == 2 + 6 * 3 + 2 + 1


BROKEN = ["data.parquet", "runs/part-000002.parquet", "trajectories/part-000000.parquet",
          "commits/000005.json", "runs.csv", "trajectories.csv", "commits/csv.json"]  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_a_changed_bit_is_found_and_the_next_run_repairs_it(small, trained, name, place):
    before = {name: (trained / name).read_bytes() for name in names(trained)}
    runs = harness.open_results(trained).runs
    data = bytearray((trained / name).read_bytes())
    data[int(place * (len(data) - 1))] ^= 4
    (trained / name).write_bytes(data)
    problems = {name: problem for name, problem in verify(trained).items() if problem}
    assert list(problems) == [name]
    seen = []
    again = harness.run(small(), trained, progress=seen.append)
    # CSV files and data points are written again without training.
    assert len(seen) == 0 if "csv" in name or "data" in name else seen[-1].updates_done == 40
    pd.testing.assert_frame_equal(again.runs, runs, check_exact=True)
    assert verify(trained) == dict.fromkeys(before, "")
    tables = [name for name in before if name.endswith((".parquet", ".csv"))]
    assert {name: (trained / name).read_bytes() for name in tables} == {
        name: before[name] for name in tables
    }


def test_problems_are_described(trained):
    (trained / "runs" / "part-000001.parquet").unlink()
    path = trained / "trajectories" / "part-000003.parquet"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-10])
    problems = {name: problem for name, problem in verify(trained).items() if problem}
    assert problems == {
        "runs/part-000001.parquet": "is missing",
        "trajectories/part-000003.parquet": f"has {size - 10:,} bytes instead of {size:,}",
    }
    assert Store.open(trained).missing() == [1, 3]


def test_a_part_that_cannot_be_read_is_named(trained):
    path = trained / "runs" / "part-000001.parquet"
    path.unlink()
    path.mkdir()
    assert "cannot be read" in verify(trained)["runs/part-000001.parquet"]


def test_while_another_process_writes_broken_commits_are_kept(trained):
    with writer(trained):
        assert set(verify(trained).values()) == {""}
        (trained / "runs" / "part-000001.parquet").write_bytes(b"")
        before = names(trained)
        with pytest.raises(harness.HarnessError, match="is being written by"):
            verify(trained)
        assert names(trained) == before


@pytest.mark.parametrize("look", [inspection.status, verify])
def test_another_folder_is_refused_and_left_alone(tmp_path, look):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(harness.ResultsError, match="is not a results folder"):
            look(folder)
    assert not list(tmp_path.iterdir())
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(harness.ResultsError, match="broken"):
        look(tmp_path)
