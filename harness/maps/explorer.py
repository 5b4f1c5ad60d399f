"""Explore a map interactively: a click trains the window around it and shows it.

    import harness
    from harness.maps.explorer import Explorer

    explorer = Explorer(harness.load_experiment("experiments/trainability_tanh.toml"))

In a notebook, run `%matplotlib widget` first (of the package ipympl), and keep the explorer in a
variable, without which it is deleted. `harness explore FILE` is the same on the command line.
"""

import math
from collections.abc import Callable
from typing import Any

from harness.errors import HarnessError
from harness.experiment import Experiment
from harness.maps.image import (
    MapAxis,
    Window,
    framed,
    map_axes,
    told_apart,
    window_of,
    zoom_argument,
)
from harness.maps.picture import draw_map
from harness.maps.zoom import Map, folder_of, train_map
from harness.plots.style import Style, fitted

Point = tuple[float, float]
Train = Callable[[Experiment], Map]

_STYLE = Style(width=11.0, height=6.2, font=11, line=1.6, dpi=100)

# A mouse that moves by fewer pixels of the screen between press and release has clicked.
_STILL = 5

# The ends of a window are rounded to this part of a pixel.
_PART = 0.01

_LEFT, _RIGHT = 1, 3


class Walk:
    """The maps on the way into a boundary, the present one last.

    Points are pairs of positions, as of `MapAxis.positions`.

    Parameters
    ----------
    experiment : Experiment
        The first map.
    train : callable
        From an experiment to its map.
    """

    def __init__(self, experiment: Experiment, train: Train) -> None:
        self._train = train
        self._maps = [train(experiment)]

    @property
    def here(self) -> Map:
        """The present map."""
        return self._maps[-1]

    @property
    def argument(self) -> str:
        """The option with which `harness map` trains the present map."""
        return f"--zoom {zoom_argument(window_of(self.here.experiment))}"

    def around(self, point: Point) -> Window:
        """Return the window of half the size around a point, moved into the present one."""
        low, high = [], []
        for axis, position in zip(map_axes(self.here.experiment), point, strict=True):
            first, last = axis.ends()
            quarter = (last - first) / 4
            middle = min(max(position, first + quarter), last - quarter)
            low.append(middle - quarter)
            high.append(middle + quarter)
        return self.between((low[0], low[1]), (high[0], high[1]))

    def between(self, one: Point, other: Point) -> Window:
        """Return the window with two points as opposite corners, cut to the present one."""
        across, up = (
            _values(axis, *sorted(min(max(end, axis.ends()[0]), axis.ends()[1]) for end in corners))
            for axis, *corners in zip(map_axes(self.here.experiment), one, other, strict=True)
        )
        return Window(across=across, up=up)

    def enter(self, window: Window) -> None:
        """Train the map of a window and make it the present one.

        Raises
        ------
        HarnessError
            Its pixels are not different numbers, a value is not allowed, or it cannot be trained.
        """
        if not told_apart(window, self.here.experiment.grid.shape):
            raise HarnessError(
                "Neighbours in this window are the same number, or nearly. Choose a larger one."
            )
        self._maps.append(self._train(framed(self.here.experiment, window=window)))

    def back(self) -> None:
        """Return to the map before; the first one stays."""
        if len(self._maps) > 1:
            self._maps.pop()


def _values(axis: MapAxis, low: float, high: float) -> tuple[float, float]:
    """Return the values at two positions, with no more digits than a pixel needs."""
    step = _PART * (high - low) / axis.values.count

    def value(position: float) -> float:
        number = 10.0**position if axis.is_log else position
        unit = step * math.log(10.0) * number if axis.is_log else step
        return round(number, math.ceil(-math.log10(unit))) if unit > 0 else number

    return value(low), value(high)


class Explorer:
    """A figure with a map: click, or drag a rectangle, to train the window there.

    The right button or Backspace goes back.

    Parameters
    ----------
    experiment : Experiment
        The first map, with two axes of numbers.
    size : int, optional
        Pixels on each side; None for as many as in the experiment.
    train : callable, optional
        From an experiment to its map. Default: `train_map` into a folder below results.
    colours : str
        As for `harness.maps.picture.map_image`.
    figure : Figure, optional
        The figure to draw into. Default: a new window.
    """

    def __init__(
        self,
        experiment: Experiment,
        *,
        size: int | None = 64,
        train: Train | None = None,
        colours: str = "rank",
        figure: Any = None,
    ) -> None:
        self.figure = new_window() if figure is None else figure
        self._colours = colours
        self._pressed: Any = None
        self._rectangle: Any = None
        self._training = False
        first = framed(experiment, size=size)
        self.walk = Walk(first, train or (lambda each: train_map(each, folder_of(each))))
        for event, handler in (
            ("button_press_event", self._press),
            ("motion_notify_event", self._drag),
            ("button_release_event", self._release),
            ("key_press_event", self._key),
        ):
            self.figure.canvas.mpl_connect(event, handler)
        self._show()

    def wait(self) -> None:
        """Show the window, and return when it is closed.

        This is a method so that the explorer stays alive: a canvas holds only weak references to
        its handlers.
        """
        from matplotlib import pyplot

        pyplot.show()

    def _press(self, event: Any) -> None:
        # The window's own tools, such as its magnifier, lock the mouse.
        locked = self._training or event.canvas.widgetlock.locked()
        if event.inaxes not in self._panels or locked:
            return
        if event.button == _RIGHT:
            self._back()
        elif event.button == _LEFT:
            self._pressed = event

    def _drag(self, event: Any) -> None:
        if self._pressed is None or event.inaxes is not self._pressed.inaxes:
            return
        if self._rectangle is None:
            self._rectangle = event.inaxes.fill([], [], fill=False, edgecolor="black")[0]
        x0, y0, x1, y1 = self._pressed.xdata, self._pressed.ydata, event.xdata, event.ydata
        self._rectangle.set_xy([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        self.figure.canvas.draw_idle()

    def _release(self, event: Any) -> None:
        pressed, self._pressed = self._pressed, None
        if pressed is None:
            return
        if event.inaxes is not pressed.inaxes:  # released outside of the panel: cancelled
            self._show()
        elif abs(event.x - pressed.x) < _STILL or abs(event.y - pressed.y) < _STILL:
            self._enter(self.walk.around((event.xdata, event.ydata)))
        else:
            corners = (pressed.xdata, pressed.ydata), (event.xdata, event.ydata)
            self._enter(self.walk.between(*corners))

    def _key(self, event: Any) -> None:
        if event.key == "backspace" and not self._training:
            self._back()

    def _enter(self, window: Window) -> None:
        problem = ""
        self._training = True
        self._say("training ...")
        self.figure.canvas.draw()
        self.figure.canvas.flush_events()
        try:
            self.walk.enter(window)
        except HarnessError as error:
            problem = f"{error}"
        # Discard clicks made meanwhile, such as the second of a double click.
        self.figure.canvas.flush_events()
        self._training = False
        self._show(problem)

    def _back(self) -> None:
        self.walk.back()
        self._show()

    def _show(self, problem: str = "") -> None:
        """Draw the present map, titled with its dimension and option, or with a problem."""
        here = self.walk.here
        self._rectangle = None
        self.figure.clear()
        self._panels = list(self.figure.subplots(1, 2))
        draw_map(self._panels, here.image, map_axes(here.experiment), _STYLE, self._colours)
        self._say(problem or f"dimension {here.dimension:.3g}  {self.walk.argument}")
        self.figure.canvas.draw_idle()

    def _say(self, text: str) -> None:
        lines = fitted(f"{self.walk.here.experiment.name}: {text}", _STYLE)
        self.figure.suptitle(lines, fontsize=_STYLE.font, x=0.01, ha="left")


def new_window() -> Any:
    """Return a figure in a new window, or in a notebook.

    Raises
    ------
    HarnessError
        There is no display.
    """
    from matplotlib import pyplot
    from matplotlib.backend_bases import FigureManagerBase

    try:
        figure = pyplot.figure(figsize=(_STYLE.width, _STYLE.height), layout="constrained")
    except ImportError:  # the chosen backend has no display
        figure = None
    # Backends that only write files use the base class of managers.
    if figure is not None and type(figure.canvas.manager) is not FigureManagerBase:
        return figure
    if figure is not None:
        pyplot.close(figure)
    raise HarnessError(
        "There is no display to open a window on.\nExplore the map in a notebook, with"
        " `%matplotlib widget` and harness.maps.explorer.Explorer,\nor draw parts of it with"
        " `harness map --zoom`."
    )
