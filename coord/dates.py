"""When something is, as people say it: a commit, or a date in the forms that git reads."""

from __future__ import annotations

import re
import time
from datetime import date

from coord.core.text import one_line, whole_number
from coord.errors import UsageError
from coord.workspace import Workspace


def moment(workspace: Workspace, words: str, now: float | None = None) -> int:
    """Return the time (seconds since the epoch) that a commit or a date means: of a commit, when it was committed.

    A name that is both is the commit. Raises UsageError for what is neither, and for what has not been yet.
    """
    now = time.time() if now is None else now
    if not words.strip():
        raise UsageError("no commit and no date is given", hint="leave --since away to see everything")
    oid = commit_named(workspace, words)
    if oid is not None:
        return workspace.git.objects.commit(oid).committed
    at = _date(workspace, words)
    if at is None or (at >= int(now) and words.strip().casefold() != "now"):
        raise UsageError(
            f"'{one_line(words, 80)}' is no commit here and no date of the past",
            hint="a tag, branch or commit; or a date such as 2026-11-20, '2 days ago', yesterday",
        )
    return at


def commit_named(workspace: Workspace, words: str) -> str | None:
    """Return the commit that a person names (a branch of the remote needs no prefix), or None."""
    if words.startswith("-"):
        return None
    oid = workspace.git.resolve(f"{words}^{{commit}}")
    if oid is None and workspace.remote:
        oid = workspace.git.resolve(f"refs/remotes/{workspace.remote}/{words}^{{commit}}")
    return oid


#: The words of dates that git reads (date.c), by their beginnings. It takes the numbers out of anything else too: a
#: misspelt tag ``v1.2`` would be the first of this month.
_WORDS = re.compile(
    r"now|noon|midnight|tea|today|yesterday|never|last|ago|at|on|and|am|pm|t|z|utc|gmt|one|two|three|four|five|six"
    r"|seven|eight|nine|ten|(?:second|sec|minute|min|hour|day|week|month|year)s?"
    r"|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|satur|sat|sun)(?:day)?"
    r"|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t|tember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?"
)


def _date(workspace: Workspace, words: str) -> int | None:
    """Return what git takes a date for; git takes what it cannot read for now, and a day for its present hour."""
    if words.startswith("-") or not all(map(_WORDS.fullmatch, re.findall(r"[^\W\d_]+", words.casefold()))):
        return None
    if day := re.fullmatch(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*", words, re.ASCII):
        if not _is_day(*map(int, day.groups())):
            return None
        words = f"{words.strip()} 00:00"
    answer = workspace.git.run("rev-parse", f"--since={words}")
    return whole_number(answer.line.removeprefix("--max-age="))


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        return bool(date(year, month, day))
    except ValueError:
        return False


def stamp(at: int) -> str:
    """Return a time as people read it, by this machine's clock and zone."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def utc(at: int) -> str:
    """Return a time as programs read it (ISO 8601, UTC)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
