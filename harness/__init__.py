"""Train every point of a grid of small neural networks.

    experiment = harness.load_experiment("experiments/dosage.toml")
    results = harness.run(experiment)
    results.runs

This module is what users import, and nothing else. Names are fetched at their first use, so that
the command line answers `--help` without loading a compiler.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.analysis.chain_rule import Trace as Trace
    from harness.analysis.chain_rule import trace as trace
    from harness.errors import ChunkError as ChunkError
    from harness.errors import ClusterError as ClusterError
    from harness.errors import ExperimentError as ExperimentError
    from harness.errors import HarnessError as HarnessError
    from harness.errors import InUseError as InUseError
    from harness.errors import NoSpaceError as NoSpaceError
    from harness.errors import ResultsError as ResultsError
    from harness.errors import StorageError as StorageError
    from harness.experiment import Experiment as Experiment
    from harness.experiment import load_experiment as load_experiment
    from harness.experiment.objects import *  # noqa: F403  # the classes of optimisers are made
    from harness.results.tables import Results as Results
    from harness.results.tables import open_results as open_results
    from harness.sweeps.plan import Plan as Plan
    from harness.sweeps.plan import plan as plan
    from harness.sweeps.progress import Progress as Progress
    from harness.sweeps.run import run as run
    from harness.sweeps.sweep import sweep as sweep

_HOME = {
    **dict.fromkeys(
        ("Data", "Grid", "Initialisation", "Network", "Record", "Training", "linear", "log"),
        "experiment.objects",
    ),
    "ChunkError": "errors",
    "ClusterError": "errors",
    "Experiment": "experiment",
    "ExperimentError": "errors",
    "HarnessError": "errors",
    "InUseError": "errors",
    "NoSpaceError": "errors",
    "Plan": "sweeps.plan",
    "Progress": "sweeps.progress",
    "Results": "results.tables",
    "ResultsError": "errors",
    "StorageError": "errors",
    "Trace": "analysis.chain_rule",
    "load_experiment": "experiment",
    "open_results": "results.tables",
    "plan": "sweeps.plan",
    "run": "sweeps.run",
    "sweep": "sweeps.sweep",
    "trace": "analysis.chain_rule",
}

__all__ = list(_HOME)  # the names above, so that no list is kept twice


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    # The classes of optimisers are made from their table. Submodules have no capital letters, and
    # are found without loading it.
    if name[:1].isupper() and name in _optimisers():
        return _optimisers()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _optimisers() -> dict[str, Any]:
    found: dict[str, Any] = import_module(f"{__name__}.experiment.objects").OPTIMISER_CLASSES
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_optimisers()})
