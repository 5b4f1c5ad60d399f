"""Run a sweep: plan it, open its folder, train its chunks on an engine."""
