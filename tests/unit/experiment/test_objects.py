import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import harness
from harness.experiment import objects
from harness.experiment.schema import TrainingSection, keys_of
from harness.experiment.sections import SECTIONS
from harness.kernels.optimisers import OPTIMISERS
from tools import stubs

POINTS = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
CLASSES = [[0.1], [0.7], [0.4], [0.9], [0.3]], ["b", "a", "b", "c", "a"]


def experiment(data=None, network=None, **keys):
    return harness.Experiment(
        **{
            "name": "small",
            "network": network or harness.Network([2, 2, 1], "tanh"),
            "data": harness.Data(*POINTS) if data is None else data,
            "training": harness.Training(epochs=3, learning_rate=0.1),
        }
        | keys
    )


def refused(call):
    with pytest.raises(harness.ExperimentError) as caught:
        call()
    return str(caught.value)


def test_objects_and_mappings_make_the_same_experiment():
    by_objects = experiment(
        training=harness.Training(
            epochs=3, learning_rate=0.1, optimiser=harness.Adam(beta1=0.8, l2=0.1)
        ),
        initialisation=harness.Initialisation(scheme="glorot", parameters={"w1": np.float64(2)}),
        grid=harness.Grid(learning_rate=harness.log(1e-3, 1, 4), init_id=np.arange(3)),
        record=harness.Record(epochs={"every": 2}),
        question="Which?",
    )
    by_mapping = harness.Experiment.from_mapping(
        {
            "name": "small",
            "question": "Which?",
            "network": {"layers": [2, 2, 1], "activations": ["tanh", "identity"]},
            "data": {"inputs": POINTS[0], "targets": POINTS[1]},
            "training": {
                "epochs": 3,
                "learning_rate": 0.1,
                "optimiser": "adam",
                "beta1": 0.8,
                "l2": 0.1,
            },
            "initialisation": {"scheme": "glorot", "parameters": {"w1": 2.0}},
            "grid": {"learning_rate": {"log": [1e-3, 1], "count": 4}, "init_id": [0, 1, 2]},
            "record": {"epochs": {"every": 2}},
        }
    )
    assert by_objects == by_mapping
    sections = {name: by_mapping.document()[name] for name in SECTIONS}
    assert (
        harness.Experiment(
            name="small", question="Which?", **sections | {"grid": by_mapping.document()["grid"]}
        )
        == by_mapping
    )
    assert pickle.loads(pickle.dumps(by_objects)) == by_objects


@pytest.mark.parametrize(
    "data",
    [
        harness.Data(*POINTS),
        harness.Data(inputs=POINTS[0], targets=POINTS[1]),
        harness.Data(np.array(POINTS[0]), pd.Series(POINTS[1], index=[7, 3, 7, 1])),
        harness.Data(pd.DataFrame(POINTS[0], columns=["a", "b"]), np.array(POINTS[1])[:, None]),
        harness.Data(
            pd.DataFrame(POINTS[0], columns=["a", "b"]).assign(c=POINTS[1]),
            inputs=["a", "b"],
            targets=["c"],
        ),
        harness.Data(np.column_stack(POINTS), inputs=[1, 2], targets=[3]),
        {"inputs": POINTS[0], "targets": POINTS[1]},
    ],
)
def test_data_of_every_form_are_the_same(data):
    assert experiment(data) == experiment()


def test_names_of_columns_stay():
    frame = pd.DataFrame(POINTS[0], columns=["left", "right"])
    assert experiment(harness.Data(frame, POINTS[1])).data.names.inputs == ("left", "right")
    assert experiment(harness.Data(frame, POINTS[1])).data.names.targets == ("y",)
    series = pd.Series(POINTS[1], name="out")
    assert experiment(harness.Data(POINTS[0], series)).data.names.inputs == ("x1", "x2")
    assert experiment(harness.Data(POINTS[0], series)).data.names.targets == ("out",)


@pytest.mark.parametrize(
    "labels",
    [
        ["b", "a", "b", "c", "a"],
        [1, 0, 1, 2, 0],
        np.array([1, 0, 1, 2, 0], dtype=np.uint8),
        pd.Categorical(["b", "a", "b", "c", "a"]),
    ],
)
def test_labels_are_classes(labels):
    network = harness.Network([1, 2, 3], ["tanh", "softmax"], loss="cross_entropy")
    made = experiment(harness.Data(CLASSES[0], labels), network)
    assert made.data.targets.argmax(axis=1).tolist() == [1, 0, 1, 2, 0]
    assert len(made.data.names.classes) == 3


def test_data_do_not_change_with_the_table():
    frame = pd.DataFrame(POINTS[0], columns=["a", "b"]).assign(c=POINTS[1])
    array = np.array(POINTS[0], dtype=float)
    data = harness.Data(frame, inputs=["a", "b"], targets=["c"]), harness.Data(array, POINTS[1])
    frame.loc[0, "a"], array[0, 0] = 9, 9
    assert [experiment(one) for one in data] == [experiment(), experiment()]


def test_wrong_arguments_are_refused_as_in_a_file():
    for call, words in (
        (lambda: harness.Training(lr=0.1, epochs=3), 'It is called "learning_rate" here.'),
        (lambda: harness.Training(epochs=3), "training.learning_rate is missing"),
        (lambda: harness.Training(epochs=3, learning_rate="0.1"), "without quotes"),
        (lambda: harness.Network([1, 2, 1], "tahn"), 'Did you mean "tanh"?'),
        (lambda: harness.Network([1, 2, 1]), "network.activations is missing"),
        (lambda: harness.Network([2, 1], "tanh"), 'in brackets: ["tanh"]'),
        (lambda: harness.Adam(beta_1=0.9), 'Did you mean "beta1"?'),
        (lambda: harness.Adam(momentum=0.9), "training.momentum is not a setting of adam."),
        (lambda: harness.SGD(momentum=1), "training.momentum = 1 is not allowed"),
        (lambda: harness.Record(epochs="some"), "record.epochs"),
        (lambda: harness.Data(generator="moon"), 'Did you mean "moons"?'),
        (lambda: harness.Data([1, 2], [1]), "one target for each input"),
        (lambda: harness.Data([1, 2], 5), "data.targets is not a table"),
        (lambda: harness.Initialisation(std=2), "initialisation.std is not a key"),
        (
            lambda: harness.Training(
                epochs=1, learning_rate=0.1, optimiser=harness.Adam(l2=0.1), l2=0.1
            ),
            "training.l2 is given twice",
        ),
        (lambda: experiment(harness.Data()), "data must have one form; it has none"),
        (lambda: experiment(grid=harness.Grid(lr=[1])), 'It is called "learning_rate" here.'),
        (lambda: experiment(training=None), "training is missing"),
        (lambda: experiment(pd.DataFrame({"a": [1]})), "must be a harness.Data or a mapping"),
        (lambda: experiment(grid=harness.Adam()), "grid = Adam() must be a harness.Grid"),
    ):
        assert words in refused(call)
    for call in (
        lambda: harness.Training(5),
        lambda: harness.Network([1, 2, 1], "tanh", 3),
        lambda: harness.Network([1, 2, 1], layers=[1]),
        lambda: harness.Data(1, 2, 3),
        lambda: harness.Data(*POINTS, inputs=[1]),
        lambda: experiment(nam="x"),
    ):
        with pytest.raises(TypeError):
            call()


def test_objects_are_immutable():
    for made in (harness.Training(epochs=1, learning_rate=0.1), harness.Adam(), harness.Data()):
        for name in ("epochs", "_keys", "other"):
            with pytest.raises(AttributeError, match="immutable"):
                setattr(made, name, 1)
    keys = harness.Training(epochs=1, learning_rate=0.1)
    keys.keys_of_file()["epochs"] = 2
    assert "epochs=1" in repr(keys)


def test_every_key_and_every_optimiser_has_its_argument():
    for name, section in SECTIONS.items():
        made = getattr(harness, name.capitalize())
        assert set(inspect.signature(made).parameters) == set(keys_of(section))
        assert all(f"\n{key} : " in made.__doc__ for key in keys_of(section))
    for name, optimiser in OPTIMISERS.items():
        (made,) = (one for one in objects.OPTIMISER_CLASSES.values() if one.name == name)
        settings = {setting.name: setting.default for setting in optimiser.all_settings}
        found = {n: p.default for n, p in inspect.signature(made).parameters.items()}
        assert found == settings
        assert getattr(harness, made.__name__) is made
        assert made.__name__ in dir(harness)
        assert set(settings) <= set(keys_of(TrainingSection))


def test_completion_shows_only_names_of_harness():
    public = [name for name in dir(experiment()) if not name.startswith("_")]
    assert not [name for name in public if name.startswith(("model_", "parse", "json", "dict"))]
    assert {"replace", "save", "name", "grid"} <= set(public)


def test_the_stub_is_up_to_date():
    assert stubs.STUB.read_text(encoding="utf-8") == stubs.stub(), "run `make docs`"


TYPED = """
import numpy as np
import harness

experiment = harness.Experiment(
    name="typed",
    network=harness.Network([1, 8, 1], "tanh", loss="mse"),
    data=harness.Data(np.zeros((3, 1)), [0, 1, 0], validation=1),
    training=harness.Training(epochs=5, learning_rate=0.1, optimiser=harness.Adam(beta1=0.8)),
    initialisation=harness.Initialisation(scheme="glorot"),
    grid=harness.Grid(learning_rate=harness.log(1e-3, 1, 31), init_id=100),
    record=harness.Record(epochs={"every": 2}, metrics=["r2"]),
)
experiment.replace(**{"training.epochs": 10}).save("typed.toml")
size: int = experiment.grid.size
"""
MISTYPED = """
import harness

harness.Training(epochs=1, learning_rat=0.1)
harness.Network([1, 8, 1], "tahn")
harness.Adam(momentum=0.5)
harness.Training(epochs="5", learning_rate=0.1)
"""


def test_types_are_those_of_the_schema(tmp_path):
    (tmp_path / "typed.py").write_text(TYPED)
    (tmp_path / "mistyped.py").write_text(MISTYPED)
    root = Path(__file__).parents[3]
    options = ["--config-file", root / "pyproject.toml", "--cache-dir", root / ".mypy_cache"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *tmp_path.iterdir()],
        cwd=tmp_path,
        env={"MYPYPATH": str(root), "PATH": ""},
        capture_output=True,
        text=True,
    )
    found = [line for line in done.stdout.splitlines() if "typed.py" in line and "error:" in line]
    lines = {line.partition(": error")[0] for line in found}
    assert lines == {f"mistyped.py:{line}" for line in (4, 5, 6, 7)}, done.stdout + done.stderr
