"""Trained networks as arrays: for NumPy, scikit-learn and PyTorch."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import harness
from harness.experiment import Experiment

RNG = np.random.default_rng(2)
X = RNG.normal(size=(9, 3))


def trained(tmp_path, activation="tanh", last="identity", outputs=2, parameters=True, **network):
    """Return the results of a small sweep over two widths."""
    targets = RNG.integers(0, 2, (9, outputs)).astype(float)
    sweep = Experiment.from_mapping(
        {
            "name": "exported",
            "network": {
                "layers": [3, 4, outputs],
                "activations": [activation, last],
                "loss": "cross_entropy" if last == "sigmoid" else "ssr",
                **network,
            },
            "data": {"inputs": X.tolist(), "targets": targets.tolist()},
            "training": {"epochs": 20, "learning_rate": 0.02},
            "initialisation": {"biases": "same"},
            "grid": {"width": [4, 2], "init_id": 2},
            "record": {"parameters": parameters, "epochs": "none"},
        }
    )
    return harness.run(sweep, tmp_path / "out")


def in_sklearn(kind, arrays, hidden, classes=None):
    """Return a model of scikit-learn with these arrays."""
    model = kind(hidden_layer_sizes=(4,), activation=hidden, max_iter=1)
    targets = np.zeros((9, 2), int) if classes is None else classes
    with pytest.warns(match="Maximum iterations"):
        model.fit(X, targets)
    model.coefs_, model.intercepts_ = arrays.coefs, arrays.intercepts
    return model


@pytest.mark.parametrize("hidden", ["tanh", "relu", "sigmoid"])
def test_scikit_learn_predicts_the_same_numbers(tmp_path, hidden):
    network = trained(tmp_path, hidden, scales=[0.5, 2.0], output_scale=3.0).network(0)
    theirs = {"sigmoid": "logistic"}.get(hidden, hidden)
    model = in_sklearn(MLPRegressor, network, theirs)
    np.testing.assert_allclose(model.predict(X), network.predict(X), rtol=1e-12)


def test_scikit_learn_predicts_the_same_probabilities(tmp_path):
    network = trained(tmp_path, last="sigmoid", outputs=1, biases=[True, False]).network(1)
    model = in_sklearn(MLPClassifier, network, "tanh", np.arange(9) % 2)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1:], network.predict(X), rtol=1e-12)


def test_a_state_dict_has_the_layers_of_a_sequential_model(tmp_path):
    network = trained(tmp_path, "relu").network(0)
    state = network.state_dict()
    assert list(state) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    hidden = np.maximum(X @ state["0.weight"].T + state["0.bias"], 0)
    np.testing.assert_allclose(
        hidden @ state["2.weight"].T + state["2.bias"], network.predict(X), rtol=1e-12
    )


def test_an_output_scale_that_cannot_be_part_of_the_weights_is_refused(tmp_path):
    network = trained(tmp_path, last="tanh", output_scale=2.0).network(0)
    with pytest.raises(harness.HarnessError, match="Use `matrices`"):
        _ = network.coefs
    assert [matrix.shape for matrix in network.matrices] == [(4, 4), (5, 2)]


@pytest.mark.parametrize("parameters", [True, False])
def test_predictions_are_those_of_each_run(tmp_path, parameters):
    results = trained(tmp_path, parameters=parameters)
    table = results.predict([0, 3])
    assert table["run_id"].tolist() == [0] * 9 + [3] * 9
    for run_id, width in ((0, 4), (3, 2)):
        mine = table[table["run_id"] == run_id]
        w, v = results.network(run_id).matrices
        assert w.shape == (4, width)
        expected = np.tanh(X @ w[:3] + w[3]) @ v[:-1] + v[-1]
        np.testing.assert_allclose(mine[["prediction_1", "prediction_2"]], expected, rtol=1e-12)
        assert mine[["input_1", "input_2", "input_3"]].to_numpy().tolist() == X.tolist()
    ssr = ((table[["prediction_1", "prediction_2"]].to_numpy()[:9]
            - results.experiment.data.targets) ** 2).sum()  # fmt: skip
    assert results.runs["ssr_final"][0] == pytest.approx(ssr, rel=1e-12)
    assert len(results.predict(2, [[0.1, 0.2, 0.3]])) == 1


def test_inputs_of_another_shape_and_unknown_runs_are_refused(tmp_path):
    results = trained(tmp_path)
    with pytest.raises(harness.HarnessError, match=r"shape \(1, 2\); the network has 3 inputs"):
        results.network(0).predict([[1.0, 2.0]])
    with pytest.raises(
        harness.HarnessError, match=r"inputs has 2 columns; the experiment has 3 inputs"
    ):
        results.predict(0, [[1.0, 2.0]])
    with pytest.raises(harness.ResultsError, match="has no run 9"):
        results.predict(9)
