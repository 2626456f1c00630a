"""Which action of the tool ``worktree`` which role may use, and what each takes. The names are those of the plugin of that
name, so that role prompts written for it hold. Pure: the server looks here before it does anything."""

from __future__ import annotations

from collections.abc import Mapping

from coord.core.session import SessionRole
from coord.core.toolcall import Action, Argument, Kind, Wrong, nearest

_NAME, _NAMES, _TEXT, _FLAG, _NUMBER = Kind.NAME, Kind.NAMES, Kind.TEXT, Kind.FLAG, Kind.NUMBER

_WHERE = Argument("pathOrBranch", _NAME, "a worktree, by its path or its branch", example='"feat/auth"')
_SESSION = Argument(
    "sessionID",
    _NAME,
    "a session: its id, task or branch",
    required=True,
    also=("session", "id"),
    example='"ses_0a1b2c3d4e5f"',
)
_TASKS = Argument("tasks", _NAMES, "ids of tasks", also=("task", "ids"), example='["auth", "db"]')
_PLACE = (
    Argument("name", _NAME, "what it is about; the branch's name is made of it", example='"feature audit"'),
    Argument("branch", _NAME, "the branch, when name does not say it"),
    Argument("base", _NAME, "where a new branch starts (the remote's main)"),
    Argument("path", _NAME, "where the worktree lies (.worktrees/BRANCH)"),
)
_UI = Argument("openSessions", _FLAG, "taken and passed over: coord has no session screen")
_AGENT = (
    Argument("agent", _NAME, "which agent: a preset or one of [agents.NAME]; another name means the default"),
    Argument("model", _NAME, "the model that it is asked to use"),
)
_PROMPT = Argument("prompt", _TEXT, "what it is told first; {{ task }} is put in", also=("message",))
_HELP = Action(
    "help",
    "show the actions, or one of them",
    (Argument("action", _NAME, "the action", also=("tool", "name"), example='"spawn"'),),
    examples=("{}", '{"action": "spawn"}'),
)
_NOTIFY = Action(
    "notify",
    "tell the coordinator something",
    (
        Argument(
            "message", _TEXT, "what to tell", required=True, also=("text",), example='"Task completed: ..."'
        ),
        Argument("level", _NAME, "how much it matters (info)", choices=("info", "warning", "blocking")),
    ),
    changes=True,
    examples=(
        '{"message": "half of it works", "level": "info"}',
        '{"message": "I need a key", "level": "blocking"}',
    ),
    more=(
        "info and warning are progress and never mean done. blocking is the safe exit: it is block. info whose text begins "
        'with "Task completed", on a branch that is clean, pushed and ahead of main, is done.'
    ),
)
_CURRENT = Action("current", "show who you are: role, session, task, branch, worktree", examples=("{}",))
_STATUS = Action(
    "status",
    "show how worktrees stand",
    (
        Argument("path", _NAME, "only this worktree: a path or a branch", also=("pathOrBranch",)),
        Argument("all", _FLAG, "the main checkout and other branches too"),
        Argument("porcelain", _FLAG, "git status of each as well"),
    ),
    examples=("{}", '{"all": true}', '{"path": "feat/auth", "porcelain": true}'),
)

_COORDINATOR = (
    _HELP,
    Action("list", "list the worktrees", examples=("{}",)),
    _STATUS,
    Action("dashboard", "show sessions, worktrees and unread notes on one screen", examples=("{}",)),
    Action(
        "create",
        "make a worktree on a branch of its own",
        _PLACE,
        changes=True,
        examples=('{"name": "feature audit"}', '{"name": "audit", "branch": "feat/audit", "base": "main"}'),
        more="A name without a prefix gets the first one configured; spaces become dashes.",
    ),
    Action(
        "start",
        "make a worktree and start a session in it, without a task",
        (*_PLACE, _WHERE, _UI, *_AGENT, _PROMPT),
        changes=True,
        examples=('{"name": "feature audit", "openSessions": true}',),
        more="The branch is wt/NAME unless branch names another. A task is given with spawn.",
    ),
    Action(
        "open",
        "start a session in a worktree that is there",
        (_WHERE, *_PLACE, _UI, *_AGENT, _PROMPT),
        changes=True,
        examples=('{"pathOrBranch": "wt/audit"}',),
    ),
    Action(
        "fork",
        "copy a session into a new worktree: the copy goes on with what it knows",
        (
            *_PLACE,
            _WHERE,
            _UI,
            Argument("sessionID", _NAME, "the session to copy (your own)", also=("session", "id")),
            _PROMPT,
        ),
        changes=True,
        examples=('{"name": "feature audit", "sessionID": "ses_0a1b2c3d4e5f"}',),
    ),
    Action(
        "swarm",
        "start several sessions without tasks, each in a worktree of its own",
        (
            Argument(
                "tasks",
                _NAMES,
                "what each is about",
                required=True,
                also=("names",),
                example='["auth", "docs"]',
            ),
            Argument("prefix", _NAME, "what stands before the branches (wt/)"),
            _UI,
            Argument("force", _FLAG, "taken and passed over: a branch that is there is continued"),
            *_AGENT,
            _PROMPT,
        ),
        changes=True,
        examples=('{"tasks": ["refactor-auth", "docs-refresh"]}',),
    ),
    Action(
        "spawn",
        "give tasks to agents: a claim, a worktree and a session for each",
        (
            Argument(
                _TASKS.name, _NAMES, "ids of tasks that are ready", True, _TASKS.also, (), _TASKS.example
            ),
            Argument("prefix", _NAME, "prefix of the branches (the first that is configured, not wt/)"),
            *_AGENT,
            _PROMPT,
        ),
        changes=True,
        examples=(
            '{"tasks": ["auth", "db"]}',
            '{"tasks": ["auth", "db"], "prefix": "feat/", "prompt": "Do {{ task }}"}',
        ),
    ),
    Action(
        "message",
        "tell a session something: it gets it when its turn ends",
        (
            _SESSION,
            Argument(
                "message", _TEXT, "what to tell", required=True, also=("text", "prompt"), example='"go on"'
            ),
            Argument("agent", _NAME, "taken and passed over: a session keeps its agent"),
            Argument("interrupt", _FLAG, "end the turn under way first"),
            Argument(
                "answer", _FLAG, "the message answers what the session asks: allow, always, deny or a text"
            ),
        ),
        changes=True,
        examples=(
            '{"sessionID": "ses_0a1b2c3d4e5f", "message": "Please continue"}',
            '{"sessionID": "auth", "message": "allow", "answer": true}',
        ),
    ),
    Action(
        "sessions",
        "show the sessions and what each does",
        (
            Argument(
                "sessionIDs",
                _NAMES,
                "only these: id, task or branch",
                also=("sessionID",),
                example='["auth"]',
            ),
        ),
        examples=("{}",),
    ),
    Action(
        "abort",
        "end a session; its work is kept",
        (_SESSION, Argument("reason", _TEXT, "why", also=("message",))),
        changes=True,
        examples=('{"sessionID": "ses_0a1b2c3d4e5f"}',),
    ),
    Action(
        "cleanup",
        "remove worktrees that are not needed any more",
        (
            Argument("action", _NAME, "which", True, ("mode",), ("remove", "prune", "merged"), '"prune"'),
            Argument(
                "pathOrBranch",
                _NAME,
                "remove: the worktree, by path, branch or task",
                also=("path", "branch"),
            ),
            Argument("force", _FLAG, "remove: save what would be lost to refs/coord/rescue, then remove"),
            Argument("dryRun", _FLAG, "say what would go and change nothing"),
            Argument("remote", _FLAG, "remove, merged: the remote's branch as well"),
        ),
        changes=True,
        examples=('{"action": "prune", "dryRun": true}', '{"action": "remove", "pathOrBranch": "feat/auth"}'),
        more="prune removes what is over, merged the branches that main contains. Nothing that main lacks is lost.",
    ),
    Action(
        "merge",
        "land what is ready: merge, validate, publish",
        (_TASKS,),
        changes=True,
        examples=("{}", '{"tasks": ["auth"]}'),
    ),
    Action("plan", "show what merge would do, and why each branch waits", (_TASKS,), examples=("{}",)),
    Action(
        "block",
        "block a task on main: what depends on it waits",
        (
            Argument("task", _NAME, "the task", required=True, also=("id",), example='"auth"'),
            Argument("reason", _TEXT, "why, in one line", required=True, also=("message",)),
        ),
        changes=True,
        examples=('{"task": "auth", "reason": "the key is missing"}',),
    ),
    Action(
        "unblock",
        "lift a block; its history is kept",
        (
            Argument("task", _NAME, "the task", required=True, also=("id",), example='"auth"'),
            Argument(
                "context",
                _TEXT,
                "what was missing; it is kept in the task's Notes",
                also=("message", "reason"),
            ),
        ),
        changes=True,
        examples=('{"task": "auth", "context": "the key is in .env now"}',),
    ),
    Action(
        "inbox",
        "read what agents and the monitor have told; each note once",
        (
            Argument("all", _FLAG, "what was read before, too"),
            Argument("keep", _FLAG, "show it again next time"),
        ),
        examples=("{}",),
    ),
    Action(
        "wait",
        "wait until a note arrives or a session changes its state",
        (
            Argument(
                "seconds", _NUMBER, "at most so long (50; not above 300)", also=("timeout",), example="50"
            ),
            Argument("until", _NAME, "for what (any)", choices=("any", "inbox", "sessions")),
        ),
        examples=("{}", '{"seconds": 120}'),
        more="Returns at once when something is unread.",
    ),
    _CURRENT,
    _NOTIFY,
)

_IMPLEMENTATION = (
    _HELP,
    _CURRENT,
    Action("status", "show what your worktree holds and what is pushed", _STATUS.arguments, examples=("{}",)),
    Action(
        "commit",
        "commit what you changed, but for the task folder",
        (
            Argument(
                "message",
                _TEXT,
                "the commit's message",
                required=True,
                also=("text",),
                example='"keys: parse them"',
            ),
            Argument(
                "paths",
                _NAMES,
                "only these, from the worktree's root",
                also=("files",),
                example='["src/a.txt"]',
            ),
        ),
        changes=True,
        examples=(
            '{"message": "keys: parse them"}',
            '{"message": "keys: test them", "paths": ["tests/keys.py"]}',
        ),
    ),
    Action("push", "push your branch, and no other", changes=True, examples=("{}",)),
    _NOTIFY,
    Action(
        "done",
        "say that your work is finished and push it",
        (Argument("message", _TEXT, "what was done; kept as the task's Summary", also=("summary", "text")),),
        changes=True,
        examples=('{"message": "keys are parsed and tested"}',),
        more="Everything must be committed. It lands when the gate passes on main with your branch merged.",
    ),
    Action(
        "block",
        "say that you cannot go on, and push what is there: the safe exit",
        (
            Argument(
                "reason",
                _TEXT,
                "what went wrong",
                required=True,
                also=("message",),
                example='"the spec is missing"',
            ),
            Argument("tried", _TEXT, "what you tried"),
            Argument("attempts", _TEXT, "how often"),
            Argument("suggestion", _TEXT, "what might help", also=("suggest",)),
        ),
        changes=True,
        examples=(
            '{"reason": "the API has no such call", "tried": "versions 1 and 2", "attempts": 3, "suggestion": "ask its owner"}',
        ),
    ),
)

WORKTREE: Mapping[SessionRole, Mapping[str, Action]] = {
    SessionRole.COORDINATOR: {one.name: one for one in _COORDINATOR},
    SessionRole.IMPLEMENTATION: {one.name: one for one in _IMPLEMENTATION},
}

#: Other words for an action; ``merge`` is ``coord land``.
_ALSO = {"land": "merge", "ls": "list"}


def worktree_action(role: SessionRole, word: str) -> Action | Wrong:
    """Return the action of ``worktree`` that a word means, or why this role may not use it."""
    name = _ALSO.get(word.lower(), word.lower())
    own = WORKTREE[role]
    if name in own:
        return own[name]
    usable = f"you may use: {', '.join(own)}"
    if any(name in actions for actions in WORKTREE.values()):
        return Wrong(f"'{name}' is not for {role.value} sessions", usable)
    return Wrong(f"unknown action '{word}'{nearest(word, tuple(own))}", usable)
