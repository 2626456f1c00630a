"""Where the remote is hosted: its forge, if there is one that coord knows, and how git proves who we are there."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coord.core.address import Address, address_of, host_of

if TYPE_CHECKING:
    from coord.forges.base import Forge

#: The environment that is meant for coord itself; with it git is told who we are, too.
_OWN = ("COORD_TOKEN", "COORD_APP_KEY")

GITHUB = "https://github.com"


@dataclass(frozen=True, slots=True)
class Hosting:
    """What hosts the remote. ``address`` is None where no forge does; ``forge`` is None as well where no credentials are
    at hand: branches are then treated as on a forge, and nobody is told anything there."""

    address: Address | None = None
    forge: Forge | None = None

    @property
    def has_pulls(self) -> bool:
        """Say whether a branch may have a pull request: it is deleted only after main has been seen to contain it."""
        return self.address is not None


def host(url: str, chosen: str, environment: Mapping[str, str]) -> Hosting:
    """Return what hosts the remote with this URL.

    ``chosen`` is ``git config coord.forge`` (``github``, ``none``, or ''). By itself, a repository is on GitHub when its
    URL names github.com, or the server that a workflow run names (``GITHUB_SERVER_URL``).
    """
    address = _on_github(url, chosen, environment)
    if address is None:
        return Hosting()
    from coord.forges.github import open_github

    return Hosting(address, open_github(address.slug, environment))


def _on_github(url: str, chosen: str, environment: Mapping[str, str]) -> Address | None:
    """Return the repository on GitHub that a URL names, None when another server has it, or none."""
    address = address_of(url)
    known = {host_of(GITHUB), "ssh.github.com:443", host_of(environment.get("GITHUB_SERVER_URL", GITHUB))}
    if address is None or chosen == "none" or (address.host not in known and chosen != "github"):
        return None
    return address


def authorization(
    url: str, chosen: str, environment: Mapping[str, str]
) -> Callable[[], Mapping[str, str]] | None:
    """Return what gives a git child the environment that proves who we are to the remote with this URL.

    Only where a token was given to coord by name, and only for GitHub (``chosen`` as in ``host``): another server must
    not see it. It stands in no argument list, no file and no configuration. None: git uses what it has.
    """
    server = re.match(r"https?://[^/]+/", url)
    address = _on_github(url, chosen, environment)
    if server is None or address is None or not any(environment.get(name) for name in _OWN):
        return None
    known: list[Forge] = []

    def prove() -> Mapping[str, str]:
        from coord.forges.github import open_github

        forge = known[0] if known else open_github(address.slug, environment)
        if forge is None:
            return {}
        known[:] = [forge]
        word = base64.b64encode(f"x-access-token:{forge.token()}".encode()).decode()
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{server[0]}.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {word}",
        }

    return prove
