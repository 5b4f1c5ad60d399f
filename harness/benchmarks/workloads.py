"""What is trained in the comparison: experiments, each for any number of runs.

A baseline gets as many runs as it can train in the time of one timing, so that slow ones finish
and fast ones are not measured by their start. What is compared is run-epochs a second.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.experiment import Experiment

Document = dict[str, Any]

# Rates of the axis; runs beyond that are further initialisations.
_RATES = 20
# What a softplus with its slope costs, in multiply-adds.
_ACTIVATION = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One kind of training.

    Attributes
    ----------
    name : str
        What users call it.
    says : str
        What it is, in a few words.
    document : callable
        Takes a number of runs and returns the experiment as a mapping, with about so many.
    epochs, quick_epochs : int
        Epochs of a run, in the full comparison and in the quick one.
    runs : int, optional
        How many runs; as many as a timing has time for if left out.
    most_runs : int
        The most that are trained, however fast.
    least_runs : int
        The least that harness trains, many times its lanes, as in a sweep.
    point : int, optional
        What this is a point of, where the workload is a curve: its place on the axis.
    """

    name: str
    says: str
    document: Callable[[int], Document]
    epochs: int
    quick_epochs: int
    runs: int | None = None
    most_runs: int = 100_000
    least_runs: int = 1
    point: int | None = None

    def experiment(self, runs: int, **training: Any) -> Document:
        """Return the experiment for some runs, keys of [training] replaced."""
        document = self.document(runs)
        document["training"] = {"epochs": self.epochs, **document["training"], **training}
        return document

    def _single(self) -> "Experiment":
        from harness.experiment import Experiment  # here: the command line reads names only

        return Experiment.from_mapping(self.experiment(1))

    @property
    def label(self) -> str:
        """The name, with the point where there is one."""
        return self.name if self.point is None else f"{self.name} {self.point}"

    @property
    def ends_early(self) -> bool:
        """Whether runs may end before their last epoch."""
        return not {"tolerance", "limit"}.isdisjoint(self.experiment(1)["training"])

    @property
    def batch(self) -> int:
        """Networks at once that make vectors long: about as many activations as a cache holds."""
        small = self._single()
        return max(20, min(2000, 12_000 // (len(small.data.inputs) * small.network.sizes[1])))

    @property
    def work(self) -> float:
        """Cost of a run-epoch, in those of the 1-2-1 network on three points."""
        small = self._single()
        inputs, hidden, _ = small.network.sizes
        products = 3 * (inputs + 2) * hidden
        return len(small.data.inputs) * (products + _ACTIVATION * hidden) / 150


def _spread(least: float, greatest: float, count: int) -> Any:
    """Return an axis of learning rates at equal ratios."""
    if count == 1:
        return [math.sqrt(least * greatest)]
    return {"log": [least, greatest], "count": count}


def _rates_and_starts(runs: int, least: float, greatest: float) -> Document:
    """Return a grid of about so many runs: up to 20 rates, and initialisations."""
    rates = min(runs, _RATES)
    return {"learning_rate": _spread(least, greatest, rates), "init_id": runs // rates}


def _dosage(runs: int) -> Document:
    return {
        "name": "dosage",
        "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
        "data": {"generator": "dosage"},
        "training": {"learning_rate": 0.1},
        "initialisation": {"scheme": "uniform", "biases": "same"},
        "grid": _rates_and_starts(runs, 0.01, 0.1),
        "record": {"epochs": "none"},
    }


def _recorded(runs: int) -> Document:
    return _dosage(runs) | {"name": "recorded", "record": {"epochs": "all"}}


def _xor(runs: int) -> Document:
    return {
        "name": "xor",
        "network": {
            "layers": [2, 2, 1],
            "activations": ["sigmoid", "sigmoid"],
            "loss": "cross_entropy",
        },
        "data": {"generator": "xor"},
        "training": {"learning_rate": 0.1},
        "initialisation": {"scheme": "uniform", "biases": "same"},
        "grid": _rates_and_starts(runs, 0.1, 1.0),
        "record": {"epochs": "none"},
    }


def _tanh(runs: int) -> Document:
    """16-16-1 without biases, as many data points as parameters: Sohl-Dickstein (2024)."""
    return {
        "name": "tanh",
        "network": {
            "layers": [16, 16, 1],
            "activations": ["tanh", "identity"],
            "biases": False,
            "scales": ["sqrt(2/fan_in)", "1/fan_in"],
            "loss": "mse",
        },
        "data": {"generator": "gaussian", "samples": 272},
        "training": {"learning_rate": 0.1},
        "grid": _rates_and_starts(runs, 0.1, 10.0),
        "record": {"epochs": "none"},
    }


def _square(runs: int) -> Document:
    """Rates of both layers over nine powers of ten, in much of which runs diverge."""
    side = max(2, math.isqrt(runs))
    document = _tanh(1) | {"name": "square"}
    document["training"] = {"learning_rate": 0.1, "limit": 1e100}
    document["grid"] = {f"learning_rate_{layer}": _spread(1e-3, 1e6, side) for layer in (1, 2)}
    return document


def _early(runs: int) -> Document:
    document = _dosage(runs) | {"name": "early"}
    document["training"] = {"learning_rate": 0.1, "tolerance": 0.1, "limit": 1e10}
    document["initialisation"] = {"scheme": "normal", "scale": 2.0}
    document["grid"] = _rates_and_starts(runs, 0.03, 0.5)
    return document


def _wide(hidden: int, samples: int) -> Callable[[int], Document]:
    """Return a 1-n-1 network on a Chebyshev polynomial, which has any number of data points."""

    def document(runs: int) -> Document:
        return {
            "name": "wide",
            "network": {
                "layers": [1, hidden, 1],
                "activations": ["softplus", "identity"],
                "scales": [1.0, "1/fan_in"],
                "loss": "mse",
            },
            "data": {"generator": "chebyshev", "samples": samples},
            "training": {"learning_rate": 0.1},
            "initialisation": {"scheme": "uniform", "biases": "same"},
            "grid": _rates_and_starts(runs, 0.01, 0.1),
            "record": {"epochs": "none"},
        }

    return document


def _curve(name: str, says: str, points: dict[int, Workload]) -> tuple[Workload, ...]:
    return tuple(
        replace(base, name=name, says=says, point=point, quick_epochs=base.epochs)
        for point, base in points.items()
    )


def _grown(*, runs: int = 100, epochs: int = 200, hidden: int = 4, samples: int = 8) -> Workload:
    document = _wide(hidden, samples)
    return Workload(
        name="", says="", document=document, epochs=epochs, quick_epochs=epochs, runs=runs
    )


def _one(
    name: str,
    says: str,
    document: Callable[[int], Document],
    epochs: tuple[int, int],
    most_runs: int = 100_000,
    least_runs: int = 1,
) -> tuple[Workload, ...]:
    full, quick = epochs
    return (
        Workload(
            name=name,
            says=says,
            document=document,
            epochs=full,
            quick_epochs=quick,
            most_runs=most_runs,
            least_runs=least_runs,
        ),
    )


# The curves are long and come last.
WORKLOADS: dict[str, tuple[Workload, ...]] = {
    "dosage": _one("dosage", "1-2-1 softplus, 3 points, final SSR", _dosage, (1000, 300)),
    # Each recorded epoch of a run is a row of three columns, held in memory.
    "recorded": _one("recorded", "dosage, every epoch kept", _recorded, (1000, 300), 4000),
    "xor": _one("xor", "2-2-1 sigmoid, cross-entropy, 4 points", _xor, (1000, 300)),
    "tanh": _one("tanh", "16-16-1 tanh, 272 points", _tanh, (500, 50), least_runs=128),
    "square": _one(
        "square", "tanh, rates of nine powers of ten", _square, (500, 50), least_runs=400
    ),
    "early": _one("early", "dosage, half the runs end early", _early, (2000, 500)),
    "by-runs": _curve(
        "by-runs",
        "1-4-1, 8 points, by runs",
        {n: _grown(runs=n) for n in (1, 10, 100, 1000, 10000)},
    ),
    "by-epochs": _curve(
        "by-epochs",
        "1-4-1, 8 points, by epochs",
        {n: _grown(epochs=n) for n in (10, 100, 1000, 10000)},
    ),
    "by-width": _curve(
        "by-width", "1-n-1, 8 points, by n", {n: _grown(hidden=n) for n in (2, 8, 32, 128)}
    ),
    "by-points": _curve(
        "by-points", "1-4-1, by data points", {n: _grown(samples=n) for n in (4, 16, 64, 256, 1024)}
    ),
}

# What `--quick` compares where no workload is named.
QUICK = ("dosage", "xor", "tanh")
