"""Names of inputs and outputs in words."""

import harness
from harness.experiment import Experiment
from harness.results.sentences import column_names

TABLE = {"dose_mg": [0, 50, 100], "day": [1, 2, 4], "cured": ["no", "yes", "no"]}


def names(folder, section, layers, table=None):
    document = {
        "name": "x",
        "network": {"layers": layers, "activations": ["sigmoid"]},
        "data": section,
        "training": {"epochs": 1, "learning_rate": 0.1},
    }
    harness.run(Experiment.from_mapping(document, data=table), folder, lanes=1)
    results = harness.open_results(folder)
    return column_names(results, "inputs"), column_names(results, "targets")


def test_names_of_columns_and_classes(tmp_path):
    section = {"inputs": "all but targets", "targets": ["cured"], "scale": {"inputs": "min_max"}}
    inputs, targets = names(tmp_path / "a", section, [2, 1], TABLE)
    assert (inputs, targets) == (["dose mg, scaled", "day, scaled"], ["yes"])
    section = {"inputs": ["dose_mg"], "targets": ["day"], "standardise": ["inputs"]}
    inputs, targets = names(tmp_path / "b", section, [1, 1], TABLE)
    assert (inputs, targets) == (["dose mg, standardised"], ["day"])


def test_inline_data_have_no_names(tmp_path):
    assert names(tmp_path, {"inputs": [0, 1], "targets": [0, 1]}, [1, 1]) == ([], [])
