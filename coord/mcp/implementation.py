"""What an implementation session may do, one function an action: only in its own worktree, on its own branch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from coord import inbox
from coord.core.guard import unsilenced
from coord.core.text import one_line
from coord.errors import RefusedError, UsageError
from coord.git import Git
from coord.mcp.call import Reply, ToolCall, error, said
from coord.sessions.identity import note_signal
from coord.statement import Here, Told, identity_in, say_blocked, say_done, where_am_i
from coord.statement import notify as tell

#: Lines of git's status that are shown.
_LINES = 60


@dataclass(frozen=True, slots=True)
class Own:
    """The worktree that the caller may act on, the branch that is checked out there, and git with the agent's identity."""

    folder: Path
    branch: str
    git: Git


def own(call: ToolCall) -> Own:
    """Return what the caller may act on. Raises UsageError when there is nothing, or something else is checked out."""
    folder, record = call.caller.worktree, call.record
    if folder is None:
        raise UsageError(
            call.caller.over or f"you have no worktree here: {call.caller.why}", hint="stop; tell a person"
        )
    head = call.workspace.git.head() or ""
    branch = head.removeprefix("refs/heads/")
    if record is not None and branch != record.branch:
        on = f"'{branch}'" if branch else "no branch (detached HEAD)"
        raise UsageError(
            f"your worktree is on {on}, your branch is {record.branch}", hint=f"git switch {record.branch}"
        )
    if not branch or branch == call.workspace.main:
        raise UsageError("your worktree is on no branch of your own", hint="git switch to your task branch")
    return Own(folder, branch, Git(folder, hook=identity_in(call.setting.inherited)))


def current(call: ToolCall) -> Reply:
    """Show who the caller is."""
    caller, record = call.caller, call.record
    lines = [f"role: {caller.role.value} (by {caller.why})"]
    if record is not None:
        lines += [f"session: {record.id}", f"agent: {record.agent}"]
        lines += [f"asked for by: {record.parent}"] if record.parent else []
    lines += [f"note: {caller.over}"] if caller.over else []
    if caller.worktree is None:
        return said(*lines, "you have no worktree of your own here: you may only ask for help")
    branch = (call.workspace.git.head() or "").removeprefix("refs/heads/")
    if call.workspace.settings.task_of(branch) is None:
        return said(
            *lines,
            f"worktree: {caller.worktree}",
            f"branch: {branch or 'none (detached HEAD)'}",
            "task: none",
        )
    return said(*lines, call.run("current").text)


def status(call: ToolCall) -> Reply:
    """Show what the caller's worktree holds; another's is not shown."""
    mine = own(call)
    asked = call.given.text("path")
    if asked and asked != mine.branch and (mine.folder / asked).resolve() != mine.folder.resolve():
        return error(
            f"'{one_line(asked, 80)}' is not yours: you may see {mine.folder} ({mine.branch})",
            "leave path out",
        )
    answer = call.workspace.git.run("status", "--short", "--branch", "--untracked-files=normal")
    lines = [one_line(line, 300) for line in answer.text.splitlines()]
    shown = [f"{mine.branch} in {mine.folder}", *lines[: _LINES + 1]]
    if len(lines) > _LINES + 1:
        shown.append(f"... and {len(lines) - _LINES - 1} more: git status --short")
    note = "note: only the coordinator sees other worktrees" if call.given.flag("all") else ""
    clean = "nothing is uncommitted" if len(lines) == 1 else "commit what belongs to your task"
    return said(*shown, clean, note)


# -- commits -------------------------------------------------------------------------------------------------------


def commit(call: ToolCall) -> Reply:
    """Commit what changed in the worktree but for the task folder; hooks run, the identity is the agent's."""
    mine = own(call)
    tasks = call.workspace.settings.project.tasks
    named = [f":(top,literal){_path(call, mine, path)}" for path in call.given.texts("paths")]
    paths = [*(named or ["."]), f":(exclude,top,literal){tasks}"]
    merging = mine.git.run("rev-parse", "--verify", "--quiet", "MERGE_HEAD", ok=(0, 1, 128)).code == 0
    left = () if merging else _unstage(mine, tasks)
    mine.git.run("add", "-A", "--", *paths, env=_UNASKED)
    if not merging and mine.git.run("diff", "--cached", "--quiet", ok=(0, 1)).code == 0:
        return said("nothing to commit: the worktree has no changes outside the task folder", *left)
    message = unsilenced(call.given.text("message")) + "\n"
    only = ["--only", "--", *paths] if named and not merging else []
    answer = mine.git.run(
        "commit", "--quiet", "--file=-", *only, data=message.encode(), ok=(0, 1, 128), env=_UNASKED
    )
    if answer.code != 0:
        words = one_line(answer.err.strip() or answer.text.strip(), 1500)
        return error(f"git did not commit: {words}", "mend what it names, then commit again")
    tip = mine.git.resolve("HEAD") or ""
    files = mine.git.run("diff-tree", "--no-commit-id", "--name-only", "-r", "-z", "--root", tip).text.count(
        "\0"
    )
    return said(f"committed {tip[:7]} on {mine.branch}: {files} file(s)", *left, 'next: {"action": "push"}')


#: Nobody answers a question of git's here.
_UNASKED = {"GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true"}


def _unstage(mine: Own, tasks: str) -> tuple[str, ...]:
    """Take the task folder out of what is staged: coord writes it, and a commit of it is refused."""
    answer = mine.git.run("--literal-pathspecs", "diff", "--cached", "--name-only", "-z", "--", tasks)
    names = [one_line(name, 120) for name in answer.text.split("\0") if name]
    if not names:
        return ()
    mine.git.run("--literal-pathspecs", "reset", "--quiet", "--", tasks)
    return (f"left out: {', '.join(names[:5])}; coord itself writes the task folder",)


def _path(call: ToolCall, mine: Own, path: str) -> str:
    """Return a path from the worktree's root. Raises UsageError for what lies elsewhere or in the task folder."""
    named, root = mine.folder / path, mine.folder.resolve()
    # A link is committed as it is, so where it leads does not matter; where it lies does.
    inside = named.resolve() if named.name == ".." else named.parent.resolve() / named.name
    if not inside.is_relative_to(root) or ".git" in inside.relative_to(root).parts:
        raise UsageError(
            f"'{one_line(path, 80)}' is outside your worktree {mine.folder}", hint="name files from its root"
        )
    if call.workspace.settings.is_task_path(inside.relative_to(root).as_posix()):
        raise UsageError(
            f"'{one_line(path, 80)}' is in the task folder, which coord itself writes", hint="leave it out"
        )
    return inside.relative_to(root).as_posix()


def push(call: ToolCall) -> Reply:
    """Push the caller's own branch, and no other; nothing is forced."""
    mine = own(call)
    if call.workspace.remote is None:
        return error("there is no remote to push to", "tell a person: git remote add origin URL")
    ref = f"refs/heads/{mine.branch}"
    mine.git.patience = call.workspace.git.patience
    answer = mine.git.run(
        "push",
        "--quiet",
        "--end-of-options",
        call.workspace.remote,
        f"{ref}:{ref}",
        ok=(0, 1, 128),
        env=_UNASKED,
    )
    if answer.code != 0:
        raise RefusedError(
            f"the push of {mine.branch} was refused: {one_line(answer.err, 1500)}",
            hint=f"when the remote has more: git fetch, git merge {call.workspace.remote}/{mine.branch}, then push again",
        )
    tip = (call.workspace.git.resolve(ref) or "")[:7]
    return said(
        f"pushed {mine.branch} at {tip}", 'a push is not done; when the work is finished: {"action": "done"}'
    )


# -- words ---------------------------------------------------------------------------------------------------------


def done(call: ToolCall) -> Reply:
    """Say that the work is finished."""
    text = call.given.text("message")
    return _signal(call, "done", text, lambda here: say_done(call.workspace, here, text))


def block(call: ToolCall) -> Reply:
    """Say that the work cannot go on: the safe exit."""
    reason = call.given.text("reason")
    facts: Mapping[str, str] = {name: call.given.text(name) for name in ("tried", "attempts", "suggestion")}
    return _signal(call, "blocked", reason, lambda here: say_blocked(call.workspace, here, reason, facts))


def _signal(call: ToolCall, what: str, text: str, say: Callable[[Here], tuple[str, ...]]) -> Reply:
    here = _here(call)
    words = say(here)
    note_signal(call.workspace, call.setting.environment, what, branch=here.branch, text=text)
    return said(*words, "next: end your turn; there is nothing more to do here")


def _here(call: ToolCall) -> Here:
    own(call)
    here = where_am_i(call.workspace, call.setting.inherited)
    return replace(here, session=call.record.id if call.record else "")


def notify(call: ToolCall) -> Reply:
    """Tell the coordinator something; without a task it is left in the inbox, whatever its level."""
    level, text = call.given.text("level") or "info", call.given.text("message")
    mine = own(call)
    if call.workspace.settings.task_of(mine.branch) is None:
        session = call.record.id if call.record else ""
        inbox.leave(
            call.workspace.state, level, text, {"task": "", "branch": mine.branch, "session": session}
        )
        return said("noted in the coordinator's inbox")
    told: Told = tell(call.workspace, here := _here(call), level, text)
    if told.signal:
        note_signal(call.workspace, call.setting.environment, told.signal, branch=here.branch, text=text)
    return said(*told.words, "" if told.signal else "it is not taken as done; go on with your task")
