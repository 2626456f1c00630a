"""Multi-line artefacts from the templates in ``coord/templates``; a name that is missing is an error."""

from __future__ import annotations

import json
import shlex
from functools import cache
from typing import TYPE_CHECKING

from coord.core.markdown import block, cell, code, prose

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **values: object) -> str:
    """Return the text of ``template`` (a path under ``coord/templates``) with ``values`` in it."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - shell, TOML and Markdown, not HTML: quoting is the template's
        loader=PackageLoader("coord"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sh"] = shlex.quote
    environment.filters["toml"] = _toml
    environment.filters["any_case"] = _any_case
    for markdown in (prose, code, cell, block):
        environment.filters[markdown.__name__] = markdown
    return environment


def _toml(value: object) -> str:
    """Return texts and lists of texts as TOML, whose basic strings are JSON's."""
    return json.dumps(value, ensure_ascii=False)


def _any_case(words: str) -> str:
    """Return a shell pattern of ASCII words in capitals and small letters alike."""
    signs = {c: f"\\{c}" for c in " []"}
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else signs.get(c, c) for c in words)
