"""Every key of ``.coord.toml``: its kind and what it means, once, for the reader, the page and the schema.

What a key means is Markdown of one line, with links as the pages under docs/ write them. Its default is the one of the
field that it fills.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from coord.core.agents import PRESETS, Adapter, Dialect, Overlap, Unsure
from coord.core.anomaly import HEURISTICS
from coord.core.kinds import (
    COMMAND,
    DURATION,
    FLAG,
    FOLDER,
    FOLDERS,
    IDENTITY,
    NAMES,
    PATTERNS,
    PORT,
    PREFIXES,
    SIZE,
    STEPS,
    TEXT,
    TEXTS,
    VARIABLES,
    Kind,
    at_least,
    one_of,
    some_of,
    text_of,
)
from coord.core.settings import (
    Approvers,
    PushMeans,
    ServerMain,
    Strategy,
    UnknownBranch,
    Untold,
)


@dataclass(frozen=True, slots=True)
class Key:
    """One key: ``unset`` is what the page says where the default is no value."""

    kind: Kind
    means: str
    unset: str = "none"


TABLES: Mapping[str, Mapping[str, Key]] = {
    "project": {
        "tasks": Key(
            FOLDER,
            "the folder that holds the task files; when absent, `[project] tasks_dir` of `.taskgraph.toml` counts",
        ),
        "prefixes": Key(
            PREFIXES, "what stands before a task's id in the name of its branch; each ends in `/`"
        ),
        "identity": Key(IDENTITY, "author and committer of the commits that coord makes"),
    },
    "land": {
        "strategy": Key(
            one_of(Strategy),
            '`"each"`: every landed branch is a first-parent step of its own, judged as that tree. `"batch"`: one step may carry several ([the queue](queue.md))',
        ),
        "workers": Key(at_least(1), "how many validations run side by side"),
        "signal": Key(
            one_of(PushMeans),
            '`"push"`: a push means done unless something says otherwise. `"explicit"`: only `Coord-Status: done` means done',
        ),
        "require_dependencies": Key(
            FLAG, "a branch waits until the tasks it depends on are completed on main"
        ),
        "unknown_branch": Key(
            one_of(UnknownBranch),
            'what happens to a branch whose id is no task: `"ignore"` (and say so, with ids like it) or `"land"`',
        ),
        "protected": Key(
            PATTERNS,
            "a branch that changes one of these paths waits for `coord approve`, on GitHub for a comment `/coord approve`",
        ),
    },
    "gate": {
        "profile": Key(
            TEXT,
            "a profile of the table below, or the name of a `[profiles.NAME]`. Without it the profile is found by the files in the root of main, and said aloud; when nothing is found, landing ends with exit code 2",
        ),
    },
    "resolve": {
        "command": Key(
            COMMAND, "a command that may resolve a conflict, in a scratch folder outside the repository"
        ),
    },
    "server": {
        "main": Key(
            one_of(ServerMain),
            'in server mode, whether people may push main themselves: `"open"` or `"closed"`',
        ),
    },
    "github": {
        "blocked": Key(
            one_of(Untold),
            'where a blocked branch without a pull request is told: `"draft"` (a draft pull request is opened), `"issue"`, or `"nothing"` ([where people are told](github.md#where-people-are-told))',
        ),
        "hold_labels": Key(TEXTS, "a branch whose pull request bears one of these labels waits"),
        "approvers": Key(
            one_of(Approvers),
            'what a person must be allowed to do in the repository to approve changes of protected paths there: `"write"`, `"maintain"` or `"admin"`',
        ),
    },
    "sessions": {
        "agent": Key(
            TEXT, "the agent that is started: a preset ([agents](agents.md)), or one of `[agents.NAME]`"
        ),
        "by_prefix": Key(
            NAMES, 'another agent by the prefix of the task\'s branch: `{ "research/" = "claude" }`'
        ),
        "by_level": Key(
            NAMES,
            "another agent by the task's level. A task's own `agent` and `model` come first, then the prefix, then the level",
        ),
        "prompt": Key(
            FOLDER, "the path, on main, of a Jinja2 template for the first prompt, in place of coord's own"
        ),
        "unsure": Key(
            one_of(Unsure), 'a permission that no rule decides: `"ask"` the coordinator, or `"deny"`'
        ),
        "answer": Key(
            DURATION,
            "how long a question or permission waits for a person; then it is denied with that reason",
        ),
        "claim": Key(DURATION, "how long a claim holds without being renewed"),
        "keep": Key(at_least(0), "how many ended sessions' logs stay"),
    },
    "run": {
        "max": Key(at_least(1), "sessions at a time"),
        "memory": Key(SIZE, 'memory that must be free before another session is started; `"0"`: never asked'),
        "attempts": Key(
            at_least(1), "sessions for one task; after that it is blocked, with what they ran into"
        ),
        "overlap": Key(
            one_of(Overlap),
            'a ready task that is expected to change files that are being changed: `"show"` it, or `"hold"` it back',
        ),
    },
    "monitor": {
        "nudges": Key(
            at_least(0), "how often a session that stalls, or ends its turn without a word, is asked to go on"
        ),
        "abort": Key(
            some_of(tuple(HEURISTICS), "list of heuristics"),
            "heuristics that end a session; all others only tell",
        ),
        "failed_tools": Key(at_least(1), "more failed tool calls than this in a session are told"),
        "repeats": Key(at_least(2), "so many equal tool calls in a row are told"),
        "retries": Key(at_least(1), "so many retries of the model in a row are told"),
        "starting": Key(DURATION, "silence that counts as a stall while the agent starts"),
        "model": Key(DURATION, "the same while the model answers"),
        "tool": Key(DURATION, "the same while a tool runs"),
        "child": Key(DURATION, "the same while a child agent runs"),
        "retry": Key(DURATION, "the same while the agent waits to ask its model again"),
    },
    "worktree": {
        "setup": Key(
            STEPS, "commands that run in a new worktree, in order; when one fails, nothing of it is left"
        ),
        "setup_timeout": Key(DURATION, "for each of them"),
        "ready": Key(COMMAND, "a command that is asked until it ends with 0; only then an agent starts"),
        "ready_timeout": Key(DURATION, "how long it is asked"),
        "ports": Key(at_least(0), "ports leased to a worktree: `COORD_PORT`, `COORD_PORT_2` and so on"),
        "port_from": Key(PORT, "the lowest of them"),
    },
}

#: What stands in ``[profiles.NAME]``.
PROFILE_KEYS: Mapping[str, Key] = {
    "steps": Key(
        STEPS,
        'the commands, in order. A text is split as a shell would split it; a list of words is taken as it is. No shell runs: write `["sh", "-c", "…"]` for one',
    ),
    "timeout": Key(
        DURATION,
        "for each step: a number and `s`, `m` or `h`. When it is over, the step and all that it started end, and the step has failed",
    ),
    "keep": Key(FOLDERS, "folders that stay in the gate's folder from trial to trial"),
    "retries": Key(
        at_least(0),
        "how often a step that fails is run again; when it then passes, the landing says that it is flaky",
    ),
    "inputs": Key(
        PATTERNS,
        "patterns: what the gate's folder holds, and what the evidence covers",
        unset="everything but the task folder",
    ),
    "git": Key(
        FLAG,
        "give the gate's folder a `.git` of its own, for builds that ask git; the evidence then covers the commit",
    ),
    "wrap": Key(COMMAND, "a command put before every step, such as a sandbox"),
    "toolchain": Key(
        STEPS,
        "commands whose output belongs to the evidence: another version of a compiler is another judgement",
    ),
    "processes": Key(at_least(0), "how many processes a step may have at a time (Linux); `0`: no limit"),
    "disk": Key(SIZE, 'how much a step may add to the gate\'s folder, in `M` or `G`; `"0"`: no limit'),
    "memory": Key(
        SIZE, 'how much address space each process of a step may take, in `M` or `G`; `"0"`: no limit'
    ),
}

#: What stands in ``[agents.NAME]``.
AGENT_KEYS: Mapping[str, Key] = {
    "like": Key(
        text_of(tuple(kind.name for kind in PRESETS), "name of a preset"), "the preset to start from"
    ),
    "adapter": Key(one_of(Adapter), 'how coord speaks to it: `"acp"`, `"command"` or `"opencode-http"`'),
    "command": Key(COMMAND, "the program and its arguments; no shell runs"),
    "model": Key(TEXT, "the model it is asked to use"),
    "dialect": Key(
        one_of(Dialect), 'what a command prints: `"plain"`, `"claude"`, `"codex"`, `"gemini"` or `"opencode"`'
    ),
    "environment": Key(VARIABLES, "variables added to its environment"),
    "url": Key(TEXT, "where a server of it runs already (`opencode-http`)"),
}

#: Tables that hold tables with names of the user's own.
FAMILIES: Mapping[str, Mapping[str, Key]] = {"profiles": PROFILE_KEYS, "agents": AGENT_KEYS}
