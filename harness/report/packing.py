"""Numbers and texts on their way into the page."""

import base64
import math
from typing import Any

import numpy as np
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup


def packed(numbers: Any, kind: str) -> str:
    """Return numbers as the base64 of their bytes, a third of the size of their digits.

    >>> packed([1, 2], "<u4")
    'AQAAAAIAAAA='
    """
    return base64.b64encode(np.asarray(numbers).astype(kind).tobytes()).decode("ascii")


def packed_logs(values: Any) -> str:
    """Return the base-10 logarithms of numbers from 0 to infinity, packed as float32.

    The numbers themselves may exceed the range of float32 before a run diverges.

    >>> packed_logs([1.0, 0.0, 1e300])
    'AAAAAAAAgP8AAJZD'
    """
    with np.errstate(divide="ignore"):
        return packed(np.log10(np.asarray(values, dtype=np.float64)), "<f4")


def rounded(values: Any, digits: int) -> list[float]:
    """Return numbers with a number of significant digits.

    >>> rounded([1 / 3, 123456.0], 3)
    [0.333, 123000.0]
    """
    return [float(f"{value:.{digits}g}") for value in values]


def as_json(value: Any) -> Markup:
    r"""Return JSON for a script element: no text can end it; infinity and NaN become null.

    >>> print(as_json({"text": "</script>", "number": float("inf")}))
    {"text":"\u003c/script\u003e","number":null}
    """
    return htmlsafe_json_dumps(_plain(value), separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
