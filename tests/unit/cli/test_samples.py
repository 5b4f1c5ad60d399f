"""`harness show` of a sample: which of its axes mattered."""

import pandas as pd
import pytest
from scipy import stats

import harness
from harness.cli.summary_screen import summarise
from harness.experiment import Experiment


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    experiment = Experiment.from_mapping(
        {
            "name": "sampled",
            "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
            "data": {"generator": "dosage"},
            "training": {"epochs": 30, "learning_rate": 0.1},
            "grid": {
                "init_id": 5,
                "sample": {
                    "count": 40,
                    "method": "sobol",
                    "learning_rate": {"log": [1e-3, 0.1]},
                    "momentum": {"linear": [0, 0.5]},
                    "optimiser": ["sgd", "adam"],
                },
            },
        }
    )
    return harness.run(experiment, tmp_path_factory.mktemp("sampled") / "out")


def test_axes_are_listed_with_their_rank_correlations(results, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    summarise(results)
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("what mattered for the median ssr_final, over 40 points")
    runs = results.runs.fillna({"momentum": -1})
    points = runs.groupby(["learning_rate", "momentum", "optimiser"], as_index=False)
    table = points["ssr_final"].median()
    expected = {}
    for name in ("learning_rate", "momentum"):
        known = table[table[name] >= 0]
        expected[name] = -stats.spearmanr(known[name], known["ssr_final"]).statistic
    found = dict(line.split()[:2] for line in lines[at + 2 : at + 4])
    assert found == {name: f"{value:.2f}" for name, value in expected.items()}
    assert not any(line.startswith(("along", "share of the runs")) for line in lines)


def test_tables_read_as_any_others(results):
    # One line each, with the columns of the axes.
    runs = results.runs
    best = runs.groupby("learning_rate")["ssr_final"].median().nsmallest(3)
    assert len(best) == 3
    assert runs.loc[runs["optimiser"] == "sgd", "momentum"].between(0, 0.5).all()
    assert runs.loc[runs["optimiser"] == "adam", "momentum"].isna().all()
    some = results.where("learning_rate > 0.01 and momentum < 0.2").runs
    same = runs.query("learning_rate > 0.01 and momentum < 0.2")
    pd.testing.assert_frame_equal(some.reset_index(drop=True), same.reset_index(drop=True))
