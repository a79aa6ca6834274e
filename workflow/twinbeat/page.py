"""Pages: the one door to Jinja2. A page is one file that asks the network for nothing."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import __version__

TEMPLATES = Path(__file__).parents[1] / "report" / "templates"
MINUS = "\N{MINUS SIGN}"


def render(template: str, **content: Any) -> str:
    """The HTML of a template with the style sheet written into it; an unknown name in the template is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "signed": signed, "flat": flat}
    style = (TEMPLATES / "style.css").read_text()
    return environment.get_template(template).render(style=style, version=__version__, **content)


def number(value: float, digits: int = 1) -> str:
    """A number for people: fixed digits and a true minus sign, and no minus before a zero."""
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", MINUS)


def signed(value: float, digits: int = 1) -> str:
    """A difference: always with its sign, except at zero."""
    text = number(value, digits)
    return text if text.startswith(MINUS) or float(text) == 0 else f"+{text}"


def flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings as dotted keys with their values."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
