"""One browser for all tests of a module; each opens its page anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from coord.core.dashboard import Seen, page_facts
from coord.dashboard.page import make_page
from tests.browser.chrome import chrome

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

Open = Callable[[Seen], "Chrome"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chrome(tmp_path_factory.mktemp("chrome")) as driver:
        yield driver


@pytest.fixture
def opened(browser: Chrome, tmp_path: Path) -> Open:
    """Write a page to a file and open it from disk, in a window of usual size and light colours."""

    def open_page(seen: Seen) -> Chrome:
        path = tmp_path / "page.html"
        path.write_text(make_page(page_facts(seen)).text, "utf-8")
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        colours(browser, "light")
        browser.get("about:blank")
        browser.get_log("browser")
        browser.get(path.as_uri())
        until_drawn(browser)
        return browser

    return open_page


def colours(driver: Chrome, scheme: str) -> None:
    """Let the system be light or dark, and move nothing."""
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def until_drawn(driver: Chrome) -> None:
    """Wait until the worker has answered and what it said is on the screen."""
    driver.execute_async_script(
        "const done = arguments[0];"
        "(function look() { graph.laidOut !== '' && !graph.due ? done() : setTimeout(look, 20); })();"
    )
