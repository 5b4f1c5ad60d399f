"""What a landmark is, and how its page is written.

A landmark is a published result that this harness gives again. Each is a module beside this one
with a `LANDMARK`: it trains its experiment files through the public face of harness, measures, and
says what came out beside what was published. `python -m experiments.landmarks` writes the pages.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.benchmarks.comparison import machine
from harness.formatting import duration

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmark:
    """A published result and how it is given again.

    Attributes
    ----------
    title, question : str
        Heads of the page.
    files : tuple of str
        Names of the experiment files, in experiments/.
    measure : callable
        `measure(out, quick)` trains into folders of `out` and returns what it found. `quick` is a
        small version, of some seconds, which the tests run.
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
        f"*Written by `{command}`, which took {duration(seconds())} on {machine()}, from"
        f" {', '.join(files)}.*"
    )
    page = pages / f"{name}.md"
    text = f"# {landmark.title}\n\n**{landmark.question}**\n\n{body.strip()}\n\n{end}\n"
    page.write_text(text, encoding="utf-8")
    return page


@contextmanager
def _timed(folder: Path) -> Iterator[Callable[[], float]]:
    """Time what trains into a folder, with what calls before took that were cut short.

    A call that finds all of it trained says nothing of the time, and is not counted.
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
    """Write the list of all landmarks into the folder `pages`."""
    rows = [(f"[{each.title}]({name}.md)", each.question) for name, each in landmarks.items()]
    page = pages / "README.md"
    text = f"{_INDEX}\n{table(('landmark', 'question'), rows)}\n"
    page.write_text(text, encoding="utf-8")
    return page


_INDEX = """\
# Landmarks

Published results on how small networks train, each trained again from its experiment files. A page
has the question, a picture, what was published beside what was measured here, the command and its
run time. `make landmarks` trains them all and writes these pages.
`python -m experiments.landmarks NAME` writes one, and with `--quick` a small version into
`results/landmarks/quick`. What is trained stays there: a second call goes on where the first one
stopped.
"""
