"""Which permissions of an agent coord answers itself: nobody watches, and a question without an answer hangs for ever."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from enum import StrEnum

from coord.core.agentevent import Asked, Phase
from coord.core.agents import Unsure
from coord.core.text import one_line


class Verdict(StrEnum):
    """What is answered, or that a person is asked."""

    ALLOW = "allow"
    REJECT = "reject"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is answered to a permission; the reason is for the log, and for the agent when it is a rejection."""

    verdict: Verdict
    reason: str


#: The tools of coord's own server under the names that agents give them: ``mcp__coord__worktree`` (Claude Code, the
#: scripted agent), ``mcp_coord_worktree`` (Gemini CLI), ``coord_worktree`` (OpenCode), ``coord.worktree`` (Codex),
#: ``worktree`` (Qwen Code).
_OWN = re.compile(r"(?:mcp__?)?coord(?:__|_|\.|/)(?:worktree|memory)|worktree")

#: Tools that run a command: what it touches is not in the paths that it names.
_COMMANDS = frozenset(
    {"bash", "shell", "execute", "exec_command", "command_execution", "run_shell_command", "terminal"}
)


def decide(asked: Asked, worktree: str, unsure: Unsure) -> Decision:
    """Return what to answer: coord's tools are allowed, paths inside the worktree are, one outside is rejected, and
    ``unsure`` says what happens to the rest. ``worktree`` and the paths are compared as text: who has a file system
    resolves their links first (``coord.agents.policy``)."""
    if asked.phase is Phase.QUESTION:
        return Decision(Verdict.ASK, "a question is for a person")
    if _OWN.fullmatch(asked.tool):
        return Decision(Verdict.ALLOW, "coord's own tool")
    outside = [path for path in asked.paths if not is_inside(path, worktree)]
    if outside:
        return Decision(
            Verdict.REJECT,
            f"{one_line(outside[0])} is no file of this session's worktree ({one_line(worktree)})",
        )
    if asked.paths and asked.tool.lower() not in _COMMANDS:
        return Decision(Verdict.ALLOW, "inside the worktree")
    if unsure is Unsure.DENY:
        return Decision(Verdict.REJECT, "nobody is there to allow this; go on without it")
    return Decision(Verdict.ASK, "nothing says what it would change")


def is_inside(path: str, worktree: str) -> bool:
    """Say whether ``path`` (relative ones: to the worktree) lies in the worktree; what cannot be told does not."""
    # ``..`` after a link leads elsewhere than the text says: a path that needs it is not trusted.
    if not is_literal(path) or ".." in path.split("/"):
        return False
    root = posixpath.normpath(worktree)
    whole = posixpath.normpath(posixpath.join(root, path))
    return (whole == root or whole.startswith(root.rstrip("/") + "/")) and not _is_git(whole, root)


def is_literal(path: str) -> bool:
    """Say whether ``path`` means itself: nothing in it stands for something else in a shell or a browser."""
    return bool(path) and path[0] != "~" and not re.search(r"[\0$`*?\n]|\A[A-Za-z][A-Za-z0-9+.-]*://", path)


def _is_git(path: str, root: str) -> bool:
    # What git keeps is git's: hooks and configuration in there run as somebody else.
    return ".git" in (part.lower() for part in posixpath.relpath(path, root).split("/"))
