"""End points up to the exchange of hidden units."""

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from harness.analysis.parameters import exchanged
from harness.analysis.solutions import MOST_RUNS, solutions
from tests.side_by_side import a_problem, a_twin, network_of


def swapped(theta, network, layer, order):
    """Parameters with the units of a hidden layer in another order."""
    matrices = network.matrices_of(theta)
    matrices[layer] = matrices[layer][:, order]
    below = matrices[layer + 1][: len(order)]
    matrices[layer + 1][: len(order)] = below[order]
    return np.concatenate([matrix.ravel() for matrix in matrices])


@pytest.mark.parametrize("sizes", [(1, 2, 1), (3, 4, 2), (2, 3, 4, 1)])
def test_networks_with_exchanged_units_are_equal_and_have_one_form(sizes):
    twin = a_twin(sizes)
    network = network_of(twin)
    theta, inputs, _ = a_problem(twin)
    for layer in range(len(sizes) - 2):
        other = swapped(theta, network, layer, np.roll(np.arange(sizes[layer + 1]), 1))
        assert not np.array_equal(other, theta)
        np.testing.assert_allclose(twin.predict(other, inputs), twin.predict(theta, inputs))
        np.testing.assert_array_equal(exchanged(other, network), exchanged(theta, network))
    np.testing.assert_allclose(
        twin.predict(exchanged(theta, network), inputs), twin.predict(theta, inputs)
    )


def table_of(thetas, network, ssr):
    columns = {f"{n}_final": [t[p] for t in thetas] for n, p in network.positions.items()}
    return pd.DataFrame({"run_id": range(len(thetas)), "ssr_final": ssr, **columns})


def test_runs_are_grouped_by_solution_and_the_best_of_each_is_named():
    network = network_of(a_twin((1, 2, 1)))
    one = np.array([1.0, -2.0, 0.5, 0.3, 2.0, -1.0, 0.1])
    other = np.array([5.0, 4.0, -3.0, 2.0, 1.0, 1.0, -6.0])
    thetas = [one, other, swapped(one, network, 0, [1, 0]), one * (1 + 1e-4), other * np.nan]
    table = solutions(table_of(thetas, network, [0.3, 0.1, 0.2, 0.4, 0.0]), network)
    assert table["solution"].tolist() == [0, 1]
    assert table["runs"].tolist() == [3, 1]
    assert table["ssr_final"].tolist() == [0.2, 0.1]
    assert table["run_id"].tolist() == [2, 1]


@pytest.mark.parametrize("count", [0, 1])
def test_few_runs(count):
    network = network_of(a_twin((1, 2, 1)))
    table = solutions(table_of([np.ones(7)] * count, network, [0.5] * count), network)
    assert table["runs"].tolist() == [1] * count


def test_more_runs_than_can_be_compared_are_refused():
    network = network_of(a_twin((1, 2, 1)))
    runs = table_of([np.ones(7)] * (MOST_RUNS + 1), network, 0.5)
    with pytest.raises(ValueError, match="at most 3500"):
        solutions(runs, network)


def test_solutions_are_the_clusters_of_single_linkage():
    random = np.random.default_rng(0)
    network = network_of(a_twin((1, 2, 1)))
    thetas = random.normal(size=(12, 7))[random.integers(0, 12, 200)]
    thetas += 0.03 * random.normal(size=thetas.shape)
    points = np.array([exchanged(theta, network) for theta in thetas])
    lengths = np.linalg.norm(points, axis=1)
    one, other = np.triu_indices(len(points), 1)
    apart = pdist(points) / np.maximum(lengths[one], lengths[other])
    clusters = fcluster(linkage(apart, "single"), 0.05, "distance")
    table = solutions(table_of(thetas, network, 0.1), network)
    assert table["runs"].tolist() == sorted(np.bincount(clusters)[1:], reverse=True)
    assert 12 < len(table) < 200
