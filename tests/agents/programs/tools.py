"""A server of tools for tests: it answers every call with what it was called with, and who asked."""

from __future__ import annotations

import json
import os
import sys

for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    params = asked.get("params", {})
    if asked["method"] == "initialize":
        result = {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {},
            "serverInfo": {"name": "t"},
        }
    else:
        who = os.environ.get("COORD_SESSION")
        text = json.dumps({"tool": params["name"], "args": params["arguments"], "who": who})
        result = {"content": [{"type": "text", "text": text}], "isError": params["name"] == "broken"}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
