"""The results folder, with tables that no network made."""

import json
import math

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from harness import store as store_module
from harness.errors import ResultsError
from harness.store import Store

AWKWARD = np.array([0.1, -0.0, 5.0, 1e22, 5e-324, 1.7976931348623157e308, np.nan, np.inf, -np.inf])


def make_store(folder, chunks=1):
    return Store.create(folder, {"format": 1, "chunks": chunks, "runs": 3})


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


def test_floats_read_back_to_the_same_bits_from_parquet_and_from_csv(tmp_path):
    store = make_store(tmp_path / "out")
    store.write(0, columns(), columns())
    store.write_csv()
    for frame in (
        store.read("runs").to_pandas(),
        pd.read_parquet(tmp_path / "out" / "runs" / "part-000000.parquet"),
        pd.read_csv(tmp_path / "out" / "runs.csv"),
    ):
        finite = np.isfinite(AWKWARD) | np.isinf(AWKWARD)
        assert same_bits(frame["ssr"][finite], AWKWARD[finite])
        assert math.isnan(frame["ssr"][6])
        assert frame["status"].tolist()[:3] == ["finished", "diverged", "finished"]


def test_csv_has_a_plain_header_line_feeds_and_floats_that_are_floats(tmp_path):
    store = make_store(tmp_path / "out")
    store.write(0, columns(), columns(count=2))
    store.write_csv()
    assert (tmp_path / "out" / "runs.csv").read_bytes() == (
        b"run_id,status,ssr\n0,finished,0.1\n1,diverged,-0.0\n2,finished,5.0\n3,diverged,1e+22\n"
        b"4,finished,5e-324\n5,diverged,1.7976931348623157e+308\n6,finished,nan\n7,diverged,inf\n"
        b"8,finished,-inf\n"
    )


def test_chunks_are_read_in_their_order_whatever_order_they_came_in(tmp_path):
    store = make_store(tmp_path / "out", chunks=3)
    for chunk in (2, 0):
        store.write(chunk, columns(3 * chunk, 3), columns(3 * chunk, 3))
    assert store.missing() == [1]
    assert store.read("runs")["run_id"].to_pylist() == [0, 1, 2, 6, 7, 8]
    store.write(1, columns(3, 3), columns(3, 3))
    assert store.missing() == []
    assert Store.open(tmp_path / "out").read("runs", ["run_id"])["run_id"].to_pylist() == [
        *range(9)
    ]
    assert store.rows("trajectories") == 9


def test_rows_of_some_runs_only(tmp_path):
    store = make_store(tmp_path / "out")
    store.write(0, columns(), columns())
    assert store.read("trajectories", run_ids=[5, 2])["run_id"].to_pylist() == [2, 5]


def test_large_tables_have_no_csv(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "MOST_CSV_ROWS", 3)
    store = make_store(tmp_path / "out")
    store.write(0, columns(count=2), columns(count=3))
    store.write_csv()
    assert [path.name for path in (tmp_path / "out").glob("*.csv")] == ["runs.csv"]


def test_a_write_that_fails_leaves_no_part_and_no_leftover(tmp_path, monkeypatch):
    store = make_store(tmp_path / "out")
    real = pyarrow.parquet.write_table

    def fail_for_runs(rows, path, **options):
        real(rows, path, **options)
        if path.parent.name == "runs":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(pyarrow.parquet, "write_table", fail_for_runs)
    with pytest.raises(OSError, match="No space"):
        store.write(0, columns(), columns())
    assert store.missing() == [0]
    assert not list((tmp_path / "out" / "runs").iterdir())


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ResultsError, match="is no results folder"):
        make_store(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_empty_folder_may_become_a_results_folder(tmp_path):
    assert make_store(tmp_path).missing() == [0]


@pytest.mark.parametrize("text", [None, "{", "[]", "3", "{}", '{"format": 2}'])
def test_a_folder_without_a_readable_manifest_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ResultsError, match=r"manifest\.json"):
        Store.open(tmp_path)


def test_reading_before_the_first_chunk_says_what_to_do(tmp_path):
    with pytest.raises(ResultsError, match="no finished chunk yet"):
        make_store(tmp_path / "out").read("runs")


def test_manifest_reads_back(tmp_path):
    make_store(tmp_path / "out", chunks=7)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["chunks"] == 7
    assert Store.open(tmp_path / "out").manifest["chunks"] == 7


@pytest.mark.parametrize("table", ["runs", "trajectories"])
def test_a_chunk_that_lacks_either_part_is_missing(tmp_path, table):
    store = make_store(tmp_path / "out")
    store.write(0, columns(), columns())
    (tmp_path / "out" / table / "part-000000.parquet").unlink()
    assert store.missing() == [0]


@pytest.mark.parametrize("read", [lambda store: store.read("runs"), lambda s: s.rows("runs")])
def test_a_broken_part_is_named_with_what_to_do(tmp_path, read):
    store = make_store(tmp_path / "out")
    store.write(0, columns(), columns())
    (tmp_path / "out" / "runs" / "part-000000.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(
        ResultsError, match=r"part-000000\.parquet cannot be read.*\nRemove .*again"
    ):
        read(store)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="cannot be made"):
        make_store(tmp_path / "file" / "out")
