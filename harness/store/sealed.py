"""JSON documents that tell whether a single bit of them has changed."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from harness.store.schema import parsed

_SEAL = "sha256"
_END = re.compile(rb',\n "sha256": "([0-9a-f]{64})"\n}\n')
_END_LENGTH = len(b',\n "sha256": ""\n}\n') + 64


def seal(document: Mapping[str, Any]) -> bytes:
    """Write a document, and behind it the SHA-256 of all before.

    >>> unseal(seal({"rows": 3}))
    {'rows': 3}
    """
    digest = hashlib.sha256(_written(document)).hexdigest()
    return _written({**document, _SEAL: digest})


def unseal(data: bytes) -> dict[str, Any]:
    """Read a document.

    The checksum tells of accidents. Whoever writes a document on purpose can write a checksum that
    fits, so that its keys have to be checked all the same.

    Raises
    ------
    ValueError
        It is not what `seal` wrote.
    """
    end = _END.fullmatch(data[-_END_LENGTH:])
    if end is None:
        raise ValueError("it has no checksum")
    digest = hashlib.sha256(data[:-_END_LENGTH])
    digest.update(b"\n}\n")
    if digest.hexdigest() != end[1].decode():
        raise ValueError("it is not as it was written: its checksum is another")
    document = parsed(data)
    if not isinstance(document, dict) or document.pop(_SEAL, None) is None:
        raise ValueError("it has no checksum")
    return document


def _written(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
