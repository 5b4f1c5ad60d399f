"""Numbers and texts on their way into the page."""

import base64
import json
import math
from typing import Any

import numpy as np


def packed(numbers: Any, kind: str) -> str:
    """Return numbers as base64 of their bytes: a third of what their digits would take.

    >>> packed([1, 2], "<u4")
    'AQAAAAIAAAA='
    """
    return base64.b64encode(np.asarray(numbers).astype(kind).tobytes()).decode("ascii")


def packed_logs(values: Any) -> str:
    """Return the logarithms, to base 10, of numbers from 0 to infinity, packed as float32.

    The numbers themselves may be beyond the range of float32, where training falls apart.

    >>> packed_logs([1.0, 0.0, 1e300])
    'AAAAAAAAgP8AAJZD'
    """
    with np.errstate(divide="ignore"):
        return packed(np.log10(np.asarray(values, dtype=np.float64)), "<f4")


def as_json(value: Any) -> str:
    r"""Return JSON that can stand in a script element, whatever the texts are.

    Without `<` there is no end of the script and no comment in it; infinity and NaN become null.

    >>> as_json({"text": "</script>", "number": float("inf")})
    '{"text":"\\u003c/script>","number":null}'
    """
    text = json.dumps(_plain(value), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


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
