"""Capacity of clusters: what a chunk costs, and docs/capacity.md. `make capacity` runs it."""
