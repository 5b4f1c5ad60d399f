"""How long tests wait for what must happen.

It keeps a hanging test from hanging for ever and says nothing of speed: a machine may be slow, or
busy with other work.
"""

PATIENCE = 600.0  # seconds
