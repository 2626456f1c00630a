"""The scripted agent: it speaks the Agent Client Protocol, and its prompts say what it does (``docs/agents.md``).

Tests, CI and the demo use it instead of an agent with a model. It is started often, so it loads nothing of coord but
what a script is."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from coord.agents.script import Script
from coord.agents.verbs import Cancelled, Ended, Refused, Turn

VERSION = "1"


class Agent:
    """The connection to the client, and the one session that this process has."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[int, Any] = {}
        self._arrived = threading.Condition()
        self._count = 0
        self._turn: Turn | None = None
        self.session = ""
        self.cwd = Path.cwd()
        self.servers: list[dict[str, Any]] = []
        self.script = Script()
        self.history: list[tuple[str, str]] = []
        self.calls = 0
        self.ignores_term = False

    # -- the wire -----------------------------------------------------------------------------------------------

    def write(self, message: dict[str, Any]) -> None:
        """Send one message."""
        line = json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
        with self._lock, suppress(OSError, ValueError):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    def update(self, kind: str, **fields: Any) -> None:
        """Tell the client of something that happened in the session."""
        update = {"sessionUpdate": kind, **fields}
        self.write({"method": "session/update", "params": {"sessionId": self.session, "update": update}})

    def ask(self, method: str, params: dict[str, Any], cancelled: threading.Event) -> Any:
        """Return what the client answers; raises Cancelled when the turn is cancelled first."""
        with self._arrived:
            self._count += 1
            number = self._count
        self.write({"id": number, "method": method, "params": {"sessionId": self.session, **params}})
        with self._arrived:
            while number not in self._answers:
                if cancelled.is_set():
                    raise Cancelled
                self._arrived.wait(0.05)
            return self._answers.pop(number)

    def serve(self) -> None:
        """Answer until the client is gone."""
        for line in sys.stdin.buffer:
            with suppress(ValueError):
                message = json.loads(line)
                if "method" in message:
                    self._called(message)
                elif "id" in message:
                    with self._arrived:
                        self._answers[message["id"]] = message.get("result")
                        self._arrived.notify_all()

    def terminated(self, *_: Any) -> None:
        """Die of SIGTERM, unless the script said to ignore it."""
        if not self.ignores_term:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    def _called(self, message: dict[str, Any]) -> None:
        params = message.get("params") or {}
        match message["method"]:
            case "session/cancel":
                if self._turn is not None:
                    self._turn.cancel()
            case "session/prompt":
                self._prompted(message["id"], "".join(part.get("text", "") for part in params["prompt"]))
            case method if "id" in message:
                self.write({"id": message["id"], **self._replied(method, params)})

    def _replied(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        match method:
            case "initialize":
                return {"result": _GREETING}
            case "session/new":
                self._open(os.urandom(8).hex(), params)
            case "session/load" | "session/resume" | "session/fork":
                if not self._take_up(params, copy=method == "session/fork"):
                    return _error(f"no session {params.get('sessionId')}", -32002)
                if method == "session/load":
                    self._replay()
            case "session/set_config_option":
                known = params.get("value") == _MODEL["currentValue"]
                return {"result": {"configOptions": [_MODEL]}} if known else _error("no such model", -32602)
            case _:
                return _error(f"Method not found: {method}", -32601)
        return {"result": {"sessionId": self.session, "configOptions": [_MODEL]}}

    # -- the session --------------------------------------------------------------------------------------------

    def _open(self, session: str, params: dict[str, Any]) -> None:
        self.session = session
        self.cwd = Path(params.get("cwd") or Path.cwd())
        self.servers = params.get("mcpServers") or []
        self.keep()
        self.update("available_commands_update", availableCommands=[{"name": "compact", "description": ""}])

    def _take_up(self, params: dict[str, Any], *, copy: bool) -> bool:
        try:
            kept = json.loads(_file_of(str(params.get("sessionId"))).read_text())
        except (OSError, ValueError):
            return False
        self.script = Script(kept["script"])
        self.history = [(who, text) for who, text in kept["history"]]
        self.calls = kept["calls"]
        self._open(os.urandom(8).hex() if copy else str(params["sessionId"]), params)
        return True

    def _replay(self) -> None:
        for who, text in self.history:
            self.update(f"{who}_message_chunk", content={"type": "text", "text": text})

    def keep(self) -> None:
        """Keep the session, so that another process can take it up."""
        kept = {"script": self.script.kept(), "history": self.history[-50:], "calls": self.calls}
        file = _file_of(self.session)
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_text(json.dumps(kept))
        new.replace(file)

    def _prompted(self, number: int, text: str) -> None:
        if self._turn is not None and self._turn.under_way:
            self.write({"id": number, **_error("a turn is under way", -32600)})
            return
        self._turn = Turn(self)
        threading.Thread(target=self._play, args=(self._turn, number, text), daemon=True).start()

    def _play(self, turn: Turn, number: int, text: str) -> None:
        self.history.append(("user", text))
        try:
            answer = {"result": {"stopReason": self._run(turn, text)}}
        except Cancelled:
            answer = {"result": {"stopReason": "cancelled"}}
        except Ended as ended:
            answer = {"result": {"stopReason": ended.reason}}
        except Refused as refused:
            answer = _error(str(refused), -32603)
        except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
            answer = _error(f"the script is wrong: {error!r}", -32603)
        self.keep()
        turn.under_way = False
        self.write({"id": number, **answer})

    def _run(self, turn: Turn, text: str) -> str:
        try:
            steps = self.script.begin(text)
        except ValueError as error:
            raise Refused(f"the script cannot be read: {error}") from error
        if text.startswith("/compact"):
            turn.say("(compacted)")
        elif steps is None:
            turn.say("(script over)")
        while steps:
            step, *steps = steps
            # Before the step, so that it is not done again by the process that takes up after this one.
            self.script.rest = steps
            self.keep()
            turn.do(step)
        return "end_turn"


_GREETING = {
    "protocolVersion": 1,
    "agentInfo": {"name": "scripted", "title": "coord's scripted agent", "version": VERSION},
    "agentCapabilities": {
        "loadSession": True,
        "sessionCapabilities": {"resume": {}, "fork": {}, "close": {}},
    },
    "authMethods": [],
}

_MODEL = {
    "id": "model",
    "name": "Model",
    "category": "model",
    "type": "select",
    "currentValue": "scripted-1",
    "options": [{"value": "scripted-1", "name": "Scripted 1"}],
}


def _error(message: str, code: int) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _file_of(session: str) -> Path:
    folder = os.environ.get("COORD_SCRIPTED_STATE")
    name = "".join(character for character in session if character.isalnum())
    own = Path(tempfile.gettempdir()) / f"coord-scripted-{os.getuid()}"
    return (Path(folder) if folder else own) / f"{name}.json"


def main() -> None:
    """Serve one client on stdin and stdout."""
    agent = Agent()
    signal.signal(signal.SIGTERM, agent.terminated)
    agent.serve()
    while agent.ignores_term:
        time.sleep(60)
    # A turn may hang: nothing waits for its thread.
    os._exit(0)


if __name__ == "__main__":
    main()
