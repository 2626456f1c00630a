"""The tool ``memory``: what sessions did, from coord's own event store; one function a tool.

The coordinator reads every session, a session itself and those that it asked for; another's is as good as not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from coord.core.agentevent import AgentEvent, Compacted
from coord.core.contextuse import use_of
from coord.core.session import SessionRecord, SessionRole, Standing, standing
from coord.core.text import one_line, plain, whole_number
from coord.errors import UsageError
from coord.mcp.call import Reply, ToolCall, error, said
from coord.output import table
from coord.sessions.looking import host_runs, session_of
from coord.sessions.store import EVENTS, Message, Unreadable, read_events
from coord.sessions.transcript import Spoken
from coord.sessions.transcript import messages as messages_of

#: Characters of one message and of all messages in an answer.
_EACH, _ONE, _ALL = 2000, 8000, 20_000
_MESSAGES, _SESSIONS, _FOUND = 50, 20, 10
#: Below this share of the window a summary costs more than it gives.
_WORTH = 0.5


@dataclass
class Kept:
    """A session whose log is here: at work, or retired into the archive."""

    record: SessionRecord
    folder: Path
    retired: bool

    @property
    def id(self) -> str:
        return self.record.id

    @cached_property
    def events(self) -> list[AgentEvent]:
        return read_events(self.folder / EVENTS)[0]

    @cached_property
    def spoken(self) -> list[Spoken]:
        return messages_of(self.events)

    @cached_property
    def standing(self) -> Standing:
        return standing(self.events)


# -- who may read what ---------------------------------------------------------------------------------------------


def readable(call: ToolCall) -> list[Kept]:
    """Return the sessions that the caller may read, the oldest first."""
    found = sorted(_all(call), key=lambda kept: (kept.record.made, kept.id))
    if call.caller.role is SessionRole.COORDINATOR:
        return found
    ids = {call.record.id} if call.record else set()
    for kept in found:
        if kept.record.parent in ids:
            ids.add(kept.id)
    return [kept for kept in found if kept.id in ids]


def _all(call: ToolCall) -> Iterator[Kept]:
    store = call.caller.store
    for record in store.records():
        if not isinstance(record, Unreadable):
            yield Kept(record, store.folder(record.id), retired=False)
    for record, folder in store.archived():
        yield Kept(record, folder, retired=True)


def chosen(call: ToolCall) -> Kept:
    """Return the session that ``sessionId`` means, the caller's own without it. Raises UsageError."""
    word = call.given.text("sessionId") or (call.record.id if call.record else "")
    if not word:
        raise UsageError(
            "sessionId is missing: you are no session of coord's", hint='there are: {"tool": "sessions"}'
        )
    return _meant(call, word)


def _meant(call: ToolCall, word: str) -> Kept:
    sessions = readable(call)
    for kept in reversed(sessions):
        if word == kept.id or (len(word) >= 8 and kept.id.startswith(word)):
            return kept
    for kept in reversed(sessions):
        if word in (kept.record.task, kept.record.branch):
            return kept
    ids = ", ".join(kept.id for kept in sessions[-5:]) or "none"
    raise UsageError(f"no session '{one_line(word, 80)}' that you may read", hint=f"you may read: {ids}")


# -- lists ---------------------------------------------------------------------------------------------------------


def summary(call: ToolCall) -> Reply:
    """Count what there is; of one session, say what it was asked, what it did and how it stands."""
    if call.given.text("sessionId"):
        return _summary_of(call, chosen(call))
    kept = readable(call)
    retired = sum(one.retired for one in kept)
    return said(
        f"sessions: {len(kept)} ({len(kept) - retired} in the list, {retired} retired)",
        f"messages: {sum(len(one.spoken) for one in kept)}",
        f"summaries of contexts: {sum(len(_compactions(one)) for one in kept)}",
        'list them: {"tool": "sessions"}',
    )


def _summary_of(call: ToolCall, kept: Kept) -> Reply:
    roles = Counter(one.role for one in kept.spoken)
    first = next((one for one in kept.spoken if one.role == "user"), None)
    last = next((one for one in reversed(kept.spoken) if one.role == "assistant"), None)
    return said(
        f"{kept.id}: {_state(call, kept)}, {kept.record.agent}, {kept.record.branch}, attempt {kept.record.attempt}",
        f"messages: {', '.join(f'{count} of {role}' for role, count in sorted(roles.items())) or 'none'}",
        f"asked: {one_line(first.text, 300)}" if first else "",
        f"last said: {one_line(last.text, 600)}" if last else "",
        _used(kept),
    )


def sessions(call: ToolCall) -> Reply:
    """List the sessions that the caller may read, the newest first."""
    found = readable(call)[::-1]
    if where := call.given.text("projectPath"):
        found = [kept for kept in found if Path(kept.record.worktree) == Path(where)]
    return _listed(call, found, "there is no session that you may read")


def children(call: ToolCall) -> Reply:
    """List the sessions that one asked for."""
    parent = chosen(call)
    found = [kept for kept in readable(call)[::-1] if kept.record.parent == parent.id]
    return _listed(call, found, f"{parent.id} asked for no session")


def _listed(call: ToolCall, found: list[Kept], nothing: str) -> Reply:
    if not found:
        return said(nothing)
    limit = call.given.number("limit", _SESSIONS)
    rows = [["session", "state", "task", "branch", "agent", "messages", "last sign"]]
    for kept in found[:limit]:
        record, last = kept.record, kept.standing.last or kept.record.made
        cells = [record.id, _state(call, kept), record.task or "-", record.branch, record.agent]
        rows.append([*cells, str(len(kept.spoken)), _time(last)])
    more = f"... and {len(found) - limit} older: a larger limit" if len(found) > limit else ""
    return said(*table(rows), more, 'read one: {"tool": "messages", "args": {"sessionId": "..."}}')


def _state(call: ToolCall, kept: Kept) -> str:
    if kept.retired:
        ended = kept.standing.ended
        return f"retired ({ended.ending.value})" if ended else "retired"
    return session_of(call.caller.store, kept.record).state.value


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}"


# -- messages ------------------------------------------------------------------------------------------------------


def messages(call: ToolCall) -> Reply:
    """Read a conversation: the newest part, and how to read what is older."""
    given, kept = call.given, chosen(call)
    role, before = given.text("role"), given.number("before", 0)
    with_tools = given.flag("showTools") or role == "tool"
    found = [
        one
        for one in kept.spoken
        if (with_tools or one.role != "tool") and role in ("", one.role) and (not before or one.id < before)
    ]
    if not found:
        return said(f"{kept.id} has no such messages", "" if with_tools else "tool calls: showTools = true")
    length, limit = given.number("maxLength", _EACH), given.number("limit", _MESSAGES)
    shown = _newest([_whole(kept, one, length) for one in found[max(0, len(found) - limit) :]])
    older = len(found) - len(shown)
    first = found[older].id
    note = f'[{older} older: "before": {first}]' if older else ""
    return Reply("\n\n".join([note, *shown] if note else shown))


def _newest(texts: list[str]) -> list[str]:
    """Return as many of the last texts as one answer holds, at least one."""
    room, count = _ALL, 0
    for text in reversed(texts):
        room -= len(text)
        if room < 0 and count:
            break
        count += 1
    return texts[len(texts) - count :]


def _whole(kept: Kept, one: Spoken, length: int) -> str:
    text = plain(one.text).strip()
    cut = f"\n[... {len(text) - length} more characters: maxLength]" if len(text) > length else ""
    return f"{one.role}, {_time(one.at)}, {kept.id}/{one.id}\n{text[:length]}{cut}"


def message(call: ToolCall) -> Reply:
    """Read one message."""
    word, slash, number = call.given.text("messageId").rpartition("/")
    kept = _meant(call, word) if slash else chosen(call)
    index = whole_number(number)
    found = next((one for one in kept.spoken if one.id == index), None)
    if found is None:
        return error(f"{kept.id} has no message '{one_line(number, 20)}'", f"it has 1 to {len(kept.spoken)}")
    return Reply(_whole(kept, found, call.given.number("maxLength", _ONE)))


def search(call: ToolCall) -> Reply:
    """Find a text in what was said, the newest sessions first; children are included."""
    given, query = call.given, call.given.text("query")
    within = readable(call)[::-1]
    if given.text("sessionId"):
        top = chosen(call)
        ids = {top.id}
        for kept in reversed(within):
            ids |= {kept.id} if kept.record.parent in ids else set()
        within = [kept for kept in within if kept.id in ids]
    limit = given.number("limit", _FOUND)
    hits = [
        (kept, one) for kept in within for one in reversed(kept.spoken) if query.lower() in one.text.lower()
    ]
    if not hits:
        return said(f"nothing in {len(within)} session(s) holds '{one_line(query, 80)}'")
    lines = [f"{kept.id}/{one.id} {one.role}: {_around(one.text, query)}" for kept, one in hits[:limit]]
    more = f"... and {len(hits) - limit} more: a larger limit" if len(hits) > limit else ""
    return said(*lines, more, 'read one: {"tool": "message", "args": {"messageId": "..."}}')


def _around(text: str, query: str) -> str:
    at = max(0, text.lower().find(query.lower()))
    start, end = max(0, at - 80), at + len(query) + 120
    return f"{'...' if start else ''}{one_line(text[start:end], 400)}{'...' if end < len(text) else ''}"


# -- the context window --------------------------------------------------------------------------------------------


def context(call: ToolCall) -> Reply:
    """Show how much of the context window is used."""
    if call.record is None and not call.given.text("sessionId"):
        return said("coord did not start you, so it does not know your context", "a session's: sessionId")
    return said(_used(chosen(call)))


def _used(kept: Kept) -> str:
    stood = kept.standing
    use = use_of(stood.used, stood.size)
    if use is None:
        known = f"{stood.used} tokens are used" if stood.used else f"{kept.record.agent} has not told"
        return f"context: {known}; how large the window is is not known"
    return (
        f"context: {use.share:.0%} used ({use.used} of {use.size} tokens), {use.status.value}: {use.advice}"
    )


def compact(call: ToolCall) -> Reply:
    """Have the context summarised at the end of the turn."""
    kept = chosen(call)
    if kept.retired or not host_runs(call.caller.store, kept.id):
        return error(f"{kept.id} does not run", "there is no context to summarise")
    use = use_of(kept.standing.used, kept.standing.size)
    if use is not None and use.share < _WORTH and not call.given.flag("force"):
        return said(f"not needed: {_used(kept)}", "anyway: force = true")
    call.caller.store.send(kept.id, Message("", "compact", sender=kept.id))
    return said(
        "when this turn ends the agent is asked to summarise, if it can",
        "write down what you must not forget",
    )


def compactions(call: ToolCall) -> Reply:
    """List the summaries of a session, or read one."""
    kept = chosen(call)
    found = _compactions(kept)
    if not found:
        return said(f"the context of {kept.id} was not summarised yet")
    number = call.given.number("read", 0)
    if number > len(found):
        return error(f"{kept.id} has no summary {number}", f"it has 1 to {len(found)}")
    if number:
        return Reply(found[number - 1].summary or "the agent told no text of it")
    return said(*(f"{n}. {_time(one.at)} {one_line(one.summary, 160)}" for n, one in enumerate(found, 1)))


def _compactions(kept: Kept) -> list[Compacted]:
    return [event for event in kept.events if isinstance(event, Compacted)]


def plans(_call: ToolCall) -> Reply:
    """Say where plans are."""
    return said(
        "coord keeps no plan files: what is to be done is in the task files, what comes next is",
        'worktree {"action": "plan"} (for the coordinator) and worktree {"action": "current"}',
    )
