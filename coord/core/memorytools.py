"""What the tool ``memory`` offers, to every role; whose sessions it shows depends on who asks. The names are those of the
plugin of that name."""

from __future__ import annotations

from collections.abc import Mapping

from coord.core.toolcall import Action, Argument, Kind, Wrong, nearest

_NAME, _TEXT, _FLAG, _NUMBER = Kind.NAME, Kind.TEXT, Kind.FLAG, Kind.NUMBER

_WHOSE = Argument("sessionId", _NAME, "the session (your own): id, task or branch", also=("session",))
_LENGTH = Argument("maxLength", _NUMBER, "characters of one message that are shown")
_TOOLS = Argument("showTools", _FLAG, "tool calls as well")
_LIMIT = Argument("limit", _NUMBER, "how many at most")

_MEMORY = (
    Action(
        "help",
        "show the tools, or one of them",
        (Argument("tool", _NAME, "the tool", also=("action", "name"), example='"search"'),),
        examples=("{}", '{"tool": "search"}'),
    ),
    Action("summary", "count what there is, or sum one session up", (_WHOSE,), examples=("{}",)),
    Action(
        "sessions",
        "list the sessions that you may read, the newest first",
        (_LIMIT, Argument("projectPath", _NAME, "only those of this worktree", also=("worktree",))),
        examples=("{}",),
    ),
    Action("children", "list the sessions that a session asked for", (_WHOSE,), examples=("{}",)),
    Action(
        "messages",
        "read a session's conversation; when there is much, the newest part",
        (
            _WHOSE,
            Argument("role", _NAME, "only these", choices=("user", "assistant", "system", "tool")),
            _LIMIT,
            _TOOLS,
            _LENGTH,
            Argument("before", _NUMBER, "only messages with a smaller number: what is older"),
        ),
        examples=('{"sessionId": "ses_0a1b2c3d4e5f", "role": "assistant", "limit": 5}',),
    ),
    Action(
        "message",
        "read one message",
        (
            Argument(
                "messageId", _NAME, "SESSION/NUMBER", True, ("id", "message"), (), '"ses_0a1b2c3d4e5f/7"'
            ),
            _TOOLS,
            _LENGTH,
        ),
        examples=('{"messageId": "ses_0a1b2c3d4e5f/7"}',),
    ),
    Action(
        "search",
        "find a text in what was said, in children as well",
        (
            Argument(
                "query", _TEXT, "the text; capitals do not matter", True, ("text",), (), '"retry limit"'
            ),
            _LIMIT,
            _WHOSE,
        ),
        examples=('{"query": "retry limit"}',),
    ),
    Action("context", "show how much of the context window is used", (_WHOSE,), examples=("{}",)),
    Action(
        "compact",
        "have the context summarised when the turn ends",
        (_WHOSE, Argument("force", _FLAG, "even when less than half of it is used")),
        changes=True,
        examples=("{}",),
    ),
    Action(
        "compactions",
        "list the summaries that freed context, or read one",
        (_WHOSE, Argument("read", _NUMBER, "which, from 1")),
        examples=('{"read": 1}',),
    ),
    Action("plans", "coord keeps no plan files", (Argument("read", _NAME, "passed over"),), examples=("{}",)),
)

MEMORY: Mapping[str, Action] = {one.name: one for one in _MEMORY}


def memory_tool(word: str) -> Action | Wrong:
    """Return the tool of ``memory`` that a word means."""
    found = MEMORY.get(word.lower())
    return found or Wrong(
        f"unknown tool '{word}'{nearest(word, tuple(MEMORY))}", f"there are: {', '.join(MEMORY)}"
    )
