"""The same runs in float64, in float32, and in float64 with the data points in reverse order.

Reversing the data points changes no sum except by its rounding. So it shows what float64 itself
leaves to chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

import harness
from experiments.landmarks.page import ROOT
from harness.experiment.data import Dataset
from harness.maps.image import Image, framed
from harness.maps.refine import refined_map
from harness.maps.zoom import train_map, zoom

TANH, XOR, EDGE, DOSAGE = "trainability_tanh", "xor_shares", "edge_of_stability", "dosage"

# An independent reproduction of the map of trainability, on a GPU of the GB10 class: the share of
# the boundary pixels that have another kind in float32.
PUBLISHED_FLIPPED = 0.20

# Pixels per side of the overview and of the frames of the zoom. The frames are those of the
# landmark of trainability; variants of these are trained.
OVERVIEW, FRAME = 256, 96
COMPARED = (1, 3, 5)

# Two trajectories have parted if the SSR or the sharpness differs by more than this fraction.
PARTED = 0.01

_XOR = {
    "grid.width": [2],
    "grid.init_scale": [1.0],
    "grid.learning_rate.count": 5,
    "grid.init_id": 10_000,
}
_QUICK: Mapping[str, Mapping[str, Any]] = {
    TANH: {"training.epochs": 29},
    XOR: {**_XOR, "grid.init_id": 200, "training.epochs": 400},
    EDGE: {"training.epochs": 6000},
    DOSAGE: {"grid.init_id": 20},
}
# So few pixels that no kernel is compiled for them.
_QUICK_SIZE, _QUICK_COMPARED = 10, (1,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Measurements in float64, float32 and float64 reversed, called variants.

    Attributes
    ----------
    maps : mapping
        By window, "overview" or "frame 1" and so on: the image of each variant.
    xor : mapping
        The runs of each variant.
    edge : mapping
        Of each variant: learning_rate, epoch, loss, sharpness, and edge, the sharpness over 2 /
        rate.
    dosage : mapping
        For "float32" and "reversed": the table of `pairs`.
    """

    maps: Mapping[str, Mapping[str, Image]]
    xor: Mapping[str, pd.DataFrame]
    edge: Mapping[str, pd.DataFrame]
    dosage: Mapping[str, pd.DataFrame]


def measure(out: Path, quick: bool) -> Found:
    """Train all variants; the quick version has fewer runs and epochs."""

    def load(name: str) -> harness.Experiment:
        changes = _QUICK[name] if quick else {XOR: _XOR}.get(name, {})
        return harness.load_experiment(ROOT / "experiments" / f"{name}.toml", changes)

    def results_of(name: str) -> dict[str, harness.Results]:
        return {
            variant: harness.run(experiment, out=out / f"{name}-{variant}")
            for variant, experiment in variants_of(load(name)).items()
        }

    dosage = results_of(DOSAGE)
    return Found(
        maps=_maps(load(TANH), out, quick),
        xor={variant: results.runs for variant, results in results_of(XOR).items()},
        edge={variant: _sharpness(results) for variant, results in results_of(EDGE).items()},
        dosage={
            variant: pairs(dosage["float64"], results)
            for variant, results in dosage.items()
            if variant != "float64"
        },
    )


def variants_of(experiment: harness.Experiment) -> dict[str, harness.Experiment]:
    """Return an experiment in float64, in float32, and in float64 with its data points reversed."""
    document, data = experiment.document(), experiment.data
    single = {**document, "training": {**document["training"], "precision": "float32"}}
    backwards = Dataset(inputs=data.inputs[::-1].copy(), targets=data.targets[::-1].copy())
    return {
        "float64": experiment,
        "float32": harness.Experiment.from_mapping(single, data=data),
        "reversed": harness.Experiment.from_mapping(document, data=backwards),
    }


# -- maps ------------------------------------------------------------------------------------------


def _maps(experiment: harness.Experiment, out: Path, quick: bool) -> dict[str, dict[str, Image]]:
    overview = framed(experiment, size=_QUICK_SIZE if quick else OVERVIEW)
    maps = {
        "overview": {
            variant: refined_map(each, out / f"overview-{variant}").image
            for variant, each in variants_of(overview).items()
        }
    }
    compared = _QUICK_COMPARED if quick else COMPARED
    first = framed(experiment, size=_QUICK_SIZE if quick else FRAME)
    for number, double in enumerate(zoom(first, out / "zoom", frames=compared[-1] + 1)):
        if number in compared:
            maps[f"frame {number}"] = {
                variant: train_map(each, _folder_of(out, variant, number)).image
                for variant, each in variants_of(double.experiment).items()
            }
    return maps


def _folder_of(out: Path, variant: str, number: int) -> Path:
    """Return the folder of a frame; in float64 that of `zoom`, so that it is trained once."""
    return out / ("zoom" if variant == "float64" else f"zoom-{variant}") / f"frame-{number:02}"


def flips(image: Image, other: Image) -> NDArray[np.bool_]:
    """Return which pixels have another kind in another image of the same window."""
    return image.trained != other.trained


def flipped_boundary(image: Image, other: Image) -> float:
    """Return the share of the boundary pixels of an image that have another kind in another."""
    return float(flips(image, other)[:-1, :-1][image.boundary].mean())


# -- exclusive or ----------------------------------------------------------------------------------


def paired_outcomes(runs: pd.DataFrame, other: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Count which runs are solved in one of two variants, and when.

    Parameters
    ----------
    runs, other : DataFrame
        Runs of the same grid, in the order of run_id.
    by : sequence of str
        Axes.

    Returns
    -------
    DataFrame
        The columns of `by`; `runs`; `solved` and `other`, the number solved in each; `lost` and
        `gained`, the number solved only in the first and only in the other; `p`, the probability
        that as many or more of these fall on one side if both are equally likely (the exact test
        of McNemar 1947, "Note on the sampling error of the difference between correlated
        proportions or percentages"); `median` and `other_median`, the median epochs of the solved
        runs; `same`, the share of the runs solved in both that took the same number of epochs.
    """
    pair = runs[[*by, "epochs"]].assign(
        one=runs["status"].astype(str) == "converged",
        two=other["status"].astype(str) == "converged",
        other_epochs=other["epochs"],
    )
    rows = []
    for point, group in pair.groupby(list(by)):
        one, two = group["one"], group["two"]
        lost, gained = int((one & ~two).sum()), int((two & ~one).sum())
        both = group[one & two]
        rows.append({
            **dict(zip(by, point, strict=True)),
            "runs": len(group),
            "solved": int(one.sum()),
            "other": int(two.sum()),
            "lost": lost,
            "gained": gained,
            "p": stats.binomtest(lost, lost + gained).pvalue if lost + gained else 1.0,
            "median": group.loc[one, "epochs"].median(),
            "other_median": group.loc[two, "other_epochs"].median(),
            "same": (both["epochs"] == both["other_epochs"]).mean(),
        })  # fmt: skip
    return pd.DataFrame(rows)


# -- sharpness -------------------------------------------------------------------------------------


def _sharpness(results: harness.Results) -> pd.DataFrame:
    ways = results.trajectories.merge(results.runs[["run_id", "learning_rate"]], on="run_id")
    ways["edge"] = ways["sharpness"] * ways["learning_rate"] / 2
    return ways[["learning_rate", "epoch", "loss", "sharpness", "edge"]]


def difference(values: Any, other: Any) -> Any:
    """Return by which fraction of `values` other values differ from them."""
    return abs(other - values) / values


# -- trajectories of dosage ------------------------------------------------------------------------


def pairs(double: harness.Results, other: harness.Results) -> pd.DataFrame:
    """Compare the runs of two variants of the same grid.

    Returns
    -------
    DataFrame
        One row per run that does not diverge in either: run_id, learning_rate, init_id; `final`,
        the fraction by which the final SSR differs; `largest`, the largest such fraction at an
        epoch that both recorded; `rises`, whether the SSR of the first is larger at some recorded
        epoch than at the one before; `ends`, whether the status differs.
    """
    runs = double.runs[["run_id", "learning_rate", "init_id", "status", "ssr_final"]]
    runs = runs.merge(other.runs[["run_id", "status", "ssr_final"]], on="run_id")
    ways = double.trajectories[["run_id", "epoch", "ssr"]]
    shared = ways.merge(other.trajectories[["run_id", "epoch", "ssr"]], on=["run_id", "epoch"])
    shared["largest"] = difference(shared["ssr_x"], shared["ssr_y"])
    ways["rises"] = ways.groupby("run_id")["ssr"].diff() > 0
    runs["final"] = difference(runs["ssr_final_x"], runs["ssr_final_y"])
    runs["largest"] = runs["run_id"].map(shared.groupby("run_id")["largest"].max())
    runs["rises"] = runs["run_id"].map(ways.groupby("run_id")["rises"].any())
    one, two = (runs[name].astype(str) for name in ("status_x", "status_y"))
    runs["ends"] = one != two
    columns = ["run_id", "learning_rate", "init_id", "final", "largest", "rises", "ends"]
    return runs.loc[(one != "diverged") & (two != "diverged"), columns].reset_index(drop=True)
