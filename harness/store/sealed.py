"""JSON documents that tell whether a single bit of them has changed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_SEAL = "sha256"


def seal(document: Mapping[str, Any]) -> bytes:
    """Write a document, and behind it the SHA-256 of all before.

    >>> unseal(seal({"rows": 3}))
    {'rows': 3}
    """
    return _written({**document, _SEAL: _digest(document)})


def unseal(data: bytes) -> dict[str, Any]:
    """Read a document.

    Raises
    ------
    ValueError
        It is not what `seal` wrote.
    """
    document = json.loads(data)
    if not isinstance(document, dict) or document.pop(_SEAL, None) is None:
        raise ValueError("it has no checksum")
    if seal(document) != data:
        raise ValueError("it is not as it was written: its checksum is another")
    return document


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(_written(document)).hexdigest()


def _written(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
