"""``coord dashboard``: the file, what it lets nobody do, and the server that shows it live."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from coord.core.dashboard import page_facts
from coord.dashboard.gathering import gather
from coord.dashboard.page import embedded, make_page
from coord.dashboard.server import Live, Server
from coord.present import Memory
from coord.workspace import open_workspace
from tests.world import World, pages, task_text

_SOURCES = Path(__file__).parents[2] / "coord/templates/dashboard"


class _Reader(HTMLParser):
    """The tags of a page, with their attributes, and the text of its elements that hold scripts, styles or data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.raw.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            self.raw[-1] += data

    def meta(self, name: str) -> str:
        return next(
            a["content"] or "" for tag, a in self.tags if tag == "meta" and a.get("http-equiv") == name
        )


# -- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["full", "hostile"])
def test_the_policy_allows_the_style_and_script_of_the_page_and_nothing_else(name: str) -> None:
    page = _Reader(make_page(page_facts(getattr(pages, name)())).text)
    style, _data, _layout, script = page.raw
    hashes = {b64encode(sha256(text.encode()).digest()).decode() for text in (style, script)}

    policy = page.meta("Content-Security-Policy")

    assert set(re.findall(r"'sha256-([^']+)'", policy)) == hashes
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert not [
        tag for tag, attrs in page.tags if "style" in attrs or any(name.startswith("on") for name in attrs)
    ]


def test_nothing_is_loaded_from_elsewhere() -> None:
    page = _Reader(make_page(page_facts(pages.full())).text)
    loaded = [
        attrs.get("src") or attrs.get("href")
        for tag, attrs in page.tags
        if tag in ("script", "link", "img", "iframe", "use")
    ]
    assert {one for one in loaded if one and not one.startswith("#")} == {"data:,"}


def test_hostile_text_makes_no_tag() -> None:
    page = _Reader(make_page(page_facts(pages.hostile())).text)
    assert "img" not in {tag for tag, _ in page.tags}
    assert [tag for tag, _ in page.tags].count("script") == 3
    assert "{{ 7*7 }}${7*7}" in page.raw[1]
    assert "49" not in str(page.meta("Content-Security-Policy"))


@pytest.mark.parametrize("text", ["</script><b>", "<!--<script>", "\u2028\u2029", "\ud800", "&lt;", "]]>"])
def test_data_cannot_end_its_element_and_is_read_back_as_it_was(text: str) -> None:
    made = embedded({text: [text]})
    assert made.isascii()
    assert not set("<>&") & set(made)
    assert json.loads(made) == {text: [text]}


def test_the_scripts_put_no_text_into_the_page_as_html() -> None:
    for source in _SOURCES.glob("*.js"):
        text = source.read_text("utf-8")
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "srcdoc",
            "createContextualFragment",
            "setHTML",
        ):
            assert word not in text, f"{source.name}: {word}"
    assert sum("DOMParser" in source.read_text("utf-8") for source in _SOURCES.glob("*.js")) == 1


def test_the_tag_of_a_page_changes_with_what_it_says_and_not_with_the_time_of_the_look() -> None:
    facts = page_facts(pages.full())
    later = {**facts, "head": {**facts["head"], "at": facts["head"]["at"] + 1}}
    other = {**facts, "head": {**facts["head"], "action": "something else"}}
    assert make_page(facts).tag == make_page(later).tag
    assert make_page(facts).tag != make_page(other).tag


def test_the_command_writes_one_file(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b", depends_on=("a",))})
    world.push("feat/a")

    answer = world.coord("dashboard", "--fetch")

    text = (world.desk / "coord-dashboard.html").read_text("utf-8")
    assert answer.code == 0
    assert "coord-dashboard.html" in answer.err
    assert "feat/a" in text
    assert world.coord("dashboard", "-o", "-").out.startswith("<!DOCTYPE html>")


def test_json_is_the_data_of_the_page(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b", depends_on=("a",))})
    world.push("feat/a", message="work\n\nStatus: done")

    data = world.coord("dashboard", "--fetch", "--json").data

    assert [row["branch"] for row in data["queue"] + data["waiting"]] == ["feat/a"]
    assert [task["id"] for task in data["graph"]["tasks"]] == ["a", "b"]
    (embedded_json,) = [
        raw for raw in _Reader(world.coord("dashboard", "-o", "-").out).raw if raw.startswith("{")
    ]
    stated = json.loads(embedded_json)
    assert stated["schema"] == "coord/dashboard/1"
    assert stated["data"]["graph"] == data["graph"]


def test_a_repository_in_which_there_is_nothing_yet_has_a_page(world: World) -> None:
    world.build()
    assert "There are no tasks" in world.coord("dashboard", "-o", "-").out


def test_a_broken_task_file_is_told_on_the_page(world: World) -> None:
    world.build({"a": task_text("a"), "b": "---\nid: [\n---\n"})
    text = world.coord("dashboard", "-o", "-").out
    assert "tasks/b.md" in text
    assert "Task files with errors" in text


@pytest.mark.parametrize(
    "words", [("--serve", "--json"), ("--port", "1"), ("--serve", "--port", "70000"), ("--json", "-o", "x")]
)
def test_words_that_ask_for_two_things_are_refused(world: World, words: tuple[str, ...]) -> None:
    world.build()
    assert world.coord("dashboard", *words).code == 2


def test_a_folder_that_cannot_be_written_is_an_error_of_one_sentence(world: World) -> None:
    world.build()
    answer = world.coord("dashboard", "-o", "no/such/folder/page.html")
    assert answer.code == 1
    assert "cannot write" in answer.err


# -- the server ------------------------------------------------------------------------------------------------------


@contextmanager
def serving(server: Server) -> Iterator[int]:
    """Answer requests in a thread; yields the port."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """Serve the page of a repository; yields the port."""
    with Server(Live(folder), 0) as server, serving(server) as port:
        yield port


def ask(port: int, path: str = "/", method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    """Ask the server and read all of its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=named)
    answer = connection.getresponse()
    answer.text = answer.read().decode()  # type: ignore[attr-defined]
    connection.close()
    return answer


def test_the_server_answers_with_the_page_and_says_when_nothing_changed(world: World) -> None:
    world.build({"a": task_text("a")})
    with served(world.desk) as port:
        first = ask(port)
        tag = first.headers["ETag"]
        again = ask(port, If_None_Match=tag)

    assert first.status == 200
    assert "connect-src 'self'" in first.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in first.headers["Content-Security-Policy"]
    assert (again.status, again.text) == (304, "")  # type: ignore[attr-defined]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1", ""])
def test_a_request_that_names_another_host_is_not_answered(world: World, host: str) -> None:
    world.build()
    with served(world.desk) as port:
        answer = ask(port, Host=host.format(port=port))
    assert answer.status == 421
    assert "data" not in answer.text  # type: ignore[attr-defined]


def test_there_is_one_path_one_method_and_no_leave_for_other_pages(world: World) -> None:
    world.build()
    with served(world.desk) as port:
        paths = [ask(port, path).status for path in ("/x", "/../.git/config", "/?a=1")]
        methods = [ask(port, method=method).status for method in ("POST", "PUT", "DELETE", "OPTIONS")]
        page = ask(port, Origin="https://evil.example")

    assert paths == [404, 404, 404]
    assert methods == [501, 501, 501, 501]
    assert not [name for name in page.headers if name.lower().startswith("access-control")]
    assert page.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_only_this_machine_is_listened_to(world: World) -> None:
    world.build()
    with Server(Live(world.desk), 0) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_a_clear_error(world: World) -> None:
    world.build()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = world.coord("dashboard", "--serve", "--port", str(port))
    assert answer.code == 2
    assert f"port {port}" in answer.err
    assert "--port 0" in answer.err


def test_interrupting_the_server_is_its_ordinary_end(world: World) -> None:
    world.build()
    process = subprocess.Popen(
        [sys.executable, "-m", "coord", "-C", str(world.desk), "dashboard", "--serve"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)/", url)[1])  # type: ignore[index]
    assert ask(port).status == 200
    process.send_signal(2)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "no longer served" in told


def test_the_forecast_is_kept_while_main_and_the_branches_stay(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    kept = Memory.of(open_workspace(world.desk))
    world.push("feat/a", {"src/lib.txt": "a\n"})
    world.git("fetch", "-q", "origin", at=world.desk)
    first = gather(open_workspace(world.desk), kept).forecast
    assert gather(open_workspace(world.desk), kept).forecast is first
    assert not first.conflicts

    world.push("feat/b", {"src/lib.txt": "b\n"})
    world.git("fetch", "-q", "origin", at=world.desk)

    assert gather(open_workspace(world.desk), kept).forecast.conflicts == 1


def test_what_changes_in_the_repository_is_in_the_next_page(world: World) -> None:
    world.build({"a": task_text("a")})
    live = Live(world.desk)
    before = live.page()
    live._looked = float("-inf")
    assert live.page().tag == before.tag

    world.push("feat/a")
    world.git("fetch", "-q", "origin", at=world.desk)
    live._looked = float("-inf")

    assert live.page().tag != before.tag
    assert "feat/a" in live.page().text


def test_a_remote_that_is_gone_does_not_hide_what_is_here(world: World) -> None:
    world.build({"a": task_text("a")})
    live = Live(world.desk, fetch=True)
    assert "not fetched" not in live.page().text

    world.git("remote", "set-url", "origin", str(world.root / "nowhere"), at=world.desk)
    live._looked = live._fetched = float("-inf")

    assert "Do a" in live.page().text  # the remote is asked beside it
    assert live._asking
    live._asking.join()
    live._looked = float("-inf")
    text = live.page().text
    assert "Do a" in text
    assert "; not fetched: cannot fetch from origin" in text
    asked = live._fetched
    live._looked = float("-inf")
    live.page()
    assert live._fetched == asked  # it is asked once a minute, not for each request
