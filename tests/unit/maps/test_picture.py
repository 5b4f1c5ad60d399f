"""Pictures of maps: the arrays that are drawn, for both colours and both kinds of maps."""

import numpy as np
import pytest

import harness
from harness.maps.image import Image, equalised, map_axes
from harness.maps.picture import COLOURS, frame, map_image

TRAINED = np.array(
    [
        [True, True, True, False],
        [True, True, False, False],
        [True, True, True, True],
    ]
)
SIZES = np.array(
    [
        [1.0, 2.0, 50.0, 9.0],
        [3.0, 40.0, 80.0, 7.0],
        [4.0, 5.0, 6.0, 8.0],
    ]
)
# By hand: the block that begins with the pixel contains both kinds.
BOUNDARY = np.array(
    [
        [False, True, True, False],
        [False, True, True, False],
        [False, False, False, False],
    ]
)


@pytest.fixture
def axes(small):
    return map_axes(
        small(
            grid={
                "learning_rate": {"log": [1e-2, 1e1], "count": 4},
                "momentum": {"linear": [0.0, 0.5], "count": 3},
            }
        )
    )


def of_the_paper():
    return Image(trained=TRAINED, value=np.where(TRAINED, -SIZES, SIZES))


def without_measures(value=SIZES):
    return Image(trained=TRAINED, value=value, signed=False)


def drawn_in(panel):
    return [np.ma.asarray(picture.get_array()) for picture in panel.images]


def panels_of(image, axes, colours):
    figure = map_image(image, axes, colours=colours)
    figure.canvas.draw()  # drawing raises the warnings
    return figure.axes


@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("make", [of_the_paper, without_measures])
def test_images_extend_half_a_pixel_beyond_the_axes(axes, make, colours):
    for panel in panels_of(make(), axes, colours)[:2]:
        for picture in panel.images:
            assert picture.origin == "lower"  # the lowest row first, as in Image
            # Half a pixel more than from 10^-2 to 10^1 and from 0 to 0.5.
            assert picture.get_extent() == pytest.approx([-2.5, 1.5, -0.125, 0.625])


@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("make", [of_the_paper, without_measures])
def test_the_right_panel_shows_the_kinds_and_the_boundary(axes, make, colours):
    (kinds,) = drawn_in(panels_of(make(), axes, colours)[1])
    assert (kinds == np.where(BOUNDARY, 0.0, np.where(TRAINED, 0.25, 0.8))).all()


@pytest.mark.parametrize("make", [of_the_paper, without_measures])
def test_the_left_panel_shows_ranks(axes, make):
    left, _, *others = panels_of(make(), axes, "rank")
    (shades,) = drawn_in(left)
    # Trained: 1 2 3 4 5 6 8 40 50; others: 7 9 80.
    ranks = [
        [-1 / 9, -2 / 9, -9 / 9, 2 / 3],
        [-3 / 9, -8 / 9, 3 / 3, 1 / 3],
        [-4 / 9, -5 / 9, -6 / 9, -7 / 9],
    ]
    np.testing.assert_allclose(shades, ranks)
    assert left.images[0].get_clim() == (-1, 1)
    assert not others
    assert "rank" in left.get_title(loc="left")


def test_plain_values_of_each_kind_have_a_scale_and_a_bar(axes):
    left, *_ = panels_of(of_the_paper(), axes, "plain")
    trained, others = drawn_in(left)
    assert (trained.mask == ~TRAINED).all()
    assert (others.mask == TRAINED).all()
    for shades, kind, picture in zip(
        (trained, others), (TRAINED, ~TRAINED), left.images, strict=True
    ):
        low, high = np.quantile(SIZES[kind], [0.01, 0.99])  # without outliers
        assert picture.get_clim() == pytest.approx((low, high))
        assert shades.compressed() == pytest.approx(SIZES[kind].clip(low, high))
        # The scale is logarithmic.
        assert picture.norm(np.sqrt(low * high)) == pytest.approx(0.5)
    assert [bar.get_ylabel() for bar in left.child_axes] == [
        "trained: sum of v", "not: sum of 1 / v",
    ]  # fmt: skip


def test_plain_values_without_measures_are_the_ssr_of_runs_that_did_not_diverge(axes):
    left, *_ = panels_of(without_measures(), axes, "plain")
    (shades,) = drawn_in(left)
    assert (shades.mask == ~TRAINED).all()
    low, high = np.quantile(SIZES[TRAINED], [0.01, 0.99])
    assert shades.compressed() == pytest.approx(SIZES[TRAINED].clip(low, high))
    assert [bar.get_ylabel() for bar in left.child_axes] == ["SSR at the end"]
    assert left.get_title(loc="left") == "grey: diverged"


def test_values_that_have_no_logarithm_are_drawn_at_the_ends(axes):
    value = SIZES.copy()
    value[0, 0], value[0, 1], value[2, 0] = 0.0, np.inf, np.nan
    left = panels_of(without_measures(value), axes, "plain")[0]
    (shades,) = drawn_in(left)
    low, high = left.images[0].get_clim()
    assert [shades[0, 0], shades[0, 1], shades[2, 0]] == [low, high, high]
    good = TRAINED & np.isfinite(value) & (value > 0)
    assert (low, high) == pytest.approx(np.quantile(SIZES[good], [0.01, 0.99]))


@pytest.mark.parametrize("kind", [True, False])
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("colours", COLOURS)
def test_a_map_of_one_kind_is_drawn(axes, kind, signed, colours):
    trained = np.full((3, 4), kind)
    image = Image(trained=trained, value=np.full((3, 4), 2.0), signed=signed)
    left, right = panels_of(image, axes, colours)[:2]
    assert (drawn_in(right)[0] == (0.25 if kind else 0.8)).all()
    if colours == "plain" and (signed or kind):
        (shades,) = drawn_in(left)
        assert (shades == 2.0).all()
        assert left.images[0].get_clim() == (1.0, 4.0)
        assert len(left.child_axes) == 1


def test_a_frame_has_the_colours_of_the_ranks_with_the_highest_row_first():
    from matplotlib import colormaps

    image = of_the_paper()
    pixels = frame(image)
    assert pixels.shape == (3, 4, 3)
    expected = colormaps["RdYlBu_r"]((equalised(image) + 1) / 2)[:, :, :3]
    assert np.abs(pixels[::-1] / 255 - expected).max() <= 0.5 / 255 + 1e-12
    red, _, blue = pixels[2 - 0, 2].astype(int)  # trained, near the boundary: dark blue
    assert blue > 100 > red


def test_other_colours_are_refused(axes):
    with pytest.raises(harness.HarnessError, match='"wrong" must be one of rank, plain'):
        map_image(of_the_paper(), axes, colours="wrong")
