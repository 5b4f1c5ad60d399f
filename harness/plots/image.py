"""A map as a picture: a pixel a run, in the colours of the trainability paper or plain."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from harness.boundary import edges
from harness.grid import Axis, Spaced
from harness.maps import Image, equalised
from harness.plots.scales import label_of
from harness.plots.style import SLIDE, Style, dress, headline, new_figure

# Trained runs blue, the others red, both darkest at the boundary; safe for the colour-blind.
_COLOURS = "RdYlBu_r"


def map_image(
    image: Image, axes: tuple[Axis, Axis], *, style: Style = SLIDE, title: str = ""
) -> Figure:
    """Draw a map: left by rank, right what trained, with the boundary.

    Parameters
    ----------
    image : Image
        The pixels.
    axes : pair of Axis
        The axis across and the axis up.
    style : Style
        Sizes.
    title : str
        Above both.
    """
    figure, (left, right) = new_figure(style, 2)
    if title:
        headline(figure, style, title)
    extent = [*_span(axes[0]), *_span(axes[1])]
    # Far from the boundary runs train slowly or break at once: there the shades are lightest.
    shades = equalised(image)
    options: dict[str, Any] = {"extent": extent, "origin": "lower", "interpolation": "nearest"}
    left.imshow(shades, cmap=_COLOURS, vmin=-1, vmax=1, aspect="auto", **options)
    kinds = np.where(image.trained, 0.25, 0.8)
    kinds[:-1, :-1][edges(image.trained)] = 0.0
    right.imshow(kinds, cmap="gray", vmin=0, vmax=1, aspect="auto", **options)
    dress(left, style, x=_label(axes[0]), y=_label(axes[1]), title="by rank", room=0.4)
    dress(right, style, x=_label(axes[0]), title="dark: trained", room=0.4)
    return figure


def frame(image: Image) -> np.ndarray:
    """Return the colours by rank, shape (height, width, 3), uint8, the highest row first."""
    colours = colormaps[_COLOURS]((equalised(image) + 1) / 2)
    return np.ascontiguousarray((colours[::-1, :, :3] * 255).round().astype(np.uint8))


def _span(axis: Axis) -> list[float]:
    values = axis.values
    assert isinstance(values, Spaced)  # as that of a map is
    ends = np.array([values.first, values.last])
    first, last = (np.log10(ends) if values.kind == "log" else ends).tolist()
    return [first, last]


def _label(axis: Axis) -> str:
    values = axis.values
    log = isinstance(values, Spaced) and values.kind == "log"
    return f"log10 of {label_of(axis.name)}" if log else label_of(axis.name)
