"""JSON documents that tell whether a single bit of them has changed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_SEAL = "sha256"


def seal(document: Mapping[str, Any]) -> bytes:
    """Write a document, and behind it the SHA-256 of all before.

    >>> print(seal({"rows": 3}).decode(), end="")
    {
     "rows": 3,
     "sha256": "e9eca4f49a7b84c9b5ba0b3aa8ea5dc1b0bd9d0f0d6ab8a3c1c7e4d0b4f0dd42"
    }
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
    if not isinstance(document, dict) or document.pop(_SEAL, None) != _digest(document):
        raise ValueError("its checksum is wrong")
    if seal(document) != data:
        raise ValueError("it is not as it was written")
    return document


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(_written(document)).hexdigest()


def _written(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
