"""Give tasks to agents: for each a claim, a worktree of its own from a fresh main, and a session.

What fails takes back what it made, and nothing that was there before. Without --no-wait it returns when every agent
answers. The prompt is a Jinja2 template with the task's facts, such as {{ task }}, {{ name }} and {{ body }}; @FILE reads
it from a file.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from coord.call import Call
from coord.errors import Exit, UsageError
from coord.sessions.ordering import Asked, order_tasks, report
from coord.sessions.spawning import Order
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("task", nargs="+", metavar="TASK", help="ids of tasks that are ready")
    parser.add_argument(
        "--prefix", default="", metavar="PREFIX", help="prefix of the branches (the first configured)"
    )
    agent_options(parser)
    parser.add_argument("--prompt", default="", metavar="TEMPLATE", help="a template of your own, or @FILE")
    waiting_options(parser)


def agent_options(parser: ArgumentParser) -> None:
    """Add what all commands that start a session take."""
    parser.add_argument("--agent", default="", metavar="NAME", help="a preset or one of [agents.NAME]")
    parser.add_argument("--model", default="", metavar="NAME", help="the model that it is asked to use")


def waiting_options(parser: ArgumentParser) -> None:
    """Add what says how to wait and to answer."""
    parser.add_argument("--no-wait", action="store_true", help="do not wait until the agents answer")
    parser.add_argument("--json", action="store_true", help="print the sessions as JSON")


def text_of(word: str, folder: Path) -> str:
    """Return a text, or with ``@FILE`` what the file holds. Raises UsageError when it cannot be read."""
    if not word.startswith("@"):
        return word
    try:
        return (folder / word[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{word[1:]} cannot be read: {error}") from error


def run(call: Call) -> Exit:
    args = call.args
    workspace = open_workspace(call.folder)
    template = text_of(args.prompt, call.folder)
    orders = [
        Order(task=task, prefix=args.prefix, agent=args.agent, model=args.model, template=template)
        for task in dict.fromkeys(args.task)
    ]
    asked = Asked(tuple(orders), wait=not args.no_wait)
    return report(call.output, "spawn", order_tasks(workspace, asked, call.output.say))
