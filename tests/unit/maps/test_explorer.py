"""The interactive map: windows against hand calculation, and a figure that receives clicks."""

import gc

import numpy as np
import pytest
from matplotlib.backend_bases import KeyEvent, MouseButton, MouseEvent
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import harness
from harness.maps.explorer import Explorer, Walk, new_window
from harness.maps.image import Image, Window, map_axes, parse_window, window_of
from harness.maps.zoom import Map


def pretended(experiment):
    """Return a map of noise instead of a trained one."""
    width, height = experiment.grid.shape
    trained = np.random.default_rng(0).random((height, width)) < 0.5
    value = np.where(trained, -2.0, 3.0)
    return Map(
        experiment=experiment,
        folder=None,
        image=Image(trained=trained, value=value),
    )


@pytest.fixture
def plane(small):
    """Maps with log10 of the rate from -2 to 2 across, and momentum from 0 to 0.8 up."""

    def make(width=16, height=8, across=(1e-2, 1e2), up=(0.0, 0.8)):
        return small(
            grid={
                "learning_rate": {"log": list(across), "count": width},
                "momentum": {"linear": list(up), "count": height},
            }
        )

    return make


def ends(window):
    return (*window.across, *window.up)


# -- windows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((0.0, 0.4), (10**-1.0, 10**1.0, 0.2, 0.6)),
        ((0.5, 0.5), (10**-0.5, 10**1.5, 0.3, 0.7)),
        ((-1.9, 0.79), (10**-2.0, 10**0.0, 0.4, 0.8)),  # a corner: moved inside
        ((2.1, -0.05), (10**0.0, 10**2.0, 0.0, 0.4)),  # the outer half of a pixel at the edge
    ],
)
def test_a_click_takes_the_half_around_it(plane, point, expected):
    window = Walk(plane(), pretended).around(point)
    # A hundredth of a new pixel, which is 2 / 16 of a decade wide and 0.4 / 8 high.
    assert np.log10(window.across) == pytest.approx(np.log10(expected[:2]), abs=0.00125)
    assert window.up == pytest.approx(expected[2:], abs=0.0005)
    assert window.across[0] >= 1e-2
    assert window.up[0] >= 0.0


@pytest.mark.parametrize(
    ("one", "other"),
    [((-1.0, 0.1), (1.0, 0.3)), ((1.0, 0.1), (-1.0, 0.3)), ((1.0, 0.3), (-1, 0.1))],
)
def test_a_rectangle_is_the_same_from_each_corner(plane, one, other):
    window = Walk(plane(), pretended).between(one, other)
    assert ends(window) == pytest.approx((0.1, 10.0, 0.1, 0.3), rel=0.003)


def test_a_rectangle_beyond_the_edge_ends_there(plane):
    window = Walk(plane(), pretended).between((-2.1, -0.04), (0.0, 0.4))
    assert ends(window) == pytest.approx((0.01, 1.0, 0.0, 0.4), rel=0.003)
    assert window.up[0] == 0.0  # momentum may not be negative


def test_ends_have_few_digits_even_deep_in_a_zoom(plane):
    walk = Walk(plane(), pretended)
    for _ in range(20):
        across, up = map_axes(walk.here.experiment)
        middle = np.log10(across.values.ends()).mean() + 1e-7, np.mean(up.values.ends())
        before = np.ptp(np.log10(across.values.ends()))
        walk.enter(walk.around(middle))
        across = map_axes(walk.here.experiment)[0].values
        assert np.ptp(np.log10(across.ends())) == pytest.approx(before / 2, rel=0.01)
    # 4 decades / 2^20 / 16 pixels, times 0.01 and ln 10, need nine decimal places.
    assert all(len(repr(end)) <= 12 for end in across.ends())


def test_the_argument_makes_the_same_map(plane):
    walk = Walk(plane(), pretended)
    for point in ((0.3, 0.33), (0.1234, 0.4), (0.2, 0.41)):
        walk.enter(walk.around(point))
        option, _, text = walk.argument.partition(" ")
        assert option == "--zoom"
        window = parse_window(text)
        assert window == window_of(walk.here.experiment)
        again = harness.maps.image.framed(plane(), window=window)
        assert again.identity == walk.here.experiment.identity


def test_descending_axes(plane):
    walk = Walk(plane(across=(1e2, 1e-2)), pretended)
    assert ends(walk.around((-5.0, 0.4))) == pytest.approx((0.01, 1.0, 0.2, 0.6), rel=0.003)


def test_back_stops_at_the_first_map(plane):
    walk = Walk(plane(), pretended)
    first = walk.here
    walk.enter(walk.around((0.0, 0.4)))
    assert walk.here is not first
    walk.back()
    walk.back()
    assert walk.here is first


def test_a_window_whose_pixels_coincide_is_refused(plane):
    walk = Walk(plane(), pretended)
    with pytest.raises(harness.HarnessError, match="same number"):
        walk.enter(Window(across=(1.0, 1.0 + 1e-14), up=(0.1, 0.2)))
    assert walk.here.experiment.identity == plane().identity


# -- the figure ------------------------------------------------------------------------------------


class Hand:
    """Send the events that a window would send."""

    def __init__(self, explorer):
        self.canvas = explorer.figure.canvas
        self.explorer = explorer

    def at(self, point, panel=0):
        self.canvas.draw()
        return self.explorer.figure.axes[panel].transData.transform(point)

    def send(self, name, place, button=MouseButton.LEFT):
        self.canvas.callbacks.process(name, MouseEvent(name, self.canvas, *place, button))

    def click(self, point, button=MouseButton.LEFT, panel=0):
        place = self.at(point, panel)
        self.send("button_press_event", place, button)
        self.send("button_release_event", place, button)

    def drag(self, one, other):
        first, last = self.at(one), self.at(other)
        self.send("button_press_event", first)
        self.send("motion_notify_event", (first + last) / 2)
        self.send("motion_notify_event", last)
        self.send("button_release_event", last)

    def key(self, key):
        self.canvas.callbacks.process(
            "key_press_event", KeyEvent("key_press_event", self.canvas, key)
        )


@pytest.fixture
def opened(plane):
    """Return an explorer on a canvas without a window, a mouse, and the trained experiments."""
    asked = []

    def train(experiment):
        asked.append(experiment)
        return pretended(experiment)

    def make(train=train, **options):
        figure = Figure(figsize=(11, 6.2), layout="constrained")
        FigureCanvasAgg(figure)
        explorer = Explorer(plane(), size=None, train=train, figure=figure, **options)
        return explorer, Hand(explorer), asked

    return make


def title(explorer):
    return " ".join(explorer.figure.get_suptitle().split())


@pytest.mark.parametrize("panel", [0, 1])
def test_a_click_trains_and_shows_the_window(opened, panel):
    explorer, hand, asked = opened()
    assert title(explorer).endswith("--zoom 0.01,100,0,0.8")
    hand.click((0.0, 0.4), panel=panel)
    assert len(asked) == 2
    assert ends(window_of(asked[1])) == pytest.approx((0.1, 10.0, 0.2, 0.6), rel=0.003)
    assert explorer.walk.here.experiment is asked[1]
    assert title(explorer).endswith(explorer.walk.argument)
    assert "dimension" in title(explorer)
    low, high = explorer.figure.axes[0].get_xlim()
    assert (low, high) == pytest.approx((-1 - 1 / 15, 1 + 1 / 15), abs=0.01)  # and half a pixel


@pytest.mark.parametrize("colours", ["rank", "plain"])
def test_a_rectangle_is_drawn_and_trained(opened, colours):
    explorer, hand, asked = opened(colours=colours)
    first, last = hand.at((-1.0, 0.1)), hand.at((0.5, 0.3))
    hand.send("button_press_event", first)
    hand.send("motion_notify_event", last)
    (rectangle,) = explorer.figure.axes[0].patches
    corners = rectangle.get_xy()
    assert corners.min(axis=0) == pytest.approx((-1.0, 0.1))
    assert corners.max(axis=0) == pytest.approx((0.5, 0.3))
    assert explorer.figure.axes[0].get_xlim() == pytest.approx((-2 - 2 / 15, 2 + 2 / 15))
    hand.send("button_release_event", last)
    assert ends(window_of(asked[1])) == pytest.approx((0.1, 10**0.5, 0.1, 0.3), rel=0.003)
    assert not explorer.figure.axes[0].patches


def test_a_small_movement_is_a_click(opened):
    _, hand, asked = opened()
    first = hand.at((0.0, 0.4))
    hand.send("button_press_event", first)
    hand.send("motion_notify_event", first + 2)
    hand.send("button_release_event", first + 2)
    assert ends(window_of(asked[1])) == pytest.approx((0.1, 10.0, 0.2, 0.6), rel=0.1)


def test_a_rectangle_that_ends_outside_is_cancelled(opened):
    explorer, hand, asked = opened()
    first = hand.at((-1.0, 0.1))
    hand.send("button_press_event", first)
    hand.send("motion_notify_event", first + 30)
    hand.send("button_release_event", (1, 1))
    assert len(asked) == 1
    assert not explorer.figure.axes[0].patches


@pytest.mark.parametrize("way", ["right button", "backspace"])
def test_going_back(opened, way):
    explorer, hand, asked = opened()
    hand.click((0.0, 0.4))
    for _ in range(2):
        if way == "backspace":
            hand.key("backspace")
        else:
            hand.click((0.0, 0.4), MouseButton.RIGHT)
    assert explorer.walk.here.experiment is asked[0]
    assert len(asked) == 2  # nothing is trained again
    assert title(explorer).endswith("--zoom 0.01,100,0,0.8")


def test_other_keys_buttons_and_positions_are_ignored(opened):
    explorer, hand, asked = opened()
    hand.key("a")
    hand.click((0.0, 0.4), MouseButton.MIDDLE)
    hand.send("button_press_event", (1, 1))
    hand.send("button_release_event", (1, 1))
    explorer.figure.canvas.widgetlock(hand)  # as the magnifier of a window does
    hand.click((0.0, 0.4))
    assert len(asked) == 1


def test_an_error_is_shown_and_the_map_stays(opened):
    def train(experiment):
        if window_of(experiment).across != (0.01, 100.0):
            raise harness.HarnessError("The disk is full.")
        return pretended(experiment)

    explorer, hand, _ = opened(train=train)
    hand.click((0.0, 0.4))
    assert title(explorer) == "small: The disk is full."
    assert explorer.walk.here.experiment.identity == explorer.walk._maps[0].experiment.identity
    hand.click((0.0, 0.4))  # the next click works
    assert title(explorer) == "small: The disk is full."


def test_the_second_click_of_a_double_click_is_ignored(opened):
    asked, waiting = [], []

    def train(experiment):
        asked.append(experiment)
        return pretended(experiment)

    explorer, hand, _ = opened(train=train)
    place = hand.at((0.0, 0.4))

    def flush_events():  # a window delivers the events of the meantime here
        while waiting:
            hand.send(waiting.pop(0), place)

    explorer.figure.canvas.flush_events = flush_events
    waiting += ["button_press_event", "button_release_event"]
    hand.click((0.0, 0.4))
    assert not waiting
    assert len(asked) == 2


def test_an_explorer_lives_as_long_as_its_window(plane, monkeypatch):
    asked = []

    def train(experiment):
        asked.append(experiment)
        return pretended(experiment)

    figure = Figure(figsize=(11, 6.2), layout="constrained")
    canvas = FigureCanvasAgg(figure)

    def show():  # as a window that receives clicks
        gc.collect()
        canvas.draw()
        place = figure.axes[0].transData.transform((0.0, 0.4))
        for name in ("button_press_event", "button_release_event"):
            canvas.callbacks.process(name, MouseEvent(name, canvas, *place, MouseButton.LEFT))

    monkeypatch.setattr("matplotlib.pyplot.show", show)
    Explorer(plane(), size=None, train=train, figure=figure).wait()  # nothing else refers to it
    assert len(asked) == 2


@pytest.mark.parametrize("backend", ["agg", "pdf"])
def test_without_a_display_there_is_no_window(backend):
    from matplotlib import pyplot

    before = pyplot.get_backend()
    pyplot.switch_backend(backend)
    try:
        mine = pyplot.figure()
        with pytest.raises(harness.HarnessError, match=r"no display(.|\n)*harness map --zoom"):
            new_window()
        assert pyplot.get_fignums() == [mine.number]
    finally:
        pyplot.close("all")
        pyplot.switch_backend(before)
