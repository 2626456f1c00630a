"""Reading what has been decided: main's commits, the refs of verdicts and marks, local events, sessions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count

from coord import events
from coord.core.history import Aside, Entry, History, Kind, Local, Since, Source, joined, settled
from coord.core.journal import Landing, parts_of, read_landing, read_reverts
from coord.core.objects import Commit, find_entry
from coord.core.objects import Kind as ObjectKind
from coord.core.signal import REASON, STATUS, SUMMARY, trailers
from coord.core.text import one_line
from coord.core.verdict import FREEZE, HISTORY, VERDICT_FILE, VERDICTS, Verdict, VerdictKind, decode
from coord.dates import commit_named, moment
from coord.errors import UsageError
from coord.observe import View
from coord.sessions.entries import of_notes, of_sessions, sessions
from coord.workspace import Workspace

#: The forms in which coord tells main of what is no landing (behaviour 8). They decide nothing: what they tell is shown,
#: and only beside a trailer that names the task.
_FORMS = (
    (re.compile(r"blocked\((.+)\): (.*)"), Kind.BLOCKED),
    (re.compile(r"unblocked\((.+)\): (.*)"), Kind.UNBLOCKED),
    (re.compile(r"chore: update tasks? (.+) status to completed()"), Kind.COMPLETED),
)

#: What is told of a landing whose gate validated nothing; of others, that the profile passed.
_GATES = {"": "landed", "none": "not validated: profile none runs nothing"}

_VERDICT_KINDS = {
    VerdictKind.CONFLICT: Kind.CONFLICT,
    VerdictKind.GATE_FAILED: Kind.GATE_FAILED,
    VerdictKind.BLOCKED: Kind.BLOCKED,
    VerdictKind.RETRY: Kind.RETRY,
    VerdictKind.UNBLOCKED: Kind.UNBLOCKED,
}


def read_history(workspace: Workspace, view: View, *, task: str = "") -> History:
    """Return what has been decided, of one task or of all.

    Of one task, what its branch says and what its sessions were told is part of it.
    """
    local, unread = events.read(workspace.state)
    known = list(sessions(workspace, task))
    found = [
        *_of_main(workspace, view),
        *_of_verdicts(workspace, view),
        *_of_marks(workspace, view),
        *local,
        *of_sessions(known, in_detail=bool(task)),
    ]
    found = _without_renewals(found)
    if task:
        found = [entry for entry in found if entry.task in (task, "")]
        found += [*_of_branches(workspace, view, task, found), *of_notes(workspace, task, found)]
    first = min((entry.at for entry in local), default=None)
    return History(joined(found), Local(first, unread, len(known)))


def _without_renewals(found: list[Entry]) -> list[Entry]:
    """Return entries without the claims whose taking this machine saw: a claim's ref names its last renewal only."""
    claims = [entry for entry in found if entry.kind is Kind.CLAIMED]
    taken = {(claim.task, claim.by) for claim in claims if claim.source is Source.EVENT}
    return [
        entry
        for entry in found
        if entry.kind is not Kind.CLAIMED
        or entry.source is not Source.REF
        or (entry.task, entry.by) not in taken
    ]


# -- since when ---------------------------------------------------------------------------------------------------------


def begins(workspace: Workspace, view: View, history: History, since: str) -> Since:
    """Return the period since a commit of main or a date (``""``: since ever).

    After a commit comes what main gained since, by its history: landings of one second, and what a clock that is behind or
    a branch merged later dates back, are not told apart by their dates. Raises UsageError for what is neither.
    """
    if not since:
        return Since()
    at, commit = moment(workspace, since, view.snapshot.at), commit_named(workspace, since)
    if commit is None:
        return Since(at)
    base = view.snapshot.base
    if not workspace.git.ancestry.is_ancestor(commit, base):
        raise UsageError(
            f"'{one_line(since, 80)}' is not on {workspace.main_name}: nothing came after it there",
            hint="a tag or commit of main; or a date such as 2026-11-20, '2 days ago', yesterday",
        )
    after = frozenset(workspace.git.ancestry.rev_list(base, f"^{commit}"))
    told = {entry.commit for entry in history.entries if _on_main(entry, view)}
    return Since(at, frozenset((told | view.on_chain) - after), after)


def _on_main(entry: Entry, view: View) -> bool:
    return entry.source is Source.MAIN or entry.commit in view.on_chain


# -- main --------------------------------------------------------------------------------------------------------------


def _of_main(workspace: Workspace, view: View) -> Iterator[Entry]:
    commits = workspace.git.objects.commit
    landings: list[Landing] = []
    places = count(1)
    place_of: dict[str, int] = {}
    for step in reversed(workspace.git.first_parents(view.snapshot.base)):
        place_of[step.oid] = next(places)
        if "Coord-" not in step.message:
            continue
        landed = [
            replace(landing, step=step.oid)
            for commit in (step, *parts_of(step, commits))
            if (landing := read_landing(commit, lambda oid: commits(oid).parents))
        ]
        landings += landed
        told = [_landed(workspace, landing, step) for landing in reversed(landed)] or _told(step)
        yield from (replace(entry, place=next(places)) for entry in told)
    for revert in _reverts(workspace, view, landings):
        yield replace(revert, place=place_of.get(revert.commit, 0))


def put_aside(workspace: Workspace, view: View) -> tuple[Aside, ...]:
    """Return the landings in main's history that its first-parent line leaves out, by the merges that did it.

    They are told as landings nowhere: a branch that a person merges may hold commits that look like landings.
    """
    git = workspace.git
    commits = git.objects.commit
    line = git.first_parents(view.snapshot.base)
    told = {commit.oid for step in line for commit in (step, *parts_of(step, commits))}
    like = git.ancestry.rev_list("--merges", "--grep=^Coord-Tip: ", view.snapshot.base)
    landed = (
        (oid, read_landing(commits(oid), lambda oid: commits(oid).parents)) for oid in like if oid not in told
    )
    left = {oid: landing.task for oid, landing in landed if landing}
    found = []
    for merge in line:
        if not left:
            break
        if "Coord-" in merge.message or len(merge.parents) < 2:
            continue
        brought = git.ancestry.rev_list("--merges", *merge.parents[1:], f"^{merge.parents[0]}")
        tasks = tuple(dict.fromkeys(left.pop(oid) for oid in reversed(brought) if oid in left))
        if tasks:
            found.append(Aside(merge.oid, _name(merge.author), merge.committed, tasks))
    return tuple(found)


def _landed(workspace: Workspace, landing: Landing, step: Commit) -> Entry:
    is_single = landing.step == landing.commit
    merge = step if is_single else workspace.git.objects.commit(landing.commit)
    gate = trailers(step.message).get("Coord-Gate", "").partition(" ")[0]
    words = _GATES.get(gate, f"{gate} passed")
    words += "" if is_single else f", with others in {landing.step[:7]}"
    resolved = trailers(merge.message).get("Coord-Resolved", "")
    others = tuple(one_line(name) for name in resolved.split(", ") if name)
    return Entry(
        step.committed, Kind.LANDED, landing.task, words + settled(others), Source.MAIN,
        branch=_branch_in(merge), tip=landing.tip, commit=landing.commit, main=landing.base, others=others,
    )  # fmt: skip


def _branch_in(merge: Commit) -> str:
    """Return the branch that a merge of coord's names; ``""`` when it does not."""
    match = re.match(r"Merge (?:branch '(.+)'$|(\S+): resolve conflicts )", merge.subject)
    return one_line(match[1] or match[2]) if match else ""


def _told(step: Commit) -> Iterator[Entry]:
    said = trailers(step.message)
    named = said.get("Coord-Task", "")
    for form, kind in _FORMS:
        match = form.fullmatch(step.subject) if named else None
        if match is None:
            continue
        body = step.message.partition("\n\n")[2].partition("\n\n")[0]
        reason = match[2] or ("" if body.startswith("Coord-") else one_line(body)) or "by a person's word"
        for task in named.split(", "):
            yield Entry(
                step.committed, kind, one_line(task), one_line(reason), Source.MAIN,
                tip=said.get("Coord-Tip", ""), commit=step.oid, main=step.parents[0] if step.parents else "",
            )  # fmt: skip
        return


def _reverts(workspace: Workspace, view: View, landings: Iterable[Landing]) -> Iterator[Entry]:
    targets: dict[str, list[Landing]] = {}
    for landing in landings:
        for oid in {landing.commit, landing.status_commit, landing.step}:  # a batch's step carries several
            targets.setdefault(oid, []).append(landing)
    if not targets:
        return
    reverts = read_reverts(workspace.git.ancestry.mentioning("This reverts commit ", view.snapshot.base))
    for revert in reverts:
        undone = next(
            (f"; {other.by[:7]} reverted that" for other in reverts if other.target == revert.by), ""
        )
        for landing in targets.get(revert.target, ()):
            by, what = workspace.git.objects.commit(revert.by), landing.commit
            if revert.target == landing.step != what:
                what = landing.step
            # A clock that is behind dates a revert before what it reverts.
            at = max(by.committed, workspace.git.objects.commit(landing.step).committed)
            yield Entry(
                at, Kind.REVERTED, landing.task, f"its landing {what[:7]} was reverted{undone}",
                Source.MAIN,
                tip=landing.tip, commit=revert.by, by=_name(by.author),
            )  # fmt: skip


def _name(identity: str) -> str:
    return one_line(identity.partition(" <")[0], 80)


# -- coord's refs ------------------------------------------------------------------------------------------------------


def _of_verdicts(workspace: Workspace, view: View) -> Iterator[Entry]:
    seen: set[str] = set()
    nth = count(1)
    for prefix in (HISTORY, VERDICTS):  # what was closed came before what stands
        for name, oid in view.coord_refs.items():
            if name.startswith(prefix):
                for attempt in reversed(list(_attempts(workspace, oid, seen))):
                    yield replace(attempt, nth=next(nth))


def _attempts(workspace: Workspace, newest: str, seen: set[str]) -> Iterator[Entry]:
    """Yield the attempts that a ref of verdicts holds and that were not seen yet, the newest first."""
    objects = workspace.git.objects
    todo = [newest]
    while todo:
        oid = todo.pop()
        if oid in seen or not objects.holds(oid, ObjectKind.COMMIT):
            continue
        seen.add(oid)
        commit = objects.commit(oid)
        verdict = _verdict(workspace, commit)
        if verdict is None:
            continue  # whoever may push such a ref may name any commit: main's whole history is no history of verdicts
        todo += commit.parents
        if verdict.kind in _VERDICT_KINDS:
            yield _attempt(verdict, commit)


def _verdict(workspace: Workspace, commit: Commit) -> Verdict | None:
    objects = workspace.git.objects
    entry = find_entry(commit.tree, VERDICT_FILE, objects.tree)
    if entry is None or not objects.holds(entry.oid, ObjectKind.BLOB):
        return None
    return decode(objects.blob(entry.oid))


def _attempt(verdict: Verdict, commit: Commit) -> Entry:
    return Entry(
        commit.committed,
        _VERDICT_KINDS[verdict.kind],
        one_line(verdict.task),
        one_line(verdict.reason, 500),
        Source.VERDICT,
        branch=one_line(verdict.branch),
        tip=verdict.tip,
        commit=commit.oid,
        main=verdict.base,
        paths=tuple(conflict.path for conflict in verdict.paths),
        others=verdict.by,
        step=verdict.step if verdict.kind is VerdictKind.GATE_FAILED else "",
    )


def _of_marks(workspace: Workspace, view: View) -> Iterator[Entry]:
    snapshot = view.snapshot
    for mark in snapshot.approvals:
        if mark.ref:
            said = trailers(workspace.git.objects.commit(mark.oid).message)
            yield _mark(workspace, Kind.APPROVED, mark.task, mark.oid, by=one_line(said.get("Coord-By", "")))
    for mark in snapshot.holds:
        yield _mark(workspace, Kind.HELD, mark.task, mark.oid)
    for claim in snapshot.claims:
        session = claim.holder.rpartition("/")[2]
        claimed = _mark(workspace, Kind.CLAIMED, claim.task, claim.oid, by=session)
        yield replace(claimed, reason=f"held by {claim.holder}")
    if snapshot.freeze is not None and FREEZE in view.coord_refs:
        yield _mark(workspace, Kind.FROZEN, "", view.coord_refs[FREEZE])


def _mark(workspace: Workspace, kind: Kind, task: str, oid: str, *, by: str = "") -> Entry:
    commit = workspace.git.objects.commit(oid)
    tip = trailers(commit.message).get("Coord-Tip", "") if kind is Kind.APPROVED else ""
    words = f"this tip may change protected paths: {tip[:7]}" if tip else one_line(commit.subject)
    return Entry(commit.committed, kind, task, words, Source.REF, tip=tip, commit=oid, by=by)


# -- what a branch says ------------------------------------------------------------------------------------------------


def _of_branches(workspace: Workspace, view: View, task: str, known: Iterable[Entry]) -> Iterator[Entry]:
    """Yield what the task's branches say: their commits with a status, and the first and last of the others."""
    landed = (entry for entry in known if entry.kind is Kind.LANDED and entry.source is Source.MAIN)
    lines = {entry.tip: (entry.branch, f"^{entry.main}") for entry in landed}
    for branch in view.snapshot.branches:
        if branch.task == task and branch.commits:
            lines[branch.tip] = (branch.name, f"^{view.snapshot.base}")
    for tip, (branch_name, without) in lines.items():
        commits = [workspace.git.objects.commit(oid) for oid in workspace.git.ancestry.rev_list(tip, without)]
        yield from _said(branch_name, task, commits[::-1])


def _said(branch: str, task: str, commits: list[Commit]) -> Iterator[Entry]:
    work = [commit for commit in commits if STATUS not in trailers(commit.message)]
    for commit in commits:
        said = trailers(commit.message)
        status = one_line(said.get(STATUS, ""), 20)
        if status:
            words = f"{status}: {one_line(said.get(REASON) or said.get(SUMMARY) or commit.subject)}"
            yield _of_commit(Kind.SIGNAL, branch, task, commit, words)
    for commit in work[:1] + work[1:][-1:]:
        count = f" ({len(work)} commits)" if commit is work[-1] and len(work) > 2 else ""
        yield _of_commit(Kind.COMMIT, branch, task, commit, one_line(commit.subject) + count)


def _of_commit(kind: Kind, branch: str, task: str, commit: Commit, words: str) -> Entry:
    return Entry(
        commit.committed, kind, task, words, Source.BRANCH,
        branch=branch, commit=commit.oid, by=_name(commit.author),
    )  # fmt: skip
