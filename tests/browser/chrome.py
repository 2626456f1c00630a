"""A headless Chromium of this machine, with a profile of its own and nothing that calls home."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

_ROOT = Path(__file__).parents[2]
AXE = _ROOT / ".venv/browser/node_modules/axe-core/axe.min.js"

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1400,1000",
)  # fmt: skip


def _browser() -> str | None:
    return shutil.which("chromium") or shutil.which("google-chrome")


def _driver() -> str | None:
    # On GitHub's machines the driver of the installed Chrome is where this variable says.
    given = os.environ.get("CHROMEWEBDRIVER")
    return shutil.which("chromedriver", path=given) if given else shutil.which("chromedriver")


needed = pytest.mark.skipif(
    not (_browser() and _driver()),
    reason="no Chromium and chromedriver: apt-get install chromium chromium-driver",
)
needs_axe = pytest.mark.skipif(
    not AXE.is_file(), reason="axe-core is not installed: make browser (npm is needed)"
)


@contextmanager
def chrome(profile: Path) -> Iterator[Chrome]:
    """Start a browser and end it."""
    from selenium.webdriver import Chrome
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = _browser() or ""
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(_driver()))
    try:
        driver.set_script_timeout(60)
        yield driver
    finally:
        driver.quit()


def complaints(driver: Any) -> list[str]:
    """Return what the browser wrote to its console since it was last asked."""
    return [entry["message"] for entry in driver.get_log("browser")]
