"""The boundary of trainability: what was published, and the maps that measure the same.

Source: Sohl-Dickstein 2024, "The boundary of neural network trainability is fractal" (arXiv
2402.06184), its table 1 and its public notebook.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import harness
from experiments.landmarks.page import ROOT
from harness.maps.boundary import dimension
from harness.maps.image import Image, framed
from harness.maps.refine import RefinedMap, refined_map
from harness.maps.zoom import Map, train_map, zoom
from harness.store import Store
from harness.sweep.engines.threads import available_threads

# By the ends of the names of their experiment files: what people call it, and the dimension.
CONDITIONS: Mapping[str, tuple[str, float]] = {
    "tanh": ("tanh, full batch", 1.66),
    "relu": ("ReLU, full batch", 1.20),
    "identity": ("identity, full batch", 1.17),
    "one_point": ("tanh, one data point", 1.41),
    "minibatch": ("tanh, minibatch", 1.55),
    "offset": ("tanh, offset and rate", 1.98),
}

# An independent reproduction of the first condition, on a GPU of the GB10 class in float64: the
# dimension in one window after that many losses, that of the overview, and the median of a zoom.
REPRODUCED = {10: 1.05, 30: 1.27, 100: 1.37, 500: 1.41, 1000: 1.41}
REPRODUCED_OVERVIEW, REPRODUCED_MEDIAN = 1.20, 1.53
REPRODUCED_A_SECOND = (29, 200)

# Pixels on each side: of overviews, of frames of a zoom, and of the refined map. Frames that train
# 16 data points or fewer are cheap.
OVERVIEW, FRAME, CHEAP_FRAME, REFINED = 256, 96, 192, 1024
# One more than a power of two: boxes of all sizes then cover its blocks of 2 x 2 without a rest,
# which is what makes the dimension of a line 1.
BOWL = 257
CHEAP = ("identity", "one_point")
FRAMES = 9
# Few enough pixels that no kernel is compiled for them.
QUICK = {OVERVIEW: 10, FRAME: 10, CHEAP_FRAME: 10, REFINED: 20, BOWL: 9}
QUICK_FRAMES, QUICK_EPOCHS = 2, 29

# In which frame of its zoom tanh is trained for other numbers of epochs. Further in there is no
# boundary yet after the fewest of them.
STEPS_FRAME = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was measured.

    Attributes
    ----------
    overviews : mapping
        The map of each condition.
    zooms : mapping
        The maps on the way into the boundary of each condition.
    steps : mapping
        Maps of one window, by the number of losses.
    steps_frame : int
        Which frame of the zoom of tanh that window is.
    refined : RefinedMap
        The overview of tanh, with pixels trained near the boundary only.
    refined_small : RefinedMap
        The same with as many pixels as the overview.
    without_limit : pair of Image
        One window of tanh, trained with the limit and without.
    bowl : Map
        The control.
    overview_seconds : float
        What the overview of tanh took on all processors.
    """

    overviews: Mapping[str, Map]
    zooms: Mapping[str, Sequence[Map]]
    steps: Mapping[int, Map]
    steps_frame: int
    refined: RefinedMap
    refined_small: RefinedMap
    without_limit: tuple[Image, Image]
    bowl: Map
    overview_seconds: float

    def median(self, condition: str) -> float:
        """Return the median of the dimensions of all frames of a zoom."""
        return dimension([frame.boxes for frame in self.zooms[condition]])

    @property
    def a_second(self) -> float:
        """Complete trainings a second of the overview of tanh."""
        return self.overviews["tanh"].image.trained.size / self.overview_seconds

    @property
    def flipped(self) -> int:
        """How many pixels of the window are of another kind without the limit."""
        one, other = self.without_limit
        return int(np.count_nonzero(one.trained != other.trained))

    @property
    def misjudged(self) -> float:
        """Share of the pixels that the refined map has of another kind than the overview."""
        whole = self.overviews["tanh"].image.trained
        return float(np.mean(self.refined_small.image.trained != whole))


def measure(out: Path, quick: bool) -> Found:
    """Train all maps; the quick version has few pixels, and fewer epochs."""
    sizes = QUICK if quick else {size: size for size in QUICK}
    fewer = {"training.epochs": QUICK_EPOCHS} if quick else {}
    frames = QUICK_FRAMES if quick else FRAMES

    def load(condition: str, changes: Mapping[str, Any] | None = None) -> harness.Experiment:
        return harness.load_experiment(
            ROOT / "experiments" / f"trainability_{condition}.toml", {**fewer, **(changes or {})}
        )

    def train(condition: str, size: int, folder: str) -> Map:
        return _told(train_map(framed(load(condition), size=sizes[size]), out / folder))

    overviews = {name: train(name, OVERVIEW, f"overview-{name}") for name in CONDITIONS}
    zooms = {}
    for name in CONDITIONS:
        size = sizes[CHEAP_FRAME if name in CHEAP else FRAME]
        first = framed(load(name), size=size)
        zooms[name] = [_told(each) for each in zoom(first, out / f"zoom-{name}", frames=frames)]

    steps_frame = min(STEPS_FRAME, len(zooms["tanh"]) - 1)
    window = zooms["tanh"][steps_frame].experiment
    steps = {
        losses: _told(train_map(_changed(window, "epochs", losses - 1), out / f"steps-{losses}"))
        for losses in REPRODUCED
        if not quick or losses <= QUICK_EPOCHS + 1
    }
    small = framed(window, size=sizes[FRAME] // 2)
    with_limit = train_map(small, out / "limit")
    without = train_map(_changed(small, "limit", None), out / "no-limit")
    return Found(
        overviews=overviews,
        zooms=zooms,
        steps=steps,
        steps_frame=steps_frame,
        refined=_refined(load("tanh"), sizes[REFINED], out / "refined"),
        refined_small=_refined(load("tanh"), sizes[OVERVIEW], out / "refined-small"),
        without_limit=(with_limit.image, without.image),
        bowl=train("bowl", BOWL, "bowl"),
        overview_seconds=_seconds(overviews["tanh"]),
    )


def _changed(experiment: harness.Experiment, key: str, value: Any) -> harness.Experiment:
    """Return an experiment with another value in [training], or without one."""
    document = experiment.document()
    document["training"] = {**document["training"], key: value}
    if value is None:
        del document["training"][key]
    return harness.Experiment.from_mapping(document, data=experiment.data)


def _refined(experiment: harness.Experiment, size: int, out: Path) -> RefinedMap:
    found = refined_map(framed(experiment, size=size), out)
    print(f"{out.name}: {found.refinement.trained:,} pixels", flush=True)
    return found


def _told(found: Map) -> Map:
    """Print what was trained, for whoever waits."""
    print(f"{found.folder.parent.name}/{found.folder.name}: {found.dimension:.2f}", flush=True)
    return found


def _seconds(found: Map) -> float:
    """Return how long a map took, by the time that its chunks trained, which its folder has."""
    commits = Store.open(found.folder).commits().values()
    return sum(commit.about.seconds for commit in commits) / available_threads()
