"""The tokens of the GitHub on loopback: who holds one, and what it may do."""

from __future__ import annotations

import base64
import binascii
import secrets
import string
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_PREFIXES = {"user": "ghp_", "app": "ghs_", "job": "ghs_"}
_LEVELS = ("none", "read", "write", "admin")
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Token:
    """A credential: its text, whose it is, its kind (``user``, ``app``, ``job``) and its rights in GitHub's words."""

    text: str = field(repr=False)
    actor: str
    kind: str
    rights: Mapping[str, str]

    def may(self, right: str, level: str) -> bool:
        """Say whether the token has a right at a level; each level includes the ones before."""
        held = self.rights.get(right, "read" if right == "metadata" else "none")
        return _LEVELS.index(held) >= _LEVELS.index(level)


class Tokens:
    """All tokens that are valid now; safe to be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Token] = {}

    def issue(self, actor: str, kind: str, rights: Mapping[str, str]) -> Token:
        """Make a token."""
        text = _PREFIXES[kind] + "".join(secrets.choice(_LETTERS) for _ in range(36))
        token = Token(text, actor, kind, MappingProxyType(dict(rights)))
        with self._lock:
            self._known[text] = token
        return token

    def of(self, header: str | None) -> Token | None:
        """Return the valid token of an Authorization header."""
        with self._lock:
            return self._known.get(_text(header or ""))

    def revoke(self, token: Token) -> None:
        """Let a token be valid no more."""
        with self._lock:
            self._known.pop(token.text, None)


def _text(header: str) -> str:
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "basic":
        return _password(rest.strip())
    return rest.strip() if scheme.lower() in {"bearer", "token"} else ""


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
