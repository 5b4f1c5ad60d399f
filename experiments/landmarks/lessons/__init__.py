"""The numbers that the two lessons print, reproduced by training."""

from experiments.landmarks.lessons.measurements import BOWL, SURFACE, measure
from experiments.landmarks.lessons.page import tell
from experiments.landmarks.lessons.published import ALL_SEVEN, EXERCISE, ONLY_B3, OUTPUT_LAYER
from experiments.landmarks.page import Landmark

LANDMARK = Landmark(
    title="The numbers of the two lessons",
    question="Does training reproduce the numbers that the lessons on backpropagation print?",
    files=tuple(
        f"{name}.toml" for name in (ONLY_B3, OUTPUT_LAYER, BOWL, SURFACE, ALL_SEVEN, EXERCISE)
    ),
    measure=measure,
    tell=tell,
)
