"""Text that came from outside, made safe to show and to store.

Branch names, commit messages, paths, logs and summaries are written by agents. They are data: what is shown on a
terminal holds no escape sequences, what is stored in a task file cannot forge front matter, headings or mentions.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_UNSEEN = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")

#: What may stand before the text of a line: quotes and list items, nested, and any white space.
_CONTAINERS = re.compile(r"\s*(?:(?:>|[-*+](?=\s)|\d{1,9}[.)](?=\s))\s*)*")
#: A heading, a fence, a rule or the line under a heading. (Sole marks of an empty list item are a heading's line too.)
_BLOCK = re.compile(r"#|`{3,}|~{3,}|(?:-\s*)+\Z|=+\s*\Z")
_RULE = re.compile(r"[\s>]*((?:-\s*)+|(?:=\s*)+)\Z")
#: Comments, declarations and HTML elements; ``Vec<u8>`` and other type parameters are none.
_HTML = re.compile(
    r"(\\*)<(?=[!?]|/?(?:a|abbr|address|area|article|aside|audio|b|base|basefont|blockquote|body|br|button|canvas"
    r"|caption|center|code|col|colgroup|dd|del|details|dialog|dir|div|dl|dt|em|embed|fieldset|figcaption|figure|font"
    r"|footer|form|frame|frameset|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link|main|map"
    r"|mark|marquee|menu|menuitem|meta|nav|noframes|noscript|object|ol|optgroup|option|p|param|picture|plaintext|pre|q"
    r"|s|samp|script|search|section|select|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td"
    r"|template|textarea|tfoot|th|thead|title|tr|track|tt|u|ul|var|video|xmp)(?:[\s/>]|$))",
    re.IGNORECASE,
)
_MENTION = re.compile(r"(?<!\w)@(?=\w)")
#: An entity can write a mention that GitHub sees after the Markdown is read.
_ENTITY = re.compile(r"&(?=#|commat;)")
_BROKEN = "\u200b"


def plain(text: str) -> str:
    """Return ``text`` without terminal escapes, control characters (newline and tab stay), bidi overrides, byte order
    marks and halves of characters (what stood there in bytes was not UTF-8 and cannot be written as such)."""
    if text.isprintable() or text.replace("\n", "").replace("\t", "").isprintable():
        return text  # what Unicode calls printable is none of what is taken out
    text = _ESCAPE.sub("", text.replace("\r\n", "\n"))
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character in "\n\t":
        return character
    match unicodedata.category(character):
        case "Cc":
            return ""
        case "Cs":
            return "\ufffd"
        case _:
            return "" if character in _UNSEEN else character


def whole_number(text: str) -> int | None:
    """Return the number that plain ASCII digits state (at most 15), or None: ``str.isdigit`` takes what int() does not."""
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else None


def one_line(text: str, limit: int = 200) -> str:
    """Return ``text`` as one plain line of at most ``limit`` characters."""
    line = " ".join(plain(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "\u2026"


def few(names: Iterable[str], most: int = 3) -> str:
    """Return the first ``most`` of ``names`` with commas between them, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def tail(text: str, lines: int = 40, limit: int = 8000) -> str:
    """Return the last ``lines`` lines of ``text``, at most ``limit`` characters, plain."""
    return "\n".join(plain(text[-4 * limit :]).rstrip().split("\n")[-lines:])[-limit:]


def folded(text: str, indent: str = "", width: int = 100) -> list[str]:
    """Return ``text`` as lines of at most ``width`` columns, ``indent`` and each line's own indentation kept; what
    does not fit goes on two columns further right. Words are never broken."""
    lines = []
    for line in text.split("\n"):
        own = indent + line[: len(line) - len(line.lstrip(" "))]
        lines += textwrap.wrap(
            line.strip(),
            width,
            initial_indent=own,
            subsequent_indent=own + "  ",
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return lines


def paragraph(text: str, limit: int = 4000) -> str:
    """Return foreign Markdown prose that is safe inside a section of a task file.

    Headings, rules, fences, comments and HTML elements lose their meaning (a backslash before them), inside quotes
    and lists too; mentions are broken by a space of no width, and the text is capped at ``limit`` characters.
    """
    text = plain(text.replace("\u2028", "\n").replace("\u2029", "\n")).strip()
    if len(text) > limit:
        text = text[:limit].rstrip() + "\u2026"
    return "\n".join(_inert(line) for line in text.split("\n"))


def _inert(line: str) -> str:
    line = line.rstrip()
    if rule := _RULE.match(line):
        line = line[: rule.start(1)] + "\\" + rule[1]
    else:
        containers = _CONTAINERS.match(line)
        start = containers.end() if containers else 0
        if _BLOCK.match(line, start):
            line = line[:start] + "\\" + line[start:]
    line = _HTML.sub(_escaped, line)
    line = _ENTITY.sub("&" + _BROKEN, line)
    return _MENTION.sub("@" + _BROKEN, line)


def _escaped(tag: re.Match[str]) -> str:
    # An odd number of backslashes before it has already taken its meaning; one more would give it back.
    return tag[0] if len(tag[1]) % 2 else tag[1] + "\\<"
