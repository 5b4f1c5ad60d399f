"""Prose of the repository: phrases that a native reader would have to translate back."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Packages and folders whose prose has not been read yet.
_NOT_YET = {
    *(f"harness/{name}" for name in (
        "analysis", "benchmarks", "cli", "experiment", "kernels", "maps", "plots", "report",
        "results", "store", "sweep", "training", "calls.py", "errors.py", "formatting.py",
        "hints.py", "plain_files.py",
    )),
    # These quote messages of the packages above.
    "docs/experiment-files.md",
    "tests/browser",
    "tests/end_to_end/test_bad_input.py",
    "tests/end_to_end/test_command_line.py",
    "tests/end_to_end/test_map_commands.py",
    "tests/unit",
}  # fmt: skip

_COUNTED = r"(?:rows?|columns?|panels?|pages?|files?|tables?|lines?|values?|numbers?|bytes|words?)"
_PER = (
    r"(?:run|epoch|row|column|value|number|element|axis|path|factor|point|parameter|unit|layer|"
    r"chunk|thread|worker|process|processor|condition|rate|decision|lane|core|module|word)"
)

# Each pattern with what to write instead.
_PATTERNS = {
    # "there is no lock" and "no longer", "no faster than" are plain English.
    r"(?<!there )\b(?:is|are|was|were) no (?!longer\b|\w+ than\b)": "is not a, has no",
    r"\b(?:that|which) (?:is|are) none\b": "is not a",
    rf"\b{_COUNTED} an? {_PER}\b": "one ... per ...",
    r"\bso many\b": "that many, n",
    r"\balone\b": "only, on its own",
    r"\bof which\b": "two sentences",
    r"\bwhom\b": "two sentences",
    r"\bto be had\b": "is available",
    r"\b(?:comes?|came) to (?!an end\b)": "is, reaches",
    r"\breturn what\b": "Return the ...",
    r'"""(?:What|Which|Who)\b': "a noun phrase or an imperative",
    r"\bnobody\b": "no one",
    r"\bwants\b": "expects, needs",
}

# Idioms that a pattern finds and that are plain English.
_TRUE = ("let alone", "left alone", "leave alone")


def prose_of(text):
    """Text on a single line, without comment signs, and with names of tests as words."""
    text = re.sub(r"def test_\w+", lambda name: name.group().replace("_", " "), text)
    text = " ".join(re.sub(r"(?m)^\s*#:?", " ", text).split())
    for phrase in _TRUE:
        text = text.replace(phrase, "")
    return text


def faults(text):
    """Phrases of a text that match a pattern, each with its surroundings and what to say."""
    prose = prose_of(text)
    return [
        f"...{prose[max(found.start() - 30, 0) : found.end() + 30]}...: say {instead}"
        for pattern, instead in _PATTERNS.items()
        for found in re.finditer(pattern, prose, re.IGNORECASE)
    ]


def files():
    """Names of the files that are held to it, relative to the repository."""
    found = []
    patterns = (
        "*.md", "Makefile", "pyproject.toml", ".ci/run", ".github/**/*.yml", "docs/**/*.md",
        "docs/*.ipynb", "experiments/**/*.toml", "experiments/**/*.md", "experiments/**/*.py",
        "results/README.md", "harness/**/*.py", "tests/**/*.py", "tools/**/*.py", "tools/**/*.toml",
    )  # fmt: skip
    for pattern in patterns:
        for file in sorted(ROOT.glob(pattern)):
            name = file.relative_to(ROOT).as_posix()
            held = not any(name == path or name.startswith(f"{path}/") for path in _NOT_YET)
            if held and file != Path(__file__):
                found.append(name)
    return found


@pytest.mark.parametrize("name", files())
def test_prose_is_plain_english(name):
    assert not faults((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "sentence",
    [
        "# A value that\n    # is no number.",
        "def test_a_word_that_is_no_name():",
        "One row a run.",
        "A disk of so many pages.",
        "The compiler alone decides.",
        "Chunks, of which one is lost.",
        '"""What came of a chunk."""',
        '"""Return what is left."""',
    ],
)
def test_a_planted_phrase_is_found(sentence):
    assert len(faults(sentence)) == 1


@pytest.mark.parametrize(
    "sentence",
    ["There is no lock.", "It is no longer there.", "Two threads are no faster than one."],
)
def test_plain_phrases_are_not(sentence):
    assert not faults(sentence)
