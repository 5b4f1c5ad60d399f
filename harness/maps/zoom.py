"""Train maps, and zoom into their boundary: each frame is half as wide as the one before."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image as Pixels

from harness.experiment import Experiment
from harness.maps.boundary import box_counts, dimension
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
from harness.sweeps.progress import Progress
from harness.sweeps.run import run

_FRAME_MILLISECONDS = 600  # of a film


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A trained map: its experiment, its results folder and its pixels."""

    experiment: Experiment
    folder: Path
    image: Image

    @property
    def boxes(self) -> pd.DataFrame:
        """The boxes that cover the boundary, as returned by `box_counts`."""
        return box_counts(self.image.boundary)

    @property
    def dimension(self) -> float:
        """The median of the box-counting dimensions; NaN if there is no boundary."""
        return dimension([self.boxes])


def folder_of(experiment: Experiment, kind: str = "") -> Path:
    """Return the results folder of a map, different for each window and size."""
    return Path("results") / f"{experiment.name}-{kind}{experiment.identity[:8]}"


def train_map(
    experiment: Experiment,
    out: Path | None = None,
    *,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Map:
    """Train a map, or the part of it that is missing.

    Parameters
    ----------
    experiment : Experiment
        With two axes of numbers.
    out, threads, progress
        As for `harness.run`.
    """
    map_axes(experiment)
    results = run(experiment, out, threads=threads, progress=progress)
    image = image_of(results.read_runs(columns_of(results.run_columns)), experiment)
    return Map(experiment=experiment, folder=results.folder, image=image)


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
        The first map.
    out : Path
        The folder of the frames, which are called frame-00, frame-01, ...
    frames : int
        The number of maps. There are fewer if the boundary ends, or if neighbouring pixels are no
        longer different numbers.
    threads, progress
        As for `harness.run`.
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
    """Write the frames of a zoom as a film: MP4 if ffmpeg is installed, otherwise GIF.

    Parameters
    ----------
    images : list of Image
        The frames.
    folder : Path
        The folder to write zoom.mp4 or zoom.gif into.

    Returns
    -------
    Path
        The file.
    """
    frames = [Pixels.fromarray(_enlarged(frame(image))) for image in images]
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        first, *others = frames
        film = BytesIO()
        first.save(
            film,
            format="GIF",
            save_all=True,
            append_images=others,
            duration=_FRAME_MILLISECONDS,
            loop=0,
        )
        return write_inside(folder, "zoom.gif", [film.getvalue()])
    with tempfile.TemporaryDirectory() as temporary:
        for number, pixels in enumerate(frames):
            pixels.save(f"{temporary}/{number:03}.png")
        rate, names = str(1000 / _FRAME_MILLISECONDS), f"{temporary}/%03d.png"
        command = [ffmpeg, "-y", "-loglevel", "error", "-framerate", rate, "-i", names]
        made = Path(temporary, "zoom.mp4")
        subprocess.run([*command, "-pix_fmt", "yuv420p", str(made)], check=True)
        return write_inside(folder, "zoom.mp4", [made.read_bytes()])


def _enlarged(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture enlarged to about 512 pixels, with even sides, as MP4 needs."""
    times = max(1, 512 // pixels.shape[0])
    large = pixels.repeat(times, axis=0).repeat(times, axis=1)
    return large[: large.shape[0] // 2 * 2, : large.shape[1] // 2 * 2]
