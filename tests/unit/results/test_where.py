"""Conditions of `--where` against plain pandas, and the errors for everything else."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from harness.errors import HarnessError
from harness.results.where import parse_condition

FRAME = pd.DataFrame(
    {
        "run_id": np.arange(10),
        "seed": [0, 1, 2, 2**53, 2**53 + 1, 2**63 - 1, 5, 5, 5, 5],
        "status": ["finished", "diverged", "converged", "it's", ""] * 2,
        "learning_rate": [0.1, 0.2, 0.1, 1.0, 5.0, 0.1, 0.2, 0.3, 0.1 + 0.2, 1e-300],
        "ssr": [0.5, np.nan, np.inf, -np.inf, -0.0, 0.0, 5e-324, 1e22, 1.0, -1.0],
    }
)
TABLE = pa.table({name: pa.array(FRAME[name].tolist()) for name in FRAME})


def selected(text):
    return parse_condition(text, list(FRAME)).filter(TABLE)["run_id"].to_pylist()


RUN, SEED, STATUS = FRAME["run_id"], FRAME["seed"], FRAME["status"]
RATE, SSR = FRAME["learning_rate"], FRAME["ssr"]

SELECTED = {
    "status == 'diverged'": STATUS == "diverged",
    'status != "diverged" and learning_rate > 0.1': (STATUS != "diverged") & (RATE > 0.1),
    'status == "it\'s" or ssr < 0': (STATUS == "it's") | (SSR < 0),
    "not status == 'diverged'": STATUS != "diverged",
    "not (ssr < 1)": ~(SSR < 1),
    "(ssr > 1) & ~(ssr > 2) | (run_id == 3)": (SSR > 1) & ~(SSR > 2) | (RUN == 3),
    "0.1 < learning_rate < 1": (RATE > 0.1) & (RATE < 1),
    "0 <= ssr <= 1 < learning_rate": (SSR >= 0) & (SSR <= 1) & (RATE > 1),
    "1 > ssr": SSR < 1,
    "ssr == ssr": SSR.notna(),
    "ssr != ssr": SSR.isna(),
    "ssr != 1": SSR != 1,
    "ssr == 0": SSR == 0,
    "ssr in [0.0, 1.0]": SSR.isin([0.0, 1.0]),
    "ssr not in [0, 1, 1e22]": ~SSR.isin([0, 1, 1e22]),
    "ssr in [-1]": SSR == -1,
    "ssr in [inf, -inf]": np.isinf(SSR),
    "ssr == inf": np.isposinf(SSR),
    "abs(ssr) < inf": np.isfinite(SSR),
    "not abs(ssr) < inf and ssr < 0": np.isneginf(SSR),
    "status in ['diverged', 'finished']": STATUS.isin(["diverged", "finished"]),
    "status not in ('diverged', '')": ~STATUS.isin(["diverged", ""]),
    "run_id in [1.0, 2.5]": RUN == 1,
    "run_id in []": RUN < 0,
    "learning_rate == 0.1 + 0.2": RATE == 0.1 + 0.2,
    "ssr + 1 > learning_rate * 2 - run_id / 4": SSR + 1 > RATE * 2 - RUN / 4,
    "-(ssr - 1) > +0.5": -(SSR - 1) > 0.5,
    "abs(run_id - 5) < 2": (RUN - 5).abs() < 2,
    "run_id % 2 == 1 and run_id // 3 == 1": (RUN % 2 == 1) & (RUN // 3 == 1),
    "1 / run_id == inf": RUN == 0,
    "run_id / run_id != run_id / run_id": RUN == 0,
    "seed == 9007199254740993": SEED == 9007199254740993,
    "seed in [9007199254740993, 1]": SEED.isin([9007199254740993, 1]),
    "seed == 9223372036854775807": SEED == 9223372036854775807,
    f"run_id < {10**30}": RUN >= 0,
    f"run_id < -{10**400}": RUN < 0,
    "((((run_id)) < (((5)))))": RUN < 5,
    "status < 'd'": STATUS < "d",
    "run_id >= 2 and run_id >= 3 or run_id == 0 and ssr == 0.5": (RUN >= 3) | (RUN == 0),
    "run_id == 1_000 or run_id == 0x3": RUN == 3,
    "(run_id >\n 7)": RUN > 7,
    "status == '@x' or status == 'a & b'": RUN < 0,
}


@pytest.mark.parametrize("text", SELECTED)
def test_it_selects_what_pandas_selects(text):
    expected = RUN[SELECTED[text]].tolist()
    assert selected(text) == expected
    assert selected(f"  {text}\n") == expected


def test_a_condition_knows_its_columns():
    condition = parse_condition(
        "abs(ssr) < inf and (seed == 2 or not status in ['x'])", list(FRAME)
    )
    assert condition.columns == {"ssr", "seed", "status"}


def test_a_condition_knows_the_numbers_that_it_compares_for_equality():
    text = "learning_rate == 0.1 and (-5 == run_id or ssr < 1) and status == 'x' and seed == run_id"
    condition = parse_condition(f"{text} and ssr == inf and run_id == {10**400}", list(FRAME))
    assert sorted(condition.equals) == [("learning_rate", 0.1), ("run_id", -5)]


def test_a_condition_may_be_long():
    assert selected(" or ".join(f"run_id=={run_id}" for run_id in range(100))) == list(range(10))
    assert selected(f"run_id in [{','.join(map(str, range(5, 1500)))}]") == [5, 6, 7, 8, 9]


UNREADABLE = "cannot be read"
REFUSED = "is not allowed"
EVALUATED = "cannot be evaluated"
NO_COLUMN = "does not compare columns"
TOO_DEEP = "too long, or nested too deep"

# What the error says about each text.
BAD = {
    "": [UNREADABLE],
    "status = 'diverged'": [f"{UNREADABLE} at character", "--where \"status == 'diverged'"],
    "status ==": [UNREADABLE],
    "status == 'a": [UNREADABLE],
    "a\0b": [UNREADABLE],
    "run_id > 1; ssr": [UNREADABLE],
    "run_id > 1\nssr > 2": [UNREADABLE],
    "import os": [UNREADABLE],
    "ssr > @limit": [UNREADABLE],
    "`ssr` > 1": [UNREADABLE],
    "run_id < " + "9" * 5000: [UNREADABLE],
    "(" * 4000 + "ssr": [UNREADABLE],
    "ssr > '\udcff'": [UNREADABLE],
    "statsu == 'x'": ['the column "statsu"', 'Did you mean "status"?'],
    "status == diverged": ['the column "diverged"', "'diverged'"],
    "zzzz > 1": ['the column "zzzz"', "run_id"],
    "isnan == 1": ['the column "isnan"'],
    "ssr > nan": ['the column "nan"'],
    "status == '\\d' and x": ['the column "x"'],  # about which Python warns
    "(status == '\x1b[2J'\n).a": [r"(status == '\\x1b[2J').a", REFUSED],
    "open('x')": ["open('x')", REFUSED, "abs(x)"],
    "__import__('os').system('x') == 1": ["__import__('os')", REFUSED],
    "abs()": ["abs()", REFUSED],
    "abs(ssr, ssr)": ["abs(ssr, ssr)", REFUSED],
    "abs(x=ssr)": ["abs(x=ssr)", REFUSED],
    "abs(*[ssr])": ["abs(*[ssr])", REFUSED],
    "isnan(ssr)": ["isnan(ssr)", REFUSED],
    "ssr.isna()": ["ssr.isna()", REFUSED],
    "ssr.real > 1": ["ssr.real", REFUSED],
    "ssr[0] > 1": ["ssr[0]", REFUSED],
    "ssr @ ssr > 1": ["@", REFUSED],
    "(run := 1) > 0": ["run := 1", REFUSED],
    "lambda: 1": ["lambda: 1", REFUSED],
    "lambda: " * 400 + "1": [],
    "[x for x in [1]]": ["[x for x in [1]]", REFUSED],
    "ssr > 1 if 1 else 0": ["ssr > 1 if 1 else 0", REFUSED],
    "f'{ssr}' == 'x'": ["{ssr}", REFUSED],
    "ssr is 1": [REFUSED],
    "ssr is not None": [REFUSED],
    "ssr == None": ["None", REFUSED],
    "ssr == True": ["True", REFUSED],
    "ssr == 1j": ["1j", REFUSED],
    "status == b'x'": ["b'x'", REFUSED],
    "ssr == ...": ["...", REFUSED],
    "ssr ** 2 > 1": ["ssr ** 2", REFUSED],
    "ssr << 2 > 1": ["ssr << 2", REFUSED],
    "ssr in 5": ["ssr in 5", REFUSED, "after in, a list"],
    "ssr in run_id": ["ssr in run_id", REFUSED],
    "'diverged' in status": ["'diverged' in status", REFUSED],
    "ssr in {1, 2}": ["{1, 2}", REFUSED],
    "ssr in [1 + 1]": ["[1 + 1]", REFUSED],
    "ssr" + ".a" * 100: [".a", REFUSED],
    "ssr in [run_id]": [EVALUATED],
    "abs == 1": [EVALUATED],
    "ssr and run_id > 1": [EVALUATED],
    "not ssr": [EVALUATED],
    "status < 5": [EVALUATED],
    "ssr > '5'": [EVALUATED],
    "status + 'x' == 'y'": [EVALUATED],
    "-status == 'x'": [EVALUATED],
    "abs(status) == 'x'": [EVALUATED],
    "ssr": ['"ssr"', NO_COLUMN],
    "status": [NO_COLUMN],
    "'x'": [NO_COLUMN],
    "1": [NO_COLUMN],
    "1 < 2": ['"1 < 2"', NO_COLUMN],
    "'status' == 'diverged'": [NO_COLUMN, "but not columns"],
    "-" * 9000 + "ssr > 1": [TOO_DEEP],
    "not " * 2000 + "ssr > 1": [TOO_DEEP],
    "ssr" + "+1" * 2000 + " > 1": [TOO_DEEP],
    "ssr" + ".a" * 4000: [TOO_DEEP],
    "run_id == 1 or " * 1000 + "ssr > 1": [TOO_DEEP, "run_id in [1, 2, 3]"],
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: ascii(text[:30]))
def test_anything_else_is_refused_with_the_reason(text):
    with pytest.raises(HarnessError) as caught:
        selected(text)
    message = str(caught.value)
    assert "--where" in message
    assert all(word in message for word in BAD[text]), message
    assert message.count("\n") == 1, message  # the problem; what to do
    assert len(message) < 500
