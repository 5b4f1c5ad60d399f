"""Float32 against float64: what changes in boundaries, shares, sharpness and trajectories."""

from experiments.landmarks.page import Landmark
from experiments.landmarks.precision.measurements import DOSAGE, EDGE, TANH, XOR, measure
from experiments.landmarks.precision.page import tell

LANDMARK = Landmark(
    title="What a bit is worth",
    question="Does a network that is trained in float32 end as it does in float64?",
    files=tuple(f"{name}.toml" for name in (TANH, XOR, EDGE, DOSAGE)),
    measure=measure,
    tell=tell,
)
