"""TensorFlow Playground: how often its networks generalise, and how soon."""

from experiments.landmarks.generalisation.measurements import measure
from experiments.landmarks.generalisation.page import tell
from experiments.landmarks.page import Landmark

LANDMARK = Landmark(
    title="How often does it generalise?",
    question="What would a thousand people see who press play in TensorFlow Playground?",
    files=("playground.toml", "playground_resets.toml"),
    measure=measure,
    tell=tell,
)
