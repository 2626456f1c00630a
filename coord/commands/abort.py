"""End a session: its agent, what the agent left running, and its claim. Work is kept.

The worktree goes when it holds no work; else it stays and is named. No loop starts the task again by itself: coord spawn
TASK does.
"""

from __future__ import annotations

import shutil
from argparse import ArgumentParser

from coord.call import Call
from coord.errors import Exit, UsageError
from coord.sessions.ending import abort
from coord.sessions.finding import find
from coord.sessions.store import Store, Unreadable, is_id
from coord.workspace import Workspace, open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("session", nargs="+", metavar="SESSION", help="the sessions: id, task or branch")
    parser.add_argument("-m", "--message", default="", metavar="REASON", help="why")


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    for word in call.args.session:
        if _remove_unreadable(workspace, word):
            call.output.result(f"{word}: what could not be read is removed")
            continue
        stopped = abort(workspace, find(workspace, word), call.args.message or "aborted by a person")
        for words in (*stopped.words, *stopped.kept):
            call.output.result(words)
    return Exit.OK


def _remove_unreadable(workspace: Workspace, word: str) -> bool:
    """Remove the folder of a session whose record cannot be read; its work is in git and stays there."""
    store = Store.of(workspace)
    if not is_id(word):
        return False
    found = store.read(word)
    if found is None:
        raise UsageError(f"no session '{word}'", hint="coord sessions")
    if isinstance(found, Unreadable):
        folder = store.folder(word)
        folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)
        return True
    return False
