"""The sections of a document's Markdown body: read, filled and added to, every other byte kept.

A section is what stands below a ``## Title`` line up to the next heading of its level or above. Lines inside fenced
code and HTML comments are never headings. A fence or comment that is never closed takes the rest of the document:
no heading is looked for in it and nothing is written into it, since neither would be shown as text; what is added goes
before its first line. Nothing is closed for the author.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from coord.core import frontmatter
from coord.core.text import paragraph

#: What Markdown takes for nothing at all; other white space is text.
_BLANK = " \t\r\n"
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?\Z")
_CLOSING_MARKS = re.compile(r"(?:^|[ \t]+)#+[ \t]*\Z")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*\Z)|~{3,})")
_COMMENT = re.compile(r" {0,3}<!--")
_PLACEHOLDER = re.compile(
    r"(?:tbd|todo|to[ -]do|to be (?:filled|completed|written|added|done|determined|defined)"
    r"(?: in)?(?: (?:on|by|upon|after|when|at|during|once|here)\b.{0,80})?)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    title: str
    at: int
    end: int


@dataclass(frozen=True, slots=True)
class _Outline:
    """The headings of a body, and the end of what can hold text."""

    headings: tuple[_Heading, ...]
    end: int


@dataclass(frozen=True, slots=True)
class _Section:
    """Where a section's content lies: from after the heading's line to the next heading."""

    start: int
    end: int


def section_text(data: bytes, title: str) -> str:
    """Return the text of the first ``## title``, LF-ended and stripped; ``""`` when missing or a placeholder."""
    text = _decode(data)
    section = _find(text, title)
    if section is None:
        return ""
    content = _normal(text[section.start : section.end])
    return "" if _is_placeholder(content) else content


def prose_lines(text: str) -> tuple[str, ...]:
    """Return the lines of an LF-ended text that Markdown shows as text: none of fenced code or comments."""
    shown: list[str] = []
    closing: re.Pattern[str] | None = None
    for line in text.split("\n"):
        if closing is None:
            closing = _opening(line)
            shown += [line] if closing is None else []
        elif closing.search(line):
            closing = None
    return tuple(shown)


def fill_section(data: bytes, title: str, text: str) -> bytes:
    """Return ``data`` with foreign ``text``, made harmless, in the section ``title``.

    A placeholder is replaced; real text is kept and the new text follows it after a blank line, unless it stands
    there already; a missing section is made at the end. Filling the same text twice changes nothing more.
    """
    new = paragraph(text)
    document = _decode(data)
    if not new:
        return data
    newline = frontmatter.line_ending(document)
    section = _find(document, title)
    if section is None:
        edited = _with_new_section(document, title, new, newline)
    else:
        edited = _with_text(document, section, new, newline)
    return edited.encode("utf-8", "surrogateescape")


#: Notes grow and a summary is filled, by one rule; the two names say which is meant.
append_to_section = fill_section


def _decode(data: bytes) -> str:
    # A body may hold any bytes: surrogates carry them there and back unchanged.
    return data.decode("utf-8", "surrogateescape")


def _normal(content: str) -> str:
    return content.replace("\r\n", "\n").replace("\r", "\n").strip()


def _is_placeholder(content: str) -> bool:
    if "\n" in content:
        return False
    words = content.removeprefix("<!--").removesuffix("-->").strip(" \t>_*()[].\u2026:-")
    return not content or _PLACEHOLDER.fullmatch(words) is not None


# -- finding -------------------------------------------------------------------------------------------------------


def _find(text: str, title: str) -> _Section | None:
    outline = _outline(text)
    for number, heading in enumerate(outline.headings):
        if heading.level == 2 and heading.title.casefold() == title.casefold():
            following = (h.at for h in outline.headings[number + 1 :] if h.level <= 2)
            return _Section(heading.end, next(following, outline.end))
    return None


def _outline(text: str) -> _Outline:
    headings: list[_Heading] = []
    closing: re.Pattern[str] | None = None
    opened: tuple[int, int] = (
        0,
        0,
    )  # where an open fence or comment starts, and how many headings stand before
    for at, line in frontmatter.lines(text, frontmatter.split(text).body):
        bare = line.rstrip("\r\n")
        if closing is not None:
            closing = None if closing.search(bare) else closing
            continue
        closing = _opening(bare)
        if closing is not None:
            opened = (at, len(headings))
        elif match := _HEADING.match(bare):
            title = _CLOSING_MARKS.sub("", match[2] or "").strip()
            headings.append(_Heading(len(match[1]), title, at, at + len(line)))
    return _Outline(tuple(headings), len(text) if closing is None else opened[0])


def _opening(line: str) -> re.Pattern[str] | None:
    """Return what closes the block that ``line`` opens, or None when it opens none."""
    if match := _FENCE.match(line):
        mark = match[1]
        return re.compile(rf"^ {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$")
    if _COMMENT.match(line) and "-->" not in line:
        return re.compile("-->")
    return None


# -- writing -------------------------------------------------------------------------------------------------------


def _with_text(document: str, section: _Section, new: str, newline: str) -> str:
    content = document[section.start : section.end]
    known = _normal(content)
    kept = content[: len(content.rstrip(_BLANK))]
    if _is_placeholder(known):
        written = _lead(content, document, section, newline)
    elif f"\n\n{new}\n\n" in f"\n\n{known}\n\n":
        return document
    else:
        written = kept + newline * 2
    blank = content[len(kept) :] if kept else ""
    written += _in_style(new, newline) + _gap(blank, document, section, newline)
    return document[: section.start] + written + document[section.end :]


def _gap(blank: str, document: str, section: _Section, newline: str) -> str:
    """Return what stands after a section's text: a blank line before what follows, the author's ending at the end."""
    if section.end < len(document):
        return blank if _breaks(blank) >= 2 else newline * 2
    return newline if document.endswith(("\n", "\r")) else ""


def _lead(content: str, document: str, section: _Section, newline: str) -> str:
    """Return the blank lines before a section's text: the author's, else one."""
    blank = content[: len(content) - len(content.lstrip(_BLANK))]
    if content.strip() and blank:
        return blank
    on_its_own_line = document[: section.start].endswith(("\n", "\r"))
    return newline if on_its_own_line else newline * 2


def _with_new_section(document: str, title: str, new: str, newline: str) -> str:
    end = _outline(document).end
    before, after = document[:end], document[end:]
    ended = before.endswith(("\n", "\r")) or not before.strip("\ufeff")
    blank = before[len(before.rstrip(_BLANK)) :]
    missing = max(2 - _breaks(blank), 0 if ended else 1) if before.strip("\ufeff") else 0
    section = newline * missing + f"## {title}" + newline * 2 + _in_style(new, newline)
    if after:
        return before + section + newline * 2 + after
    return before + section + (newline if ended else "")


def _breaks(blank: str) -> int:
    return len(re.findall(r"\r\n|\n|\r", blank))


def _in_style(text: str, newline: str) -> str:
    return text.replace("\n", newline)
