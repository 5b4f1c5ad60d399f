"""`harness export`: parts of tables against pandas, and errors."""

import errno
import io
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

import harness
from harness.cli.app import main
from harness.errors import HarnessError, NoSpaceError, StorageError
from harness.results import export as export_module
from harness.results import selection, tables
from harness.results.export import export
from harness.store import reader
from harness.store.encoding import parquet_pieces
from tests.made_store import make_store, origin

CHUNK, CHUNKS, EPOCHS = 4, 3, 5
RUNS = CHUNK * CHUNKS
AWKWARD = np.array(
    [-0.0, 5.0, 1e22, 5e-324, np.nan, np.inf, -np.inf, 0.1, 1.7976931348623157e308, 0.0, -7.0, 1e10]
)


def runs_table(first, last):
    ids = np.arange(first, last)
    statuses = pd.Categorical.from_codes(ids % 3, ["finished", "diverged", "converged"])
    return {
        "run_id": ids,
        "learning_rate": ids / 8,
        "status": statuses,
        "epochs": ids + 1,
        "ssr_final": AWKWARD[ids],
    }


def trajectories_table(first, last):
    ids = np.repeat(np.arange(first, last), EPOCHS)
    epochs = np.tile(np.arange(EPOCHS), last - first)
    return {"run_id": ids, "epoch": epochs, "ssr": AWKWARD[(ids + epochs) % AWKWARD.size]}


@pytest.fixture(autouse=True)
def no_experiment(monkeypatch):
    """Open folders without comparing these tables with an experiment."""
    monkeypatch.setattr(tables, "experiment_of", lambda store: None)
    unknown = SimpleNamespace(by_table=lambda: None)
    monkeypatch.setattr(tables, "columns_of", lambda experiment: unknown)


@pytest.fixture
def folder(tmp_path):
    """A results folder with made-up tables."""
    path = tmp_path / "results"
    store = make_store(path, RUNS, CHUNK)
    for chunk in (2, 0, 1):
        keep(store, chunk)
    return path


def keep(store, chunk):
    first, last = CHUNK * chunk, CHUNK * (chunk + 1)
    tables = {"runs": [runs_table(first, last)], "trajectories": [trajectories_table(first, last)]}
    store.commit(store.pack(chunk, tables, origin()))


def frame_of(table):
    made = {"runs": runs_table, "trajectories": trajectories_table}[table](0, RUNS)
    return pd.DataFrame(made).astype({"status": object} if table == "runs" else {})


def exported(folder, **arguments):
    """The exported bytes."""
    sink = io.BytesIO()
    done = export(folder, sink, **arguments)
    lines = sink.getvalue().count(b"\n") - 1
    assert arguments.get("file_format") == "parquet" or done.rows == lines
    return sink.getvalue()


def read(data, file_format="csv"):
    if file_format == "parquet":
        return pd.read_parquet(io.BytesIO(data))
    # Texts such as nan become numbers only in columns of floats.
    return pd.read_csv(io.BytesIO(data))


def assert_same(left, right):
    """Same columns, same types, same bits."""
    assert list(left) == list(right)
    assert len(left) == len(right)
    for name in left:
        one, other = left[name].to_numpy(), right[name].to_numpy()
        if other.dtype == np.float64:
            assert one.dtype == np.float64 or not one.size  # no rows have no type in CSV
            one, nan = one.astype(np.float64), np.isnan(other)
            assert np.array_equal(np.isnan(one), nan)
            assert np.array_equal(one[~nan].view(np.int64), other[~nan].view(np.int64))
        else:
            assert one.tolist() == other.tolist()


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@pytest.mark.parametrize("table", ["runs", "trajectories"])
def test_a_whole_table_reads_back_to_the_same_bits(folder, table, file_format):
    data = exported(folder, table=table, file_format=file_format)
    assert_same(read(data, file_format), frame_of(table))


def test_csv_is_plain(folder):
    assert exported(folder, columns=["ssr_final", "status"], runs="0-7") == (
        b"ssr_final,status\n-0.0,finished\n5.0,diverged\n1e+22,converged\n5e-324,finished\n"
        b"nan,diverged\ninf,converged\n-inf,finished\n0.1,diverged\n"
    )


def test_whole_floats_are_written_as_floats(folder):
    data = exported(folder, columns=["learning_rate"], runs="0,8")
    assert data == b"learning_rate\n0.0\n1.0\n"


def test_parquet_has_the_encodings_of_the_store(folder, tmp_path):
    export(folder, tmp_path / "runs.parquet")
    there = pyarrow.parquet.ParquetFile(folder / "runs" / "part-000000.parquet")
    made = pyarrow.parquet.ParquetFile(tmp_path / "runs.parquet")
    assert made.schema == there.schema
    for index in range(made.metadata.num_columns):
        one, other = (file.metadata.row_group(0).column(index) for file in (made, there))
        assert (one.encodings, one.compression) == (other.encodings, other.compression)
    assert made.metadata.num_row_groups == 1


def test_small_chunks_become_row_groups_of_some_size(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(reader, "_BYTES_AT_ONCE", 200)
    export(folder, tmp_path / "t.parquet", table="trajectories")
    made = pyarrow.parquet.ParquetFile(tmp_path / "t.parquet")
    assert made.metadata.num_row_groups == CHUNKS
    assert_same(made.read().to_pandas(), frame_of("trajectories"))


def test_parquet_is_written_piece_by_piece():
    rows = pa.table({"ssr": np.random.default_rng(0).random(100_000)})
    pieces = parquet_pieces(iter([rows] * 3), rows.schema)
    assert [len(piece) > 700_000 for piece in pieces] == [True, True, True, False]


CONDITIONS = [
    "status == 'diverged'",
    "status == 'diverged' and learning_rate > 0.5",
    "run_id < 5 or ssr_final > 1",
    "ssr_final != ssr_final",
    "not ssr_final > 0",
    "epochs in [1, 5, 12]",
]


@pytest.mark.parametrize("where", CONDITIONS)
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_rows_of_runs_are_those_that_pandas_selects(folder, where, file_format):
    expected = frame_of("runs").query(where, engine="python")
    data = exported(folder, where=where, file_format=file_format)
    assert_same(read(data, file_format), expected)
    columns = ["status", "run_id"]
    data = exported(folder, where=where, columns=columns, file_format=file_format)
    assert_same(read(data, file_format), expected[columns])


@pytest.mark.parametrize(
    "where",
    [
        *CONDITIONS,
        "ssr > 1",
        "epoch == 2 and status == 'diverged'",
        "ssr > ssr_final",
        "ssr > ssr_final and epoch > 1 and learning_rate < 1",
        "ssr == ssr_final or run_id == 7",
        "run_id < 3 and (run_id == 1 or status == 'finished')",
        "ssr > 1e308 and epochs > 100",
    ],
)
@pytest.mark.parametrize("runs", [None, "1-2,7,9-11"])
@pytest.mark.parametrize("at_once", [None, 1])
def test_rows_of_trajectories_are_those_that_pandas_selects(
    folder, where, runs, at_once, monkeypatch
):
    if at_once:
        monkeypatch.setattr(reader, "_BYTES_AT_ONCE", at_once)
        monkeypatch.setattr(selection, "_RUNS_AT_ONCE", at_once)
    trajectories = frame_of("trajectories")
    both = trajectories.merge(frame_of("runs"), on="run_id").query(where, engine="python")
    if runs:
        both = both[both["run_id"].isin([1, 2, 7, 9, 10, 11])]
    data = exported(folder, table="trajectories", where=where, runs=runs)
    assert_same(read(data), both[list(trajectories)])
    columns = ["ssr", "learning_rate", "status"]
    data = exported(
        folder,
        table="trajectories",
        where=where,
        runs=runs,
        columns=columns,
        file_format="parquet",
    )
    assert_same(read(data, "parquet"), both[columns])


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ("0", [0]),
        ("11", [11]),
        ("5,0", [0, 5]),
        (" 1 - 3 , 2-5,9,9", [1, 2, 3, 4, 5, 9]),
        ("1-8,2-3,4", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("0-11", list(range(12))),
        ("3-4,0-2", [0, 1, 2, 3, 4]),
    ],
)
@pytest.mark.parametrize("at_once", [1 << 20, 2])
def test_runs_by_their_ids(folder, runs, expected, at_once, monkeypatch):
    monkeypatch.setattr(selection, "_RUNS_AT_ONCE", at_once)
    assert read(exported(folder, runs=runs))["run_id"].tolist() == expected
    rows = read(exported(folder, table="trajectories", runs=runs))
    assert rows["run_id"].tolist() == np.repeat(expected, EPOCHS).tolist()


@pytest.mark.parametrize("table", ["runs", "trajectories"])
def test_without_rows_the_header_is_written(folder, table, tmp_path):
    names = list(frame_of(table))
    for where in ("run_id < 0", "ssr_final == 12345 or epochs < 0"):
        assert exported(folder, table=table, where=where) == ",".join(names).encode() + b"\n"
        data = exported(folder, table=table, where=where, file_format="parquet")
        assert list(read(data, "parquet")) == names
        assert len(read(data, "parquet")) == 0


def test_rows_stay_in_order_when_threads_finish_out_of_order(folder, monkeypatch):
    monkeypatch.setattr(export_module, "_PIECE_VALUES", 3)
    monkeypatch.setattr(export_module, "_THREADS", 4)
    assert_same(read(exported(folder, table="trajectories")), frame_of("trajectories"))


def test_an_unfinished_sweep_is_exported_as_far_as_it_is_trained(tmp_path):
    store = make_store(tmp_path / "out", RUNS, CHUNK)
    with pytest.raises(HarnessError, match="no finished chunk yet"):
        export(tmp_path / "out", io.BytesIO())
    keep(store, 1)
    done = export(tmp_path / "out", tmp_path / "some.csv")
    assert done == (CHUNK, 2, ())
    assert pd.read_csv(tmp_path / "some.csv")["run_id"].tolist() == [4, 5, 6, 7]
    assert exported(tmp_path / "out", runs="0-3") == exported(tmp_path / "out", where="run_id<0")


# Arguments that are refused, and parts of the message.
BAD = {
    "table": (
        {"table": "trajectory"},
        ['--table = "trajectory"', "runs or trajectories"],
    ),
    "other table": ({"table": "x"}, ['--table = "x"', "runs or trajectories"]),
    "column": ({"columns": ["run_id", "statsu"]}, ['--columns names "statsu"', '"status"?']),
    "other column": ({"columns": ["qqqq"]}, ['"qqqq"', "Columns are", "ssr_final"]),
    "trajectory column": ({"columns": ["epoch"]}, ['"epoch"', '"epochs"?']),
    "column twice": ({"columns": ["run_id", "run_id"]}, ['"run_id" twice']),
    "no column": ({"columns": []}, ["is empty"]),
    "empty column": ({"columns": [""]}, ['names ""']),
    "where": ({"where": "ssr > 1"}, ['--where names the column "ssr"']),
    "empty where": ({"where": ""}, ['--where: ""']),
    "run": ({"runs": "12"}, ['--runs has "12"', "Its runs are 0 to 11."]),
    "range out of the sweep": ({"runs": "0,5-12"}, ['"5-12"', "has no run 12", "0 to 11"]),
    "far": ({"runs": "0-999999999999"}, ["has no run 999999999999"]),
    "too far": ({"runs": "9" * 5000}, ["neither a run nor"]),
    "backwards": ({"runs": "5-3"}, ["ends before it begins", "3-5"]),
    "negative": ({"runs": "-1"}, ['"-1"', "neither a run nor"]),
    "no run": ({"runs": ""}, ['--runs has ""']),
    "comma": ({"runs": "1,"}, ['--runs has ""']),
    "word": ({"runs": "all"}, ['"all"', "--runs 0,5,100-199"]),
    "other digits": ({"runs": "\u0663"}, ["neither a run nor"]),
    "format": ({"file_format": "xlsx"}, ['--format = "xlsx"', "csv or parquet"]),
}


@pytest.mark.parametrize("case", BAD)
def test_arguments_that_are_refused(folder, case, tmp_path):
    arguments, words = BAD[case]
    with pytest.raises(HarnessError) as caught:
        export(folder, tmp_path / "out.csv", **arguments)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert message.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results"]


def test_no_results_folder(tmp_path):
    with pytest.raises(HarnessError, match="is not a results folder"):
        export(tmp_path, io.BytesIO())


# -- the file that is written ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "file_format", "is_parquet"),
    [
        ("a.csv", None, False),
        ("a.parquet", None, True),
        ("a.PARQUET", None, True),
        ("a.csv", "csv", False),
        ("a.parquet", "parquet", True),
    ],
)
def test_the_suffix_of_a_file_decides_its_format(folder, tmp_path, name, file_format, is_parquet):
    export(folder, tmp_path / name, file_format=file_format)
    assert ((tmp_path / name).read_bytes()[:4] == b"PAR1") == is_parquet


@pytest.mark.parametrize(
    ("name", "file_format", "said"),
    [
        ("a.xlsx", None, "must end in .csv or .parquet"),
        ("a.json", None, "must end in .csv or .parquet"),
        ("a.feather", None, "must end in .csv or .parquet"),
        ("a.csv.gz", None, "must end in .csv or .parquet"),
        ("a", None, "must end in .csv or .parquet"),
        (".csv", None, "must end in .csv or .parquet"),
        ("a.xlsx", "csv", "must end in .csv or .parquet"),
        ("a.csv", "parquet", "--format = parquet does not match"),
        ("a.parquet", "csv", "--format = csv does not match"),
    ],
)
def test_a_suffix_of_another_format_is_refused(folder, tmp_path, name, file_format, said):
    with pytest.raises(HarnessError) as caught:
        export(folder, tmp_path / name, file_format=file_format)
    assert said in str(caught.value)
    assert not (tmp_path / name).exists()


def test_a_number_that_no_row_has_is_reported_with_the_nearest(
    folder, tmp_path, monkeypatch, capsys
):
    rates = frame_of("runs")["learning_rate"]
    wanted = rates.iloc[3].item() * (1 + 1e-9)
    near = rates.iloc[(rates - wanted).abs().argmin()].item()
    for table in ("runs", "trajectories"):
        done = export(folder, io.BytesIO(), table=table, where=f"learning_rate == {wanted!r}")
        assert done == (0, 0, (("learning_rate", wanted, near),))
        where = f"epochs == -3 and ({wanted!r} == learning_rate or ssr_final < 0)"
        assert [one.column for one in export(folder, io.BytesIO(), where=where).missed] == [
            "epochs",
            "learning_rate",
        ]
    assert export(folder, io.BytesIO(), where=f"learning_rate == {near!r}").missed == ()
    assert export(folder, io.BytesIO(), where="status == 5").missed == ()
    where = f"learning_rate == {near!r} and ssr_final < 0"  # it is there, in no such row
    assert export(folder, io.BytesIO(), where=where) == (0, 0, ())

    path = tmp_path / "a.csv"
    command = ["export", str(folder), "--where", f"learning_rate == {wanted!r}", "-o", str(path)]
    monkeypatch.setattr("sys.argv", ["harness", *command])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    said = capsys.readouterr()
    assert said.out == f"0 rows in {path}\n"
    assert said.err == (
        "harness: no row matches --runs and --where.\n"
        f"harness: no row has learning_rate == {wanted!r}; the nearest is"
        f" learning_rate == {near!r}\n"
    )
    assert path.read_text().count("\n") == 1


def test_force_without_a_file_is_refused(folder, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["harness", "export", str(folder), "--force"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--force replaces the file of --output" in capsys.readouterr().err


def test_an_existing_file_is_replaced_only_with_force(folder, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("mine")
    with pytest.raises(HarnessError, match="exists"):
        export(folder, path)
    assert path.read_text() == "mine"
    export(folder, path, force=True)
    assert path.read_bytes() == exported(folder)


def test_a_file_created_meanwhile_is_left_alone(folder, tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    real = export_module.csv_header

    def header(names):
        path.write_text("theirs")
        return real(names)

    monkeypatch.setattr(export_module, "csv_header", header)
    with pytest.raises(HarnessError, match="in the meantime"):
        export(folder, path)
    assert path.read_text() == "theirs"


@pytest.mark.parametrize("force", [False, True])
def test_outputs_that_are_not_regular_files_are_refused(folder, tmp_path, force):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(folder)
    for name, words in {
        ".": "is a folder",
        "pipe": "is not a regular file",
        "results/new.csv": "in the results folder",
        "link/manifest.json": "in the results folder",
    }.items():
        with pytest.raises(HarnessError, match=words):
            export(folder, tmp_path / name, force=force)
    with pytest.raises(StorageError, match="No such file or directory"):
        export(folder, tmp_path / "none" / "a.csv", force=force)


def test_a_link_is_kept_and_its_target_is_written(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a.csv").symlink_to(tmp_path / "elsewhere" / "b.csv")
    export(folder, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").is_symlink()
    assert (tmp_path / "elsewhere" / "b.csv").read_bytes() == exported(folder)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_write_that_fails_leaves_nothing(folder, tmp_path, monkeypatch, code):
    def fails(*_):
        raise OSError(code, os.strerror(code))

    (tmp_path / "a.csv").write_text("mine")
    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StorageError, match="cannot be written") as caught:
        export(folder, tmp_path / "a.csv", force=True)
    assert isinstance(caught.value, NoSpaceError) == (code == errno.ENOSPC)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "results"]
    assert (tmp_path / "a.csv").read_text() == "mine"


def test_a_broken_part_is_named_and_leaves_no_file(folder, tmp_path):
    part = folder / "runs" / "part-000001.parquet"
    part.write_bytes(part.read_bytes()[:-9] + b"123456789")
    with pytest.raises(HarnessError, match=r"part-000001\.parquet is broken"):
        export(folder, tmp_path / "a.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results"]


# -- the command -----------------------------------------------------------------------------------


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["harness", "export", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code


def test_the_command_writes_to_standard_output(folder, monkeypatch, capfdbinary):
    arguments = ("--columns", "run_id, status", "--runs", "0-4", "--where", "status != 'finished'")
    assert command(monkeypatch, folder, *arguments) == 0
    printed = capfdbinary.readouterr()
    assert printed.out == b"run_id,status\n1,diverged\n2,converged\n4,diverged\n"
    assert printed.err == b""


def test_the_command_writes_a_file(folder, tmp_path, monkeypatch, capsys):
    path = tmp_path / "t.parquet"
    assert command(monkeypatch, folder, "--table", "trajectories", "-o", path) == 0
    assert capsys.readouterr().out == f"{RUNS * EPOCHS} rows in {path}\n"
    assert_same(pd.read_parquet(path), frame_of("trajectories"))
    assert command(monkeypatch, folder, "-o", path) == 2
    assert capsys.readouterr().err.startswith("harness: --output = ")
    assert command(monkeypatch, folder, "-o", path, "--force") == 0


def test_the_command_says_what_is_missing(folder, monkeypatch, capsys):
    (folder / "commits" / "000001.json").unlink()
    assert command(monkeypatch, folder) == 0
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1 + 2 * CHUNK
    assert printed.err.startswith(f"harness: the runs of 1 chunk of {folder} are missing")


def test_parquet_is_not_written_to_a_terminal(folder, monkeypatch):
    terminal = io.BytesIO()
    terminal.isatty = lambda: True
    with pytest.raises(HarnessError, match="cannot be written to a terminal"):
        export(folder, terminal, file_format="parquet")


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_closed_pipe_ends_it_quietly(small, tmp_path, file_format):
    folder = harness.run(small(), tmp_path / "out").folder
    start = "from harness.cli import main; main()"
    command = [sys.executable, "-c", start, "export", folder, "--format", file_format]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
