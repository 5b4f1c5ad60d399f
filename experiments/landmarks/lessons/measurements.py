"""Measurements of the lessons: trains their experiments."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import harness
from experiments.landmarks.lessons.published import (
    ALL_SEVEN,
    EXERCISE,
    ONLY_B3,
    OUTPUT_LAYER,
    PART_2,
)
from experiments.landmarks.page import ROOT
from harness.analysis.predictions import curves, data_points, final_curve, lattice

Numbers = tuple[float, ...]

BOWL = "statquest_two_weights"
SURFACE = "statquest_surface"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parabola:
    """SSR over b3, with the other parameters fixed.

    Attributes
    ----------
    minimum, least : float
        Position and value of the lowest SSR: for three points, SSR = least + 3 (b3 - minimum)².
    runs : DataFrame
        One row per learning rate.
    paths : DataFrame
        learning_rate, epoch, ssr, b3.
    """

    minimum: float
    least: float
    runs: pd.DataFrame
    paths: pd.DataFrame

    def ssr(self, b3: Any) -> Any:
        """Return SSR in closed form."""
        return self.least + 3 * (b3 - self.minimum) ** 2

    def factor(self, rate: float) -> float:
        """Return the factor of b3 - minimum per step, from b3 <- b3 - rate * 6 (b3 - minimum)."""
        return 1 - 6 * rate

    def path(self, rate: float) -> pd.DataFrame:
        """Return the epochs of the run with a learning rate."""
        return self.paths[self.paths["learning_rate"] == rate].reset_index(drop=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bowl:
    """SSR over w3 and w4.

    Attributes
    ----------
    surface : DataFrame
        w3, w4, ssr_initial, one row per point of a lattice.
    minimum : tuple of float
        w3 and w4 at the lowest SSR.
    least : float
        SSR there.
    largest_rate : float
        The learning rate below which training converges.
    paths : DataFrame
        learning_rate, status, epoch, ssr, w3, w4.
    """

    surface: pd.DataFrame
    minimum: tuple[float, ...]
    least: float
    largest_rate: float
    paths: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Squiggle:
    """The curve of the network while all seven parameters train.

    Attributes
    ----------
    points : DataFrame
        input_1, target_1.
    curves : DataFrame
        epoch, input_1, prediction_1.
    published : DataFrame
        input_1, prediction_1, for the parameters that the lesson prints.
    fall : DataFrame
        epoch, ssr, of the same run.
    runs : DataFrame
        One row per learning rate.
    """

    points: pd.DataFrame
    curves: pd.DataFrame
    published: pd.DataFrame
    fall: pd.DataFrame
    runs: pd.DataFrame

    @property
    def furthest(self) -> float:
        """Largest distance of the last curve from the published one, between the doses 0 and 1."""
        last = self.curves[self.curves["epoch"] == self.curves["epoch"].max()]
        apart = last["prediction_1"].to_numpy() - self.published["prediction_1"].to_numpy()
        return float(np.abs(apart[self.published["input_1"].between(0, 1)]).max())


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Measurements of the lessons.

    Attributes
    ----------
    measured : mapping
        The numbers for each experiment and quantity of `PRINTED`.
    slope_at_rounded_b3 : float
        dSSR/db3 at b3 = 1.57, which the lesson rounds to after one step.
    parabola, bowl, squiggle : Parabola, Bowl, Squiggle
        Data of the three pictures.
    """

    measured: Mapping[str, Mapping[str, Numbers]]
    slope_at_rounded_b3: float
    parabola: Parabola
    bowl: Bowl
    squiggle: Squiggle


def measure(out: Path, quick: bool) -> Found:
    """Train the experiments of the lessons; the quick version has a coarser surface."""
    parabola = _parabola(out)
    rounded = _updates(ONLY_B3, {"initialisation.parameters.b3": 1.57})
    exercise = harness.trace(_load(EXERCISE), parameter="w7").factors["value"]
    steps = -_updates(EXERCISE)["step_size"]
    return Found(
        measured={
            ONLY_B3: _only_b3(out, parabola),
            OUTPUT_LAYER: {
                "predictions": _predictions(OUTPUT_LAYER),
                "SSR": (_ssr_initial(OUTPUT_LAYER, out),),
                "derivatives with respect to w3, w4, b3": tuple(
                    _updates(OUTPUT_LAYER)["derivative"]
                ),
                "new w3, w4, b3": tuple(_updates(OUTPUT_LAYER)["new"]),
            },
            ALL_SEVEN: {
                "predictions": _predictions(ALL_SEVEN),
                "SSR": (_ssr_initial(ALL_SEVEN, out),),
            },
            EXERCISE: {
                # dE/dŷ and dŷ/dh, with the sign of a descent step.
                "error term of the output": (-exercise[0] * exercise[1],),
                "change of w7, w8": tuple(steps[["w7", "w8"]]),
                "change of w1, w2, w3": tuple(steps[["w1", "w2", "w3"]]),
                "change of w4, w5, w6": tuple(steps[["w4", "w5", "w6"]]),
            },
        },
        slope_at_rounded_b3=rounded.loc["b3", "derivative"],
        parabola=parabola,
        bowl=_bowl(out, quick),
        squiggle=_squiggle(out),
    )


def _load(name: str, changes: Mapping[str, Any] | None = None) -> harness.Experiment:
    return harness.load_experiment(ROOT / "experiments" / f"{name}.toml", changes)


def _predictions(name: str) -> Numbers:
    """Return the predictions of the untrained network at the data points."""
    return tuple(curves(_load(name), 0, [0])["prediction_1"])


def _updates(name: str, changes: Mapping[str, Any] | None = None, epoch: int = 0) -> pd.DataFrame:
    """Return an update of the published run, one row per parameter."""
    return harness.trace(_load(name, changes), epoch=epoch).updates.set_index("parameter")


def _ssr_initial(name: str, out: Path) -> float:
    return harness.run(_load(name), out=out / name).runs["ssr_initial"][0]


def _only_b3(out: Path, parabola: Parabola) -> Mapping[str, Numbers]:
    heights = _load(ONLY_B3, {"training.epochs": 0, "grid": {"b3": [0.0, 1.0, 2.0, 3.0, 2.61]}})
    *ssr, ssr_at_the_end = harness.run(heights, out=out / "heights").runs["ssr_initial"]
    b3 = parabola.path(0.1)["b3"].tolist()
    steps = [_updates(ONLY_B3, epoch=epoch).loc["b3"] for epoch in (0, 1)]
    return {
        "predictions at b3 = 0": _predictions(ONLY_B3),
        "SSR at b3 = 0, 1, 2, 3": tuple(ssr),
        "slope at the first two steps": tuple(step["derivative"] for step in steps),
        "step size": tuple(step["step_size"] for step in steps),
        "b3 after 0, 1, 2 steps and at the end": (*b3[:3], b3[-1]),
        "SSR at b3 = 2.61, in an article": (ssr_at_the_end,),
    }


def _parabola(out: Path) -> Parabola:
    """Train the last bias; at the minimum, the residuals have mean 0."""
    experiment = _load(ONLY_B3, {"record.parameters": "trajectory"})
    results = harness.run(experiment, out=out / ONLY_B3)
    residuals = experiment.data.targets[:, 0] - np.array(_predictions(ONLY_B3))
    ways = results.read_trajectories(columns=["run_id", "epoch", "ssr", "b3"])
    return Parabola(
        minimum=residuals.mean(),
        least=np.square(residuals - residuals.mean()).sum(),
        runs=results.runs,
        paths=ways.merge(results.runs[["run_id", "learning_rate"]], on="run_id"),
    )


def _bowl(out: Path, quick: bool) -> Bowl:
    """Train w3 and w4, and fit a paraboloid to the surface of SSR to find its minimum."""
    coarse = {"grid.w3.count": 27, "grid.w4.count": 29}
    experiment = _load(SURFACE, coarse if quick else None)
    surface = harness.run(experiment, out=out / SURFACE).runs
    w3, w4 = surface["w3"], surface["w4"]
    terms = np.stack([w3**2, w3 * w4, w4**2, w3, w4, np.ones(len(w3))], axis=1)
    (a, b, c, d, e, f), *_ = np.linalg.lstsq(terms, surface["ssr_initial"])
    curvatures = np.array([[2 * a, b], [b, 2 * c]])
    minimum = -np.linalg.solve(curvatures, (d, e))
    results = harness.run(_load(BOWL), out=out / BOWL)
    ways = results.read_trajectories(columns=["run_id", "epoch", "ssr", "w3", "w4"])
    return Bowl(
        surface=surface[["w3", "w4", "ssr_initial"]],
        minimum=tuple(minimum),
        least=f + minimum @ (d, e) / 2,
        largest_rate=2 / np.linalg.eigvalsh(curvatures)[-1],
        paths=ways.merge(results.runs[["run_id", "learning_rate", "status"]], on="run_id"),
    )


def _squiggle(out: Path) -> Squiggle:
    """Train all seven parameters, and predict the curve at some epochs up to the last."""
    experiment = _load(ALL_SEVEN)
    results = harness.run(experiment, out=out / ALL_SEVEN)
    last = int(results.runs["epochs"][0])
    inputs = lattice(experiment, 201)
    return Squiggle(
        points=data_points(experiment),
        curves=curves(experiment, 0, [0, 100, 250, 300, 350, last], inputs),
        published=final_curve(
            experiment, {"run_id": 0} | {f"{k}_final": v for k, v in PART_2.items()}, inputs
        ),
        fall=results.read_trajectories([0], columns=["epoch", "ssr"]),
        runs=results.runs,
    )
