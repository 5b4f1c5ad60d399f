"""`harness explore`: a map in a window, where a click trains the region around it."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import ctrl_c
from harness.cli.map_command import Colours, Zoom, framed_by, say_map, train
from harness.cli.options import KEPT, Changes, File, Threads
from harness.cli.printing import say

if TYPE_CHECKING:
    from harness.experiment import Experiment
    from harness.maps.zoom import Map


def explore(
    file: File,
    size: Annotated[int, typer.Option(metavar="N", min=4, help="Pixels per side.")] = 64,
    window: Zoom = None,
    colours: Colours = "rank",
    changes: Changes = None,
    threads: Threads = None,
) -> None:
    """Explore a map of FILE interactively.

    Opens a window. A click trains the region of half the size around it, and dragging trains the
    selected rectangle; the right button or Backspace goes back. Results are kept in the folders
    that `harness map` uses.
    """
    from harness.cli import sweep_screen
    from harness.maps.explorer import Explorer, new_window
    from harness.maps.image import window_of, zoom_argument
    from harness.maps.picture import check_colours
    from harness.maps.zoom import folder_of

    check_colours(colours)
    experiment = framed_by(file, changes, size, window)
    figure = new_window()
    sweep_screen.announce(experiment)

    def train_and_say(part: "Experiment") -> "Map":
        folder = folder_of(part)
        say(f"{folder}  --size {size} --zoom {zoom_argument(window_of(part))}")
        found = train(part, folder, threads)
        say_map(found)
        return found

    ctrl_c.keeping(KEPT)
    Explorer(experiment, size=size, train=train_and_say, colours=colours, figure=figure).wait()
