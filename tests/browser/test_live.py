"""The live page in Chromium, on a real repository: it follows what changes and keeps what its reader does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coord.dashboard.server import Live, Server
from tests.browser.chrome import complaints, needed
from tests.browser.conftest import colours, until_drawn
from tests.cli.test_dashboard import serving
from tests.world import World, task_text

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [needed, pytest.mark.long]


def news(browser: Chrome) -> None:
    """Let the page ask its server now."""
    browser.execute_async_script("const done = arguments[0]; news().then(done);")
    until_drawn(browser)


@pytest.fixture
def live(world: World) -> Live:
    tasks = {
        f"area/t{n:02}": task_text(f"area/t{n:02}", depends_on=(f"area/t{n - 1:02}",) if n % 4 else ())
        for n in range(30)
    }
    world.build(tasks)
    return Live(world.desk)


def push(world: World, live: Live, branch: str) -> None:
    """An agent pushes; what was looked at before is not believed any more."""
    world.push(branch)
    world.git("fetch", "-q", "origin", at=world.desk)
    live._looked = float("-inf")


def test_a_change_is_shown_and_search_choice_and_place_are_kept(
    world: World, live: Live, browser: Chrome
) -> None:
    with Server(live, 0) as server, serving(server) as port:
        colours(browser, "light")
        browser.get(f"http://127.0.0.1:{port}/")
        until_drawn(browser)
        news(browser)
        browser.find_element("id", "search").send_keys("area/t0")
        browser.execute_script(
            "goTo('area/t05'); paintNow(); scrollTo(0, 300); $('search').focus({preventScroll: true})"
        )
        before = browser.execute_script(
            "return [scrollY, $('search').value, idOf(graph.chosen), JSON.stringify(graph.view)]"
        )
        status = "return graph.tasks[graph.number.get('area/t04')].status"
        assert browser.execute_script(status) == "pending"

        push(world, live, "feat/area/t04")
        news(browser)

        after = browser.execute_script(
            "return [scrollY, $('search').value, idOf(graph.chosen), JSON.stringify(graph.view)]"
        )
        assert browser.execute_script(status) == "in-progress"
        assert "feat/area/t04" in browser.find_element("tag name", "main").text
        assert after == before
        assert browser.execute_script("return document.activeElement.id") == "search"
        assert browser.find_element("id", "live").text == "Live"
        assert complaints(browser) == []


def test_selected_text_stays_and_its_part_follows_later(world: World, live: Live, browser: Chrome) -> None:
    with Server(live, 0) as server, serving(server) as port:
        browser.get(f"http://127.0.0.1:{port}/")
        until_drawn(browser)
        news(browser)
        part = "document.querySelector('[data-part=waiting]')"
        browser.execute_script(f"getSelection().selectAllChildren({part})")
        push(world, live, "feat/area/t08")
        news(browser)
        assert "area/t08" in browser.execute_script(f"return {part}.textContent"), "it was ready to start"
        assert browser.execute_script("return getSelection().isCollapsed") is False

        browser.execute_script("getSelection().removeAllRanges()")
        news(browser)

        assert "area/t08" not in browser.execute_script(f"return {part}.textContent")


def test_the_page_says_when_the_server_is_gone_and_when_it_is_back(
    world: World, live: Live, browser: Chrome
) -> None:
    with Server(live, 0) as server, serving(server) as port:
        browser.get(f"http://127.0.0.1:{port}/")
        until_drawn(browser)
        news(browser)
    news(browser)
    told = browser.find_element("id", "live").text
    assert told.startswith("No answer from the server since")
    assert "coord dashboard --serve" in told
    assert "area/t05" in browser.find_element("id", "tasks").text

    with Server(live, port) as server, serving(server):
        news(browser)
        assert browser.find_element("id", "live").text == "The server answers again."
    browser.get("about:blank")
    browser.get_log("browser")
