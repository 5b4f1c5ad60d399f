"""ReLU units that are dead before training starts: their share, beside what was proved."""

from experiments.landmarks.dead_relu.measurements import FILE, measure
from experiments.landmarks.dead_relu.page import tell
from experiments.landmarks.page import Landmark

LANDMARK = Landmark(
    title="ReLU units that are dead before training",
    question="How many units of the second layer are dead at the start, whatever the input?",
    files=(FILE,),
    measure=measure,
    tell=tell,
)
