"""The dimension of boundaries: known sets, and boxes counted one by one."""

from itertools import pairwise

import numpy as np
import pytest

from harness.maps.boundary import box_counts, dimension, edges


def carpet(levels):
    """Sierpinski's carpet: dimension log 8 / log 3."""
    image = np.ones((1, 1), dtype=bool)
    for _ in range(levels):
        hole = np.zeros_like(image)
        image = np.block([[image] * 3, [image, hole, image], [image] * 3])
    return image


def koch(levels, side):
    """Koch's curve as pixels: dimension log 4 / log 3."""
    points = np.array([0.0 + 0.0j, 1.0 + 0.0j])
    for _ in range(levels):
        step = np.diff(points) / 3
        start = points[:-1]
        turn = np.exp(1j * np.pi / 3)
        new = np.stack([start, start + step, start + step * (1 + turn), start + 2 * step])
        points = np.append(new.T.ravel(), points[-1])
    line = np.concatenate([np.linspace(a, b, 20) for a, b in pairwise(points)])
    image = np.zeros((side, side), dtype=bool)
    place = np.minimum((line * (side - 1)).astype(complex), side - 1)
    image[place.imag.astype(int), place.real.astype(int)] = True
    return image


def counted_one_by_one(mask, size):
    """As porespy's `boxcount`: boxes that contain some of it and are not full of it."""
    count = 0
    for i in range(0, mask.shape[0], size):
        for j in range(0, mask.shape[1], size):
            box = mask[i : i + size, j : j + size]
            count += bool(box.any()) - bool(box.all() and size > 1)
    return count


def test_boxes_equal_a_count_one_by_one():
    mask = np.random.default_rng(0).random((61, 45)) < 0.2
    table = box_counts(mask, [1, 2, 3, 5, 8, 13])
    assert table["boxes"].tolist() == [counted_one_by_one(mask, s) for s in table["size"]]


def test_a_line_has_dimension_one():
    mask = np.zeros((512, 512), dtype=bool)
    mask[200] = True
    assert box_counts(mask)["boxes"].tolist() == [512 // 2**k for k in range(8)]
    assert dimension([box_counts(mask)]) == pytest.approx(1.0)


def test_the_carpet_of_sierpinski():
    table = box_counts(carpet(6), [3, 9, 27, 81])
    assert table["boxes"].tolist() == [8**5, 8**4, 8**3, 8**2]
    assert table["dimension"].tolist() == pytest.approx([np.log(8) / np.log(3)] * 4)


def test_the_curve_of_koch():
    assert dimension([box_counts(koch(6, 1024))]) == pytest.approx(np.log(4) / np.log(3), abs=0.06)


def test_a_block_of_four_with_both_kinds_is_on_the_boundary():
    kind = np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]], dtype=bool)
    assert edges(kind).tolist() == [[False, True], [True, False]]
    assert not edges(np.ones((4, 4), dtype=bool)).any()


def test_the_median_is_over_all_images_and_nan_without_a_boundary():
    line = np.zeros((64, 64), dtype=bool)
    line[30] = True
    nothing = box_counts(np.zeros((64, 64), dtype=bool))
    assert nothing["boxes"].tolist() == [0] * 5
    assert np.isnan(dimension([nothing]))
    assert dimension([nothing, box_counts(line)]) == pytest.approx(1.0)
    assert np.isnan(dimension([box_counts(np.ones((1, 1), dtype=bool))]))
