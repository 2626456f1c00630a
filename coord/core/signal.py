"""What a branch says of itself: done, stuck or working."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from coord.core.settings import PushMeans
from coord.core.text import one_line, plain

STATUS = "Coord-Status"
REASON = "Coord-Reason"
SUMMARY = "Coord-Summary"
TRIED = "Coord-Tried"
ATTEMPTS = "Coord-Attempts"
SUGGESTION = "Coord-Suggestion"

_TRAILER = re.compile(r"^([A-Za-z0-9][A-Za-z0-9-]*)\s*:\s?(.*)$")
_MESSAGE_LIMIT = 2**20
_LINE_LIMIT = 8192


@dataclass(frozen=True, slots=True)
class Done:
    """The work is finished; ``summary`` is the agent's own text; ``explicit`` when a trailer says so."""

    summary: str = ""
    explicit: bool = False


@dataclass(frozen=True, slots=True)
class Stuck:
    """The agent cannot go on: its safe exit with the four facts."""

    reason: str
    tried: str = ""
    attempts: str = ""
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class Working:
    """The work goes on; ``why`` says how we know."""

    why: str


Signal = Done | Stuck | Working


def trailers(message: str) -> dict[str, str]:
    """Return the trailers of a commit message; of a key given twice, the last.

    A paragraph counts when every line in it is a trailer or continues one, or when one is a sign-off and at least a
    quarter are trailers (git-interpret-trailers(1)). git reads the last paragraph alone; tools append paragraphs of
    their own ("Co-authored-by: …"), so those before it are read too, as long as they hold nothing else. The subject
    states nothing. A continuation that is a lone dot is an empty line.
    """
    paragraphs = re.split(r"\n[ \t]*\n", plain(_readable(message)).strip("\n"))[1:]
    found: dict[str, str] = {}
    for paragraph in reversed(paragraphs):
        said = _paragraph_trailers(paragraph)
        if not said:
            break
        found = said | found
    return found


def _readable(message: str) -> str:
    """Return the end of a message, long lines cut: one endless value must not hide the status that stands before it."""
    end = message[-64 * _MESSAGE_LIMIT :]
    return "\n".join(line[:_LINE_LIMIT] for line in end.split("\n"))[-_MESSAGE_LIMIT:]


def _paragraph_trailers(paragraph: str) -> dict[str, str]:
    found: dict[str, str] = {}
    key = ""
    others = 0
    for line in paragraph.split("\n"):
        match = _TRAILER.match(line)
        if match:
            key = match[1].title()
            found[key] = match[2].strip()
        elif line[:1] in (" ", "\t") and key:
            found[key] += "\n" + ("" if line.strip() == "." else line.strip())
        elif not line.startswith("(cherry picked from commit"):
            others += 1
    signed = "Signed-Off-By" in found
    return found if others == 0 or (signed and others <= 3 * len(found)) else {}


def trailer_block(pairs: Mapping[str, str]) -> str:
    """Return trailers as the last paragraph of a message; later lines of a value are folded below it."""
    lines = []
    for key, value in pairs.items():
        first, *rest = plain(value).strip().split("\n")
        lines.append(f"{key}: {first.strip()}")
        lines += [f" {line.strip() or '.'}" for line in rest]
    return "\n".join(lines)


def read_signal(message: str, *, claimed: bool, draft: bool, push_means: PushMeans) -> Signal:
    """Return what the tip commit's message, a live claim and a draft pull request say of the branch."""
    said = trailers(message)
    status = said.get(STATUS, "").lower()
    if status == "blocked":
        return Stuck(
            reason=one_line(said.get(REASON, "")) or "no reason given",
            tried=one_line(said.get(TRIED, ""), 1000),
            attempts=one_line(said.get(ATTEMPTS, ""), 20),
            suggestion=one_line(said.get(SUGGESTION, ""), 1000),
        )
    if draft:
        return Working("its pull request is a draft")
    if status == "done":
        return Done(said.get(SUMMARY, ""), explicit=True)
    if status == "working":
        return Working("it says so (Coord-Status: working)")
    if status:
        return Working(
            f"its Coord-Status is '{one_line(status, 30)}', which is none of done, working, blocked"
        )
    if claimed:
        return Working("a session holds its claim and has not said done")
    if push_means is PushMeans.EXPLICIT:
        return Working("it has not said done (signal = explicit)")
    return Done(said.get(SUMMARY, ""))
