"""Allow a branch to change protected paths: this tip and no other.

Read the changes first: git diff main...feat/<id>. A new push to the branch needs a new approval. Where the remote is on
GitHub this is refused: there an approval is a comment on the pull request, /coord approve.
"""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.commands.deciding import carry_out, decision_options
from coord.decision import approve
from coord.errors import Exit, UsageError
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("task", metavar="ID", help="the task (id or branch name)")
    decision_options(parser)


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    if workspace.hosting.has_pulls:
        raise UsageError(
            "on GitHub an approval is a person's comment: a ref could be pushed by anybody who may push branches",
            hint="write /coord approve on the branch's pull request",
        )
    who = workspace.git.config(r"^user\.(name|email)$").get("user.name", "unknown")
    return carry_out(call, "approve", lambda ws, view: approve(ws, view, call.args.task, who))
