"""The page that every report stands on: its looks, its frame, and the templates' environment.

A report is one HTML file with everything in it, no network, no script. Its template begins with
`{% extends "page.html.j2" %}` and fills the blocks `title`, `styles`, `header`, `main` and `footer`;
`figures.html.j2` holds the macros for figures and their keys.
"""

from __future__ import annotations

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["page_environment", "picture"]


def page_environment(package: str) -> Environment:
    """Renders the templates of a package, which may build on the page's own; every value is escaped."""
    return Environment(
        loader=ChoiceLoader([PackageLoader(package, "."), PackageLoader(__name__, ".")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def picture(drawing: str) -> Markup:
    """An SVG element of `charts` as it may stand in a page."""
    return Markup(drawing)  # noqa: S704 - built as an element tree, which escapes its texts
