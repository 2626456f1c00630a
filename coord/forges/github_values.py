"""GitHub's JSON as coord's values, and coord's texts as GitHub takes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from coord.core.pull import Pull
from coord.forges.base import Comment, Job, JobStep, Permission

Json = Any
#: Marks the drafts that coord opens itself.
DRAFT = "draft"
LONGEST_BODY = 65_536
LONGEST_WORDS = 140
LONGEST_TITLE = 256
_CUT = "\n\n… cut: longer than GitHub takes"


def seconds(text: str) -> int:
    """Return a time of GitHub's in seconds since the epoch."""
    return int(datetime.fromisoformat(text).timestamp())


def pull(said: Json) -> Pull:
    """Return a pull request."""
    return Pull(
        number=said["number"],
        branch=said["head"]["ref"],
        tip=said["head"]["sha"],
        base=said["base"]["ref"],
        title=said["title"],
        author=login(said),
        url=said["html_url"],
        draft=bool(said.get("draft")),
        open=said["state"] == "open",
        merged=said["merged_at"] is not None,
        labels=tuple(sorted(each["name"] for each in said["labels"])),
        ours=bears(said, DRAFT) and said["user"]["type"] == "Bot",
    )


def is_ours(said: Json, repository: str) -> bool:
    """Say whether a pull request's head is a branch of the repository itself (a fork may be deleted: no repository)."""
    head = said["head"]["repo"]
    return head is not None and str(head["full_name"]).lower() == repository.lower()


def comment(said: Json) -> Comment:
    """Return a comment."""
    return Comment(
        id=said["id"],
        number=int(said["issue_url"].rpartition("/")[2]),
        body=said.get("body") or "",
        author=login(said),
        author_is_person=bool(said["user"]) and said["user"]["type"] == "User",
        association=said.get("author_association") or "NONE",
        created=seconds(said["created_at"]),
        edited=said["updated_at"] != said["created_at"],
        url=said["html_url"],
    )


def login(said: Json) -> str:
    """Return the author's login; one who has left GitHub has none."""
    return str(said["user"]["login"]) if said.get("user") else ""


def job(said: Json) -> Job:
    """Return a job of a run."""
    steps = tuple(JobStep(each["name"], each["conclusion"] or "") for each in said.get("steps") or ())
    return Job(said["id"], said["name"], said["conclusion"] or "", steps, said["html_url"] or "")


def permission(said: Json) -> Permission:
    """Return a permission; a role of an organization's own counts as the one that it builds on."""
    for word in (said.get("role_name"), said.get("permission")):
        if str(word).upper() in Permission.__members__:
            return Permission[str(word).upper()]
    return Permission.NONE


def marker_line(marker: str) -> str:
    """Return the first line of a text that is coord's own."""
    return f"<!-- coord:{marker} -->"


def marked(marker: str, body: str) -> str:
    """Return a text that bears a marker and is not longer than GitHub takes."""
    return fitted(f"{marker_line(marker)}\n{body}")


def fitted(text: str) -> str:
    """Return a text that is not longer than GitHub takes."""
    text = text.replace("\0", "")
    return text if len(text) <= LONGEST_BODY else text[: LONGEST_BODY - len(_CUT)] + _CUT


def bears(said: Json, marker: str) -> bool:
    """Say whether the first line of a comment or issue is a marker."""
    return str(said.get("body") or "").split("\n", 1)[0].strip() == marker_line(marker)


def same_text(one: str | None, other: str) -> bool:
    """Say whether GitHub holds a text already; it may have other ends of lines."""
    return (one or "").replace("\r\n", "\n").rstrip() == other.rstrip()


def one_line(text: str, longest: int) -> str:
    """Return a text on one line, not longer than GitHub takes."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
