"""A world whose origin is on the GitHub on loopback: agents push over HTTP, and what that starts runs under act.

gh = GitHubWorld(tmp_path).build(("a", "b"))
tip = gh.agent_pushes("feat/a", {"src/a.txt": "new\n"})
gh.pull("feat/a")
gh.drain()
gh.picture(), gh.comments("feat/a"), gh.status(tip), gh.run("coord-land").outline()
"""

from __future__ import annotations

import atexit
import compileall
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any
from unittest.mock import patch

from coord.workflows import FILES, FOLDER, Mode, Wanted, render
from tests.forges.place import EVERYTHING, key_pair
from tests.world import CHECK, Result, World, task_text
from tests.world.github.githttp import GitServer
from tests.world.github.hub import Hub, runner
from tests.world.github.hub_record import Environment, RunRecord
from tests.world.github.hub_rest import RestApi
from tests.world.github.rest import App, Rest
from tests.world.github.rest.state import Ruleset, Setting
from tests.world.github.tokens import Token, Tokens

NAME = "acme/demo"
ACTION = "acme/coord"
BOT = "coord-app[bot]"
APP_ID = 77
PEOPLE = {"alice": "admin", "bob": "write", "carol": "read", "agent": "write"}

#: Four trials side by side, validated by check.sh.
CONFIG = "[land]\nworkers = 4\n" + CHECK

_TOP = Path(__file__).parents[3]
_COMMIT = "c0" * 20


@cache
def action_folder() -> Path:
    """Return a folder with what a runner gets of coord's repository: the action, its launcher and the package."""
    folder = Path(tempfile.mkdtemp(prefix="coord-action-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copy(_TOP / "action.yml", folder)
    for name in ("action", "coord"):
        shutil.copytree(_TOP / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    # act copies the folder for every job, with new times; compiled files that go by time would be of no use there.
    compileall.compile_dir(folder, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return folder


def workflows(mode: Mode = Mode.HARDENED, prefixes: tuple[str, ...] = ("feat/",)) -> dict[str, str]:
    """Return the shipped workflows of a mode, as ``coord init --github`` renders them."""
    wanted = Wanted(mode, "main", prefixes, f"{ACTION}@{_COMMIT}")
    return {f"{FOLDER}/{name}": render(name, wanted) for name in FILES[mode]}


@dataclass
class GitHubWorld:
    """Everything around one repository on GitHub. ``alice`` (admin) is the maintainer and works in ``desk``; ``agent``
    may write contents. In the hardened mode main takes pushes of the App alone, and its key is the secret of the
    environment ``coord``, which is limited to main."""

    root: Path
    mode: Mode = Mode.HARDENED
    people: dict[str, str] = field(default_factory=lambda: dict(PEOPLE))
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def build(
        self,
        tasks: tuple[str, ...] | Mapping[str, str] = (),
        files: Mapping[str, str] | None = None,
        workflow_files: Mapping[str, str] | None = None,
        *,
        config: str = CONFIG,
    ) -> GitHubWorld:
        """Make the repository with a first commit that holds tasks, files and the workflows (the shipped ones)."""
        texts = dict(tasks) if isinstance(tasks, Mapping) else {task: task_text(task) for task in tasks}
        shipped = workflows(self.mode) if workflow_files is None else workflow_files
        self.world = World(self.root).build(texts, {**shipped, **(files or {})}, config)
        self.tokens = Tokens()
        app = App(APP_ID, BOT.removesuffix("[bot]"), key_pair()[1], 4711, dict(EVERYTHING))
        self.rest = self.closing.enter_context(
            Rest(self.world.origin, NAME, self.tokens, self.people, app=app)
        )
        self.server = GitServer(self.world.origin, NAME, self.tokens, self.people)
        self.closing.callback(self.server.close)
        self._open_hub()
        self.agent = self.tokens.issue("agent", "user", {"contents": "write"})
        self.alice = self.tokens.issue("alice", "user", EVERYTHING)
        self._clone_with(self.agent, self.world.agent)
        self._clone_with(self.alice, self.world.desk)
        if self.mode is Mode.HARDENED:
            self._harden()
        else:
            self.rest.state.token_default = "write"
            self.hub.default_rights = dict.fromkeys(
                ("contents", "issues", "pull-requests", "statuses"), "write"
            )
        return self

    def _open_hub(self) -> None:
        api = RestApi(self.rest)
        machine = runner(self.root / "runner", os.environ, COORD_PYTHON=sys.executable)
        self.hub = Hub(self.server, self.root / "scratch", api, runner=machine)
        self.hub.actions[ACTION] = action_folder()
        if self.mode is Mode.HARDENED:
            self.hub.variables["COORD_APP_ID"] = str(APP_ID)
        api.join(self.hub)

    def _clone_with(self, token: Token, clone: Path) -> None:
        self.world.git("remote", "set-url", "origin", self.server.remote_for(token), at=clone)

    def _harden(self) -> None:
        self.server.protect("refs/heads/main", BOT)
        self.hub.environments["coord"] = Environment(("main",), {"COORD_APP_KEY": key_pair()[0]})
        state = self.rest.state
        state.rulesets.append(
            Ruleset(
                1,
                "main belongs to coord",
                ["update", "non_fast_forward", "deletion"],
                [("Integration", APP_ID, "always")],
            )
        )
        state.environments["coord"] = Setting(("main",), secrets=("COORD_APP_KEY",))

    def open_main(self, *logins: str) -> None:
        """Let people push main beside the App, as bypass actors of the ruleset."""
        self.server.protect("refs/heads/main", BOT, *logins)

    def close(self) -> None:
        """Stop the servers."""
        self.closing.close()

    # -- people and agents -----------------------------------------------------------------------------------------

    def agent_pushes(
        self, branch: str, files: Mapping[str, str | None] | None = None, message: str = "", **how: Any
    ) -> str:
        """Let the agent push a branch with one commit on main (or ``start``); return its tip."""
        return self.world.push(branch, None if files is None else dict(files), message, **how)

    def maintainer_pushes(self, files: Mapping[str, str | None], branch: str = "main") -> str:
        """Let the maintainer commit on main and push that; return the commit."""
        desk = self.world.desk
        self.world.git("fetch", "-q", "origin", at=desk)
        self.world.git("checkout", "-q", "-B", "by-hand", "origin/main", at=desk)
        commit = self.world.commit("by hand", dict(files), at=desk)
        self.world.git("push", "-q", "origin", f"HEAD:refs/heads/{branch}", at=desk)
        return commit

    def pull(self, branch: str, *, draft: bool = False, author: str = "agent", **more: Any) -> int:
        """Open a pull request; return its number."""
        return int(self.rest.open_pull(branch, author=author, draft=draft, **more).number)

    def says(self, branch: str, body: str, author: str = "alice") -> None:
        """Comment on the branch's pull request."""
        self.rest.comment(self.pull_of(branch), author, body)

    def coord(self, *args: str, at: Path | None = None, token: Token | None = None) -> Result:
        """Run coord in the maintainer's clone, with the maintainer's token."""
        environment = {
            "COORD_TOKEN": (token or self.alice).text, "GITHUB_API_URL": self.rest.url,
            "GITHUB_SERVER_URL": self.server.url,
        }  # fmt: skip
        with patch.dict(os.environ, environment):
            return self.world.coord(*args, at=at)

    def drain(self, most: int = 20) -> list[RunRecord]:
        """Run what is queued, and what comes of it, until nothing waits."""
        return self.hub.drain(most)

    # -- looking ---------------------------------------------------------------------------------------------------

    def run(self, name: str) -> RunRecord:
        """Return the last run of a workflow."""
        return next(run for run in reversed(self.hub.runs) if run.name == name)

    def pull_of(self, branch: str) -> int:
        """Return the number of the newest pull request of a branch."""
        return max(n for n, ticket in self.rest.state.tickets.items() if ticket.head == branch)

    def pulls(self) -> dict[str, str]:
        """Return how the newest pull request of each branch stands: open, draft, merged or closed."""
        found = {}
        for _, ticket in sorted(self.rest.state.tickets.items()):
            if ticket.head:
                shown = "draft" if ticket.draft and ticket.state == "open" else ticket.state
                found[ticket.head] = "merged" if ticket.merged_at else shown
        return found

    def comments(self, branch: str) -> list[str]:
        """Return the comments on the newest pull request of a branch, without coord's markers, oldest first."""
        bodies = [remark.body for remark in self.rest.comments(self.pull_of(branch))]
        return [body.partition("\n")[2] if body.startswith("<!-- coord:") else body for body in bodies]

    def reactions(self, branch: str) -> list[str]:
        """Return the reactions to the comments on the newest pull request of a branch."""
        remarks = self.rest.comments(self.pull_of(branch))
        return [reaction for remark in remarks for _, _, reaction in remark.reactions]

    def status(self, tip: str) -> tuple[str, str] | None:
        """Return state and words of the last commit status of a tip."""
        said = [status for status in self.rest.state.statuses if status.commit == tip]
        return (said[-1].state, said[-1].description or "") if said else None

    def issues(self) -> dict[str, str]:
        """Return the state of each issue that is no pull request, by title."""
        tickets = self.rest.state.tickets.values()
        return {ticket.title: ticket.state for ticket in tickets if not ticket.head}

    def picture(self) -> str:
        """Return the whole as a person would see it."""
        pulls = ", ".join(f"{branch} {state}" for branch, state in sorted(self.pulls().items()))
        return f"{self.world.picture()}\npulls: {pulls or 'none'}"

    def assert_sound(self) -> None:
        """Check what must hold after every story: what coord made, what was asked of the API, the servers themselves."""
        assert self.rest.violations == []
        assert self.server.problems == []
        self.world.assert_sound()


@contextmanager
def github_world(root: Path, mode: Mode = Mode.HARDENED) -> Iterator[GitHubWorld]:
    """Return one to build on; at the end it must be sound."""
    made = GitHubWorld(root, mode)
    try:
        yield made
        made.assert_sound()
    finally:
        made.close()
