"""What the two lessons print, and what training found: numbers, and what the pictures show.

Sources: StatQuest (Josh Starmer), Neural Networks Part 1 and 2, Backpropagation Details Part 1
and 2; the articles after them by Ganesh Kumar and by Rijul Rajesh (dev.to); Udacity, Deep Learning,
"Calculating the Gradient 2" and the exercise "backprop".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Numbers = tuple[float, ...]

ONLY_B3 = "statquest_b3"
OUTPUT_LAYER = "statquest_output_layer"
ALL_SEVEN = "statquest_all_seven"
EXERCISE = "backprop_exercise"

LESSON = ("w1", "b1", "w2", "b2", "w3", "w4", "b3")
PART_2 = dict(zip(LESSON, (3.34, -1.43, -3.53, 0.57, -1.22, -2.30, 2.61), strict=True))

# As printed, to the digit. Each is compared with a number that is rounded to as many digits.
PRINTED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    ONLY_B3: {
        "predictions at b3 = 0": ("-2.6", "-1.61", "-2.61"),
        "SSR at b3 = 0, 1, 2, 3": ("20.4", "7.8", "1.11", "0.46"),
        "slope at the first two steps": ("-15.7", "-6.26"),
        "step size": ("-1.57", "-0.626"),
        "b3 after 0, 1, 2 steps and at the end": ("0", "1.57", "2.19", "2.61"),
        "SSR at b3 = 2.61, in an article": ("0.46",),
    },
    OUTPUT_LAYER: {
        "predictions": ("0.72", "0.46", "0.77"),
        "SSR": ("1.4",),
        "derivatives by w3, w4, b3": ("2.58", "1.26", "1.90"),
        "new w3, w4, b3": ("0.10", "0.50", "-0.19"),
    },
    ALL_SEVEN: {
        "predictions": ("0.686", "0.858", "1.185"),
        "SSR": ("1.90",),
    },
    EXERCISE: {
        "error term of the output": ("0.028730669543515018",),
        "change of w7, w8": ("0.00804047", "0.00555918"),
        "change of w1, w2, w3": ("1.77005547e-04", "3.54011093e-05", "-7.08022187e-05"),
        "change of w4, w5, w6": ("-5.11178506e-04", "-1.02235701e-04", "2.04471402e-04"),
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parabola:
    """SSR over b3 alone.

    Attributes
    ----------
    minimum, least : float
        Where SSR is lowest, and how low: SSR = least + 3 (b3 - minimum)², for three data points.
    runs : DataFrame
        A row a learning rate.
    paths : DataFrame
        learning_rate, epoch, ssr, b3.
    """

    minimum: float
    least: float
    runs: pd.DataFrame
    paths: pd.DataFrame

    def ssr(self, b3: Any) -> Any:
        """Return SSR in closed form."""
        return self.least + 3 * (b3 - self.minimum) ** 2

    def factor(self, rate: float) -> float:
        """Return what a step multiplies b3 - minimum by: b3 - rate * 6 (b3 - minimum)."""
        return 1 - 6 * rate

    def path(self, rate: float) -> pd.DataFrame:
        """Return the way of a learning rate, epoch by epoch."""
        return self.paths[self.paths["learning_rate"] == rate].reset_index(drop=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bowl:
    """SSR over w3 and w4.

    Attributes
    ----------
    surface : DataFrame
        w3, w4, ssr_initial: all points of a lattice.
    minimum : tuple of float
        w3 and w4 where SSR is lowest.
    least : float
        SSR there.
    largest_rate : float
        The learning rate below which steps converge.
    paths : DataFrame
        learning_rate, status, epoch, ssr, w3, w4.
    """

    surface: pd.DataFrame
    minimum: tuple[float, ...]
    least: float
    largest_rate: float
    paths: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Squiggle:
    """The curve of the network while all seven parameters train.

    Attributes
    ----------
    points : DataFrame
        input_1, target_1.
    curves : DataFrame
        epoch, input_1, prediction_1.
    published : DataFrame
        input_1, prediction_1, with the parameters that the lesson prints.
    fall : DataFrame
        epoch, ssr, of the same run.
    runs : DataFrame
        A row a learning rate.
    """

    points: pd.DataFrame
    curves: pd.DataFrame
    published: pd.DataFrame
    fall: pd.DataFrame
    runs: pd.DataFrame

    @property
    def furthest(self) -> float:
        """How far the last curve is from the published one, between the doses 0 and 1."""
        last = self.curves[self.curves["epoch"] == self.curves["epoch"].max()]
        apart = last["prediction_1"].to_numpy() - self.published["prediction_1"].to_numpy()
        return float(np.abs(apart[self.published["input_1"].between(0, 1)]).max())


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was measured.

    Attributes
    ----------
    measured : mapping
        For each experiment of `PRINTED` and each of its quantities, as many numbers.
    slope_at_rounded_b3 : float
        dSSR/db3 at b3 = 1.57, the number after one step as the lesson rounds it.
    parabola, bowl, squiggle : Parabola, Bowl, Squiggle
        What the three pictures show.
    """

    measured: Mapping[str, Mapping[str, Numbers]]
    slope_at_rounded_b3: float
    parabola: Parabola
    bowl: Bowl
    squiggle: Squiggle
