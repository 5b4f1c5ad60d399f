"""The results folder, with tables that were not trained."""

import errno
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import harness
from harness.errors import NoSpaceError, ResultsError, StorageError
from harness.store import Reader, Store, csv_files
from harness.store import files as files_module
from harness.store.csv_files import has_csv, write_csv
from harness.store.data_points import DataPoints
from harness.store.documents import seal, unseal
from tests import made_store
from tests.made_store import manifest, origin

AWKWARD = np.array([0.1, -0.0, 5.0, 1e22, 5e-324, 1.7976931348623157e308, np.nan, np.inf, -np.inf])


def make_store(folder, chunks=1, chunk_size=AWKWARD.size, **changes):
    return made_store.make_store(folder, chunks * chunk_size, chunk_size, **changes)


def keep(store, chunk, runs, trajectories, **about):
    tables = {"runs": [runs], "trajectories": [trajectories]}
    store.commit(store.pack(chunk, tables, origin(**about)))


def columns(first=0, count=AWKWARD.size):
    return {
        "run_id": np.arange(first, first + count),
        "status": pd.Categorical.from_codes(np.arange(count) % 2, ["finished", "diverged"]),
        "ssr": AWKWARD[:count],
    }


def same_bits(left, right):
    return np.array_equal(
        np.asarray(left, np.float64).view(np.int64), np.asarray(right, np.float64).view(np.int64)
    )


def everything(folder):
    """Content of every file below a folder except the lock, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".lock")
    }


def flip(path, place=None):
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if place is None else place] ^= 1
    path.write_bytes(data)


# -- tables ----------------------------------------------------------------------------------------


def test_floats_read_back_to_the_same_bits_from_parquet_and_from_csv(tmp_path):
    store = make_store(tmp_path / "out")
    keep(store, 0, columns(), columns())
    write_csv(store)
    for frame in (
        Reader(store).read("runs").to_pandas(),
        pd.read_parquet(tmp_path / "out" / "runs" / "part-000000.parquet"),
        pd.read_csv(tmp_path / "out" / "runs.csv"),
    ):
        finite = np.isfinite(AWKWARD) | np.isinf(AWKWARD)
        assert same_bits(frame["ssr"][finite], AWKWARD[finite])
        assert math.isnan(frame["ssr"][6])
        assert frame["status"].tolist()[:3] == ["finished", "diverged", "finished"]


READ = """
import os, pathlib, sys
import numpy as np, pyarrow.parquet
from harness.store import Reader, Store
threads = set(os.listdir("/proc/self/task"))
for run_ids in (None, np.array([1, 3])):
    for table in ("runs", "trajectories"):
        assert Reader(Store.open(pathlib.Path(sys.argv[1]))).read(table, run_ids=run_ids).num_rows
print(len(set(os.listdir("/proc/self/task")) - threads))
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted by Linux")
def test_reading_starts_no_thread(small, tmp_path):
    folder = harness.run(small(), tmp_path / "out").folder
    started = subprocess.run([sys.executable, "-c", READ, folder], capture_output=True, text=True)
    assert (started.stdout, started.stderr) == ("0\n", "")


@pytest.mark.parametrize("run_ids", [[4], [8, 2, 2, 10], list(range(40))])
def test_rows_of_some_runs_are_those_that_pandas_chooses(tmp_path, run_ids):
    store = make_store(tmp_path / "out", chunks=2)
    # Each piece becomes a row group of the file.
    pieces = [[columns(0, 5), columns(5, 4)], [columns(9)]]
    for chunk, runs in enumerate(pieces):
        store.commit(store.pack(chunk, {"runs": runs, "trajectories": runs}, origin()))
    rows = Reader(store).read("runs", ["status", "run_id"], run_ids)
    everything = pd.concat([pd.DataFrame(piece) for runs in pieces for piece in runs])
    wanted = everything[everything["run_id"].isin(run_ids)]
    assert rows.column_names == ["status", "run_id"]
    assert rows["run_id"].to_pylist() == wanted["run_id"].tolist()
    assert rows["status"].to_pylist() == wanted["status"].tolist()


def test_every_nan_is_written_with_the_same_bits(tmp_path):
    quiet, negative, payload = 0x7FF8 << 48, 0xFFF8 << 48, (0x7FF8 << 48) + 1
    store = make_store(tmp_path / "out", chunk_size=3)
    nans = np.array([quiet, negative, payload], np.uint64).view(np.float64)
    kept = {**columns(count=3), "ssr": nans, "loss": nans[::-1], "single": nans.astype(np.float32)}
    keep(store, 0, kept, kept)
    assert nans.view(np.uint64).tolist() == [
        quiet,
        negative,
        payload,
    ]  # the caller's arrays are unchanged
    for table in ("runs", "trajectories"):
        # Readers refuse single precision, which no table has.
        rows = pd.read_parquet(tmp_path / "out" / table / "part-000000.parquet")
        for name in ("ssr", "loss"):
            assert rows[name].to_numpy().view(np.uint64).tolist() == [quiet] * 3
        assert rows["single"].to_numpy().view(np.uint32).tolist() == [0x7FC0 << 16] * 3


def test_csv_has_a_plain_header_line_feeds_and_floats_that_read_back_as_floats(tmp_path):
    store = make_store(tmp_path / "out")
    keep(store, 0, columns(), columns(count=2))
    write_csv(store)
    assert (tmp_path / "out" / "runs.csv").read_bytes() == (
        b"run_id,status,ssr\n0,finished,0.1\n1,diverged,-0.0\n2,finished,5.0\n3,diverged,1e+22\n"
        b"4,finished,5e-324\n5,diverged,1.7976931348623157e+308\n6,finished,nan\n7,diverged,inf\n"
        b"8,finished,-inf\n"
    )


def test_rows_in_pieces_become_one_table(tmp_path):
    store = make_store(tmp_path / "out")
    pieces = (columns(first, 3) for first in (0, 3, 6))
    store.commit(store.pack(0, {"runs": pieces, "trajectories": [columns()]}, origin()))
    assert Reader(store).read("runs")["run_id"].to_pylist() == [*range(9)]


def test_chunks_are_read_in_order_whatever_order_they_were_committed_in(tmp_path):
    store = make_store(tmp_path / "out", chunks=3, chunk_size=3)
    reader = Reader(store)
    for chunk in (2, 0):
        keep(store, chunk, columns(3 * chunk, 3), columns(3 * chunk, 3))
    assert store.missing() == [1]
    assert reader.read("runs")["run_id"].to_pylist() == [0, 1, 2, 6, 7, 8]
    keep(store, 1, columns(3, 3), columns(3, 3))
    assert store.missing() == []
    assert reader.read("runs")["run_id"].to_pylist() == [*range(9)]
    opened = Reader(Store.open(tmp_path / "out"))
    assert opened.read("runs", ["run_id"])["run_id"].to_pylist() == [*range(9)]
    assert opened.rows("trajectories") == 9
    assert opened.columns("runs") == ["run_id", "status", "ssr"]


def test_rows_of_some_runs(tmp_path):
    store = make_store(tmp_path / "out")
    keep(store, 0, columns(), columns())
    reader = Reader(store)
    for _ in range(2):  # the second time, the file has been checked
        assert reader.read("trajectories", run_ids=[5, 2])["run_id"].to_pylist() == [2, 5]
    assert reader.read("trajectories", run_ids=[])["run_id"].to_pylist() == []


def test_only_chunks_with_the_wanted_runs_are_read(tmp_path):
    store = make_store(tmp_path / "out", chunks=3, chunk_size=3)
    for chunk in range(3):
        keep(store, chunk, columns(3 * chunk, 3), columns(3 * chunk, 3))
    (tmp_path / "out" / "runs" / "part-000001.parquet").unlink()
    assert Reader(store).read("runs", run_ids=[8, 0])["run_id"].to_pylist() == [0, 8]


def test_large_tables_have_no_csv(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_files, "MAX_CSV_ROWS", 3)
    store = make_store(tmp_path / "out", chunk_size=2)
    (tmp_path / "out" / "trajectories.csv").write_text("of a smaller grid")
    trajectories = {"run_id": [0, 0, 1], "ssr": [1.0, 0.5, 2.0]}
    keep(store, 0, columns(count=2), trajectories)
    write_csv(store)
    assert [path.name for path in (tmp_path / "out").glob("*.csv")] == ["runs.csv"]
    assert has_csv(store)


def test_csv_files_with_thousands_of_columns_are_believed(tmp_path):
    store = make_store(tmp_path / "out")
    wide = columns() | {f"w{number}_final": np.full(9, -1 / 3) for number in range(1, 4000)}
    keep(store, 0, wide, columns())
    write_csv(store)
    assert has_csv(store)


@pytest.mark.parametrize("name", ["runs.csv", "commits/csv.json"])
def test_removed_csv_files_are_noticed(tmp_path, name):
    store = make_store(tmp_path / "out")
    keep(store, 0, columns(), columns())
    assert not has_csv(store)
    write_csv(store)
    assert has_csv(store)
    (tmp_path / "out" / name).unlink()
    assert not has_csv(store)


def test_reading_before_the_first_chunk_says_what_to_do(tmp_path):
    with pytest.raises(ResultsError, match="no finished chunk yet"):
        Reader(make_store(tmp_path / "out")).read("runs")


# -- chunks are there or not -----------------------------------------------------------------------


@pytest.mark.parametrize("nth", range(1, 4))
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_failed_write_leaves_a_chunk_missing_and_no_leftovers(tmp_path, monkeypatch, nth, code):
    store = make_store(tmp_path / "out", chunks=2)
    keep(store, 1, columns(9), columns(9))
    before = everything(tmp_path / "out")
    calls = []

    def fail(descriptor, data):
        calls.append(descriptor)
        if len(calls) == nth:  # the runs, the trajectories, the commit
            raise OSError(code, "said so")
        return os.write(descriptor, data)

    monkeypatch.setattr(files_module, "os", SimpleNamespace(**{**vars(os), "write": fail}))
    kind = StorageError if code == errno.EIO else NoSpaceError
    with pytest.raises(kind, match=f"chunk 0 of {re.escape(str(tmp_path))}.*said so") as caught:
        keep(store, 0, columns(), columns())
    assert type(caught.value) is kind
    assert store.missing() == [0]
    after = everything(tmp_path / "out")
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if "unfinished" in name]
    assert len(calls) == nth  # no second try
    keep(store, 0, columns(), columns())
    assert store.missing() == []
    assert Reader(store).rows("runs") == 18


def test_a_full_disk_is_reported_with_the_needed_bytes(tmp_path, monkeypatch):
    store = make_store(tmp_path / "out", chunks=4)
    keep(store, 0, columns(), columns())
    sizes = [path.stat().st_size for path in (tmp_path / "out").rglob("part-*")]

    def fail(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files_module, "os", SimpleNamespace(**{**vars(os), "write": fail}))
    with pytest.raises(NoSpaceError) as caught:
        keep(store, 1, columns(), columns())
    # The same rows again, three times.
    chunk, three = (f"{factor * sum(sizes) / 1000:.1f} kB" for factor in (1, 3))
    assert f"it needs {chunk}, and all missing chunks about {three}" in str(caught.value)


@pytest.mark.parametrize("table", ["runs", "trajectories"])
@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b""),
    ],
)
def test_a_chunk_with_a_missing_or_truncated_part_is_missing(tmp_path, table, harm):
    store = make_store(tmp_path / "out")
    keep(store, 0, columns(), columns())
    assert store.missing() == []
    harm(tmp_path / "out" / table / "part-000000.parquet")
    assert store.missing() == [0]


def test_parts_without_a_commit_do_not_exist_and_are_replaced(tmp_path):
    store = make_store(tmp_path / "out")
    keep(store, 0, columns(), columns())
    (tmp_path / "out" / "commits" / "000000.json").unlink()
    opened = Store.open(tmp_path / "out")
    assert opened.missing() == [0]
    with pytest.raises(ResultsError, match="no finished chunk"):
        Reader(opened).read("runs")
    other = {**columns(), "ssr": AWKWARD[::-1]}
    keep(opened, 0, other, other)
    assert same_bits(Reader(opened).read("runs")["ssr"], AWKWARD[::-1])


def test_a_flipped_bit_of_a_commit_is_found(tmp_path):
    store = make_store(tmp_path / "out")
    keep(store, 0, columns(), columns())
    path = tmp_path / "out" / "commits" / "000000.json"
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        flip(path, place)
        opened, broken = Store.open(tmp_path / "out"), []
        assert opened.missing() == [0]
        assert opened.commits(broken=lambda name, why, into=broken: into.append(name)) == {}
        assert broken == ["commits/000000.json"]
        with pytest.raises(ResultsError, match=r"commits/000000\.json is broken"):
            Reader(opened).read("runs")
        path.write_bytes(whole)


def test_a_chunk_of_another_experiment_is_refused(tmp_path):
    keep(make_store(tmp_path / "other", identity="9" * 64), 0, columns(), columns())
    os.rename(tmp_path / "other" / "commits", tmp_path / "commits")
    store = make_store(tmp_path / "out")
    os.rmdir(tmp_path / "out" / "commits")
    os.rename(tmp_path / "commits", tmp_path / "out" / "commits")
    assert store.missing() == [0]
    with pytest.raises(ResultsError, match="broken: it belongs to another experiment"):
        store.commits()
    store.remove_leftovers([0])
    keep(store, 0, columns(), columns())
    assert store.missing() == []


def test_leftovers_are_temporary_files_and_commits_of_missing_chunks(tmp_path):
    store = make_store(tmp_path / "out", chunks=2)
    for chunk in range(2):
        keep(store, chunk, columns(9 * chunk), columns(9 * chunk))
    (tmp_path / "out" / "runs" / ".part-000001.parquet.7-ab.unfinished").write_bytes(b"a piece")
    (tmp_path / "out" / "runs" / "part-000001.parquet").unlink()
    store.remove_leftovers(store.missing())
    left = sorted(everything(tmp_path / "out"))
    assert left == [
        "commits/000000.json", "data.parquet", "manifest.json", "runs/part-000000.parquet",
        "trajectories/part-000000.parquet", "trajectories/part-000001.parquet",
    ]  # fmt: skip


def test_a_chunk_that_is_committed_twice_is_unchanged(tmp_path):
    folder = tmp_path / "out"
    keep(make_store(folder), 0, columns(), columns(), worker="first")
    before = everything(folder)
    keep(Store.open(folder), 0, columns(), columns(), worker="second")
    assert everything(folder) == before


@pytest.mark.parametrize("table", ["runs", "trajectories"])
def test_a_different_result_of_a_chunk_is_refused_and_the_first_kept(tmp_path, table):
    folder = tmp_path / "out"
    noon, one = "2026-01-01T12:00:00+00:00", "2026-01-01T13:00:00+00:00"
    keep(make_store(folder), 0, columns(), columns(), worker="first", finished=noon)
    before = everything(folder)
    other = {"runs": columns(), "trajectories": columns()}
    other[table]["ssr"] = np.nextafter(AWKWARD, 0.0)
    with pytest.raises(ResultsError, match=r"chunk 0 .* first at .*T12.* second at .*T13"):
        keep(Store.open(folder), 0, **other, worker="second", finished=one)
    assert everything(folder) == before


@pytest.mark.parametrize("table", ["runs", "trajectories"])
def test_any_changed_bit_of_a_part_is_named_with_what_to_do(tmp_path, table):
    store = make_store(tmp_path / "out")
    keep(store, 0, columns(), columns())
    path = tmp_path / "out" / table / "part-000000.parquet"
    for place in range(0, path.stat().st_size, 29):
        flip(path, place)
        with pytest.raises(ResultsError, match=r"part-000000\.parquet is broken.*\n.*verify"):
            Reader(store).read(table)
        flip(path, place)
    assert Reader(store).rows(table) == 9


def test_a_missing_or_truncated_part_is_named(tmp_path):
    store = make_store(tmp_path / "out")
    keep(store, 0, columns(), columns())
    path = tmp_path / "out" / "runs" / "part-000000.parquet"
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(ResultsError, match="is broken: has 12 bytes instead of"):
        Reader(store).read("runs")
    path.unlink()
    with pytest.raises(ResultsError, match=r"is broken: .*No such file"):
        Reader(store).read("runs")


def test_a_part_with_the_bytes_of_another_is_checked_too(tmp_path):
    # Without rows, all parts of a table are the same.
    store = make_store(tmp_path / "out", chunks=2)
    for chunk in range(2):
        keep(store, chunk, columns(9 * chunk), columns(count=0))
    path = tmp_path / "out" / "trajectories" / "part-000001.parquet"
    data = path.read_bytes()
    assert data == path.with_name("part-000000.parquet").read_bytes()
    path.write_bytes(data.replace(b"ssr", b"sss"))
    with pytest.raises(ResultsError, match=r"part-000001\.parquet is broken"):
        Reader(store).read("trajectories")


# -- folder and manifest ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other", ["thesis.txt", "runs.csv", ".hidden", "results/runs", "data.parquet"]
)
def test_a_folder_with_other_files_is_unchanged(tmp_path, other):
    (tmp_path / other).parent.mkdir(exist_ok=True)
    (tmp_path / other).write_text("mine")
    with pytest.raises(ResultsError, match="is not a results folder"):
        make_store(tmp_path)
    assert everything(tmp_path) == {other: b"mine"}
    assert not (tmp_path / "commits").exists()


@pytest.mark.parametrize("leftover", [".lock", ".writer.json", ".manifest.json.1-ab.unfinished"])
def test_an_empty_or_just_begun_folder_may_become_a_results_folder(tmp_path, leftover):
    (tmp_path / "runs").mkdir()
    (tmp_path / leftover).write_text("")
    assert make_store(tmp_path).missing() == [0]
    assert make_store(tmp_path / "new" / "folder").missing() == [0]


def test_another_table_is_not_taken_for_data_points(tmp_path):
    pd.DataFrame({"input_1": [1.0], "label": [2.0]}).to_parquet(tmp_path / "data.parquet")
    before = everything(tmp_path)
    with pytest.raises(ResultsError, match="is not a results folder"):
        make_store(tmp_path)
    assert everything(tmp_path) == before


def test_data_points_of_a_killed_process_are_replaced_if_there_is_no_manifest(tmp_path):
    make_store(tmp_path)
    (tmp_path / "manifest.json").unlink()
    points = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    Store.prepare(tmp_path)
    Store.create(tmp_path, manifest(9, 9), DataPoints(inputs=points, targets=points[:, 1:]))
    inputs, targets = Store.open(tmp_path).read_data()
    assert (inputs.tolist(), targets.tolist()) == (points.tolist(), [[2.0], [4.0], [6.0]])


@pytest.mark.parametrize("text", [None, "", "{", "[]", "3", "{}", '{"format": 2}'])
def test_a_folder_without_a_readable_manifest_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ResultsError, match=r"manifest\.json"):
        Store.open(tmp_path)


def test_a_manifest_with_any_changed_character_is_refused(tmp_path):
    make_store(tmp_path)
    path = tmp_path / "manifest.json"
    for place in range(path.stat().st_size):
        flip(path, place)
        with pytest.raises(ResultsError, match=r"manifest\.json is broken: .*\nMove .* away"):
            Store.open(tmp_path)
        flip(path, place)
    assert Store.open(tmp_path).missing() == [0]


@pytest.mark.parametrize("version", [1, 3, 5])
def test_a_manifest_of_another_format_asks_for_the_version_that_wrote_it(tmp_path, version):
    make_store(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_bytes(seal({**unseal(path.read_bytes()), "format": version}))
    with pytest.raises(ResultsError, match=f"has the format {version}; this version .* reads 4"):
        Store.open(tmp_path)


def test_manifest_reads_back(tmp_path):
    make_store(tmp_path / "out", chunks=7)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["chunks"] == 7
    assert Store.open(tmp_path / "out").manifest.chunks == 7


def test_entries_of_a_manifest_can_be_changed(tmp_path):
    store = make_store(tmp_path / "out")
    store.amend(machine={"system": "später"})
    for kept in (store.manifest, Store.open(tmp_path / "out").manifest):
        assert (kept.machine, kept.identity) == ({"system": "später"}, made_store.IDENTITY)


def test_a_generation_has_its_own_files_and_former_ones_stay_until_dropped(tmp_path):
    folder = tmp_path / "out"
    store = make_store(folder)
    keep(store, 0, columns(), columns())
    before = everything(folder)
    grown = store.grow(manifest(18, 9, identity="8" * 64))
    assert grown.missing() == [0, 1]
    for chunk in range(2):
        keep(grown, chunk, columns(9 * chunk), columns(9 * chunk))
    grown = Store.open(folder)
    assert grown.missing() == []
    (former,) = grown.earlier()
    assert Reader(former).rows("runs") == 9
    after = everything(folder)
    del before["manifest.json"]
    assert {name: after[name] for name in before} == before
    assert {*after} - {*before} == {"manifest.json"} | {
        name
        for chunk in ("000000-g1", "000001-g1")
        for name in (
            f"commits/{chunk}.json", f"runs/part-{chunk}.parquet",
            f"trajectories/part-{chunk}.parquet",
        )
    }  # fmt: skip
    grown.drop_earlier()
    assert {*everything(folder)} == {*after} - {*before} | {"data.parquet"}
    assert Store.open(folder).earlier() == []
    assert Reader(Store.open(folder)).rows("runs") == 18


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="cannot be made"):
        make_store(tmp_path / "file" / "out")
