"""Scales of axes: SSR from zero to infinity, epochs from 0, colours, and round numbers at ticks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from harness.plots.style import STRIP

Floats = NDArray[np.float64]

_LABELS = {"init_id": "starts (init_id)", "max_epochs": "epochs allowed"}

# An axis is longer than its numbers: beyond these its ends would underflow or overflow.
_LEAST, _GREATEST = 1e-130, 1e130

# More epochs than this are drawn on a logarithmic axis that includes 0.
_LINEAR_EPOCHS = 30

# Quantiles that colours span, so that a few outliers do not make all others look the same.
_COLOURED = (0.02, 0.98)

# Without a limit, runs finish at 1e200: colours end at this multiple of the median.
_BLOWN_UP = 1e3


def label_of(axis: str) -> str:
    """Return the name of an axis in words."""
    return _LABELS.get(axis, axis.replace("_", " "))


def log_ticks(low: float, high: float) -> tuple[Floats, Floats]:
    """Return the ticks of a logarithmic axis: those with a number, and those without.

    >>> log_ticks(0.009, 1.1)[0].tolist()
    [0.01, 0.1, 1.0]
    >>> log_ticks(2.0, 30.0)[0].tolist()
    [2.0, 5.0, 10.0, 20.0]
    """
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    decades = np.array([float(f"1e{power}") for power in range(first, last + 1)])
    inside = decades[(decades >= low) & (decades <= high)]
    step = -(-len(inside) // 6)
    powers = np.round(np.log10(inside)).astype(int) if len(inside) else np.empty(0, dtype=int)
    major = inside[powers % step == 0] if step > 1 else inside
    if len(major) < 3:
        for factors in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)):
            finer = np.sort(np.outer(decades, factors).ravel())
            major = finer[(finer >= low) & (finer <= high)]
            if len(major) >= 3:
                break
    if len(major) < 2:
        major = np.array([low, high])
    minor = np.outer(decades, np.arange(2, 10)).ravel() if step == 1 else decades
    return major, minor[(minor >= low) & (minor <= high)]


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


def set_log_ticks(axis: Any, low: float, high: float) -> None:
    """Set round numbers on a logarithmic axis of any number of decades."""
    major, minor = log_ticks(low, high)
    axis.set_major_locator(FixedLocator(major.tolist()))
    axis.set_major_formatter(FixedFormatter([number_text(value) for value in major]))
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


@dataclass(frozen=True, slots=True)
class Span:
    """A logarithmic axis from `low` to `high`, with room for zero and for infinity.

    `zero` and `beyond` are where they are drawn; None if the axis does not show them.
    """

    low: float
    high: float
    zero: float | None
    beyond: float | None

    def positions(self, values: Any) -> Floats:
        """Return where values are drawn; NaN and values beyond the axis count as infinity."""
        numbers = np.asarray(values, dtype=np.float64)
        if self.zero is not None:
            numbers = np.maximum(numbers, self.zero)
        if self.beyond is not None:
            numbers = np.where(np.isfinite(numbers), numbers, self.beyond)
            numbers = np.minimum(numbers, self.beyond)
        return numbers

    def in_strip(self, above: float) -> float:
        """Return a position in the strip of infinity, from -0.5 to 0.5 around its middle."""
        assert self.beyond is not None
        factor: float = _gap(self.low, self.high) ** (0.8 * above)
        return self.beyond * factor

    @property
    def ends(self) -> tuple[float, float]:
        """The limits of the axis."""
        gap = _gap(self.low, self.high)
        edge = gap**0.5
        below = self.low / edge if self.zero is None else self.zero / gap**0.6
        above = self.high * edge if self.beyond is None else self.beyond * gap**0.6
        return below, above

    def set(self, axis: Any, beyond: str) -> None:
        """Give an axis this span; `beyond` labels infinity. Zero and infinity have grey strips."""
        axes, vertical = axis.axes, axis.axis_name == "y"
        (axes.set_yscale if vertical else axes.set_xscale)("log")
        (axes.set_ylim if vertical else axes.set_xlim)(*self.ends)
        major, minor = log_ticks(self.low, self.high)
        pairs = [(value, number_text(value)) for value in major]
        gap = _gap(self.low, self.high)
        strip = axes.axhspan if vertical else axes.axvspan
        if self.zero is not None:
            pairs.insert(0, (self.zero, "0"))
            strip(self.ends[0], self.zero * gap**0.5, color=STRIP, zorder=0, linewidth=0)
        if self.beyond is not None:
            pairs.append((self.beyond, beyond))
            strip(self.beyond / gap**0.5, self.ends[1], color=STRIP, zorder=0, linewidth=0)
        axis.set_major_locator(FixedLocator([value for value, _ in pairs]))
        axis.set_major_formatter(FixedFormatter([text for _, text in pairs]))
        axis.set_minor_locator(FixedLocator(minor.tolist()))
        axis.set_minor_formatter(FixedFormatter([""] * len(minor)))


def span_of(values: Any, *, beyond: bool | None = None) -> Span:
    """Return the axis for some numbers.

    Parameters
    ----------
    values : array
        Numbers from 0 to infinity, or NaN.
    beyond : bool, optional
        Whether the axis shows infinity. Default: if a value is not finite.
    """
    numbers = np.asarray(values, dtype=np.float64).ravel()
    good = numbers[np.isfinite(numbers) & (numbers > 0)]
    low, high = (float(good.min()), float(good.max())) if good.size else (0.1, 1.0)
    low, high = max(low, _LEAST), min(high, _GREATEST)
    if high / low < 4:
        low, high = low / 2, high * 2
    gap = _gap(low, high)
    far = bool((~np.isfinite(numbers)).any()) if beyond is None else beyond
    return Span(low, high, low / gap if (numbers <= 0).any() else None, high * gap if far else None)


def _gap(low: float, high: float) -> float:
    """Return the ratio between an end of the numbers and the strip beyond it."""
    ratio: float = (high / low) ** 0.11
    return ratio


def colour_range(values: Floats) -> tuple[float, float]:
    """Return the ends of a logarithmic colour scale for most of some values."""
    positive = values[np.isfinite(values) & (values > 0)]
    if not positive.size:
        return 0.1, 1.0
    low, high = np.quantile(positive, _COLOURED).tolist()
    high = max(min(high, _BLOWN_UP * float(np.median(positive))), low)
    return (low / 1.25, high * 1.25) if high / low < 1.5 else (low, high)


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
