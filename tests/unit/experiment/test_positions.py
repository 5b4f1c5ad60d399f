"""Lines and columns of keys, in texts of every form that TOML has."""

import tomllib

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from harness.experiment.positions import positions

TEXT = '''# comment = 1
name = "a = 1 # no comment"
question = """
[grid]
epochs = 1"""

[network] # comment
layers = [
  1, # comment ]
  [2, 'x]'], 3
]
"quoted key" . "b.c" = 1979-05-27 07:32:00
'literal' = """\\""" a """
training = { epochs = 1, inner.rate = [1, { w1 = "]" }] }

[ initialisation . parameters ]
w1 = 1.5

[[grid]]
rate = 1
[[grid]]
rate = 2
'''

FOUND = {
    "name": (2, 1),
    "question": (3, 1),
    "network": (7, 2),
    "network.layers": (8, 1),
    "network.layers[0]": (9, 3),
    "network.layers[1]": (10, 3),
    "network.layers[1][1]": (10, 7),
    "network.layers[2]": (10, 14),
    "network.quoted key.b.c": (12, 1),
    "network.literal": (13, 1),
    "network.training": (14, 1),
    "network.training.epochs": (14, 14),
    "network.training.inner.rate": (14, 26),
    "network.training.inner.rate[1].w1": (14, 45),
    "initialisation.parameters": (16, 3),
    "initialisation.parameters.w1": (17, 1),
    "grid": (19, 3),
    "grid[1].rate": (22, 1),
    # What is not there is where it would be.
    "network.layers[7]": (8, 1),
    "network.loss": (7, 2),
    "data.file": (),
}


def test_every_form_of_toml():
    tomllib.loads(TEXT)
    assert positions(TEXT, [*FOUND]) == [*FOUND.values()]


def test_lines_that_end_as_in_windows():
    assert positions("a = 1\r\n[b]\r\nc = 2\r\n", ["b.c"]) == [(3, 1)]


def test_a_large_text_is_not_scanned():
    assert positions("a = 1\n" + "# \n" * 400_000, ["a"]) == [()]


values = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
)


@given(st.dictionaries(st.text(max_size=3), values, max_size=3), st.booleans())
def test_a_key_is_found_below_anything(document, is_multiline):
    text = tomli_w.dumps({"x": document}, multiline_strings=is_multiline)
    text = f"{text}\n[last]\nkey = 1\n"
    tomllib.loads(text)
    assert positions(text, ["last.key"]) == [(text.count("\n"), 1)]
