"""The page from disk in Chromium: nothing is complained of, nobody is kept out, nothing is fetched."""

from __future__ import annotations

import pytest

from tests.browser.chrome import AXE, complaints, needed, needs_axe
from tests.browser.conftest import Open, colours, until_drawn
from tests.world import pages

pytestmark = needed

_KEY = "arguments[0].dispatchEvent(new KeyboardEvent('keydown', {key: arguments[1], bubbles: true, cancelable: true}))"


@pytest.mark.parametrize("name", ["full", "empty", "cyclic", "hostile"])
def test_the_console_stays_empty_and_nothing_is_fetched(opened: Open, name: str) -> None:
    browser = opened(getattr(pages, name)())

    assert complaints(browser) == []
    fetched = browser.execute_script("return performance.getEntriesByType('resource').map((e) => e.name)")
    assert [name for name in fetched if not name.startswith("blob:")] == []


@needs_axe
@pytest.mark.parametrize(
    ("name", "scheme", "act"),
    [
        ("full", "light", "goTo('auth/login')"),
        ("full", "dark", "goTo('auth/login')"),
        ("full", "light", "$('search').value = 'auth'; search('auth')"),
        ("hostile", "dark", "choose(0)"),
        ("empty", "light", ""),
    ],
)
def test_axe_finds_no_violation(opened: Open, name: str, scheme: str, act: str) -> None:
    browser = opened(getattr(pages, name)())
    colours(browser, scheme)
    browser.execute_script(act)
    browser.execute_script(AXE.read_text("utf-8"))

    found = browser.execute_async_script(
        "const done = arguments[0];"
        "axe.run().then((r) => done(r.violations.map((v) => [v.id, v.nodes.slice(0, 3).map((n) => n.html)])));"
    )

    assert found == []


def test_every_task_is_drawn_in_the_column_of_its_generation(opened: Open) -> None:
    browser = opened(pages.full())

    columns = browser.execute_script(
        "const at = new Map(); for (const [n, p] of graph.place) if (graph.needs[n].length || graph.needed[n].length)"
        " at.set(Math.round(p.x), [...(at.get(Math.round(p.x)) ?? []), graph.columns[graph.columnOf[n]].title]);"
        " return [...at].sort(([a], [b]) => a - b).map(([, titles]) => [...new Set(titles)]);"
    )

    assert columns == [["missing"], *([f"generation {n}"] for n in range(1, 7))]
    assert browser.execute_script("return graph.place.size") == 15


def test_a_status_is_told_by_word_sign_and_colour(opened: Open) -> None:
    browser = opened(pages.full())

    told = browser.execute_script(
        "return Object.fromEntries([...graph.boxes.values()].map((b) => [b.querySelector('span').textContent,"
        " [b.querySelector('.state').textContent, b.querySelector('use').getAttribute('href'), b.dataset.look]]))"
    )

    assert told["auth/login"] == ["blocked", "#sign-blocked", "blocked"]
    assert told["api/limits"] == ["failed", "#sign-failed", "failed"]
    assert told["auth/keys"] == ["in-progress", "#sign-in-progress", "in-progress"]
    assert told["no/such-task"] == ["missing", "#sign-missing", "missing"]
    assert told["api/routes"] == ["ready", "#sign-pending", "pending"]


def test_the_slash_key_searches_and_escape_ends_it(opened: Open) -> None:
    browser = opened(pages.full())
    body = browser.find_element("tag name", "body")

    browser.execute_script(_KEY, body, "/")
    browser.switch_to.active_element.send_keys("AUTH/")

    assert browser.find_element("id", "found").text == "5 found"
    rows = browser.execute_script(
        "return [...document.querySelectorAll('#tasks tr[data-row]:not([hidden]) .id')].map((b) => b.textContent)"
    )
    assert sorted(rows) == ["auth/keys", "auth/login", "auth/tokens", "auth/types", "ui/forms"]
    browser.switch_to.active_element.send_keys("\ue007")
    assert browser.execute_script("return idOf(graph.chosen)") == "auth/keys"

    browser.switch_to.active_element.send_keys("\ue00c")
    assert browser.find_element("id", "found").text == ""
    assert browser.execute_script("return document.querySelectorAll('#tasks tr[hidden]').length") == 0


def test_arrow_keys_go_along_dependencies(opened: Open) -> None:
    browser = opened(pages.full())
    browser.execute_script("move(graph.number.get('auth/types'))")

    right, left, up, down, enter = "\ue014", "\ue012", "\ue013", "\ue015", "\ue007"
    seen = []
    for key in (right, right, right, left, down, up):
        browser.switch_to.active_element.send_keys(key)
        seen.append(browser.execute_script("return document.activeElement.querySelector('span').textContent"))

    assert seen[0] in ("auth/keys", "auth/tokens")
    assert seen[1:3] == ["auth/login", "ui/forms"]
    assert seen[3] in ("ui/shell", "auth/login")
    assert seen[4] != seen[3] == seen[5], "down and up stay in the column"
    assert browser.execute_script("return document.querySelectorAll('#boxes [tabindex=\"0\"]').length") == 1
    browser.switch_to.active_element.send_keys(enter)
    assert browser.execute_script("return idOf(graph.chosen)") == seen[-1]


def test_a_task_of_a_list_is_shown_in_the_drawing(opened: Open) -> None:
    browser = opened(pages.full())

    browser.find_element("css selector", "#blocked a.task[data-task='auth/login']").click()

    assert (
        browser.execute_script("return document.activeElement.querySelector('span').textContent")
        == "auth/login"
    )
    assert "auth/tokens" in browser.find_element("id", "detail").text
    assert (
        browser.execute_script("return document.querySelector('#tasks tr.current .id').textContent")
        == "auth/login"
    )


def test_colours_follow_the_choice_before_the_system(opened: Open) -> None:
    browser = opened(pages.full())
    page = "return getComputedStyle(document.body).backgroundColor"
    light = browser.execute_script(page)
    colours(browser, "dark")
    dark = browser.execute_script(page)
    choice = browser.find_element("id", "theme")

    choice.send_keys("light")

    assert light != dark
    assert browser.execute_script(page) == light
    browser.refresh()
    until_drawn(browser)
    assert browser.execute_script(page) == light, "the choice is remembered"
    browser.execute_script("localStorage.clear()")


def test_hostile_text_stays_text(opened: Open) -> None:
    browser = opened(pages.hostile())
    browser.execute_script("for (const n of graph.place.keys()) choose(n)")

    assert browser.title.startswith("coord: <img")
    assert (
        browser.execute_script(
            "return document.querySelectorAll('img, script:not(#data):not(#layout)').length"
        )
        == 1
    )
    assert browser.execute_script("return document.querySelectorAll('[onerror]').length") == 0
    assert complaints(browser) == []


@pytest.mark.parametrize("name", ["full", "hostile"])
def test_nothing_is_wider_than_a_narrow_window(opened: Open, name: str) -> None:
    browser = opened(getattr(pages, name)())
    for width in (360, 768):
        size = {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        root = "document.documentElement"
        assert browser.execute_script(f"return {root}.scrollWidth - {root}.clientWidth") == 0


def test_on_paper_every_list_is_whole_and_no_part_is_a_heading_alone(opened: Open) -> None:
    browser = opened(pages.large(80))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        cut = browser.execute_script(
            "return [...document.querySelectorAll('[data-part], .scroll')]"
            ".filter((each) => each.scrollHeight > each.clientHeight + 1 && each.offsetParent)"
            ".map((each) => each.className + each.scrollHeight)"
        )
        bare = browser.execute_script(
            "return [...document.querySelectorAll('section')].filter((each) => each.offsetParent)"
            ".filter((each) => each.innerText.trim() === each.querySelector('h2').innerText).map((each) => each.id)"
        )
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert cut == []
    assert bare == []


def test_the_lists_are_there_without_javascript(opened: Open) -> None:
    browser = opened(pages.full())
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.refresh()
        text = browser.find_element("tag name", "main").text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})

    for word in (
        "coord retry auth/login",
        "shares 2 files",
        "gate failed",
        "Hub files",
        "release/one",
        "no word for 40 minutes",
    ):
        assert word in text
    assert "The drawing needs JavaScript" in text


@pytest.mark.long
def test_a_thousand_tasks_take_a_worker_and_few_elements(opened: Open) -> None:
    browser = opened(pages.large())
    browser.execute_script("$('fold').click()")
    browser.execute_async_script(
        "const done = arguments[0];"
        "(function look() { graph.place.size === 1000 ? done() : setTimeout(look, 50); })();"
    )
    counts = {}
    for scale in (0.1, 0.45, 1):
        browser.execute_script(f"graph.view.k = {scale}; paintNow()")
        counts[scale] = browser.execute_script("return document.querySelectorAll('#drawing *').length")

    assert browser.execute_script("return [graph.laidBy, graph.ticket]") == ["dagre", 2], (
        "a worker, once for each set of tasks"
    )
    assert max(counts.values()) < 3000
    assert browser.execute_script("return graph.boxes.size") < 120
    browser.execute_script("goTo('task/0999')")
    browser.execute_script("paintNow()")
    assert browser.execute_script("return graph.boxes.has(graph.number.get('task/0999'))")
    assert complaints(browser) == []
