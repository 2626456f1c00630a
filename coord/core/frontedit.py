"""An edit of front matter: single values spliced, every other byte as it was.

Front matter is never dumped again: a dump turns ``adr: [028]`` into ``['23']``, loses comments and reorders. An edit
replaces the characters of one scalar, is read back, and is refused when anything else would have changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from coord.core.frontmatter import Broken, Document, NoFrontMatter, Scalar, read

#: What YAML 1.1 takes for a line break outside of a quoted value, and what it must not meet in a plain one.
_UNSPOKEN = re.compile(r"[\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
_WORDS_OF_OTHERS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an edit was not made, and what a person can do instead."""

    reason: str
    hint: str


def set_scalar(data: bytes, key: str, value: str) -> bytes | Refusal:
    """Return ``data`` with the front matter's ``key`` set to ``value`` and every other byte as it was.

    The quoting style is kept where it can hold the value. A key that is absent is added as the last line. What
    cannot be spliced safely is refused: see the reasons below.
    """
    document = read(data)
    if not isinstance(document, Document):
        return _unreadable(document)
    splice = _splice(document, key, value)
    if isinstance(splice, Refusal):
        return splice
    edited = _apply(document.text, splice)
    return edited if _only_changed(document, edited, key, value) else _unsafe(key)


def rename_key(data: bytes, old: str, new: str) -> bytes | Refusal:
    """Return ``data`` with the key ``old`` written ``new``, value and everything else as they were."""
    document = read(data)
    if not isinstance(document, Document):
        return _unreadable(document)
    field = document.get(old)
    if field is None or document.count(old) > 1 or document.count(new) or field.key.decorated:
        return Refusal(f"'{old}' cannot be renamed to '{new}' here", "edit the file by hand")
    edited = _apply(document.text, (*field.key.span, new))
    again = read(edited)
    expected = [(new if f.name == old else f.name, f.meaning) for f in document.fields]
    if isinstance(again, Document) and [(f.name, f.meaning) for f in again.fields] == expected:
        return edited
    return _unsafe(old)


def quoted(value: str) -> str:
    """Return ``value`` as a YAML scalar on one line: plain where every reader takes it for this text, else quoted."""
    return value if _is_plain(value) else _double_quoted(value)


#: Replace the characters from the first place to the second by the text.
_Splice = tuple[int, int, str]


def _apply(text: str, splice: _Splice) -> bytes:
    start, end, new = splice
    return (text[:start] + new + text[end:]).encode("utf-8")


def _splice(document: Document, key: str, value: str) -> _Splice | Refusal:
    """Return the one change that gives ``key`` its new value."""
    if re.search(r"[\ud800-\udfff]", key + value):
        return Refusal(f"the value for '{key}' cannot be written as UTF-8", "use other characters")
    if document.flow:
        return Refusal(
            "the front matter is one '{...}'", "write it as lines of 'key: value', then run it again"
        )
    field = document.get(key)
    if field is None:
        return _addition(document, key, value)
    if document.count(key) > 1:
        return Refusal(f"'{key}' stands there more than once", f"keep one '{key}' line, then run it again")
    if not isinstance(field.value, Scalar):
        return Refusal(f"the value of '{key}' is not one word", f"write '{key}: {value}', then run it again")
    return _replacement(document.text, key, field.value, value)


def _addition(document: Document, key: str, value: str) -> _Splice:
    """Add the key after the last line, in the column of the first key: front matter may be indented as a whole."""
    end = document.front[1]
    indent = " " * (document.fields[0].key.at.column - 1) if document.fields else ""
    return end, end, f"{indent}{quoted(key)}: {quoted(value)}{document.newline}"


def _replacement(text: str, key: str, old: Scalar, value: str) -> _Splice | Refusal:
    start, end = old.span
    if old.text == value and not old.is_null:
        return start, end, text[start:end]
    if old.decorated:
        return Refusal(
            f"the value of '{key}' has an anchor, alias or tag", f"write '{key}: {value}', then run it again"
        )
    if old.style in ("|", ">"):
        return Refusal(
            f"the value of '{key}' is a block of text", f"write '{key}: {value}', then run it again"
        )
    if start == end and text[start - 1] != ":":
        return Refusal(f"'{key}' has no ':'", f"write '{key}: {value}', then run it again")
    return start, end, (" " if start == end else "") + _styled(value, old.style)


def _styled(value: str, style: str) -> str:
    if style == "'" and not _UNSPOKEN.search(value):
        return "'" + value.replace("'", "''") + "'"
    return quoted(value) if style == "" else _double_quoted(value)


def _is_plain(value: str) -> bool:
    if not value or value != value.strip() or _UNSPOKEN.search(value):
        return False
    if value.lower() in _WORDS_OF_OTHERS or not (value[0].isalnum() or value[0] in "_/.("):
        return False
    if re.search(r":(?:\s|$)|\s#", value) or value.startswith(("---", "...")):
        return False
    resolver = yaml.resolver.Resolver()
    resolved = resolver.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
    # A date stays plain, as people write it; only what another reader takes for a number or a switch is quoted.
    return resolved in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp")


def _double_quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + _UNSPOKEN.sub(_escape, escaped) + '"'


def _escape(match: re.Match[str]) -> str:
    number = ord(match[0])
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(match[0])
    return named or (f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}")


def _only_changed(before: Document, edited: bytes, key: str, value: str) -> bool:
    """Read the edited document back: the key has its value, and nothing else is different."""
    after = read(edited)
    if not isinstance(after, Document) or after.text[after.body :] != before.text[before.body :]:
        return False
    field = after.get(key)
    if field is None or not isinstance(field.value, Scalar) or field.value.text != value:
        return False
    others = [(f.name, f.meaning) for f in before.fields if f.name != key]
    names = [f.name for f in before.fields] + ([] if before.get(key) else [key])
    return (
        others == [(f.name, f.meaning) for f in after.fields if f.name != key]
        and [f.name for f in after.fields] == names
    )


def _unreadable(what: NoFrontMatter | Broken) -> Refusal:
    if isinstance(what, NoFrontMatter):
        return Refusal(
            "the file has no front matter", "start it with '---', the fields and '---', then run it again"
        )
    place = f"line {what.at.line}, column {what.at.column}"
    return Refusal(f"{what.message} ({place})", "mend the file, then run it again")


def _unsafe(key: str) -> Refusal:
    return Refusal(f"'{key}' cannot be changed without touching something else", "edit the file by hand")
