"""Duration of the tests in this folder: minutes in `make torture`, otherwise seconds."""

import os

LONG = bool(os.environ.get("HARNESS_TORTURE"))
