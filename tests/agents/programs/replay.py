"""Plays the agent's side of a recording against a client that really speaks.

Words: the recording. What the client sends must be what the recording's client sent: the same methods in the same order,
the same prompts, the same answers to permissions. Otherwise it ends with 97 and says why."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

Message = dict[str, Any]


def essence(message: Message) -> Any:
    match message.get("method"):
        case None:
            return message.get("result")
        case "session/prompt":
            return "session/prompt", message["params"]["prompt"]
        case method:
            return method


def next_message() -> Message:
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    message: Message = json.loads(line)
    return message


def main() -> None:
    recording = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    ids: dict[int, Any] = {}
    waiting: list[Message] = []
    for entry in recording:
        message = entry["m"]
        if entry["d"] == ">":
            flush(waiting)
            said = next_message()
            if essence(said) != essence(message):
                print(f"expected {essence(message)}, was sent {essence(said)}", file=sys.stderr, flush=True)
                sys.exit(97)
            if "method" in message and "id" in message:
                ids[message["id"]] = said["id"]
        else:
            waiting.append(message if "method" in message else {**message, "id": ids[message["id"]]})
    flush(waiting)
    print("(played)", file=sys.stderr, flush=True)
    next_message()
    print("the client said more than the recording's", file=sys.stderr, flush=True)
    sys.exit(97)


def flush(messages: list[Message]) -> None:
    for message in messages:
        sys.stdout.write(json.dumps(message) + "\n")
        if "method" not in message and message is not messages[-1]:
            # The client has its answer, and has acted on it, before it hears what came after.
            sys.stdout.flush()
            time.sleep(0.05)
    sys.stdout.flush()
    messages.clear()


main()
