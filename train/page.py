"""Turns a template into a page: one HTML file that asks nothing of any other host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2


def page(name: str, filters: Mapping[str, Callable[..., Any]], /, **values: Any) -> str:
    """Render a template beside this file; text in `values` is escaped, and a name that is missing is an error.

    Args:
        name: The template's file.
        filters: More of them.
        values: What the template names.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment.get_template(name).render(**values) + "\n"
