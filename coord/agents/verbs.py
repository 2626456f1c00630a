"""What the steps of a scripted agent's script do, one method a verb."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coord.agents.script import Step
    from coord.agents.scripted import Agent


#: Every verb that a step may have; the method of the same name does it.
VERBS = frozenset(
    {
        "ask", "block", "child", "commit", "coord", "crash", "done", "edit", "end", "error", "fail_tool", "hang",
        "ignore_cancel", "ignore_term", "long", "malformed", "notify", "orphan", "push", "question", "repeat",
        "retry", "say", "shell", "sleep", "spew", "think", "tool", "unknown_tool", "use",
    }
)  # fmt: skip


_OPTIONS = [
    {"optionId": "allow", "name": "Allow", "kind": "allow_once"},
    {"optionId": "allow-always", "name": "Always allow", "kind": "allow_always"},
    {"optionId": "reject", "name": "Reject", "kind": "reject_once"},
]


class Cancelled(Exception):  # noqa: N818 - it ends a turn, it is no error
    """The client cancelled the turn."""


class Ended(Exception):  # noqa: N818
    """The script ends the turn, for ``reason``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(Exception):  # noqa: N818
    """The script answers the prompt with an error."""


class Turn:
    """One turn: the verbs, and whether it was cancelled."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._cancelled = threading.Event()
        self._deaf = False
        self.under_way = True

    def cancel(self) -> None:
        """End the turn, unless the script said to ignore that."""
        if not self._deaf:
            self._cancelled.set()

    def do(self, step: Step) -> None:
        """Do one step. Raises Refused when its verb is unknown, Cancelled when the turn was cancelled meanwhile."""
        ((verb, given),) = step.items()
        action = getattr(self, f"_{verb}", None) if verb in VERBS else None
        if action is None:
            raise Refused(f"no such verb: {verb}")
        action(given)
        if self._cancelled.is_set():
            raise Cancelled

    # -- words --------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Say ``text`` in one message."""
        self._agent.history.append(("agent", text[:2000]))
        self._agent.update("agent_message_chunk", content={"type": "text", "text": text})

    _say = say

    def _think(self, text: str) -> None:
        self._agent.update("agent_thought_chunk", content={"type": "text", "text": text})

    def _spew(self, size: int) -> None:
        for start in range(0, size, 4096):
            self.say("spew " * (min(4096, size - start) // 5))

    def _long(self, size: Any) -> None:
        size = size if isinstance(size, int) and size is not True else 3 * 2**20
        self._called("long", "long", lambda: (True, "x" * size))

    def _use(self, given: dict[str, Any]) -> None:
        cost = {"amount": given.get("cost", 0), "currency": "USD"}
        self._agent.update("usage_update", used=given.get("used", 0), size=given.get("size", 0), cost=cost)

    def _retry(self, given: Any) -> None:
        given = given if isinstance(given, dict) else {"attempt": given}
        self._agent.update("session_info_update", _meta={"retry": given})

    # -- work ---------------------------------------------------------------------------------------------------

    def _edit(self, given: dict[str, str]) -> None:
        # Outside the folder on purpose when the script says so: that is what hostile agents do.
        path = Path(self._agent.cwd, given["path"])
        self._called("edit", f"Edit {given['path']}", lambda: _edited(path, given), input={"path": str(path)})

    def _shell(self, words: list[str]) -> None:
        self._command("shell", words)

    def _commit(self, given: Any) -> None:
        given = given if isinstance(given, dict) else {"message": given}
        self._command("commit", ["git", "add", "-A", *given.get("paths", [])])
        self._command(
            "commit", ["git", *self._identity(), "commit", *given.get("args", ["-q"]), "-m", given["message"]]
        )

    def _push(self, extra: Any) -> None:
        self._command(
            "push", ["git", "push", "-q", "origin", "HEAD", *(extra if isinstance(extra, list) else [])]
        )

    def _coord(self, words: list[str]) -> None:
        self._command("coord", [sys.executable, "-m", "coord", *words])

    def _done(self, summary: Any) -> None:
        self._coord(["done", *(["-m", summary] if isinstance(summary, str) else [])])

    def _notify(self, given: dict[str, str]) -> None:
        self._coord(["notify", "--level", given.get("level", "info"), "-m", given["message"]])

    def _block(self, given: dict[str, Any]) -> None:
        words = ["block", "-m", given["reason"]]
        for name, option in (("tried", "--tried"), ("attempts", "--attempts"), ("suggest", "--suggest")):
            words += [option, str(given[name])] if name in given else []
        self._coord(words)

    def _tool(self, given: dict[str, Any]) -> None:
        from coord.agents.mcpcall import call

        name, arguments = given["name"], given.get("args", {})
        server = next(
            (one for one in self._agent.servers if one["name"] == given.get("server", one["name"])), None
        )
        title = f"mcp__{server['name'] if server else 'none'}__{name}"
        self._called(title, title, lambda: call(server, name, arguments, self._agent.cwd), input=arguments)

    def _identity(self) -> list[str]:
        known = subprocess.run(
            ["git", "config", "user.email"],
            cwd=self._agent.cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return (
            []
            if known.returncode == 0
            else ["-c", "user.name=scripted", "-c", "user.email=scripted@localhost"]
        )

    def _command(self, name: str, words: list[str]) -> None:
        self._called(name, " ".join(words)[:200], lambda: self._ran(words), input={"command": words})

    def _ran(self, words: list[str]) -> tuple[bool, str]:
        try:
            child = subprocess.Popen(
                words,
                cwd=self._agent.cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except (OSError, ValueError) as error:
            return False, str(error)
        threading.Thread(target=self._stop, args=(child,), daemon=True).start()
        said = child.communicate()[0].decode(errors="replace")
        return child.returncode == 0, said

    def _stop(self, child: subprocess.Popen[bytes]) -> None:
        while child.poll() is None:
            if self._cancelled.wait(0.02):
                child.kill()
                return

    # -- waiting ------------------------------------------------------------------------------------------------

    def _sleep(self, seconds: float) -> None:
        if self._cancelled.wait(seconds):
            raise Cancelled

    def _hang(self, _: Any) -> None:
        self._cancelled.wait()
        raise Cancelled

    def _child(self, given: Any) -> None:
        given = given if isinstance(given, dict) else {"name": given}
        self._called("child", given.get("name", "child"), lambda: self._slept(given.get("seconds", 0)))

    def _slept(self, seconds: float) -> tuple[bool, str]:
        self._cancelled.wait(seconds)
        return not self._cancelled.is_set(), ""

    def _ask(self, given: dict[str, Any]) -> None:
        call = self._opened(given.get("tool", "edit"), given.get("title", "a permission"), {"why": "asked"})
        locations = [{"path": path} for path in given.get("paths", [])]
        asked = {
            "toolCallId": call,
            "title": given.get("title", "a permission"),
            "kind": given.get("kind", "edit"),
        }
        answer = self._agent.ask(
            "session/request_permission",
            {"toolCall": {**asked, "locations": locations}, "options": _OPTIONS},
            self._cancelled,
        )
        outcome = (answer or {}).get("outcome", {})
        allowed = str(outcome.get("optionId", "")).startswith("allow")
        self._closed(call, allowed, f"permission: {outcome.get('optionId') or outcome.get('outcome')}")
        if outcome.get("outcome") == "cancelled":
            raise Cancelled
        for step in given.get("then" if allowed else "else", []):
            self.do(step)

    def _question(self, given: dict[str, Any]) -> None:
        schema = {
            "type": "object",
            "properties": {"answer": {"type": "string", "enum": given.get("options", [])}},
        }
        answer = self._agent.ask(
            "elicitation/create",
            {"message": given["text"], "mode": "form", "requestedSchema": schema},
            self._cancelled,
        )
        content = (answer or {}).get("content") or {}
        self.say(f"(answer: {content.get('answer') or (answer or {}).get('action')})")

    # -- faults -------------------------------------------------------------------------------------------------

    def _fail_tool(self, name: Any) -> None:
        title = name if isinstance(name, str) else "read"
        self._called(title, title, lambda: (False, "No such file or directory"))

    def _unknown_tool(self, name: Any) -> None:
        self._invalid(f"Model tried to call unavailable tool '{name}'.")

    def _malformed(self, name: Any) -> None:
        self._invalid(f"The arguments of the tool '{name}' are no JSON.")

    def _invalid(self, why: str) -> None:
        # As OpenCode shows it: under another name, and completed.
        self._called("invalid", "invalid", lambda: (True, why))

    def _repeat(self, given: Any) -> None:
        given = given if isinstance(given, dict) else {"times": given}
        for _ in range(given.get("times", 5)):
            name = given.get("call", "read")
            self._called(
                name, name, lambda: (True, "the same"), input=given.get("args", {"path": "same.txt"})
            )

    def _end(self, reason: str) -> None:
        raise Ended(reason)

    def _error(self, message: str) -> None:
        raise Refused(message)

    def _crash(self, code: Any) -> None:
        self._agent.keep()
        os._exit(code if isinstance(code, int) and code is not True else 1)

    def _ignore_cancel(self, _: Any) -> None:
        self._deaf = True

    def _ignore_term(self, _: Any) -> None:
        self._agent.ignores_term = True

    def _orphan(self, given: Any) -> None:
        seconds = str(given if isinstance(given, int | float) and given is not True else 600)
        with suppress(OSError):
            child = subprocess.Popen(
                [sys.executable, "-c", f"import time; time.sleep({seconds})"], cwd=self._agent.cwd
            )
            self.say(f"(orphan {child.pid})")

    # -- tool calls ---------------------------------------------------------------------------------------------

    def _called(self, name: str, title: str, work: Any, input: Any = None) -> None:  # noqa: A002
        call = self._opened(name, title, input or {})
        done, said = work()
        self._closed(call, done, said)

    def _opened(self, name: str, title: str, given: Any) -> str:
        self._agent.calls += 1
        call = f"call-{self._agent.calls}"
        meta = {"toolName": name}
        self._agent.update(
            "tool_call", toolCallId=call, title=title, status="in_progress", rawInput=given, _meta=meta
        )
        return call

    def _closed(self, call: str, done: bool, said: str) -> None:
        status = "completed" if done else "failed"
        content = [{"type": "content", "content": {"type": "text", "text": said}}]
        self._agent.update("tool_call_update", toolCallId=call, status=status, content=content)


def _edited(path: Path, given: dict[str, str]) -> tuple[bool, str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if "append" in given else "w") as file:
            file.write(given.get("append", given.get("content", "")))
    except OSError as error:
        return False, str(error)
    return True, f"wrote {path}"
