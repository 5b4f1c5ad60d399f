"""Traces: symbols as the lessons write them, remarks, and errors."""

import pytest

import harness
from harness.experiment import Experiment
from tests.lessons import (
    TWO_CLASSES,
    TWO_OUTPUTS,
    an_experiment,
    first_lesson,
    second_lesson,
    three_layers,
)


def symbols(trace, parameter, path=0):
    """Symbols of one chain of a parameter, from the loss on."""
    factors = trace.factors
    point = factors["data_point"].iloc[0]
    chosen = (factors["parameter"] == parameter) & (factors["data_point"] == point)
    return factors["symbol"][chosen & (factors["path"] == path)].tolist()


# -- symbols ---------------------------------------------------------------------------------------

NUMBERED = {
    "w1": ["dSSR/dpredicted", "dpredicted/dy1", "dy1/dx1", "dx1/dw1"],
    "b1": ["dSSR/dpredicted", "dpredicted/dy1", "dy1/dx1", "dx1/db1"],
    "w2": ["dSSR/dpredicted", "dpredicted/dy2", "dy2/dx2", "dx2/dw2"],
    "w3": ["dSSR/dpredicted", "dpredicted/dw3"],
    "w4": ["dSSR/dpredicted", "dpredicted/dw4"],
    "b3": ["dSSR/dpredicted", "dpredicted/db3"],
}
MATRIX = {
    "w1": ["dE/dŷ", "dŷ/dh", "dh/dh1", "dh1/dW11(1)"],
    "w2": ["dE/dŷ", "dŷ/dh", "dh/dh1", "dh1/dW21(1)"],
    "b1": ["dE/dŷ", "dŷ/dh", "dh/dh1", "dh1/dW31(1)"],
    "w3": ["dE/dŷ", "dŷ/dh", "dh/dh2", "dh2/dW12(1)"],
    "b2": ["dE/dŷ", "dŷ/dh", "dh/dh2", "dh2/dW32(1)"],
    "w5": ["dE/dŷ", "dŷ/dh", "dh/dW11(2)"],
    "w6": ["dE/dŷ", "dŷ/dh", "dh/dW21(2)"],
    "b3": ["dE/dŷ", "dŷ/dh", "dh/dW31(2)"],
}


@pytest.mark.parametrize("parameter", NUMBERED)
def test_symbols_are_those_of_the_first_lesson(parameter):
    trace = harness.trace(first_lesson())
    assert symbols(trace, parameter) == NUMBERED[parameter]
    assert trace.loss == "SSR"
    assert trace.updates["symbol"].tolist() == trace.updates["parameter"].tolist()


@pytest.mark.parametrize("loss", ["cross_entropy", "half_ssr"])
@pytest.mark.parametrize("parameter", MATRIX)
def test_symbols_are_those_of_the_second_lesson(parameter, loss):
    trace = harness.trace(second_lesson(loss), parameter=parameter)
    assert symbols(trace, parameter) == MATRIX[parameter]
    assert trace.loss == "E"
    assert trace.updates["symbol"].tolist() == [MATRIX[parameter][-1].partition("/d")[2]]


@pytest.mark.parametrize("parameter", MATRIX)
def test_a_parameter_may_be_named_by_its_symbol(parameter):
    symbol = MATRIX[parameter][-1].partition("/d")[2]
    for written in (symbol, symbol.lower()):
        trace = harness.trace(second_lesson(), parameter=written)
        assert trace.updates["parameter"].tolist() == [parameter]


def test_symbols_of_wide_layers_are_all_different():
    wide = an_experiment([12, 12, 1], ["tanh", "tanh"], {"inputs": [[0.5] * 12], "targets": [1.0]})
    found = harness.trace(wide, notation="matrix").updates["symbol"]
    assert found.is_unique
    assert {"W1,11(1)", "W11,1(1)", "W11(1)"} < set(found)


def test_a_trace_has_its_batch_and_the_status_of_the_run():
    trace = harness.trace(second_lesson(training={"batch_size": 3}), epoch=2)
    assert (trace.updates_per_epoch, trace.data_points, trace.status) == (2, (0, 1, 2), "")
    assert harness.trace(second_lesson(), epoch=9).status == "finished"
    through = harness.trace(three_layers(), parameter="w1").factors["through"].unique()
    assert through[0] == "y1, y4, predicted1"
    assert len(through) == 4


def test_either_notation_may_be_asked_for():
    second = harness.trace(second_lesson(), notation="numbered")
    assert symbols(second, "w1") == [
        "dE/dpredicted",
        "dpredicted/dx3",
        "dx3/dy1",
        "dy1/dx1",
        "dx1/dw1",
    ]
    first = harness.trace(first_lesson(), notation="matrix")
    # The output is linear: its pre-activation is ŷ itself.
    assert symbols(first, "w1") == ["dSSR/dŷ", "dŷ/dh1", "dh1/dW11(1)"]
    assert symbols(first, "b3") == ["dSSR/dŷ", "dŷ/dW31(2)"]


def test_symbols_of_more_layers_and_outputs_name_layer_and_output():
    numbered = harness.trace(three_layers(), parameter="w1")
    # Two layers of two units above: four paths, with the output changing fastest.
    ends = [symbols(numbered, "w1", path)[:3] for path in range(4)]
    assert ends[0] == ["dE/dpredicted1", "dpredicted1/dx6", "dx6/dy4"]
    assert ends[1] == ["dE/dpredicted2", "dpredicted2/dx7", "dx7/dy4"]
    assert ends[2] == ["dE/dpredicted1", "dpredicted1/dx6", "dx6/dy5"]
    assert ends[3] == ["dE/dpredicted2", "dpredicted2/dx7", "dx7/dy5"]
    assert symbols(numbered, "w1", 3)[3:] == ["dy5/dx5", "dx5/dy1", "dy1/dx1", "dx1/dw1"]
    assert len(numbered.factors) == 4 * 7 * 5
    matrix = harness.trace(three_layers(), parameter="w1", notation="matrix")
    assert symbols(matrix, "w1", 3) == [
        "dE/dŷ2",
        "dŷ2/dh2(3)",
        "dh2(3)/dh2(2)",
        "dh2(2)/dh1(1)",
        "dh1(1)/dW11(1)",
    ]


SOFTMAX = an_experiment([2, 1, 2], ["sigmoid", "softmax"], TWO_CLASSES, "cross_entropy")


def test_paths_to_softmax_outputs_go_through_every_pre_activation():
    trace = harness.trace(SOFTMAX, parameter="w1")
    numbered = trace.factors[trace.factors["data_point"] == 0]
    assert numbered["through"].unique().tolist() == [
        f"y1, {x}, {p}" for x in ("x2", "x3") for p in ("predicted1", "predicted2")
    ]
    assert symbols(trace, "w1", 1) == [
        "dE/dpredicted2",
        "dpredicted2/dx2",
        "dx2/dy1",
        "dy1/dx1",
        "dx1/dw1",
    ]
    trace = harness.trace(SOFTMAX, parameter="b2", notation="matrix")
    assert trace.factors["through"].unique().tolist() == ["h1(2), ŷ1", "h1(2), ŷ2"]
    assert symbols(trace, "b2", 1) == ["dE/dŷ2", "dŷ2/dh1(2)", "dh1(2)/dW21(2)"]


@pytest.mark.parametrize(
    ("notation", "names"),
    [
        ("numbered", {"p": "predicted", "z": "x2", "y": "observed1"}),
        ("matrix", {"p": "ŷ", "z": "h1(2)", "y": "y1"}),
    ],
)
def test_remark_on_the_sum_over_softmax_outputs(notation, names):
    remark = harness.trace(SOFTMAX, parameter="b2", notation=notation).remark
    p, z, y = names.values()
    assert f"d{p}1/d{z} = {p}1 (1 - {p}1), and d{p}2/d{z} = -{p}1 {p}2." in remark
    assert f"add up to ({p}1 - {y}) / m for {z}," in remark


def test_the_scale_of_a_linear_output_is_a_separate_factor():
    linear = an_experiment([2, 2], ["identity"], TWO_OUTPUTS, output_scale=2.0)
    trace = harness.trace(linear, parameter="w1")
    assert symbols(trace, "w1") == ["dSSR/dpredicted1", "dpredicted1/dx1", "dx1/dw1"]
    scale = trace.factors["value"][trace.factors["symbol"] == "dpredicted1/dx1"]
    assert set(scale) == {2.0}


@pytest.mark.parametrize(
    ("loss", "notation", "said"),
    [
        ("cross_entropy", "matrix", "The lesson says that dE/dŷ is ŷ - y. That is dE/dh"),
        ("half_ssr", "matrix", "The lesson says that dE/dŷ is ŷ - y. For half the squared error"),
        ("mse", "matrix", ""),
        ("cross_entropy", "numbered", ""),
    ],
)
def test_remark_on_the_mistake_of_the_second_lesson(loss, notation, said):
    remark = harness.trace(second_lesson(loss), parameter="w1", notation=notation).remark
    assert remark.startswith(said)
    assert bool(remark) == bool(said)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"parameter": "w33"}, r'parameter = "w33" is not a parameter.*"w3"'),
        ({"run_id": 1}, "run_id = 1 must be .*from 0 to 0"),
        ({"run_id": -1}, "run_id = -1 must be .*from 0 to 0"),
        ({"epoch": -1}, "epoch = -1 must be a whole number of at least 0"),
        ({"epoch": 10}, "epoch = 10 is never reached: run 0 finished at epoch 9"),
    ],
)
def test_unknown_arguments_are_refused(wanted, message):
    with pytest.raises(harness.ExperimentError, match=message):
        harness.trace(first_lesson(), **wanted)


def test_epoch_after_a_run_has_ended_is_refused():
    diverging = first_lesson(training={"learning_rate": 0.5, "limit": 1e3})
    with pytest.raises(harness.ExperimentError, match="run 0 diverged at epoch 2") as found:
        harness.trace(diverging, epoch=5)
    assert "up to 2" in str(found.value)
    assert harness.trace(diverging, epoch=2).epoch == 2


def test_too_many_chains_are_refused_before_they_are_made():
    wide = an_experiment([1, 40, 40, 40, 1], ["tanh"] * 4, {"generator": "dosage"})
    with pytest.raises(harness.ExperimentError, match="chains; at most 100000") as found:
        harness.trace(wide)
    assert "Name one parameter" in str(found.value)
    assert len(harness.trace(wide, parameter="b121").factors) == 9


def test_a_saturated_output_is_traced_unless_its_derivative_is_infinite():
    def saturated(targets):
        document = second_lesson().document()
        document["data"] = {"inputs": [[1.0, 0.0], [0.0, 1.0]], "targets": targets}
        document["initialisation"]["parameters"] = {"b3": -900.0, "w5": 1.0, "w6": 1.0}
        return Experiment.from_mapping(document)

    right = harness.trace(saturated([[0.0], [0.0]]), parameter="b3")
    assert right.factors["value"].tolist() == [0.5, 0.0, 1.0] * 2
    assert right.updates["derivative"].tolist() == [0.0]
    with pytest.raises(harness.ExperimentError, match="saturated"):
        harness.trace(saturated([[0.0], [1.0]]), parameter="b3")


def test_an_unknown_notation_is_refused_with_a_suggestion():
    with pytest.raises(harness.ExperimentError, match=r'"matrx" must be.*\n.*"matrix"'):
        harness.trace(first_lesson(), notation="matrx")
