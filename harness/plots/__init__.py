"""Pictures: tables in, figures of matplotlib out. No files are read or written here.

`draw` takes the results of a sweep and the name of a picture. The functions that it calls take
tables, and draw any part of them.
"""

from harness.plots.distribution import distribution
from harness.plots.endpoints import endpoints
from harness.plots.epochs import endings, epochs
from harness.plots.fit import fit
from harness.plots.kinds import PICTURES, draw
from harness.plots.map import final_lines, final_map
from harness.plots.squiggle import squiggle
from harness.plots.style import COLUMN, FORMATS, SLIDE, Style, rendered
from harness.plots.trajectories import trajectories

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
