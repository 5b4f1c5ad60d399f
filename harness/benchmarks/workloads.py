"""Workloads: the experiments that are trained in the comparison, each for any number of runs."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

Document = dict[str, Any]

# End of the name of a workload in single precision; the rest is its twin in double precision.
SINGLE = "-float32"

# Learning rates of a grid; further runs are further initialisations.
_RATES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One kind of training.

    Attributes
    ----------
    name, says : str
        Its name, and a short description.
    document : callable
        Takes a number of runs, and returns an experiment of about that many as a mapping.
    epochs : int
        Epochs of a run.
    batch : int
        Runs of a baseline that trains many at once: few enough for their activations to fit into
        the cache, and enough for long vectors.
    runs : int
        Runs of harness: many times its lanes, as in a sweep.
    point : int, optional
        Position on the horizontal axis, if the workload is a point of a curve.
    """

    name: str
    says: str
    document: Callable[[int], Document]
    epochs: int
    batch: int
    runs: int
    point: int | None = None

    @property
    def label(self) -> str:
        """Name, and the point if there is one."""
        return self.name if self.point is None else f"{self.name}-{self.point}"

    def experiment(self, runs: int, **training: Any) -> Document:
        """Return the experiment for a number of runs, with keys of [training] replaced."""
        document = self.document(runs)
        document["training"] = {"epochs": self.epochs, **document["training"], **training}
        return document


def _spread(least: float, greatest: float, count: int) -> Any:
    """Return an axis of learning rates with equal ratios."""
    if count == 1:
        return [math.sqrt(least * greatest)]
    return {"log": [least, greatest], "count": count}


def _rates_and_starts(runs: int, least: float, greatest: float) -> Document:
    """Return a grid of about `runs` runs: up to 20 rates, and initialisations."""
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


def _tanh(runs: int, *, hidden: tuple[int, ...] = (16,)) -> Document:
    """Return a network without biases on 272 points; Sohl-Dickstein (2024) trains 16-16-1."""
    return {
        "name": "tanh",
        "network": {
            "layers": [16, *hidden, 1],
            "activations": [*["tanh"] * len(hidden), "identity"],
            "biases": False,
            "scales": [*["sqrt(2/fan_in)"] * len(hidden), "1/fan_in"],
            "loss": "mse",
        },
        "data": {"generator": "gaussian", "samples": 272},
        "training": {"learning_rate": 0.1},
        "grid": _rates_and_starts(runs, 0.1, 10.0),
        "record": {"epochs": "none"},
    }


def _square(runs: int) -> Document:
    """Return rates of both layers over nine powers of ten; many runs diverge."""
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


def _adam(runs: int) -> Document:
    """Return the dosage curve by Adam; at larger rates many runs end in chaos at their minimum."""
    return _dosage(runs) | {
        "name": "adam",
        "training": {"learning_rate": 0.01, "optimiser": "adam"},
        "grid": _rates_and_starts(runs, 0.003, 0.03),
    }


def _adam_tanh(runs: int) -> Document:
    return _tanh(runs) | {
        "name": "adam-tanh",
        "training": {"learning_rate": 0.01, "optimiser": "adam"},
        "grid": _rates_and_starts(runs, 0.001, 0.1),
    }


def _wide(hidden: int, samples: int) -> Callable[[int], Document]:
    """Return a 1-n-1 network on a Chebyshev polynomial with any number of data points."""

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


def _single(document: Callable[[int], Document]) -> Callable[[int], Document]:
    """Return the document of the same training in single precision."""

    def single(runs: int) -> Document:
        double = document(runs)
        return double | {
            "name": double["name"] + SINGLE,
            "training": double["training"] | {"precision": "float32"},
        }

    return single


def _one(
    name: str, says: str, document: Callable[[int], Document], epochs: int, batch: int, runs: int
) -> tuple[Workload]:
    workload = Workload(
        name=name, says=says, document=document, epochs=epochs, batch=batch, runs=runs
    )
    return (workload,)


def _curve(name: str, says: str, points: dict[int, dict[str, int]]) -> tuple[Workload, ...]:
    """Return a workload for each point: 100 runs of a 1-4-1 network but for what it changes."""
    return tuple(
        Workload(
            name=name,
            says=says,
            document=_wide(hidden=changed.get("hidden", 4), samples=changed.get("samples", 8)),
            epochs=changed.get("epochs", 200),
            batch=changed.get("runs", 100),
            runs=changed.get("runs", 100),
            point=point,
        )
        for point, changed in points.items()
    )


# The curves are long and come last.
WORKLOADS: dict[str, tuple[Workload, ...]] = {
    workloads[0].name: workloads
    for workloads in (
        _one("dosage", "1-2-1 softplus, 3 points, final SSR", _dosage, 1000, 4000, 20_000),
        # Each recorded epoch of a run is a row of three columns, held in memory.
        _one("recorded", "dosage, every epoch kept", _recorded, 1000, 4000, 4000),
        _one("xor", "2-2-1 sigmoid, cross-entropy, 4 points", _xor, 1000, 3000, 20_000),
        _one("tanh", "16-16-1 tanh, 272 points", _tanh, 500, 20, 128),
        _one("square", "tanh, rates of nine powers of ten", _square, 500, 20, 400),
        _one("early", "dosage, half the runs end early", _early, 2000, 4000, 20_000),
        _one("wide", "1-128-1 softplus, 8 points", _wide(128, 8), 200, 50, 1000),
        _one("wide-tanh", "16-128-1 tanh, 272 points", partial(_tanh, hidden=(128,)), 50, 4, 64),
        _one("deep", "16-64-64-1 tanh, 272 points", partial(_tanh, hidden=(64, 64)), 20, 4, 64),
        _one("adam", "dosage with Adam", _adam, 1000, 4000, 20_000),
        _one("adam-tanh", "tanh with Adam", _adam_tanh, 500, 20, 128),
        # Their activations take half the space, so batches are twice as large.
        _one("dosage" + SINGLE, "dosage in single precision", _single(_dosage), 1000, 8000, 20_000),
        _one("xor" + SINGLE, "xor in single precision", _single(_xor), 1000, 6000, 20_000),
        _one("tanh" + SINGLE, "tanh in single precision", _single(_tanh), 500, 40, 128),
        _curve(
            "by-runs",
            "1-4-1, 8 points, by runs",
            {n: {"runs": n} for n in (1, 10, 100, 1000, 10_000)},
        ),
        _curve(
            "by-epochs",
            "1-4-1, 8 points, by epochs",
            {n: {"epochs": n} for n in (10, 100, 1000, 10_000)},
        ),
        _curve("by-width", "1-n-1, 8 points, by n", {n: {"hidden": n} for n in (2, 8, 32, 128)}),
        _curve(
            "by-points",
            "1-4-1, by data points",
            {n: {"samples": n} for n in (4, 16, 64, 256, 1024)},
        ),
    )
}

# `harness bench --quick` compares these unless others are named. It sets the environment variable,
# at which the suite trains for a tenth of the epochs.
QUICK = ("dosage", "xor", "tanh")
QUICK_VARIABLE = "HARNESS_BENCH_QUICK"
