"""Where numbers go: SSR with zero and infinity, epochs from 0, and round numbers at ticks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator
from numpy.typing import NDArray

from harness.plots.style import STRIP, Style

Floats = NDArray[np.float64]

_LABELS = {"init_id": "starts (init_id)", "max_epochs": "epochs allowed"}

# Beyond these an axis, which is longer than its numbers, would have no ends.
_LEAST, _GREATEST = 1e-130, 1e130

# Epochs up to here are drawn as they are; more on a logarithmic axis that has 0.
_LINEAR_EPOCHS = 30


def label_of(axis: str) -> str:
    """Return the name of an axis as a reader wants it."""
    return _LABELS.get(axis, axis.replace("_", " "))


def log_ticks(low: float, high: float) -> tuple[Floats, Floats]:
    """Return where a logarithmic axis has ticks with and without a number.

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
    """Write a number at a tick; a power of ten where it would have many digits.

    >>> number_text(0.01), number_text(2e4), number_text(1e8)
    ('0.01', '20,000', '$10^{8}$')
    """
    if value == 0 or 1e-4 < abs(value) < 1e5:
        return f"{value:.4g}" if abs(value) < 1e3 else f"{value:,.6g}"
    power = int(np.floor(np.log10(abs(value)) + 1e-9))
    factor = f"{value / 10.0**power:.3g}"
    return f"$10^{{{power}}}$" if factor == "1" else rf"${factor}\times10^{{{power}}}$"


def set_log_ticks(axis: Any, low: float, high: float) -> None:
    """Write round numbers on a logarithmic axis, however many decades it has."""
    major, minor = log_ticks(low, high)
    axis.set_major_locator(FixedLocator(major.tolist()))
    axis.set_major_formatter(FixedFormatter([number_text(value) for value in major]))
    axis.set_minor_locator(FixedLocator(minor.tolist()))
    axis.set_minor_formatter(FixedFormatter([""] * len(minor)))


@dataclass(frozen=True, slots=True)
class Span:
    """A logarithmic axis from `low` to `high`, with a place for zero and one for infinity.

    `zero` and `beyond` are these places; None where there is nothing to put there.
    """

    low: float
    high: float
    zero: float | None
    beyond: float | None

    def place(self, values: Any) -> Floats:
        """Return where values are drawn: nothing below 0, and NaN and what is too far beyond."""
        numbers = np.asarray(values, dtype=np.float64)
        if self.zero is not None:
            numbers = np.maximum(numbers, self.zero)
        if self.beyond is not None:
            numbers = np.where(np.isfinite(numbers), numbers, self.beyond)
            numbers = np.minimum(numbers, self.beyond)
        return numbers

    def in_strip(self, above: float) -> float:
        """Return a height in the strip beyond the numbers, -0.5 to 0.5 from its middle."""
        assert self.beyond is not None
        factor: float = _gap(self.low, self.high) ** (0.8 * above)
        return self.beyond * factor

    @property
    def ends(self) -> tuple[float, float]:
        """Where the axis begins and ends."""
        gap = _gap(self.low, self.high)
        edge = gap**0.5
        below = self.low / edge if self.zero is None else self.zero / gap**0.6
        above = self.high * edge if self.beyond is None else self.beyond * gap**0.6
        return below, above

    def set(self, axis: Any, style: Style, beyond: str, zero: str = "0") -> None:
        """Give an axis this span, with words where there are no numbers, on a strip of grey."""
        axes, vertical = axis.axes, axis.axis_name == "y"
        (axes.set_yscale if vertical else axes.set_xscale)("log")
        (axes.set_ylim if vertical else axes.set_xlim)(*self.ends)
        major, minor = log_ticks(self.low, self.high)
        pairs = [(value, number_text(value)) for value in major]
        gap = _gap(self.low, self.high)
        strip = axes.axhspan if vertical else axes.axvspan
        if self.zero is not None:
            pairs.insert(0, (self.zero, zero))
            strip(self.ends[0], self.zero * gap**0.5, color=STRIP, zorder=0, linewidth=0)
        if self.beyond is not None:
            pairs.append((self.beyond, beyond))
            strip(self.beyond / gap**0.5, self.ends[1], color=STRIP, zorder=0, linewidth=0)
        axis.set_major_locator(FixedLocator([value for value, _ in pairs]))
        axis.set_major_formatter(FixedFormatter([text for _, text in pairs]))
        axis.set_minor_locator(FixedLocator(minor.tolist()))
        axis.set_minor_formatter(FixedFormatter([""] * len(minor)))


def span_of(values: Any, *, beyond: bool | None = None) -> Span:
    """Return the axis that shows some numbers, of which none is below 0.

    Parameters
    ----------
    values : array
        Numbers; zero, infinity and NaN get places of their own.
    beyond : bool, optional
        Whether there is a place for infinity; where there is such a number, if left out.
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
    """Return the ratio between an end of the numbers and the place beyond it."""
    ratio: float = (high / low) ** 0.11
    return ratio


def set_epochs(axes: Any, last: float) -> None:
    """Give the x axis epochs from 0 to the last, logarithmic where they are many."""
    if last <= _LINEAR_EPOCHS:
        axes.set_xlim(-0.02 * max(last, 1), max(last, 1) * 1.02)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        return
    # From 0 to 1 it is linear, and so there is a place for 0.
    axes.set_xscale("symlog", linthresh=1, linscale=0.35)
    axes.set_xlim(-0.15, last * 1.12)
    powers = 10.0 ** np.arange(0, np.floor(np.log10(last)) + 1)
    major = np.concatenate(([0.0], powers))
    axes.xaxis.set_major_locator(FixedLocator(major.tolist()))
    axes.xaxis.set_major_formatter(FixedFormatter([number_text(value) for value in major]))
    minor = np.outer(powers, np.arange(2, 10)).ravel()
    axes.xaxis.set_minor_locator(FixedLocator(minor[minor <= last].tolist()))
