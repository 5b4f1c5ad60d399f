"""Pieces of HTML and of files to download. Whatever comes from a user is escaped here."""

import base64
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

# A letter and a number is a symbol with an index, W11(2) one with its layer above: w1, ŷ2, W11(2).
_SYMBOL = re.compile(r"([A-Za-zŷ]+?)(\d+(?:,\d+)?)(?:\((\d+)\))?")


def number(value: object) -> str:
    """Write a number as a reader wants it, with a minus sign that is as wide as a plus.

    >>> number(-0.25), number(1 / 3), number("tanh"), number(float("inf"))
    ('−0.25', '0.3333', 'tanh', '∞')
    """
    if not isinstance(value, float):
        return str(value)
    text = f"{value + 0.0:.4g}".replace("inf", "∞").replace("nan", "–")  # + 0.0 makes 0 of -0
    return text.replace("-", "−")


def symbol(text: str) -> str:
    """Write a symbol of a lesson with its index below and its layer above.

    >>> symbol("w1"), symbol("W11(2)")
    ('w<sub>1</sub>', 'W<sub>11</sub><sup>(2)</sup>')
    """

    def written(found: re.Match[str]) -> str:
        name, index, layer = found.groups()
        above = f"<sup>({layer})</sup>" if layer else ""
        return f"{name}<sub>{index}</sub>{above}"

    return _SYMBOL.sub(written, escape(text))


def derivative(text: str) -> str:
    """Write dSSR/dw1 as a fraction.

    >>> derivative("dE/dh")
    '<span class="fraction"><span>dE</span><span class="over">/</span><span>dh</span></span>'
    """
    above, _, below = text.partition("/")
    # The stroke is for those who copy or hear it.
    return (
        f'<span class="fraction"><span>{symbol(above)}</span><span class="over">/</span>'
        f"<span>d{symbol(below[1:])}</span></span>"
    )


def table(
    caption: str, headings: Sequence[str], rows: Iterable[Sequence[object]], *, first: bool = True
) -> str:
    """Return a table of texts and numbers; `first`: the first cell of a row is its heading."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in headings)
    body = []
    for row in rows:
        cells = [escape(number(value)) for value in row]
        start = f'<th scope="row">{cells[0]}</th>' if first else f"<td>{cells[0]}</td>"
        body.append(f"<tr>{start}{''.join(f'<td>{cell}</td>' for cell in cells[1:])}</tr>")
    # What scrolls sideways can be reached by keyboard.
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def terms(pairs: Mapping[str, Any]) -> str:
    """Return a list of terms and what they are."""
    inside = (
        f"<dt>{escape(name)}</dt><dd>{escape(str(text))}</dd>" for name, text in pairs.items()
    )
    return f"<dl>{''.join(inside)}</dl>"


def download(name: str, says: str, text: str, kind: str = "text/csv") -> str:
    """Return a link that saves a text as a file; it needs neither a server nor a script."""
    data = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    return (
        f'<a class="download" download="{escape(name)}"'
        f' href="data:{kind};charset=utf-8;base64,{data}">{escape(says)}</a>'
    )


def csv(frame: pd.DataFrame) -> str:
    """Return a table as CSV, with every digit."""
    sink = io.StringIO()
    frame.to_csv(sink, index=False, lineterminator="\n")
    return sink.getvalue()
