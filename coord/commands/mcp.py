"""Serve the tools worktree and memory to an agent, over stdin and stdout (Model Context Protocol).

Agents start it by themselves: sessions of coord get it with a secret in COORD_SESSION, which says whose it is; without
one the place says it: the main checkout is the coordinator's, a worktree an implementation's. See docs/agents.md. It needs
pip install '.[agents]' in coord's clone.
"""

from __future__ import annotations

import io
import os
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Never

from coord.call import Call
from coord.errors import CoordError, Exit, UsageError
from coord.mcp.call import Ran, Setting, Verb
from coord.mcp.server import serve
from coord.output import Output


def options(_parser: ArgumentParser) -> None:
    """It takes none."""


def run(call: Call) -> Exit:
    serve(Setting(call.folder, dict(os.environ), call.inherited, runner(call.inherited)))
    return Exit.OK


class _Parser(ArgumentParser):
    def error(self, message: str) -> Never:
        raise UsageError(message)


def runner(inherited: Mapping[str, str]) -> Verb:
    """Return what runs a command of coord within the server: its words are read as on the command line, what it writes is
    returned, and no error leaves it."""

    def ran(name: str, words: Sequence[str], folder: Path) -> Ran:
        module = import_module(f"coord.commands.{name}")
        parser = _Parser(prog=f"coord {name}", allow_abbrev=False, add_help=False)
        module.options(parser)
        out = io.StringIO()
        output = Output(out, out)
        try:
            code: Exit = module.run(Call(parser.parse_args(list(words)), output, folder, dict(inherited)))
        except CoordError as error:
            output.say(f"{error.message}")
            if error.hint:
                output.say(f"hint: {error.hint}")
            code = error.exit
        return Ran(code, out.getvalue())

    return ran
