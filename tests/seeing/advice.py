"""Typing what the seeing commands say that somebody can type, on a copy of the world, and seeing whether it does it."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coord.core.spawning import why_not
from coord.observe import observe
from coord.workspace import open_workspace
from tests.seeing.records import copy_of
from tests.seeing.stories import Story
from tests.seeing.truths import asked
from tests.world import Result, World


def bad_advice(story: Story, root: Path) -> Iterator[str]:
    """Yield the commands that are said to help and do not; ``root`` is a folder for copies."""
    told: dict[str, Any] = {}
    for task in asked(story, "list", at=story.world.desk)["tasks"]:
        why = asked(story, "why", task["id"], at=story.world.desk)
        for link in (why, *why["chain"], *why["beside"]):
            if link["command"]:
                told.setdefault(link["command"], link)
    status = asked(story, "status", at=story.world.desk)
    told |= {
        one["command"]: {"task": "", "state": "drift", **one} for one in status["drift"] if one.get("command")
    }
    for command, link in told.items():
        shutil.rmtree(root, ignore_errors=True)
        copy = copy_of(story.world, root)
        copy.git("pull", "-q", "--ff-only", "origin", "main", at=copy.desk)
        for said in command.split(" && "):
            flaw = _typed(copy, shlex.split(said), link)
            if flaw:
                yield f"{command!r} ({link['state']}: {link.get('reason') or link.get('message')}): {flaw}"
                break
    shutil.rmtree(root, ignore_errors=True)


def _typed(copy: World, words: list[str], link: Any) -> str:
    match words:
        case ["coord", "spawn", task]:
            snapshot = observe(open_workspace(copy.desk)).snapshot
            return why_not(snapshot.graph.get(task), task, snapshot, mends=False)
        case ["coord", "done"]:
            return _done(copy, link)
        case ["git", "revert", oid]:
            return _revert(copy, oid, link)
        case ["git", *_]:
            copy.git(*words[1:], at=copy.desk)
            return ""
        case ["coord", *rest]:
            return _ran(copy, rest, copy.coord(*rest), link)
    return "nobody can type this"


def _ran(copy: World, words: list[str], result: Result, link: Any) -> str:
    good = {"check": {0, 3}, "land": {0, 4, 5, 6}, "review-task": {0, 4, 6}, "doctor": {0, 1}}.get(
        words[0], {0}
    )
    if result.code not in good:
        return f"exit {result.code}: {result.err.strip()[-300:]}"
    if words[0] == "check" and result.code == 0 and not result.out.strip():
        return f"it shows nothing: {result.err}"
    if link["state"] == "drift":
        after = copy.coord("status", "--json", "--fetch").data["drift"]
        still = [one for one in after if (one["check"], one["subject"]) == (link["check"], link["subject"])]
        return (
            f"it is still so: {still}" if still and words[0] not in ("doctor", "check", "show", "why") else ""
        )
    after = copy.coord("why", link["branch"] or link["task"], "--json")
    same = after.code == 0 and all(after.data[key] == link[key] for key in ("state", "reason", "tip", "turn"))
    if (
        same
        and not link["reason"].startswith("main is red")
        and words[0] in ("land", "thaw", "unblock", "retry", "approve", "release", "complete")
    ):
        return "nothing is different after it"
    return ""


def _done(copy: World, link: Any) -> str:
    branch = link["branch"]
    copy.git("fetch", "-q", "--prune", "origin")
    copy.git("checkout", "-q", "-f", "-B", branch, f"origin/{branch}")
    result = copy.coord("done", at=copy.agent)
    if result.code != 0:
        return f"exit {result.code}: {result.err.strip()[-300:]}"
    after = copy.coord("why", branch, "--fetch", "--json").data
    return "it is still working" if after["reason"].startswith("working") else ""


def _revert(copy: World, oid: str, link: Any) -> str:
    copy.git("fetch", "-q", "origin")
    copy.git("checkout", "-q", "-f", "-B", "main", "origin/main")
    said = copy.git("revert", "--no-edit", oid, ok=False)
    if copy.git("rev-parse", "HEAD") == copy.git("rev-parse", "origin/main"):
        return "" if "onflict" in said else said
    copy.git("push", "-q", "origin", "main")
    after = copy.coord("why", link["branch"], "--fetch", "--json").data
    return "it is still held" if after["reason"] == link["reason"] else ""
