"""The page of the boundary of trainability: its pictures, and published beside measured."""

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
Jascha Sohl-Dickstein trained one small network over and over, with another pair of learning rates
for each pixel of an image, and found that the boundary between the pairs that train and those that
do not is a fractal (*The boundary of neural network trainability is fractal*, 2024, arXiv
2402.06184). Six conditions are in that paper; here is each of them, trained again.

- **Network.** 16 inputs, one hidden layer of 16 units, one output, no biases: 272 parameters.
  `z = W1' x / sqrt(16)`, hidden units `tanh(sqrt(2) z)`, `sqrt(2) relu(z)` or `z`, and an output of
  `W2' h / 16`. Weights, inputs and targets are standard normal, the same ones for every pixel. 272
  data points (16 for the identity, 1 in the condition of that name), the mean of squares as loss,
  gradient descent in float64, {epochs + 1} losses.
- **Axes.** The learning rate of the input layer from left to right and that of the output layer
  from bottom to top, both from 10^-3 to 10^6. In the last condition: an offset that is added to the
  input weights at the start and, as the paper's notebook does, with every step; against the rate.
- **Pixels.** v is a loss over the first one, 10^6 at most, which also stands for what is not
  finite. A run trained if the mean of its last 20 v is below 1. Blue pixels trained, red ones did
  not; shades are by the rank of the sum of v, or of 1 / v, and darkest at the boundary.
- **Dimension.** A pixel is on the boundary if both kinds are in the 2 x 2 block that begins with
  it. The boundary is covered with boxes of 1, 2, 4, ... pixels; the dimension is the median of the
  slopes of log(boxes) against log(1 / size), over all sizes and all frames of a zoom."""


def _tell_overviews(found: Found) -> str:
    return f"""\
## Overviews

![Six maps of trainability](images/trainability_overviews.png)

*{_side(found, "overviews")} trainings each, made by `harness map` of the six files. That of tanh
took {duration(found.overview_seconds)}: {found.a_second:,.0f} complete trainings a second. A
published reproduction on a GPU made {REPRODUCED_A_SECOND[0]} to {REPRODUCED_A_SECOND[1]} a second
at these settings.*"""


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

Each frame is the half of the one before, in both directions, with the most boundary in it:
`harness zoom experiments/trainability_tanh.toml`.

![Frames on the way into six boundaries](images/trainability_zooms.png)

*Above each frame its dimension. {" or ".join(f"{side} x {side}" for side in sorted(sides))}
trainings a frame.*

{table(header, rows)}

![The dimension of each frame](images/trainability_dimensions.png)

*Dots: frames. Solid line: the slope that is the median of all frames. Dashed: published.*"""


def _tell_why(found: Found) -> str:
    ours, published = found.overviews["tanh"].dimension, REPRODUCED_OVERVIEW
    return f"""\
## Where these numbers and the published ones differ

- **Another seed.** All pixels have the same weights and data, and these decide what the boundary
  looks like. The paper's were drawn by another generator. An independent reproduction of the first
  condition, with a third seed, has {published:.2f} for the overview and {REPRODUCED_MEDIAN:.2f} for
  the median of a zoom; here they are {ours:.2f} and {found.median("tanh"):.2f}.
- **Another path.** The paper's zooms were aimed at by eye. Here the next window is always the half
  with the most boundary. So the path leads to where neighbouring pixels have the least to do with
  each other. Some frames there are noise to the eye, and the dimension of noise is 2. With one
  data point it leads along a curve that stays smooth, past the islands in the red, so what is
  measured there is not what the paper zooms into.
- **Fewer pixels and frames.** The paper's images are far larger. A boundary of few pixels has few
  sizes of boxes; the slopes between the smallest and the largest of them are the least sure."""


def _tell_steps(found: Found) -> str:
    rows = [
        (f"{losses:,}", f"{each.dimension:.2f}", f"{REPRODUCED[losses]:.2f}")
        for losses, each in found.steps.items()
    ]
    return f"""\
## How many steps it takes

Frame {found.steps_frame} of the zoom of tanh, trained for fewer and for more epochs. The
reproduction has another window and another seed; compare how the dimension grows and settles.

![One window after several numbers of losses](images/trainability_steps.png)

*Above each map the number of losses. Dots: here. Squares: the reproduction.*

{table(("losses", "dimension", "reproduction"), rows)}"""


def _tell_refined(found: Found) -> str:
    large, small = found.refined.refinement, found.refined_small.refinement
    wrong, low, high = large.wrong_share()
    side = len(found.refined.image.trained)
    return f"""\
## Training the neighbourhood of the boundary only

`harness map experiments/trainability_tanh.toml --size {side} --refine` trains every 16th pixel, and
then only those around which there are both kinds.

![The refined map and its boundary](images/trainability_refined.png)

*{large.trained:,} of {large.pixels:,} pixels were trained, {large.trained / large.pixels:.1%}; the
others have the kind of their neighbours.*

How far that can be trusted is checked twice:

- {large.checked:,} of the pixels that were not to be trained were drawn and trained after all, and
  {large.wrong:,} of them are of the other kind. So {wrong:.3%} of all pixels are wrong, with a 95 %
  interval of {low:.3%} to {high:.3%}.
- At {len(found.refined_small.image.trained)} x {len(found.refined_small.image.trained)} pixels,
  where {small.trained / small.pixels:.1%} were trained, the refined map differs from the whole one
  above in {found.misjudged:.3%} of all pixels."""


def _tell_checks(found: Found) -> str:
    pixels = found.without_limit[0].trained.size
    return f"""\
## Checks

- **Stopping early flips nothing.** A run whose loss passes 1e100 is stopped. In a window of
  {pixels:,} pixels, trained with and without that limit, {found.flipped} are of another kind.
- **A bowl is smooth.** For one weight and SSR = w1^2 the boundary over learning rate and momentum
  is a straight line ([trainability_bowl.toml](../../experiments/trainability_bowl.toml)). Its
  estimated dimension is {dimension([found.bowl.boxes]):.2f}."""
