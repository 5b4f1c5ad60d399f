"""Generated data points: the usual teaching sets. A new one is a function and an entry here.

A generator with the key `samples` makes as many data points as it is asked for, and others of the
same rule for another `part`. The others are tables of all their data points.

Random numbers are addressed, see `philox`: the part is the major number of both streams. The first
stream has the numbers that place a point, the second one its noise.

Only arithmetic that is the same on every machine is used here, because these numbers decide every
run: + - * / and square roots, no sine or logarithm of NumPy.

References
----------
Smilkov, Carter, Sculley, Viegas and Wattenberg (2017), "Direct-manipulation visualization of deep
networks": TensorFlow Playground, https://github.com/tensorflow/playground, src/dataset.ts. The
circle, clouds, two_gaussians, spirals, plane and bumps are its six data sets; its slider from 0 to
50 is a `noise` from 0 to 0.5.

Pedregosa et al. (2011), "Scikit-learn: machine learning in Python", JMLR 12, pages 2825-2830:
make_moons and make_blobs of sklearn.datasets. They number their points class by class, and so does
the Playground. Here the classes alternate, so that a batch in order has points of each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.experiment.data import Dataset
from harness.experiment.trigonometry import sin_cos
from harness.kernels import philox

Floats = NDArray[np.float64]
Labels = tuple[float, float]  # targets of points outside and inside a class

# Parts of the data.
TRAINING = 0
VALIDATION = 1

# The two-bit gates by their numbers. Bit 2 a + b of the number is the output for the inputs a, b.
GATES: Final = (
    *("false", "nor", "b_and_not_a", "not_a", "a_and_not_b", "not_b", "xor", "nand"),
    *("and", "xnor", "b", "a_implies_b", "a", "b_implies_a", "or", "true"),
)


class Key(NamedTuple):
    """A key of the section [data] that only generators take, and the axis that sets it."""

    says: str
    allowed: str
    values: Any  # their type, for pydantic
    axis: str = ""  # its name; there is none by default
    kind: Literal["number", "whole", "whole or word"] = "whole"


def _whole(says: str, least: int, most: int, axis: str = "") -> Key:
    return Key(
        says=says,
        allowed=f"a whole number from {least} to {most}",
        values=Annotated[int, Field(strict=True, ge=least, le=most)],
        axis=axis,
    )


def _number(says: str, least: int, most: int, axis: str) -> Key:
    return Key(
        says=says,
        allowed=f"a number from {least} to {most}",
        values=Annotated[float, Field(strict=True, ge=least, le=most)],
        axis=axis,
        kind="number",
    )


_Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]

KEYS = {
    "samples": _whole("number of data points", 1, 1_000_000, axis="samples"),
    "noise": _number("size of the noise", 0, 1_000_000, axis="noise"),
    "seed": Key(
        says="seed of the random numbers",
        allowed="a whole number from 0 to 2^63 - 1",
        values=Annotated[int, Field(strict=True, ge=0, lt=2**63)],
        axis="data_seed",
    ),
    "degree": _whole("degree of the polynomial", 0, 1000, axis="degree"),
    "turns": _number("turns of each spiral, or periods of the sine", 0, 1000, axis="turns"),
    "classes": _whole("number of classes", 1, 100),
    "bits": _whole("number of bits", 1, 16),
    "patterns": _whole("number of patterns", 1, 1000),
    "gate": Key(
        says="the gate by name or number; bit 2 a + b of the number is the output for the inputs"
        " a and b",
        allowed=", ".join(f'"{name}"' for name in GATES) + " or a whole number from 0 to 15",
        values=Annotated[int, Field(strict=True, ge=0, le=15)] | Literal[GATES],
        axis="gate",
        kind="whole or word",
    ),
    "labels": Key(
        says="targets of data points outside and inside a class",
        allowed="a list of two finite numbers",
        values=Annotated[tuple[_Finite, ...], Field(min_length=2, max_length=2)],
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """A rule that makes data points.

    `make` takes the numbers of inputs and outputs of the network, the part (`TRAINING` or
    `VALIDATION`) and, by name, the `keys` of the section [data], here with their defaults.
    docs/experiment-files.md describes the data by `says`.
    """

    says: str
    make: Callable[..., Dataset]
    keys: Mapping[str, Any] = field(default_factory=dict)


# ------------------------------------------------------------------------------- random numbers


def _normal(shape: tuple[int, ...], seed: int, stream: np.uint64, part: int) -> Floats:
    """Draw standard normal numbers."""
    out = np.empty(shape)
    philox.fill_normal(out.reshape(-1), np.uint64(seed), stream, np.uint64(part))
    return out


def _uniform(shape: tuple[int, ...], seed: int, stream: np.uint64, part: int) -> Floats:
    """Draw uniform numbers from 0 up to, but not including, 1."""
    out = np.empty(shape)
    philox.fill_uniform(out.reshape(-1), np.uint64(seed), stream, np.uint64(part))
    return out


def _shaken(points: Floats, size: float, seed: int, part: int) -> Floats:
    """Add uniform noise from -size to size to each number."""
    if size == 0.0:
        return points
    noise = 2.0 * _uniform(points.shape, seed, philox.STREAM_TARGETS, part) - 1.0
    return points + size * noise


def _blurred(values: Floats, size: float, seed: int, part: int) -> Floats:
    """Add normal noise of standard deviation `size` to each number."""
    if size == 0.0:  # adding it would change the sign of -0.0
        return values
    return values + size * _normal(values.shape, seed, philox.STREAM_TARGETS, part)


def _square(samples: int, half: float, seed: int, part: int) -> Floats:
    """Draw points from the square of all numbers from -half to half, (samples, 2)."""
    return half * (2.0 * _uniform((samples, 2), seed, philox.STREAM_INPUTS, part) - 1.0)


def _interval(samples: int, seed: int, part: int) -> Floats:
    """Return numbers from -1 to 1: for training equally spaced, otherwise drawn.

    Other equally spaced numbers might be the same as some of training.
    """
    if part != TRAINING:
        return 2.0 * _uniform((samples,), seed, philox.STREAM_INPUTS, part) - 1.0
    last = max(samples - 1, 1)
    spaced: Floats = (2.0 * np.arange(samples) - last) / last
    return spaced


def _along(spaced: Floats, seed: int, part: int) -> Floats:
    """Return positions on a curve, from 0 to 1: for training `spaced`, otherwise drawn."""
    if part == TRAINING:
        return spaced
    return _uniform(spaced.shape, seed, philox.STREAM_INPUTS, part)


# -------------------------------------------------------------------------------------- classes


def _first_of_two(samples: int) -> NDArray[np.bool_]:
    """Tell whether each data point is in the first of two classes, which alternate."""
    first: NDArray[np.bool_] = np.arange(samples) % 2 == 0
    return first


def _labelled(inside: NDArray[np.bool_], labels: Labels) -> Floats:
    """Return targets, (m, outputs), from whether points are inside a class, (m,) or (m, k)."""
    outside_label, inside_label = labels
    targets: Floats = np.where(inside, inside_label, outside_label).reshape(len(inside), -1)
    return targets


def _distance(points: Floats, x: float = 0.0, y: float = 0.0) -> Floats:
    """Return the distance of each point, (m, 2), from the point x, y."""
    across, up = points[:, 0] - x, points[:, 1] - y
    return np.sqrt(across * across + up * up)


# ---------------------------------------------------------------------------- classes in a plane


def _circle(
    inputs: int,
    outputs: int,
    part: int,
    *,
    samples: int,
    noise: float,
    seed: int,
    labels: Labels,
) -> Dataset:
    """Return a disc in a ring (classifyCircleData of the Playground).

    Radius and angle are uniform: the radius from 0 to 2.5 or from 3.5 to 5. A point is inside if
    its distance from the centre is below 2.5, after noise from -5 to 5 times `noise` is added to
    both coordinates. The inputs have no noise.
    """
    places = _uniform((samples, 2), seed, philox.STREAM_INPUTS, part)
    inner = 2.5 * places[:, 0]
    outer = 3.5 + 1.5 * places[:, 0]
    radius = np.where(_first_of_two(samples), inner, outer)
    sine, cosine = sin_cos(places[:, 1])
    points = np.stack((radius * sine, radius * cosine), axis=1)
    moved = _shaken(points, 5.0 * noise, seed, part)
    return Dataset(inputs=points, targets=_labelled(_distance(moved) < 2.5, labels))


def _clouds(
    inputs: int,
    outputs: int,
    part: int,
    *,
    samples: int,
    noise: float,
    seed: int,
    labels: Labels,
) -> Dataset:
    """Return the exclusive or of two signs (classifyXORData of the Playground).

    Points are uniform in a square from -5 to 5, and moved away from both axes by 0.3. A point is
    inside if its coordinates have the same sign, after noise from -5 to 5 times `noise` is added
    to both. The inputs have no noise.
    """
    points = _square(samples, 5.0, seed, part)
    points = points + np.where(points > 0.0, 0.3, -0.3)
    moved = _shaken(points, 5.0 * noise, seed, part)
    return Dataset(inputs=points, targets=_labelled(moved[:, 0] * moved[:, 1] >= 0.0, labels))


def _two_gaussians(
    inputs: int,
    outputs: int,
    part: int,
    *,
    samples: int,
    noise: float,
    seed: int,
    labels: Labels,
) -> Dataset:
    """Return two normal distributions (classifyTwoGaussData of the Playground).

    Their means are (2, 2), which is inside, and (-2, -2). The variance of each coordinate is 0.5
    without noise, and 4 for a noise of 0.5.
    """
    inside = _first_of_two(samples)
    means = np.where(inside, 2.0, -2.0)[:, np.newaxis]
    deviation = np.sqrt(0.5 + 7.0 * noise)
    points = means + deviation * _normal((samples, 2), seed, philox.STREAM_INPUTS, part)
    return Dataset(inputs=points, targets=_labelled(inside, labels))


def _spirals(
    inputs: int,
    outputs: int,
    part: int,
    *,
    samples: int,
    turns: float,
    noise: float,
    seed: int,
    labels: Labels,
) -> Dataset:
    """Return two spirals (classifySpiralData of the Playground, which has 1.75 turns).

    The radius grows from 0 to 5 with the angle. The second spiral is half a turn further. Noise
    from -1 to 1 times `noise` is added to the coordinates.
    """
    inside = _first_of_two(samples)
    along = _along((np.arange(samples) // 2) / (0.5 * samples), seed, part)
    sine, cosine = sin_cos(turns * along + np.where(inside, 0.0, 0.5))
    points = np.stack((5.0 * along * sine, 5.0 * along * cosine), axis=1)
    points = _shaken(points, noise, seed, part)
    return Dataset(inputs=points, targets=_labelled(inside, labels))


def _moons(
    inputs: int,
    outputs: int,
    part: int,
    *,
    samples: int,
    noise: float,
    seed: int,
    labels: Labels,
) -> Dataset:
    """Return two half circles that interlock (make_moons of scikit-learn).

    The upper one is outside, the lower one inside. Normal noise of standard deviation `noise` is
    added to the coordinates.
    """
    inside = _first_of_two(samples)
    last = np.where(inside, (samples + 1) // 2, samples // 2) - 1
    along = _along((np.arange(samples) // 2) / np.maximum(last, 1), seed, part)
    sine, cosine = sin_cos(0.5 * along)
    x = np.where(inside, 1.0 - cosine, cosine)
    y = np.where(inside, 0.5 - sine, sine)
    points = _blurred(np.stack((x, y), axis=1), noise, seed, part)
    return Dataset(inputs=points, targets=_labelled(inside, labels))


def _blobs(
    inputs: int,
    outputs: int,
    part: int,
    *,
    samples: int,
    classes: int,
    noise: float,
    seed: int,
    labels: Labels,
) -> Dataset:
    """Return normal distributions around random centres (make_blobs of scikit-learn).

    The centres are uniform in a cube from -10 to 10, and the same for all parts. `noise` is the
    standard deviation of each coordinate. There is one target for each class.
    """
    centres = _uniform((classes, inputs), seed, philox.STREAM_TARGETS, TRAINING)
    centres = 10.0 * (2.0 * centres - 1.0)
    number = np.arange(samples) % classes
    shifts = noise * _normal((samples, inputs), seed, philox.STREAM_INPUTS, part)
    inside = number[:, np.newaxis] == np.arange(classes)
    return Dataset(inputs=centres[number] + shifts, targets=_labelled(inside, labels))


# ----------------------------------------------------------------------------------- regression


def _gaussian(inputs: int, outputs: int, part: int, *, samples: int, seed: int) -> Dataset:
    """Draw inputs and targets from two streams of the seed."""
    return Dataset(
        inputs=_normal((samples, inputs), seed, philox.STREAM_INPUTS, part),
        targets=_normal((samples, outputs), seed, philox.STREAM_TARGETS, part),
    )


def _plane(
    inputs: int, outputs: int, part: int, *, samples: int, noise: float, seed: int
) -> Dataset:
    """Return (x + y) / 10 on a square from -6 to 6 (regressPlane of the Playground).

    Noise from -6 to 6 times `noise` is added to both coordinates before the target is computed.
    """
    points = _square(samples, 6.0, seed, part)
    moved = _shaken(points, 6.0 * noise, seed, part)
    return Dataset(inputs=points, targets=(moved[:, :1] + moved[:, 1:]) / 10.0)


def _bumps(
    inputs: int, outputs: int, part: int, *, samples: int, noise: float, seed: int
) -> Dataset:
    """Return six cones on a square from -6 to 6 (regressGaussian of the Playground).

    A cone has the height 1 or -1 at its centre and 0 from a distance of 2 on. Noise from -6 to 6
    times `noise` is added to both coordinates before the target is computed.
    """
    points = _square(samples, 6.0, seed, part)
    moved = _shaken(points, 6.0 * noise, seed, part)
    target = np.zeros(samples)
    for x, y, sign in (
        *((-4.0, 2.5, 1.0), (0.0, 2.5, -1.0), (4.0, 2.5, 1.0)),
        *((-4.0, -2.5, -1.0), (0.0, -2.5, 1.0), (4.0, -2.5, -1.0)),
    ):
        height = np.maximum(1.0 - _distance(moved, x, y) / 2.0, 0.0)
        target = np.where(height > np.abs(target), sign * height, target)
    return Dataset(inputs=points, targets=target[:, np.newaxis])


def _curve(x: Floats, values: Floats, noise: float, seed: int, part: int) -> Dataset:
    """Return a function of one input, with normal noise on its values."""
    noisy = _blurred(values, noise, seed, part)
    return Dataset(inputs=x[:, np.newaxis], targets=noisy[:, np.newaxis])


def _chebyshev(
    inputs: int, outputs: int, part: int, *, samples: int, degree: int, noise: float, seed: int
) -> Dataset:
    """Evaluate T_n by its recurrence: T_n = 2 x T_(n-1) - T_(n-2), T_0 = 1, T_1 = x.

    >>> found = _chebyshev(1, 1, TRAINING, samples=3, degree=2, noise=0.0, seed=0)
    >>> found.targets.ravel().tolist()
    [1.0, -1.0, 1.0]
    """
    x = _interval(samples, seed, part)
    before, now = np.ones_like(x), x
    for _ in range(degree - 1):
        before, now = now, 2.0 * x * now - before
    return _curve(x, now if degree else before, noise, seed, part)


def _sine(
    inputs: int, outputs: int, part: int, *, samples: int, turns: float, noise: float, seed: int
) -> Dataset:
    """Return a sine of `turns` periods from -1 to 1, which is 0 at 0."""
    x = _interval(samples, seed, part)
    return _curve(x, sin_cos(0.5 * turns * x)[0], noise, seed, part)


def _step(
    inputs: int, outputs: int, part: int, *, samples: int, noise: float, seed: int
) -> Dataset:
    """Return 0 below 0, and 1 from 0 on."""
    x = _interval(samples, seed, part)
    return _curve(x, np.where(x < 0.0, 0.0, 1.0), noise, seed, part)


# --------------------------------------------------------------------------------------- tables


def _bits(count: int) -> NDArray[np.int64]:
    """Return all patterns of some bits, as numbers in binary, in ascending order."""
    return np.arange(2**count)[:, np.newaxis] >> np.arange(count)[::-1] & 1


def _dosage(inputs: int, outputs: int, part: int) -> Dataset:
    """Dosage and effectiveness of StatQuest, Neural Networks Part 1: low and high doses fail."""
    return Dataset(inputs=np.array([[0.0], [0.5], [1.0]]), targets=np.array([[0.0], [1.0], [0.0]]))


def _xor(inputs: int, outputs: int, part: int) -> Dataset:
    """Return the truth table of the exclusive or."""
    return _gates(inputs, outputs, part, gate="xor", labels=(0.0, 1.0))


def _gates(inputs: int, outputs: int, part: int, *, gate: str | int, labels: Labels) -> Dataset:
    """Return the truth table of a gate with two inputs.

    >>> found = _gates(2, 1, TRAINING, gate="nand", labels=(0.0, 1.0))
    >>> found.targets.ravel().tolist()
    [1.0, 1.0, 1.0, 0.0]
    """
    number = GATES.index(gate) if isinstance(gate, str) else gate
    inside = number >> np.arange(4) & 1 == 1
    return Dataset(inputs=_bits(2).astype(np.float64), targets=_labelled(inside, labels))


def _parity(inputs: int, outputs: int, part: int, *, bits: int, labels: Labels) -> Dataset:
    """Return whether the number of ones is odd, for all patterns of some bits."""
    patterns = _bits(bits)
    inside = patterns.sum(axis=1) % 2 == 1
    return Dataset(inputs=patterns.astype(np.float64), targets=_labelled(inside, labels))


def _encoder(inputs: int, outputs: int, part: int, *, patterns: int) -> Dataset:
    """Return patterns with a single 1, which are their own targets.

    Ackley, Hinton and Sejnowski (1985), "A learning algorithm for Boltzmann machines", Cognitive
    Science 9, pages 147-169: 4-2-4, 8-3-8 and 40-10-40 encoders.
    """
    return Dataset(inputs=np.eye(patterns), targets=np.eye(patterns))


_SAMPLED = {"samples": 200, "noise": 0.0, "seed": 0}
_ON_A_LINE = {"samples": 20, "noise": 0.0, "seed": 0}
_LABELS = {"labels": (0.0, 1.0)}

GENERATORS = {
    "dosage": Generator(says="inputs 0, 0.5, 1 and targets 0, 1, 0", make=_dosage),
    "xor": Generator(
        says="two inputs that are 0 or 1, and whether exactly one of them is 1: four data points",
        make=_xor,
    ),
    "gaussian": Generator(
        says="inputs and targets that are independent standard normal numbers",
        make=_gaussian,
        keys={"samples": 20, "seed": 0},
    ),
    "chebyshev": Generator(
        says="T(x) at equally spaced x from -1 to 1, where T is the Chebyshev polynomial (of the"
        " first kind) of the degree; `noise` is the standard deviation of normal noise",
        make=_chebyshev,
        keys=_ON_A_LINE | {"degree": 3},
    ),
    "sine": Generator(
        says="sin(π turns x) at equally spaced x from -1 to 1; `noise` as for chebyshev",
        make=_sine,
        keys=_ON_A_LINE | {"turns": 1.0},
    ),
    "step": Generator(
        says="0 for x < 0 and 1 otherwise, at equally spaced x from -1 to 1; `noise` as for"
        " chebyshev",
        make=_step,
        keys=_ON_A_LINE,
    ),
    "circle": Generator(
        says="two inputs, in a disc of radius 2.5 or a ring from 3.5 to 5, and whether they are in"
        " the disc; noise from -5 to 5 times `noise` is added to both before that is decided",
        make=_circle,
        keys=_SAMPLED | _LABELS,
    ),
    "clouds": Generator(
        says="two inputs from -5.3 to -0.3 or 0.3 to 5.3, and whether they have the same sign;"
        " noise as for circle",
        make=_clouds,
        keys=_SAMPLED | _LABELS,
    ),
    "two_gaussians": Generator(
        says="two inputs, normal around (2, 2) or (-2, -2), and whether around (2, 2); the variance"
        " is 0.5 + 7 `noise`",
        make=_two_gaussians,
        keys=_SAMPLED | _LABELS,
    ),
    "spirals": Generator(
        says="two inputs, on one of two spirals of radius 5, and whether they are on the first;"
        " noise from -1 to 1 times `noise` is added to both",
        make=_spirals,
        keys=_SAMPLED | {"turns": 1.75} | _LABELS,
    ),
    "moons": Generator(
        says="two inputs, on one of two half circles that interlock, and whether they are on the"
        " lower; `noise` is the standard deviation of normal noise on both",
        make=_moons,
        keys=_SAMPLED | _LABELS,
    ),
    "blobs": Generator(
        says="inputs that are normal, with standard deviation `noise`, around the centre of their"
        " class, and one target per class; the centres are random from -10 to 10",
        make=_blobs,
        keys=_SAMPLED | {"noise": 1.0, "classes": 3} | _LABELS,
    ),
    "plane": Generator(
        says="two inputs x, y from -6 to 6, and (x + y) / 10; noise from -6 to 6 times `noise` is"
        " added to both before that is computed",
        make=_plane,
        keys=_SAMPLED,
    ),
    "bumps": Generator(
        says="two inputs from -6 to 6, and the height of three cones up and three cones down, with"
        " radius 2 and height 1; noise as for plane",
        make=_bumps,
        keys=_SAMPLED,
    ),
    "gates": Generator(
        says="the truth table of a gate with two inputs a, b that are 0 or 1: four data points",
        make=_gates,
        keys={"gate": "and"} | _LABELS,
    ),
    "parity": Generator(
        says="all patterns of `bits` inputs that are 0 or 1, and whether the number of ones is odd",
        make=_parity,
        keys={"bits": 3} | _LABELS,
    ),
    "encoder": Generator(
        says="as many inputs as `patterns`, one of them 1 and the others 0, and the same targets",
        make=_encoder,
        keys={"patterns": 8},
    ),
}
