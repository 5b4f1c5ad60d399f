"""Data points that are held out: which they are, how they are scaled, and what is refused."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.errors import ExperimentError
from harness.experiment import Experiment, held_out
from harness.experiment.generators import GENERATORS, TRAINING, VALIDATION
from harness.experiment.split import by_largest_remainder, count_of, hold_out, hold_out_fold
from tests.reference.random_numbers import uniform01

STREAM_SPLIT = 5  # major = 0, index = data point


def order_of(points, seed):
    """Return data points in the order of their random numbers, one number at a time."""
    return sorted(range(points), key=lambda i: uniform01(seed, STREAM_SPLIT, 0, i))


def classes(sizes, seed=0):
    """Return targets, (m, 1), of classes of some sizes, in random order."""
    labels = np.repeat(np.arange(len(sizes), dtype=float), sizes)
    return np.random.default_rng(seed).permutation(labels)[:, np.newaxis]


# ----------------------------------------------------------------------------------- arithmetic


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
@pytest.mark.parametrize("points", [2, 3, 10, 101])
def test_the_first_points_of_a_random_order_are_held_out(points, seed):
    order = order_of(points, seed)
    for count in {1, points // 2, points - 1}:
        found = hold_out(points, count, seed)
        assert np.flatnonzero(found).tolist() == sorted(order[:count])


@pytest.mark.parametrize(("points", "folds"), [(2, 2), (10, 3), (11, 5), (101, 101)])
def test_folds_are_parts_of_the_random_order(points, folds):
    order = np.array(order_of(points, 7))
    for fold, expected in enumerate(np.array_split(order, folds)):
        found = hold_out_fold(points, folds, fold, 7)
        assert np.flatnonzero(found).tolist() == sorted(expected.tolist())


@pytest.mark.parametrize(
    ("share", "points", "count"),
    [(0.2, 10, 2), (0.2, 112, 22), (1e-9, 10, 1), (0.999, 10, 9), (0.5, 2, 1), (0.3, 2, 1)],
)
def test_a_share_is_rounded_and_leaves_points_in_both_parts(share, points, count):
    assert count_of(share, points) == count


def test_seats_are_those_of_hamilton():
    # The example of the United States census of 1790: 15 states and 105 seats.
    states = {
        "Virginia": (630560, 18), "Massachusetts": (475327, 14), "Pennsylvania": (432879, 13),
        "North Carolina": (353523, 10), "New York": (331589, 10), "Maryland": (278514, 8),
        "Connecticut": (236841, 7), "South Carolina": (206236, 6), "New Jersey": (179570, 5),
        "New Hampshire": (141822, 4), "Vermont": (85533, 2), "Georgia": (70835, 2),
        "Kentucky": (68705, 2), "Rhode Island": (68446, 2), "Delaware": (55540, 2),
    }  # fmt: skip
    sizes, seats = zip(*states.values(), strict=True)
    assert by_largest_remainder(sizes, 105) == list(seats)


@pytest.mark.parametrize("sizes", [[5, 5], [70, 20, 10], [50, 3, 1, 1], [1, 1, 1, 2], [33, 34, 35]])
@pytest.mark.parametrize("seed", [0, 3])
def test_classes_keep_their_share(sizes, seed):
    targets = classes(sizes, seed)
    labels, m = targets[:, 0].astype(int), sum(sizes)
    for count in {1, m // 5 or 1, m // 2, m - 1}:
        found = hold_out(m, count, seed, targets)
        assert found.sum() == count
        held_out = np.bincount(labels[found], minlength=len(sizes))
        assert np.all(np.abs(held_out - np.array(sizes) * count / m) < 1)
        # Within each class, the first of the random order.
        for label in range(len(sizes)):
            order = [i for i in order_of(m, seed) if labels[i] == label]
            assert (
                sorted(order[: held_out[label]])
                == np.flatnonzero(found & (labels == label)).tolist()
            )


@pytest.mark.parametrize("sizes", [[5, 5], [70, 20, 10], [50, 3, 1, 1], [33, 34, 35]])
@pytest.mark.parametrize("folds", [2, 5, 7])
def test_folds_by_class_are_a_partition_with_the_shares_of_the_classes(sizes, folds):
    targets = classes(sizes)
    labels, m = targets[:, 0].astype(int), sum(sizes)
    parts = [hold_out_fold(m, folds, fold, 3, targets) for fold in range(folds)]
    assert np.sum(parts, axis=0).tolist() == [1] * m
    assert [p.sum() for p in parts] == [len(p) for p in np.array_split(np.arange(m), folds)]
    counts = np.array([np.bincount(labels[p], minlength=len(sizes)) for p in parts])
    assert np.all(np.ptp(counts, axis=0) <= 1)


# As printed by scikit-learn 1.9.1: StratifiedShuffleSplit(1, test_size=count, random_state=0), and
# each part of StratifiedKFold(5, shuffle=True, random_state=0).
@pytest.mark.parametrize(
    ("sizes", "count", "expected", "of_fold"),
    [
        ([60, 20, 20], 25, [15, 5, 5], [12, 4, 4]),
        ([70, 20, 10], 20, [14, 4, 2], [14, 4, 2]),
        ([50, 30, 17, 3], 21, [10, 6, 4, 1], None),
        ([33, 34, 35], 40, [13, 13, 14], None),
    ],
)
def test_shares_of_classes_are_those_of_scikit_learn(sizes, count, expected, of_fold):
    m, targets = sum(sizes), classes(sizes)
    found = hold_out(m, count, 1, targets)
    assert np.bincount(targets[found, 0].astype(int)).tolist() == expected
    for fold in range(5) if of_fold else ():
        found = hold_out_fold(m, 5, fold, 1, targets)
        assert np.bincount(targets[found, 0].astype(int)).tolist() == of_fold


def test_points_added_at_the_end_hardly_change_a_split():
    before, after = hold_out(1000, 200, 4), hold_out(1010, 202, 4)
    assert np.count_nonzero(before != after[:1000]) < 10


# ---------------------------------------------------------------------------------- experiments


def make(data, layers=(1, 1), table=None, folder=None, **sections):
    document = {
        "name": "held_out",
        "network": {"layers": list(layers), "activations": ["identity"] * (len(layers) - 1)},
        "data": data,
        "training": {"epochs": 2, "learning_rate": 0.1},
        **sections,
    }
    return Experiment.from_mapping(document, data=table, folder=folder)


TEN = {"inputs": [float(i) for i in range(10)], "targets": [float(i % 2) for i in range(10)]}


@pytest.mark.parametrize(
    "keys",
    [
        {"validation": 0.3},
        {"validation": 3, "split_seed": 8},
        {"validation": 0.3, "stratify": True},
        {"folds": 3, "fold": 2},
        {"folds": 10, "stratify": True},
    ],
)
def test_the_parts_are_the_source_in_its_order(keys):
    experiment = make(TEN | keys)
    training, validation = experiment.data.inputs[:, 0], experiment.validation.inputs[:, 0]
    assert len(validation) == (1 if keys.get("folds") == 10 else 3)
    assert np.all(np.diff(training) > 0)
    assert np.all(np.diff(validation) > 0)
    assert sorted([*training, *validation]) == experiment.source.inputs[:, 0].tolist()
    assert experiment.validation.targets[:, 0].tolist() == (validation % 2).tolist()


def test_without_held_out_points_the_source_is_scaled_for_training():
    experiment = make(TEN | {"standardise": ["inputs"]})
    assert experiment.validation is None
    assert experiment.source.inputs.tolist() == make(TEN).data.inputs.tolist()
    # The identity is that of the scaled numbers, given as they are.
    scaled = make(TEN | {"inputs": experiment.data.inputs.tolist()})
    assert scaled.data.inputs.tobytes() == experiment.data.inputs.tobytes()
    assert scaled.identity == experiment.identity != make(TEN).identity


@pytest.mark.parametrize("how", ["standardise", "min_max", 4.0])
def test_scaling_is_measured_on_the_others(how):
    held_out = np.flatnonzero(hold_out(10, 3, 0)).tolist()
    inputs = np.array(TEN["inputs"])
    keys = {"targets": TEN["targets"], "validation": 3, "scale": {"inputs": how}}
    before = make({"inputs": inputs.tolist(), **keys})
    inputs[held_out[1]] = 1e6
    after = make({"inputs": inputs.tolist(), **keys})
    assert after.data.inputs.tobytes() == before.data.inputs.tobytes()
    kept = np.delete(inputs, held_out)
    shift, size = {
        "standardise": (kept.mean(), kept.std()),
        "min_max": (kept.min(), np.ptp(kept)),
        4.0: (0.0, 4.0),
    }[how]
    np.testing.assert_allclose(after.data.inputs[:, 0], (kept - shift) / size, rtol=1e-13)
    np.testing.assert_allclose(
        after.validation.inputs[:, 0], (inputs[held_out] - shift) / size, rtol=1e-13
    )
    assert after.source.inputs[:, 0].tolist() == inputs.tolist()


def test_means_of_missing_inputs_are_measured_on_the_others():
    held_out = hold_out(10, 3, 0)
    inputs = np.arange(10.0)
    inputs[[np.flatnonzero(held_out)[0], np.flatnonzero(~held_out)[0]]] = np.nan
    table = pd.DataFrame({"a": inputs, "b": TEN["targets"]})
    keys = {"inputs": ["a"], "targets": ["b"], "missing": "mean"}
    experiment = make(keys | {"validation": 3}, table=table)
    mean = np.nanmean(inputs[~held_out])
    assert experiment.data.inputs[0, 0] == experiment.validation.inputs[0, 0] == mean
    assert np.isnan(experiment.source.inputs).sum() == 2


@pytest.mark.parametrize(
    "name", [name for name, entry in GENERATORS.items() if "samples" in entry.keys]
)
def test_generators_make_further_points(name):
    outputs = 3 if name == "blobs" else 1
    inputs = 1 if name in ("chebyshev", "sine", "step", "gaussian") else 2
    data = {"generator": name, "samples": 12, "seed": 3}
    experiment = make(data | {"validation": 5}, (inputs, outputs))
    keys = {**GENERATORS[name].keys, "seed": 3}
    for part, samples, found in (
        (TRAINING, 12, experiment.data),
        (VALIDATION, 5, experiment.validation),
    ):
        made = GENERATORS[name].make(inputs, outputs, part, **{**keys, "samples": samples})
        assert found.inputs.tolist() == made.inputs.tolist()
        assert found.targets.tolist() == made.targets.tolist()
    assert len(experiment.source.inputs) == 17
    assert len(make(data | {"validation": 0.25}, (inputs, outputs)).data.inputs) == 9


def test_a_table_of_a_generator_is_split():
    experiment = make({"generator": "gates", "validation": 1}, (2, 1))
    assert (len(experiment.data.inputs), len(experiment.validation.inputs)) == (3, 1)


def test_axes_of_the_split():
    experiment = make(
        TEN | {"folds": 5, "scale": {"inputs": "min_max"}},
        grid={"fold": [0, 1, 2, 3, 4], "split_seed": [0, 1], "init_id": 2},
    )
    for run in (0, 3, 9, 13):
        single = experiment.single(run)
        expected = hold_out_fold(10, 5, run % 5, run // 5 % 2)
        assert np.flatnonzero(expected).tolist() == [
            TEN["inputs"].index(x) for x in experiment.source.inputs[expected, 0]
        ]
        assert single.source is experiment.source
        assert len(single.validation.inputs) == 2
        kept = experiment.source.inputs[~expected]
        assert single.data.inputs.tolist() == ((kept - kept.min()) / np.ptp(kept)).tolist()


def test_other_axes_do_not_divide_the_data_again():
    experiment = make(TEN | {"validation": 3}, (1, 2, 1), grid={"width": [2, 3], "init_id": 2})
    assert experiment.single(3).data is experiment.data


def test_each_division_is_made_once():
    grid = {"fold": [0, 1, 2], "width": [2, 3], "init_id": 2}
    experiment = make(TEN | {"folds": 3}, (1, 2, 1), grid=grid)
    for run in range(12):
        point = experiment.single(run)
        assert point.data is experiment.at({"fold": point.data_section.fold}).data
    assert len({id(experiment.at({"fold": fold}).data) for fold in range(3)}) == 3


def test_divisions_of_many_numbers_are_not_all_kept(monkeypatch):
    monkeypatch.setattr(held_out, "MOST_NUMBERS", 45)  # each division has 20
    experiment = make(TEN | {"folds": 3}, grid={"fold": [0, 1, 2]})
    kept = [experiment.at({"fold": fold}).data is experiment.single(fold).data for fold in range(3)]
    assert kept == [True, True, False]


def test_kept_divisions_are_not_pickled():
    few, many = (
        make(TEN | {"folds": 10}, grid={"fold": {"linear": [0, last], "count": last + 1}})
        for last in (1, 9)
    )
    # A division has 20 numbers of 8 bytes.
    assert len(pickle.dumps(many)) - len(pickle.dumps(few)) < 160
    again = pickle.loads(pickle.dumps(many))
    for fold in range(10):
        assert again.single(fold).data.inputs.tolist() == many.single(fold).data.inputs.tolist()


def test_an_axis_of_a_generator_makes_both_parts_again():
    data = {"generator": "sine", "samples": 5, "validation": 4}
    experiment = make(data, grid={"turns": [1.0, 2.0], "init_id": 1})
    single = experiment.single(1)
    expected = make(data | {"turns": 2.0})
    assert single.validation.targets.tolist() == expected.validation.targets.tolist()
    assert single.validation.inputs.tolist() == experiment.validation.inputs.tolist()


# ------------------------------------------------------------------------------------ identity


def test_the_identity_holds_what_decides_split_and_scaling():
    variants = [
        {}, {"validation": 3}, {"validation": 0.4}, {"validation": 3, "split_seed": 1},
        {"validation": 3, "stratify": True}, {"folds": 5}, {"folds": 5, "fold": 1},
        *({"validation": 3, "scale": {"inputs": how}} for how in ("min_max", 2, 3)),
        *({"validation": 3, "standardise": [columns]} for columns in ("inputs", "targets")),
    ]  # fmt: skip
    assert len({make(TEN | keys).identity for keys in variants}) == len(variants)
    same = make(TEN | {"validation": 3, "scale": {"inputs": "standardise"}})
    assert same.identity == make(TEN | {"validation": 3, "standardise": ["inputs"]}).identity


def test_words_are_part_of_the_identity_if_columns_are_scaled():
    table = pd.DataFrame({"a": list("xyyxyxxyxy"), "b": range(10), "t": range(10)})
    keys = {"inputs": ["a", "b"], "targets": ["t"], "validation": 3}
    words = make(keys | {"scale": {"inputs": "min_max"}}, (3, 1), table=table)
    source = replace(words.source, input_words=frozenset())
    numbers = Experiment.from_mapping(words.document(), data=source)
    assert words.identity != numbers.identity


# ------------------------------------------------------------------------------ file of its own

FIRST = "a,b,c\n1,x,no\n2,y,yes\n,x,no\n5,y,maybe\n"
COLUMNS = {"file": "first.csv", "inputs": ["a", "b"], "targets": ["c"]}


def from_files(folder, second, first=FIRST, layers=(3, 3), name="second.csv", **keys):
    (folder / "first.csv").write_text(first)
    if name.endswith(".csv"):
        (folder / name).write_text(second)
    else:
        pd.DataFrame(second).to_parquet(folder / name)
    keys = {"missing": "mean", **keys}
    return make(COLUMNS | {"validation_file": name} | keys, layers, folder=folder)


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("second.csv", "a,b,c\n3,y,yes\n,y,yes\n"),
        ("second.csv", "c;b;a\nyes;y;3,0\nyes;y;\n"),
        ("second.parquet", {"c": ["yes", "yes"], "a": [3.0, None], "b": ["y", "y"]}),
    ],
)
def test_another_file_is_held_out(tmp_path, name, second):
    found = from_files(tmp_path, second, name=name, scale={"inputs": "min_max"})
    mean = 8 / 3
    scaled = [(x - 1) / 4 for x in (1, 2, mean, 5, 3, mean)]
    words = [[1, 0], [0, 1], [1, 0], [0, 1], [0, 1], [0, 1]]
    expected = [[x, *word] for x, word in zip(scaled, words, strict=True)]
    np.testing.assert_allclose(found.data.inputs, expected[:4])
    np.testing.assert_allclose(found.validation.inputs, expected[4:])
    # maybe, no, yes
    assert found.data.targets.tolist() == [[0, 1, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert found.validation.targets.tolist() == [[0, 0, 1], [0, 0, 1]]


def test_missing_cells_of_both_files_are_dropped(tmp_path):
    found = from_files(tmp_path, "a,b,c\n,x,no\n7,x,no\n", missing="drop")
    assert found.source.held_out == 1
    assert len(found.data.inputs) == 3
    assert found.validation.inputs.tolist() == [[7, 1, 0]]


def test_whole_numbers_are_classes_in_both_files(tmp_path):
    keys = {"inputs": ["a"], "targets": ["c"], "layers": (1, 3)}
    found = from_files(tmp_path, "a,c\n1,5\n", "a,c\n1,3\n1,5\n2,9\n", **keys)
    assert found.validation.targets.tolist() == [[0, 1, 0]]
    with pytest.raises(ExperimentError, match=r'has "4" in column "c", and .*\.csv" does not'):
        from_files(tmp_path, "a,c\n1,4\n", "a,c\n1,3\n1,5\n2,9\n", **keys)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ("a,b,c\n1,z,no\n", 'has "z" in column "b", and ".*first.csv" does not.'),
        ("a,b,c\n1,x,never\n", 'has "never" in column "c", and ".*first.csv" does not.'),
        ("a,b,c\n1,2,no\n", 'has numbers in column "b", and ".*first.csv" has words.'),
        ("a,b,c\nx,x,no\n", 'has words in column "a", and ".*first.csv" has numbers.'),
        ("a,b,c\n1,,no\n", 'has "" in line 2, column "b"; a missing word cannot'),
        ("a,b,c\n", "has a header and no data points."),
        ("", "is empty."),
    ],
)
def test_another_file_has_the_same_columns_and_words(tmp_path, second, words):
    with pytest.raises(ExperimentError, match=words) as caught:
        from_files(tmp_path, second)
    assert caught.value.key == "data.validation_file"
    assert "second.csv" in str(caught.value)


TARGETS = "a,c\n\n1,0\n2,\n\n3,1\n4,1\n5,1\n6,0\n"


@pytest.mark.parametrize(
    ("keys", "first", "second", "where"),
    [
        ({}, "a,c\n1,0\n\n2,\n3,1.5\n", "", "line 5;"),
        ({"header": False}, "1,0\n2,1\n,1\n4,2\n", "", "line 4;"),
        ({}, TARGETS, "a,c\n\n1,\n2,1\n3,-1\n", "line 5 of data.validation_file;"),
        ({}, TARGETS, {"a": [1.0, None, 3.0], "c": [0, 0, 2]}, "row 3 of data.validation_file;"),
        (
            {"validation": 1, "split_seed": next(s for s in range(99) if hold_out(5, 1, s)[1])},
            TARGETS.replace("3,1", "3,3"),
            "",
            "line 6, which is held out;",
        ),
    ],
)
def test_a_target_that_the_loss_does_not_allow_is_named_by_its_line(
    tmp_path, keys, first, second, where
):
    (tmp_path / "first.csv").write_text(first)
    data = {"file": "first.csv", "inputs": ["1"], "targets": ["2"], "missing": "drop", **keys}
    if isinstance(second, dict):
        pd.DataFrame(second).to_parquet(tmp_path / "second.parquet")
        data["validation_file"] = "second.parquet"
    elif second:
        (tmp_path / "second.csv").write_text(second)
        data["validation_file"] = "second.csv"
    network = {"layers": [1, 1], "activations": ["sigmoid"], "loss": "cross_entropy"}
    with pytest.raises(ExperimentError) as caught:
        make(data, folder=tmp_path, network=network)
    assert where in str(caught.value)


@pytest.mark.parametrize("key", ["inputs", "targets"])
@pytest.mark.parametrize("keys", [{}, {"folds": 4}])
def test_numbers_that_single_precision_does_not_have(key, keys):
    largest = float(np.finfo(np.float32).max)
    data = {"inputs": [1.0, -largest, 3.0, 4.0], "targets": [1.0, 2.0, 3.0, largest], **keys}
    training = {"epochs": 1, "learning_rate": 0.1, "precision": "float32"}
    make(data, training=training)
    data[key] = [1.0, -1e39, 3.0, 4.0]
    make(data)
    where = "in data point 2(, which is held out)?; the largest number of"
    with pytest.raises(ExperimentError, match=where) as caught:
        make(data, training=training)
    assert caught.value.key == f"data.{key}"
    make(data | {"scale": {key: 1e3}}, training=training)


@pytest.mark.parametrize("generated", [False, True])
def test_a_target_that_is_held_out_is_named_by_its_number(generated):
    network = {"layers": [2, 1], "activations": ["sigmoid"], "loss": "cross_entropy"}
    if generated:
        data = {"generator": "bumps", "samples": 1, "validation": 100, "seed": 1}
        targets = make(data, (2, 1)).source.targets[:, 0]
        number = 1 + np.flatnonzero((targets < 0) | (targets > 1))[0]
    else:
        data, number = {"generator": "gates", "labels": [0, 2], "validation": 1}, 4
        seeds = (seed for seed in range(100) if hold_out(4, 1, seed)[3])
        data["split_seed"] = next(seeds)
    with pytest.raises(ExperimentError, match=f"in data point {number}, which is held out;"):
        make(data, network=network)


def test_another_file_has_the_same_names(tmp_path):
    keys = {"inputs": "all but targets", "targets": ["c"]}
    with pytest.raises(ExperimentError, match=r'has the columns \["a", "d", "c"\], and'):
        from_files(tmp_path, "a,d,c\n1,x,no\n", **keys)
    with pytest.raises(ExperimentError, match=r'has the columns \["a", "c"\], and'):
        from_files(tmp_path, "a,c\n1,no\n", **keys)


# ------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("keys", "key", "words"),
    [
        ({"validation": 10}, "validation", "= 10 leaves none of 10 data points to train on."),
        ({"validation": 11}, "validation", "leaves none"),
        ({"validation": 0}, "validation", "must be a number above 0 and below 1, or"),
        ({"validation": 1.0}, "validation", "Write a whole number without a point: 1"),
        ({"validation": -0.1}, "validation", "must be"),
        ({"validation": True}, "validation", "must be"),
        ({"validation": "0.2"}, "validation", "Write numbers without quotes."),
        ({"folds": 1}, "folds", "must be a whole number of at least 2"),
        ({"folds": 11}, "folds", "= 11 is more than the number of data points, 10."),
        ({"folds": 5, "fold": 5}, "fold", "= 5 must be a whole number from 0 to 4"),
        ({"fold": 1}, "fold", "= 1 is only for data.folds."),
        ({"validation": 3, "fold": 1}, "fold", "= 1 is only for data.folds."),
        ({"split_seed": 1}, "split_seed", "= 1 is only for data.validation and data.folds."),
        ({"stratify": True}, "stratify", "= true is only for data.validation and data.folds."),
        ({"validation": 3, "folds": 5}, "folds", "cannot be combined with data.validation"),
        ({"validation_file": "b.csv"}, "validation_file", "is only for data from a file."),
        ({"folds": 5, "batch_size": 9}, "batch_size", "It is a key of [training]."),
        ({"test_size": 0.2}, "test_size", 'It is called "validation" here.'),
    ],
)
def test_wrong_keys(keys, key, words):
    with pytest.raises(ExperimentError) as caught:
        make(TEN | keys)
    assert caught.value.key == f"data.{key}"
    assert words in str(caught.value)


def test_keys_of_a_split_are_not_for_points_that_are_generated():
    for key, value in (("stratify", True), ("split_seed", 2)):
        with pytest.raises(ExperimentError, match="validation = 5 generates further data points"):
            make({"generator": "circle", "validation": 5, key: value}, (2, 1))


@pytest.mark.parametrize("values", [[0], [0, 1], {"linear": [0, 2], "count": 3}])
@pytest.mark.parametrize(
    ("data", "layers", "axis", "written"),
    [
        (TEN, (1, 1), "fold", "folds = 5"),
        (TEN | {"validation": 3}, (1, 1), "fold", "folds = 5"),
        (TEN, (1, 1), "split_seed", "validation = 0.2"),
        ({"generator": "circle", "validation": 5}, (2, 1), "split_seed", "validation = 0.2"),
    ],
)
def test_axes_of_a_split_need_one(data, layers, axis, written, values):
    with pytest.raises(ExperimentError, match=f"Write, for example, {written} in") as caught:
        make(data, layers, grid={axis: values})
    assert caught.value.key == f"grid.{axis}"


def test_other_refusals():
    with pytest.raises(ExperimentError, match="leaves none of 1 data point to train on"):
        make({"inputs": [1], "targets": [1], "validation": 0.5})
    with pytest.raises(ExperimentError, match="no two data points have the same targets"):
        make({**TEN, "targets": TEN["inputs"], "validation": 0.5, "stratify": True})
    training = {"epochs": 1, "learning_rate": 0.1, "batch_size": 8}
    with pytest.raises(ExperimentError, match="from 1 to the 7 data points"):
        make(TEN | {"validation": 3}, training=training)
    with pytest.raises(ExperimentError, match=r"folds = 5. This is at grid.fold = 5"):
        make(TEN | {"folds": 5}, grid={"fold": [0, 5]})
    grid = {"turns": [1.0, 2.0], "init_id": 1}
    with pytest.raises(ExperimentError, match="data points are more than"):
        make({"generator": "sine", "samples": 10, "validation": 4_000_000}, grid=grid)
    with pytest.raises(ExperimentError, match=r"and data\.validation = 90000000, with 1 input and"):
        make({"generator": "sine", "samples": 10, "validation": 90_000_000})


def test_a_column_that_cannot_be_scaled_without_the_points_that_are_held_out():
    held_out = np.flatnonzero(hold_out(10, 3, 0))
    inputs = np.ones(10)
    inputs[held_out] = 2.0
    data = {"inputs": inputs.tolist(), "targets": TEN["targets"], "validation": 3}
    with pytest.raises(ExperimentError, match=r"is 1\.0 at every data point to train on"):
        make(data | {"standardise": ["inputs"]})
    inputs[:] = np.arange(10) * 1e-300
    inputs[held_out] = 1e300
    data["inputs"] = inputs.tolist()
    with pytest.raises(ExperimentError, match="Correct the data point that is held out"):
        make(data | {"standardise": ["inputs"]})


@pytest.mark.parametrize(
    ("keys", "held_out"),
    [
        ({}, 2),
        ({"validation": 0.5}, 2),
        ({"folds": 2}, 2),
        ({"validation_file": "b.csv"}, 0),
        ({"validation_file": "b.csv"}, 10),
    ],
)
def test_a_dataset_fits_the_section(keys, held_out):
    source = replace(make(TEN).source, held_out=held_out)
    with pytest.raises(ExperimentError, match=f"holds out the last {held_out} of 10 data points"):
        make(keys, table=source)


@pytest.mark.parametrize("keys", [{}, {"missing": "drop"}, {"validation": 3}])
def test_a_dataset_has_missing_inputs_only_for_means(keys):
    inputs = np.where(np.arange(10) == 4, np.nan, TEN["inputs"])[:, np.newaxis]
    source = replace(make(TEN).source, inputs=inputs)
    with pytest.raises(ExperimentError, match="has a number that is not finite"):
        make(keys, table=source)
    assert make({"missing": "mean", "validation": 3}, table=source).validation is not None
    filled = make({"missing": "mean"}, table=source).data.inputs
    assert filled[4] == np.delete(TEN["inputs"], 4).mean()
