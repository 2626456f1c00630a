"""The live page: one path on 127.0.0.1, read only, for as long as the command runs.

Only a request that names this host and port is answered: a page from elsewhere whose name was made to lead here (DNS
rebinding) names another one, and no header lets other pages read the answer.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

from coord.core.dashboard import page_facts
from coord.core.text import one_line
from coord.dashboard.gathering import gather
from coord.dashboard.page import Page, make_page, policy
from coord.errors import CoordError, UsageError
from coord.output import Output
from coord.present import Memory, ask
from coord.workspace import Workspace, open_workspace

_HOST = "127.0.0.1"
#: For how many seconds a look is believed, and how far apart fetches are.
_BELIEVED, _FETCHED = 2.0, 60.0
#: How long (seconds) a client may take for its request: one that says nothing holds a thread.
_PATIENCE = 10.0


@dataclass
class Live:
    """The page as it is now; asked by several threads, it looks once at a time."""

    folder: Path
    fetch: bool = False
    _lock: Lock = field(default_factory=Lock)
    _memory: Memory | None = None
    _page: Page | None = None
    _looked: float = float("-inf")
    _fetched: float = float("-inf")
    _unfetched: str = ""
    _asking: Thread | None = None

    def page(self) -> Page:
        """Return the page; a look that is two seconds old is believed. Raises CoordError when the repository cannot be read."""
        with self._lock:
            if self._page is None or time.monotonic() - self._looked > _BELIEVED:
                self._page = self._look()
                self._looked = time.monotonic()
            return self._page

    def _look(self) -> Page:
        workspace = open_workspace(self.folder)
        self._memory = self._memory or Memory.of(workspace)
        if self.fetch:
            self._fetch_when_due(workspace, self._memory)
        seen = gather(workspace, self._memory)
        present = replace(seen.present, said=seen.present.said + self._unfetched)
        return make_page(page_facts(replace(seen, present=present)), served=True)

    def _fetch_when_due(self, workspace: Workspace, memory: Memory) -> None:
        """Fetch: at first before anything is shown, later beside it, so that a remote that hangs holds up no page."""
        if self._page is None:
            ask(workspace, memory)
            self._fetched = time.monotonic()
            return
        is_due = time.monotonic() - self._fetched > _FETCHED
        if is_due and (self._asking is None or not self._asking.is_alive()):
            self._asking = Thread(target=self._ask, args=(memory,), name="fetch", daemon=True)
            self._asking.start()

    def _ask(self, memory: Memory) -> None:
        """Fetch. A remote that does not answer is told of on the page; what is here is shown all the same."""
        try:
            ask(open_workspace(self.folder), memory)
            self._unfetched = ""
        except CoordError as error:
            self._unfetched = f"; not fetched: {one_line(error.message, 120)}"
        self._fetched = time.monotonic()


def serve(live: Live, port: int, output: Output) -> None:
    """Serve the page until Ctrl-C. Raises UsageError when the port is taken."""
    try:
        server = Server(live, port)
    except OSError as error:
        raise UsageError(
            f"port {port} of {_HOST} cannot be used: {error.strerror}", hint="--port 0 takes a free one"
        ) from None
    with server:
        output.result(f"http://{_HOST}:{server.server_port}/")
        output.out.flush()
        output.say("only this machine can read it; Ctrl-C ends it")
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            output.say("the dashboard is no longer served")


class Server(ThreadingHTTPServer):
    """The server of one live page; port 0 takes a free one."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, live: Live, port: int) -> None:
        self.live = live
        super().__init__((_HOST, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking a name server what this machine is called, as the base class does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = _HOST, self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away in the middle is nothing to tell of."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = _PATIENCE
    # A connection for each request: one that is kept would hold a thread, and outlive the server.
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        if not self._is_meant():
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "this host is not served here")
        elif self.path != "/":
            self._refuse(HTTPStatus.NOT_FOUND, "there is only /")
        else:
            self._answer()

    def _is_meant(self) -> bool:
        names = {f"{name}:{self.server.server_port}" for name in (_HOST, "localhost")}
        return self.headers.get_all("Host") is not None and set(self.headers.get_all("Host", [])) <= names

    def _answer(self) -> None:
        try:
            page = self.server.live.page()
        except CoordError as error:
            return self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, error.message)
        tag = f'"{page.tag}"'
        headers = {"ETag": tag, "Content-Security-Policy": policy(served=True) + "; frame-ancestors 'none'"}
        if self.headers.get("If-None-Match") == tag:
            return self._send(HTTPStatus.NOT_MODIFIED, b"", headers)
        return self._send(
            HTTPStatus.OK, page.text.encode(), headers | {"Content-Type": "text/html; charset=utf-8"}
        )

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        self._send(status, f"coord: {words}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})

    def _send(self, status: HTTPStatus, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        if status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Requests are not told."""
