"""`harness map` and `harness zoom`: two axes as an image, and the way into its boundary."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.arguments import Changes, File, Threads, load, stopped_by_ctrl_c
from harness.cli.printing import duration, number, plural, say, say_table

if TYPE_CHECKING:
    from harness.experiment import Experiment
    from harness.zooming import Map

_KEPT = "what is finished is kept, and the same command goes on."

Size = Annotated[
    int | None,
    typer.Option(min=4, help="Pixels on each side; as many as the file says if left out."),
]
Zoom = Annotated[
    str | None,
    typer.Option("--zoom", metavar="X0,X1,Y0,Y1", help="Ends of the axes, in their own units."),
]


def map_(
    file: File,
    size: Size = None,
    window: Zoom = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Results folder; named if left out.")
    ] = None,
    changes: Changes = None,
    threads: Threads = None,
) -> None:
    """Train the two axes of FILE as an image, a run a pixel.

    It is a sweep like any other, in a results folder; the picture is in its folder plots.
    """
    from harness.cli import screens
    from harness.zooming import train_map

    experiment = _framed(file, changes, size, window)
    screens.announce(experiment)
    with stopped_by_ctrl_c(_KEPT), screens.ProgressBar(experiment.axes.size) as bar:
        found = train_map(
            experiment, out or _folder(experiment), threads=threads, progress=bar.move
        )
    screens.say_how_long(bar.last)
    _say_map(found)
    say(str(_write_picture(found)))


def zoom(
    file: File,
    frames: Annotated[int, typer.Option(min=1, help="How many images at most.")] = 12,
    size: Size = None,
    window: Zoom = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the frames; named if left out.")
    ] = None,
    changes: Changes = None,
    threads: Threads = None,
) -> None:
    """Follow the boundary of FILE: each image is half as wide, where most of the boundary is.

    Leaves a results folder and a picture a frame, a film, and dimensions.csv.
    """
    import pandas as pd

    from harness import zooming
    from harness.boundary import dimension
    from harness.cli import screens

    experiment = _framed(file, changes, size, window)
    screens.announce(experiment)
    folder = out or _folder(experiment, "zoom-")
    found, seconds = [], 0.0
    with stopped_by_ctrl_c(_KEPT), screens.ProgressBar(experiment.axes.size) as bar:
        for image in zooming.zoom(
            experiment, folder, frames=frames, threads=threads, progress=bar.move
        ):
            found.append(image)
            _write_picture(image)
            seconds += bar.last.seconds if bar.last else 0.0
            bar.last = None
    rows = []
    for place, image in enumerate(found):
        share = f"{image.image.trained.mean():.1%}"
        rows.append([str(place), number(0.5**place), share, number(image.dimension)])
    say_table("frames", ["frame", "width", "trained", "dimension"], rows)
    boxes = pd.concat([image.boxes.assign(frame=place) for place, image in enumerate(found)])
    boxes.to_csv(folder / "dimensions.csv", index=False, lineterminator="\n")
    say(f"dimension of all: {number(dimension([image.boxes for image in found]))}")
    if seconds:
        say(f"trained in {duration(seconds)}")
    film = zooming.write_film([image.image for image in found], folder / "zoom")
    say(f"{plural(len(found), 'frame')} in {folder}; {film}")


def _framed(
    file: Path, changes: list[str] | None, size: int | None, window: str | None
) -> "Experiment":
    from harness.maps import framed, map_axes, parse_window

    experiment = load(file, changes)
    map_axes(experiment)
    if size is None and window is None:
        return experiment
    return framed(experiment, size=size, window=parse_window(window) if window else None)


def _folder(experiment: "Experiment", kind: str = "") -> Path:
    """Return a folder of its own for each window and size."""
    return Path("results") / f"{experiment.name}-{kind}{experiment.identity[:8]}"


def _say_map(found: "Map") -> None:
    share = found.image.trained.mean()
    say(f"{share:.1%} of the runs trained; dimension of the boundary {number(found.dimension)}")


def _write_picture(found: "Map") -> Path:
    from harness.maps import map_axes
    from harness.plots import rendered
    from harness.plots.image import map_image

    picture = found.folder / "plots" / "map.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    title = f"{found.experiment.name}: {plural(found.image.trained.size, 'run')}"
    figure = map_image(found.image, map_axes(found.experiment), title=title)
    picture.write_bytes(rendered(figure))
    return picture
