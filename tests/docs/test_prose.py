"""Prose of the repository: phrases that a native reader would have to translate back."""

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

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


def words_of_python(source):
    """Comments, strings and names of tests, with those that follow one another as one text."""
    words = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "COMMENT":
            words.append(token.string.lstrip("#: "))
        elif kind == "STRING" and '"""' not in token.string:
            words.append(re.sub(r"^\w*[\"']|[\"']$", "", token.string))
        elif kind in ("STRING", "FSTRING_MIDDLE"):
            words.append(token.string)
        elif token.string.startswith("test_"):
            words.append(token.string.replace("_", " "))
        elif kind not in ("NL", "FSTRING_START", "FSTRING_END"):
            words.append("|")
    return re.sub(r"\|( \|)+", "|", " ".join(words))


def faults(name, text):
    """Phrases in a file that match a pattern, each with its surroundings and what to say."""
    text = words_of_python(text) if name.endswith(".py") else re.sub(r"(?m)^\s*#", " ", text)
    text = " ".join(text.split())
    for phrase in _TRUE:
        text = text.replace(phrase, "")
    return [
        f"...{text[max(found.start() - 30, 0) : found.end() + 30]}...: say {instead}"
        for pattern, instead in _PATTERNS.items()
        for found in re.finditer(pattern, text, re.IGNORECASE)
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
            if file != Path(__file__):
                found.append(name)
    return found


@pytest.mark.parametrize("name", files())
def test_prose_is_plain_english(name):
    assert not faults(name, (ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "# A value that\n    # is no number.\n",
        "def test_a_word_that_is_no_name(): ...",
        'raise ValueError("This is " "no name.")',
        '"""One row a run."""',
        '"""What came of a chunk."""',
        '"""Return what is left."""',
    ],
)
def test_a_planted_phrase_is_found_in_python(source):
    assert len(faults("module.py", source)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "A disk of so many pages.",
        "The compiler alone\ndecides.",
        "Chunks, of which one is lost.",
        "# The rows\n# come to 12.",
    ],
)
def test_a_planted_phrase_is_found_in_text(text):
    assert len(faults("page.md", text)) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.md", "There is no lock."),
        ("page.md", "It is no longer there, and no faster than before."),
        ("module.py", "alone = so + many"),
    ],
)
def test_other_phrases_and_code_are_not(name, text):
    assert not faults(name, text)
