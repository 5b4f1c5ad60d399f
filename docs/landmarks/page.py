"""What a landmark is, and how its page is written.

A landmark is a published result that this harness gives again. Each is a module beside this one
with a `LANDMARK`: it trains its experiment files through the public face of harness, measures, and
says what came out beside what was published. `python docs/landmarks` writes the pages.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.benchmarks.comparison import machine
from harness.cli.printing import duration

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
    began = time.perf_counter()
    found = landmark.measure(out / name, quick)
    body = landmark.tell(found, pictures)
    took = time.perf_counter() - began
    files = [f"[{file}](../../experiments/{file})" for file in landmark.files]
    command = f"python docs/landmarks {name}" + (" --quick" if quick else "")
    end = f"*Written by `{command}` in {duration(took)} on {machine()}, from {', '.join(files)}.*"
    page = pages / f"{name}.md"
    text = f"# {landmark.title}\n\n**{landmark.question}**\n\n{body.strip()}\n\n{end}\n"
    page.write_text(text, encoding="utf-8")
    return page
