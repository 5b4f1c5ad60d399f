"""Pictures of the boundary: overviews, zooms, dimensions, and the refined map."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.landmarks.trainability.measurements import CONDITIONS, REPRODUCED, Found
from harness.maps.image import Image, map_axes
from harness.maps.picture import axis_label, frame
from harness.plots import rendered
from harness.plots.style import CATEGORIES, DARK, SLIDE, dress

SMALL = 0.75 * SLIDE.font
# Number of frames shown per zoom.
SHOWN = 6


def _figure(height: float) -> Figure:
    return Figure(figsize=(SLIDE.width, height), dpi=SLIDE.dpi, layout="constrained")


def _show(axes: Any, image: Image, extent: tuple[float, ...] | None = None) -> None:
    """Draw a map by rank, its lowest row at the bottom."""
    pixels = frame(image)[::-1]
    axes.imshow(pixels, origin="lower", interpolation="nearest", extent=extent, aspect="auto")


def draw_overviews(found: Found) -> bytes:
    """Draw the map of each condition."""
    figure = _figure(6.6)
    panels = figure.subplots(2, 3)
    for axes, (name, (title, _)) in zip(panels.ravel(), CONDITIONS.items(), strict=True):
        overview = found.overviews[name]
        ends, labels = [], []
        for axis in map_axes(overview.experiment):
            ends += axis.positions(axis.values.ends()).tolist()
            labels.append(axis_label(axis))
        _show(axes, overview.image, tuple(ends))
        dress(axes, SLIDE, title=title, room=0.3)
        axes.set_xlabel(labels[0], fontsize=SMALL)
        axes.set_ylabel(labels[1], fontsize=SMALL)
        axes.tick_params(labelsize=SMALL)
    return rendered(figure)


def draw_zooms(found: Found) -> bytes:
    """Draw some frames of each zoom, one row per condition."""
    figure = _figure(10.4)
    most = max(len(frames) for frames in found.zooms.values())
    chosen = np.unique(np.linspace(0, most - 1, min(SHOWN, most)).round().astype(int))
    panels = figure.subplots(len(CONDITIONS), len(chosen), squeeze=False)
    for row, (name, (title, _)) in zip(panels, CONDITIONS.items(), strict=True):
        for axes, number in zip(row, chosen.tolist(), strict=True):
            axes.set_xticks([])
            axes.set_yticks([])
            if number >= len(found.zooms[name]):
                axes.set_visible(False)
                continue
            each = found.zooms[name][number]
            _show(axes, each.image)
            axes.set_title(f"{each.dimension:.2f}", fontsize=SMALL, pad=3)
        row[0].set_ylabel(title.replace(", ", ",\n"), fontsize=SMALL)
    for axes, number in zip(panels[-1], chosen.tolist(), strict=True):
        axes.set_xlabel(f"frame {number}", fontsize=SMALL)
    return rendered(figure)


def draw_dimensions(found: Found) -> bytes:
    """Draw the dimension of each frame, the median of all, and the published one."""
    figure = _figure(5.2)
    panels = figure.subplots(2, 3, sharex=True, sharey=True)
    for axes, (name, (title, published)) in zip(panels.ravel(), CONDITIONS.items(), strict=True):
        dimensions = [each.dimension for each in found.zooms[name]]
        axes.plot(dimensions, "o-", color=CATEGORIES[0], linewidth=SLIDE.line, markersize=6)
        axes.axhline(found.median(name), color=CATEGORIES[0], linewidth=1)
        axes.axhline(published, color=DARK, linestyle="--", linewidth=1)
        dress(axes, SLIDE, title=title, room=0.3)
        axes.tick_params(labelsize=SMALL)
        axes.set_ylim(0.9, 2.1)
    for axes in panels[-1]:
        axes.set_xlabel("frame", fontsize=SMALL)
    for axes in panels[:, 0]:
        axes.set_ylabel("dimension", fontsize=SMALL)
    return rendered(figure)


def draw_steps(found: Found) -> bytes:
    """Draw one window for several numbers of losses, and its dimensions."""
    figure = _figure(2.3)
    panels = figure.subplots(1, len(found.steps) + 1, width_ratios=[1] * len(found.steps) + [1.3])
    *images, curve = panels
    for axes, (losses, each) in zip(images, found.steps.items(), strict=True):
        axes.set_xticks([])
        axes.set_yticks([])
        _show(axes, each.image)
        axes.set_box_aspect(1)
        axes.set_title(f"{losses:,}", fontsize=SMALL, loc="left")
    ours = {losses: each.dimension for losses, each in found.steps.items()}
    curve.plot(*zip(*ours.items(), strict=True), "o-", color=CATEGORIES[0], linewidth=SLIDE.line)
    curve.plot(*zip(*REPRODUCED.items(), strict=True), "s--", color=DARK, linewidth=1)
    curve.set_xscale("log")
    dress(curve, SLIDE, title="dimension", room=0.3)
    curve.set_xlabel("losses", fontsize=SMALL)
    curve.tick_params(labelsize=SMALL)
    return rendered(figure)


def draw_refined(found: Found) -> bytes:
    """Draw the refined map and its boundary."""
    figure = _figure(5.4)
    left, right = figure.subplots(1, 2)
    image = found.refined.image
    _show(left, image)
    kinds = np.where(image.boundary, 0.0, 1.0)
    right.imshow(kinds, cmap="gray", vmin=0, vmax=1, origin="lower", aspect="auto")
    dress(left, SLIDE, title=f"{image.trained.shape[1]:,} x {image.trained.shape[0]:,} pixels")
    dress(right, SLIDE, title="the boundary", room=0.45)
    for axes in (left, right):
        axes.set_xticks([])
        axes.set_yticks([])
    return rendered(figure)
