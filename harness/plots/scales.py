"""Scales of axes: from zero to infinity, epochs from 0, colours, and round numbers at ticks."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from harness.plots.style import STRIP

Floats = NDArray[np.float64]

_LABELS = {"init_id": "starts (init_id)", "max_epochs": "epochs allowed"}

# An axis is longer than its numbers: beyond these its ends would underflow or overflow.
_LEAST, _GREATEST = 1e-130, 1e130

# The strips of zero and infinity are this far from the numbers, as a share of their length.
_GAP = 0.11

# More epochs than this are drawn on a logarithmic axis that includes 0.
_LINEAR_EPOCHS = 30

# Quantiles that colours span, so that a few outliers do not make all others look the same.
_COLOURED = (0.02, 0.98)

# Without a limit, runs finish at 1e200: colours end at this multiple of the median.
_BLOWN_UP = 1e3

# Numbers of decades between the ticks of a logarithmic axis.
_STEPS = (1, 2, 3, 5, 10, 20, 25, 50, 100, 200)


def label_of(axis: str) -> str:
    """Return the name of an axis in words."""
    return _LABELS.get(axis, axis.replace("_", " "))


def one_of(axis: str) -> str:
    """Return the noun for a single value of an axis, such as "learning rate" or "start"."""
    return "start" if axis == "init_id" else label_of(axis)


def values_of(axis: str) -> str:
    """Return the words for the values of an axis, such as "values of learning rate"."""
    return "starts" if axis == "init_id" else f"values of {label_of(axis)}"


def log_ticks(low: float, high: float) -> tuple[Floats, Floats]:
    """Return the ticks of a logarithmic axis: those with a number, and those without.

    >>> log_ticks(0.009, 1.1)[0].tolist()
    [0.01, 0.1, 1.0]
    >>> log_ticks(2.0, 30.0)[0].tolist()
    [2.0, 5.0, 10.0, 20.0]
    >>> log_ticks(0.0131, 0.0204)[0].tolist()
    [0.014, 0.016, 0.018, 0.02]
    >>> np.log10(log_ticks(1.0, 1e114)[0]).tolist()
    [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    """
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    decades = np.array([float(f"1e{power}") for power in range(first, last + 1)])
    inside = decades[(decades >= low) & (decades <= high)]
    step = next(step for step in _STEPS if len(inside) <= 6 * step)
    powers = np.round(np.log10(inside)).astype(int) if len(inside) else np.empty(0, dtype=int)
    major = inside[powers % step == 0] if step > 1 else inside
    if len(major) < 3:
        for factors in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)):
            finer = np.sort(np.outer(decades, factors).ravel())
            major = finer[(finer >= low) & (finer <= high)]
            if len(major) >= 3:
                break
    if len(major) < 3:
        major = linear_ticks(low, high)
    minor = np.outer(decades, np.arange(2, 10)).ravel() if step == 1 else decades
    return major, minor[(minor >= low) & (minor <= high)]


def linear_ticks(low: float, high: float) -> Floats:
    """Return round numbers for the ticks of a linear axis.

    >>> linear_ticks(0.02, 0.93).tolist()
    [0.2, 0.4, 0.6, 0.8]
    """
    steps = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)
    ticks = np.array([float(f"{tick:.10g}") for tick in steps])
    return ticks[(ticks >= low) & (ticks <= high)]


def number_text(value: float) -> str:
    """Format a number for a tick: a power of ten where digits would be many.

    >>> number_text(0.01), number_text(2e4), number_text(1e8)
    ('0.01', '20,000', '$10^{8}$')
    """
    if value == 0 or 1e-4 < abs(value) < 1e5:
        return f"{value:.4g}" if abs(value) < 1e3 else f"{value:,.6g}"
    power = int(np.floor(np.log10(abs(value)) + 1e-9))
    factor = f"{value / 10.0**power:.3g}"
    return f"$10^{{{power}}}$" if factor == "1" else rf"${factor}\times10^{{{power}}}$"


def tick_texts(ticks: Floats) -> list[str]:
    """Format ticks, with more digits than usual if they would look alike.

    >>> tick_texts(np.array([0.5, 1.0])), tick_texts(np.array([1.0, 1.00001]))
    (['0.5', '1'], ['1', '1.00001'])
    """
    texts = [number_text(tick) for tick in ticks]
    return texts if len(set(texts)) == len(texts) else [f"{tick:.10g}" for tick in ticks]


def set_linear_ticks(axis: Any, low: float, high: float) -> None:
    """Set round numbers on a linear axis."""
    ticks = linear_ticks(low, high)
    axis.set_major_locator(FixedLocator(ticks.tolist()))
    axis.set_major_formatter(FixedFormatter(tick_texts(ticks)))


def set_log_ticks(axis: Any, low: float, high: float) -> None:
    """Set round numbers on a logarithmic axis of any number of decades."""
    major, minor = log_ticks(low, high)
    axis.set_major_locator(FixedLocator(major.tolist()))
    axis.set_major_formatter(FixedFormatter(tick_texts(major)))
    axis.set_minor_locator(FixedLocator(minor.tolist()))
    axis.set_minor_formatter(FixedFormatter([""] * len(minor)))


def thin_ticks(axis: Any, most: int) -> None:
    """Leave at most `most` numbers at the ticks of an axis, and no minor ticks."""
    axis.set_minor_locator(NullLocator())
    locator, formatter = axis.get_major_locator(), axis.get_major_formatter()
    if not (isinstance(locator, FixedLocator) and isinstance(formatter, FixedFormatter)):
        axis.set_major_locator(MaxNLocator(most))
        return
    step = -(-len(formatter.seq) // most)
    last = len(formatter.seq) - 1
    texts = [text if (last - i) % step == 0 else "" for i, text in enumerate(formatter.seq)]
    axis.set_major_formatter(FixedFormatter(texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """An axis from `low` to `high`, with room for zero and for runs that diverged.

    Attributes
    ----------
    low, high : float
        The least and greatest number that the axis shows.
    zero, beyond : float or None
        Where zero and infinity are drawn; None if the axis does not show them. Infinity is below
        the numbers if they are better the higher they are.
    log : bool
        Whether the axis is logarithmic.
    """

    low: float
    high: float
    zero: float | None = None
    beyond: float | None = None
    log: bool = True

    def positions(self, values: Any) -> Floats:
        """Return where values are drawn; NaN and values beyond the axis count as infinity."""
        numbers = np.asarray(values, dtype=np.float64)
        if self.zero is not None:
            numbers = np.maximum(numbers, self.zero)
        if self.beyond is not None:
            numbers = np.where(np.isfinite(numbers), numbers, self.beyond)
            bound = np.minimum if self.beyond > self.low else np.maximum
            numbers = bound(numbers, self.beyond)
        return numbers

    def moved(self, position: float, share: float) -> float:
        """Return a position moved along the axis by a share of the length of its numbers."""
        if self.log:
            factor: float = (self.high / self.low) ** share
            return position * factor
        return position + share * (self.high - self.low)

    def in_strip(self, above: float) -> float:
        """Return a position in the strip of infinity, from -0.5 to 0.5 around its middle."""
        assert self.beyond is not None
        return self.moved(self.beyond, 0.8 * above * _GAP)

    @property
    def ends(self) -> tuple[float, float]:
        """The limits of the axis."""
        strips = [at for at in (self.zero, self.beyond) if at is not None]
        low, high = min([self.low, *strips]), max([self.high, *strips])
        below = self.moved(low, -_GAP * (0.5 if low == self.low else 0.6))
        above = self.moved(high, _GAP * (0.5 if high == self.high else 0.6))
        return below, above

    def edges(self, count: int) -> Floats:
        """Return the edges of bins of equal size from the least to the greatest number."""
        space = np.geomspace if self.log else np.linspace
        edges: Floats = space(self.low, self.high, count + 1)
        edges[[0, -1]] = self.low, self.high  # rounding must not leave out the ends
        return edges

    def set(self, axis: Any, beyond: str) -> None:
        """Give an axis this span; `beyond` labels infinity. Zero and infinity have grey strips."""
        axes, vertical = axis.axes, axis.axis_name == "y"
        (axes.set_yscale if vertical else axes.set_xscale)("log" if self.log else "linear")
        (axes.set_ylim if vertical else axes.set_xlim)(*self.ends)
        if self.log:
            major, minor = log_ticks(self.low, self.high)
        else:
            major, minor = linear_ticks(self.low, self.high), np.empty(0)
        pairs = list(zip(major, tick_texts(major), strict=True))
        strip = axes.axhspan if vertical else axes.axvspan
        for at, text in ((self.zero, "0"), (self.beyond, beyond)):
            if at is None:
                continue
            pairs.append((at, text))
            inner, outer = (
                (self.moved(at, 0.5 * _GAP), self.ends[0])
                if at < self.low
                else (self.moved(at, -0.5 * _GAP), self.ends[1])
            )
            strip(min(inner, outer), max(inner, outer), color=STRIP, zorder=0, linewidth=0)
        pairs.sort()
        axis.set_major_locator(FixedLocator([value for value, _ in pairs]))
        axis.set_major_formatter(FixedFormatter([text for _, text in pairs]))
        axis.set_minor_locator(FixedLocator(minor.tolist()))
        axis.set_minor_formatter(FixedFormatter([""] * len(minor)))


def span_of(
    values: Any, *, beyond: bool | None = None, log: bool = True, higher_is_better: bool = False
) -> Span:
    """Return the axis for some numbers.

    Parameters
    ----------
    values : array
        Numbers and infinities, or NaN; at least 0 if the axis is logarithmic.
    beyond : bool, optional
        Whether the axis shows infinity. Default: if a value is not finite.
    log : bool
        Whether the axis is logarithmic.
    higher_is_better : bool
        Whether infinity, where runs that diverged are drawn, is below the numbers.
    """
    numbers = np.asarray(values, dtype=np.float64).ravel()
    finite = numbers[np.isfinite(numbers)]
    far = len(finite) < len(numbers) if beyond is None else beyond
    good = finite[finite > 0] if log else finite
    low, high = (float(good.min()), float(good.max())) if good.size else (0.1, 1.0)
    if log:
        low, high = max(low, _LEAST), min(high, _GREATEST)
        if high / low < 4:
            low, high = low / 2, high * 2
    elif low == high:
        low, high = _around(low)
    plain = Span(low=low, high=high, log=log)
    return replace(
        plain,
        zero=plain.moved(low, -_GAP) if log and (numbers <= 0).any() else None,
        beyond=plain.moved(*((low, -_GAP) if higher_is_better else (high, _GAP))) if far else None,
    )


def colour_range(values: Floats, *, log: bool = True) -> tuple[float, float]:
    """Return the ends of a colour scale for most of some values; they differ."""
    good = values[np.isfinite(values) & (values > 0 if log else True)]
    if not good.size:
        return 0.1, 1.0
    low, high = np.quantile(good, _COLOURED).tolist()
    if not log:
        return (low, high) if low < high else _around(low)
    high = max(min(high, _BLOWN_UP * float(np.median(good))), low)
    return (low / 1.25, high * 1.25) if high / low < 1.5 else (low, high)


def _around(value: float) -> tuple[float, float]:
    """Return the ends of a linear scale for a single value."""
    room = 0.1 * abs(value) or 0.1
    return value - room, value + room


def set_outputs(axes: Any, targets: Any, predicted: Any) -> bool:
    """Limit the y axis to the surroundings of the targets; return whether predictions are beyond.

    The curve of a run that is about to diverge would flatten all others.
    """
    low, high = float(np.min(targets)), float(np.max(targets))
    room = 2 * max(high - low, 1e-9)
    values = np.asarray(predicted, dtype=np.float64)
    good = np.append(values[np.isfinite(values)], (low, high))
    if good.min() >= low - room and good.max() <= high + room:
        return False
    bottom, top = max(good.min(), low - room), min(good.max(), high + room)
    margin = 0.05 * (top - bottom)
    axes.set_ylim(bottom - margin, top + margin)
    return True


def set_epochs(axes: Any, last: float, scale: str | None = None) -> None:
    """Set the x axis to epochs from 0 to the last, by default logarithmic if they are many."""
    if scale == "linear" or (scale is None and last <= _LINEAR_EPOCHS):
        axes.set_xlim(-0.02 * max(last, 1), max(last, 1) * 1.02)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.xaxis.set_major_formatter(lambda value, _: number_text(value))
        return
    # Linear from 0 to 1, so that 0 has a position.
    axes.set_xscale("symlog", linthresh=1, linscale=0.35)
    axes.set_xlim(-0.15, last * 1.12)
    powers = 10.0 ** np.arange(0, np.floor(np.log10(max(last, 1))) + 1)
    major = np.concatenate(([0.0], powers))
    axes.xaxis.set_major_locator(FixedLocator(major.tolist()))
    axes.xaxis.set_major_formatter(FixedFormatter([number_text(value) for value in major]))
    minor = np.outer(powers, np.arange(2, 10)).ravel()
    axes.xaxis.set_minor_locator(FixedLocator(minor[minor <= last].tolist()))
