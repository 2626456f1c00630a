"""Where a remote is: which host, and which repository there."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: ``https://host:port/owner/name.git``, and the same by ssh; credentials in a URL are passed over.
_URL = re.compile(r"(?:https?|ssh|git)://(?:[^/@]*@)?([^/]+)/([^/]+)/([^/]+?)(?:\.git)?/?\Z")
#: ``git@host:owner/name.git``
_SCP = re.compile(r"(?:[^/@:]+@)?([^/@:]+):([^/:]+)/([^/]+?)(?:\.git)?/?\Z")


@dataclass(frozen=True, slots=True)
class Address:
    """A repository on a host, ``owner`` and ``name`` as the host writes them."""

    host: str
    owner: str
    name: str

    @property
    def slug(self) -> str:
        """Return ``owner/name``."""
        return f"{self.owner}/{self.name}"


def address_of(url: str) -> Address | None:
    """Return the repository that a remote's URL names, or None when it is a path or no URL of that shape."""
    match = (
        _URL.match(url) or ("://" not in url and not url.startswith(("/", ".")) and _SCP.match(url)) or None
    )
    return Address(match[1].lower(), match[2], match[3]) if match else None


def host_of(url: str) -> str:
    """Return the host (with its port, when it names one) of a server's URL."""
    match = re.match(r"[a-z+]+://(?:[^/@]*@)?([^/]+)", url)
    return match[1].lower() if match else ""
