"""How long the tests of this folder may take: `make torture` asks for minutes, not seconds."""

import os

LONG = bool(os.environ.get("HARNESS_TORTURE"))
