"""Data points of CSV files, Parquet files and Python data; tests/files/bad has what is refused."""

import decimal
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.errors import ExperimentError
from harness.experiment import Experiment, data
from harness.experiment.csv_files import csv_origin, csv_rows
from harness.experiment.parquet_files import read_parquet
from harness.experiment.selection import Reading
from harness.experiment.tables import data_points, read_csv, read_table

A_AND_B = Reading(inputs=("a",), targets=("b",))


def points_of(read, source, reading):
    """Return the data points of a table."""
    return data_points(read(source, reading), reading)


def write(folder, text):
    path = folder / "points.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder, text, inputs="a", targets="b", **keys):
    """Read a text as a CSV file; None stands for all but the targets."""
    reading = Reading(inputs=inputs and tuple(inputs.split()), targets=(targets,), **keys)
    return points_of(read_csv, write(folder, text), reading)


def refusal(folder, text, inputs=("a",), targets=("b",), **keys):
    path = write(folder, text)
    with pytest.raises(ExperimentError) as caught:
        points_of(read_csv, path, Reading(inputs=inputs, targets=targets, **keys))
    assert caught.value.advice
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,-4.5e-3\n",
        "a,b\n1,2\n3,-4.5e-3",
        "b,a\n2,1\n-4.5e-3,3\n",
        "a,b\r\n1,2\r\n3,-4.5e-3\r\n",
        "a,b\r1,2\r3,-4.5e-3\r",
        b"\xef\xbb\xbfa,b\n1,2\n3,-4.5e-3\n",
        '"a","b"\n"1","2"\n"3","-4.5e-3"\n',
        "\n a , b \n\n1, 2\n\n\n 3 ,-0.0045\n\n",
        'x,a,"note, long\nand more",b\n,1,"say ""hi""",2\nwords,3,,-4.5e-3\n',
        # Separators and decimal signs.
        "a;b\n1;2\n3;-4.5e-3\n",
        "a;b\n1,0;2,0\n3;-4,5e-3\n",
        "a\tb\n1\t2\n3\t-0,0045\n",
        "a|b\n1|2\n3|-.0045\n",
        "a b\n1 2\n3 -4.5e-3\n",
        "  a   b\n  1   2 \n  3  -4.5e-3\n",
        '"a, dry" a b\n"0, 1" 1 2\n"0" 3 -0.0045\n',
        "time (s; UTC);a;b\n1;1;2\n".replace("(s; UTC)", "in s") + "2;3;-4,5e-3\n",
        "a,b,c;d\n1,2,3\n3,-4.5e-3,5\n",
        "a;b;c, d\n1,0;2,0;0,5\n3,0;-0,0045;1\n",
        'a,b\n"1,0","2,0"\n"3,0","-0,0045"\n',
        # Columns that are not read may have anything.
        "a,b,c\n1,2,x\n3,-4.5e-3,1.5;2\n",
        "a,b,\n1,2,\n3,-4.5e-3,\n",
        "a,b,2019\n1,2,3\n3,-4.5e-3,4\n",
        "c,c,a,b\n1,2,1,2\n3,4,3,-0.0045\n",
    ],
)
def test_csv(tmp_path, text):
    found = points_of(read_csv, write(tmp_path, text), A_AND_B)
    assert found.inputs.tolist() == [[1.0], [3.0]]
    assert found.targets.tolist() == [[2.0], [-0.0045]]
    assert found.inputs.dtype == found.targets.dtype == np.float64
    assert (found.names.inputs, found.names.targets) == (("a",), ("b",))
    assert not found.names.classes


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("1,5\n3,25\n", {}),
        ("1,5;2,5\n3,0;4,0\n", {}),
        ("1.5 2.5\n3 4\n", {}),
        ("1,234;2,5\n", {}),
        ("1.5;2\n", {"separator": ";"}),
        ("1.5x2\n", {"separator": "x"}),
        ("1.5  2\n", {"separator": " "}),
        ("1,234;2,345\n", {"decimal": ","}),
        ("1,5,2\n".replace(",5", ""), {"separator": ",", "decimal": ","}),
        ("5,7\n1,2\n", {"header": True}),
        ("low,high\n1,2\n".replace("low,high", "3,4"), {"header": False}),
    ],
)
def test_cells_without_header_are_those_that_pandas_reads(tmp_path, text, keys):
    path = write(tmp_path, text)
    found = points_of(read_csv, path, Reading(inputs=("1",), targets=("2",), **keys))
    separator = keys.get("separator") or next(c for c in ";, " if c in text)
    signs = keys.get("decimal") or ("," if separator == ";" and "," in text else ".")
    table = pd.read_csv(
        path,
        sep=r"\s+" if separator == " " else separator,
        decimal=signs,
        header=0 if keys.get("header") else None,
    ).to_numpy(float)
    assert found.inputs.tolist() == table[:, :1].tolist()
    assert found.targets.tolist() == table[:, 1:].tolist()


def test_a_separator_splits_all_lines_into_equally_many_cells(tmp_path):
    rows = csv_rows(csv_origin(write(tmp_path, "k;1,2\nm,3\n")), None)
    assert list(rows) == [(1, ["k;1", "2"]), (2, ["m", "3"])]


@pytest.mark.parametrize(
    ("inputs", "positions"),
    [
        ("c a", [2, 0]),
        ("1", [0]),
        ("1-3", [0, 1, 2]),
        ("3-", [2, 3, 4]),
        ("2-2", [1]),
        ("d 1-2", [3, 0, 1]),
        ("a a", [0, 0]),
        (None, [0, 1, 2, 3]),
    ],
)
def test_columns_by_name_number_and_range(tmp_path, inputs, positions):
    text = "a,b,c,d,y\n1,2,3,4,5\n6,7,8,9,10\n"
    found = read(tmp_path, text, inputs, "y")
    assert found.inputs.tolist() == [[p + 1 for p in positions], [p + 6 for p in positions]]
    assert found.names.inputs == tuple("abcdy"[p] for p in positions)
    assert found.targets.tolist() == [[5.0], [10.0]]
    numbered = read(tmp_path, text.split("\n", 1)[1], "1-4", "5")
    assert numbered.targets.tolist() == [[5.0], [10.0]]
    assert numbered.names.targets == ("column 5",)


def test_a_name_comes_before_a_number(tmp_path):
    text = "3,1,2\n0.5,0.25,0\n"
    found = read(tmp_path, text, "1-1", "2-3", header=True)
    assert found.inputs.tolist() == [[0.5]]
    assert read(tmp_path, "2-3,x\n1,5\n", "2-3", "x").inputs.tolist() == [[1.0]]
    assert refusal(tmp_path, text, ["1"], ["3"], header=True).key == "data.targets"


def test_targets_may_be_inputs_too(tmp_path):
    path = write(tmp_path, "a,b,c\n1,2,3\n4,5,6\n")
    found = points_of(read_csv, path, Reading(inputs=("c", "a"), targets=("b", "a")))
    assert found.inputs.tolist() == [[3.0, 1.0], [6.0, 4.0]]
    assert found.targets.tolist() == [[2.0, 1.0], [5.0, 4.0]]


def test_floats_of_a_csv_file_are_exact(tmp_path):
    numbers = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -2.2250738585072014e-308]
    text = "a;b\n" + "".join(f"{number!r};0\n" for number in numbers)
    assert read(tmp_path, text).inputs.ravel().tolist() == numbers
    assert read(tmp_path, text.replace(".", ",")).inputs.ravel().tolist() == numbers


SPECIES = "size,kind\n1,setosa\n3,virginica\n2, setosa \n4,other one\n"


def test_words_of_targets_are_one_output_per_class(tmp_path):
    found = read(tmp_path, SPECIES, "size", "kind", outputs=3)
    classes = ("other one", "setosa", "virginica")
    assert found.targets.tolist() == [[0, 1, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert found.names.classes == found.names.targets == classes
    assert found.target_words == {0, 1, 2}
    assert found.inputs.tolist() == [[1.0], [3.0], [2.0], [4.0]]


def test_two_classes_are_one_output_or_two(tmp_path):
    text = "a,b\n1,yes\n2,no\n3,yes\n"
    single = read(tmp_path, text)
    assert single.targets.tolist() == [[1.0], [0.0], [1.0]]
    assert (single.names.targets, single.names.classes) == (("yes",), ("no", "yes"))
    both = read(tmp_path, text, outputs=2)
    assert both.targets.tolist() == [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    assert both.names.targets == both.names.classes == ("no", "yes")


def test_whole_numbers_are_classes_if_there_are_several_outputs(tmp_path):
    text = "a,b\n1,10\n2,9\n3,10\n"
    found = read(tmp_path, text, outputs=2)
    assert found.targets.tolist() == [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    assert found.names.classes == ("9", "10")
    assert read(tmp_path, text).targets.tolist() == [[10.0], [9.0], [10.0]]
    assert read(tmp_path, text + "4,1.5\n", outputs=2).targets.shape == (4, 1)


def test_words_of_inputs_are_one_column_each(tmp_path):
    text = "island,size,b\nDream,5,1\nBiscoe,6,0\nDream,7,0\n"
    found = read(tmp_path, text, None)
    assert found.inputs.tolist() == [[0, 1, 5], [1, 0, 6], [0, 1, 7]]
    assert found.names.inputs == ("island = Biscoe", "island = Dream", "size")
    assert found.input_words == {0, 1}
    frame = pd.read_csv(tmp_path / "points.csv")
    dummies = pd.get_dummies(frame[["island"]], dtype=float)
    assert found.inputs[:, :2].tolist() == dummies.to_numpy().tolist()


def test_words_are_not_scaled(tmp_path):
    write(tmp_path, "island,size,b\nDream,5,1\nBiscoe,6,0\nDream,7,0\n")
    document = {
        "name": "x",
        "network": {"layers": [3, 1], "activations": ["identity"]},
        "data": {
            "file": "points.csv",
            "inputs": "all but targets",
            "targets": ["b"],
            "scale": {"inputs": 4},
        },
        "training": {"epochs": 1, "learning_rate": 0.1},
    }
    found = Experiment.from_mapping(document, folder=tmp_path).data
    assert found.inputs.tolist() == [[0, 1, 1.25], [1, 0, 1.5], [0, 1, 1.75]]


@pytest.mark.parametrize("missing", ["", "  ", "NA", "nan", "NaN", "?", "null", "NULL"])
def test_data_points_with_missing_cells_are_dropped(tmp_path, missing):
    text = f"a,b,c\n1,2,\n{missing},3,x\n4,{missing},y\n5,6,\n"
    found = read(tmp_path, text, missing="drop")
    assert found.inputs.tolist() == [[1.0], [5.0]]
    assert found.targets.tolist() == [[2.0], [6.0]]


def test_dropped_data_points_are_counted_and_named(tmp_path):
    text = "a,b\n1,2\n,3\n\n4,?\n5,6\n"
    found = read(tmp_path, text, missing="drop")
    assert (found.dropped, found.dropped_at) == (2, "lines 3, 5")
    found = read(tmp_path, text + ",\n" * 7, missing="drop")
    assert (found.dropped, found.dropped_at) == (9, "lines 3, 5, 7, 8, 9 and 4 more")
    found = read(tmp_path, "a,b\n,2\n3,4\n", missing="drop")
    assert (found.dropped, found.dropped_at) == (1, "line 2")
    found = read(tmp_path, "a,b\n1,2\n", missing="drop")
    assert (found.dropped, found.dropped_at) == (0, "")
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": [2.0, 3.0]})
    found = points_of(read_table, frame, Reading(inputs=("a",), targets=("b",), missing="drop"))
    assert (found.dropped, found.dropped_at) == (1, "row 2")


def test_dropped_data_points_of_two_files(tmp_path):
    reading = Reading(inputs=("a",), targets=("b",), missing="drop")
    tables = []
    for name, text in (("1.csv", "a,b\n,1\n2,3\n"), ("2.csv", "a,b\n1,1\n2,\n,3\n")):
        (tmp_path / name).write_text(text)
        tables.append(read_csv(tmp_path / name, reading))
    found = data_points(tables[0], reading, tables[1])
    assert (found.dropped, found.held_out) == (3, 1)
    first, second = (f'"{tmp_path / name}"' for name in ("1.csv", "2.csv"))
    if len(first) <= 60:  # else it is shortened
        assert found.dropped_at == f"line 2 of {first} and lines 3, 4 of {second}"


def test_words_with_hardly_two_data_points_each_are_ids(tmp_path):
    def table(words, points):
        rows = (f"name {row % words},{row},{row}\n" for row in range(points))
        return "id,a,b\n" + "".join(rows)

    for words, points in ((11, 11), (11, 21), (120, 150)):
        error = refusal(tmp_path, table(words, points), inputs=None)
        assert error.key == "data.inputs"
        assert f"{words} different words in {points} data points" in error.problem
        assert 'inputs = ["2"]' in error.advice
    for words, points in ((10, 10), (11, 22), (75, 150)):
        found = read(tmp_path, table(words, points), None)
        assert found.inputs.shape == (points, words + 1)
    # Who names the column means it.
    assert read(tmp_path, table(120, 150), "id").inputs.shape == (150, 120)


def test_a_class_without_data_points_left_is_not_a_class(tmp_path):
    text = "a,b\n1,x\n,y\n2,z\n3,?\n"
    found = read(tmp_path, text, missing="drop")
    assert found.names.classes == ("x", "z")
    assert found.targets.tolist() == [[0.0], [1.0]]


def test_missing_inputs_are_replaced_by_the_mean(tmp_path):
    write(tmp_path, "a,b\n1,1\n,0\n4,1\n")
    document = {
        "name": "x",
        "network": {"layers": [1, 1], "activations": ["identity"]},
        "data": {"file": "points.csv", "inputs": ["a"], "targets": ["b"], "missing": "mean"},
        "training": {"epochs": 1, "learning_rate": 0.1},
    }
    found = Experiment.from_mapping(document, folder=tmp_path).data
    assert found.inputs.ravel().tolist() == [1.0, 2.5, 4.0]


@pytest.mark.parametrize("cell", ["x", "inf", "1e999", "1_0", "1 0", "0x10", "--1", '"1,2,3"'])
def test_a_cell_without_a_finite_number(tmp_path, cell):
    error = refusal(tmp_path, f"a,b\n1,2\n\n3,{cell}\n")
    assert error.key == "data.file"
    assert 'has "' + cell.strip('"') + '" in line 4, column "b"' in error.problem


@pytest.mark.parametrize("name", ["missing.csv", "", "\0", "a" * 10_000, "missing/x.csv"])
@pytest.mark.parametrize("reader", [read_csv, read_parquet])
def test_an_unreadable_file(tmp_path, name, reader):
    with pytest.raises(ExperimentError) as caught:
        reader(tmp_path / name, A_AND_B)
    assert caught.value.key == "data.file"
    assert "cannot be read" in caught.value.problem
    assert "relative" in caught.value.advice


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
@pytest.mark.parametrize("reader", [read_csv, read_parquet])
def test_pipes_and_devices_are_not_read(tmp_path, reader):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/stdin"), tmp_path):
        with pytest.raises(ExperimentError, match=r"not a plain file|Is a directory") as caught:
            reader(path, A_AND_B)
        assert caught.value.key == "data.file"


def test_a_huge_file_is_not_read(tmp_path):
    path = write(tmp_path, "a,b\n1,2\n")
    os.truncate(path, 10**12)
    for reader in (read_csv, read_parquet):
        with pytest.raises(ExperimentError, match=r"it has 1\.0 TB; at most 500\.0 MB are allowed"):
            reader(path, A_AND_B)
    os.truncate(path, 10**8)  # the added zeros are one line
    with pytest.raises(ExperimentError, match=r"more than 1000000 characters in line 3"):
        points_of(read_csv, path, A_AND_B)


def test_a_huge_cell_is_not_read(tmp_path):
    error = refusal(tmp_path, 'a,b\n1,"' + "y" * 200_000)
    assert "cannot be read at line 2: field larger than" in error.problem


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a,b,c\n1,2,"x\n3,4,y\n', 2),
        ('a,b,c\n1,2,"x\n3,4,"y\n5,6,z\n', 2),
        ('a,b,c\n1,2,x\n3,4,"y\n', 3),
        ('a,b,c\n1,2,x\n3,4,"y', 3),
        ('a,b,c\n1,2,"x\n3,4,"\n5,6,y\n', 2),  # valid quotes, but a missing one is more likely
        ('a,b,"c\n1,2,x\n3,4,y\n', 1),
    ],
)
def test_an_unclosed_quote_does_not_swallow_data_points(tmp_path, text, line):
    error = refusal(tmp_path, text)
    assert error.key == "data.file"
    assert f"cannot be read at line {line}: " in error.problem
    assert "Close each quote" in error.advice


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_an_unclosed_quote_in_the_first_data_point(tmp_path, end):
    text = end.join(['1,2,"x', "3,4,y", '5,6,"', "7,8,z", ""])
    error = refusal(tmp_path, text, ["1"], ["2"])
    assert "cannot be read at line 1: a cell continues on the next line." in error.problem


def test_a_suggestion_for_a_misspelt_column(tmp_path):
    error = refusal(tmp_path, "bill,b\n1,2\n", inputs=["bil"])
    assert error.key == "data.inputs"
    assert error.advice == 'Did you mean "bill"?'


def test_a_range_of_names_is_one_of_numbers(tmp_path):
    text = "b,a-x,c,y\n1,2,3,4\n"
    error = refusal(tmp_path, text, inputs=["a-x-c"], targets=["y"])
    assert error.advice == 'Ranges have numbers of columns: write "2-3".'
    assert "Ranges" not in refusal(tmp_path, text, inputs=["a-z"], targets=["y"]).advice


def test_a_wrong_number_of_inputs_says_how_many_are_for_words(tmp_path):
    write(tmp_path, "island,size,b\nDream,5,1\nBiscoe,6,0\nTorgersen,7,0\n")
    document = {
        "name": "x",
        "network": {"layers": [2, 1], "activations": ["identity"]},
        "data": {"file": "points.csv", "inputs": [1, 2], "targets": ["b"]},
        "training": {"epochs": 1, "learning_rate": 0.1},
    }
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_mapping(document, folder=tmp_path)
    assert "has 4 numbers per data point, 3 of them for words; this must be" in str(caught.value)


def test_a_csv_file_is_relative_to_the_experiment_file(tmp_path):
    write(tmp_path, "a,b\n1,2\n")
    document = {
        "name": "x",
        "network": {"layers": [1, 1], "activations": ["identity"]},
        "data": {"file": "points.csv", "inputs": ["a"], "targets": ["b"]},
        "training": {"epochs": 1, "learning_rate": 0.1},
    }
    experiment = Experiment.from_mapping(document, folder=tmp_path)
    assert experiment.data.targets.tolist() == [[2.0]]
    for section, words in (
        ({"inputs": []}, r"= \[\] must be a list of columns"),
        ({"inputs": [1.5]}, r"= \[1\.5\] must be a list of columns"),
        ({"inputs": [-1]}, r"= \[-1\.0\] must be a list of columns"),
        ({"inputs": [1, True]}, r"data.inputs\[1\] = true is not allowed"),
        ({"inputs": "a"}, r'data.inputs = "a" is not allowed'),
        ({"targets": "all but targets"}, r"data.targets = .* is not allowed"),
        ({"targets": ["b", "b"]}, r"last of network\.layers"),
        ({"separator": ";;"}, r'data\.separator = ";;" is not allowed'),
        ({"separator": '"'}, r'data\.separator = ".*" is not allowed'),
        ({"decimal": ";"}, r"data\.decimal"),
        ({"header": 1}, r"data\.header"),
        ({"missing": "median"}, r'data\.missing = "median" is not allowed'),
    ):
        bad = document | {"data": document["data"] | section}
        with pytest.raises(ExperimentError, match=words):
            Experiment.from_mapping(bad, folder=tmp_path)
    numbered = document | {"data": {"file": "points.csv", "inputs": [1], "targets": [2]}}
    again = Experiment.from_mapping(numbered, folder=tmp_path)
    assert again.document()["data"]["inputs"] == ["1"]
    assert again.identity == experiment.identity
    assert Experiment.from_mapping(again.document(), folder=tmp_path) == again


@pytest.mark.parametrize("key", ["header", "separator", "decimal", "missing"])
def test_keys_of_files_are_refused_for_other_data(key):
    value = {"header": True, "separator": ";", "decimal": ",", "missing": "drop"}[key]
    document = {
        "name": "x",
        "network": {"layers": [1, 1], "activations": ["identity"]},
        "data": {"generator": "dosage", key: value},
        "training": {"epochs": 1, "learning_rate": 0.1},
    }
    with pytest.raises(ExperimentError, match=rf"data\.{key} = .* is only for ") as caught:
        Experiment.from_mapping(document)
    assert caught.value.advice == "Remove it."


# -- Python data and Parquet -----------------------------------------------------------------------

FRAME = pd.DataFrame(
    {
        "a": [1.5, 2.5, np.nan],
        "count": np.array([1, 2, 3], dtype=np.int8),
        "flag": [True, False, True],
        "text": ["0.5", "1e3", "-2"],
        "object": [1, 2.5, decimal.Decimal("0.1")],
        "island": pd.Categorical(["Dream", "Biscoe", "Dream"], categories=["Dream", "Biscoe", "x"]),
        "whole": pd.array([7, None, 9], dtype="Int64"),
        "b": ["no", "yes", None],
    },
    index=[5, 5, 6],
)


def from_python(table, folder, reading):
    return points_of(read_table, table, reading)


def through_parquet(table, folder, reading):
    path = folder / "points.parquet"
    table.to_parquet(path)
    return points_of(read_parquet, path, reading)


def through_csv(table, folder, reading):
    path = folder / "points.csv"
    table.to_csv(path, index=False)
    return points_of(read_csv, path, reading)


@pytest.mark.parametrize("way", [from_python, through_parquet, through_csv])
@pytest.mark.parametrize(
    ("inputs", "missing", "expected"),
    [
        (["count", "flag"], "error", [[1, 1], [2, 0], [3, 1]]),
        (["text"], "error", [[0.5], [1000.0], [-2.0]]),
        (["island"], "error", [[0, 1], [1, 0], [0, 1]]),
        (["a", "whole"], "mean", [[1.5, 7], [2.5, np.nan], [np.nan, 9]]),
        (["a", "count"], "drop", [[1.5, 1], [2.5, 2]]),
        (["whole"], "drop", [[7], [9]]),
    ],
)
def test_tables_of_python_and_files_are_read_alike(tmp_path, way, inputs, missing, expected):
    table = FRAME if way is not through_csv else FRAME.astype({"flag": int})
    reading = Reading(inputs=tuple(inputs), targets=("count",), missing=missing)
    found = way(table.drop(columns="object"), tmp_path, reading)
    np.testing.assert_array_equal(found.inputs, expected)


def test_objects_of_python():
    reading = Reading(inputs=("object",), targets=("b",), missing="drop")
    found = points_of(read_table, FRAME, reading)
    assert found.inputs.tolist() == [[1.0], [2.5]]
    assert found.names.classes == ("no", "yes")


@pytest.mark.parametrize(
    "table",
    [
        [[1, 2, 0], [3, 4.5, 1]],
        np.array([[1, 2, 0], [3, 4.5, 1]]),
        np.array([[1, 2, 0], [3, 4.5, 1]], dtype=np.float32),
        [("1", "2", "0"), ("3", "4.5", "1")],
        pd.DataFrame([[1, 2, 0], [3, 4.5, 1]]),
        {0: [1, 3], 1: [2, 4.5], 2: [0, 1]},
    ],
)
def test_tables_without_names_have_numbers(table):
    for inputs in (("1-2",), None):
        found = points_of(read_table, table, Reading(inputs=inputs, targets=("3",)))
        assert found.inputs.tolist() == [[1.0, 2.0], [3.0, 4.5]]
        assert found.targets.tolist() == [[0.0], [1.0]]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (3, "data is not a table: "),
        ("points.csv", "data is not a table: "),
        (np.zeros((2, 2, 2)), "data is not a table: "),
        ([], 'names the column "b", which is not in the data'),
        ({"a": [], "b": []}, "data has no data points"),
        ({"a": [1], "c": [2]}, r'"b", which is not in the data; its columns are \["a", "c"\]'),
        ({"a": [1, np.inf], "b": [1, 2]}, 'data has "inf" in row 2, column "a"; it must be a fin'),
        ({"a": [1, np.nan], "b": [1, 2]}, 'data has "nan" in row 2, column "a"; the cell is miss'),
        ({"a": [1, None], "b": [1, 2]}, 'data has "nan" in row 2, column "a"; the cell is miss'),
        ({"a": ["x", None], "b": [1, 2]}, 'data has "" in row 2, column "a"; the cell is miss'),
        ({"a": [1, "x"], "b": [1, 2]}, 'data has "x" in row 2, column "a"; it must be a finite'),
        (
            {"a": [1, 2], "b": [[1], 2]},
            r'has "\[1\]" in row 1, column "b", of the type list; numbers and',
        ),
        ({"a": [1, 1j], "b": [1, 2]}, "type complex; numbers and texts are allowed"),
        ({"a": [10**400, 1], "b": [1, 2]}, 'has "inf" in row 1, column "a"; it must be a finite'),
        ({"a": pd.to_datetime(["2020-01-01"]), "b": [1]}, "type Timestamp; numbers and texts are"),
    ],
)
def test_tables_of_python_that_are_refused(table, words):
    with pytest.raises(ExperimentError, match=words) as caught:
        points_of(read_table, table, A_AND_B)
    assert caught.value.advice
    assert "header = true" not in caught.value.advice


def experiment(table, **section):
    return Experiment.from_mapping(
        {
            "name": "x",
            "network": {"layers": [2, 1], "activations": ["sigmoid"]},
            "data": section,
            "training": {"epochs": 1, "learning_rate": 0.1},
            "grid": {"learning_rate": [0.1, 0.2]},
        },
        data=table,
    )


def test_an_experiment_takes_a_table():
    table = {"x": [1, 2, None, 4], "y": [0, 1, 0, 5], "kind": ["no", "yes", "yes", "no"]}
    found = experiment(
        table,
        inputs="all but targets",
        targets=["kind"],
        missing="drop",
        scale={"inputs": "min_max"},
    )
    assert found.data.inputs.tolist() == pytest.approx(np.array([[0, 0], [1 / 3, 0.2], [1, 1]]))
    assert found.data.targets.ravel().tolist() == [0.0, 1.0, 0.0]
    assert found.single(1).data is found.data
    numbered = experiment(
        pd.DataFrame(table).to_numpy(), inputs=[1, 2], targets=[3], missing="drop"
    )
    assert numbered.data.inputs.tolist() == [[1, 0], [2, 1], [4, 5]]
    inline = experiment(None, inputs=[[1, 0], [2, 1], [4, 5]], targets=[0, 1, 0])
    assert numbered.identity == inline.identity


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"file": "x.csv"}, "data must have one form; it has file and a table of Python"),
        ({"generator": "xor"}, "data must have one form; it has generator and a table of Python"),
        ({}, r"data\.inputs = \[\] must be a list of columns"),
        ({"inputs": ["a"], "targets": ["b"], "decimal": ","}, "is only for a CSV file"),
    ],
)
def test_a_table_is_the_only_form(section, words):
    with pytest.raises(ExperimentError, match=words):
        experiment({"a": [1], "b": [2]}, **section)


def test_parquet_does_not_read_the_labels_of_rows(tmp_path):
    table = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, index=[7, 9])
    found = through_parquet(table, tmp_path, Reading(inputs=None, targets=("b",)))
    assert found.inputs.tolist() == [[1.0], [2.0]]


def test_parquet_names_the_cell(tmp_path):
    table = pd.DataFrame({"a": [1.0, None], "b": [3.0, 4.0]})
    with pytest.raises(ExperimentError, match=r'parquet" has "nan" in row 2, column "a"; the'):
        through_parquet(table, tmp_path, A_AND_B)
    table = pd.DataFrame({"a": [[1.0], [2.0]], "b": [3.0, 4.0]})
    with pytest.raises(ExperimentError, match="type ndarray; numbers and texts are allowed"):
        through_parquet(table, tmp_path, A_AND_B)


def test_tables_with_too_many_numbers_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "MOST_NUMBERS", 30)
    path = tmp_path / "points.parquet"
    pd.DataFrame({"a": range(16), "b": range(16)}).to_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(40) + whole[44:])  # refused before a column is read
    with pytest.raises(ExperimentError, match="has 32 numbers in 16 data points; at most 30"):
        points_of(read_parquet, path, A_AND_B)
    text = "a,b\n" + "".join(f"x{i},{i}\n" for i in range(10))
    with pytest.raises(ExperimentError, match="has 110 numbers in 10 data points"):
        points_of(read_csv, write(tmp_path, text), A_AND_B)
    reading = Reading(inputs=("a",) * 19, targets=("b",))
    with pytest.raises(ExperimentError, match="has 40 numbers in 2 data points"):
        points_of(read_table, {"a": [1, 2], "b": [3, 4]}, reading)
