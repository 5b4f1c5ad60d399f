"""Numbers as people read them: counts, sizes, times. Tables on disk have every digit instead."""

import math
from collections.abc import Sequence


def plural(count: int, noun: str) -> str:
    """Write a count and its noun.

    >>> plural(1, "run"), plural(3100, "run")
    ('1 run', '3,100 runs')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(words: Sequence[str]) -> str:
    """Join words as in a sentence.

    >>> listed(["width"]), listed(["width", "rate"]), listed(["width", "rate", "start"])
    ('width', 'width and rate', 'width, rate and start')
    """
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def number(value: float) -> str:
    """Write a number with four significant digits.

    >>> number(2 / 3), number(-0.0)
    ('0.6667', '0')
    """
    # + 0.0 turns -0, a frequent product in a chain, into 0.
    return f"{value + 0.0:.4g}"


def duration(seconds: float) -> str:
    """Write a time in the unit that suits it.

    >>> duration(5.25), duration(150), duration(9000), duration(math.nan)
    ('5.2 s', '2 min', '2.5 h', '?')
    """
    if math.isnan(seconds):
        return "?"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.1f} h"


def si(value: float) -> str:
    """Write a number with an SI prefix, to be followed by a unit.

    >>> si(82) + "runs/s", si(6_100_000) + "runs/s"
    ('82 runs/s', '6.1 M runs/s')
    """
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.1f} {prefix} "
    return f"{value:.0f} "


def shown_bytes(count: float) -> str:
    """Write a number of bytes.

    >>> shown_bytes(82), shown_bytes(6_100_000)
    ('82 B', '6.1 MB')
    """
    for factor, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count:.0f} B"
