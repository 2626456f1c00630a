"""Which agents there are and how coord treats them, as values: what ``[agents]``, ``[sessions]``, ``[run]``,
``[monitor]`` and ``[worktree]`` of ``.coord.toml`` say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Adapter(StrEnum):
    """How coord speaks to an agent: one module of ``coord.agents`` each."""

    ACP = "acp"
    COMMAND = "command"
    OPENCODE_HTTP = "opencode-http"


class Dialect(StrEnum):
    """What a command adapter's agent prints."""

    PLAIN = "plain"
    CLAUDE = "claude"
    CODEX = "codex"
    GEMINI = "gemini"
    OPENCODE = "opencode"


class Overlap(StrEnum):
    """What happens to a ready task that is expected to change the files of one that is under way."""

    SHOW = "show"
    HOLD = "hold"


class Unsure(StrEnum):
    """What happens to a permission that the rules neither allow nor deny."""

    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class AgentKind:
    """An agent that can be started: ``command`` is an argument list (see ``core.invocation`` for its places), ``model`` what it is asked to use (``""``: its
    own choice), ``environment`` what is added to its environment, ``url`` where a running server of it answers."""

    name: str
    adapter: Adapter
    command: tuple[str, ...] = ()
    model: str = ""
    dialect: Dialect = Dialect.PLAIN
    environment: tuple[tuple[str, str], ...] = ()
    url: str = ""


#: The command of the scripted agent begins with this word; the shell puts the running Python in its place.
PYTHON = "{python}"

_AIDER = ("aider", "--yes-always", "--no-check-update", "--no-pretty", "--no-stream")

#: Where the words come from: the recordings in ``tests/agents/recordings`` for those that are in there, else the link.
PRESETS: tuple[AgentKind, ...] = (
    AgentKind("scripted", Adapter.ACP, (PYTHON, "-P", "-m", "coord.agents.scripted")),
    AgentKind("opencode", Adapter.ACP, ("opencode", "acp")),
    AgentKind("opencode-http", Adapter.OPENCODE_HTTP, ("opencode", "serve")),
    # npm @agentclientprotocol/claude-agent-acp, once @zed-industries/claude-code-acp.
    AgentKind("claude", Adapter.ACP, ("claude-agent-acp",)),
    # npm @agentclientprotocol/codex-acp, once @zed-industries/codex-acp.
    AgentKind("codex", Adapter.ACP, ("codex-acp",)),
    AgentKind("gemini", Adapter.ACP, ("gemini", "--acp")),
    AgentKind("qwen", Adapter.ACP, ("qwen", "--acp")),
    # https://docs.github.com/en/copilot/reference/copilot-cli-reference/acp-server
    AgentKind("copilot", Adapter.ACP, ("copilot", "--acp", "--stdio")),
    # https://block.github.io/goose/docs/guides/acp-clients
    AgentKind("goose", Adapter.ACP, ("goose", "acp")),
    AgentKind("claude-cli", Adapter.COMMAND, ("claude",), dialect=Dialect.CLAUDE),
    AgentKind("codex-cli", Adapter.COMMAND, ("codex",), dialect=Dialect.CODEX),
    AgentKind("gemini-cli", Adapter.COMMAND, ("gemini", "--approval-mode", "yolo"), dialect=Dialect.GEMINI),
    AgentKind("opencode-cli", Adapter.COMMAND, ("opencode",), dialect=Dialect.OPENCODE),
    # https://aider.chat/docs/scripting.html
    AgentKind("aider", Adapter.COMMAND, (*_AIDER, "--model", "{model}", "--message-file", "{prompt}")),
)


def preset(name: str) -> AgentKind | None:
    """Return the agent that coord knows under ``name``, or None."""
    return next((kind for kind in PRESETS if kind.name == name), None)


@dataclass(frozen=True, slots=True)
class WorktreeSettings:
    """``setup`` runs in a new worktree, ``ready`` until it ends with 0; the times are in seconds, ``ports`` is how many
    a worktree gets, at ``port_from`` or above."""

    setup: tuple[tuple[str, ...], ...] = ()
    setup_timeout: float = 600.0
    ready: tuple[str, ...] = ()
    ready_timeout: float = 60.0
    ports: int = 1
    port_from: int = 20000


_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sessions:
    """``agent`` is started unless the task, its branch's prefix or its level names another; ``prompt`` is a template's
    path on main; ``claim`` is how long a claim holds without being renewed, ``answer`` how long a question waits for a
    person, in seconds; ``keep`` is how many ended sessions' logs stay."""

    agent: str = "opencode"
    by_prefix: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    by_level: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    prompt: str = ""
    unsure: Unsure = Unsure.ASK
    answer: float = 600.0
    claim: float = 900.0
    keep: int = 50


def chosen(sessions: Sessions, *, own: str, branch: str, level: str) -> str:
    """Return the name of the agent for a branch: what its task names (``own``), else the prefix, the level, the default."""
    by_prefix = (name for prefix, name in sorted(sessions.by_prefix.items()) if branch.startswith(prefix))
    return own or next(by_prefix, "") or sessions.by_level.get(level, "") or sessions.agent


@dataclass(frozen=True, slots=True)
class Run:
    """``max`` sessions at a time, another only while ``memory`` bytes are free; ``attempts`` sessions a task."""

    max: int = 3
    memory: int = 2**30
    attempts: int = 3
    overlap: Overlap = Overlap.SHOW


@dataclass(frozen=True, slots=True)
class Monitor:
    """Thresholds of the heuristics: how many, and after how many seconds of silence in a phase it is a stall.

    ``nudges`` is how often a session that stalls, or ends its turn without a word, is asked to go on; ``abort`` names
    the heuristics that end a session instead of telling only."""

    nudges: int = 2
    abort: tuple[str, ...] = ()
    failed_tools: int = 5
    repeats: int = 4
    retries: int = 5
    starting: float = 120.0
    model: float = 300.0
    tool: float = 1800.0
    child: float = 1800.0
    retry: float = 600.0
