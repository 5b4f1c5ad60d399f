"""Capacity of clusters: measured and simulated for docs/capacity.md. `make capacity` runs it."""
