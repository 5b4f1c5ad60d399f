"""The hash of a document: the same for what means the same, on every machine."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of canonical JSON: sorted keys, floats as hexadecimal.

    >>> digest({"rate": 5.0, "name": "a"}) == digest({"name": "a", "rate": 5.00})
    True
    """
    canonical = json.dumps(_hexadecimal(document), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _hexadecimal(value: Any) -> Any:
    """Replace every float by its exact text, so that 5.0 and 5.00 are one and 0.1 is itself."""
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, dict):
        return {name: _hexadecimal(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hexadecimal(item) for item in value]
    return value
