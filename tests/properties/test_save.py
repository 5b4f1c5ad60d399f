"""Objects -> file -> objects: `Experiment.save` and `load_experiment` are inverse to each other."""

import math
import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import example, given, settings
from hypothesis import strategies as st

import harness

numbers = st.floats(-1e9, 1e9) | st.integers(-5, 5) | st.just(-0.0)
words = st.sampled_from(
    ["ant", "bee", " ant ", "a,b", 'c"d', "e = f", "g\nh", "1-2", "\u00fc", "#x"]
)
names = (
    words
    | st.text(min_size=1, max_size=3)
    | st.sampled_from(["1", "2-3", "column 2", " x", "x", "size = big", "__index_level_0__"])
)


@st.composite
def columns(draw, rows):
    """Return the cells of a column: numbers, some of them missing, or words."""
    kind = draw(st.sampled_from(["numbers", "missing", "words"]))
    cells = {"numbers": numbers, "missing": numbers | st.just(math.nan), "words": words}[kind]
    return draw(st.lists(cells, min_size=rows, max_size=rows))


@st.composite
def given_data(draw):
    """Return arguments of `Data`: a table or arrays, with or without names."""
    rows = draw(st.integers(2, 8))
    count = draw(st.integers(2, 4))
    cells = [draw(columns(rows)) for _ in range(count)]
    keys = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "missing": st.sampled_from(["drop", "mean"]),
                "standardise": st.just(["inputs"]),
                "validation": st.just(1) | st.just(0.5),
                "scale": st.just({"targets": 3}),
            },
        )
    )
    unique = st.lists(names, min_size=count, max_size=count, unique_by=str.strip)
    called = draw(st.one_of(st.none(), unique, st.lists(names, min_size=count, max_size=count)))
    frame = pd.DataFrame(dict(enumerate(cells)))
    if called is not None:
        frame.columns = called
    targets = draw(st.integers(1, count - 1))
    if draw(st.booleans()):
        return (frame.iloc[:, targets:], frame.iloc[:, :targets]), keys
    listed = {"inputs": [f"{targets + 1}-{count}"], "targets": [f"1-{targets}"]}
    return (frame,), keys | listed


def experiment(arguments, keys, outputs):
    """Return an experiment with these data; None if no network fits them."""
    for inputs in range(1, 40):
        try:
            return harness.Experiment(
                name="saved",
                network=harness.Network([inputs, outputs], ["identity"]),
                data=harness.Data(*arguments, **keys),
                training=harness.Training(epochs=2, learning_rate=0.1),
            )
        except harness.ExperimentError as error:
            if error.key != "network.layers" and "per data point" not in str(error):
                return None
    return None


TWICE = pd.DataFrame([[0.0, "ant", "ant"], [1.0, "ant", "ant"]], columns=["ant"] * 3)


@settings(max_examples=200)
@example(((TWICE,), {"inputs": ["2-3"], "targets": ["1"]}), 1)
@given(given_data(), st.integers(1, 3))
def test_tables_come_back(data, outputs):
    made = experiment(*data, outputs)
    if made is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "saved.toml")
        try:
            made.save(path)
        except harness.ExperimentError as error:
            refused = str(error)
        else:
            refused = ""
        if refused:
            assert "Give all columns different names." in refused
            assert not pd.concat(data[0], axis=1).columns.str.strip().is_unique
            assert list(Path(folder).iterdir()) == []
            return
        found = harness.load_experiment(path)
        assert found == made
        for ours, theirs in ((made.source, found.source), (made.data, found.data)):
            assert ours.inputs.tobytes() == theirs.inputs.tobytes()
            assert ours.targets.tobytes() == theirs.targets.tobytes()
            assert ours.names.classes == theirs.names.classes
        again = Path(folder, "again", "again.toml")
        again.parent.mkdir()
        found.save(again)
        assert harness.load_experiment(again) == made
        assert list(again.parent.iterdir()) == [again]  # the file of the data stays where it is
