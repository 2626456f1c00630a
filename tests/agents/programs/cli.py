"""A command-line agent for tests: it plays the steps of its prompt's script in the dialect that it is told.

Its words: DIALECT, then what the adapter adds. It keeps its sessions' turns in COORD_FAKE_STATE."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

DIALECT, WORDS = sys.argv[1], sys.argv[2:]


def after(*names: str) -> str:
    return next((WORDS[WORDS.index(name) + 1] for name in names if name in WORDS), "")


def say_line(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


class Plain:
    def __init__(self) -> None:
        self.session = after("--session", "--resume", "resume", "--session-id") or str(uuid.uuid4())
        self.calls = 0

    def begin(self) -> None: ...

    def text(self, text: str) -> None:
        print(text, flush=True)

    def tool(self, name: str, output: str, status: str) -> None:
        print(f"[{name}: {status}]", flush=True)

    def end(self) -> None: ...

    def error(self, why: str) -> None:
        print(why, file=sys.stderr)
        sys.exit(1)


class Claude(Plain):
    def begin(self) -> None:
        say_line(type="system", subtype="init", session_id=self.session, claude_code_version="2.1.0")

    def message(self, role: str, **block: Any) -> None:
        usage = {"input_tokens": 10, "output_tokens": 5}
        say_line(type=role, message={"id": "m1", "role": role, "content": [block], "usage": usage})

    def text(self, text: str) -> None:
        self.message("assistant", type="text", text=text)

    def tool(self, name: str, output: str, status: str) -> None:
        self.calls += 1
        call = f"toolu_{self.calls}"
        self.message("assistant", type="tool_use", id=call, name=name, input={"x": 1})
        self.message(
            "user", type="tool_result", tool_use_id=call, content=output, is_error=status != "completed"
        )

    def end(self) -> None:
        say_line(
            type="result", subtype="success", is_error=False, stop_reason="end_turn", total_cost_usd=0.01
        )

    def error(self, why: str) -> None:
        say_line(type="result", subtype="success", is_error=True, result=why)


class Codex(Plain):
    def begin(self) -> None:
        say_line(type="thread.started", thread_id=self.session)

    def text(self, text: str) -> None:
        say_line(type="item.completed", item={"id": "i1", "type": "agent_message", "text": text})

    def tool(self, name: str, output: str, status: str) -> None:
        self.calls += 1
        item = {"id": f"item_{self.calls}", "type": "command_execution", "command": name}
        say_line(type="item.started", item={**item, "status": "in_progress"})
        say_line(type="item.completed", item={**item, "status": status, "aggregated_output": output})

    def end(self) -> None:
        say_line(type="turn.completed", usage={"input_tokens": 10, "output_tokens": 5})

    def error(self, why: str) -> None:
        say_line(type="turn.failed", error={"message": why})


class Gemini(Plain):
    def begin(self) -> None:
        say_line(type="init", session_id=self.session, model="m")

    def text(self, text: str) -> None:
        say_line(type="message", role="assistant", content=text, delta=True)

    def tool(self, name: str, output: str, status: str) -> None:
        self.calls += 1
        call = f"tool_{self.calls}"
        say_line(type="tool_use", tool_name=name, tool_id=call, parameters={"x": 1})
        told = "success" if status == "completed" else "error"
        say_line(type="tool_result", tool_id=call, status=told, output=output)

    def end(self) -> None:
        say_line(type="result", status="success", stats={"total_tokens": 15})

    def error(self, why: str) -> None:
        say_line(type="result", status="error", error={"type": "api", "message": why})


class OpenCode(Plain):
    def part(self, kind: str, **part: Any) -> None:
        say_line(type=kind, sessionID=self.session, part=part)

    def begin(self) -> None:
        self.part("step_start")

    def text(self, text: str) -> None:
        self.part("text", text=text)

    def tool(self, name: str, output: str, status: str) -> None:
        self.calls += 1
        state = {
            "status": "completed" if status == "completed" else "error",
            "output": output,
            "input": {"x": 1},
        }
        self.part("tool_use", callID=f"call_{self.calls}", tool=name, state=state)

    def end(self) -> None:
        self.part("step_finish", reason="stop", cost=0.01, tokens={"input": 10, "output": 5})

    def error(self, why: str) -> None:
        say_line(type="error", sessionID=self.session, error={"name": "APIError", "data": {"message": why}})


VOICE = {"plain": Plain, "claude": Claude, "codex": Codex, "gemini": Gemini, "opencode": OpenCode}[DIALECT]()
STOP = threading.Event()


def turns_before() -> int:
    folder = os.environ.get("COORD_FAKE_STATE")
    if not folder:
        return 0
    file = Path(folder) / "".join(filter(str.isalnum, VOICE.session))
    count = int(file.read_text()) if file.exists() else 0
    file.write_text(str(count + 1))
    return count


def play(prompt: str) -> None:
    VOICE.begin()
    VOICE.text(f"(turn {turns_before() + 1})")
    for step in (
        json.loads(found[1]) if (found := re.search(r"```script\n(.*?)\n```", prompt, re.DOTALL)) else []
    ):
        ((verb, given),) = step.items()
        if not done(verb, given):
            return
        if STOP.is_set():
            break
    VOICE.end()


def done(verb: str, given: Any) -> bool:
    match verb:
        case "say":
            VOICE.text(given)
        case "shell":
            ran = subprocess.run(given, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            VOICE.tool("shell", ran.stdout + ran.stderr, "failed" if ran.returncode else "completed")
        case "fail_tool":
            VOICE.tool(given, "no such file", "failed")
        case "long":
            VOICE.text("x" * given)
        case "hang":
            STOP.wait()
        case "orphan":
            subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({given})"])
        case "crash":
            os._exit(given)
        case "error":
            VOICE.error(given)
            return False
    return True


def claude() -> None:
    for line in sys.stdin:
        said = json.loads(line)
        if said["type"] == "control_request":
            if said["request"]["subtype"] == "initialize" and os.environ.get("COORD_FAKE_DEAF"):
                time.sleep(600)
            STOP.set()
            answer = {"subtype": "success", "request_id": said["request_id"], "response": {}}
            say_line(type="control_response", response=answer)
        elif said["type"] == "user":
            STOP.clear()
            prompt = said["message"]["content"][0]["text"]
            threading.Thread(target=play, args=(prompt,), daemon=True).start()
    os._exit(0)


if DIALECT == "claude":
    claude()
else:
    play(Path(WORDS[-1]).read_text() if WORDS and WORDS[-1].endswith(".md") else sys.stdin.read())
