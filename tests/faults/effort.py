"""How long the tests of this folder may take: `make torture` asks for minutes, not seconds."""

import os

import pytest

LONG = bool(os.environ.get("HARNESS_TORTURE"))

only_long = pytest.mark.skipif(not LONG, reason="takes minutes: make torture")
