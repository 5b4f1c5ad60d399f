"""Predictions in the units of the data, against pandas and scikit-learn with the same weights."""

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import harness
from harness.cli.app import main
from harness.experiment import Experiment

RNG = np.random.default_rng(3)
POINTS = 30
TABLE = pd.DataFrame(
    {
        "kind": RNG.permutation(np.resize(["small", "large", "middle, or so"], POINTS)),
        "age": RNG.normal(50.0, 12.0, POINTS).round(1),
        "unused": "x",
        "colour": RNG.permutation(np.resize(["red", "blue"], POINTS)),
        "price": RNG.normal(2e4, 3e3, POINTS).round(2),
        "smoker": RNG.permutation(np.resize(["yes", "no"], POINTS)),
        "size": RNG.uniform(-3.0, 1.0, POINTS),
    }
)
INPUTS = ["age", "colour", "size"]
NEW = pd.DataFrame(
    {"size": [0.5, -9.0], "colour": ["red", "red"], "more": [1, 2], "age": [20.0, 77.5]}
)


def encoded(table):
    """Return the inputs as the experiment has them: age, colour = blue, colour = red, size."""
    colours = [table["colour"] == colour for colour in ("blue", "red")]
    return np.column_stack([table["age"], *colours, table["size"]]).astype(float)


def trained(tmp_path, target, outputs, *, network=None, table=TABLE, **data):
    """Return the results of a sweep over three initialisations, opened again."""
    section = {"inputs": INPUTS, "targets": [target], **data}
    document = {
        "name": "predicted",
        "network": {"layers": [4, 5, outputs], "activations": ["tanh", "identity"]}
        | (network or {}),
        "data": section,
        "training": {"epochs": 30, "learning_rate": 0.01},
        "initialisation": {"biases": "same"},
        "grid": {"init_id": 3},
    }
    harness.run(Experiment.from_mapping(document, data=table), tmp_path / "out", lanes=1)
    return harness.open_results(tmp_path / "out")


def in_sklearn(kind, network, inputs, targets):
    """Return a model of scikit-learn with the weights of a network."""
    model = kind(hidden_layer_sizes=(5,), activation="tanh", max_iter=1)
    with pytest.warns(match="Maximum iterations"):
        model.fit(inputs, targets)
    model.coefs_, model.intercepts_ = network.coefs, network.intercepts
    return model


SCALERS = {"standardise": StandardScaler, "min_max": MinMaxScaler}


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize(("how", "scaler"), SCALERS.items())
def test_a_regression_with_scaled_inputs_and_targets(tmp_path, how, scaler, held_out):
    split = {"validation": 0.3} if held_out else {}
    results = trained(tmp_path, "price", 1, scale={"inputs": how, "targets": how}, **split)
    mine = results.predict(2)
    training = mine["data"] == "training" if held_out else np.ones(POINTS, dtype=bool)
    assert training.sum() == (21 if held_out else POINTS)
    assert list(mine) == ["run_id", *(["data"] if held_out else []), *INPUTS, "price"]
    for name in INPUTS:  # as they were given, to the last bit
        assert mine[name].tolist() == TABLE[name].tolist()

    numbers = [0, 3]
    of_inputs = scaler().fit(encoded(TABLE)[np.ix_(training, numbers)])
    of_target = scaler().fit(TABLE.loc[training, ["price"]].to_numpy())

    def scaled(table):
        x = encoded(table)
        x[:, numbers] = of_inputs.transform(x[:, numbers])
        return x

    model = in_sklearn(MLPRegressor, results.network(2), scaled(TABLE), TABLE["price"])
    for table, found in ((TABLE, mine), (NEW, results.predict(2, NEW))):
        expected = of_target.inverse_transform(model.predict(scaled(table))[:, np.newaxis])
        np.testing.assert_allclose(found["price"], expected[:, 0], rtol=1e-9)


def test_three_classes_have_their_names(tmp_path):
    softmax = {"activations": ["tanh", "softmax"], "loss": "cross_entropy"}
    results = trained(tmp_path, "kind", 3, network=softmax, standardise=["inputs"])
    names = ["large", "middle, or so", "small"]
    found = results.predict([0, 2], NEW)
    assert list(found) == ["run_id", *INPUTS, *names, "predicted"]
    assert found["run_id"].tolist() == [0, 0, 2, 2]
    x, new = encoded(TABLE), encoded(NEW)
    scaler = StandardScaler().fit(x[:, [0, 3]])
    for inputs in (x, new):
        inputs[:, [0, 3]] = scaler.transform(inputs[:, [0, 3]])
    model = in_sklearn(MLPClassifier, results.network(2), x, TABLE["kind"])
    np.testing.assert_allclose(found[names][2:], model.predict_proba(new), rtol=1e-10)
    assert found["predicted"].tolist()[2:] == model.predict(new).tolist()


def test_two_classes_of_one_output(tmp_path):
    sigmoid = {"activations": ["tanh", "sigmoid"], "loss": "cross_entropy"}
    results = trained(tmp_path, "smoker", 1, network=sigmoid, scale={"inputs": 10.0})
    found = results.predict(0)
    assert list(found) == ["run_id", *INPUTS, "yes", "predicted"]
    x = encoded(TABLE)
    x[:, [0, 3]] /= 10.0
    model = in_sklearn(MLPClassifier, results.network(0), x, TABLE["smoker"])
    np.testing.assert_allclose(found["yes"], model.predict_proba(x)[:, 1], rtol=1e-10)
    assert found["predicted"].tolist() == model.predict(x).tolist()


def test_numbers_that_are_classes_keep_them(tmp_path):
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "sick": [3, 7, 3, 7]})
    scaled = {"scale": {"targets": "standardise"}, "inputs": ["a"]}
    results = trained(tmp_path, "sick", 1, table=table, network={"layers": [1, 5, 1]}, **scaled)
    found = results.predict(0)
    assert list(found) == ["run_id", "a", "sick", "predicted"]
    assert found["predicted"].tolist() == ["7" if p >= 5.0 else "3" for p in found["sick"]]


def test_every_kind_of_inputs(tmp_path):
    results = trained(tmp_path, "price", 1, standardise=["inputs", "targets"])
    expected = results.predict(1, NEW)
    rows = [[20.0, "red", 0.5], [77.5, "red", -9.0]]
    csv, parquet = tmp_path / "new.csv", tmp_path / "new.parquet"
    NEW.to_csv(csv, index=False)
    NEW.to_parquet(parquet)
    for given in (rows, np.array(rows, dtype=object), pd.DataFrame(rows), csv, str(csv), parquet):
        assert results.predict(1, given).equals(expected)
    assert results.predict([0, 1], NEW)[2:].reset_index(drop=True).equals(expected)


def test_without_names_columns_are_numbered(tmp_path, small):
    data = {"inputs": [[1, 10], [2, 30], [3, 20]], "targets": [1, 2, 4], "scale": {"inputs": 2}}
    network = {"layers": [2, 2, 1], "activations": ["tanh", "identity"]}
    results = harness.run(small(network=network, data=data), tmp_path / "out", lanes=1)
    found = results.predict(0, [[1, 10], [5, 6]])
    assert list(found) == ["run_id", "input_1", "input_2", "prediction_1"]
    expected = results.network(0).predict([[0.5, 5.0], [2.5, 3.0]])[:, 0]
    assert found["prediction_1"].tolist() == expected.tolist()
    # A table may have any names then, if it has as many columns.
    named = pd.DataFrame({"b": [1, 5], "a": [10, 6]})
    assert results.predict(0, named).equals(found)


def test_names_that_occur_twice_get_a_prefix(tmp_path):
    table = TABLE.rename(columns={"age": "run_id", "size": "small"})
    softmax = {"activations": ["tanh", "softmax"], "loss": "cross_entropy"}
    inputs = ["run_id", "colour", "small"]
    results = trained(tmp_path, "kind", 3, network=softmax, table=table, inputs=inputs)
    assert list(results.predict(0)) == [
        *("run_id", "input_run_id", "colour", "small"),
        *("large", "middle, or so", "prediction_small", "predicted"),
    ]


def test_missing_inputs_are_replaced_by_the_mean_of_training(tmp_path):
    table = TABLE.assign(age=TABLE["age"].where(TABLE.index != 4))
    results = trained(tmp_path, "price", 1, table=table, missing="mean", standardise=["inputs"])
    # pandas leaves NaN out of the mean.
    given = NEW.assign(age=[np.nan, 3.0])
    complete = NEW.assign(age=[table["age"].mean(), 3.0])
    found, expected = results.predict(0, given), results.predict(0, complete)
    np.testing.assert_allclose(found["price"], expected["price"], rtol=1e-12)
    assert np.isnan(found["age"][0])
    assert results.predict(0)["age"].isna().tolist() == (TABLE.index == 4).tolist()


def test_each_run_has_the_scale_of_its_own_split(tmp_path):
    document = {
        "name": "folds",
        "network": {"layers": [1, 1], "activations": ["identity"]},
        "data": {"inputs": ["age"], "targets": ["price"], "standardise": ["inputs"], "folds": 3},
        "training": {"epochs": 2, "learning_rate": 0.01},
        "grid": {"fold": [0, 1, 2]},
    }
    experiment = Experiment.from_mapping(document, data=TABLE)
    results = harness.run(experiment, tmp_path / "out", lanes=1)
    for run_id in range(3):
        held_out = results.predict(run_id)["data"] == "held out"
        assert held_out.sum() == 10
        age = TABLE.loc[~held_out, "age"]
        scaled = (50.0 - age.mean()) / age.std(ddof=0)
        expected = results.network(run_id).predict([[scaled]])[0, 0]
        assert results.predict(run_id, [50.0])["price"][0] == pytest.approx(expected, rel=1e-12)


FAULTS = {
    "unknown category": (NEW.replace("red", "pink"), 'has "pink" in column "colour"'),
    "missing column": (NEW.drop(columns="age"), 'must have one column "age", like '),
    "word": (NEW.assign(age=["20", "old"]), 'has "old" in '),
    "words for numbers": (NEW.assign(age=["young", "old"]), 'has words in column "age"'),
    "numbers for words": (NEW.assign(colour=[1, 2]), 'has numbers in column "colour"'),
    "missing cell": (NEW.assign(age=[np.nan, 1.0]), "the cell is missing"),
    "missing word": (NEW.assign(colour=["red", None]), "the cell is missing"),
    "infinite": (NEW.assign(age=[np.inf, 1.0]), "must be a finite number"),
    "no rows": (NEW[:0], "no data points"),
}


@pytest.mark.parametrize("kind", ["frame", "csv", "parquet"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_in_new_inputs_is_said_as_for_data(tmp_path, fault, kind, reused):
    given, words = FAULTS[fault]
    if kind == "csv":
        given.to_csv(tmp_path / "new.csv", index=False)
        given = tmp_path / "new.csv"
    elif kind == "parquet":
        given.to_parquet(tmp_path / "new.parquet")
        given = tmp_path / "new.parquet"
    with pytest.raises(harness.HarnessError) as caught:
        reused.predict(0, given)
    assert words in str(caught.value)
    assert "[data]" not in str(caught.value)  # the experiment is trained
    assert caught.value.advice


AMBIGUOUS = {
    "separator": ("a,b;c\nd,e;f\n", "may be separated by", "in quotes"),
    "header": (
        "alter,farbe,4\n1,red,3\n",
        "may be a header or a data point",
        "names that are not numbers",
    ),
    "decimal": (
        'age;colour;size\n"1,234";red;2\n',
        "the decimal sign is unclear",
        "with a decimal point",
    ),
    "late decimal": (
        "age;colour;size\n" + "1.5;red;2\n" * 30 + "1,5;red;2\n",
        "must be a finite number",
        'write "." instead',
    ),
    "no header": ("1.5,red,2\n", "it has no header", "names of its columns in the first line"),
    "twice": ("age,age,colour,size\n1,2,red,3\n", "it has 2", "all but one"),
    "misspelt": ("agee,colour,size\n1,red,3\n", "its columns are", 'Did you mean "agee"'),
}


@pytest.mark.parametrize("fault", AMBIGUOUS)
def test_advice_about_new_files_is_for_the_file(tmp_path, fault, reused):
    text, problem, advice = AMBIGUOUS[fault]
    new = tmp_path / "new.csv"
    new.write_text(text)
    with pytest.raises(harness.HarnessError) as caught:
        reused.predict(0, new)
    message = str(caught.value)
    assert message.startswith(f'inputs = "{new}" ') or len(str(new)) > 60
    assert problem in message
    assert advice in message
    assert "data." not in message
    assert "[data]" not in message


def test_names_that_are_numbers_are_names(tmp_path):
    table = pd.DataFrame({"2": [1.0, 2.0, 3.0], "x": [4.0, 5.0, 7.0]})
    network = {"layers": [1, 2, 1]}
    results = trained(tmp_path, "x", 1, network=network, table=table, inputs=["1-1"])
    swapped = pd.DataFrame({"y": [9.0, 8.0], "2": [1.0, 2.0]})
    found = results.predict(0, swapped)
    assert found["x"].tolist() == results.predict(0)["x"].tolist()[:2]
    with pytest.raises(harness.HarnessError, match='must have one column "2"'):
        results.predict(0, swapped.rename(columns={"2": "z"}))


@pytest.fixture(scope="module")
def reused(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("reused"), "price", 1, standardise=["inputs"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([[1.0, "red"]], r"inputs has 2 columns; the experiment has 3 inputs\."),
        (["red"], r'inputs has 1 column; .*\n.* in their order: \["age", "colour", "size"\]'),
        (5, "inputs is not a table"),
        ("nowhere.csv", 'inputs = "nowhere.csv" cannot be read'),
    ],
)
def test_inputs_that_are_refused(reused, given, words):
    with pytest.raises(harness.HarnessError, match=words):
        reused.predict(0, given)


# -- the command -----------------------------------------------------------------------------------


def call(monkeypatch, capsys, *arguments):
    """Return the exit status of a command, its output and its errors."""
    monkeypatch.setattr(sys, "argv", ["harness", "predict", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", "80")
    status = 0
    try:
        main()
    except SystemExit as ended:
        status = ended.code
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_a_csv_file_has_the_whole_table(reused, tmp_path, monkeypatch, capsys):
    out, new = tmp_path / "out.csv", tmp_path / "new.csv"
    NEW.to_csv(new, index=False)
    status, said, _ = call(monkeypatch, capsys, reused.folder, new, "--run", "2,0", "-o", out)
    assert (status, said) == (0, f"4 rows in {out}\n")
    pd.testing.assert_frame_equal(pd.read_csv(out), reused.predict([0, 2], NEW), rtol=0, atol=0)
    status, _, error = call(monkeypatch, capsys, reused.folder, "-o", out)
    assert (status, "exists" in error) == (2, True)
    status, said, _ = call(monkeypatch, capsys, reused.folder, "-o", out, "--force")
    assert (status, said) == (0, f"30 rows in {out}\n")
    assert pd.read_csv(out)["run_id"].unique().tolist() == [reused.best_run]


def test_the_table_on_a_terminal(reused, monkeypatch, capsys):
    status, said, _ = call(monkeypatch, capsys, reused.folder)
    lines = said.splitlines()
    assert status == 0
    assert lines[0] == f"predictions of run {reused.best_run}, the best, after 30 epochs"
    assert lines[2].split() == ["point", *INPUTS, "price"]
    price = reused.predict(reused.best_run)["price"]
    assert lines[3].split()[-1] == f"{price[0]:.4g}"
    assert lines[-1] == "20 of 30 rows; -o FILE.csv writes all of them"
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--run", "first"], '--run has "first"'),
        (["--run", "3"], '--run has "3", but'),
        (["--epoch", "last"], '--epoch = "last" must be best or a whole number'),
        (["--epoch", "31"], "epoch = 31 must be"),
        (["-o", "table.txt"], "must end in .csv"),
        (["--force"], "--force replaces the file of --output"),
    ],
)
def test_arguments_that_are_refused(reused, monkeypatch, capsys, arguments, words):
    status, said, error = call(monkeypatch, capsys, reused.folder, *arguments)
    assert (status, said) == (2, "")
    assert words in error
    assert error.startswith("harness: ")
    assert "Traceback" not in error
