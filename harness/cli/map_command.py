"""`harness map` and `harness zoom`: two axes as an image, and zooms into its boundary."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import ctrl_c
from harness.cli.options import KEPT, Changes, File, Threads, load, local_folder
from harness.cli.printing import say
from harness.formatting import duration, number, plural

if TYPE_CHECKING:
    from harness.experiment import Experiment
    from harness.maps.refine import RefinedMap, Refinement
    from harness.maps.zoom import Map
    from harness.results.tables import Results

Size = Annotated[
    int | None,
    typer.Option(metavar="N", min=4, help="Pixels per side.", show_default="as FILE says"),
]
Zoom = Annotated[
    str | None,
    typer.Option(
        "--zoom", metavar="X0,X1,Y0,Y1", help="Ranges of the two axes, in their own units."
    ),
]
Colours = Annotated[
    str,
    typer.Option(
        metavar="rank|plain",
        help="rank: shades by rank of the value; plain: values on a logarithmic scale.",
    ),
]


def map_(
    file: File,
    size: Size = None,
    window: Zoom = None,
    refine: Annotated[
        bool,
        typer.Option(
            "--refine", help="Train near the boundary only, and check a sample of the rest."
        ),
    ] = False,
    colours: Colours = "rank",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            parser=local_folder,
            help="Results folder.",
            show_default="results/NAME-HASH",
        ),
    ] = None,
    changes: Changes = None,
    threads: Threads = None,
) -> None:
    """Train the two axes of FILE as an image, one run per pixel.

    A map is an ordinary sweep with a results folder, and the image is in its subfolder plots.
    With --refine there is one sweep per level, from every 16th pixel down to every pixel.
    """
    from harness.cli import sweep_screen
    from harness.maps.picture import check_colours
    from harness.maps.zoom import folder_of

    check_colours(colours)
    experiment = framed_by(file, changes, size, window)
    sweep_screen.announce(experiment)
    found: Map
    ctrl_c.keeping(KEPT)
    if refine:
        found = _refine(experiment, out or folder_of(experiment, "refined-"), threads)
    else:
        found = train(experiment, out or folder_of(experiment), threads)
    say_map(found)
    say(str(_write_picture(found, colours)))


def train(experiment: "Experiment", folder: Path, threads: int | None) -> "Map":
    """Train a map, with a progress bar."""
    from harness.cli import sweep_screen
    from harness.maps.zoom import train_map

    with sweep_screen.ProgressBar(experiment.grid.size) as bar:
        found = train_map(experiment, folder, threads=threads, progress=bar.move)
    sweep_screen.say_how_long(bar.last)
    return found


def _refine(experiment: "Experiment", folder: Path, threads: int | None) -> "RefinedMap":
    """Train a map where it is not uniform, and print the time of each level."""
    from harness.cli import sweep_screen
    from harness.maps.refine import refined_map
    from harness.sweeps.run import run

    def sweep(part: "Experiment", where: Path) -> "Results":
        with sweep_screen.ProgressBar(part.grid.size) as bar:
            results = run(part, where, threads=threads, progress=bar.move)
        taken = f"in {duration(bar.last.seconds)}" if bar.last else "were finished already"
        say(f"{where.name}  {plural(part.grid.size, 'pixel')} {taken}")
        return results

    found = refined_map(experiment, folder, sweep=sweep)
    _say_refinement(found.refinement)
    return found


def zoom(
    file: File,
    frames: Annotated[int, typer.Option(metavar="N", min=1, help="Maximum number of images.")] = 12,
    size: Size = None,
    window: Zoom = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            parser=local_folder,
            help="Folder of the frames.",
            show_default="results/NAME-zoom-HASH",
        ),
    ] = None,
    changes: Changes = None,
    threads: Threads = None,
) -> None:
    """Zoom into the boundary of FILE, image by image.

    Each image shows the half of the one before that has most of the boundary. Writes one results
    folder and one picture per image, a film, and dimensions.csv.
    """
    import pandas as pd

    from harness.cli import sweep_screen
    from harness.maps.boundary import dimension
    from harness.maps.zoom import folder_of, write_film
    from harness.maps.zoom import zoom as follow
    from harness.store.outputs import write_inside

    experiment = framed_by(file, changes, size, window)
    sweep_screen.announce(experiment)
    folder = out or folder_of(experiment, "zoom-")
    found: list[Map] = []
    seconds = 0.0
    say("frame      width  trained  dimension      time")
    ctrl_c.keeping(KEPT)
    with sweep_screen.ProgressBar(experiment.grid.size) as bar:
        for image in follow(experiment, folder, frames=frames, threads=threads, progress=bar.move):
            _write_picture(image, "rank")
            taken = bar.last.seconds if bar.last else 0.0
            _say_frame(len(found), image, taken)
            found.append(image)
            seconds += taken
            bar.last = None
    boxes = pd.concat([image.boxes.assign(frame=frame) for frame, image in enumerate(found)])
    table = boxes.to_csv(index=False, lineterminator="\n")
    write_inside(folder, "dimensions.csv", [table.encode()])
    say(f"dimension of all: {number(dimension([image.boxes for image in found]))}")
    if seconds:
        say(f"trained in {duration(seconds)}")
    film = write_film([image.image for image in found], folder)
    say(f"{plural(len(found), 'frame')} in {folder}; {film}")


def framed_by(
    file: Path, changes: list[str] | None, size: int | None, window: str | None
) -> "Experiment":
    """Load a map, in another window or with another number of pixels if asked for."""
    from harness.maps.image import framed, map_axes, parse_window

    experiment = load(file, changes)
    map_axes(experiment)
    if size is None and window is None:
        return experiment
    return framed(experiment, size=size, window=parse_window(window) if window else None)


def say_map(found: "Map") -> None:
    """Print the share of runs that trained, and the dimension of the boundary."""
    share = found.image.trained.mean()
    say(f"{share:.1%} of the runs trained; {_boundary(found)}")


def _boundary(found: "Map") -> str:
    if not found.image.trained.any() or found.image.trained.all():
        return "there is no boundary"
    return f"dimension of the boundary {number(found.dimension)}"


def _say_refinement(found: "Refinement") -> None:
    share = found.trained / found.pixels
    say(
        f"{found.trained:,} of {found.pixels:,} pixels trained: {share:.1%}, saving {1 - share:.1%}"
    )
    if not found.checked:
        return
    say(
        f"{found.wrong:,} of {plural(found.checked, 'pixel')} checked are not of the kind of"
        " their neighbours"
    )
    wrong, low, high = found.wrong_share()
    interval = f"95 % interval {low:.3%} to {high:.3%}"
    say(f"share of all pixels of the wrong kind: {wrong:.3%} ({interval})")


def _say_frame(frame: int, found: "Map", seconds: float) -> None:
    share = f"{found.image.trained.mean():.1%}"
    taken = duration(seconds) if seconds else "before"
    roughness = number(found.dimension)
    say(f"{frame:5}  {number(0.5**frame):>9}  {share:>7}  {roughness:>9}  {taken:>8}")


def _write_picture(found: "Map", colours: str) -> Path:
    from harness.maps.image import map_axes
    from harness.maps.picture import map_image
    from harness.plots import rendered
    from harness.store.outputs import write_inside

    name = "map.png" if colours == "rank" else f"map-{colours}.png"
    title = f"{found.experiment.name}: {plural(found.image.trained.size, 'pixel')}"
    figure = map_image(found.image, map_axes(found.experiment), title=title, colours=colours)
    return write_inside(found.folder, f"plots/{name}", [rendered(figure)])
