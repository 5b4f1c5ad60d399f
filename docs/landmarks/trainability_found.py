"""What is published of the boundary of trainability, and what training found.

Source: Sohl-Dickstein 2024, "The boundary of neural network trainability is fractal" (arXiv
2402.06184), its table 1 and its public notebook.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.maps.boundary import dimension
from harness.maps.image import Image
from harness.maps.refine import RefinedMap
from harness.maps.zoom import Map

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
