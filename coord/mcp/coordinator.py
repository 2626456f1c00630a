"""What the coordinator may do, one function an action, but for starting sessions (``coord.mcp.starting``)."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from coord import inbox as notes
from coord.age import ago
from coord.core.text import one_line
from coord.core.worktrees import size_text
from coord.decision import block as blocked
from coord.decision import decide
from coord.git import Git
from coord.inbox import Note
from coord.mcp import implementation
from coord.mcp.call import Reply, ToolCall, error, said
from coord.mcp.names import branch_name
from coord.output import table
from coord.sessions.finding import find
from coord.sessions.looking import Session, lost
from coord.sessions.looking import look as look_at_sessions
from coord.sessions.messaging import tell
from coord.sessions.store import EVENTS, Message
from coord.site import open_site
from coord.worktrees.listing import list_worktrees
from coord.worktrees.looking import Looked, look

#: Seconds that a message has to be taken before it is said that it waits.
_TAKEN = 5.0
#: Seconds that ``wait`` waits when it is not told, and at most: clients give up on a call that takes longer.
_WAIT, _LONGEST = 50, 300
#: Seconds between two looks, and between two looks that take nothing for granted: a host's death leaves no trace.
_TICK, _REREAD = 0.5, 3.0
#: Lines of git's status of one worktree.
_LINES = 40

# -- looking -------------------------------------------------------------------------------------------------------


def list_(call: ToolCall) -> Reply:
    """List the worktrees."""
    rows = [("branch", "head", "state", "path")]
    for tree in list_worktrees(call.workspace.git):
        words = {"main checkout": tree.is_main, "locked": tree.locked, "folder is gone": tree.is_gone}
        state = ", ".join(word for word, holds in words.items() if holds)
        rows.append(
            (one_line(tree.name) or "(detached)", tree.head[:7], state or "-", one_line(str(tree.path), 400))
        )
    return said(*table(rows))


def status(call: ToolCall) -> Reply:
    """Show how worktrees stand; ``porcelain`` adds what git says of each."""
    given, workspace = call.given, call.workspace
    asked = given.text("path")
    found = look(workspace, every=given.flag("all") or bool(asked))
    if asked:
        place = (workspace.top / asked).resolve()
        found = tuple(one for one in found if asked == one.tree.name or one.tree.path.resolve() == place)
        if not found:
            return error(f"no worktree '{one_line(asked, 80)}'", 'the worktrees: {"action": "list"}')
    if not found:
        return said("no worktree of a task branch", "others: all = true")
    lines = table([_row(one) for one in found])
    for one in found if given.flag("porcelain") else ():
        lines += ["", f"{one.tree.name or one.tree.head[:7]}: git status --porcelain", *_porcelain(one)]
    return Reply("\n".join(lines))


def _row(one: Looked) -> list[str]:
    changes = "clean" if one.is_clean else f"{one.modified} changed, {one.untracked} untracked"
    main = f"{one.main.ahead} ahead, {one.main.behind} behind main" if one.main else "-"
    pushed = "pushed" if one.pushed and not one.pushed.ahead else "not pushed"
    who = ", ".join(one.sessions) or "no session"
    task = f"{one.task} ({one.status or 'not on main'})" if one.task else "-"
    where = one_line(str(one.tree.path), 400)
    return [
        one_line(one.tree.name) or "(detached)",
        task,
        changes,
        main,
        pushed,
        who,
        size_text(one.size),
        where,
    ]


def _porcelain(one: Looked) -> list[str]:
    if one.tree.is_gone:
        return ["  its folder is gone"]
    answer = Git(one.tree.path).run("status", "--porcelain", ok=(0, 128))
    lines = [f"  {one_line(line, 300)}" for line in answer.text.splitlines()]
    return lines[:_LINES] + ([f"  ... and {len(lines) - _LINES} more"] if len(lines) > _LINES else [])


def sessions(call: ToolCall) -> Reply:
    """Show the sessions and what each does, and what is left of some that are gone."""
    wanted = call.given.texts("sessionIDs")
    found = (
        [find(call.workspace, word) for word in wanted] if wanted else list(look_at_sessions(call.workspace))
    )
    left = (
        [] if wanted else [f"{one.what} {one.name}: {one.why}; {one.command}" for one in lost(call.workspace)]
    )
    if not found:
        return said(
            "there is no session", *left, 'start some: {"action": "spawn", "args": {"tasks": ["ID"]}}'
        )
    return said(*_sessions(found), *left)


def _sessions(found: list[Session]) -> list[str]:
    rows = [["session", "state", "task", "branch", "agent", "last sign", "what"]]
    now = time.time()
    for one in found:
        record, stood = one.record, one.standing
        last = ago(now - (stood.last or record.made))
        what = one.why or f"{stood.phase.value}, turn {stood.turn}"
        rows.append([record.id, one.state.value, record.task or "-", record.branch, record.agent, last, what])
    return table(rows)


def dashboard(call: ToolCall) -> Reply:
    """Show sessions, worktrees and unread notes together."""
    every = replace(call, given=type(call.given)())
    unread = len(notes.read(call.workspace.state, mark=False))
    return said(
        "sessions",
        sessions(every).text,
        "worktrees",
        status(every).text,
        f"inbox: {unread} unread" + (': {"action": "inbox"}' if unread else ""),
    )


def plan(call: ToolCall) -> Reply:
    """Show what a landing would do."""
    return call.run("plan", "--", *call.given.texts("tasks"))


# -- worktrees and tasks -------------------------------------------------------------------------------------------


def create(call: ToolCall) -> Reply:
    """Make a worktree."""
    given = call.given
    name = given.text("name") or given.text("branch")
    if not name:
        return error("name is missing: what it is about", 'for example {"name": "feature audit"}')
    words = [
        f"--{option}={given.text(option)}" for option in ("branch", "base", "path") if given.text(option)
    ]
    return call.run("worktree", *words, "--", "create", branch_name(name))


def cleanup(call: ToolCall) -> Reply:
    """Remove worktrees: one, those that are over, or those that main contains."""
    given, action = call.given, call.given.text("action")
    if given.flag("force") and action != "remove":
        return error(f"force goes with remove, not with {action}", "leave it out")
    if given.flag("remote") and action == "prune":
        return error("remote goes with remove and merged, not with prune", "leave it out")
    flags = {"--force": "force", "--remote": "remote", "--dry-run": "dryRun"}
    words = [option for option, name in flags.items() if given.flag(name)]
    if action != "remove":
        return call.run("worktree", *words, "--", action)
    what = given.text("pathOrBranch")
    if not what:
        return error(
            "pathOrBranch is missing: the worktree to remove", 'for example {"pathOrBranch": "feat/auth"}'
        )
    return call.run("worktree", *words, "--", "remove", what)


def merge(call: ToolCall) -> Reply:
    """Land what is ready."""
    return call.run("land", "--", *call.given.texts("tasks"))


def block(call: ToolCall) -> Reply:
    """Block a task by the coordinator's word."""
    task, reason = call.given.text("task"), one_line(call.given.text("reason"), 1000)
    open_site(call.workspace, lambda _: None)
    decided = decide(call.workspace, lambda workspace, view: blocked(workspace, view, task, reason))
    busy = [
        one.record.id for one in look_at_sessions(call.workspace) if one.alive and one.record.task == task
    ]
    note = (
        f'note: {busy[0]} still works on it: {{"action": "abort", "args": {{"sessionID": "{busy[0]}"}}}}'
        if busy
        else ""
    )
    return said(*decided.words, note)


def unblock(call: ToolCall) -> Reply:
    """Lift a block."""
    context = call.given.text("context")
    words = [f"--message={context}"] if context else []
    reply = call.run("unblock", *words, "--", call.given.text("task"))
    return (
        reply
        if reply.failed
        else said(reply.text, "next: spawn it again, or message the session that has its branch")
    )


# -- sessions ------------------------------------------------------------------------------------------------------


def message(call: ToolCall) -> Reply:
    """Tell a session something."""
    given = call.given
    if given.flag("interrupt") and given.flag("answer"):
        return error("interrupt and answer do not go together", "answer first, then tell it more")
    session = find(call.workspace, given.text("sessionID"))
    mode = "answer" if given.flag("answer") else "interrupt" if given.flag("interrupt") else "queue"
    sender = call.record.id if call.record else "coordinator"
    words = tell(call.workspace, session, Message(given.text("message"), mode, sender=sender), _TAKEN)
    note = "note: agent is passed over: a session keeps its agent" if given.text("agent") else ""
    return said(words, note)


def abort(call: ToolCall) -> Reply:
    """End a session and keep its work."""
    reason = one_line(call.given.text("reason"), 500) or "aborted by the coordinator"
    return call.run("abort", f"--message={reason}", "--", call.given.text("sessionID"))


def inbox(call: ToolCall) -> Reply:
    """Read what agents and the monitor have told."""
    given = call.given
    found = notes.read(call.workspace.state, unread_only=not given.flag("all"), mark=not given.flag("keep"))
    if not found:
        return said("nothing new", 'what was read before: {"action": "inbox", "args": {"all": true}}')
    return said(*_notes(found, 2000))


def _notes(found: list[Note], width: int) -> list[str]:
    now = time.time()
    return [
        f"{ago(now - note.at)}, {one_line(note.level, 20)}, {one_line(note.task or note.branch, 80) or 'no task'}"
        f"{f' ({one_line(note.session, 64)})' if note.session else ''}: {one_line(note.text, width)}"
        for note in found
    ]


def wait(call: ToolCall) -> Reply:
    """Wait until something happens that the coordinator should know of."""
    seconds = min(call.given.number("seconds", _WAIT), _LONGEST)
    until = call.given.text("until") or "any"
    watch, deadline = _Watch(call), time.monotonic() + seconds
    while True:
        unread = notes.read(call.workspace.state, mark=False) if until != "sessions" else []
        if unread:
            return said(f"{len(unread)} unread:", *_notes(unread[:20], 160), 'read them: {"action": "inbox"}')
        changed = watch.changed() if until != "inbox" else []
        if changed:
            return said(*changed, 'all of them: {"action": "sessions"}')
        left = deadline - time.monotonic()
        if left <= 0 or call.setting.stop.wait(min(_TICK, left)):
            return said(
                f"nothing happened within {seconds} seconds", "" if watch.states else "there is no session"
            )


class _Watch:
    """The sessions' states, read anew only when a log has grown or a while has passed: logs may be long."""

    def __init__(self, call: ToolCall) -> None:
        self._call = call
        self._traces = self._look()
        self._read = time.monotonic()
        self.states = _states(call)

    def changed(self) -> list[str]:
        """Return what is different from the beginning, a line a session."""
        traces = self._look()
        if traces == self._traces and time.monotonic() - self._read < _REREAD:
            return []
        self._traces, self._read = traces, time.monotonic()
        return _changed(self.states, _states(self._call))

    def _look(self) -> list[tuple[str, int]]:
        store = self._call.caller.store
        return [(id, _size(store.folder(id) / EVENTS)) for id in store.ids()]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _states(call: ToolCall) -> dict[str, str]:
    return {
        one.record.id: f"{one.state.value} ({one.record.task or one.record.branch})"
        for one in look_at_sessions(call.workspace)
    }


def _changed(before: dict[str, str], now: dict[str, str]) -> list[str]:
    ids = [id for id in {**before, **now} if before.get(id) != now.get(id)]
    return [f"{id}: {before.get(id, 'not there')} -> {now.get(id, 'gone')}" for id in ids]


# -- the coordinator itself ----------------------------------------------------------------------------------------


def current(call: ToolCall) -> Reply:
    """Show who the caller is."""
    workspace = call.workspace
    if call.record is not None:
        return implementation.current(call)
    main = (workspace.main_tip or "nothing")[:7]
    return said(
        f"role: {call.caller.role.value} (by {call.caller.why})",
        "session: none; you are not one of coord's sessions",
        f"main checkout: {workspace.top}",
        f"main: {workspace.main_name} at {main}",
    )


def notify(call: ToolCall) -> Reply:
    """Leave a note for whoever reads the inbox; a coordinator has no branch, so it means nothing else."""
    level = call.given.text("level") or "info"
    session = call.record.id if call.record else ""
    notes.leave(call.workspace.state, level, call.given.text("message"), {"session": session})
    return said("noted in the inbox, which is yours: people read it with coord inbox")
