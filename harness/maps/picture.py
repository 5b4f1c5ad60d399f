"""A map as a picture: one pixel per run, in the colours of the trainability paper or plain."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from harness.errors import HarnessError, shown
from harness.maps.image import Image, MapAxis, equalised
from harness.plots.scales import label_of, set_log_ticks
from harness.plots.style import GREY, SLIDE, VALUES, Style, dress, headline, new_figure

COLOURS = ("rank", "plain")

# Runs that trained are blue, the others red, both darkest at the boundary; colour-blind safe.
_COLOURS = "RdYlBu_r"
_TRAINED = ListedColormap(colormaps[_COLOURS](np.linspace(0.5, 0.0, 256)))
_OTHERS = ListedColormap(colormaps[_COLOURS](np.linspace(0.5, 1.0, 256)))

# Quantiles that colours span: some runs near the boundary are powers of ten away from the others.
_SHOWN = (0.01, 0.99)


def map_image(
    image: Image,
    axes: tuple[MapAxis, MapAxis],
    *,
    style: Style = SLIDE,
    title: str = "",
    colours: str = "rank",
) -> Figure:
    """Draw the values of a map on the left, and what trained, with the boundary, on the right.

    Parameters
    ----------
    image : Image
        The pixels.
    axes : pair of MapAxis
        The axis across and the axis up.
    style : Style
        Sizes.
    title : str
        The title above both panels.
    colours : str
        "rank": equally many pixels of each shade; "plain": values on a logarithmic scale.

    Raises
    ------
    HarnessError
        `colours` is neither.
    """
    check_colours(colours)
    figure, panels = new_figure(style, 2)
    if title:
        headline(figure, style, title)
    draw_map(panels, image, axes, style, colours)
    return figure


def check_colours(colours: str) -> None:
    """Raise a HarnessError unless the colours are known."""
    if colours not in COLOURS:
        raise HarnessError(f"--colours {shown(colours)} must be one of {', '.join(COLOURS)}.")


def draw_map(
    panels: list[Any], image: Image, axes: tuple[MapAxis, MapAxis], style: Style, colours: str
) -> None:
    """Draw a map into two panels, in the positions of its axes."""
    left, right = panels
    extent = [*axes[0].extent(), *axes[1].extent()]
    options = {"extent": extent, "origin": "lower", "interpolation": "nearest", "aspect": "auto"}
    if colours == "rank":
        # Shades are lightest where runs train fast or diverge at once.
        left.imshow(equalised(image), cmap=_COLOURS, vmin=-1, vmax=1, **options)
    elif image.signed:
        trained = _draw_values(left, image, image.trained, _TRAINED, options)
        others = _draw_values(left, image, ~image.trained, _OTHERS, options)
        _bar(left, trained, (0.0, 0.46), "trained: sum of v", style)
        _bar(left, others, (0.54, 0.46), "not: sum of 1 / v", style)
    else:
        left.set_facecolor(GREY)  # where runs diverged
        values = _draw_values(left, image, image.trained, VALUES, options)
        _bar(left, values, (0.0, 1.0), "SSR at the end", style)
    kinds = np.where(image.trained, 0.25, 0.8)
    kinds[:-1, :-1][image.boundary] = 0.0
    right.imshow(kinds, cmap="gray", vmin=0, vmax=1, **options)
    signed = "v: relative loss" if image.signed else "grey: diverged"
    name = "by rank, blue: trained" if colours == "rank" else signed
    dress(left, style, x=axis_label(axes[0]), y=axis_label(axes[1]), title=name, room=0.4)
    dress(right, style, x=axis_label(axes[0]), title="dark: trained", room=0.4)


def _draw_values(
    panel: Any, image: Image, kind: NDArray[np.bool_], colours: Any, options: dict[str, Any]
) -> Any:
    """Draw the absolute values of the pixels of one kind; None if there are none to draw."""
    sizes = np.abs(image.value)
    good = sizes[kind & np.isfinite(sizes) & (sizes > 0)]
    if not good.size:
        return None
    low, high = np.quantile(good, _SHOWN).tolist()
    if low == high:
        low, high = low / 2, high * 2
    shades = np.ma.masked_where(~kind, np.clip(np.nan_to_num(sizes, nan=np.inf), low, high))
    return panel.imshow(shades, cmap=colours, norm=LogNorm(low, high), **options)


def _bar(panel: Any, values: Any, part: tuple[float, float], label: str, style: Style) -> None:
    """Add a colour bar beside a part of a panel, given by its lower end and its height."""
    if values is None:
        return
    beside = panel.inset_axes([1.03, part[0], 0.045, part[1]])
    bar = panel.figure.colorbar(values, cax=beside)
    set_log_ticks(bar.ax.yaxis, values.norm.vmin, values.norm.vmax)
    bar.set_label(label, fontsize=style.small)
    bar.ax.tick_params(labelsize=0.75 * style.font)
    bar.outline.set_visible(False)


def frame(image: Image) -> np.ndarray:
    """Return the colours by rank, shape (height, width, 3), uint8, with the highest row first."""
    colours = colormaps[_COLOURS]((equalised(image) + 1) / 2)
    return np.ascontiguousarray((colours[::-1, :, :3] * 255).round().astype(np.uint8))


def axis_label(axis: MapAxis) -> str:
    """Return the label of an axis, which says if its logarithm is drawn."""
    return f"log10 of {label_of(axis.name)}" if axis.is_log else label_of(axis.name)
