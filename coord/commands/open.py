"""Start a session in a worktree that is there already, named by its branch or its path."""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.commands.spawn import agent_options, text_of, waiting_options
from coord.errors import Exit, UsageError
from coord.sessions.ordering import Asked, order_tasks, report
from coord.sessions.spawning import Order
from coord.workspace import Workspace, open_workspace
from coord.worktrees.listing import list_worktrees


def options(parser: ArgumentParser) -> None:
    parser.add_argument("where", metavar="PATH|BRANCH", help="the worktree")
    agent_options(parser)
    parser.add_argument("--prompt", default="", metavar="TEXT", help="what it is told first, or @FILE")
    waiting_options(parser)


def run(call: Call) -> Exit:
    args = call.args
    workspace = open_workspace(call.folder)
    branch = branch_at(workspace, args.where, call)
    order = Order(branch=branch, agent=args.agent, model=args.model, prompt=text_of(args.prompt, call.folder))
    made = order_tasks(workspace, Asked((order,), wait=not args.no_wait), call.output.say)
    return report(call.output, "open", made)


def branch_at(workspace: Workspace, where: str, call: Call) -> str:
    """Return the branch of the worktree that ``where`` means. Raises UsageError when there is none."""
    path = (call.folder / where).resolve()
    for tree in list_worktrees(workspace.git):
        branch = tree.branch.removeprefix("refs/heads/")
        if not branch or (where not in (branch, str(tree.path)) and path != tree.path.resolve()):
            continue
        if tree.is_main:
            raise UsageError(
                "that is the main checkout", hint="coord start NAME makes a worktree for an agent"
            )
        return branch
    raise UsageError(
        f"no worktree '{where}'", hint="coord worktree list shows them; coord start NAME makes one"
    )
