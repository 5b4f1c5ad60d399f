"""Results in an object store: in memory, and behind the protocol of S3."""

import errno
import os
import pickle
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from upath import UPath

import harness
from harness.results import inspection
from harness.store import Store, is_local, results_folder
from harness.store.lock import is_written_by, writer
from harness.store.objects import ObjectFiles
from harness.sweep import chunks
from harness.training.trainer import Trainer
from tests.object_store import serving_s3


@pytest.fixture(scope="module")
def s3():
    with serving_s3() as (url, environment), pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield url


@pytest.fixture(params=["memory", "s3"])
def url(request, tmp_path):
    """An unused URL of each kind."""
    base = "memory://results" if request.param == "memory" else request.getfixturevalue("s3")
    return f"{base}/{tmp_path.name}"


@pytest.fixture
def files(url):
    return ObjectFiles(results_folder(url))


@pytest.fixture
def chunks_of_two(monkeypatch):
    monkeypatch.setattr(chunks, "MAX_RUNS", 2)


# -- locations -------------------------------------------------------------------------------------


def test_paths_and_urls_become_folders(tmp_path):
    assert results_folder("some/where") == Path("some/where")
    assert results_folder(tmp_path) is tmp_path
    assert results_folder(f"file://{tmp_path}") == tmp_path
    assert is_local(results_folder("a:b"))
    assert not is_local(results_folder("memory://a/b"))


@pytest.mark.parametrize("url", ["nothing://a/b", "sftp://host/a", "://", "http://x/y"])
def test_urls_of_other_kinds_are_refused(url):
    with pytest.raises(harness.HarnessError, match="not a place where results can be kept"):
        results_folder(url)


def test_it_travels(url):
    folder = pickle.loads(pickle.dumps(results_folder(url)))
    assert str(folder) == str(results_folder(url))


# -- objects ---------------------------------------------------------------------------------------


def test_only_the_first_of_two_creates_an_object(files):
    assert files.create("commits/1.json", [b"fir", b"st"])
    assert not files.create("commits/1.json", [b"second"])
    assert files.read("commits/1.json", 5) == b"first"
    files.replace("commits/1.json", [b"third"])
    assert files.read("commits/1.json", 5) == b"third"
    assert files.size("commits/1.json") == 5
    with files.open("commits/1.json") as opened:
        assert opened.read(2) == b"th"


def test_names_are_those_of_present_objects(files):
    assert (files.names("commits"), files.entries(), files.size("commits/1.json")) == (
        [],
        set(),
        None,
    )
    for name in ("commits/2.json", "commits/1.json", "manifest.json", ".writer.json"):
        files.create(name, [b"x"])
    assert files.names("commits") == ["commits/1.json", "commits/2.json"]
    assert files.entries() == {"commits", "manifest.json", ".writer.json"}
    files.remove(["commits/1.json", "commits/7.json"])
    assert files.names("commits") == ["commits/2.json"]
    with pytest.raises(FileNotFoundError) as caught:
        files.read("commits/1.json", 5)
    assert caught.value.strerror == os.strerror(errno.ENOENT)


class Watched:
    """A store in memory with some of its functions replaced."""

    def __init__(self, **functions):
        self._fs = fsspec.filesystem("memory", use_listings_cache=False)
        self.__dict__ |= functions

    def __getattr__(self, name):
        return getattr(self._fs, name)


@pytest.fixture
def watch(monkeypatch):
    """Return a function that replaces all stores by watched ones."""

    def start(**functions):
        watched = Watched(**functions)
        monkeypatch.setattr(UPath, "fs", property(lambda self: watched))
        return watched

    return start


def test_a_store_that_overwrites_is_refused_before_anything_is_written(watch, small):
    fs = watch(pipe_file=lambda path, data, mode: memory.pipe_file(path, data))
    memory = fs._fs
    with pytest.raises(harness.ResultsError, match="cannot create objects without overwriting"):
        harness.run(small(), "memory://overwriting/out")
    assert not fs.exists("/overwriting/out") or not fs.ls("/overwriting/out")


class Answer(Exception):
    """An error in the form of S3's client."""

    def __init__(self, code):
        super().__init__(code)
        self.response = {"Error": {"Code": code}}


def answering(*codes):
    """A function that raises these errors in turn, and then does nothing."""
    left = list(codes)

    def pipe_file(path, data, mode):
        if left:
            raise OSError(errno.EINVAL, "no") from Answer(left.pop(0))

    return pipe_file


def test_answers_of_s3_to_a_conditional_put_are_understood(watch, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    busy, files = "ConditionalRequestConflict", ObjectFiles(results_folder("memory://answers/out"))
    watch(pipe_file=answering("PreconditionFailed"))
    assert not files.create("a", [b"x"])
    watch(pipe_file=answering(busy, busy))
    assert files.create("a", [b"x"])
    watch(pipe_file=answering(busy, "PreconditionFailed"))
    assert not files.create("a", [b"x"])
    watch(pipe_file=answering(*[busy] * 9))
    with pytest.raises(harness.StorageError):
        files.create("a", [b"x"])
    watch(pipe_file=answering("AccessDenied"))
    with pytest.raises(harness.StorageError, match="memory://answers/out/a cannot be read or writ"):
        files.create("a", [b"x"])


def test_an_object_that_marks_a_folder_is_not_listed(s3):
    fsspec.filesystem("s3", use_listings_cache=False).pipe_file("results/console/", b"")
    files = ObjectFiles(results_folder(f"{s3}/console"))
    assert files.entries() == set()
    files.create("a", [b"x"])
    assert files.entries() == {"a"}


def test_files_of_a_store_that_does_not_answer_are_not_called_broken(watch, small, chunks_of_two):
    url = "memory://outage/out"
    harness.run(small(), url)
    before = bytes_of(results_folder(url))
    names = Store.open(results_folder(url)).files.names("commits")

    def cat_file(path, end=None):
        if "part-000003" in path or "000002.json" in path:
            raise ConnectionError("connection reset")
        return memory.cat_file(path, end=end)

    memory = fsspec.filesystem("memory", use_listings_cache=False)
    watch(cat_file=cat_file)
    for do in (
        lambda: harness.run(small(grid__init_id=6), url),
        lambda: list(inspection.verify(results_folder(url))),
    ):
        with pytest.raises(harness.StorageError, match="connection reset"):
            do()
    assert Store.open(results_folder(url)).files.names("commits") == names
    watch()
    assert bytes_of(results_folder(url)) == before


# -- sweeps ----------------------------------------------------------------------------------------


def bytes_of(folder):
    """Content of all files that do not name a process or a time."""
    files = Store.open(folder).files
    tables = ["data.parquet", "runs.csv", "trajectories.csv"]
    names = [*files.names("runs"), *files.names("trajectories"), *tables]
    return {name: files.read(name, 1 << 20) for name in names}


def test_results_have_the_same_bytes_as_in_a_folder(url, small, tmp_path, chunks_of_two):
    results = harness.run(small(), url)
    harness.run(small(), tmp_path / "out")
    assert bytes_of(results_folder(url)) == bytes_of(tmp_path / "out")
    pd.testing.assert_frame_equal(harness.open_results(url).runs, results.runs)
    assert ".writer.json" not in Store.open(results_folder(url)).files.entries()
    assert all(not file.problem for file in inspection.verify(results_folder(url)))
    status = inspection.status(results_folder(url))
    assert (status.runs_done, status.writer) == (12, None)


def test_missing_and_broken_chunks_are_trained_again(url, small, chunks_of_two):
    harness.run(small(), url)
    files = Store.open(results_folder(url)).files
    before = bytes_of(results_folder(url))
    files.remove(["runs/part-000003.parquet", "data.parquet"])
    files.replace("runs/part-000004.parquet", [b"x" * files.size("runs/part-000004.parquet")])
    broken = {file.name for file in inspection.verify(results_folder(url)) if file.problem}
    assert broken == {"data.parquet", "runs/part-000003.parquet", "runs/part-000004.parquet"}
    harness.run(small(), url)
    assert bytes_of(results_folder(url)) == before


def test_data_points_without_a_manifest_are_replaced(url, small):
    harness.run(small(data={"inputs": [0, 1], "targets": [0, 1]}), url)
    files = Store.open(results_folder(url)).files
    kept = files.read("data.parquet", 1 << 20)
    files.remove([name for name in bytes_of(results_folder(url)) if name != "data.parquet"])
    files.remove(["manifest.json", *files.names("commits")])
    assert files.entries() == {"data.parquet"}
    harness.run(small(), url)
    assert files.read("data.parquet", 1 << 20) != kept
    assert harness.open_results(url).experiment == small()


def test_a_grid_grows_in_an_object_store(url, small, tmp_path, chunks_of_two):
    harness.run(small(), url)
    results = harness.run(small(grid__init_id=6), url)
    fresh = harness.run(small(grid__init_id=6), tmp_path / "out")
    pd.testing.assert_frame_equal(results.runs, fresh.runs, check_exact=True)
    assert inspection.status(results_folder(url)).runs_reused == 12


def test_another_experiment_and_other_files_are_refused(url, small):
    harness.run(small(), url)
    with pytest.raises(harness.ResultsError, match=r"training\.momentum was not given and is 0\.5"):
        harness.run(small(training__momentum=0.5), url)
    ObjectFiles(results_folder(f"{url}-other")).create("thesis.tex", [b"x"])
    with pytest.raises(harness.ResultsError, match="already exists and is not a results folder"):
        harness.run(small(), f"{url}-other")
    with pytest.raises(harness.ResultsError, match="is not a results folder"):
        harness.open_results(f"{url}-nothing")


def test_of_two_writers_the_first_commit_stays(url, small, monkeypatch, chunks_of_two):
    folder = results_folder(url)
    Store.prepare(folder)
    with writer(folder) as first, writer(folder) as second:
        assert is_written_by(folder, second)
        assert not is_written_by(folder, first)
    trained = Trainer.train

    def train_and_be_overtaken(self, *arguments):
        monkeypatch.setattr(Trainer, "train", trained)
        harness.run(small(), url)  # another process trains all of it first
        return trained(self, *arguments)

    monkeypatch.setattr(Trainer, "train", train_and_be_overtaken)
    results = harness.run(small(), url, lanes=1, threads=1)
    assert len(results.runs) == 12
    assert all(not file.problem for file in inspection.verify(folder))
