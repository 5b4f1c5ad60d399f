"""A map to walk about in: a click trains the window around it, and shows it.

    import harness
    from harness.maps.explorer import Explorer

    explorer = Explorer(harness.load_experiment("experiments/trainability_tanh.toml"))

In a notebook say `%matplotlib widget` before (of the package ipympl) and keep the explorer in a
variable: it lives as long as that. From the command line it is `harness explore FILE`.
"""

import math
from collections.abc import Callable
from typing import Any

from harness.errors import HarnessError
from harness.experiment import Experiment
from harness.experiment.grid import Axis
from harness.maps.image import Window, framed, map_axes, told_apart, window_of, zoom_argument
from harness.maps.picture import draw_map, drawn, is_log
from harness.maps.zoom import Map, folder_of, train_map
from harness.plots.style import Style, fitted

Point = tuple[float, float]
Train = Callable[[Experiment], Map]

_STYLE = Style(width=11.0, height=6.2, font=11, line=1.6, dpi=100)

# A mouse that moves less than so many pixels of the screen between press and release has clicked.
_STILL = 5

# Ends of a window have as many digits as this part of a pixel needs.
_PART = 0.01

_LEFT, _RIGHT = 1, 3


class Walk:
    """The maps on the way into a boundary, the present one last.

    Points are where a map is drawn: on an axis of equal ratios, logarithms to base 10.

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
        """The argument with which `harness map` makes the present map."""
        return f"--zoom {zoom_argument(window_of(self.here.experiment))}"

    def around(self, point: Point) -> Window:
        """Return the window of half the size around a point, but within the present one."""
        low, high = [], []
        for place, (first, last) in zip(point, self._drawn_ends(), strict=True):
            quarter = (last - first) / 4
            middle = min(max(place, first + quarter), last - quarter)
            low.append(middle - quarter)
            high.append(middle + quarter)
        return self.between((low[0], low[1]), (high[0], high[1]))

    def between(self, one: Point, other: Point) -> Window:
        """Return the window that has two points as opposite corners, but within the present one."""
        axes = map_axes(self.here.experiment)
        corners = zip(axes, self._drawn_ends(), one, other, strict=True)
        across, up = (
            _ends(axis, *sorted(min(max(place, first), last) for place in places))
            for axis, (first, last), *places in corners
        )
        return Window(across=across, up=up)

    def enter(self, window: Window) -> None:
        """Train the map of a window and make it the present one.

        Raises
        ------
        HarnessError
            It is too small for numbers, or has some that are not allowed, or cannot be trained.
        """
        if not told_apart(window, self.here.experiment.grid.shape):
            raise HarnessError("Neighbours in this window are the same number, or nearly.")
        self._maps.append(self._train(framed(self.here.experiment, window=window)))

    def back(self) -> None:
        """Return to the map before; the first one stays."""
        if len(self._maps) > 1:
            self._maps.pop()

    def _drawn_ends(self) -> list[Point]:
        """Return the least and the greatest place along both axes."""
        ends = []
        for axis in map_axes(self.here.experiment):
            first, last = sorted(drawn(axis, axis.values.ends()).tolist())
            ends.append((first, last))
        return ends


def _ends(axis: Axis, low: float, high: float) -> Point:
    """Return the values that are drawn at two places, with no more digits than a pixel needs."""
    step = _PART * (high - low) / axis.values.count

    def value(place: float) -> float:
        number = 10.0**place if is_log(axis) else place
        unit = step * math.log(10.0) * number if is_log(axis) else step
        return round(number, math.ceil(-math.log10(unit))) if unit > 0 else number

    return value(low), value(high)


class Explorer:
    """A figure with a map: click, or drag a rectangle, to train the window there.

    The right button, or Backspace, goes back.

    Parameters
    ----------
    experiment : Experiment
        The first map, with two axes of numbers.
    size : int, optional
        Pixels on each side; as many as the experiment says if None.
    train : callable, optional
        From an experiment to its map; into a folder of its own below results if left out.
    colours : str
        As of `harness.maps.picture.map_image`.
    figure : Figure, optional
        Where it is drawn; a new window if left out.
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
        """Open the windows that there are, and return when they are closed.

        It is no function without self: a canvas does not keep those alive whom it tells of clicks.
        """
        from matplotlib import pyplot

        pyplot.show()

    def _press(self, event: Any) -> None:
        # The tools of the window, such as its magnifier, have the mouse for themselves.
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
        if event.inaxes is not pressed.inaxes:  # outside of the panel it is taken back
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
        # Clicks that came meanwhile, as the second of a double click, were meant for another map.
        self.figure.canvas.flush_events()
        self._training = False
        self._show(problem)

    def _back(self) -> None:
        self.walk.back()
        self._show()

    def _show(self, problem: str = "") -> None:
        """Draw the present map, and say what it is or why there is no other."""
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
    """Return a figure with a window, or with a place in a notebook.

    Raises
    ------
    HarnessError
        There is no display.
    """
    from matplotlib import pyplot
    from matplotlib.backend_bases import FigureManagerBase

    try:
        figure = pyplot.figure(figsize=(_STYLE.width, _STYLE.height), layout="constrained")
    except ImportError:  # the backend that was asked for has no display either
        figure = None
    # Backends that only write files have no manager of their own.
    if figure is not None and type(figure.canvas.manager) is not FigureManagerBase:
        return figure
    if figure is not None:
        pyplot.close(figure)
    raise HarnessError(
        "There is no display on which a window could open.\nExplore the map in a notebook, with"
        " `%matplotlib widget` and harness.maps.explorer.Explorer,\nor see parts of it with"
        " `harness map --zoom`."
    )
