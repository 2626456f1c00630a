"""Starting a session's host and its agent: which program, in which environment, with which secret."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from coord.agents.base import SessionSpec, ToolServer
from coord.agents.registry import INSTALL, is_installed
from coord.core.agents import PYTHON, AgentKind, chosen
from coord.core.claim import ClaimText
from coord.core.session import SessionRecord
from coord.core.settings import Settings
from coord.core.task import Task
from coord.errors import UsageError
from coord.processes import identify
from coord.sessions.store import HOST_LOG, Store
from coord.workspace import Workspace
from coord.worktrees.ports import environment as port_environment


def agent_for(settings: Settings, task: Task | None, branch: str, asked: str) -> AgentKind:
    """Return the agent of a session: what was asked for, else what the task, the branch's prefix or the task's level
    names, else the default. Raises UsageError when there is no such agent."""
    own, level = (task.agent, task.level) if task else ("", "")
    return agent_kind(settings, asked or chosen(settings.sessions, own=own, branch=branch, level=level))


def agent_kind(settings: Settings, name: str) -> AgentKind:
    """Return the agent of that name. Raises UsageError with the names there are."""
    kind = settings.agent(name)
    if kind is None:
        from coord.core.agents import PRESETS

        known = sorted({own.name for own in settings.agents} | {one.name for one in PRESETS})
        raise UsageError(
            f"no agent '{name}'", hint=f"one of: {', '.join(known)}; or add [agents.{name}] on main"
        )
    return kind


def resolved(kind: AgentKind) -> AgentKind:
    """Return the agent with the program that is really started. Raises UsageError when it is not on this machine."""
    command = tuple(sys.executable if word == PYTHON else word for word in kind.command)
    if command and not kind.url and shutil.which(command[0]) is None:
        raise UsageError(
            f"{kind.name}: there is no program '{command[0]}' on this machine",
            hint="install it, or name another agent with --agent or [sessions] agent (docs/agents.md)",
        )
    if not is_installed(kind.adapter):
        raise UsageError(f"{kind.name}: what speaks to it is not installed", hint=INSTALL)
    return replace(kind, command=command)


def claim_of(record: SessionRecord, expires: float) -> ClaimText:
    """Return what a session's claim says."""
    return ClaimText(record.task, record.machine, record.id, int(expires))


def hashed(token: str) -> str:
    """Return what is kept of a session's secret: who reads the record still cannot act as the session."""
    return hashlib.sha256(token.encode()).hexdigest()


def spec_of(workspace: Workspace, record: SessionRecord, foreign: str) -> SessionSpec:
    """Return what an adapter is to start, with a new secret: the old one dies with the old process."""
    store = Store.of(workspace)
    token = os.urandom(24).hex()
    store.change(replace(record, token=hashed(token)))
    kind = resolved(agent_kind(workspace.settings, record.agent))
    environment = session_environment(workspace, record, token) | dict(kind.environment)
    tools = ToolServer(
        "coord",
        (sys.executable, "-P", "-m", "coord", "mcp"),
        (("COORD_SESSION", token), ("COORD_TASK", record.task), ("COORD_WORKTREE", record.worktree)),
    )
    return SessionSpec(
        kind=kind,
        folder=Path(record.worktree),
        environment=environment,
        scratch=store.folder(record.id),
        model=record.model or kind.model,
        servers=(tools,),
        foreign=foreign or record.forked,
        copy=bool(record.forked) and not foreign,
        deadline=workspace.settings.monitor.starting,
    )


#: What coord reads a token for the forge from, and where a person leaves one that is meant for agents.
_TOKENS = frozenset({"GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"})
AGENTS_TOKEN = "COORD_AGENT_TOKEN"  # noqa: S105 - the name of a variable


def session_environment(workspace: Workspace, record: SessionRecord, token: str) -> dict[str, str]:
    """Return the agent's environment: the user's, without what belongs to another git or another session, and without the
    tokens with which coord acts on the forge: whoever has a maintainer's could approve in his name."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "COORD_"))}
    kept = {name: value for name, value in kept.items() if name not in _TOKENS}
    if own := os.environ.get(AGENTS_TOKEN):
        kept["GH_TOKEN"] = own
    return kept | {
        "COORD_SESSION": token,
        "COORD_ROLE": record.role.value,
        "COORD_TASK": record.task,
        "COORD_WORKTREE": record.worktree,
        "COORD_BRANCH": record.branch,
        "PATH": _path(workspace, kept.get("PATH", os.defpath)),
        **port_environment(record.ports),
    }


def _path(workspace: Workspace, path: str) -> str:
    """Return PATH with the command ``coord`` on it: an agent says done with it, wherever coord is installed."""
    if shutil.which("coord", path=path):
        return path
    folder = workspace.state / "bin"
    program = folder / "coord"
    text = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m coord "$@"\n'
    if not program.is_file() or program.read_text() != text:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = folder / f".coord.{os.getpid()}"
        scratch.write_text(text)
        scratch.chmod(0o755)
        scratch.rename(program)
    return f"{path}{os.pathsep}{folder}"


#: Starts what its arguments name as nobody's child, and prints its number: it is nobody's to end or to wait for.
_DETACH = """import os, sys
pid = os.fork()
if pid:
    os.write(1, b"%d" % pid)
    os._exit(0)
os.dup2(2, 1)
os.execv(sys.argv[1], sys.argv[1:])
"""


def start_host(workspace: Workspace, id: str) -> None:
    """Start the session's host, detached: it outlives this process and has no terminal. A second one ends at once."""
    store = Store.of(workspace)
    host = (sys.executable, "-P", "-m", "coord.sessions.host", str(workspace.top), id)
    with (store.folder(id) / HOST_LOG).open("ab") as log:
        started = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _DETACH, *host],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            cwd=workspace.common,
            check=True,
        )
    # It writes this itself as well; whoever looks in between must not take the session for one whose host is gone.
    known = identify(int(started.stdout))
    if known is not None:
        store.hosted_by(id, known)
