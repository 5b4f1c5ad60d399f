"""Conditions: what pandas selects, and clear errors for all else."""

import ast

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from harness.errors import HarnessError
from harness.results.where import all_of, parse_condition

FRAME = pd.DataFrame(
    {
        "run_id": np.arange(10),
        "seed": [0, 1, 2, 2**53, 2**53 + 1, 2**63 - 1, 5, 5, 5, 5],
        "status": ["finished", "diverged", "converged", "it's", ""] * 2,
        "learning_rate": [0.1, 0.2, 0.1, 1.0, 5.0, 0.1, 0.2, 0.3, 0.1 + 0.2, 1e-300],
        "ssr": [0.5, np.nan, np.inf, -np.inf, -0.0, 0.0, 5e-324, 1e22, 1.0, -1.0],
    }
)
TABLE = pa.table({name: pa.array(FRAME[name].to_numpy()) for name in FRAME if name != "status"})
TABLE = TABLE.append_column("status", pa.array(FRAME["status"].tolist()))
TYPES = {field.name: field.type for field in TABLE.schema}


def selected(text):
    condition = all_of(parse_condition(text, TYPES))
    return TABLE.filter(condition)["run_id"].to_pylist()


# The same text is a condition of pandas.
AS_PANDAS = [
    "status == 'diverged'",
    'status != "diverged" and learning_rate > 0.1',
    'status == "it\'s" or ssr < 0',
    "not status == 'diverged'",
    "not (ssr < 1)",
    "0.1 < learning_rate < 1",
    "0 <= ssr <= 1 < learning_rate",
    "1 > ssr",
    "ssr == ssr",
    "ssr != 1",
    "not ssr != ssr",
    "ssr == 0",
    "ssr in [0.0, 1.0]",
    "ssr not in [0, 1, 1e22]",
    "ssr in [-1]",
    "status in ['diverged', 'finished']",
    "status not in ['diverged', '']",
    "status in ('diverged',)",
    "run_id in [1, 2, 3]",
    "run_id in [1.0, 2.5]",
    "run_id in []",
    "learning_rate == 0.1 + 0.2",
    "ssr + 1 > learning_rate * 2 - run_id / 4",
    "-ssr > -1",
    "-(ssr - 1) > +0.5",
    "1 / run_id > 0.3",
    "ssr / ssr == 1",
    "run_id / 4 == 0.25",
    "seed == 9007199254740993",
    "seed < 9007199254740993",
    "seed in [9007199254740993, 1]",
    "seed == 9223372036854775807",
    "seed > 0.5",
    "run_id > -1 and run_id < 8 and (ssr > 0 or ssr <= 0) and not run_id == 2",
    "((((run_id)) < (((5)))))",
    "status < 'd'",
    "run_id >= 2 and run_id >= 3 or run_id == 0 and ssr == 0.5",
    "run_id == 1_000 or run_id == 0x3",
]


@pytest.mark.parametrize("text", AS_PANDAS)
def test_it_selects_what_pandas_selects(text):
    expected = FRAME.query(text, engine="python")["run_id"].tolist()
    assert selected(text) == expected
    assert selected(f"  {text}\n") == expected


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("isnan(ssr)", np.isnan(FRAME["ssr"])),
        ("isfinite(ssr)", np.isfinite(FRAME["ssr"])),
        ("not isfinite(ssr) and ssr < 0", FRAME["ssr"] == -np.inf),
        ("isfinite(run_id)", FRAME["run_id"] >= 0),
        ("isnan(ssr / ssr)", np.isin(np.arange(10), [1, 2, 3, 4, 5])),
        ("abs(ssr) == 1", FRAME["ssr"].abs() == 1),
        ("abs(run_id - 5) < 2", (FRAME["run_id"] - 5).abs() < 2),
        ("ssr == inf", FRAME["ssr"] == np.inf),
        ("ssr == -inf", FRAME["ssr"] == -np.inf),
        ("ssr in [inf, -inf]", np.isinf(FRAME["ssr"])),
        ("ssr in [nan]", FRAME["ssr"].isin([np.nan])),
        ("ssr > nan", FRAME["ssr"] > np.nan),
        ("ssr != nan", FRAME["ssr"] != np.nan),
        ("ssr in [-0.0]", FRAME["ssr"] == 0),
        # Beyond whole numbers of 64 bits, and beyond floats.
        (f"run_id < {10**30}", FRAME["run_id"] >= 0),
        (f"run_id < {10**400}", FRAME["run_id"] >= 0),
        (f"run_id < -{10**400}", FRAME["run_id"] < 0),
    ],
)
def test_what_pandas_has_no_words_for(text, mask):
    assert selected(text) == FRAME["run_id"][np.asarray(mask)].tolist()


def test_a_zero_divided_by_whole_zero_is_nan_and_not_an_error():
    assert selected("isnan(run_id / run_id)") == [0]
    assert selected("1 / run_id == inf") == [0]


def test_whole_numbers_do_not_wrap_around():
    assert 5 not in selected("seed * 4 < 0")
    assert 5 in selected("seed + 1 > 1e18")


def test_the_parts_that_all_have_to_hold_know_their_columns():
    parts = parse_condition("run_id < 5 and (ssr < 1 or seed == 2) and status == 'x'", TYPES)
    assert [part.columns for part in parts] == [{"run_id"}, {"ssr", "seed"}, {"status"}]
    (part,) = parse_condition("run_id < 5 or ssr < 1", TYPES)
    assert part.columns == {"run_id", "ssr"}
    assert all_of([]) is None


def test_a_condition_may_be_long():
    text = " or ".join(f"run_id=={run_id}" for run_id in range(500))
    assert selected(text) == list(range(10))
    assert selected(" and ".join(["run_id>3"] * 700)) == list(range(4, 10))
    assert selected(f"run_id in [{','.join(map(str, range(5, 1500)))}]") == [5, 6, 7, 8, 9]


# Texts that are no conditions, and words that the message has.
BAD = {
    "": ["no condition"],
    "status = 'diverged'": ["no condition", "cannot be read at character", "=="],
    "status ==": ["no condition"],
    "status == 'a": ["no condition"],
    "a\0b": ["no condition"],
    "(status == '\x1b[2J'\n).a": ["(status == ' [2J' ).a"],
    "run_id > 1; ssr": ["no condition"],
    "run_id > 1\nssr > 2": ["no condition"],
    "import os": ["no condition"],
    "statsu == 'x'": ['the column "statsu"', 'Did you mean "status"?'],
    "status == diverged": ['the column "diverged"', "'diverged'"],
    "zzzz > 1": ['the column "zzzz"', "run_id"],
    "open('x')": ["open('x')", "isfinite(x)"],
    "__import__('os').system('x') == 1": ["__import__('os')", "no condition may have"],
    "isnan()": ["isnan()"],
    "isnan(ssr, ssr)": ["isnan(ssr, ssr)"],
    "isnan(x=ssr)": ["isnan(x=ssr)"],
    "isnan(*[ssr])": ["*[ssr]"],
    "isnan == 1": ['the column "isnan"'],
    "ssr.real > 1": ["ssr.real"],
    "ssr[0] > 1": ["ssr[0]"],
    "(run := 1) > 0": ["run := 1"],
    "lambda: 1": ["lambda: 1"],
    "[x for x in [1]]": ["[x for x in [1]]"],
    "ssr > 1 if 1 else 0": ["ssr > 1 if 1 else 0"],
    "f'{ssr}' == 'x'": ["{ssr}"],
    "ssr is 1": ["ssr is 1"],
    "ssr is not 1": ["ssr is not 1"],
    "ssr == None": ["None"],
    "ssr == True": ["True"],
    "ssr == 1j": ["1j"],
    "status == b'x'": ["b'x'"],
    "ssr == ...": ["..."],
    "ssr ** 2 > 1": ["ssr ** 2"],
    "run_id % 2 == 0": ["run_id % 2"],
    "run_id // 2 == 0": ["run_id // 2"],
    "(ssr > 1) & (ssr < 2)": ["(ssr > 1) & (ssr < 2)", "Write and, or, not"],
    "~(ssr > 1)": ["~(ssr > 1)", "Write and, or, not"],
    "ssr": ["ssr, a number, where a condition should be", "Compare"],
    "status": ["status, a text, where a condition"],
    "'x'": ["'x', a text, where a condition"],
    "1": ["1, a whole number, where a condition"],
    "ssr and run_id > 1": ["ssr, a number"],
    "not ssr": ["ssr, a number"],
    "status == 5": ["compares status, a text, with 5, a whole number"],
    "ssr == '5'": ["compares ssr, a number, with '5', a text"],
    "5 < status": ["compares 5, a whole number, with status, a text"],
    "status == ssr": ["compares status, a text, with ssr, a number"],
    "status in ['a', 1]": ["compares status, a text, with 1"],
    "ssr in [1, 'a']": ["compares ssr, a number, with 'a', a text"],
    "(ssr > 1) == (ssr > 2)": ["compares ssr > 1, a condition"],
    "(ssr > 1) in [1]": ["compares ssr > 1, a condition"],
    "ssr in 5": ["5 behind in, which is no list"],
    "ssr in run_id": ["run_id behind in"],
    "'diverged' in status": ["status behind in"],
    "ssr in [run_id]": ["run_id"],
    "ssr in [1 + 1]": ["1 + 1"],
    "ssr == [1]": ["[1]"],
    "status + 'x' == 'y'": ["calculates with status, which is a text"],
    "-status == 'x'": ["calculates with status"],
    "isnan(status)": ["calculates with status"],
    "abs(ssr > 1) == 1": ["calculates with ssr > 1, which is a condition"],
    "1 < 2": ["1 < 2, in which there is no column"],
    "'status' == 'diverged'": ["no column", "without quotes"],
    "1 in [1]": ["no column"],
    "isnan(1)": ["no column"],
    "run_id < " + "9" * 5000: ["cannot be read"],
    "(" * 150 + "ssr > 1" + ")" * 150: [],  # allowed: parentheses are no levels
    "-" * 9000 + "ssr > 1": ["nested too deep"],
    "not " * 2000 + "ssr > 1": ["nested too deep"],
    "ssr" + "+1" * 2000 + " > 1": ["nested too deep"],
    "ssr" + "+1" * 60 + " > 1": ["nested too deep", "more than 50"],
    "ssr" + "*2" * 4000 + " > 1": ["nested too deep"],
    "abs(" * 60 + "ssr" + ")" * 60 + " > 1": ["nested too deep"],
    "(" * 4000 + "ssr": ["cannot be read"],
    "ssr" + ".a" * 4000: ["nested too deep"],
    "ssr" + ".a" * 100: [".a", " ... "],
    "lambda: " * 900 + "1": ["lambda"],
    "ssr > 1 or " * 1000 + "ssr > 1": ["characters; it may have 10,000"],
    "ssr > '\udcff'": ["no condition"],
    "1 is 1": ["1 is 1"],  # at which Python warns
    "status == '\\d' and x": ['the column "x"'],
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: ascii(text[:30]))
def test_what_is_no_condition_is_refused_with_the_piece_that_is_wrong(text):
    words = BAD[text]
    if not words:
        assert selected(text)
        return
    with pytest.raises(HarnessError) as caught:
        parse_condition(text, TYPES)
    message = str(caught.value)
    assert "--where" in message
    assert all(word in message for word in words), message
    # What is wrong, and what to do.
    assert message.count("\n") == 1, message
    assert len(message) < 500


def test_a_long_list_takes_time_in_proportion(monkeypatch):
    """What a user wrote for an element is looked up only if something is wrong with it."""
    looked_up = []
    segment = ast.get_source_segment
    monkeypatch.setattr(
        ast, "get_source_segment", lambda *args: looked_up.append(args) or segment(*args)
    )
    text = f"run_id in {list(range(1500))}"
    assert len(selected(text)) == len(FRAME)
    assert looked_up == []
    with pytest.raises(HarnessError, match="with 'a', a text"):
        parse_condition(text.replace("]", ", 'a']"), TYPES)
    assert len(looked_up) == 2
