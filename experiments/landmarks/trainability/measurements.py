"""Published numbers for the boundary of trainability, and the maps that measure the same.

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
from harness.sweeps.engines.threads import available_threads

# Conditions of the paper, by the end of the file name: title, and published dimension.
CONDITIONS: Mapping[str, tuple[str, float]] = {
    "tanh": ("tanh, full batch", 1.66),
    "relu": ("ReLU, full batch", 1.20),
    "identity": ("identity, full batch", 1.17),
    "one_point": ("tanh, one data point", 1.41),
    "minibatch": ("tanh, minibatch", 1.55),
    "offset": ("tanh, offset and rate", 1.98),
}

# An independent reproduction of the first condition, on a GPU of the GB10 class in float64: the
# dimension of one window by number of losses, that of the overview, the median of a zoom, and the
# range of complete trainings per second.
REPRODUCED = {10: 1.05, 30: 1.27, 100: 1.37, 500: 1.41, 1000: 1.41}
REPRODUCED_OVERVIEW, REPRODUCED_MEDIAN = 1.20, 1.53
REPRODUCED_A_SECOND = (29, 200)

# Pixels per side of overviews, of frames of a zoom, and of the refined map. Frames with at most 16
# data points are cheap.
OVERVIEW, FRAME, CHEAP_FRAME, REFINED = 256, 96, 192, 1024
# One more than a power of two: boxes of all sizes then cover the 2 x 2 blocks without a remainder,
# so that the dimension of a line is 1.
BOWL = 257
CHEAP = ("identity", "one_point")
FRAMES = 9
# So few pixels that no kernel is compiled for them.
QUICK = {OVERVIEW: 10, FRAME: 10, CHEAP_FRAME: 10, REFINED: 20, BOWL: 9}
QUICK_FRAMES, QUICK_EPOCHS = 2, 29

# The frame of the zoom of tanh that is also trained for other numbers of epochs. Deeper frames have
# no boundary after the fewest epochs.
STEPS_FRAME = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Measurements of the boundary of trainability.

    Attributes
    ----------
    overviews : mapping
        The map of each condition.
    zooms : mapping
        The maps of the zoom of each condition.
    steps : mapping
        Maps of one window, by number of losses.
    steps_frame : int
        Number of that window among the frames of the zoom of tanh.
    refined : RefinedMap
        The overview of tanh, with only the pixels near the boundary trained.
    refined_small : RefinedMap
        The same with the size of the overview.
    without_limit : pair of Image
        One window of tanh, trained with the limit and without.
    bowl : Map
        The control.
    overview_seconds : float
        Time of the overview of tanh on all processors.
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
        """Return the dimension of a zoom: the median over all frames."""
        return dimension([frame.boxes for frame in self.zooms[condition]])

    @property
    def a_second(self) -> float:
        """Complete trainings per second in the overview of tanh."""
        return self.overviews["tanh"].image.trained.size / self.overview_seconds

    @property
    def flipped(self) -> int:
        """Number of pixels of the window that have another kind without the limit."""
        one, other = self.without_limit
        return int(np.count_nonzero(one.trained != other.trained))

    @property
    def misjudged(self) -> float:
        """Share of pixels with another kind in the refined map than in the overview."""
        whole = self.overviews["tanh"].image.trained
        return float(np.mean(self.refined_small.image.trained != whole))


def measure(out: Path, quick: bool) -> Found:
    """Train all maps; the quick version has fewer pixels and epochs."""
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
    """Return an experiment with another value in [training], or without the key."""
    document = experiment.document()
    document["training"] = {**document["training"], key: value}
    if value is None:
        del document["training"][key]
    return harness.Experiment.from_mapping(document, data=experiment.source)


def _refined(experiment: harness.Experiment, size: int, out: Path) -> RefinedMap:
    found = refined_map(framed(experiment, size=size), out)
    print(f"{out.name}: {found.refinement.trained:,} pixels", flush=True)
    return found


def _told(found: Map) -> Map:
    """Print the progress, and return the map."""
    print(f"{found.folder.parent.name}/{found.folder.name}: {found.dimension:.2f}", flush=True)
    return found


def _seconds(found: Map) -> float:
    """Return the time of a map, from the training times in the commits of its folder."""
    commits = Store.open(found.folder).commits().values()
    return sum(commit.about.seconds for commit in commits) / available_threads()
