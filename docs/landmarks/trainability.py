"""The boundary between settings that train and those that do not, and its dimension.

`trainability_found` has the published numbers, `trainability_pictures` the pictures, and
`trainability_page` the page.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from page import ROOT, Landmark
from trainability_found import CONDITIONS, REPRODUCED, Found
from trainability_page import tell

import harness
from harness.maps.image import framed
from harness.maps.refine import RefinedMap, refined_map
from harness.maps.zoom import Map, train_map, zoom
from harness.store import Store
from harness.sweep.plan import available_threads

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


LANDMARK = Landmark(
    title="The boundary of trainability",
    question="Where is the boundary between settings that train and those that do not, and how"
    " rough is it?",
    files=tuple(f"trainability_{name}.toml" for name in (*CONDITIONS, "bowl")),
    measure=measure,
    tell=tell,
)
