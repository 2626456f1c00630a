"""git over HTTP on loopback for one bare repository: ``git http-backend`` with tokens, rights and a protected main."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.world.github.tokens import Token, Tokens

_HOOK = Path(__file__).with_name("githttp_update.py")
_SERVICES = ("git-upload-pack", "git-receive-pack")
_PUSHERS = ("write", "maintain", "admin")
_CHUNK = 1 << 16

#: What GitHub's git allows and refuses by itself, for every repository.
_SETTINGS = (
    ("http.receivepack", "true"),
    ("receive.hideRefs", "refs/pull"),
    ("receive.autogc", "false"),
    ("uploadpack.allowFilter", "true"),
    ("uploadpack.allowTipSHA1InWant", "true"),
    ("uploadpack.allowReachableSHA1InWant", "true"),
)


@dataclass(frozen=True, slots=True)
class Push:
    """One ref that a push has changed, and by whose token; ``before`` or ``after`` is all zeros for none."""

    ref: str
    before: str
    after: str
    token: Token

    @property
    def deletes(self) -> bool:
        """Say whether the ref is gone."""
        return not self.after.strip("0")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked of the server and how it was answered."""

    actor: str
    service: str
    code: int


@dataclass
class GitServer:
    """Serves ``bare`` at ``/OWNER/NAME`` and ``/OWNER/NAME.git``; ``on_push`` hears of each ref after it has changed.

    A push by a user needs the right of the token and that user's permission in ``people`` (login to permission); nobody
    is asked for it when ``people`` is None. ``only`` is the ruleset: who may update a ref; what is not in it is open.
    What went wrong in the server itself is kept in ``problems``.
    """

    bare: Path
    name: str
    tokens: Tokens
    people: Mapping[str, str] | None = None
    on_push: Callable[[Push], None] = lambda push: None
    only: dict[str, frozenset[str]] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    problems: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="githttp-"))
        _write_hooks(self._scratch / "hooks")
        handler = type("Handler", (_Handler,), {"git": self})
        self._http = _Server(("127.0.0.1", 0), handler)
        self._http.problems = self.problems
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """The server's own address (GITHUB_SERVER_URL)."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def remote(self) -> str:
        """The repository's address, without a token."""
        return f"{self.url}/{self.name}.git"

    def remote_for(self, token: Token) -> str:
        """Return the repository's address with a token in it, as a clone of an agent would hold it."""
        return self.remote.replace("://", f"://x-access-token:{token.text}@", 1)

    def protect(self, ref: str, *actors: str) -> None:
        """Let only these actors update a ref, and nobody force or delete it."""
        self.only[ref] = frozenset(actors)

    def close(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._http.server_close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    # -- judging ---------------------------------------------------------------------------------------------------

    def refusal(self, token: Token | None, service: str) -> tuple[int, str] | None:
        """Return the code and GitHub's words for a request that is refused as a whole."""
        if token is None:
            return (
                401,
                "Invalid username or token. Password authentication is not supported for Git operations.",
            )
        if service == "git-receive-pack" and not self._may_push(token):
            return 403, f"Permission to {self.name}.git denied to {token.actor}."
        if not token.may("contents", "read"):
            return 404, "Repository not found."
        return None

    def _may_push(self, token: Token) -> bool:
        known = token.kind != "user" or self.people is None or self.people.get(token.actor) in _PUSHERS
        return known and token.may("contents", "write")

    def rules(self, token: Token) -> str:
        """Return what the update hook needs to know, as JSON."""
        workflows = token.kind == "user" or token.may("workflows", "write")
        only = {ref: sorted(actors) for ref, actors in self.only.items()}
        return json.dumps({"actor": token.actor, "workflows": workflows, "only": only})

    def environment(self, token: Token) -> dict[str, str]:
        """Return the environment in which git serves a request of a token."""
        settings = (*_SETTINGS, ("core.hooksPath", str(self._scratch / "hooks")))
        listed = {f"GIT_CONFIG_KEY_{n}": key for n, (key, _) in enumerate(settings)}
        listed |= {f"GIT_CONFIG_VALUE_{n}": value for n, (_, value) in enumerate(settings)}
        return {
            "PATH": os.environ["PATH"], "HOME": str(self._scratch), "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": str(len(settings)), **listed, "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": str(self.bare.parent), "REMOTE_USER": token.actor, "REMOTE_ADDR": "127.0.0.1",
            "RIG_RULES": self.rules(token),
        }  # fmt: skip

    @contextlib.contextmanager
    def request(self) -> Iterator[_Traces]:
        """Give a request a place where its hooks leave word."""
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        yield _Traces(folder / "updated", folder / "refused")
        shutil.rmtree(folder)


@dataclass(frozen=True, slots=True)
class _Traces:
    """The files in which the hooks of one request say what was done and what was refused."""

    updated: Path
    refused: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"RIG_UPDATED": str(self.updated), "RIG_REFUSED": str(self.refused)}

    def pushes(self, token: Token) -> list[Push]:
        """Return what was pushed."""
        lines = self.updated.read_text().splitlines() if self.updated.exists() else []
        parts = (line.split(" ", 2) for line in lines)
        return [Push(ref, before, after, token) for before, after, ref in parts]

    def reasons(self) -> dict[bytes, bytes]:
        """Return why refs were refused."""
        lines = self.refused.read_bytes().splitlines() if self.refused.exists() else []
        return {ref: words for ref, _, words in (line.partition(b"\t") for line in lines)}


class _Server(ThreadingHTTPServer):
    """A thread a connection; clients that are killed in the middle are nothing to speak of."""

    daemon_threads = True
    problems: list[BaseException]

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self.problems.append(error)


class _Handler(BaseHTTPRequestHandler):
    """One connection; HTTP/1.1, so that git keeps it and may send its body in chunks."""

    git: GitServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer the list of refs."""
        self._serve()

    def do_POST(self) -> None:
        """Answer a fetch or push."""
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing."""

    def _serve(self) -> None:
        path, service = self._asked()
        token = self.git.tokens.of(self.headers.get("Authorization"))
        refused = (404, "Repository not found.") if not path else self.git.refusal(token, service)
        self.git.answers.append(Answer(token.actor if token else "", service, refused[0] if refused else 200))
        if refused:
            self._refuse(*refused)
        elif token is not None:
            with self.git.request() as traces:
                self._backend(path, token, traces)

    def _asked(self) -> tuple[str, str]:
        """Return the path for http-backend and the service; the path is empty when there is no such thing."""
        url = urlsplit(self.path)
        known = {f"/{self.git.name}{suffix}/{rest}": rest for suffix in ("", ".git") for rest in _SERVICES}
        known |= {f"/{self.git.name}{suffix}/info/refs": "info/refs" for suffix in ("", ".git")}
        rest = known.get(url.path, "")
        service = parse_qs(url.query).get("service", [""])[0] if rest == "info/refs" else rest
        return (f"/{self.git.bare.name}/{rest}" if service in _SERVICES else ""), service

    def _refuse(self, code: int, words: str) -> None:
        body = words.encode()
        self.send_response(code)
        if code == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="GitHub"')
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")  # a body that nobody read may follow
        self.end_headers()
        self.wfile.write(body)

    def _backend(self, path: str, token: Token, traces: _Traces) -> None:
        environment = self.git.environment(token) | traces.environment | self._cgi(path)
        with subprocess.Popen(
            ["git", "http-backend"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment,
        ) as backend:  # fmt: skip
            feeder = threading.Thread(target=self._feed, args=(backend.stdin,))
            feeder.start()
            # A push is answered when everybody has heard of it: what a test sees next does not depend on threads.
            if path.endswith("git-receive-pack"):
                answer = backend.stdout.read() if backend.stdout else b""
                feeder.join()
                backend.wait()
                for push in traces.pushes(token):
                    self.git.on_push(push)
                self._answer_whole(answer, traces.reasons())
            else:
                self._answer_stream(backend.stdout)
                feeder.join()

    def _cgi(self, path: str) -> dict[str, str]:
        headers = {
            "CONTENT_TYPE": "Content-Type", "CONTENT_LENGTH": "Content-Length", "GIT_PROTOCOL": "Git-Protocol",
            "HTTP_CONTENT_ENCODING": "Content-Encoding",
        }  # fmt: skip
        given = {name: self.headers[header] for name, header in headers.items() if header in self.headers}
        query = urlsplit(self.path).query
        return given | {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command}

    def _feed(self, to: Any) -> None:
        """Hand the body on; git may stop listening, the body is read to its end all the same."""
        with contextlib.suppress(BrokenPipeError), to:
            for part in self._body():
                with contextlib.suppress(BrokenPipeError):
                    to.write(part)

    def _body(self) -> Iterator[bytes]:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield from self._exactly(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            yield from self._exactly(int(self.headers.get("Content-Length", "0")))

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size > 0:
            part = self.rfile.read(min(size, _CHUNK))
            if not part:  # the client went away; git will say what it thinks of half a pack
                return
            size -= len(part)
            yield part

    def _answer_whole(self, answer: bytes, reasons: Mapping[bytes, bytes]) -> None:
        head, _, body = answer.partition(b"\r\n\r\n")
        body = reworded(body, reasons)
        self._head(head.splitlines())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer_stream(self, answer: Any) -> None:
        self._head(list(iter(lambda: answer.readline().rstrip(b"\r\n"), b"")))
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while part := answer.read1(_CHUNK):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def _head(self, lines: list[bytes]) -> None:
        fields = [line.decode("latin-1").split(": ", 1) for line in lines]
        status = next((value for name, value in fields if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)


def reworded(body: bytes, reasons: Mapping[bytes, bytes]) -> bytes:
    """Return the answer to a push with the reasons in place of git's "hook declined"."""
    if not reasons:
        return body
    report = b"".join(packet[1:] for packet in packets(body) if packet[:1] == b"\x01")
    lines = [_reasoned(line, reasons) for line in packets(report)]
    said = [packet for packet in packets(body) if packet[:1] == b"\x02"]
    return (
        b"".join(packed(packet) for packet in [*said, b"\x01" + b"".join(map(packed, lines)) + b"0000"])
        + b"0000"
    )


def _reasoned(line: bytes, reasons: Mapping[bytes, bytes]) -> bytes:
    verdict, _, rest = line.rstrip(b"\n").partition(b" ")
    ref, _, words = rest.partition(b" ")
    declined = verdict == b"ng" and words == b"hook declined"
    return b"ng %s %s\n" % (ref, reasons[ref]) if declined and ref in reasons else line


def packets(data: bytes) -> Iterator[bytes]:
    """Return the pkt-lines of a stream up to its flush."""
    while data and (size := int(data[:4], 16)):
        yield data[4:size]
        data = data[size:]


def packed(packet: bytes) -> bytes:
    """Return one pkt-line."""
    return b"%04x%s" % (len(packet) + 4, packet)


def _write_hooks(folder: Path) -> None:
    folder.mkdir()
    for name, command in (
        ("update", f'exec "{sys.executable}" -I -S "{_HOOK}" "$@"'),
        ("post-receive", 'cat >"$RIG_UPDATED"'),
    ):
        (folder / name).write_text(f"#!/bin/sh\n{command}\n")
        (folder / name).chmod(0o755)
