"""Multi-line artefacts from the templates in ``coord/templates``; a name that is missing is an error."""

from __future__ import annotations

import json
import shlex
from functools import cache
from typing import TYPE_CHECKING

from coord.core.markdown import block, cell, code, prose
from coord.core.reviewwords import Name, Words
from coord.core.text import one_line

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render(template: str, **values: object) -> str:
    """Return the text of ``template`` (a path under ``coord/templates``) with ``values`` in it."""
    return _environment().get_template(template).render(**values)


def render_page(template: str, **values: object) -> str:
    """Return the text of a template of HTML: every value in it is escaped."""
    return _pages().get_template(template).render(**values)


@cache
def _pages() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("coord"),
        undefined=StrictUndefined,
        autoescape=True,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = _as_html
    environment.filters["line"] = one_line
    return environment


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
    environment.filters["yaml"] = _yaml
    environment.filters["words"] = _as_markdown
    environment.filters["words_in_cell"] = _as_cell
    for markdown in (prose, code, cell, block):
        environment.filters[markdown.__name__] = markdown
    return environment


def _yaml(text: str) -> str:
    from coord.core.frontedit import quoted

    return quoted(text)


def _as_markdown(words: Words) -> str:
    """Return a sentence as Markdown; only the names of others in it are foreign."""
    return "".join(code(word.text) if isinstance(word, Name) else word for word in words)


def _as_cell(words: Words) -> str:
    return "".join(cell(word.text) if isinstance(word, Name) else word for word in words)


def _as_html(words: Words) -> Markup:
    from markupsafe import Markup, escape

    parts = (
        Markup("<code>{}</code>").format(one_line(word.text)) if isinstance(word, Name) else escape(word)
        for word in words
    )
    return Markup("").join(parts)


def _toml(value: object) -> str:
    """Return texts and lists of texts as TOML, whose basic strings are JSON's."""
    return json.dumps(value, ensure_ascii=False)


def _any_case(words: str) -> str:
    """Return a shell pattern of ASCII words in capitals and small letters alike."""
    signs = {c: f"\\{c}" for c in " []"}
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else signs.get(c, c) for c in words)
