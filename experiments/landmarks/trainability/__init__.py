"""The boundary between settings that train and those that do not, and its dimension."""

from experiments.landmarks.page import Landmark
from experiments.landmarks.trainability.measurements import CONDITIONS, measure
from experiments.landmarks.trainability.page import tell

LANDMARK = Landmark(
    title="The boundary of trainability",
    question="Where is the boundary between settings that train and those that do not, and how"
    " rough is it?",
    files=tuple(f"trainability_{name}.toml" for name in (*CONDITIONS, "bowl")),
    measure=measure,
    tell=tell,
)
