"""The command line: one table of verbs, each loaded only when it is called.

A command module in ``coord.commands`` has ``options(parser)`` and ``run(call) -> Exit``; a new command is one file and
one row here.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Never, Protocol

from coord import __version__, quick
from coord.call import Call
from coord.errors import EXIT_MEANINGS, CoordError, Exit, RefusedError, UsageError
from coord.output import standard


class Verb(NamedTuple):
    """A row of the table: the module under ``coord.commands`` and what the verb does, in one line."""

    module: str
    help: str
    group: str


_START, _TASKS, _LAND, _AGENTS, _SAY = "set up", "tasks", "landing", "agents", "on a task branch"

VERBS: dict[str, Verb] = {
    "init": Verb("init", "set a repository up: configuration, task folder, hooks", _START),
    "hooks": Verb("hooks", "install, uninstall or show the git hooks", _START),
    "doctor": Verb("doctor", "find what is wrong, and name the command that mends it", _START),
    "demo": Verb("demo", "watch seven agents land in a temporary folder", _START),
    "check": Verb("check", "check task files", _TASKS),
    "list": Verb("list", "list tasks", _TASKS),
    "show": Verb("show", "show one task", _TASKS),
    "status": Verb(
        "status", "show on one screen what lands, waits and is blocked, and whose turn it is", _TASKS
    ),
    "dashboard": Verb(
        "dashboard", "write one page that shows how everything stands, or serve it live", _TASKS
    ),
    "ready": Verb("ready", "list tasks that can be started now", _TASKS),
    "graph": Verb("graph", "show order, cycles, critical path, bottlenecks, risk and cost", _TASKS),
    "new": Verb("new", "write a new task file", _TASKS),
    "complete": Verb("complete", "complete tasks by the coordinator's own word", _TASKS),
    "review-task": Verb(
        "review_task", "check a review's criteria and main's gate, then complete or block it", _TASKS
    ),
    "plan": Verb("plan", "show what landing would do, and why branches wait", _LAND),
    "forecast": Verb("forecast", "tell which branches would conflict, before they do", _LAND),
    "log": Verb("log", "show what has been decided, and why", _LAND),
    "why": Verb("why", "tell why a task stands where it does, and how it came there", _LAND),
    "review": Verb("review", "tell what went right and wrong, and what to do about it", _LAND),
    "simulate": Verb("simulate", "show how long a queue takes, under each strategy", _LAND),
    "land": Verb("land", "land what is ready: merge, validate, publish, tidy up", _LAND),
    "retry": Verb("retry", "try a branch again that conflicted or failed", _LAND),
    "approve": Verb("approve", "allow a branch to change protected paths", _LAND),
    "unblock": Verb("unblock", "lift a block and keep its history", _LAND),
    "hold": Verb("hold", "keep one branch from landing", _LAND),
    "release": Verb("release", "let a held branch land again", _LAND),
    "freeze": Verb("freeze", "stop all landing", _LAND),
    "thaw": Verb("thaw", "let landing go on", _LAND),
    "worktree": Verb("worktree", "make, show and remove the worktrees of tasks", _AGENTS),
    "done": Verb("done", "say that this branch is finished, and push it", _SAY),
    "block": Verb("block", "say that this branch cannot go on, and push it", _SAY),
    "notify": Verb("notify", "tell the coordinator about progress or a block", _SAY),
    "current": Verb("current", "show the task of this worktree", _SAY),
    "run": Verb("run", "give out ready tasks, watch, land, until only people can go on", _AGENTS),
    "spawn": Verb("spawn", "give tasks to agents, each in a worktree of its own", _AGENTS),
    "sessions": Verb("sessions", "show the sessions and what each does", _AGENTS),
    "message": Verb("message", "tell a session something, or answer what it asks", _AGENTS),
    "abort": Verb("abort", "end a session and keep its work", _AGENTS),
    "inbox": Verb("inbox", "show what agents and the monitor have told", _AGENTS),
    "logs": Verb("logs", "show what a session did", _AGENTS),
    "start": Verb("start", "start a session without a task", _AGENTS),
    "open": Verb("open", "start a session in a worktree that is there", _AGENTS),
    "fork": Verb("fork", "copy a session into a new worktree", _AGENTS),
    "swarm": Verb("swarm", "start several sessions without tasks", _AGENTS),
    "mcp": Verb("mcp", "serve the tools worktree and memory to an agent", _AGENTS),
    "ci": Verb("ci", "what the jobs of coord's workflows run", _LAND),
    "hook": Verb("hook", SUPPRESS, ""),
}

ALIASES = {"merge": "land"}

#: What only the coordinator does. The tool server refuses the same to a session; a shell is the other way to it.
COORDINATORS = frozenset(
    {
        "complete", "review-task", "land", "retry", "approve", "unblock", "hold", "release", "freeze", "thaw", "run",
        "spawn", "message", "abort", "inbox", "start", "open", "fork", "swarm",
    }
)  # fmt: skip


class CommandModule(Protocol):
    """What every module in ``coord.commands`` offers."""

    def options(self, parser: ArgumentParser) -> None: ...

    def run(self, call: Call) -> Exit: ...


class Parser(ArgumentParser):
    """argparse, with our errors instead of an exit."""

    def error(self, message: str) -> Never:
        raise UsageError(message.replace("invalid float value", "not a number"), hint=f"{self.prog} --help")


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    code = quick.attempt(argv, ended)
    return code if code is not None else run_whole(argv)


def run_whole(argv: Sequence[str]) -> int:
    """Run one command line through the whole engine and return its exit code."""
    try:
        with _ending_is_an_interrupt():
            return _dispatch(list(argv))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one place where a defect becomes a report
        return ended(error, argv)


def ended(error: BaseException, argv: Sequence[str]) -> int:
    """Say why a command line ended and return its exit code. The only place that renders errors."""
    output = standard()
    match error:
        case CoordError():
            output.error(error)
            return error.exit
        case KeyboardInterrupt():
            output.say("coord: interrupted; run it again to go on where it stopped")
            return Exit.INTERRUPTED
        case BrokenPipeError():
            sys.stderr.close()
            return Exit.OK
        case OSError() if error.errno in _OF_THE_MACHINE:
            output.error(_machine(error))
            return Exit.ERROR
        case _:
            output.say(_report(error, argv))
            return Exit.BUG


#: What a disk, rights or limits of this machine say: no defect of ours.
_OF_THE_MACHINE = (
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE,
    errno.ENOMEM, errno.EAGAIN,
)  # fmt: skip


def _machine(error: OSError) -> CoordError:
    where = f": {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CoordError(f"no space left on the disk{where}", hint="make room, then run it again")
    return CoordError(
        f"{error.strerror}{where}", hint="mend the rights or limits named here, then run it again"
    )


@contextmanager
def _ending_is_an_interrupt() -> Iterator[None]:
    """Answer SIGTERM and SIGHUP as Ctrl-C is: what runs is ended, nothing is left half done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: object) -> Never:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _dispatch(argv: list[str]) -> int:
    folder, argv = _leading_folder(argv)
    if not argv or argv[0] in ("-h", "--help", "help"):
        return _help(argv[1:])
    if argv[0] in ("-V", "--version", "version"):
        standard().result(f"coord {__version__}")
        return Exit.OK
    name = ALIASES.get(argv[0], argv[0])
    if name not in VERBS:
        raise _unknown(argv[0])
    from coord.gitrunner import drop_inherited

    module: CommandModule = import_module(f"coord.commands.{VERBS[name].module}")
    args = _parsed(parser_of(name, module), argv[1:])
    output = standard(json=getattr(args, "json", False), verbose=getattr(args, "verbose", False))
    where = folder / (getattr(args, "directory", None) or ".")
    if name in COORDINATORS and os.environ.get("COORD_SESSION"):
        _refuse_sessions(name, where)
    return module.run(Call(args, output, where.resolve(), drop_inherited()))


def _refuse_sessions(name: str, where: Path) -> None:
    """Refuse an agent's session what is the coordinator's. This is a help against eagerness, not a wall: who runs as you
    can take the variable away."""
    from coord.core.session import SessionRole
    from coord.sessions.identity import caller

    who = caller(where, os.environ)
    if who.role is not SessionRole.COORDINATOR:
        raise RefusedError(
            f"coord {name} is the coordinator's, and this is an agent's session ({who.why})",
            hint="coord notify tells the coordinator something; coord block says that you cannot go on",
        )


def _parsed(parser: Parser, words: list[str]) -> Namespace:
    """Read a command's words; options may stand between them, as with git (argparse alone lets an optional word come
    before all options only: ``worktree remove --force NAME``)."""
    args, rest = parser.parse_known_args(words)
    return parser.parse_intermixed_args(words) if rest else args


def _leading_folder(argv: list[str]) -> tuple[Path, list[str]]:
    """Take ``-C DIR`` that stands before the verb, as with git."""
    folder = Path()
    while argv and argv[0] == "-C":
        if len(argv) < 2:
            raise UsageError("-C needs a folder")
        folder /= argv[1]
        argv = argv[2:]
    return folder, argv


def parser_of(name: str, module: CommandModule) -> Parser:
    """Return the parser of one verb (the documentation is generated from it)."""
    verb = VERBS[name]
    parser = Parser(
        prog=f"coord {name}",
        description=(module.__doc__ or verb.help).strip(),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-C", dest="directory", metavar="DIR", help="work on the repository around DIR")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more while working")
    module.options(parser)
    return parser


def _help(rest: list[str]) -> int:
    if rest and ALIASES.get(rest[0], rest[0]) in VERBS:
        return _dispatch([rest[0], "--help"])
    output = standard()
    output.result(
        "coord merges the branches of many coding agents into main, one validated step at a time.\n"
    )
    output.result("usage: coord [-C DIR] COMMAND [options]     coord COMMAND --help tells more")
    for group in dict.fromkeys(verb.group for verb in VERBS.values() if verb.group):
        output.result(f"\n{group}")
        for name, verb in VERBS.items():
            if verb.group == group:
                output.result(f"  {name:<12} {verb.help}")
    output.result("\nexit codes")
    for code, meaning in EXIT_MEANINGS.items():
        output.result(f"  {code.value:<12} {meaning}")
    return Exit.OK


def _unknown(name: str) -> UsageError:
    import difflib

    near = difflib.get_close_matches(name, [*VERBS, *ALIASES], 1)
    meant = f"; did you mean '{near[0]}'?" if near else ""
    return UsageError(f"unknown command '{name}'{meant}", hint="coord --help lists the commands")


def _report(error: BaseException, argv: Sequence[str]) -> str:
    import re
    import traceback

    lines = "".join(traceback.format_exception(error))
    masked = re.sub(r"(://)[^/@\s]+@|\b(gh[a-z]_|github_pat_)\w+", r"\1***@", lines)
    return (
        "coord: this is a defect in coord, not in your repository. Nothing half done is left: run it again.\n"
        f"  please report it with what follows (coord {__version__}, Python {sys.version.split()[0]}, "
        f"command: {next((word for word in argv if word in VERBS or word in ALIASES), '-')})\n\n{masked}"
    )
