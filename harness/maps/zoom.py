"""Maps that are trained, and a way into their boundary: frame by frame, each half as wide."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import image as pictures
from numpy.typing import NDArray
from PIL import Image as Pictures

from harness.experiment import Experiment
from harness.maps.boundary import box_counts, dimension, edges
from harness.maps.image import (
    Image,
    columns_of,
    framed,
    image_of,
    map_axes,
    nearest_half,
    told_apart,
)
from harness.maps.picture import frame
from harness.store.outputs import write_inside
from harness.sweep.progress import Progress
from harness.sweep.run import run

# A film shows each frame so long, in milliseconds.
_SHOWN = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A trained map: its experiment, its results folder, its pixels and its boundary's boxes."""

    experiment: Experiment
    folder: Path
    image: Image
    boxes: pd.DataFrame

    @property
    def dimension(self) -> float:
        """Median of the box-counting dimensions of this image; NaN where it has no boundary."""
        return dimension([self.boxes])


def folder_of(experiment: Experiment, kind: str = "") -> Path:
    """Return a results folder of its own for each window and size."""
    return Path("results") / f"{experiment.name}-{kind}{experiment.identity[:8]}"


def train_map(
    experiment: Experiment,
    out: Path | None = None,
    *,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Map:
    """Train a map, or what is missing of it, and return it as an image.

    Parameters
    ----------
    experiment : Experiment
        With two axes of numbers.
    out, threads, progress
        As of `harness.run`.
    """
    map_axes(experiment)
    results = run(experiment, out, threads=threads, progress=progress)
    image = image_of(results.read_runs(columns_of(results.run_columns)), experiment)
    return Map(
        experiment=experiment,
        folder=results.folder,
        image=image,
        boxes=box_counts(edges(image.trained)),
    )


def zoom(
    experiment: Experiment,
    out: Path,
    *,
    frames: int,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[Map]:
    """Yield maps, each half as wide as the one before and where most of its boundary is.

    Parameters
    ----------
    experiment : Experiment
        The first of them.
    out : Path
        Frames go into its folders frame-00, frame-01, ...
    frames : int
        How many; fewer where the boundary ends, or numbers can be told apart no longer.
    threads, progress
        As of `harness.run`.
    """
    for number in range(frames):
        found = train_map(
            experiment, out / f"frame-{number:02}", threads=threads, progress=progress
        )
        yield found
        window = nearest_half(found.image, experiment)
        if window is None or not told_apart(window, experiment.grid.shape):
            return
        experiment = framed(experiment, window=window)


def write_film(images: list[Image], folder: Path) -> Path:
    """Write the frames of a zoom as a film: MP4 where there is ffmpeg, else GIF.

    Parameters
    ----------
    images : list of Image
        The frames.
    folder : Path
        Where the file goes, under the name zoom.

    Returns
    -------
    Path
        The file.
    """
    frames = [_enlarged(frame(image)) for image in images]
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        first, *others = [Pictures.fromarray(pixels) for pixels in frames]
        film = BytesIO()
        first.save(film, format="GIF", save_all=True, append_images=others, duration=_SHOWN, loop=0)
        return write_inside(folder, "zoom.gif", [film.getvalue()])
    with tempfile.TemporaryDirectory() as temporary:
        for number, pixels in enumerate(frames):
            pictures.imsave(f"{temporary}/{number:03}.png", pixels)
        rate, names = str(1000 / _SHOWN), f"{temporary}/%03d.png"
        command = [ffmpeg, "-y", "-loglevel", "error", "-framerate", rate, "-i", names]
        made = Path(temporary, "zoom.mp4")
        subprocess.run([*command, "-pix_fmt", "yuv420p", str(made)], check=True)
        return write_inside(folder, "zoom.mp4", [made.read_bytes()])


def _enlarged(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture with sides of some hundred pixels, an even number of them."""
    times = max(1, 512 // pixels.shape[0])
    large = pixels.repeat(times, axis=0).repeat(times, axis=1)
    return large[: large.shape[0] // 2 * 2, : large.shape[1] // 2 * 2]
