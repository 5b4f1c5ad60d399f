"""Endpoints: labels that do not overlap, and the numbers drawn."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from harness import plots
from harness.experiment.network import Network
from harness.plots.kinds.endpoints import endpoints
from harness.plots.style import STYLES, write_caption

NETWORK = Network(sizes=(1, 2, 1), activations=("softplus", "identity"), biases=(True, True),
                  scales=(1.0, 1.0), output_scale=1.0, loss="ssr")  # fmt: skip


def neighbours(gap):
    """Six solutions of two runs each, `gap` apart in every parameter."""
    names = [f"{name}_final" for name in NETWORK.parameters]
    base = np.array([1.0, 0, 3, 0, -2, 1, 0.5])
    thetas = [base + gap * solution for solution in range(6) for _ in range(2)]
    table = pd.DataFrame(np.array(thetas), columns=names)
    return table.assign(run_id=np.arange(12), ssr_final=np.linspace(0.1, 1, 12), status="finished")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("gap", [0.2, 1.0])
@pytest.mark.parametrize("pair", [None, ("w1", "w2")])
def test_labels_of_solutions_never_overlap(style, gap, pair):
    figure = endpoints(neighbours(gap), NETWORK, pair=pair, style=STYLES[style], title="ends")
    figure.caption = "12 runs. " * 20
    write_caption(figure, STYLES[style])
    plots.rendered(figure)
    axes, bar = figure.axes
    assert [text.get_text() for text in axes.texts] == ["2"] * 6
    boxes = [super(type(text), text).get_window_extent() for text in axes.texts]
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
    for box in boxes:
        assert not box.overlaps(bar.get_tightbbox())
        assert box.x0 > axes.bbox.x1


def test_the_table_has_the_points_and_the_measure():
    runs = neighbours(0.5)
    table = endpoints(runs, NETWORK, pair=("w1", "w2")).table
    columns = ["run_id", "w1_final", "w2_final", "ssr_final"]
    np.testing.assert_array_equal(table.to_numpy(), runs[columns].to_numpy())
    assert table.columns.tolist() == ["run_id", "w1", "w2", "ssr_final"]
