"""Settings that only some optimisers or schedules have, as keys and as axes."""

import copy
import json
import math
import pickle
import tomllib

import numpy as np
import pandas as pd
import pytest

from harness.errors import ExperimentError
from harness.experiment import Experiment, conditional
from harness.experiment.experiment import MOST_VARIANTS
from harness.experiment.schedules import MOST_EPOCHS
from harness.experiment.schema import NetworkSection, OnlyFor, keys_of
from harness.kernels.optimisers import OPTIMISERS
from harness.training.buffers import start
from harness.training.trainer import Trainer
from harness.training.variants import make_lane_spec

BASE = {
    "name": "some",
    "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
    "data": {"generator": "dosage"},
    "training": {"epochs": 10, "learning_rate": 0.1},
}

ADAM = '"adam" or "adamw"'
OF_SGD = "which has momentum and drift."


def make(grid=None, **training):
    document = copy.deepcopy(BASE)
    document["training"] |= training
    return Experiment.from_mapping(document | ({"grid": grid} if grid else {}))


def complaint(grid=None, **training):
    with pytest.raises(ExperimentError) as caught:
        make(grid, **training)
    assert caught.value.advice
    return caught.value


def table(experiment):
    """Return the columns of the axes, one row per run."""
    return pd.DataFrame(experiment.grid.columns(np.arange(experiment.grid.size)))


# -- keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("training", "key", "problem", "advice"),
    [
        (
            {"beta1": 0.9},
            "training.beta1",
            f'= 0.9 is only for training.optimiser = {ADAM}; it is "sgd", {OF_SGD}',
            'Remove it, or write training.optimiser = "adam".',
        ),
        (
            {"optimiser": "adagrad", "momentum": 0.5},
            "training.momentum",
            '= 0.5 is only for training.optimiser = "sgd", "nesterov" or "rmsprop"; it is'
            ' "adagrad", which has epsilon.',
            'Remove it, or write training.optimiser = "sgd".',
        ),
        (
            {"schedule_every": 3},
            "training.schedule_every",
            '= 3 is only for training.schedule = "step"; it is "constant", which has no settings.',
            'Remove it, or write training.schedule = "step".',
        ),
        (
            {"epochs": 2, "schedule": [1.0, 0.5], "schedule_every": 3},
            "training.schedule_every",
            '= 3 is only for training.schedule = "step"; it is [1.0, 0.5].',
            'Remove it, or write training.schedule = "step".',
        ),
        (
            {"optimiser": "rprop", "schedule": "cosine"},
            "training.schedule",
            '= "cosine" has no effect on training.optimiser = "rprop", whose learning rate is only'
            " its first step size.",
            "Remove it, or use another optimiser.",
        ),
        (
            {"optimiser": "rprop", "warm_up": 3},
            "training.warm_up",
            '= 3 has no effect on training.optimiser = "rprop", whose learning rate is only its'
            " first step size.",
            "Remove it, or use another optimiser.",
        ),
        (
            {"schedule": [1.0, 0.5]},
            "training.schedule",
            "= [1.0, 0.5] has 2 factors; training.epochs = 10 needs one for each epoch.",
            "Give as many factors as epochs, or name a schedule.",
        ),
        (
            {"epochs": 2, "schedule": [1.0, 0.5], "warm_up": 1},
            "training.warm_up",
            "= 1 cannot come before a list of factors, which has those of all epochs.",
            "Remove it, and write its factors into training.schedule.",
        ),
        (
            {"epochs": MOST_EPOCHS + 1, "schedule": "cosine"},
            "training.epochs",
            '= 10000001 is too much for training.schedule = "cosine", which has a factor for each'
            " epoch; at most 10000000 are allowed.",
            "Use fewer epochs, or a constant learning rate.",
        ),
        (
            {"optimiser": "rprop", "step_min": 1.0, "step_max": 0.5},
            "training.step_min",
            "= 1.0 is above training.step_max = 0.5.",
            "Make it smaller, or step_max larger.",
        ),
        (
            {"optimiser": "rprop", "step_min": 51.0},
            "training.step_min",
            "= 51.0 is above training.step_max = 50.0.",
            "Make it smaller, or step_max larger.",
        ),
    ],
)
def test_a_key_that_does_not_fit_the_others(training, key, problem, advice):
    error = complaint(**training)
    assert (error.key, error.problem, error.advice) == (key, problem, advice)


def test_every_entry_takes_its_own_settings_and_no_others():
    for name, optimiser in OPTIMISERS.items():
        own = {setting.name for setting in optimiser.all_settings}
        for dotted, only_for in conditional.SETTINGS.items():
            if only_for.owner != "training.optimiser":
                continue
            key = dotted.removeprefix("training.")
            given = {"optimiser": name, key: 0.5 if key != "eta_plus" else 1.5}
            if key in own:
                assert make(**given).training.settings[key] == given[key]
            else:
                assert complaint(**given).key == dotted


def test_values_at_the_ends_are_allowed():
    assert make(optimiser="rprop", step_min=0.5, step_max=0.5)
    assert make(epochs=0, schedule=[])
    assert make(epochs=MOST_EPOCHS + 1)
    assert make(epochs=5, warm_up=10).training.warm_up == 10


def test_a_setting_of_the_file_is_for_the_runs_that_have_it():
    experiment = make({"optimiser": ["sgd", "adam", "nesterov"]}, momentum=0.5, beta1=0.8)
    found = [experiment.single(run).training for run in range(3)]
    assert [training.momentum for training in found] == [0.5, None, 0.5]
    assert [training.beta1 for training in found] == [None, 0.8, None]
    error = complaint({"optimiser": ["adagrad", "adam"]}, momentum=0.5)
    assert error.key == "training.momentum"
    assert 'only "adagrad" and "adam" are in use' in error.problem
    assert error.advice == 'Remove it, or add "sgd" to the grid.'


def test_the_optimiser_of_the_file_does_not_matter_beside_an_axis():
    experiment = make(
        {"optimiser": ["sgd", "nesterov"], "momentum": [0, 0.9], "l2": [0, 1]}, optimiser="adam"
    )
    assert experiment.grid.shape == (2, 2, 2)
    assert complaint({"optimiser": ["sgd"]}, optimiser="adam", beta1=0.5).key == "training.beta1"


# -- axes ------------------------------------------------------------------------------------------


def test_runs_without_a_setting_are_nan_and_trained_once():
    grid = {"optimiser": ["sgd", "adam"], "momentum": [0, 0.5, 0.9], "init_id": 2}
    experiment = make(grid)
    runs = table(experiment)
    sizes = runs.fillna(-1).groupby(["optimiser", "momentum"]).size().to_dict()
    assert sizes == {("sgd", 0.0): 2, ("sgd", 0.5): 2, ("sgd", 0.9): 2, ("adam", -1.0): 2}
    assert runs.columns.tolist() == ["optimiser", "momentum", "init_id"]
    # In the order in which they appear in the whole grid, the first axis fastest.
    assert runs["optimiser"].tolist() == ["sgd", "adam", "sgd", "sgd"] * 2
    assert runs["momentum"].fillna(-1).tolist() == [0, -1, 0.5, 0.9] * 2
    assert experiment.written_grid.shape == (2, 3, 2)
    assert experiment.entries_with("momentum") == ["sgd"]
    assert experiment.entries_with("init_id") == experiment.entries_with("optimiser") == []


@pytest.mark.parametrize(
    ("grid", "sizes"),
    [
        ({"optimiser": ["sgd", "adam"], "momentum": [0, 0.5, 0.9]}, {"sgd": 3, "adam": 1}),
        (
            {"optimiser": ["sgd", "adam", "rprop"], "momentum": [0, 0.5], "beta1": [0.5, 0.8, 0.9]},
            {"sgd": 2, "adam": 3, "rprop": 1},
        ),
        (
            {
                "beta2": {"log": [0.9, 0.999], "count": 4},
                "optimiser": ["adam", "rmsprop"],
                "decay": [0.9, 0.99],
                "epsilon": [1e-8, 1e-4],
            },
            {"adam": 8, "rmsprop": 4},
        ),
        ({"optimiser": ["sgd", "adagrad"], "drift_1": [0, 1], "drift_2": [0, 1]}, {"sgd": 4}),
        ({"schedule": ["constant", "step"], "schedule_factor": [0.1, 0.5]}, {"step": 2}),
        (
            {
                "schedule": ["step", "cosine", "one_cycle", "exponential"],
                "schedule_final": [0, 0.5],
                "schedule_factor": [0.5, 0.25],
                "schedule_rise": [0.3, 0.5],
            },
            {"step": 2, "cosine": 2, "one_cycle": 4, "exponential": 2},
        ),
    ],
)
def test_every_entry_has_the_combinations_of_its_own_settings(grid, sizes):
    experiment = make(grid)
    runs = table(experiment)
    owner = "optimiser" if "optimiser" in grid else "schedule"
    counts = runs[owner].value_counts().to_dict()
    assert counts == {name: sizes.get(name, 1) for name in grid[owner]}
    assert not runs.duplicated().any()
    # Every run is an experiment with the settings of its row, and no others.
    for run_id, row in enumerate(runs.to_dict("records")):
        single = experiment.single(run_id).training.model_dump(exclude_none=True)
        assert single[owner] == row.pop(owner)
        for name, value in row.items():
            given = single.get(name.partition("_1")[0].partition("_2")[0], math.nan)
            given = given[int(name[-1]) - 1] if isinstance(given, tuple) else given
            assert given == pytest.approx(value, nan_ok=True, rel=0, abs=0), name


def test_an_axis_that_all_have_is_not_folded():
    grid = {"optimiser": ["sgd", "nesterov"], "momentum": [0, 0.9], "l2": [0.0, 0.1]}
    experiment = make(grid)
    assert experiment.grid is experiment.written_grid
    assert experiment.grid.shape == (2, 2, 2)


def test_several_owners_and_axes_between_them():
    experiment = make(
        {
            "momentum": [0, 0.9],
            "schedule": ["constant", "step"],
            "init_id": 3,
            "optimiser": ["adam", "sgd"],
            "schedule_every": [2, 5],
        }
    )
    assert [[axis.name for axis in dimension] for dimension in experiment.grid.dimensions] == [
        ["momentum", "optimiser"],
        ["schedule", "schedule_every"],
        ["init_id"],
    ]
    assert experiment.grid.shape == (3, 3, 3)
    assert experiment.variant_grid.size == 2 * 3
    assert table(experiment)["schedule_every"].dtype == np.float64


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        (  # what is zipped with a setting stays; what differs only in the setting is there once
            {
                "optimiser": ["sgd", "adam"],
                "momentum": [0, 0.5, 0.9],
                "learning_rate": [0.1, 0.2, 0.1],
                "zip": [["momentum", "learning_rate"]],
            },
            {
                ("sgd", 0.0, 0.1),
                ("sgd", 0.5, 0.2),
                ("sgd", 0.9, 0.1),
                ("adam", None, 0.1),
                ("adam", None, 0.2),
            },
        ),
        (
            {
                "optimiser": ["sgd", "sgd", "adam", "adam"],
                "momentum": [0, 0.5, 0.5, 0.9],
                "learning_rate": [0.1, 0.2, 0.3, 0.3],
                "zip": [["optimiser", "momentum", "learning_rate"]],
            },
            {("sgd", 0.0, 0.1), ("sgd", 0.5, 0.2), ("adam", None, 0.3)},
        ),
        (
            {
                "learning_rate": [0.1, 0.2],
                "optimiser": ["sgd", "adam"],
                "momentum": [0, 0.5],
                "zip": [["learning_rate", "optimiser"]],
            },
            {("sgd", 0.0, 0.1), ("sgd", 0.5, 0.1), ("adam", None, 0.2)},
        ),
    ],
)
def test_zipped_axes(grid, expected):
    runs = table(make(grid))[["optimiser", "momentum", "learning_rate"]]
    rows = runs.astype(object).where(runs.notna(), None).itertuples(index=False, name=None)
    assert len(runs) == len(expected)
    assert set(rows) == expected


@pytest.mark.parametrize(
    ("grid", "key", "words"),
    [
        ({"beta1": [0.9]}, "training.beta1", [ADAM, 'it is "sgd"', "grid.beta1 = 0.9"]),
        (
            {"optimiser": ["sgd", "nesterov"], "beta1": [0.9]},
            "grid.beta1",
            [ADAM, 'only "sgd" and "nesterov" are in use', 'add "adam" to the grid'],
        ),
        (
            {"optimiser": ["sgd"], "schedule_every": [3]},
            "training.schedule_every",
            ['it is "constant", which has no settings', "grid.schedule_every = 3"],
        ),
        ({"optimiser": ["nestrov"], "beta1": [0.9]}, "training.optimiser", ['"nesterov"?']),
        (
            {"optimiser": ["sgd", "adam"], "beta2": [0.9, 1.5]},
            "training.beta2",
            ['This is at grid.optimiser = "adam", grid.beta2 = 1.5.'],
        ),
        (
            {"optimiser": ["adam", "nesterov", "sgd"], "momentum": [1.0, 0.5]},
            "training.momentum",
            ['This is at grid.optimiser = "nesterov", grid.momentum = 1.0.'],
        ),
        (
            {"schedule": ["constant", "step"], "schedule_every": [1, 0]},
            "training.schedule_every",
            ['This is at grid.schedule = "step", grid.schedule_every = 0.'],
        ),
        (
            {"optimiser": ["sgd", "rprop"], "schedule": ["constant", "cosine"]},
            "training.schedule",
            ['This is at grid.optimiser = "rprop", grid.schedule = "cosine".'],
        ),
        (
            {"optimiser": ["sgd", "rprop"], "step_min": [0.1, 1], "step_max": [2, 0.5]},
            "training.step_min",
            [
                "1.0 is above training.step_max = 0.5",
                'grid.optimiser = "rprop", grid.step_min = 1.0, grid.step_max = 0.5.',
            ],
        ),
        (
            {
                "optimiser": ["rprop", "sgd"],
                "step_min": [0.1, 1],
                "step_max": [2, 0.5],
                "zip": [["step_min", "step_max"]],
            },
            "training.step_min",
            ['This is at grid.optimiser = "rprop", grid.step_min = 1.0, grid.step_max = 0.5.'],
        ),
        (
            {"optimiser": ["sgd", "adam"], "momentum": {"linear": [0, 0.9], "count": 10**6 + 1}},
            "grid",
            ["1000001 combinations of momentum", "at most 1000000"],
        ),
        (
            {
                "optimiser": ["sgd", "adam"],
                "momentum": [0.5],
                "beta1": {"linear": [0, 0.9], "count": 2000},
                "beta2": {"linear": [0, 0.9], "count": 1000},
            },
            "grid",
            ["2000001 combinations of optimiser, momentum, beta1, beta2"],
        ),
    ],
)
def test_bad_axes(grid, key, words):
    error = complaint(grid)
    assert error.key == key
    assert all(word in f"{error.problem} {error.advice}" for word in words), str(error)


def test_bounds_that_meet_are_allowed():
    grid = {"optimiser": ["sgd", "rprop"], "step_min": [0.1, 0.5], "step_max": [2, 0.5]}
    assert make(grid).grid.size == 5
    assert make({"step_min": [0.1, 1.0]}, optimiser="rprop").grid.size == 2
    assert complaint({"step_min": [0.1, 60.0]}, optimiser="rprop").key == "training.step_min"


def test_factors_of_another_number_of_epochs_are_refused_at_their_value():
    error = complaint({"max_epochs": [2, 3]}, epochs=2, schedule=[1.0, 0.5])
    assert error.key == "training.schedule"
    assert error.problem.endswith("needs one for each epoch. This is at grid.max_epochs = 3.")


def test_only_variants_count_as_variants():
    many = {"linear": [0, 0.9], "count": MOST_VARIANTS + 1}
    experiment = make({"optimiser": ["sgd", "adam"], "momentum": many})
    assert experiment.grid.size == MOST_VARIANTS + 2
    assert experiment.variant_grid.size == 2
    assert experiment.variants.counts().tolist() == [MOST_VARIANTS + 1, 1]


@pytest.fixture
def scales_of_relu(monkeypatch):
    """Make the scales of layers a setting of relu: its owner has an entry for each layer."""
    only_for = OnlyFor("network.activations", {"relu": 1.0})
    field = keys_of(NetworkSection)["scales"]
    monkeypatch.setitem(field.json_schema_extra, "only_for", only_for)
    monkeypatch.setitem(conditional.SETTINGS, "network.scales", only_for)

    def make_network(grid, activations=("softplus", "tanh", "identity"), **keys):
        network = {"layers": [1, 2, 2, 1], "activations": [*activations], **keys}
        return Experiment.from_mapping({**copy.deepcopy(BASE), "network": network, "grid": grid})

    return make_network


@pytest.mark.parametrize(
    ("grid", "output", "lacks"),
    [
        (  # a run has the setting if any layer has the entry
            {
                "activation_1": ["tanh", "relu"],
                "activation_2": ["relu", "sigmoid"],
                "scale_3": [1.0, 2.0],
            },
            "identity",
            1,
        ),
        ({"activation": ["tanh", "relu"], "scale_3": [1.0, 2.0]}, "identity", 1),
        ({"activation": ["tanh", "relu"], "scale_3": [1.0, 2.0]}, "relu", 0),
    ],
)
def test_a_setting_of_layers(scales_of_relu, grid, output, lacks):
    experiment = scales_of_relu(grid, ["softplus", "tanh", output])
    names = [name for name in grid if name.startswith("activation")]
    runs = table(experiment)
    counts = runs.groupby(names, sort=False).size()
    lacking = runs.groupby(names, sort=False)["scale_3"].apply(lambda s: s.isna().all())
    assert counts[lacking].tolist() == [1] * lacks
    assert counts[~lacking].eq(2).all()
    assert experiment.entries_with("scale_3") == (["relu"] if lacks else [])


def test_a_setting_that_no_layer_has(scales_of_relu):
    assert scales_of_relu({"activation_1": ["tanh", "relu"]}, scales=[1, 2, 1]).grid.size == 2
    for grid, keys, key, used in (
        ({}, {"scales": [1.0, 2.0, 1.0]}, "network.scales", '"softplus", "tanh" and "identity"'),
        (
            {"activation": ["tanh", "sigmoid"], "scale_1": [1.0]},
            {},
            "grid.scale_1",
            '"identity", "tanh" and "sigmoid"',
        ),
    ):
        with pytest.raises(ExperimentError) as caught:
            scales_of_relu(grid, **keys)
        assert caught.value.key == key
        assert caught.value.problem.endswith(
            f'is only for "relu" in network.activations; only {used} are in use.'
        )


# -- what is made of them --------------------------------------------------------------------------


GRID = {
    "learning_rate": [0.1, 0.2],
    "optimiser": ["sgd", "adam", "rmsprop"],
    "momentum": [0, 0.5],
    "beta1": [0.9, 0.8],
    "drift_1": [0.0, 0.1],
    "schedule": ["constant", "step"],
    "schedule_every": [2, 3],
}


def test_documents_hashes_and_copies_have_no_nan():
    experiment = make(GRID)
    assert table(experiment)["momentum"].isna().any()
    assert Experiment.from_mapping(experiment.document()) == experiment
    again = Experiment.from_mapping(tomllib.loads(experiment.to_toml()))
    assert again == experiment
    assert again.grid.size == experiment.grid.size
    json.dumps(experiment.document(), allow_nan=False)  # raises if there is NaN
    assert experiment.identity != experiment.lineage  # and so do these
    elsewhere = pickle.loads(pickle.dumps(experiment))
    assert elsewhere == experiment
    former_ids = elsewhere.grid.in_former(experiment.grid)
    assert former_ids is not None
    run_ids = np.arange(experiment.grid.size)
    assert np.array_equal(former_ids(run_ids), run_ids)


def test_the_identity_is_that_of_the_settings_that_are_used():
    grid = {"optimiser": ["sgd", "nesterov"]}
    assert make(grid, momentum=0.0).identity != make(grid).identity  # the default of sgd only
    assert make(momentum=0.0).identity == make().identity
    assert make(optimiser="nesterov", momentum=0.9).identity == make(optimiser="nesterov").identity
    assert make(schedule="step", schedule_every=100) == make(schedule="step")
    assert make(schedule="step", schedule_every=99) != make(schedule="step")
    assert make({"optimiser": ["sgd", "adam"]}, momentum=0.0) == make(
        {"optimiser": ["sgd", "adam"]}
    )


def test_a_point_leaves_out_what_an_entry_lacks():
    experiment = make(GRID, beta2=0.9)
    at = experiment.at({"optimiser": "sgd", "momentum": 0.5, "beta1": math.nan})
    assert (at.training.momentum, at.training.beta1, at.training.beta2) == (0.5, None, None)
    with pytest.raises(ExperimentError, match=r"momentum = 0\.5 is only for"):
        experiment.at({"optimiser": "adam", "momentum": 0.5})
    with pytest.raises(ExperimentError, match="learning_rate = nan"):
        experiment.at({"learning_rate": math.nan})


def test_kernels_see_no_nan_and_use_no_setting_that_does_not_apply():
    experiment = make(GRID)
    trainer, run_ids = Trainer(experiment), np.arange(experiment.grid.size)
    axes = experiment.grid.columns(run_ids)
    assert any(np.isnan(axes[name]).any() for name in ("momentum", "beta1", "drift_1"))
    variant_of = experiment.variants.ids(run_ids)
    assert np.bincount(variant_of).tolist() == experiment.variants.counts().tolist()
    for index in range(experiment.variant_grid.size):
        variant, inside = trainer.variant(index), variant_of == index
        runs = start(variant, {n: v[inside] for n, v in axes.items()}, int(inside.sum()))
        for array in (runs.settings, runs.state, runs.theta, variant.plan.factors):
            assert not np.isnan(array).any()
        optimiser = variant.experiment.training.optimiser
        assert set(axes["optimiser"][inside]) == {optimiser}
        used = set(make_lane_spec(variant, experiment.varied, None).settings)
        own = {setting.name for setting in OPTIMISERS[optimiser].settings}
        always = {
            setting.name for setting in OPTIMISERS[optimiser].settings if setting.neutral is None
        }
        assert used == always | ({"momentum", "drift"} & own)


def test_all_runs_of_a_variant_are_trained_together():
    zipped = {
        "activation_1": ["tanh", "relu", "tanh", "relu"],
        "learning_rate": [0.1, 0.2, 0.3, 0.4],
        "zip": [["activation_1", "learning_rate"]],
        "init_id": 3,
    }
    experiment = make(zipped)
    assert experiment.variant_grid.size == 2
    assert experiment.variants.ids(np.arange(12)).tolist() == [0, 1] * 6
    assert experiment.variants.counts().tolist() == [6, 6]
