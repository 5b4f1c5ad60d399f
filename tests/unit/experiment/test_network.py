"""Positions of the parameters in theta."""

import itertools

import pytest

from harness.experiment.network import Network


def network(sizes, biases):
    depth = len(sizes) - 1
    return Network(
        sizes=sizes,
        activations=("tanh",) * depth,
        biases=biases,
        scales=(1.0,) * depth,
        output_scale=1.0,
        loss="ssr",
    )


@pytest.mark.parametrize(
    ("sizes", "biases"),
    [
        ((1, 2, 1), (True, True)),
        ((2, 3, 4, 2), (True, False, True)),
        ((3, 1, 5), (False, True)),
        ((2, 2), (False,)),
        ((1, 1), (True,)),
    ],
)
def test_positions_by_arithmetic_agree_with_those_by_name(sizes, biases):
    found = network(sizes, biases)
    assert sorted(found.positions.values()) == list(range(found.parameter_count))
    by_name = [at for name, at in found.positions.items() if name.startswith("b")]
    assert found.bias_positions.tolist() == by_name
    assert found.bias_positions.dtype == found.layer_of.dtype == "int64"
    expected = [
        layer
        for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes))
        for _ in range((fan_in + biases[layer]) * fan_out)
    ]
    assert found.layer_of.tolist() == expected


def test_positions_of_biases_do_not_need_names(monkeypatch):
    monkeypatch.delattr(Network, "positions")
    found = network((1, 300_000, 1), (True, True))
    assert len(found.bias_positions) == 300_001
    assert len(found.layer_of) == found.parameter_count == 900_001


def test_networks_of_the_same_sizes_share_their_names():
    one, other = network((1, 5, 1), (True, True)), network((1, 5, 1), (True, True))
    assert one.positions is other.positions
    assert "positions" not in vars(one)
