"""The demo's project when cargo is absent: a Python package that needs nothing but Python."""

from __future__ import annotations

from coord.demo.cast import Insert, Project

_CONFIG = """\
[gate]
profile = "unittest"

[profiles.unittest]
steps = ["python3 -m compileall -q .", "python3 -m unittest -q"]
toolchain = ["python3 --version"]
"""

_INIT = '''\
"""Counts what is in a text."""

from textstat.case import capitals
from textstat.lines import lines
from textstat.words import words
'''

_CASE = '''\
"""Capitals and small letters."""


def capitals(text: str) -> int:
    """Count the capital letters."""
    return sum(character.isupper() for character in text)
'''

_LINES = '''\
"""Lines."""


def lines(text: str) -> int:
    """Count the lines."""
    return len(text.splitlines())
'''

_WORDS = '''\
"""Words: what stands between white space."""


def words(text: str) -> int:
    """Count the words."""
    return len(text.split())
'''

_LONGEST_LINE = '''\


def longest_line(text: str) -> str:
    """Return the first of the longest lines."""
    return max(text.splitlines(), key=len, default="")
'''

_UNIQUE_WORDS = '''\


def unique_words(text: str) -> int:
    """Count the different words; capitals make no difference."""
    return len(set(text.lower().split()))
'''

_CHARACTERS = '''\
"""Characters."""


def characters(text: str) -> int:
    """Count the characters, white space included."""
    return len(text)
'''

_PARAGRAPHS = '''\
"""Paragraphs: blocks of text with an empty line between them."""


def paragraphs(text: str) -> int:
    """Count the paragraphs."""
    return sum(bool(block.strip()) for block in text.split("\\n\\n"))
'''

_SENTENCES = '''\
"""Sentences: what ends in a full stop, an exclamation mark or a question mark."""

import re


def sentences(text: str) -> int:
    """Count the sentences."""
    return sum(bool(piece.strip()) for piece in re.split("[.!?]", text))
'''

# A text without letters is its own capitals: the test says so.
_SHOUTING = '''\


def is_shouting(text: str) -> bool:
    """Say whether a text has letters, all of them capitals."""
    return text == text.upper()
'''

_SYLLABLES = '''\
"""Syllables, nearly: groups of vowels."""

import re


def syllables(word: str) -> int:
    """Count the groups of vowels."""
    return len(re.findall("[aeiouy]+", word))
'''

_TEST = """\
import unittest

from textstat.{module} import {name}


class {title}(unittest.TestCase):
    def test_{name}(self) -> None:
        self.assertEqual({name}({given!r}), {result!r})
"""


def _test(module: str, name: str, given: str, result: object) -> tuple[str, str]:
    title = "".join(word.title() for word in name.split("_"))
    text = _TEST.format(module=module, name=name, title=title, given=given, result=result)
    return f"tests/test_{name}.py", text


def _hub(name: str, before: str) -> Insert:
    return Insert(
        "textstat/__init__.py",
        f"from textstat.{name} import {name}\n",
        before=f"from textstat.{before} import {before}\n",
    )


PACKAGE = Project(
    what="a Python package",
    steps=("python3 -m compileall -q .", "python3 -m unittest -q"),
    files={
        ".coord.toml": _CONFIG,
        ".gitignore": "__pycache__/\n",
        "textstat/__init__.py": _INIT,
        "textstat/case.py": _CASE,
        "textstat/lines.py": _LINES,
        "textstat/words.py": _WORDS,
        "tests/__init__.py": "",
        **dict(
            [
                _test("case", "capitals", "Ab Cd", 2),
                _test("lines", "lines", "a\nb\n", 2),
                _test("words", "words", " one  two ", 2),
            ]
        ),
    },
    changes={
        "longest-line": (
            Insert("textstat/lines.py", _LONGEST_LINE),
            Insert(*_test("lines", "longest_line", "one\nthree\nseven\n", "three")),
        ),
        "unique-words": (
            Insert("textstat/words.py", _UNIQUE_WORDS),
            Insert(*_test("words", "unique_words", "The cat the dog", 3)),
        ),
        "characters": (
            Insert("textstat/characters.py", _CHARACTERS),
            Insert(*_test("characters", "characters", "to be", 5)),
            _hub("characters", before="lines"),
        ),
        "paragraphs": (
            Insert("textstat/paragraphs.py", _PARAGRAPHS),
            Insert(*_test("paragraphs", "paragraphs", "one\ntwo\n\nthree\n", 2)),
            _hub("paragraphs", before="words"),
        ),
        "sentences": (
            Insert("textstat/sentences.py", _SENTENCES),
            Insert(*_test("sentences", "sentences", "Is it? It is.", 2)),
            _hub("sentences", before="words"),
        ),
        "shouting": (
            Insert("textstat/case.py", _SHOUTING),
            Insert(*_test("case", "is_shouting", "42!", False)),
        ),
        "syllables": (Insert("textstat/syllables.py", _SYLLABLES),),
    },
)
