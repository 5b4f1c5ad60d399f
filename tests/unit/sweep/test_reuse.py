"""Grown grids: only new runs are trained, and the bytes are those of a fresh folder."""

from typing import Any, NamedTuple

import pandas as pd
import pytest

import harness
from harness.experiment.schedules import SCHEDULES
from harness.kernels.optimisers import OPTIMISERS
from harness.results import inspection
from harness.store import Store
from harness.sweep import chunks, run

POINTS = {
    "inputs": [[0.1, -0.7], [0.9, 0.3], [-1.2, 0.4], [0.6, 1.1], [-0.2, -0.5]],
    "targets": [0.2, 0.8, 0.4, 0.7, 0.1],
}


@pytest.fixture(autouse=True)
def chunks_of_five(monkeypatch):
    # No axis here has a multiple of 5 values, so chunks begin anywhere.
    monkeypatch.setattr(chunks, "MAX_RUNS", 5)


@pytest.fixture
def sweep_of(small):
    """Return a function that makes an experiment with runs of all three statuses."""

    def make(**changes):
        return small(**{
            "training__tolerance": 0.67,
            "training__limit": 100.0,
            "initialisation__scheme": "normal",
            "initialisation__biases": "same",
            "record__parameters": True,
            **changes,
        })  # fmt: skip

    return make


class Grown(NamedTuple):
    """The runs before and after growth, and the last progress."""

    before: pd.DataFrame
    after: pd.DataFrame
    progress: Any

    @property
    def former(self):
        """Columns of `after`, with those of `before` as former_*; NaN for new runs."""
        axes = list(self.after.columns[1 : list(self.after.columns).index("status")])
        before = self.before.rename(columns={n: f"former_{n}" for n in ("status", "epochs")})
        columns = [*axes, "former_status", "former_epochs"]
        before = before.astype(self.after[axes].dtypes)  # numbers beside names are texts
        return self.after.merge(before[columns], on=axes, how="left", validate="one_to_one")

    def updates(self, *, anew, per_epoch=1):
        """Number of necessary updates, computed from the tables."""
        runs = self.former
        assert runs["former_epochs"].notna().sum() == len(self.before)
        new = runs["former_epochs"].isna() | (
            (runs["former_status"] == "finished") & (runs["epochs"] > runs["former_epochs"])
        )
        done = 0 if anew else runs["former_epochs"].fillna(0)
        return per_epoch * (runs["epochs"] - done)[new].sum()


def everything(folder, generation):
    """Content of a folder by name, without the suffix of the generation."""
    suffix = f"-g{generation}" if generation else ""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (".lock", "manifest.json"):
            if path.suffix != ".csv" and name not in ("commits/csv.json", "data.parquet"):
                assert path.stem.endswith(suffix), name
                name = f"{path.parent.name}/{path.stem.removesuffix(suffix)}{path.suffix}"
            found[name] = b"" if path.parent.name == "commits" else path.read_bytes()
    return found


def assert_like_fresh(tmp_path, experiment, results, generation, **options):
    fresh = harness.run(experiment, tmp_path / "fresh", **options)
    pd.testing.assert_frame_equal(results.runs, fresh.runs, check_exact=True)
    pd.testing.assert_frame_equal(results.trajectories(), fresh.trajectories(), check_exact=True)
    theirs, ours = everything(fresh.folder, 0), everything(results.folder, generation)
    assert sorted(ours) == sorted(theirs)
    assert [name for name in theirs if ours[name] != theirs[name]] == []
    for key in ("experiment", "identity", "runs", "chunks", "chunk_size"):
        assert results.manifest[key] == fresh.manifest[key]
    assert {file.problem for file in inspection.verify(results.folder)} == {""}


def grow(tmp_path, *experiments, **options):
    """Train experiments in one folder in turn, and compare the last with a fresh folder."""
    seen, folder = [], tmp_path / "out"
    for experiment in experiments[:-1]:
        before = harness.run(experiment, folder, **options).runs
    after = harness.run(experiments[-1], folder, progress=seen.append, **options)
    assert_like_fresh(tmp_path, experiments[-1], after, len(experiments) - 1, **options)
    assert seen[-1].runs == seen[-1].runs_done == len(after.runs)
    return Grown(before, after.runs, seen[-1])


# -- more values -----------------------------------------------------------------------------------

RATES = [0.05, 0.1, 0.9]
TWO_INPUTS = {"layers": [2, 2, 1], "activations": ["tanh", "identity"]}
FOLDS = {"network": TWO_INPUTS, "data": POINTS | {"folds": 3, "standardise": ["inputs"]}}
HALF = {"network": TWO_INPUTS, "data": POINTS | {"validation": 0.5}}
SAMPLE = {
    "count": 6,
    "learning_rate": {"log": [0.01, 1.0]},
    "width": {"linear": [1, 3]},
    "optimiser": ["sgd", "adam"],
    "momentum": {"linear": [0, 0.9]},
}
MORE_VALUES = {
    "init_id": ({}, {"grid__init_id": 7}),
    "rate at the end": ({}, {"grid__learning_rate": [*RATES, 2.0]}),
    "rate in the middle": ({}, {"grid__learning_rate": [0.05, 0.07, 0.1, 0.9]}),
    "rates in another order": ({}, {"grid__learning_rate": [0.9, 0.3, 0.1, 0.05]}),
    "rates from a list to a range": (
        {"grid__learning_rate": [0.01, 0.1]},
        {"grid__learning_rate": {"log": [0.01, 1.0], "count": 5}},
    ),
    "both": ({}, {"grid__init_id": 5, "grid__learning_rate": [0.01, *RATES]}),
    "zipped": (
        {"grid": {"learning_rate": RATES, "init_scale": [1.0, 1.5, 0.5],
                  "zip": [["learning_rate", "init_scale"]], "init_id": 3}},
        {"grid": {"learning_rate": [0.05, 0.1, 0.1, 0.9], "init_scale": [1.0, 0.7, 1.5, 0.5],
                  "zip": [["learning_rate", "init_scale"]], "init_id": 4}},
    ),
    "momentum": (
        {"grid__momentum": [0.0, 0.5], "record__measures": ["ssr_mean", "epoch_of_ssr_min"]},
        {"grid__momentum": [0.9, 0.0, 0.5], "record__measures": ["ssr_mean", "epoch_of_ssr_min"]},
    ),
    "width": (
        {"grid": {"width": [1, 3], "init_id": 4}},
        {"grid": {"width": [1, 2, 3, 4], "init_id": 4}},
    ),
    "activation": (
        {"grid": {"activation_1": ["tanh"], "init_id": 4}},
        {"grid": {"activation_1": ["relu", "tanh"], "init_id": 6}},
    ),
    "loss": (
        {"grid": {"loss": ["ssr"], "init_id": 4}},
        {"grid": {"loss": ["mse", "ssr"], "init_id": 4}},
    ),
    "max_epochs": (
        {"grid": {"max_epochs": [2, 5], "learning_rate": RATES, "init_id": 2}},
        {"grid": {"max_epochs": [5, 9, 2], "learning_rate": RATES, "init_id": 3}},
    ),
    "parameters of every epoch": (
        {"record__parameters": "trajectory", "grid": {"width": [1, 3], "init_id": 3}},
        {"record__parameters": "trajectory", "grid": {"width": [1, 2, 3], "init_id": 4}},
    ),
    "fold": (
        {"grid": {"fold": [0, 2], "init_id": 3}, **FOLDS},
        {"grid": {"fold": [0, 1, 2], "init_id": 3}, **FOLDS},
    ),
    "split_seed": (
        {"grid": {"split_seed": [3], "init_id": 3}, **HALF},
        {"grid": {"split_seed": [2, 3], "init_id": 4}, **HALF},
    ),
    "a setting that only some runs have": (
        {"grid": {"optimiser": ["sgd", "rmsprop"], "decay": [0.9], "init_id": 2}},
        {"grid": {"optimiser": ["rmsprop", "sgd"], "decay": [0.5, 0.9], "init_id": 3}},
    ),
    "an optimiser that lacks a setting of the others": (
        {"grid": {"momentum": [0.0, 0.5], "init_id": 2, "optimiser": ["sgd"]}},
        {"grid": {"momentum": [0.0, 0.5], "init_id": 2, "optimiser": ["sgd", "rprop"]}},
    ),
    "a schedule": (
        {"grid": {"schedule": ["constant"], "init_id": 3}},
        {"grid": {"schedule": ["step", "constant"], "init_id": 3}},
    ),
    "numbers beside names": (
        {"grid": {"scale": [0.5, 1.0], "init_id": 4}},
        {"grid": {"scale": [0.5, 1.0, "1/fan_in"], "init_id": 4}},
    ),
    "random values": (
        {"grid": {"learning_rate": {"random": [0.01, 1.0], "count": 4}, "init_id": 2}},
        {"grid": {"learning_rate": {"random": [0.01, 1.0], "count": 7}, "init_id": 3}},
    ),
    "random points": ({"grid": {"init_id": 2, "sample": SAMPLE}},
                      {"grid": {"init_id": 2, "sample": SAMPLE | {"count": 9}}}),
    "Sobol points": (
        {"grid": {"init_id": 3, "sample": SAMPLE | {"method": "sobol"}}},
        {"grid": {"init_id": 4, "sample": SAMPLE | {"method": "sobol", "count": 8}}},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "now"), MORE_VALUES.values(), ids=MORE_VALUES)
def test_more_values_of_an_axis_train_only_the_new_runs(sweep_of, tmp_path, before, now):
    grown = grow(tmp_path, sweep_of(**before), sweep_of(**now))
    assert len(grown.after) > len(grown.before)
    assert grown.progress.runs_reused == len(grown.before)
    assert grown.progress.updates_done == grown.updates(anew=False)


def test_a_latin_hypercube_does_not_grow(sweep_of, tmp_path):
    for count in (6, 7):
        sample = SAMPLE | {"method": "latin_hypercube", "count": count}
        experiment = sweep_of(grid={"init_id": 2, "sample": sample})
        if count == 6:
            harness.run(experiment, tmp_path)
    with pytest.raises(harness.ResultsError, match='"random" and "sobol" keep them') as caught:
        harness.run(experiment, tmp_path)
    assert "grid.sample.count was 6 and is 7" in str(caught.value)


def test_reused_runs_are_those_of_the_smaller_grid(sweep_of, tmp_path):
    grown = grow(tmp_path, sweep_of(), sweep_of(grid__learning_rate=[0.05, 0.07, 0.1, 0.9]))
    assert set(grown.before["status"]) == {"finished", "converged", "diverged"}
    same = grown.after[grown.after["learning_rate"].isin(RATES)]
    pd.testing.assert_frame_equal(
        same.drop(columns="run_id").reset_index(drop=True),
        grown.before.drop(columns="run_id"),
        check_exact=True,
    )


# -- more axes -------------------------------------------------------------------------------------

ONE = {"grid": {"learning_rate": RATES}}
NEW_AXES = {
    "last": ({}, {"grid__init_scale": [1.0, 0.5]}),
    "last, another value of the file": (
        {"initialisation__scale": 2.0},
        {"initialisation__scale": 2.0, "grid__init_scale": [2.0, 1.0]},
    ),
    "last, and the file has a new value, which no run uses": (
        {"initialisation__scale": 2.0},
        {"grid__init_scale": [2.0, 1.0]},
    ),
    "not first among its values": ({}, {"grid__init_scale": [0.5, 1.0]}),
    "first": ({}, {"grid": {"init_scale": [1.0, 0.5], "learning_rate": RATES, "init_id": 4}}),
    "two": ({}, {"grid__momentum": [0.0, 0.5], "grid__batch_size": ["all", 1]}),
    "two zipped": (
        {},
        {
            "grid__momentum": [0.0, 0.5],
            "grid__init_scale": [1.0, 2.0],
            "grid__zip": [["momentum", "init_scale"]],
        },
    ),
    "where there was no grid": ({"grid": {}}, {"grid": {"init_id": 3}}),
    "of initialisations": (ONE, {"grid": {"learning_rate": RATES, "init_id": 3}}),
    "of a layer": (ONE, {"grid": {"learning_rate": RATES, "activation_2": ["tanh", "identity"]}}),
    "of widths": (ONE, {"grid": {"learning_rate": RATES, "width": [2, 3]}}),
    "of epochs": (ONE, {"grid": {"learning_rate": RATES, "max_epochs": [20, 30]}}),
    "of losses": (ONE, {"grid": {"learning_rate": RATES, "loss": ["mse", "ssr"]}}),
    "of a parameter": (
        {**ONE, "initialisation__parameters": {"w1": 0.5}},
        {"grid": {"learning_rate": RATES, "w1": [0.5, 1.5]}},
    ),
    "of folds": (FOLDS | ONE, FOLDS | {"grid": {"learning_rate": RATES, "fold": [0, 1, 2]}}),
    "of splits": (HALF | ONE, HALF | {"grid": {"learning_rate": RATES, "split_seed": [5, 0]}}),
    "of optimisers": (ONE, {"grid": {"learning_rate": RATES, "optimiser": ["rprop", "sgd"]}}),
    "of optimisers, with a setting of the file": (
        {**ONE, "training__momentum": 0.5},
        {
            "training__momentum": 0.5,
            "grid": {"learning_rate": RATES, "optimiser": ["sgd", "rprop"]},
        },
    ),
    "of optimisers beside one that the others lack": (
        {"grid": {"momentum": [0.0, 0.5], "learning_rate": RATES}},
        {
            "grid": {
                "momentum": [0.0, 0.5],
                "learning_rate": RATES,
                "optimiser": ["sgd", "rprop"],
                "eta_plus": [1.2, 1.5],
            }
        },
    ),
    "of a setting that only some runs have": (
        {"grid": {"learning_rate": RATES, "optimiser": ["sgd", "rprop"]}},
        {"grid": {"learning_rate": RATES, "optimiser": ["sgd", "rprop"], "momentum": [0.0, 0.5]}},
    ),
    "of schedules and their settings": (
        ONE,
        {
            "grid": {
                "learning_rate": RATES,
                "schedule": ["constant", "step"],
                "schedule_every": [5, 7],
            }
        },
    ),
    "of a penalty": (ONE, {"grid": {"learning_rate": RATES, "l2": [0.0, 0.1]}}),
    "and more values": ({}, {"grid__init_id": 6, "grid__init_scale": [1.0, 0.5]}),
}


@pytest.mark.parametrize("case", NEW_AXES)
def test_a_new_axis_that_has_the_value_of_the_file(case, tmp_path, sweep_of):
    before, now = NEW_AXES[case]
    grown = grow(tmp_path, sweep_of(**before), sweep_of(**now), lanes=1)
    assert grown.progress.runs_reused == len(grown.before)


def test_a_new_last_axis_keeps_the_ids(tmp_path, sweep_of):
    grown = grow(tmp_path, sweep_of(), sweep_of(grid__init_scale=[1.0, 0.5]), lanes=1)
    there = grown.after[grown.after["run_id"] < len(grown.before)]
    pd.testing.assert_frame_equal(there.drop(columns="init_scale"), grown.before, check_exact=True)
    assert there["init_scale"].eq(1.0).all()


@pytest.mark.parametrize(
    "now",
    [
        {"grid__init_scale": [0.5, 2.0]},
        {"grid__w1": [0.0, 0.5]},  # it was drawn
        {"grid__momentum": [0.5, 0.9]},
        {"grid__optimiser": ["sgd", "nesterov"], "grid__momentum": [0.9]},
        {"grid__tolerance": [0.5, 0.1], "training__tolerance": 0.67},
        {"grid": {"learning_rate": RATES, "init_scale": [1.0, 0.5]}},  # without init_id
        {
            "grid__init_scale": [1.0, 0.5, 2.0],
            "grid__zip": [["learning_rate", "init_scale"]],
        },
    ],
)
def test_a_new_axis_without_the_value_of_the_file_is_another_experiment(now, tmp_path, sweep_of):
    harness.run(sweep_of(), tmp_path / "out", lanes=1)
    with pytest.raises(harness.ResultsError, match="holds the results of another experiment"):
        harness.run(sweep_of(**now), tmp_path / "out", lanes=1)


def test_a_new_axis_beside_other_data_is_another_experiment(tmp_path, sweep_of):
    harness.run(sweep_of(), tmp_path / "out", lanes=1)
    other = sweep_of(grid__init_scale=[1.0, 0.5], data={"inputs": [0, 1, 2], "targets": [0, 1, 0]})
    with pytest.raises(harness.ResultsError, match="holds the results of another experiment"):
        harness.run(other, tmp_path / "out", lanes=1)


@pytest.mark.parametrize(
    "keys", [{}, {"validation": 2}, {"folds": 3, "fold": 1}, {"folds": 5}, {"validation": 0.7}]
)
def test_another_split_is_another_experiment(keys, tmp_path, sweep_of):
    harness.run(sweep_of(**HALF), tmp_path / "out", lanes=1)
    other = sweep_of(network=TWO_INPUTS, data=POINTS | keys, grid__momentum=[0.0, 0.5])
    with pytest.raises(harness.ResultsError, match=r"data\.validation was 0\.5 and is"):
        harness.run(other, tmp_path / "out", lanes=1)


# -- more epochs -----------------------------------------------------------------------------------

SHUFFLED = {
    "network": {"layers": [2, 3, 1], "activations": ["tanh", "identity"]},
    "data": POINTS,
    "training__batch_size": 2,
    "training__tolerance": 0.05,
}
GOES_ON = {
    "all": {},
    "every": {"record__epochs": {"every": 3}},
    "every, and the former end is due": {"record__epochs": {"every": 10}},
    "none": {"record__epochs": "none"},
    "measures": {"record__measures": ["epoch_of_ssr_min", "gradient_norm"]},
    "mean": {
        "network__loss": "mse", "training__tolerance": 0.67 / 3,
        "grid__learning_rate": [0.15, 0.3, 2.7],
    },
    "in order": {**SHUFFLED, "record__epochs": {"every": 7}},
    "shuffled": {**SHUFFLED, "training__batches": "shuffled"},
    "drawn": {**SHUFFLED, "training__batches": "drawn"},
    "some parameters": {"training__train": ["w1", "b1", "b3"]},
    "drift": {"training__drift": [0.001, -0.002]},
    "parameters of every epoch": {
        "record__parameters": "trajectory", "record__epochs": {"every": 10},
    },
}  # fmt: skip
ANEW = {
    "without parameters": {"record__parameters": False},
    "momentum": {"training__momentum": 0.5},
    "mean SSR": {"record__measures": ["ssr_mean"]},
}


@pytest.mark.parametrize("changes", GOES_ON.values(), ids=GOES_ON)
def test_with_more_epochs_runs_continue(sweep_of, tmp_path, changes):
    grown = grow(tmp_path, sweep_of(**changes), sweep_of(**changes, training__epochs=33))
    assert set(grown.before["status"]) == {"finished", "converged", "diverged"}
    assert grown.after["epochs"].max() > 25
    per_epoch = 3 if "training__batch_size" in changes else 1
    assert grown.progress.updates_done == grown.updates(anew=False, per_epoch=per_epoch)
    assert grown.progress.runs_reused == len(grown.before)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_with_the_state_of_its_optimiser_a_run_continues(sweep_of, tmp_path, optimiser):
    settings = {s.name for s in OPTIMISERS[optimiser].settings}
    changes = {
        "training__optimiser": optimiser,
        "training__tolerance": 1e-9,
        "training__schedule": "step" if OPTIMISERS[optimiser].scheduled else "constant",
        "record__state": True,
        **({"grid__momentum": [0.0, 0.5]} if "momentum" in settings else {}),
    }
    now = sweep_of(**changes, training__epochs=33)
    grown = grow(tmp_path, sweep_of(**changes), now)
    assert grown.after["epochs"].max() == 33
    assert grown.progress.updates_done == grown.updates(anew=False)


@pytest.mark.parametrize("state", [True, False])
def test_runs_continue_only_with_the_state_that_they_need(sweep_of, tmp_path, state):
    changes = {"training__optimiser": "adam", "record__state": state}
    grown = grow(tmp_path, sweep_of(**changes), sweep_of(**changes, training__epochs=33))
    assert grown.progress.updates_done == grown.updates(anew=not state)


def test_the_state_that_a_run_does_not_need_is_nan(sweep_of, tmp_path):
    changes = {"grid": {"momentum": [0.0, 0.5], "init_id": 3}, "record__state": True}
    runs = harness.run(sweep_of(**changes), tmp_path).runs
    unused = runs["w1_velocity"].isna()
    assert unused.equals(runs["momentum"] == 0.0)


@pytest.mark.parametrize("schedule", [name for name in SCHEDULES if SCHEDULES[name].ends])
def test_with_a_schedule_that_would_change_runs_do_not_continue(sweep_of, tmp_path, schedule):
    changes = {"training__schedule": schedule}
    harness.run(sweep_of(**changes), out=tmp_path / "a")
    with pytest.raises(harness.ResultsError, match=f'the schedule "{schedule}" has other'):
        harness.run(sweep_of(**changes, training__epochs=33), out=tmp_path / "a")


@pytest.mark.parametrize("changes", ANEW.values(), ids=ANEW)
def test_runs_without_their_whole_state_are_trained_from_the_start(sweep_of, tmp_path, changes):
    grown = grow(tmp_path, sweep_of(**changes), sweep_of(**changes, training__epochs=33))
    assert set(grown.before["status"]) == {"finished", "converged", "diverged"}
    assert grown.progress.updates_done == grown.updates(anew=True)


def test_a_run_that_is_trained_from_the_start_is_not_called_reused(sweep_of, tmp_path):
    changes = {"record__parameters": False}
    grown = grow(tmp_path, sweep_of(**changes), sweep_of(**changes, training__epochs=33))
    assert grown.progress.runs_reused == (grown.before["status"] != "finished").sum()


def test_only_runs_without_momentum_continue(sweep_of, tmp_path):
    changes = {"grid__momentum": [0.0, 0.5]}
    grown = grow(tmp_path, sweep_of(**changes), sweep_of(**changes, training__epochs=33))
    runs = grown.former
    more = runs[runs["epochs"] > runs["former_epochs"]]
    assert set(more["momentum"]) == {0.0, 0.5}
    updates = more["epochs"] - more["former_epochs"].where(more["momentum"] == 0.0, 0)
    assert grown.progress.updates_done == updates.sum()


def test_from_no_epoch_at_all(sweep_of, tmp_path):
    grown = grow(tmp_path, sweep_of(training__epochs=0), sweep_of(training__epochs=7))
    assert grown.progress.updates_done == grown.after["epochs"].sum()


def test_more_epochs_and_more_values_at_once(sweep_of, tmp_path):
    now = sweep_of(training__epochs=33, grid__init_id=5, grid__learning_rate=[0.07, *RATES])
    grown = grow(tmp_path, sweep_of(), now)
    assert grown.progress.updates_done == grown.updates(anew=False)


def test_runs_in_lanes_continue_too(sweep_of, tmp_path):
    now = sweep_of(training__epochs=33, grid__init_id=6)
    grown = grow(tmp_path, sweep_of(), now, lanes=8)
    assert grown.progress.updates_done == grown.updates(anew=False)


def test_a_folder_grows_again_and_again(sweep_of, tmp_path):
    middle = sweep_of(training__epochs=25, grid__init_id=5)
    grown = grow(tmp_path, sweep_of(), middle, sweep_of(training__epochs=33, grid__init_id=6))
    assert grown.progress.updates_done == grown.updates(anew=False)


# -- interrupted growth ---------------------------------------------------------------------------


def half_grown(monkeypatch, folder, before, now, lost=(1, 3)):
    """Grow a folder until the process is killed, with some chunks still missing."""
    harness.run(before, folder)

    def killed(store):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "_finish", killed)
        with pytest.raises(KeyboardInterrupt):
            harness.run(now, folder)
    for chunk in lost:
        for path in folder.glob(f"*/*{chunk:06}-g1.*"):
            path.unlink()
    store = Store.open(folder)
    assert store.missing() == list(lost)
    assert len(store.earlier()) == 1


def test_interrupted_growth_resumes(sweep_of, tmp_path, monkeypatch):
    now = sweep_of(grid__init_id=7)
    half_grown(monkeypatch, tmp_path / "out", sweep_of(), now)
    seen = []
    results = harness.run(now, tmp_path / "out", progress=seen.append)
    assert_like_fresh(tmp_path, now, results, 1)
    # Chunks 1 and 3 are runs 5 to 9 and 15 to 19; the smaller grid had 12.
    assert seen[-1].runs_reused == 5
    assert seen[-1].updates_done == results.runs["epochs"][15:20].sum()


MIDDLE_AND_LAST = {
    "values": (
        {}, {"grid__init_id": 7}, {"grid__init_id": 7, "grid__learning_rate": [*RATES, 2.0]}
    ),
    "epochs": ({}, {"training__epochs": 25}, {"training__epochs": 33}),
    "values, then epochs": ({}, {"grid__init_id": 7}, {"grid__init_id": 8, "training__epochs": 33}),
    "losses": (
        {"grid": {"loss": ["ssr"], "init_id": 8}},
        {"grid": {"loss": ["ssr", "mse"], "init_id": 9}},
        {"grid": {"loss": ["half_ssr", "ssr", "mse"], "init_id": 9}},
    ),
    "widths": (
        {"grid": {"width": [2], "init_id": 8}},
        {"grid": {"width": [2, 4], "init_id": 9}},
        {"grid": {"width": [1, 2, 4], "init_id": 10}},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("first", "middle", "last"), MIDDLE_AND_LAST.values(), ids=MIDDLE_AND_LAST)
def test_a_folder_grows_again_before_it_has_grown(
    sweep_of, tmp_path, monkeypatch, first, middle, last
):
    folder, now = tmp_path / "out", sweep_of(**last)
    half_grown(monkeypatch, folder, sweep_of(**first), sweep_of(**middle), lost=(0, 2))
    seen = []
    results = harness.run(now, folder, progress=seen.append)
    assert_like_fresh(tmp_path, now, results, 2)
    assert len(results.runs) > seen[-1].runs_reused > 0 or "grid__init_id" not in last
    assert seen[-1].updates_done < results.runs["epochs"].sum()


def test_a_half_grown_folder_is_whole_and_has_its_status(sweep_of, tmp_path, monkeypatch):
    half_grown(monkeypatch, tmp_path / "out", sweep_of(), sweep_of(grid__init_id=7))
    found = inspection.status(tmp_path / "out")
    assert (found.runs, found.runs_done, found.chunks, found.chunks_done) == (21, 11, 5, 3)
    checked = {file.name: file.problem for file in inspection.verify(tmp_path / "out")}
    assert {name: problem for name, problem in checked.items() if problem} == {}
    assert checked.keys() >= {f"runs/part-000002{suffix}.parquet" for suffix in ("", "-g1")}


def test_a_broken_chunk_of_the_smaller_grid_is_trained_again(sweep_of, tmp_path, monkeypatch):
    folder, now = tmp_path / "out", sweep_of(grid__init_id=7)
    half_grown(monkeypatch, folder, sweep_of(), now, lost=(1,))
    path = folder / "runs" / "part-000001.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(harness.ResultsError, match=r"part-000001\.parquet is broken.*\n.*verify"):
        harness.run(now, folder)
    problems = [file.name for file in inspection.verify(folder) if file.problem]
    assert "runs/part-000001.parquet" in problems
    seen = []
    results = harness.run(now, folder, progress=seen.append)
    fresh = harness.run(now, tmp_path / "fresh")
    pd.testing.assert_frame_equal(results.runs, fresh.runs, check_exact=True)
    assert seen[-1].runs_reused == 0
    assert seen[-1].updates_done == fresh.runs["epochs"][5:10].sum()


@pytest.mark.parametrize("generation", [0, 1])
def test_parts_without_a_commit_go_with_their_generation(
    sweep_of, tmp_path, monkeypatch, generation
):
    # Left by a process that was killed before the commit, or by `verify` of a broken chunk.
    folder, now = tmp_path / "out", sweep_of(grid__init_id=9)
    half_grown(monkeypatch, folder, sweep_of(), sweep_of(grid__init_id=7), lost=())
    suffix = "-g1" if generation else ""
    (folder / "commits" / f"000001{suffix}.json").unlink()
    assert_like_fresh(tmp_path, now, harness.run(now, folder), 2)


# -- refused growth -------------------------------------------------------------------------------

REFUSED = {
    "fewer epochs": ({}, {"training__epochs": 10}, ["training.epochs was 20 and is 10", "fewer"]),
    "a value gone": (
        {},
        {"grid__learning_rate": [0.05, 0.9, 0.7]},
        ["grid.learning_rate was [0.05, 0.1, 0.9] and is [0.05, 0.9, 0.7]", "removed"],
    ),
    "fewer starts": ({}, {"grid__init_id": 3}, ["grid.init_id was 4 and is 3", "removed"]),
    "other epochs recorded": (
        {"record__epochs": {"log": 5}},
        {"record__epochs": {"log": 5}, "training__epochs": 200},
        ["training.epochs was 20 and is 200", "every"],
    ),
    "another axis": ({}, {"grid__momentum": [0.5]}, ["grid.momentum was not given and is [0.5]"]),
    "axes in another order": (
        {"grid": {"init_id": 4, "learning_rate": RATES}},
        {"grid": {"learning_rate": RATES, "init_id": 5}},
        ["grid.init_id was 4 and is 5"],
    ),
    "axes in another order, and a new one": (
        {"grid": {"init_id": 4, "learning_rate": RATES}},
        {"grid": {"learning_rate": RATES, "init_id": 4, "init_scale": [1.0, 2.0]}},
        ["grid.init_scale was not given and is [1.0, 2.0]"],
    ),
    "axes zipped that were not, and a new one": (
        {"grid": {"init_id": [0, 1, 2], "learning_rate": RATES}},
        {
            "grid": {
                "init_id": [0, 1, 2],
                "learning_rate": RATES,
                "init_scale": [1.0, 2.0],
                "zip": [["init_id", "learning_rate"]],
            }
        },
        ["grid.init_scale was not given and is [1.0, 2.0]"],
    ),
    "another key beside": (
        {},
        {"grid__init_id": 5, "training__momentum": 0.5},
        ["training.momentum was not given and is 0.5"],
    ),
    "other data": (
        {"data": {"inputs": [0, 1], "targets": [0, 1]}},
        {"data": {"inputs": [0, 1], "targets": [0, 2]}, "grid__init_id": 5},
        ["data.targets was"],
    ),
}


@pytest.mark.parametrize(("before", "now", "words"), REFUSED.values(), ids=REFUSED)
def test_other_experiments_are_refused_and_nothing_changes(sweep_of, tmp_path, before, now, words):
    folder = tmp_path / "out"
    harness.run(sweep_of(**before), folder)
    found = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.name[0] != "."}
    del found[folder / "commits"], found[folder / "runs"], found[folder / "trajectories"]
    with pytest.raises(harness.ResultsError) as caught:
        harness.run(sweep_of(**now), folder)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "--out" in str(caught.value)
    again = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.name[0] != "."}
    assert {path: again[path] for path in found} == found
    assert len(again) == len(found) + 3
