"""Pictures: tables in, figures of matplotlib out. No files are read or written here.

`draw` takes the results of a sweep and the name of a picture. The functions that it calls take
tables, and draw any part of them.
"""

from harness.plots.along import endings, epochs
from harness.plots.changes import squiggle
from harness.plots.ends import endpoints
from harness.plots.falls import trajectories
from harness.plots.fits import fit
from harness.plots.histogram import distribution
from harness.plots.maps import final_lines, final_map
from harness.plots.pictures import PICTURES, draw
from harness.plots.style import COLUMN, FORMATS, SLIDE, Style, rendered

__all__ = [
    "COLUMN",
    "FORMATS",
    "PICTURES",
    "SLIDE",
    "Style",
    "distribution",
    "draw",
    "endings",
    "endpoints",
    "epochs",
    "final_lines",
    "final_map",
    "fit",
    "rendered",
    "squiggle",
    "trajectories",
]
