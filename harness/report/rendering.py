"""The templates of the page: everything in them is escaped unless it is `Markup`."""

import base64
import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from harness import formatting

# A letter and its index, with the layer in brackets if there are several: w1, ŷ2, W11(2).
_SYMBOL = re.compile(r"([A-Za-zŷ]+?)(\d+(?:,\d+)?)(?:\((\d+)\))?")


def render(template: str, **values: Any) -> str:
    """Return a template of this package with its values."""
    return _environment().get_template(template).render(values)


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    made.filters |= {"base64": _base64, "equation": equation, "number": number, "symbol": symbol}
    return made


def number(value: object) -> str:
    """Write a float with four digits and a true minus sign, and anything else as it is.

    >>> number(-0.25), number(1 / 3), number("tanh"), number(float("inf"))
    ('−0.25', '0.3333', 'tanh', '∞')
    """
    if not isinstance(value, float):
        return str(value)
    text = formatting.number(value).replace("inf", "∞").replace("nan", "–")
    return text.replace("-", "−")


def symbol(text: str) -> Markup:
    """Write the symbols in a text with their index below and their layer above.

    >>> print(symbol("w1"), symbol("dW11(2)"))
    w<sub>1</sub> dW<sub>11</sub><sup>(2)</sup>
    """

    def written(found: re.Match[str]) -> str:
        name, index, layer = found.groups()
        above = f"<sup>({layer})</sup>" if layer else ""
        return f"{name}<sub>{index}</sub>{above}"

    return Markup(_SYMBOL.sub(written, escape(text)))


def equation(text: str) -> Markup:
    """Write an equation of a trace with signs and powers as in print.

    >>> print(equation("mean = 0.1 x 2 / (1 - 0.9^8)"))
    mean = 0.1 × 2 / (1 − 0.9<sup>8</sup>)
    """
    signs = text.replace(" x ", " × ").replace(" - ", " − ")
    return Markup(re.sub(r"\^(\d+)", r"<sup>\1</sup>", str(escape(signs))))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
