"""The experiment file: read, checked, frozen, hashed. Only this package knows pydantic."""

from harness.experiment.document import Experiment
from harness.experiment.loading import load_experiment

__all__ = ["Experiment", "load_experiment"]
