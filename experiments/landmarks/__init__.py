"""Landmarks: published results trained again. `make landmarks` writes their pages in docs/."""
