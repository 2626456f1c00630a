"""The server itself: MCP over stdin and stdout, by the official package. Nothing else may write to stdout."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from coord import __version__
from coord.agents.registry import INSTALL
from coord.errors import UsageError
from coord.mcp.call import Reply, Setting, error
from coord.mcp.tools import KEYS, answer, changes, description, schema

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

_INSTRUCTIONS = 'Begin with worktree {"action": "current"}: it tells your role, your task and where you work.'


def serve(setting: Setting) -> None:
    """Serve until the client closes the connection. Raises UsageError when the package ``mcp`` is not installed."""
    try:
        import anyio
        import mcp.server.stdio
    except ImportError as missing:
        raise UsageError(f"coord mcp needs the package {missing.name or 'mcp'}", hint=INSTALL) from missing
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR)

    async def run() -> None:
        server = make_server(setting)
        async with mcp.server.stdio.stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    with contextlib.suppress(BrokenPipeError):
        anyio.run(run)


def make_server(setting: Setting) -> Server[Any]:
    """Return the server with its two tools; calls run in threads, those that change something one at a time."""
    import anyio
    from mcp.server.lowlevel import Server
    from mcp_types import CallToolResult, ListToolsResult, TextContent, Tool

    alone = anyio.Lock()

    async def in_thread(own: Setting, tool: str, raw: dict[str, Any]) -> Reply:
        # What only looks is left when the client has gone or does not want it any more; what changes something is not.
        try:
            return await anyio.to_thread.run_sync(
                guarded, own, tool, raw, abandon_on_cancel=not changes(tool, raw)
            )
        finally:
            own.stop.set()

    async def list_tools(_context: Any, _params: Any) -> ListToolsResult:
        return ListToolsResult(
            tools=[Tool(name=name, description=description(name), input_schema=schema(name)) for name in KEYS]
        )

    async def call_tool(_context: Any, params: Any) -> CallToolResult:
        raw = dict(params.arguments or {})
        async with contextlib.AsyncExitStack() as held:
            if changes(params.name, raw):
                await held.enter_async_context(alone)
            reply = await in_thread(replace(setting, stop=threading.Event()), params.name, raw)
        return CallToolResult(content=[TextContent(type="text", text=reply.text)], is_error=reply.failed)

    return Server(
        "coord",
        version=__version__,
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def guarded(setting: Setting, tool: str, raw: dict[str, Any]) -> Reply:
    """Return the answer of a call; a defect of coord's is an answer as well, since a model cannot read a broken pipe."""
    try:
        return answer(setting, tool, raw)
    except Exception as defect:
        logging.getLogger(__name__).exception("a tool call failed")
        return error(
            f"this is a defect in coord ({type(defect).__name__})", "go on without it and tell a person"
        )
