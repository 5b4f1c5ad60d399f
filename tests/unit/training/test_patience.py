"""Early stopping in a sweep, against a loop over the held-out losses of runs that never stop."""

import re

import numpy as np
import pandas as pd
import pytest

import harness
from harness.analysis.replay import state_after
from harness.cli.summary_screen import summarise
from harness.experiment import Experiment
from harness.training.variants import make_variant, work_of

RNG = np.random.default_rng(8)
INPUTS, NOISE = RNG.normal(size=(14, 2)), np.random.default_rng(8).normal(size=14)
EPOCHS = 80


def an_experiment(**sections):
    document = {
        "name": "patient",
        "network": {"layers": [2, 4, 1], "activations": ["tanh", "identity"]},
        "data": {
            "inputs": INPUTS.tolist(),
            "targets": (INPUTS[:, 0] * INPUTS[:, 1] + NOISE).tolist(),
            "validation": 0.4,
            "split_seed": 5,  # some runs stop early, some late, some never
        },
        "training": {"epochs": EPOCHS, "learning_rate": 0.02},
        "initialisation": {"biases": "same"},
        "grid": {"init_id": 7},
        "record": {"epochs": "all"},
    }
    for name, section in sections.items():
        document[name] = {**document.get(name, {}), **section}
    return Experiment.from_mapping(document)


def epochs_of(losses, patience):
    """Return the epoch at which a run ends, and that of its least loss."""
    least, since = np.inf, 0
    for epoch, loss in enumerate(losses):
        if loss < least:
            least, since = loss, epoch
        if epoch - since >= patience:
            break
    return epoch, since


@pytest.mark.parametrize("epochs", ["all", "none"])
def test_runs_stop_where_a_loop_over_their_held_out_losses_does(tmp_path, epochs):
    grid = {"loss": ["ssr", "half_ssr"], "patience": [1, 4, 30], "init_id": 7}
    sweep = an_experiment(grid=grid, record={"epochs": epochs})
    free = an_experiment(grid={"loss": ["ssr", "half_ssr"], "init_id": 7})
    found = harness.run(sweep, tmp_path / "patient").runs
    paths = harness.run(free, tmp_path / "free")
    by_run = paths.trajectories.groupby("run_id")["validation_loss"]
    losses = {
        (run["loss"], run["init_id"]): by_run.get_group(run["run_id"]).to_numpy()
        for run in paths.runs.to_dict("records")
    }
    assert set(found["status"]) == {"finished", "stopped"}
    for run in found.to_dict("records"):
        path = losses[run["loss"], run["init_id"]]
        last, since = epochs_of(path, run["patience"])
        assert (run["epochs"], run["epoch_of_validation_min"]) == (last, since)
        assert run["status"] == ("finished" if last == EPOCHS else "stopped")
        assert run["validation_loss_min"] == path[since]
        assert run["validation_loss_final"] == path[last]


@pytest.mark.parametrize("epochs", ["all", "none", {"every": 10}])
def test_a_grown_sweep_is_that_of_one_trained_at_once(tmp_path, epochs):
    def sweep(most, seeds):
        return an_experiment(
            training={"epochs": most, "patience": 9}, grid={"init_id": seeds},
            record={"epochs": epochs, "parameters": True},
        )  # fmt: skip

    first = harness.run(sweep(25, 5), tmp_path / "grown").runs
    assert set(first["status"]) == {"finished", "stopped"}
    grown, once = (harness.run(sweep(60, 7), tmp_path / folder) for folder in ("grown", "once"))
    pd.testing.assert_frame_equal(grown.runs, once.runs)
    pd.testing.assert_frame_equal(grown.trajectories, once.trajectories)
    continued = grown.runs.merge(first, on="init_id")
    later = continued["epochs_x"] > 25
    assert 0 < later.sum() < len(continued)
    assert (continued["status_x"][later] == "stopped").any()


def test_held_out_losses_that_are_nan_stop_a_run(tmp_path):
    # The output overflows at the large held-out input only.
    sweep = an_experiment(
        network={"layers": [1, 1], "activations": ["identity"], "loss": "mse"},
        data={"inputs": [1.0, 2.0, 1e308], "targets": [1.0, 2.0, 0.0], "validation": 1,
              "split_seed": 3},
        training={"patience": 5}, initialisation={"scale": 100.0}, grid={"init_id": 40},
        record={"epochs": "none"},
    )  # fmt: skip
    assert 1e308 in sweep.validation.inputs
    runs = harness.run(sweep, tmp_path / "nan").runs
    endless = ~np.isfinite(runs["validation_loss_min"])
    assert endless.any()
    assert (runs["epochs"][endless] == 5).all()
    assert (runs["status"][endless] == "stopped").all()


def test_a_replay_knows_whether_the_run_was_stopped():
    single = an_experiment(training={"patience": 3}, grid={"init_id": 7}).single(0)
    variant = make_variant(single)
    last = state_after(variant, EPOCHS)
    assert last.status == "stopped"
    before, at_the_end, beyond = (state_after(variant, last.epochs + k) for k in (-1, 0, 1))
    assert (before.status, before.epochs) == ("running", last.epochs - 1)
    assert (at_the_end.status, at_the_end.epochs) == ("stopped", last.epochs)
    assert (beyond.status, beyond.epochs) == ("stopped", last.epochs)


def test_forward_passes_over_held_out_points_are_work():
    work = [work_of(make_variant(an_experiment(training=t))) for t in ({}, {"patience": 1})]
    assert 1.0 < work[1] / work[0] < 1.0 + 6 / 8


@pytest.mark.parametrize("sections", [{"training": {"patience": 3}}, {"grid": {"patience": [3]}}])
def test_patience_needs_held_out_data(sections):
    with pytest.raises(harness.ExperimentError) as caught:
        an_experiment(data={"validation": None, "split_seed": 0}, **sections)
    assert caught.value.key == "training.patience"
    assert "needs held-out data points" in str(caught.value)
    assert "data.validation" in str(caught.value)


@pytest.mark.parametrize("patience", [0, -1, 1.5, True, "none"])
def test_patience_is_a_whole_number_of_at_least_1(patience):
    with pytest.raises(harness.ExperimentError, match="whole number from 1"):
        an_experiment(training={"patience": patience})


def test_the_summary_names_stopped_runs(tmp_path, capsys):
    grid = {"learning_rate": [0.01, 0.02], "init_id": 7}
    results = harness.run(
        an_experiment(training={"epochs": 60, "patience": 9}, grid=grid), tmp_path / "summary"
    )
    summarise(results)
    said = capsys.readouterr().out
    stopped = results.runs["status"] == "stopped"
    finished = len(stopped) - stopped.sum()
    assert 0 < finished < stopped.sum()
    assert f"14 runs: {stopped.sum()} stopped, {finished} finished." in said
    for rate, share in stopped.groupby(results.runs["learning_rate"]).mean().items():
        row = re.search(rf"^ *{rate} +7 +0% +0% +(\S+%)", said, re.MULTILINE)
        assert row, said
        assert float(row[1].rstrip("%")) == pytest.approx(100 * share, abs=0.05)
    assert "lowest ssr_final" in said
