"""Fixtures and settings that tests of several folders share."""

from copy import deepcopy

import pytest
from hypothesis import HealthCheck, settings

from harness.experiment import Experiment

# The first example compiles and the machine may be slow; properties have no deadline.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# The first lesson's network, small enough to train in a moment.
SMALL = {
    "name": "small",
    "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"], "loss": "ssr"},
    "data": {"generator": "dosage"},
    "training": {"epochs": 20, "learning_rate": 0.1},
    "grid": {"learning_rate": [0.05, 0.1, 0.9], "init_id": 4},
    "record": {"epochs": "all"},
}


@pytest.fixture
def small():
    """Return a function that makes the small experiment, with keys replaced like by --set."""

    def make(**changes):
        document = deepcopy(SMALL)
        for dotted, value in changes.items():
            section, _, key = dotted.partition("__")
            if key:
                document.setdefault(section, {})[key] = value
            else:
                document[section] = value
        return Experiment.from_mapping(document)

    return make
