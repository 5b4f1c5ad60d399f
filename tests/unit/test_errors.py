"""Values and names in error messages."""

import pytest

from harness.errors import ExperimentError, HarnessError, ResultsError, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (5, "5"),
        (0.1, "0.1"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ("softplus", '"softplus"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("a\nb", '"a\\u000ab"'),
        ("é", '"é"'),
        ([1, "a", [True]], '[1, "a", [true]]'),
        ((1, 2), "[1, 2]"),
        ({"every": 10}, "{ every = 10 }"),
        ({"linear": [0, 1], "count": 3}, "{ linear = [0, 1], count = 3 }"),
        ({}, "{}"),
        (10**400, "1.00e+400"),
        (-(10**400), "-1.00e+400"),
        ([10**5000], "[1.00e+5000]"),  # more digits than str() writes
    ],
)
def test_values_are_shown_as_in_a_file(value, text):
    assert shown(value) == text


@pytest.mark.parametrize(
    "value",
    [
        "a" * 10_000,
        "\n" * 10_000,
        list(range(10_000)),
        {"a" * 1000: 1},
        {str(i): i for i in range(99)},
    ],
)
def test_long_values_are_cut(value):
    text = shown(value)
    assert len(text) <= 60
    assert " ... " in text
    assert text.isprintable()


def test_deep_values_are_cut():
    lists, tables = [], {}
    for _ in range(100_000):
        lists, tables = [lists], {"a": tables}
    assert shown(lists) == "[[[[[[...]]]]]]"
    assert len(shown(tables)) <= 60


def test_an_error_has_the_file_the_problem_and_advice():
    error = ExperimentError("training.epochs", "= -1 must be at least 0.", "Make it larger.")
    assert isinstance(error, HarnessError)
    assert str(error) == "training.epochs = -1 must be at least 0.\nMake it larger."
    error.source = "a\nb.toml"
    assert str(error).startswith("a\\u000ab.toml: training.epochs = -1")
    assert str(ExperimentError("", "is not a key.")) == '"" is not a key.'
    assert issubclass(ResultsError, HarnessError)


def test_a_message_has_a_bounded_length():
    long = "a" * 100_000
    for error in (
        HarnessError(f"{long} is wrong.\nDo {long}." + "\n" * 100_000),
        ResultsError(long),
        ExperimentError(long, f"= {long} is wrong.", f"Do {long}."),
    ):
        assert len(str(error)) < 5_000
        assert str(error).count("\n") < 25
    assert str(HarnessError("one\ntwo")) == "one\ntwo"
