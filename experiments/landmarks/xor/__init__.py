"""Exclusive or: how often networks learn it, how soon, and from where."""

from experiments.landmarks.page import Landmark
from experiments.landmarks.xor.measurements import measure
from experiments.landmarks.xor.page import tell

FILES = ("xor_pdp", "xor_budget", "xor_online", "xor_shares", "xor_basin")

LANDMARK = Landmark(
    title="Exclusive or: which networks learn it, how soon, and from where",
    question="How often do small sigmoid networks learn exclusive or, and what does it depend on?",
    files=tuple(f"{name}.toml" for name in FILES),
    measure=measure,
    tell=tell,
)
