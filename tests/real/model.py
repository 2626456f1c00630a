"""A scripted model behind OpenAI's chat completions, on loopback: the prompt carries what it answers.

A script is a list of answers in a block that begins with ```script; the last user message's counts, else one of an
earlier message whose tag (```script TAG) the last one contains. An answer is an object: ``text``, ``tool`` with ``args`` (an
object, or a text that is no JSON), ``http`` (an error's status, ``times`` often), ``sleep`` (seconds before the answer), ``length``
(the text was cut off). A text without a tool ends the agent's turn, as it does with real models."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_BLOCK = re.compile(r"```script(?: ([^\n]+))?\n(.*?)\n```", re.DOTALL)


def script(*answers: Mapping[str, Any], tag: str = "") -> str:
    """Return the block that makes the model answer so."""
    return f"\n```script{' ' + tag if tag else ''}\n{json.dumps(answers)}\n```\n"


class Model:
    """What the model was asked (``requests``), and what it answers."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.url = ""
        self._failures: Counter[str] = Counter()
        self._stop = threading.Event()

    def stop(self) -> None:
        """Let no answer be waited for any longer."""
        self._stop.set()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one request."""
        self.requests.append(request)
        if not request.get("tools"):
            return {"text": "A title"}
        texts = [text_of(one) for one in request["messages"] if one["role"] == "user"]
        answers, before = _script_of(texts), _answered(request["messages"])
        found = answers[before] if before < len(answers) else {"text": "Nothing more to say."}
        if "http" in found and "times" in found:
            key = json.dumps(found)
            self._failures[key] += 1
            if self._failures[key] > found["times"]:
                return {"text": "It works again."}
        self._stop.wait(found.get("sleep", 0))
        return found


def text_of(message: Mapping[str, Any]) -> str:
    """Return the text of one message of a request."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)


def _answered(messages: list[dict[str, Any]]) -> int:
    last = max(number for number, one in enumerate(messages) if one["role"] == "user")
    return sum(one["role"] == "assistant" for one in messages[last:])


def _script_of(texts: list[str]) -> list[dict[str, Any]]:
    last = texts[-1]
    blocks = _BLOCK.findall(last)
    own = [body for tag, body in blocks if not tag]
    tagged = [body for text in texts[:-1] for tag, body in _BLOCK.findall(text) if tag and tag in last]
    chosen = own or tagged
    return json.loads(chosen[-1]) if chosen else []


def _chunks(answer: Mapping[str, Any], number: int) -> Iterator[dict[str, Any]]:
    for word in re.findall(r"\S+\s*", answer.get("text", "") or answer.get("length", "")):
        yield {"delta": {"content": word}}
    if "tool" in answer:
        args = answer.get("args", {})
        call = {"name": answer["tool"], "arguments": args if isinstance(args, str) else json.dumps(args)}
        yield {
            "delta": {
                "tool_calls": [{"index": 0, "id": f"call_{number}", "type": "function", "function": call}]
            }
        }
    reason = "tool_calls" if "tool" in answer else "length" if "length" in answer else "stop"
    yield {"delta": {}, "finish_reason": reason}


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: Model

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.model.answer(request)
        if "http" in answer:
            self._say(answer["http"], {"error": {"message": "scripted trouble", "type": "scripted"}})
        elif request.get("stream"):
            self._stream(answer, len(self.model.requests))
        else:
            text = {"role": "assistant", "content": answer.get("text", "")}
            self._say(200, {"id": "c", "choices": [{"index": 0, "message": text, "finish_reason": "stop"}]})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _stream(self, answer: Mapping[str, Any], number: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        about = {"id": f"c{number}", "object": "chat.completion.chunk", "created": 1, "model": "fake-1"}
        for choice in _chunks(answer, number):
            self._event({**about, "choices": [{"index": 0, **choice}]})
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        self._event({**about, "choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _event(self, body: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(body).encode() + b"\n\n")

    def log_message(self, *words: Any) -> None:
        del words


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        # An agent that is killed hangs up in the middle of an answer.
        del request, client_address


@contextmanager
def scripted_model() -> Iterator[Model]:
    """Serve the model while the block runs."""
    model = Model()
    server = _Server(("127.0.0.1", 0), type("Door", (_Door,), {"model": model}))
    model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield model
    finally:
        model.stop()
        server.shutdown()
        server.server_close()
        thread.join()
