"""The experiment file: read, checked, frozen, hashed. Only this package knows pydantic."""

from harness.experiment.experiment import Experiment, check_experiment
from harness.experiment.loading import load_experiment

__all__ = ["Experiment", "check_experiment", "load_experiment"]
