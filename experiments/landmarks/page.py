"""Landmarks and their pages.

A landmark is a published result that harness reproduces. Each is a module or package beside this
one with a `LANDMARK`: it trains its experiment files through the public interface of harness,
measures, and compares with the published numbers. `python -m experiments.landmarks` writes the
pages.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.formatting import duration
from harness.sweeps.provenance import machine_in_words

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmark:
    """A published result and the way to reproduce it.

    Attributes
    ----------
    title, question : str
        Title of the page, and the question that it answers.
    files : tuple of str
        Names of the experiment files, in experiments/.
    measure : callable
        `measure(out, quick)` trains into folders of `out` and returns its measurements. `quick`
        selects a small version, which takes seconds and is run by the tests.
    tell : callable
        `tell(found, pictures)` draws PNG files into the folder `pictures` and returns the body of
        the page in Markdown, which shows them as images/NAME.png.
    """

    title: str
    question: str
    files: tuple[str, ...]
    measure: Callable[[Path, bool], Any]
    tell: Callable[[Any, Path], str]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown.

    >>> print(table(["quantity", "published", "measured"], [["median", "730", "741"]]))
    | quantity | published | measured |
    |---|---|---|
    | median | 730 | 741 |
    """
    lines = [f"| {' | '.join(cells)} |" for cells in (header, *rows)]
    lines.insert(1, f"|{'---|' * len(header)}")
    return "\n".join(lines)


def write(name: str, landmark: Landmark, *, out: Path, pages: Path, quick: bool) -> Path:
    """Train, measure, and write the page of a landmark into the folder `pages`."""
    pictures = pages / "images"
    pictures.mkdir(parents=True, exist_ok=True)
    with _timed(out / name) as seconds:
        found = landmark.measure(out / name, quick)
    body = landmark.tell(found, pictures)
    files = [f"[{file}](../../experiments/{file})" for file in landmark.files]
    command = f"python -m experiments.landmarks {name}" + (" --quick" if quick else "")
    end = (
        f"*Written by `{command}`, which took {duration(seconds())} on {machine_in_words()}, from"
        f" {', '.join(files)}.*"
    )
    page = pages / f"{name}.md"
    text = f"# {landmark.title}\n\n**{landmark.question}**\n\n{body.strip()}\n\n{end}\n"
    page.write_text(text, encoding="utf-8")
    return page


@contextmanager
def _timed(folder: Path) -> Iterator[Callable[[], float]]:
    """Time the training into a folder, over all calls if earlier ones were interrupted.

    A call that finds everything trained does not count.
    """
    spent = folder / "seconds.txt"

    def before() -> float:
        return float(spent.read_text()) if spent.exists() else 0.0

    def chunks() -> int:
        return sum(1 for _ in folder.rglob("commits/*.json"))

    trained, began = chunks(), time.perf_counter()
    try:
        yield before
    finally:
        if chunks() > trained:
            spent.write_text(f"{before() + time.perf_counter() - began:.1f}\n")


def write_index(landmarks: Mapping[str, Landmark], pages: Path) -> Path:
    """Write the index of all landmarks into the folder `pages`."""
    rows = [(f"[{each.title}]({name}.md)", each.question) for name, each in landmarks.items()]
    page = pages / "README.md"
    text = f"{_INDEX}\n{table(('landmark', 'question'), rows)}\n"
    page.write_text(text, encoding="utf-8")
    return page


_INDEX = """\
# Landmarks

Published results on the training of small networks, each reproduced from its experiment files. A
page has the question, figures, the published and the measured numbers, the command and its run
time. `make landmarks` trains all of them and writes these pages.
`python -m experiments.landmarks NAME` writes one page, and with `--quick` a small version into
`results/landmarks/quick`. Trained runs stay in `results/landmarks/`, so a second call resumes an
interrupted one.
"""
