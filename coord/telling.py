"""Telling people on a forge: carries out what ``coord.core.telling`` decides, one comment a branch, updated in place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from coord.core.objects import Commit, Kind, changed_paths
from coord.core.plan import reproduce
from coord.core.profile import BUILT_IN, program
from coord.core.pull import Pull
from coord.core.settings import Untold
from coord.core.signal import trailers
from coord.core.snapshot import TaskBranch
from coord.core.telling import (
    Landed,
    TellAgain,
    TellBlocked,
    Telling,
    TellLanded,
    TellProtected,
    TellStatus,
    what_to_tell,
)
from coord.core.text import one_line
from coord.core.verdict import HISTORY, VERDICT_FILE, Verdict, VerdictKind, decode
from coord.errors import RefusedError
from coord.forges.base import Forge, State
from coord.freshness import fetch
from coord.observe import View, observe
from coord.render import render
from coord.workspace import Workspace

#: What finds coord's one comment on a pull request again.
MARKER = "branch"

#: For how long, in seconds, and of how many landings at most each run sees to it that they are told: one run is enough,
#: unless it was killed, and each costs a call or two.
_LATELY = 3600
_MOST = 30

#: How the message of a landing names its branch; that of a batch does not begin so.
_MERGED = re.compile(r"Merge branch '(.+)'$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Teller:
    """Who tells: the repository, its forge, a link for statuses, where a refusal is said, and whether in comments too."""

    workspace: Workspace
    forge: Forge
    url: str
    say: Callable[[str], None]
    talks: bool = True


def tell_all(workspace: Workspace, say: Callable[[str], None], url: str = "", *, talks: bool = True) -> None:
    """Look afresh, and let the forge show how every branch stands; without ``talks`` by statuses alone. Raises RefusedError
    when it cannot be asked at all."""
    forge = workspace.hosting.forge
    if forge is None:
        raise RefusedError(
            "there is no token for GitHub", hint="set GH_TOKEN; in a workflow, the input token"
        )
    fetch(workspace)
    tell(Teller(workspace, forge, url, say, talks), observe(workspace))


def tell(teller: Teller, view: View) -> None:
    """Let the forge show how every branch stands. What it refuses is said, and keeps nothing else from being told."""
    for telling in what_to_tell(view.snapshot, landed_lately(teller.workspace, view)):
        if not teller.talks and not isinstance(telling, TellStatus):
            continue
        try:
            _tell(teller, view, telling)
        except RefusedError as refused:
            teller.say(f"could not be told on the forge: {refused.message}")


def landed_lately(workspace: Workspace, view: View) -> tuple[Landed, ...]:
    """Return the landings of late whose branches are gone, newest first.

    Main itself says which they are. The history of a task's verdicts, and the paths that the landing changed, say whether
    a comment may still say something else: those come first.
    """
    live = {branch.task for branch in view.snapshot.branches}
    found = {}
    for task, oid in view.landed_in.items():
        commit = workspace.git.objects.commit(oid)
        tip = trailers(commit.message).get("Coord-Tip", "")
        if task not in live and tip and _is_late(view, commit):
            talked = _had_verdict(workspace, view, task) or _was_protected(workspace, view, task, oid)
            found[task] = (commit.committed, Landed(task, tip, oid, talked))
    for task in sorted({name.removeprefix(HISTORY) for name in view.coord_refs if name.startswith(HISTORY)}):
        if task not in live and task not in found and (merged := _by_hand(workspace, view, task)):
            found[task] = (view.snapshot.at, merged)
    newest = sorted(found.values(), key=lambda each: (not each[1].branch, -each[0], each[1].task))
    return tuple(landed for _, landed in newest[:_MOST])


def _is_late(view: View, commit: Commit) -> bool:
    return view.snapshot.at - commit.committed < _LATELY


def _had_verdict(workspace: Workspace, view: View, task: str) -> str:
    """Return the branch of a task whose last verdict was closed by its landing, ``""`` when it had none."""
    verdict = _closed(workspace, view, task)
    return verdict.branch if verdict else ""


def _closed(workspace: Workspace, view: View, task: str) -> Verdict | None:
    """Return the last verdict on a task when a landing closed it. Anybody may push that ref: a branch of another task
    that it names is passed over, since our comment there is not to be made to say this."""
    oid = view.coord_refs.get(HISTORY + task)
    verdict = _verdict_at(workspace, oid) if oid else None
    if verdict is None or verdict.kind is not VerdictKind.LANDED:
        return None
    return verdict if view.snapshot.settings.task_of(verdict.branch) == task else None


def _by_hand(workspace: Workspace, view: View, task: str) -> Landed | None:
    """Return the landing of a branch that had a verdict and that a person merged: main's history does not name it."""
    verdict = _closed(workspace, view, task)
    on_main = view.snapshot.graph.get(task)
    if verdict is None or on_main is None or not on_main.is_completed or task in view.landed_in:
        return None
    if not _is_late(view, workspace.git.objects.commit(view.coord_refs[HISTORY + task])):
        return None
    tip = verdict.tip
    if (
        not workspace.git.objects.holds(tip, Kind.COMMIT)
        or workspace.git.ancestry.merge_base(view.snapshot.base, tip) != tip
    ):
        return None
    return Landed(task, tip, tip, verdict.branch)


def _was_protected(workspace: Workspace, view: View, task: str, landing: str) -> str:
    """Return the branch of a landing that changed protected paths, so that it waited for an approval; else ``""``."""
    objects, settings = workspace.git.objects, view.snapshot.settings
    commit = objects.commit(landing)
    base = objects.commit(commit.parents[0]).tree if commit.parents else None
    if not any(map(settings.is_protected, changed_paths(base, commit.tree, objects.tree))):
        return ""
    named = _MERGED.match(commit.message)
    return named[1] if named else settings.project.prefixes[0] + task


def _verdict_at(workspace: Workspace, oid: str) -> Verdict | None:
    objects = workspace.git.objects
    if not objects.holds(oid, Kind.COMMIT):
        return None
    entries = {entry.name: entry.oid for entry in objects.tree(objects.commit(oid).tree)}
    blob = entries.get(VERDICT_FILE.encode())
    return decode(objects.blob(blob)) if blob and objects.holds(blob, Kind.BLOB) else None


def _tell(teller: Teller, view: View, telling: Telling) -> None:
    forge = teller.forge
    match telling:
        case TellStatus(tip, light, words):
            forge.set_status(tip, State(light.value), one_line(words, 140), teller.url)
        case TellBlocked() as blocked:
            _tell_blocked(teller, view, blocked)
        case TellProtected() as protected:
            _tell_protected(teller, view, protected)
        case TellAgain(branch, words, pull):
            text = render("comments/again.md.j2", branch=branch.name, words=words)
            _settle(teller, branch.task, pull, text)
        case TellLanded(task, branch, commit):
            text = landed_text(teller.workspace, branch, commit)
            _settle(teller, task, next(iter(forge.pulls_of(branch)), None), text)
        case _:
            assert_never(telling)


def landed_text(workspace: Workspace, branch: str, commit: str) -> str:
    """Return what a branch's comment says once it has landed."""
    return render("comments/landed.md.j2", branch=branch, main=workspace.main, commit=commit)


def _tell_blocked(teller: Teller, view: View, blocked: TellBlocked) -> None:
    text = blocked_text(teller.workspace, blocked.verdict, _commands(view, blocked))
    pull = blocked.pull
    if pull is None:
        pull = _place_to_talk(teller, view, blocked, text)
    if pull is not None:
        teller.forge.upsert_comment(pull.number, MARKER, text)


def _tell_protected(teller: Teller, view: View, protected: TellProtected) -> None:
    branch, pull = protected.branch, protected.pull
    if pull is None and view.snapshot.settings.github.blocked is not Untold.NOTHING:
        pull = _draft(teller, branch, f"to approve: {one_line(branch.task, 100)}")
    if pull is None:
        return
    text = render(
        "comments/protected.md.j2",
        branch=branch.name,
        paths=protected.paths,
        tip=branch.tip,
        least=view.snapshot.settings.github.approvers.value,
    )
    teller.forge.upsert_comment(pull.number, MARKER, text)


def _draft(teller: Teller, branch: TaskBranch, title: str) -> Pull:
    body = render("comments/draft.md.j2", branch=branch.name, task=branch.task)
    return teller.forge.open_draft(branch.name, teller.workspace.main, title, body)


def _commands(view: View, blocked: TellBlocked) -> tuple[str, ...]:
    """Return the commands that show it again, made here: on a forge the verdict's ref may be anybody's, and people copy
    what stands in a comment of ours."""
    verdict, settings = blocked.verdict, view.snapshot.settings
    if verdict.kind is VerdictKind.BLOCKED:
        return ()
    profiles = (*settings.profiles, *BUILT_IN)
    known = {program(step) for profile in profiles for step in profile.steps}
    return (*reproduce(blocked.branch, view.snapshot), *((verdict.step,) if verdict.step in known else ()))


def blocked_text(workspace: Workspace, verdict: Verdict, commands: tuple[str, ...]) -> str:
    """Return what a branch's comment says of its verdict, with the commands that show it again."""
    wrong = ", ".join(f"{c.path} ({c.kind})" for c in verdict.paths[:20]) or verdict.reason
    return render(
        "comments/blocked.md.j2",
        branch=verdict.branch,
        main=workspace.main,
        kind=verdict.kind.value,
        wrong=wrong,
        reproduce=commands,
        **{
            name: getattr(verdict, name)
            for name in (
                "reason", "tip", "base", "paths", "by", "log", "tried", "attempts", "suggestion",
            )
        },
    )  # fmt: skip


def _place_to_talk(teller: Teller, view: View, blocked: TellBlocked, text: str) -> Pull | None:
    """Return the draft that is opened for a blocked branch without a pull request, or None when it was told otherwise."""
    branch, task = blocked.branch, blocked.branch.task
    title = f"blocked: {one_line(task, 100)}"
    match view.snapshot.settings.github.blocked:
        case Untold.NOTHING:
            return None
        case Untold.DRAFT if not branch.files and not branch.dropped:
            pass  # a forge opens no pull request for a branch that changes nothing
        case Untold.DRAFT:
            try:
                return _draft(teller, branch, title)
            except RefusedError as refused:
                teller.say(f"no draft can be opened for {branch.name} ({refused.message}): an issue tells it")
        case Untold.ISSUE:
            pass
    teller.forge.upsert_issue(_issue(task), title, text)
    return None


def _issue(task: str) -> str:
    """Return the marker of a task's issue. A task's name is foreign: only its plain characters and a digest stand in it."""
    import hashlib

    return (
        f"blocked-{re.sub(r'[^A-Za-z0-9]+', '-', task)[:40]}-{hashlib.sha256(task.encode()).hexdigest()[:8]}"
    )


def _settle(teller: Teller, task: str, pull: Pull | None, text: str) -> None:
    """Let what was said of a branch say that it is over, wherever it was said."""
    if pull is not None:
        teller.forge.upsert_comment(pull.number, MARKER, text, only_change=True)
    if teller.workspace.settings.github.blocked is not Untold.NOTHING:
        teller.forge.close_issue(_issue(task), text)
