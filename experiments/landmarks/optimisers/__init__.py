"""Seven optimisers from the same starts, and published shares of Rprop and Adam."""

from experiments.landmarks.optimisers.measurements import measure
from experiments.landmarks.optimisers.page import tell
from experiments.landmarks.page import Landmark

LANDMARK = Landmark(
    title="Which optimiser?",
    question="Which optimisers train small networks, at which learning rates, and how fast?",
    files=(
        "optimisers.toml",
        "xor_optimisers.toml",
        "schedules.toml",
        "xor_rprop.toml",
        "adam_xor.toml",
        "micrograd_moons.toml",
    ),
    measure=measure,
    tell=tell,
)
