"""An OpenCode server for tests: it plays the steps of a prompt's script, and behaves as 1.18 does where that is odd.

It takes any folder and any parent; an abort of a session that is not there is a success; it says idle before a turn has
begun, and twice after one that failed, the second time when the message has its error; deltas are not stored; nothing on
its stream is said again. It keeps its sessions in COORD_FAKE_STATE, so that another process can take them up."""

from __future__ import annotations

import base64
import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

STATE = Path(os.environ.get("COORD_FAKE_STATE", "."))
VERSION = os.environ.get("COORD_FAKE_VERSION", "1.18.33")
PASSWORD = os.environ.get("OPENCODE_SERVER_PASSWORD")
MODEL = {"id": "fake-1", "providerID": "fake", "limit": {"context": 1000, "output": 100}}

LOCK = threading.RLock()
LISTENERS: list[tuple[str, queue.Queue[dict[str, Any] | None]]] = []
PLAYS: dict[str, Play] = {}
ASKED: dict[str, dict[str, Any]] = {}
ANSWERED = threading.Condition(LOCK)
SERVERS: dict[str, dict[str, str]] = {}
DEAF = {"health": bool(os.environ.get("COORD_FAKE_DEAF"))}


def name(kind: str) -> str:
    with LOCK:
        time.sleep(0.001)
        return f"{kind}_{time.time_ns() // 1_000_000:013x}"


def file_of(session: str) -> Path:
    return STATE / f"{session}.json"


def load(session: str) -> dict[str, Any] | None:
    if not re.fullmatch("ses_[0-9a-f]+", session) or not file_of(session).is_file():
        return None
    found: dict[str, Any] = json.loads(file_of(session).read_text())
    return found


def save(kept: dict[str, Any]) -> None:
    scratch = STATE / f".{kept['info']['id']}"
    scratch.write_text(json.dumps(kept))
    scratch.rename(file_of(kept["info"]["id"]))


def publish(folder: str, kind: str, **said: Any) -> None:
    with LOCK:
        for where, waiting in LISTENERS:
            if where == folder:
                waiting.put({"id": name("evt"), "type": kind, "properties": said})


class StoppedError(Exception):
    pass


class Play:
    """One turn."""

    def __init__(self, session: str, prompt: str) -> None:
        self.kept = load(session) or {}
        self.session, self.folder = session, self.kept["info"]["directory"]
        self.stop = threading.Event()
        self.prompt = prompt
        self.calls = 0
        self.status: dict[str, Any] = {"type": "idle"}
        self.message: dict[str, Any] = {}

    def tell(self, kind: str, **said: Any) -> None:
        publish(self.folder, kind, sessionID=self.session, **said)

    def be(self, **status: Any) -> None:
        self.status = status
        self.tell("session.status", status=status)
        if status["type"] == "idle":
            self.tell("session.idle")

    def add(self, role: str, **more: Any) -> dict[str, Any]:
        info = {"id": name("msg"), "sessionID": self.session, "role": role, "time": {"created": 1}, **more}
        self.kept["messages"].append({"info": info, "parts": []})
        self.store()
        self.tell("message.updated", info=info)
        return info

    def store(self) -> None:
        with LOCK:
            save(self.kept)

    def part(self, part: dict[str, Any]) -> None:
        parts = self.kept["messages"][-1]["parts"]
        whole = {**part, "messageID": self.kept["messages"][-1]["info"]["id"], "sessionID": self.session}
        parts[:] = [one for one in parts if one["id"] != part["id"]] + [whole]
        self.store()
        self.tell("message.part.updated", part=whole)

    def run(self) -> None:
        user = self.add("user")
        self.part({"id": name("prt"), "type": "text", "text": self.prompt})
        self.tell("session.idle")
        self.be(type="busy")
        self.message = self.add("assistant", parentID=user["id"])
        turns = sum(one["info"]["role"] == "user" for one in self.kept["messages"])
        try:
            self.say(f"(turn {turns})")
            found = re.search(r"```script\n(.*?)\n```", self.prompt, re.DOTALL)
            for step in json.loads(found[1]) if found else []:
                ((verb, given),) = step.items()
                getattr(self, verb)(given)
            self.finish("stop")
        except StoppedError:
            self.fail("MessageAbortedError", "Aborted")

    def finish(self, reason: str) -> None:
        cost = 0.01
        tokens = {"total": 15, "input": 10, "output": 5, "reasoning": 0, "cache": {"read": 0, "write": 0}}
        self.part(
            {"id": name("prt"), "type": "step-finish", "reason": reason, "tokens": tokens, "cost": cost}
        )
        self.kept["info"]["cost"] += cost
        self.message |= {"finish": reason, "cost": cost, "time": {"created": 1, "completed": 2}}
        self.store()
        self.tell("message.updated", info=self.message)
        self.tell("session.updated", info=self.kept["info"])
        self.be(type="idle")

    def fail(self, kind: str, why: str) -> None:
        error = {"name": kind, "data": {"message": why}}
        self.tell("session.error", error=error)
        self.be(type="idle")
        time.sleep(0.05)
        self.message["error"] = error
        self.store()
        self.tell("message.updated", info=self.message)
        self.be(type="idle")

    # -- the verbs ---------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        part = {"id": name("prt"), "type": "text", "text": ""}
        self.part(part)
        for piece in re.findall(r"\S+\s*", text) if len(text) < 1000 else [text]:
            about = {"messageID": self.message["id"], "partID": part["id"], "field": "text", "delta": piece}
            self.tell("message.part.delta", **about)
        self.part({**part, "text": text, "time": {"start": 1, "end": 2}})

    def long(self, count: int) -> None:
        self.say("x" * count)

    def tool(self, tool: str, state: dict[str, Any], id: str = "") -> str:
        self.calls += not id
        part = id or name("prt")
        about = {"id": part, "type": "tool", "tool": tool, "callID": f"call_{part}", "state": state}
        self.part(about)
        return part

    def fail_tool(self, tool: str) -> None:
        id = self.tool(tool, {"status": "pending", "input": {}, "raw": ""})
        self.tool(tool, {"status": "error", "input": {"x": 1}, "error": "no such file"}, id)

    def wrong(self, tool: str) -> None:
        id = self.tool(tool, {"status": "pending", "input": {}, "raw": ""})
        given = {"tool": tool, "error": "unavailable"}
        self.tool("invalid", {"status": "completed", "input": given, "output": "invalid", "title": "x"}, id)

    def shell(self, command: list[str]) -> None:
        id = self.tool("bash", {"status": "running", "input": {"command": command}})
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.tool("bash", {"status": "completed", "input": {}, "output": ran.stdout, "title": "shell"}, id)

    def orphan(self, seconds: int) -> None:
        # The shells of the real one are in groups of their own.
        words = [sys.executable, "-c", f"import time; time.sleep({seconds})"]
        subprocess.Popen(words, start_new_session=True)

    def hang(self, _given: Any) -> None:
        self.stop.wait()
        raise StoppedError

    def crash(self, code: int) -> None:
        time.sleep(0.05)
        os._exit(code)

    def error(self, why: str) -> None:
        self.fail("APIError", why)
        sys.exit()

    def cut(self, _given: Any) -> None:
        with LOCK:
            for _, waiting in LISTENERS:
                waiting.put(None)
        while LISTENERS:
            time.sleep(0.001)

    def pause(self, seconds: float) -> None:
        self.stop.wait(seconds)

    def retry(self, why: str) -> None:
        self.be(type="retry", attempt=1, message=why, next=1)
        self.be(type="busy")

    def length(self, text: str) -> None:
        self.say(text)
        self.finish("length")
        sys.exit()

    def child(self, text: str) -> None:
        info = {"id": name("ses"), "parentID": self.session, "directory": self.folder}
        publish(self.folder, "session.created", sessionID=info["id"], info=info)
        publish(self.folder, "session.idle", sessionID=info["id"])

    def permission(self, path: str) -> None:
        about = {"permission": "external_directory", "patterns": [path], "metadata": {"filepath": path}}
        answer = self.wait("permission", {"id": name("per"), "always": [], **about})
        self.say(f"it was answered {answer}")

    def question(self, text: str) -> None:
        asked = {"question": text, "header": "h", "options": [{"label": "a", "description": "A"}]}
        answer = self.wait("question", {"id": name("que"), "questions": [asked]})
        self.say(f"it was answered {answer}")

    def wait(self, kind: str, asked: dict[str, Any]) -> Any:
        asked = {**asked, "sessionID": self.session, "about": kind}
        with ANSWERED:
            ASKED[asked["id"]] = asked
            self.tell(f"{kind}.asked", **{key: value for key, value in asked.items() if key != "sessionID"})
            while "answer" not in asked:
                ANSWERED.wait(0.05)
                if self.stop.is_set():
                    raise StoppedError
            del ASKED[asked["id"]]
        self.tell(f"{kind}.replied", requestID=asked["id"], reply="once")
        return asked["answer"]


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.take({})

    def do_POST(self) -> None:
        self.take(json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}"))

    def take(self, body: dict[str, Any]) -> None:
        asked = urlsplit(self.path)
        given = {key: values[0] for key, values in parse_qs(asked.query).items()}
        secret = base64.b64encode(f"opencode:{PASSWORD}".encode()).decode()
        if PASSWORD and self.headers.get("Authorization") != f"Basic {secret}":
            return self.answer(401, {"message": "Unauthorized"})
        if asked.path == "/event":
            return self.stream(given["directory"])
        if asked.path.startswith("/session/ses_"):
            _, _, session, *rest = asked.path.split("/")
            return self.of_session(session, "/".join(rest), body, given)
        return self.other(asked.path, body, given)

    def other(self, path: str, body: dict[str, Any], given: dict[str, str]) -> None:
        match self.command, path:
            case "GET", "/global/health":
                if DEAF.pop("health", False):
                    time.sleep(600)
                self.answer(200, {"healthy": True, "version": VERSION})
            case "GET", "/config":
                self.answer(200, {"model": "fake/fake-1"})
            case "GET", "/config/providers":
                self.answer(200, {"providers": [{"id": "fake", "models": {"fake-1": MODEL}}]})
            case "GET", "/session/status":
                self.answer(
                    200, {id: one.status for id, one in PLAYS.items() if one.status["type"] != "idle"}
                )
            case "POST", "/session":
                info = {"id": name("ses"), "directory": given["directory"], "cost": 0, **body}
                save({"info": info, "messages": []})
                publish(given["directory"], "session.created", sessionID=info["id"], info=info)
                self.answer(200, info)
            case "GET", "/mcp":
                self.answer(200, SERVERS)
            case "POST", "/mcp":
                SERVERS[body["name"]] = {"status": "connected"}
                self.answer(200, SERVERS)
            case "GET", "/permission" | "/question":
                self.answer(200, [one for one in ASKED.values() if one["about"] == path[1:]])
            case _:
                self.reply(path, body)

    def reply(self, path: str, body: dict[str, Any]) -> None:
        request = path.split("/")[2] if path.count("/") == 3 else ""
        with ANSWERED:
            if request not in ASKED:
                return self.answer(404, {"message": f"not found: {path}"})
            ASKED[request]["answer"] = body.get("reply") or body.get("answers") or "reject"
            ANSWERED.notify_all()
        return self.answer(200, True)

    def of_session(self, id: str, what: str, body: dict[str, Any], given: dict[str, str]) -> None:
        kept = load(id)
        match self.command, what:
            case "POST", "abort":
                if id in PLAYS:
                    PLAYS[id].stop.set()
                else:
                    publish(given["directory"], "session.idle", sessionID=id)
                self.answer(200, True)
            case _ if kept is None:
                self.answer(404, {"name": "NotFoundError", "data": {"message": f"Session not found: {id}"}})
            case "GET", "":
                self.answer(200, kept["info"])
            case "GET", "message":
                self.answer(200, kept["messages"][-int(given.get("limit", 100)) :])
            case "GET", "children":
                self.answer(200, [])
            case "POST", "prompt_async":
                PLAYS[id] = Play(id, body["parts"][0]["text"])
                threading.Thread(target=PLAYS[id].run, daemon=True).start()
                self.answer(204, None)
            case "POST", "summarize":
                PLAYS[id] = Play(id, "")
                PLAYS[id].run()
                publish(given["directory"], "session.compacted", sessionID=id)
                self.answer(200, True)
            case _:
                self.answer(404, {"message": f"not found: {what}"})

    def answer(self, status: int, body: Any) -> None:
        raw = b"" if status == 204 else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def stream(self, folder: str) -> None:
        waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()
        with LOCK:
            LISTENERS.append((folder, waiting))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        event: dict[str, Any] = {"id": name("evt"), "type": "server.connected", "properties": {}}
        try:
            while True:
                self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
                try:
                    found = waiting.get(timeout=10)
                except queue.Empty:
                    found = {"type": "server.heartbeat", "properties": {}}
                if found is None:
                    self.close_connection = True
                    return
                event = found
        except OSError:
            self.close_connection = True
        finally:
            with LOCK:
                LISTENERS.remove((folder, waiting))

    def log_message(self, *words: Any) -> None:
        del words


class Quiet(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        del request, client_address


def main() -> None:
    port = int(sys.argv[sys.argv.index("--port") + 1])
    server = Quiet(("127.0.0.1", port), Door)
    print(f"opencode server listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


main()
