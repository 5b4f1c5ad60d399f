import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import harness

NETWORK = harness.Network([2, 2, 1], "tanh")
DATA = harness.Data(generator="xor")


def test_keys_by_name_make_the_experiment():
    results = harness.sweep(
        network=NETWORK,
        data=DATA,
        epochs=harness.linear(1, 3, 3),
        learning_rate=np.array([0.1, 0.2]),
        optimiser=["sgd", "adam"],
        momentum=0.5,
        scheme="he",
        init_scale=[1.0, 2.0],
        init_id=3,
        measures=["gradient_norm"],
        width=[2, 3],
        threads=1,
    )
    whole = harness.Experiment(
        name="sweep",
        network=NETWORK,
        data=DATA,
        training=harness.Training(epochs=1, learning_rate=0.1, momentum=0.5),
        initialisation=harness.Initialisation(scheme="he"),
        grid=harness.Grid(
            max_epochs=harness.linear(1, 3, 3),
            learning_rate=[0.1, 0.2],
            optimiser=["sgd", "adam"],
            init_scale=[1.0, 2.0],
            init_id=3,
            width=[2, 3],
        ),
        record=harness.Record(measures=["gradient_norm"]),
    )
    assert results.experiment == whole
    assert len(results.runs) == 3 * 2 * 2 * 2 * 3 * 2


def test_an_optimiser_with_settings_and_single_values_are_one_run(tmp_path):
    results = harness.sweep(
        network=NETWORK,
        data=DATA,
        name="one",
        epochs=2,
        learning_rate=0.1,
        optimiser=harness.Adam(beta1=0.5),
        out=tmp_path / "one",
    )
    assert results.experiment.training.settings["beta1"] == 0.5
    assert len(results.runs) == 1
    assert harness.open_results(tmp_path / "one").runs.equals(results.runs)


def test_temporary_results_are_gone_when_python_ends():
    code = (
        "import harness\n"
        "results = harness.sweep(network={'layers': [2, 1], 'activations': ['identity']},"
        " data={'generator': 'xor'}, epochs=1, learning_rate=0.1)\n"
        "assert results.folder.is_dir()\nprint(results.folder)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not Path(done.stdout.strip()).parent.exists()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "training.epochs is missing"),
        ({"lr": [0.1]}, 'It is called "learning_rate" here.'),
        ({"seed": 1}, "seed is a key of [training] and of [initialisation]."),
        ({"learning_rate": []}, "training.learning_rate"),
        ({"optimiser": ["adm"]}, 'Did you mean "adam"?'),
        ({"epochs": -1}, "training.epochs = -1 is not allowed"),
    ],
)
def test_wrong_keys_are_refused_as_in_a_file(keys, words):
    given = keys if keys == {} else {"epochs": 1, "learning_rate": 0.1} | keys
    with pytest.raises(harness.ExperimentError) as caught:
        harness.sweep(network=NETWORK, data=DATA, **given)
    assert words in str(caught.value)
