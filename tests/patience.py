"""Time that tests wait for an event.

It only stops a test that hangs. It is not a test of speed, because a machine may be slow or busy.
"""

PATIENCE = 600.0  # seconds
