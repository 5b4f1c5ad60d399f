"""The sentences of `harness show`: what is said, with which numbers, and when nothing is said."""

import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import harness
from harness import plots
from harness.analysis.effects import ordered_effect
from harness.analysis.ranking import combinations
from harness.cli.app import app
from harness.cli.options import parse_change
from harness.cli.summary_screen import summarise
from harness.errors import ResultsError
from harness.results.advice import advise

DOSAGE = {
    "name": "answers",
    "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
    "data": {"generator": "dosage"},
    "training": {"epochs": 400, "learning_rate": 0.05, "tolerance": 0.05, "limit": 1e10},
    "initialisation": {"scheme": "normal", "scale": 2.0},
    "record": {"epochs": {"log": 30}},
}


# Most of its runs are still far from the end.
FALLING = {"grid": {"learning_rate": [0.001, 0.003], "init_id": 40}, "tolerance": 0.0, "epochs": 20}


def document(grid, record=None, others=None, **training):
    found = DOSAGE | {"grid": grid, "training": DOSAGE["training"] | training} | (others or {})
    return found | {"record": record} if record else found


@pytest.fixture
def said(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    def said(grid, where=None, **others):
        experiment = harness.Experiment.from_mapping(document(grid, **others))
        results = harness.run(experiment, tmp_path / f"sweep-{len(list(tmp_path.iterdir()))}")
        capsys.readouterr()
        summarise(results if where is None else results.where(where))
        printed = capsys.readouterr().out
        assert max(map(len, printed.replace(str(results.folder), "DIR").splitlines())) <= 80
        changes = re.findall(r'^  --set "(.*)"$', printed, flags=re.M)
        return " ".join(printed.split()), dict(map(parse_change, changes)), results

    return said


def loaded(results, changes):
    """Return the experiment of a sweep with the changes that were suggested."""
    plain = results.experiment.document()
    for dotted, value in changes.items():
        section, key = dotted.split(".")
        plain[section][key] = value
    return harness.Experiment.from_mapping(plain)


def values_of(experiment, axis):
    found = next(each.values for each in experiment.grid.axes if each.name == axis)
    return found.take(np.arange(found.count))


def test_momentum_is_compared_by_epochs_from_the_same_starts(said):
    text, _, results = said({"momentum": [0.0, 0.7], "init_id": 60}, tolerance=0.6, epochs=5000)
    wide = results.runs.pivot_table(index="init_id", columns="momentum", values="epochs")
    both = results.runs.groupby("init_id")["status"].agg(lambda s: (s == "converged").all())
    ratio = (wide[0.0] / wide[0.7])[both].median()
    shares = results.runs["status"].eq("converged").groupby(results.runs["momentum"]).mean()
    assert both.sum() > 30
    assert shares[0.0] > shares[0.7]  # so that 0 is compared with 0.7
    first, second, points = (
        f"{100 * share:.1f}".removesuffix(".0")
        for share in (shares[0.0], shares[0.7], shares[0.0] - shares[0.7])
    )
    more = f"{first}% converge instead of {second}%, {points} percentage points more"
    assert f"momentum 0 against 0.7: {more} (95% interval" in text
    assert f", and {ratio:.3g} times as many epochs (95% interval" in text
    part = f"in the {both.sum()} of 60 pairs where both converge"
    assert f"{part}, paired over 60 starts." in text


def test_an_axis_that_makes_no_difference_says_so(said):
    text, changes, _ = said({"limit": [1e8, 1e9], "init_id": 30})
    assert "limit: no clear difference in" in text
    assert "between its 2 values, paired over 30 starts." in text
    assert not any("limit" in key for key in changes)


def test_a_best_value_at_the_end_of_the_grid_is_an_advice_to_extend_it(said):
    rates = {"log": [0.0001, 0.03], "count": 11}
    text, changes, results = said({"learning_rate": rates, "init_id": 60}, tolerance=0.0)
    assert results.combinations()["learning_rate"].iloc[0] == 0.03
    assert "The best learning_rate, 0.03, is the largest of the grid. Extend it:" in text
    longer = values_of(loaded(results, changes), "learning_rate")
    before = values_of(results.experiment, "learning_rate")
    assert longer[0] == before[0]
    assert longer[-1] == pytest.approx(0.3)
    assert longer[1] / longer[0] == pytest.approx(before[1] / before[0], rel=0.05)


def test_a_lower_end_is_extended_downwards(said):
    _, changes, results = said({"learning_rate": [0.3, 0.2, 0.1], "init_id": 60})
    assert changes["grid.learning_rate"] == [0.05, 0.1, 0.2, 0.3]
    assert values_of(loaded(results, changes), "learning_rate")[0] == 0.05


def test_a_best_value_inside_the_grid_or_at_the_end_of_what_is_allowed_gives_no_advice(said):
    rates = {"log": [0.001, 0.3], "count": 9}
    text, _, results = said({"learning_rate": rates, "init_id": 60})
    assert 0.001 < results.combinations()["learning_rate"].iloc[0] < 0.3
    assert "Extend it" not in text
    text, _, results = said({"momentum": [0.0, 0.5, 0.9], "init_id": 60}, learning_rate=0.002)
    assert results.combinations()["momentum"].iloc[0] == 0.9
    assert "Extend it" not in text  # the next momentum would be 1.3


def test_a_loss_that_still_falls_is_an_advice_to_train_longer(said):
    text, changes, results = said(**FALLING, record={"epochs": "all"})
    best = results.combinations()["learning_rate"].iloc[0]
    runs = results.runs[results.runs["learning_rate"] == best]
    assert (runs["status"] == "finished").all()
    rows = results.read_trajectories(runs["run_id"]).pivot_table(
        index="run_id", columns="epoch", values="ssr"
    )
    fall = (1 - rows[20] / rows[18]).median()
    assert fall > 0.05
    share = f"{fall:.1%}".replace(".0%", "%")
    wanted = f"the ssr of {len(runs)} finished runs at the best combination (median) still falls by"
    assert f"Between epochs 18 and 20, {wanted} {share}. Train longer:" in text
    assert changes["training.epochs"] == 40
    assert loaded(results, changes).training.epochs == 40


@pytest.mark.parametrize("record", [{"epochs": "none"}, {"epochs": {"linear": 2}}])
def test_without_trajectories_nothing_is_said_of_them(record, said):
    text, _, _ = said(**FALLING, record=record)
    assert "Train longer" not in text


def test_a_loss_that_has_settled_gives_no_advice(said):
    text, _, _ = said(
        {"learning_rate": [0.05, 0.1], "init_id": 40}, tolerance=0.0, epochs=20_000,
        record={"epochs": {"linear": 20}},
    )  # fmt: skip
    assert "Train longer" not in text


def test_a_loss_at_rounding_errors_gives_no_advice(tmp_path, capsys):
    line = DOSAGE | {
        "network": {"layers": [1, 1], "activations": ["identity"]},
        "data": {"inputs": [0, 1, 2], "targets": [0.0, 0.7, 1.4]},
        "training": {"epochs": 50, "learning_rate": 0.1},
        "grid": {"init_id": 20},
        "record": {"epochs": "all"},
    }
    results = harness.run(harness.Experiment.from_mapping(line), tmp_path / "line")
    rows = results.trajectories.pivot_table(index="run_id", columns="epoch", values="ssr")
    assert (1 - rows[50] / rows[45]).median() > 0.5
    capsys.readouterr()
    summarise(results)
    assert "Train longer" in capsys.readouterr().out
    results = harness.run(
        harness.Experiment.from_mapping(line | {"training": line["training"] | {"epochs": 120}}),
        tmp_path / "longer",
    )
    rows = results.trajectories.pivot_table(index="run_id", columns="epoch", values="ssr")
    assert (1 - rows[120] / rows[108]).median() > 0.5
    summarise(results)
    assert "Train longer" not in capsys.readouterr().out


def test_an_end_that_is_hardly_better_than_the_rest_is_not_extended(said):
    runs = 40_000 * ["converged"] + 1_000 * ["finished"] + 38_000 * ["converged"]
    table = pd.DataFrame({"status": runs + 3_000 * ["finished"], "ssr_final": 0.01})
    table["learning_rate"] = np.repeat([0.1, 0.2], 41_000)
    effect = ordered_effect(combinations(table, "learning_rate"), "learning_rate")
    assert effect.works == (0.1, 0.2)
    _, _, results = said({"learning_rate": [0.1, 0.2], "init_id": 20})
    best = {"learning_rate": 0.1}
    assert not advise(results, {"learning_rate": effect}, best, results.runs, None)


def test_the_best_value_of_an_axis_must_be_that_of_the_best_combination(said):
    _, _, results = said({"learning_rate": [0.1, 0.2, 0.3], "init_id": 60})
    effect = ordered_effect(results.combinations(), "learning_rate")
    assert effect.best["learning_rate"] == 0.1
    effects = {"learning_rate": effect}
    for best, count in ((0.1, 1), (0.2, 0)):
        found = advise(results, effects, {"learning_rate": best}, results.runs, None)
        assert len([advice for advice in found if "Extend" in advice.text]) == count


def test_values_at_which_all_runs_diverge_are_left_out(said):
    rates = {"log": [0.01, 1.0], "count": 21}
    text, changes, results = said({"learning_rate": rates, "init_id": 20})
    ends = results.runs.groupby("learning_rate")["status"].agg(lambda s: (s == "diverged").all())
    kept = ends.index[~ends]
    assert f"At {ends.sum()} of the 21 values of learning_rate all runs diverge." in text
    narrow = values_of(loaded(results, changes), "learning_rate")
    np.testing.assert_allclose(narrow, kept, rtol=1e-12)


def test_few_values_at_which_all_runs_diverge_stay(said):
    rates = [0.01, 0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 1.0]
    text, _, _ = said({"learning_rate": rates, "init_id": 20})
    assert "Leave them out" not in text
    assert "from 1 on, all runs diverge." in text


@pytest.mark.parametrize("grid", [{"learning_rate": [1.0, 2.0, 5.0]}, {}])
def test_if_all_runs_diverge_lower_rates_train(grid, said):
    text, changes, results = said(grid | {"init_id": 10}, learning_rate=3.0)
    assert (results.runs["status"] == "diverged").all()
    assert "Every run diverged. Try" in text
    assert len(changes) == 1
    tried = harness.run(loaded(results, changes), results.folder.parent / "tried")
    assert (tried.runs["status"] != "diverged").any()


LARGE = {"inputs": [[1, 0.1], [0, 40], [1, -60]], "targets": [[0], [2], [4]]}


def test_large_inputs_are_an_advice_to_standardise_them(said):
    network = {"layers": [2, 2, 1], "activations": ["tanh", "identity"]}

    def run(**keys):
        others = {"data": LARGE | keys, "network": network}
        return said({"init_id": 3}, others=others, tolerance=0.0, epochs=5)

    text, changes, results = run(standardise=["targets"])
    assert "The inputs are not scaled: a column has values of about 33.37." in text  # 100.1 / 3
    assert changes["data.standardise"] == ["inputs", "targets"]
    assert loaded(results, changes).data.inputs[:, 1].std() == pytest.approx(1.0)
    for keys in (
        {"standardise": ["inputs"]},
        {"inputs": [[1, 0.1], [0, 4], [1, -6]]},
        {"inputs": [[1, 40], [0, 40], [1, 40]]},  # a constant column has no deviation
    ):
        assert "data.standardise" not in run(**keys)[1]
    huge = {"inputs": [[1, 1e308], [0, 1e308], [1, -1e308]]}
    assert "The inputs are not scaled" in run(**huge)[0]


def test_lower_rates_are_not_suggested_where_only_the_first_step_has_the_rate(said):
    text, changes, results = said({"init_id": 10}, optimiser="rprop", step_min=50.0, limit=100.0)
    assert (results.runs["status"] == "diverged").all()
    assert "Try" not in text
    assert not changes


def test_there_are_at_most_two_suggestions(said):
    grid = {
        "learning_rate": {"log": [0.001, 1.0], "count": 9}, "init_id": 60,
        "init_scale": [0.1, 0.2, 0.4, 0.8, 1.6], "momentum": [0.1, 0.2],
    }  # fmt: skip
    text, changes, _ = said(grid, epochs=60)
    assert len(changes) == text.count("--set") <= 2


def test_why_runs_diverge_has_the_numbers_of_the_table(said):
    text, _, results = said({"learning_rate": {"log": [0.03, 1.0], "count": 16}, "init_id": 20})
    diverged = results.runs["status"] == "diverged"
    above = results.runs["learning_rate"] > 1 / 3
    assert (diverged == above).all()
    assert (
        "Why runs diverge: along the bias of the output the curvature of the loss is 6 everywhere,"
        " and gradient descent is unstable above 2 / 6 = 0.3333."
        f" All {above.sum()} runs above it diverged, and none of the {(~above).sum()} below."
        in text
    )


def test_a_condition_restricts_every_number(said, tmp_path):
    grid = {
        "learning_rate": {"log": [0.001, 1.0], "count": 9},
        "momentum": [0.0, 0.5],
        "init_id": 30,
    }
    text, changes, results = said(grid, where="momentum == 0.5 and learning_rate < 0.1")
    runs = results.runs.query("momentum == 0.5 and learning_rate < 0.1")
    ended = ", ".join(f"{n} {status}" for status, n in runs["status"].value_counts().items())
    assert f"{len(runs)} runs with momentum == 0.5 and learning_rate < 0.1: {ended}." in text
    share = runs["status"].eq("converged").groupby(runs["learning_rate"]).mean()
    assert f"of 30 runs converge: {share.max():.1%}".replace(".0%", "%") in text
    assert "momentum 0.5 against" not in text
    assert not changes
    with pytest.raises(ResultsError, match=r"No run of .* satisfies"):
        summarise(results.where("momentum == 0.7"))


def test_a_single_combination_and_a_single_start_are_not_ranked(said):
    grid = {"learning_rate": [0.01, 0.05, 0.1], "init_id": 20}
    text, _, _ = said(grid, where="learning_rate == 0.05")
    assert "The only learning_rate: 0.05, where" in text
    assert "Runner" not in text
    assert "overlap" not in text
    text, _, _ = said(grid, where="init_id == 3")
    assert text.count("Best run: ") == 1


def test_show_takes_a_condition(said):
    _, _, results = said({"learning_rate": [0.01, 0.05], "init_id": 5})
    shown = CliRunner().invoke(app, ["show", str(results.folder), "--where", "init_id < 2"])
    assert shown.stdout.startswith("4 runs with init_id < 2: ")


@pytest.mark.parametrize(
    ("grid", "training", "kind"),
    [
        ({"learning_rate": [0.02, 0.05, 0.1], "init_id": 3}, {}, "endings"),
        ({"learning_rate": [0.02, 0.05, 0.1], "init_id": 3}, {"tolerance": None}, "map"),
        ({"learning_rate": [0.02, 0.05, 0.1], "momentum": [0, 0.2, 0.4]}, {}, "map"),
        ({"learning_rate": [0.02, 0.05, 0.1], "momentum": [0, 0.4]}, {}, "compare --by momentum"),
        ({"activation": ["tanh", "softplus"], "init_id": 3}, {}, "compare --by activation"),
        ({"init_id": 4}, {}, "trajectories"),
    ],
)
def test_the_plot_that_is_suggested_fits_the_grid(said, tmp_path, grid, training, kind):
    text, _, results = said(grid, epochs=5, **training)
    assert text.endswith(f"harness plot {results.folder} {kind}")
    named, *by = kind.split(" --by ")
    assert plots.draw(results, named, by=by[0] if by else None).caption
