"""Values that axes draw: their distributions, and samples of several axes at once.

Random numbers are addressed, see `philox`: the name of the axis decides the major number, so axes
with the same seed are independent, and more values do not change the first ones. Values are
rounded to about six digits, so that they are short enough to read. What repeats is drawn again.

References
----------
Joe and Kuo (2008), "Constructing Sobol sequences with better two-dimensional projections", SIAM
J. Sci. Comput. 30, pages 2635-2654: the direction numbers, which scipy has.

Matoušek (1998), "On the L2-discrepancy for anchored boxes", J. Complexity 14, pages 527-556: random
linear scrambling, which keeps the uniformity of the points.

McKay, Beckman and Conover (1979), "A comparison of three methods for selecting values of input
variables in the analysis of output from a computer code", Technometrics 21, pages 239-245.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import repeat
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.kernels import philox
from harness.kernels.elementary import exponentiate, log

Floats = NDArray[np.float64]
Scale = Literal["linear", "log"]

# Samples of more points are not drawn: each value is written out.
MOST_DRAWN = 100_000

# Values that are drawn until enough of them differ: this many times as many, and in all.
_MOST_TIMES = 1024
_MOST_TRIED = 10_000_000

_BITS = 53  # of a share
_DIGITS = 6
_MOST_DIGITS = 17  # of a float


def _rounded(value: float, span: float) -> float:
    """Return a value in steps of at least 10^-6 of a span; never -0."""
    exact = Decimal(value)
    last = max(
        Decimal(span).adjusted() + 1 - _DIGITS,
        exact.adjusted() + 1 - _MOST_DIGITS if value else 0,
    )
    return float(exact.quantize(Decimal(1).scaleb(last))) + 0.0


def _exponentials(numbers: Floats) -> list[float]:
    """Return the exponentials of some numbers, with the same bits on every machine."""
    values = numbers.copy()
    exponentiate(values)
    found: list[float] = values.tolist()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A uniform distribution of numbers, or of their logarithms, between two ends.

    Attributes
    ----------
    low, high : float
        The ends. Whole numbers include both.
    scale : str
        Whether numbers or their logarithms are uniform.
    whole : bool
        Whether the values are whole numbers.
    """

    low: float
    high: float
    scale: Scale = "linear"
    whole: bool = False

    @property
    def size(self) -> float:
        """Number of different values."""
        return self.high - self.low + 1 if self.whole else math.inf

    def values(self, numbers: Floats) -> list[Any]:
        """Return the values at numbers from 0 to 1, which are shares of the range."""
        if self.whole and self.scale == "linear":
            first, count = int(self.low), int(self.size)
            return [first + (count * int(share * 2**_BITS) >> _BITS) for share in numbers.tolist()]
        # A whole number stands for the interval up to the next one.
        low, high = self.low, self.high + self.whole
        if self.scale == "log":
            found = _exponentials(log(low) * (1.0 - numbers) + log(high) * numbers)
        else:
            found = (low * (1.0 - numbers) + high * numbers).tolist()
        if self.whole:
            return [int(min(value, self.high)) for value in found]
        span = high / 2 - low / 2
        spans = [min(span, value) for value in found] if self.scale == "log" else repeat(span)
        rounded = map(_rounded, found, spans)
        return [min(max(value, low), high) for value in rounded]

    def text(self) -> str:
        """Return the ends and the scale in words."""
        log = ", log" if self.scale == "log" else ""
        return f"from {_short(self.low)} to {_short(self.high)}{log}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """A normal distribution of numbers, or of their logarithms.

    Attributes
    ----------
    middle, spread : float
        Mean and standard deviation; on a logarithmic scale, the median and the factor of one
        standard deviation.
    scale : str
        Whether numbers or their logarithms are normal.
    whole : bool
        Whether the values are rounded to whole numbers.
    """

    middle: float
    spread: float
    scale: Scale = "linear"
    whole: bool = False

    @property
    def size(self) -> float:
        """Number of different values."""
        return math.inf

    def values(self, numbers: Floats) -> list[Any]:
        """Return the values at standard normal numbers."""
        if self.scale == "log":
            found = [self.middle * x for x in _exponentials(log(self.spread) * numbers)]
            spans = [value * min(self.spread - 1.0, 1.0) for value in found]
        else:
            found = (self.middle + self.spread * numbers).tolist()
            spans = [self.spread] * len(found)
        return [*map(round, found)] if self.whole else [*map(_rounded, found, spans)]

    def text(self) -> str:
        """Return the parameters in words."""
        if self.scale == "log":
            return f"around {_short(self.middle)}, normal, log, a factor of {_short(self.spread)}"
        return f"around {_short(self.middle)}, normal, deviation {_short(self.spread)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A list of values that are equally probable."""

    of: tuple[Any, ...]

    @property
    def size(self) -> float:
        """Number of different values."""
        return len(self.of)

    def values(self, numbers: Floats) -> list[Any]:
        """Return the values at numbers from 0 to 1, which are shares of the list."""
        return [self.of[int(number * len(self.of))] for number in numbers.tolist()]

    def text(self) -> str:
        """Return the values in words."""
        return f"from {', '.join(map(_short, self.of))}"


Distribution = Range | Normal | Choice


def _short(value: Any) -> str:
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def draw(distribution: Distribution, name: str, count: int, seed: int) -> list[Any] | None:
    """Return different values of one axis; None if there are not that many.

    Examples
    --------
    >>> draw(Range(low=0.01, high=1.0, scale="log"), "learning_rate", 3, seed=0)
    [0.110669, 0.107508, 0.748154]
    """
    if distribution.size < count:
        return None
    fill = philox.fill_normal if isinstance(distribution, Normal) else philox.fill_uniform
    return _different(
        lambda first, last: distribution.values(_numbers(fill, name, last, seed)[first:]), count
    )


def draw_together(
    distributions: Mapping[str, Distribution], count: int, seed: int, method: str
) -> dict[str, tuple[Any, ...]] | None:
    """Return the values of several axes at different points; None if there are not that many.

    Parameters
    ----------
    distributions : mapping
        What each axis draws from, by its name; none is normal.
    count : int
        The number of points.
    seed : int
        Seed of the random numbers.
    method : str
        One of `METHODS`.
    """

    def points(first: int, last: int) -> list[tuple[Any, ...]]:
        shares = METHODS[method].shares([*distributions], last, seed)[:, first:]
        each = zip(distributions.values(), shares, strict=True)
        return list(zip(*(one.values(numbers) for one, numbers in each), strict=True))

    enough = math.prod(each.size for each in distributions.values()) >= count
    found = _different(points, count, grows=METHODS[method].grows) if enough else None
    if found is None:
        return None
    return dict(zip(distributions, zip(*found, strict=True), strict=True))


def _different(
    values: Callable[[int, int], list[Any]], count: int, *, grows: bool = True
) -> list[Any] | None:
    """Return the first values of a sequence that differ; None if there are not that many.

    `values` returns those from one index up to, but not including, another one.
    """
    found: dict[Any, None] = {}
    tried, more = 0, count
    while tried < min(_MOST_TIMES * count, _MOST_TRIED) and (grows or not tried):
        found.update(dict.fromkeys(values(tried, tried + more)))
        if len(found) >= count:
            return [*found][:count]
        tried += more
        more = tried
    return None


def _numbers(fill: Callable[..., None], name: str, count: int, seed: int) -> Floats:
    """Return the random numbers of an axis."""
    numbers = np.empty(count)
    major = hashlib.sha256(name.encode()).digest()[:8]
    fill(numbers, np.uint64(seed), philox.STREAM_AXES, np.uint64(int.from_bytes(major, "little")))
    return numbers


def _random(names: Sequence[str], count: int, seed: int) -> Floats:
    return np.array([_numbers(philox.fill_uniform, name, count, seed) for name in names])


def _sobol(names: Sequence[str], count: int, seed: int) -> Floats:
    """Return points of Sobol's sequence, scrambled by the first numbers of each axis.

    A bit becomes the parity of itself and of a random choice of the higher bits; then the bits of
    a random number are flipped.
    """
    from scipy.stats import qmc  # takes half a second to import

    sequence = qmc.Sobol(len(names), scramble=False, bits=_BITS)  # scipy's own numbers may change
    points = _bits(sequence.random_base2((count - 1).bit_length())[:count].T)
    random = _bits(_random(names, 1 + _BITS, seed))
    found = np.repeat(random[:, :1], count, axis=1)
    for bit in range(_BITS):
        place = np.uint64(1 << bit)
        chosen = (random[:, 1 + bit, None] | place) & ~(place - np.uint64(1))
        found ^= (np.bitwise_count(points & chosen) & np.uint8(1)) * place
    return np.ldexp(found.astype(np.float64), -_BITS)


def _bits(shares: Floats) -> NDArray[np.uint64]:
    """Return the bits of numbers from 0 to 1 as whole numbers."""
    return np.ldexp(shares, _BITS).astype(np.uint64)


def _latin_hypercube(names: Sequence[str], count: int, seed: int) -> Floats:
    """Return points with one in each of `count` equal intervals of each axis."""
    order, within = np.split(_random(names, 2 * count, seed), 2, axis=1)
    ranks = np.argsort(np.argsort(order, axis=1, kind="stable"), axis=1)
    return np.minimum((ranks + within) / count, np.nextafter(1.0, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to draw points of several axes.

    Attributes
    ----------
    shares : callable
        Returns numbers from 0 up to, but not including, 1 for names, count and seed; an array of
        shape (axes, count).
    point : str
        What one of its points is called.
    grows : bool
        Whether a larger count keeps the first points.
    """

    shares: Callable[[Sequence[str], int, int], Floats]
    point: str
    grows: bool = True


METHODS = {
    "random": Method(shares=_random, point="random point"),
    "sobol": Method(shares=_sobol, point="Sobol point"),
    "latin_hypercube": Method(shares=_latin_hypercube, point="Latin hypercube point", grows=False),
}
