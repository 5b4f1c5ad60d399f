"""The page of the boundary of trainability: pictures, published and measured numbers."""

from pathlib import Path

import numpy as np

from experiments.landmarks.page import table
from experiments.landmarks.trainability.measurements import (
    CONDITIONS,
    REPRODUCED,
    REPRODUCED_A_SECOND,
    REPRODUCED_MEDIAN,
    REPRODUCED_OVERVIEW,
    Found,
)
from experiments.landmarks.trainability.pictures import (
    draw_dimensions,
    draw_overviews,
    draw_refined,
    draw_steps,
    draw_zooms,
)
from harness.formatting import duration
from harness.maps.boundary import dimension

PICTURES = {
    "overviews": draw_overviews,
    "zooms": draw_zooms,
    "dimensions": draw_dimensions,
    "steps": draw_steps,
    "refined": draw_refined,
}


def tell(found: Found, pictures: Path) -> str:
    """Draw the pictures, and write the page."""
    for name, draw in PICTURES.items():
        (pictures / f"trainability_{name}.png").write_bytes(draw(found))
    return "\n\n".join(
        (
            _tell_what(found),
            _tell_overviews(found),
            _tell_zooms(found),
            _tell_why(found),
            _tell_steps(found),
            _tell_refined(found),
            _tell_checks(found),
        )
    )


def _side(found: Found, kind: str) -> str:
    sides = {len(each.image.trained) for each in getattr(found, kind).values()}
    return " or ".join(f"{side} x {side}" for side in sorted(sides))


def _tell_what(found: Found) -> str:
    epochs = found.overviews["tanh"].experiment.training.epochs
    return f"""\
Jascha Sohl-Dickstein trained a small network with a different pair of learning rates for each pixel
of an image, and found that the boundary between the pairs that train and those that do not is a
fractal (*The boundary of neural network trainability is fractal*, 2024, arXiv
2402.06184). This page reproduces the six conditions of that paper.

- **Network.** 16 inputs, one hidden layer of 16 units, one output, no biases: 272 parameters.
  `z = W1' x / sqrt(16)`, hidden units `tanh(sqrt(2) z)`, `sqrt(2) relu(z)` or `z`, and an output of
  `W2' h / 16`. Weights, inputs and targets are standard normal and the same for every pixel. 272
  data points (16 for the identity, 1 in the condition of that name), the mean of squares as loss,
  gradient descent in float64, {epochs + 1} losses.
- **Axes.** The learning rate of the input layer from left to right and that of the output layer
  from bottom to top, both from 10^-3 to 10^6. In the last condition: the learning rate, and an
  offset that is added to the input weights at the start and, as in the paper's notebook, in every
  step.
- **Pixels.** v is the loss over the initial loss, capped at 10^6; v is 10^6 if the loss is not
  finite. A run trained if the mean of its last 20 v is below 1. Blue pixels trained, red ones did
  not. Shades follow the rank of the sum of v, or of 1 / v, and are darkest at the boundary.
- **Dimension.** A pixel is on the boundary if the 2 x 2 block that begins with it contains both
  kinds. The boundary is covered with boxes of 1, 2, 4, ... pixels; the dimension is the median of
  the slopes of log(boxes) against log(1 / size), over all sizes and all frames of a zoom."""


def _tell_overviews(found: Found) -> str:
    return f"""\
## Overviews

![Six maps of trainability](images/trainability_overviews.png)

*{_side(found, "overviews")} trainings each, from `harness map` of the six files. The map of tanh
took {duration(found.overview_seconds)}: {found.a_second:,.0f} complete trainings per second. A
published reproduction on a GPU reached {REPRODUCED_A_SECOND[0]} to {REPRODUCED_A_SECOND[1]} per
second at these settings.*"""


def _tell_zooms(found: Found) -> str:
    rows = []
    for name, (title, published) in CONDITIONS.items():
        dimensions = [each.dimension for each in found.zooms[name]]
        rows.append((
            f"[{title}](../../experiments/trainability_{name}.toml)",
            f"{found.overviews[name].image.trained.mean():.1%}",
            f"{found.overviews[name].dimension:.2f}",
            f"{len(dimensions)}",
            f"{np.nanmin(dimensions):.2f} to {np.nanmax(dimensions):.2f}",
            f"**{found.median(name):.2f}**",
            f"{published:.2f}",
        ))  # fmt: skip
    header = ("condition", "trained", "overview", "frames", "frames from", "median", "published")
    sides = {len(frames[0].image.trained) for frames in found.zooms.values()}
    return f"""\
## Zooms

Each frame is the window of half the width and height with the most boundary inside the previous
one: `harness zoom experiments/trainability_tanh.toml`.

![Frames of the zooms into six boundaries](images/trainability_zooms.png)

*Above each frame: its dimension. {" or ".join(f"{side} x {side}" for side in sorted(sides))}
trainings per frame.*

{table(header, rows)}

![The dimension of each frame](images/trainability_dimensions.png)

*Dots: frames. Solid line: the median of the slopes of all frames. Dashed: published.*"""


def _tell_why(found: Found) -> str:
    ours, published = found.overviews["tanh"].dimension, REPRODUCED_OVERVIEW
    return f"""\
## Differences from the published numbers

- **Another seed.** All pixels have the same weights and data, which determine the shape of the
  boundary. The paper used another random generator. An independent reproduction of the first
  condition, with a third seed, reports {published:.2f} for the overview and {REPRODUCED_MEDIAN:.2f}
  for the median of a zoom; here they are {ours:.2f} and {found.median("tanh"):.2f}.
- **Another path.** The paper chose its windows by eye. Here the next window is always the one with
  the most boundary. So the path leads to regions where neighbouring pixels are least related. Some
  frames there look like noise, and the dimension of noise is 2. With one data point, the path
  follows a curve that stays smooth, past the islands in the red, so it measures another region than
  the paper.
- **Fewer pixels and frames.** The paper's images are far larger. A boundary of few pixels has few
  box sizes, and the slopes at the smallest and the largest sizes are the least certain."""


def _tell_steps(found: Found) -> str:
    rows = [
        (f"{losses:,}", f"{each.dimension:.2f}", f"{REPRODUCED[losses]:.2f}")
        for losses, each in found.steps.items()
    ]
    return f"""\
## Number of steps

Frame {found.steps_frame} of the zoom of tanh, trained for fewer and for more epochs. The
reproduction has another window and another seed; compare only how the dimension grows and settles.

![One window after several numbers of losses](images/trainability_steps.png)

*Above each map: the number of losses. Dots: this page. Squares: the reproduction.*

{table(("losses", "dimension", "reproduction"), rows)}"""


def _tell_refined(found: Found) -> str:
    large, small = found.refined.refinement, found.refined_small.refinement
    wrong, low, high = large.wrong_share()
    side = len(found.refined.image.trained)
    return f"""\
## Training only near the boundary

`harness map experiments/trainability_tanh.toml --size {side} --refine` trains every 16th pixel, and
then only pixels with both kinds around them.

![The refined map and its boundary](images/trainability_refined.png)

*{large.trained:,} of {large.pixels:,} pixels were trained, {large.trained / large.pixels:.1%}; the
others take the kind of their neighbours.*

Two checks estimate the error:

- {large.checked:,} of the skipped pixels, drawn at random, were trained after all, and
  {large.wrong:,} of them have the other kind. So {wrong:.3%} of all pixels are wrong, with a 95 %
  interval of {low:.3%} to {high:.3%}.
- At {len(found.refined_small.image.trained)} x {len(found.refined_small.image.trained)} pixels,
  where {small.trained / small.pixels:.1%} were trained, the refined map differs from the whole one
  above in {found.misjudged:.3%} of all pixels."""


def _tell_checks(found: Found) -> str:
    pixels = found.without_limit[0].trained.size
    return f"""\
## Checks

- **Stopping early flips no pixel.** A run is stopped when its loss exceeds 1e100. In a window of
  {pixels:,} pixels, trained with and without that limit, {found.flipped} have another kind.
- **A bowl is smooth.** For one weight and SSR = w1^2 the boundary over learning rate and momentum
  is a straight line ([trainability_bowl.toml](../../experiments/trainability_bowl.toml)). Its
  estimated dimension is {dimension([found.bowl.boxes]):.2f}."""
