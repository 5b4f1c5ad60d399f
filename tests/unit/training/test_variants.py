"""Estimated work of a variant."""

import pytest

from harness import Experiment
from harness.training.variants import make_variant, work_of

DOCUMENT = {
    "name": "work",
    "network": {"layers": [1, 2, 1], "activations": ["tanh", "identity"]},
    "data": {"inputs": [0.0, 0.25, 0.5, 0.75], "targets": [0.0, 1.0, 1.0, 0.0]},
    "training": {"learning_rate": 0.1, "epochs": 9},
}


def work(**more):
    training = {**DOCUMENT["training"], **more}
    return work_of(make_variant(Experiment.from_mapping({**DOCUMENT, "training": training})))


@pytest.mark.parametrize(
    ("passes", "batches"),
    [
        (1.0, {}),
        (1.0, {"batch_size": 4, "batches": "shuffled"}),
        (2.0, {"batch_size": 2}),
        (2.0, {"batch_size": 1, "batches": "shuffled"}),
        (1.25, {"batch_size": 1, "batches": "drawn", "updates_per_epoch": 1}),
        (6.0, {"batch_size": 2, "batches": "drawn", "updates_per_epoch": 10}),
    ],
)
def test_work_counts_the_data_points_of_all_updates_and_of_the_loss(passes, batches):
    assert work(**batches) == passes * work()


@pytest.mark.parametrize(("updates", "batches"), [(9, {}), (18, {"batch_size": 2})])
@pytest.mark.parametrize("optimiser", ["adagrad", "rmsprop", "adam", "adamw", "rprop"])
def test_a_step_with_state_is_work_for_each_parameter_and_update(optimiser, updates, batches):
    extra = work(optimiser=optimiser, **batches) - work(**batches)
    assert extra == 7 * updates * 15


@pytest.mark.parametrize("rule", [{"momentum": 0.9}, {"optimiser": "nesterov"}, {"l2": 0.1}])
def test_other_steps_are_not_counted(rule):
    assert work(**rule) == work()
