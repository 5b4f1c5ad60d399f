"""ReLU units that are dead before training: measured shares and proven probabilities."""

from experiments.landmarks.dead_relu.measurements import FILE, measure
from experiments.landmarks.dead_relu.page import tell
from experiments.landmarks.page import Landmark

LANDMARK = Landmark(
    title="ReLU units that are dead before training",
    question="How many units of the second layer are dead at the start, for every input?",
    files=(FILE,),
    measure=measure,
    tell=tell,
)
