"""The HTTP server of the fake: reads requests, checks them and the answers, and writes these."""

from __future__ import annotations

import json
import socket
import struct
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.world.github.openapi.description import github
from tests.world.github.rest import actions, apps, commits, issues, protection, pulls  # noqa: F401
from tests.world.github.rest.routes import DOCUMENTATION, Answer, Refused, Request, Route, find
from tests.world.github.rest.trouble import Trouble

if TYPE_CHECKING:
    from tests.world.github.rest import Rest

Json = Any


class Server(ThreadingHTTPServer):
    """A server on loopback that knows the fake it speaks for."""

    daemon_threads = True

    def __init__(self, rest: Rest) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.rest = rest

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away (killed, or tired of waiting) is no error; the rest is written down."""
        import sys

        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            self.rest.violations.append(f"the fake failed: {error!r}")


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: what was asked is in ``Rest.requests``."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _serve(self) -> None:
        rest, split = self.server.rest, urlsplit(self.path)
        path = unquote(split.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(raw) if raw else None
        rest.note(self.command, path, body, self.headers.get("X-GitHub-Api-Version", ""))
        trouble = rest.troubles.take(self.command, path)
        if trouble and trouble.seconds:
            time.sleep(trouble.seconds)
        if trouble and trouble.status is not None and not trouble.after:
            rest.answers.append((self.command, path, trouble.status))
            return self._fail(trouble)
        answer = self._answer(split.path, dict(parse_qsl(split.query, keep_blank_values=True)), body)
        rest.answers.append((self.command, path, answer.status))
        if answer.then:
            answer.then()
        return self._fail(trouble) if trouble and trouble.after else self._write(answer)

    def _fail(self, trouble: Trouble) -> None:
        if trouble.status:
            return self._write(Answer(trouble.status, trouble.body(), trouble.headers))
        self.close_connection = True
        # Linger for no time: the client sees a reset, not an end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return self.connection.close()

    def _answer(self, path: str, query: dict[str, str], body: Json) -> Answer:
        rest = self.server.rest
        if path == "/graphql":
            return rest.graphql(self.headers.get("Authorization"))
        if path.startswith("/logs/"):
            return rest.log_text(int(path.removeprefix("/logs/")), self.headers.get("Authorization"))
        route, names = find(self.command, path)
        if route is None:
            rest.violations.append(f"{self.command} {path}: no such operation in the fake")
            return Answer(404, {"message": "Not Found", "documentation_url": DOCUMENTATION})
        header = self.headers.get("Authorization") or ""
        token = rest.tokens.of(header)
        # Only now: a slash that came percent-encoded is part of a name.
        names = {name: unquote(text) for name, text in names.items()}
        request = Request(rest.url, self.command, path, names, query, body, token, header)
        return self._checked(route, request)

    def _checked(self, route: Route, request: Request) -> Answer:
        rest, operation = self.server.rest, (route.method, route.path)
        problems = github().problems_of_request(operation, request.query, request.body)
        rest.violations.extend(problems)
        answer = self._handled(route, request)
        rest.violations.extend(github().problems_of_answer(operation, answer.status, answer.body))
        return answer

    def _handled(self, route: Route, request: Request) -> Answer:
        rest = self.server.rest
        try:
            if not route.jwt:
                route.check(rest.state, request.token)
            named = "/".join(request.names.get(part, "") for part in ("owner", "repo"))
            if named != "/" and named.lower() != rest.state.name.lower():
                raise Refused(404, "Not Found")
            with rest.state.lock:
                return route.handler(rest.state, request)
        except Refused as refused:
            return refused.answer()

    def _write(self, answer: Answer) -> None:
        text = answer.text if answer.text is not None else None
        payload = text.encode() if text is not None else b""
        if text is None and answer.body is not None:
            payload = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        kind = "text/plain; charset=utf-8" if text is not None else "application/json; charset=utf-8"
        for name, value in {"Content-Type": kind, **answer.headers}.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload if answer.status != 204 else b"")
