"""The events as a workflow finds them in ``github.event``: of each payload what GitHub's documentation promises and a
workflow of ours might read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.world.github.githttp import GitServer, Push
from tests.world.github.hub_record import RunRecord

Json = Mapping[str, Any]


def git(bare: Path, *args: str) -> str:
    """Return what git prints of the bare repository."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(bare), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "--git-dir", str(bare), *args], capture_output=True, encoding="utf-8", errors="replace",
        env=environment,
    )  # fmt: skip
    if done.returncode:
        raise LookupError(done.stderr)
    return done.stdout.rstrip("\n")


def base(server: GitServer, actor: str) -> Json:
    """Return what every event holds."""
    owner, _, name = server.name.partition("/")
    return {
        "repository": {
            "full_name": server.name,
            "name": name,
            "owner": user(owner),
            "default_branch": "main",
            "private": True,
        },
        "sender": user(actor),
    }


def user(login: str) -> Json:
    """Return a person or bot."""
    return {"login": login, "type": "Bot" if login.endswith("[bot]") else "User"}


def commit(bare: Path, name: str) -> Json:
    """Return a commit."""
    parts = git(bare, "show", "--no-patch", "--format=%H%x00%T%x00%cI%x00%an%x00%ae%x00%B", name).split(
        "\0", 5
    )
    sha, tree, when, author, email, message = parts
    person = {"name": author, "email": email}
    return {
        "id": sha, "tree_id": tree, "timestamp": when, "message": message.rstrip("\n"), "author": person,
        "committer": person, "distinct": True,
    }  # fmt: skip


def push(server: GitServer, told: Push, head: Json) -> Json:
    """Return a push of one ref."""
    created = not told.before.strip("0")
    forced = not created and not told.deletes and bool(_lost(server.bare, told))
    return {
        "ref": told.ref, "before": told.before, "after": told.after, "created": created, "deleted": told.deletes,
        "forced": forced, "base_ref": None, "head_commit": None if told.deletes else head,
        "commits": [] if told.deletes else [head], "pusher": {"name": told.token.actor},
        "compare": f"{server.url}/{server.name}/compare/{told.before[:12]}...{told.after[:12]}",
        **base(server, told.token.actor),
    }  # fmt: skip


def _lost(bare: Path, told: Push) -> str:
    return git(bare, "rev-list", "-n1", told.before, "--not", told.after)


def comment(server: GitServer, issue: Json, said: Json, actor: str) -> Json:
    """Return a new comment on an issue or pull request."""
    return {"action": "created", "issue": issue, "comment": said, **base(server, actor)}


def dispatch(server: GitServer, path: str, ref: str, inputs: Mapping[str, str], actor: str) -> Json:
    """Return a start by hand; ``inputs`` are all text there."""
    return {"inputs": dict(inputs), "ref": ref, "workflow": path, **base(server, actor)}


def workflow_run(server: GitServer, run: RunRecord) -> Json:
    """Return the completion of a run."""
    event = run.event
    about = {
        "id": run.id, "name": run.name, "path": run.workflow.path, "event": event.name, "status": "completed",
        "conclusion": run.conclusion, "head_branch": event.branch, "head_sha": event.commit,
        "run_attempt": run.attempt, "actor": user(event.actor), "head_repository": {"full_name": server.name},
    }  # fmt: skip
    named = {"name": run.name, "path": run.workflow.path}
    return {"action": "completed", "workflow_run": about, "workflow": named, **base(server, event.actor)}
