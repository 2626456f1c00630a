"""Which module speaks to which agent; each is loaded only when it is needed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import cast

from coord.agents.base import AgentAdapter, AgentError
from coord.core.agents import Adapter

#: The module of each adapter and what it needs beside coord: a package of the extra ``coord[agents]``.
_MODULES: dict[Adapter, tuple[str, str]] = {
    Adapter.ACP: ("coord.agents.acp", "acp"),
    Adapter.COMMAND: ("coord.agents.command", ""),
    Adapter.OPENCODE_HTTP: ("coord.agents.opencode_http", "httpx2"),
}


#: What brings the packages of all adapters.
INSTALL = "install coord with its extra: pip install '.[agents]' in its clone"


def is_installed(kind: Adapter) -> bool:
    """Say whether the package that an adapter needs is there."""
    needed = _MODULES[kind][1]
    return not needed or find_spec(needed) is not None


def adapter_of(kind: Adapter) -> AgentAdapter:
    """Return the adapter: the module's ``ADAPTER``. Raises AgentError when what it needs is not installed."""
    module, needed = _MODULES[kind]
    if not is_installed(kind):
        raise AgentError(f"the {kind.value} adapter needs the package {needed}", hint=INSTALL)
    return cast(AgentAdapter, import_module(module).ADAPTER)
