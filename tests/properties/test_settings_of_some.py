"""A grid has each combination of the settings that runs have once, in the order of the grid."""

import itertools
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.experiment import Experiment

# Who has which setting, as the papers of the optimisers and schedules say; not from the tables.
OPTIMISERS = {
    "sgd": {"momentum", "drift_1"},
    "nesterov": {"momentum"},
    "adagrad": {"epsilon"},
    "rmsprop": {"momentum", "epsilon", "decay"},
    "adam": {"beta1", "beta2", "epsilon"},
    "adamw": {"beta1", "beta2", "epsilon"},
}
SCHEDULES = {
    "constant": set(),
    "step": {"schedule_every", "schedule_factor"},
    "exponential": {"schedule_factor"},
    "cosine": {"schedule_final"},
    "one_cycle": {"schedule_rise", "schedule_final"},
}
OWNERS = {"optimiser": OPTIMISERS, "schedule": SCHEDULES}
VALUES = {
    **dict.fromkeys(("momentum", "decay", "beta1", "beta2", "schedule_rise"), (0.25, 0.5, 0.75)),
    **dict.fromkeys(("epsilon", "drift_1", "schedule_factor"), (0.1, 0.2)),
    "schedule_every": (1, 2, 3),
    "schedule_final": (0.0, 0.5),
    "l2": (0.0, 0.1),
    "init_id": (3, 0, 8),
    "learning_rate": (0.1, 0.2, 0.4),
}


@st.composite
def grids(draw):
    """Return the axes of a grid, with one or two owners, in any order."""
    grid = {}
    for owner, entries in OWNERS.items():
        if owner == "optimiser" or draw(st.booleans()):
            names = draw(st.lists(st.sampled_from(sorted(entries)), min_size=1, unique=True))
            grid[owner] = names
    in_use = {setting for o, names in grid.items() for n in names for setting in OWNERS[o][n]}
    others = sorted(in_use | {"l2", "init_id", "learning_rate"})
    for name in draw(st.lists(st.sampled_from(others), max_size=5, unique=True)):
        grid[name] = draw(
            st.lists(st.sampled_from(VALUES[name]), min_size=1, max_size=3, unique=True)
        )
    return {name: grid[name] for name in draw(st.permutations(sorted(grid)))}


@st.composite
def zips(draw, grid):
    """Return a group of axes of one length that are zipped, or none."""
    by_length = {}
    for name, values in grid.items():
        by_length.setdefault(len(values), []).append(name)
    groups = [names for names in by_length.values() if len(names) > 1]
    if not groups or draw(st.booleans()):
        return []
    group = draw(st.sampled_from(groups))
    return [draw(st.lists(st.sampled_from(group), min_size=2, max_size=3, unique=True))]


def dimensions(grid, groups):
    """Return the dimensions as lists of axes; a zipped one is where the first of its group is."""
    group_of = {name: group for group in groups for name in group}
    return [group_of.get(name, [name]) for name in grid if group_of.get(name, [name])[0] == name]


def has(point, name):
    """Return whether the run at a point has a setting."""
    for owner, entries in OWNERS.items():
        if owner in point and any(name in settings_ for settings_ in entries.values()):
            return name in entries[point[owner]]
    return True


def distinct(grid, groups):
    """Return the distinct combinations in the order of the whole grid, as tuples of its axes."""
    rows = []
    parts = [
        list(zip(*(grid[n] for n in names), strict=True)) for names in dimensions(grid, groups)
    ]
    names = [n for part in dimensions(grid, groups) for n in part]
    for values in itertools.product(*reversed(parts)):
        point = dict(zip(names, (v for part in reversed(values) for v in part), strict=True))
        rows.append(tuple(point[n] if has(point, n) else None for n in sorted(grid)))
    return list(dict.fromkeys(rows))


@settings(max_examples=150)
@given(st.data())
def test_a_grid_is_the_list_of_distinct_combinations(data):
    grid = data.draw(grids())
    groups = data.draw(zips(grid))
    experiment = Experiment.from_mapping(
        {
            "name": "some",
            "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
            "data": {"generator": "dosage"},
            "training": {"epochs": 5, "learning_rate": 0.1},
            "grid": grid | ({"zip": groups} if groups else {}),
        }
    )
    expected = distinct(grid, groups)
    assert experiment.grid.size == len(expected)
    columns = experiment.grid.columns(np.arange(len(expected)))
    assert set(columns) == set(grid)
    rows = zip(*(columns[name].tolist() for name in sorted(grid)), strict=True)
    found = [
        tuple(None if isinstance(v, float) and math.isnan(v) else v for v in row) for row in rows
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)
    if len(experiment.grid.dimensions) <= 1:
        assert found == expected
    # Variants number the same combinations of what is not a number of a run.
    variants, counts = experiment.variants, experiment.variants.counts()
    ids = variants.ids(np.arange(len(expected)))
    assert np.bincount(ids, minlength=variants.grid.size).tolist() == counts.tolist()
    for run_id, variant in enumerate(ids.tolist()):
        there = experiment.grid.point(run_id)
        for name, value in variants.grid.point(variant).items():
            assert there[name] == value or there[name] != there[name]
    # A grid that has grown from its part finds all former runs by their values.
    former_ids = experiment.grid.in_former(experiment.grid)
    assert former_ids is not None
    assert former_ids(np.arange(len(expected))).tolist() == [*range(len(expected))]
