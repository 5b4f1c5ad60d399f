"""Data points: CSV files, exact standardisation."""

import itertools
import math
import os
import statistics
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from harness.errors import ExperimentError
from harness.experiment import Experiment, data


def write(folder, text):
    path = folder / "points.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(folder, text, inputs=("a",), targets=("b",)):
    path = write(folder, text)
    with pytest.raises(ExperimentError) as caught:
        data.read_csv(path, inputs, targets)
    assert caught.value.advice
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,-4.5e-3\n",
        "a,b\n1,2\n3,-4.5e-3",
        "b,a\n2,1\n-4.5e-3,3\n",
        "a,b\r\n1,2\r\n3,-4.5e-3\r\n",
        b"\xef\xbb\xbfa,b\n1,2\n3,-4.5e-3\n",
        '"a","b"\n"1","2"\n"3","-4.5e-3"\n',
        "\n a , b \n\n1, 2\n\n\n 3 ,-0.0045\n\n",
        'x,a,"note, long\nand more",b\n,1,"say ""hi""",2\nwords,3,,-4.5e-3\n',
    ],
)
def test_csv(tmp_path, text):
    found = data.read_csv(write(tmp_path, text), ["a"], ["b"])
    assert found.inputs.tolist() == [[1.0], [3.0]]
    assert found.targets.tolist() == [[2.0], [-0.0045]]
    assert found.inputs.dtype == found.targets.dtype == np.float64


def test_columns_of_a_csv_file_in_the_requested_order(tmp_path):
    path = write(tmp_path, "a,b,c\n1,2,3\n4,5,6\n")
    found = data.read_csv(path, ["c", "a"], ["b", "a"])
    assert found.inputs.tolist() == [[3.0, 1.0], [6.0, 4.0]]
    assert found.targets.tolist() == [[2.0, 1.0], [5.0, 4.0]]


def test_floats_of_a_csv_file_are_exact(tmp_path):
    numbers = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -2.2250738585072014e-308]
    text = "a,b\n" + "".join(f"{number!r},0\n" for number in numbers)
    found = data.read_csv(write(tmp_path, text), ["a"], ["b"])
    assert found.inputs.ravel().tolist() == numbers


@pytest.mark.parametrize(
    "cell", ["x", "", "nan", "inf", "1e999", "1_0", "1 0", "0x10", "--1", '"1,5"']
)
def test_a_cell_without_a_finite_number(tmp_path, cell):
    error = refusal(tmp_path, f"a,b\n1,2\n\n3,{cell}\n")
    assert error.key == "data.file"
    assert "points.csv" in error.problem
    assert 'has "' + cell.strip('"') + '" in line 4, column "b"' in error.problem


def test_cells_of_other_columns_are_ignored(tmp_path):
    found = data.read_csv(write(tmp_path, "a,b,c\n1,2,x\n"), ["a"], ["b"])
    assert found.inputs.tolist() == [[1.0]]


@pytest.mark.parametrize("line", ["1", "1,5,3", "1,2,"])
def test_a_line_with_another_number_of_cells(tmp_path, line):
    error = refusal(tmp_path, f"a,b\n{line}\n")
    assert error.key == "data.file"
    assert f"has {line.count(',') + 1} cells in line 2 and 2 in its header" in error.problem


def test_a_missing_column(tmp_path):
    error = refusal(tmp_path, "bill,b\n1,2\n", inputs=["bil"])
    assert error.key == "data.inputs"
    assert '"bil"' in error.problem
    assert '["bill", "b"]' in error.problem
    assert error.advice == 'Did you mean "bill"?'
    assert refusal(tmp_path, "a,c\n1,2\n").key == "data.targets"


def test_semicolons(tmp_path):
    error = refusal(tmp_path, "a;b\n1;2\n")
    assert '["a;b"]' in error.problem
    assert "separated by commas" in error.advice


def test_a_repeated_column(tmp_path):
    error = refusal(tmp_path, "a,a,b\n1,2,3\n")
    assert error.key == "data.inputs"
    assert "more than once" in error.problem
    found = data.read_csv(write(tmp_path, "c,c,a,b\n1,2,3,4\n"), ["a"], ["b"])
    assert found.inputs.tolist() == [[3.0]]


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("", "data.inputs", "is not in"),
        ("a,b\n", "data.file", "no data points"),
        ("a,b\n\n\n", "data.file", "no data points"),
        (b"a,b\n\xff,1\n", "data.file", "can't decode"),
        ('a,b\n1,"' + "y" * 200_000, "data.file", "field larger than"),
    ],
)
def test_invalid_csv_files(tmp_path, text, key, words):
    error = refusal(tmp_path, text)
    assert error.key == key
    assert words in error.problem


@pytest.mark.parametrize("name", ["missing.csv", "", "\0", "a" * 10_000, "missing/x.csv"])
def test_an_unreadable_file(tmp_path, name):
    with pytest.raises(ExperimentError) as caught:
        data.read_csv(tmp_path / name, ["a"], ["b"])
    assert caught.value.key == "data.file"
    assert "cannot be read" in caught.value.problem
    assert "relative" in caught.value.advice


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_pipes_and_devices_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/stdin"), tmp_path):
        with pytest.raises(ExperimentError, match=r"not a plain file|Is a directory") as caught:
            data.read_csv(path, ["a"], ["b"])
        assert caught.value.key == "data.file"


def test_a_huge_file_is_not_read(tmp_path):
    path = write(tmp_path, "a,b\n1,2\n")
    os.truncate(path, 10**12)
    with pytest.raises(ExperimentError, match=r"it has 1\.0 TB; at most 500\.0 MB are allowed"):
        data.read_csv(path, ["a"], ["b"])
    os.truncate(path, 10**8)  # the added zeros are one line
    with pytest.raises(ExperimentError, match=r"more than 1000000 characters in line 3"):
        data.read_csv(path, ["a"], ["b"])


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


def test_a_file_without_a_header_does_not_lose_its_first_line(tmp_path):
    error = refusal(tmp_path, "0.5,1\n1,2\n", inputs=["0.5"], targets=["1"])
    assert error.key == "data.inputs"
    assert 'names the column "0.5", which is a number: the first line' in error.problem
    assert "Add a first line" in error.advice
    found = data.read_csv(write(tmp_path, "a,b,2019\n1,2,3\n"), ["a"], ["b"])
    assert found.inputs.tolist() == [[1.0]]


def test_labels_must_be_numbers(tmp_path):
    assert "Write classes as numbers" in refusal(tmp_path, "a,b\n1,setosa\n").advice


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
        ({"inputs": []}, "column names"),
        ({"inputs": [1]}, "column names"),
        ({"targets": ["b", "b"]}, "last of network.layers"),
    ):
        bad = document | {"data": document["data"] | section}
        with pytest.raises(ExperimentError, match=words):
            Experiment.from_mapping(bad, folder=tmp_path)


def test_standardise_against_exact_arithmetic():
    columns = np.array([[0.1, 1e9 + 1], [0.2, 1e9 + 2], [0.4, 1e9 + 4], [-0.7, 1e9 - 9]])
    found = data.standardise(columns, "data.inputs")
    for j in range(2):
        exact = [Fraction(x) for x in columns[:, j].tolist()]
        mean = statistics.fmean(columns[:, j])
        variance = sum((x - sum(exact) / 4) ** 2 for x in exact) / 4
        assert float(np.mean(found[:, j])) == pytest.approx(0.0, abs=1e-15)
        expected = [float(x - Fraction(mean)) / math.sqrt(variance) for x in exact]
        np.testing.assert_allclose(found[:, j], expected, rtol=1e-12)
        assert statistics.pstdev(found[:, j].tolist()) == pytest.approx(1.0, rel=1e-14)


def test_standardise_does_not_depend_on_the_order_of_rows():
    # Summed in different orders, these are 4, 3, 1 or 0.
    column = np.array([[1e16], [1.0], [-1e16], [3.0]])
    expected = data.standardise(column, "data.inputs")
    for order in itertools.permutations(range(4)):
        again = data.standardise(column[list(order)], "data.inputs")
        assert again.tobytes() == expected[list(order)].tobytes()


@pytest.mark.parametrize("size", [1e308, 1.0, 1e-200, 5e-324])
def test_standardise_the_largest_and_smallest_floats(size):
    for column in ([size, -size], [size, 0.0]):
        found = data.standardise(np.array(column)[:, np.newaxis], "data.inputs")
        assert found.ravel().tolist() == [1.0, -1.0]
    many = np.array([[1e308], [1e308], [1e308], [-1e308]])
    assert np.all(np.isfinite(data.standardise(many, "data.inputs")))
    assert data.standardise(np.array([[1e-200], [2e-200]]), "data.inputs").tolist() == [[-1], [1]]


@pytest.mark.parametrize("power", [-900, -3, 1, 900])
def test_scaling_by_powers_of_two_does_not_change_standardised_bits(power):
    rng = np.random.default_rng(5)
    column = rng.normal(3.0, 2.0, size=(50, 1))
    mean = math.fsum(column.ravel()) / 50
    deviation = math.sqrt(math.fsum((column.ravel() - mean) ** 2) / 50)
    found = data.standardise(np.ldexp(column, power), "data.inputs")
    assert found.tobytes() == ((column - mean) / deviation).tobytes()


def test_a_constant_column_cannot_be_standardised():
    with pytest.raises(ExperimentError, match=r"column 2 of data.targets, which is 3.0") as caught:
        data.standardise(np.array([[1.0, 3.0], [2.0, 3.0]]), "data.targets")
    assert caught.value.key == "data.standardise"
    assert caught.value.advice


def test_standardised_columns_of_an_experiment():
    document = {
        "name": "x",
        "network": {"layers": [1, 1], "activations": ["identity"]},
        "data": {"inputs": [1, 3], "targets": [10, 30], "standardise": ["inputs"]},
        "training": {"epochs": 1, "learning_rate": 0.1},
    }
    found = Experiment.from_mapping(document).data
    assert found.inputs.tolist() == [[-1.0], [1.0]]
    assert found.targets.tolist() == [[10.0], [30.0]]
    document["data"]["standardise"] = ["inputs", "targets"]
    assert Experiment.from_mapping(document).data.targets.tolist() == [[-1.0], [1.0]]
