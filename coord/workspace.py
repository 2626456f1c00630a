"""The repository a command works on: where it is, what main and the remote are called, what main's settings say."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from coord.config import parse
from coord.core.objects import Entry
from coord.core.pull import Pull
from coord.core.settings import CONFIG_FILE, TASKGRAPH_FILE, Settings
from coord.errors import CoordError, UsageError
from coord.git import MINIMUM, Git
from coord.gitrunner import PATIENCE
from coord.hosting import Hosting, authorization, host


@dataclass(frozen=True)
class Workspace:
    """One repository. ``top`` is the checkout's root (the git directory itself when bare); ``common`` is the git
    directory that all worktrees share. ``remote`` is None when there is none (a server, or plain local git)."""

    git: Git
    top: Path
    common: Path
    bare: bool
    algorithm: str
    remote: str | None
    main: str
    remotes: tuple[str, ...] = ()
    hooks_path: str = ""
    url: str = ""
    forge_name: str = ""

    @cached_property
    def hosting(self) -> Hosting:
        """Return what hosts the remote, and its forge where there is one and credentials for it."""
        return host(self.url, self.forge_name, os.environ)

    @cached_property
    def said(self) -> dict[tuple[int, str], bool]:
        """Return what was found out of people's approvals, by pull request and tip, as of the last fetch."""
        return {}

    @cached_property
    def pulls(self) -> tuple[Pull, ...]:
        """Return the open pull requests that the forge shows (none without a forge), as of the last fetch."""
        forge = self.hosting.forge
        return forge.open_pulls() if forge else ()

    def without_forge(self, pulls: tuple[Pull, ...] = ()) -> Workspace:
        """Return the workspace as one without credentials has it, which asks the forge nothing; ``pulls`` are the pull
        requests that are known."""
        alone = replace(self)
        server = {name: os.environ[name] for name in ("GITHUB_SERVER_URL",) if name in os.environ}
        hosting = host(self.url, self.forge_name, server)
        vars(alone).update(memo=self.memo, hosting=hosting, pulls=pulls)
        return alone

    @property
    def main_ref(self) -> str:
        """Return the full name of the ref that says where main is, as last fetched."""
        return f"refs/remotes/{self.remote}/{self.main}" if self.remote else f"refs/heads/{self.main}"

    @property
    def branch_refs(self) -> str:
        """Return what stands before a branch's name in the refs that are observed."""
        return f"refs/remotes/{self.remote}/" if self.remote else "refs/heads/"

    @property
    def state(self) -> Path:
        """Return the folder for caches and logs: all of it may be deleted at any time."""
        return self.common / "coord"

    @cached_property
    def main_tip(self) -> str | None:
        """Return the commit of main as last fetched, or None when there is none (read once)."""
        return self.git.resolve(self.main_ref)

    @property
    def main_name(self) -> str:
        """Return main as people write it: ``origin/main``, or ``main`` without a remote."""
        return f"{self.remote}/{self.main}" if self.remote else self.main

    @cached_property
    def memo(self) -> dict[Any, Any]:
        """Return what this process remembers of commits and files by their ids: they never change."""
        return {}

    def settings_at(self, commit: str) -> Settings:
        """Return the settings in the tree of ``commit``. Raises UsageError when the file is broken."""
        return self.settings_in(self.git.objects.commit(commit).tree, f" (on {self.main_name})")

    def settings_in(self, tree: str, where: str = "") -> Settings:
        """Return the settings in a tree. Raises UsageError when the file is broken."""
        config, taskgraph = self._settings_files(tree)
        return parse(_text(self.git, config) or "", f"{CONFIG_FILE}{where}", _text(self.git, taskgraph))

    def settings_files(self, commit: str) -> tuple[Entry | None, Entry | None]:
        """Return where the tree of ``commit`` has the settings: equal for two commits, they have the same."""
        return self._settings_files(self.git.objects.commit(commit).tree)

    def _settings_files(self, tree: str) -> tuple[Entry | None, Entry | None]:
        root = {entry.name: entry for entry in self.git.objects.tree(tree)}
        return root.get(CONFIG_FILE.encode()), root.get(TASKGRAPH_FILE.encode())

    def local_settings(self) -> Settings:
        """Return the settings in the working copy: what a repository that has published nothing yet goes by."""
        texts = [self.top / name for name in (CONFIG_FILE, TASKGRAPH_FILE)]
        config, taskgraph = (p.read_text("utf-8", "replace") if p.is_file() else None for p in texts)
        return parse(config or "", CONFIG_FILE, taskgraph)

    @cached_property
    def settings(self) -> Settings:
        """Return main's settings as last fetched, or the working copy's when main does not exist yet."""
        return self.settings_at(self.main_tip) if self.main_tip else self.local_settings()


def _text(git: Git, entry: Entry | None) -> str | None:
    if entry is None or entry.mode not in ("100644", "100755"):
        return None
    return git.objects.blob(entry.oid).decode("utf-8", "replace")


def open_workspace(folder: Path) -> Workspace:
    """Find the repository around ``folder``. Raises UsageError when there is none, CoordError when git is too old."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    git = Git(folder)
    answer = git.run(
        "rev-parse", "--path-format=absolute", "--git-common-dir", "--is-bare-repository", "--show-object-format",
        "--is-inside-work-tree", ok=(0, 128),
    )  # fmt: skip
    if answer.code != 0:
        _check_version(git)
        words = answer.err.strip().removeprefix("fatal: ").split("\n")[0]
        raise UsageError(f"{folder}: {words}", hint="run it inside a git repository, or name one with -C DIR")
    common, bare, algorithm, inside = answer.text.splitlines()
    top = Path(git.run("rev-parse", "--show-toplevel").line) if inside == "true" else Path(common)
    settings = git.config(r"^(coord\.(main|remote|patience|forge)|core\.hookspath|remote\..*\.url)$")
    remotes = tuple(
        sorted(key[len("remote.") : -len(".url")] for key in settings if key.startswith("remote."))
    )
    engine = Git(top)
    engine.patience = _patience(settings.get("coord.patience", ""))
    is_server = bare == "true" and "coord.remote" not in settings
    remote = None if is_server else _remote(settings.get("coord.remote"), remotes)
    url = settings.get(f"remote.{remote}.url", "") if remote else ""
    forge = _forge(settings.get("coord.forge", ""))
    engine.authorization = authorization(url, forge, os.environ)
    return Workspace(
        git=engine,
        top=top,
        common=Path(common),
        bare=bare == "true",
        algorithm=algorithm,
        remote=remote,
        main=settings.get("coord.main") or _default_main(git, remote, is_server),
        remotes=remotes,
        hooks_path=settings.get("core.hookspath", ""),
        url=url,
        forge_name=forge,
    )


def _patience(text: str) -> float:
    if text and not (text.isdigit() and int(text) > 0):
        raise UsageError(
            f"git config coord.patience says '{text}'", hint="give a whole number of seconds above 0"
        )
    return float(text) if text else PATIENCE


def _forge(chosen: str) -> str:
    if chosen not in ("", "github", "none"):
        raise UsageError(
            f"git config coord.forge says '{chosen}'", hint="git config coord.forge github, or none"
        )
    return chosen


def _remote(chosen: str | None, remotes: tuple[str, ...]) -> str | None:
    if chosen is not None:
        if chosen not in remotes:
            raise UsageError(
                f"git config coord.remote says '{chosen}', which is no remote of this repository",
                hint=f"git config coord.remote NAME, with one of: {', '.join(remotes) or 'none'}",
            )
        return chosen
    return "origin" if "origin" in remotes else None


def _default_main(git: Git, remote: str | None, is_server: bool) -> str:
    """Return what HEAD says (the remote's, or a server's own when that branch exists), else ``main``."""
    if remote is None:
        head = git.head() if is_server else None
        return head.removeprefix("refs/heads/") if head and git.resolve(head) else "main"
    answer = git.run("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD", ok=(0, 1, 128))
    return answer.line.removeprefix(f"refs/remotes/{remote}/") if answer.code == 0 else "main"


def _check_version(git: Git) -> None:
    version = git.version()
    if version < MINIMUM:
        raise CoordError(
            f"git {version[0]}.{version[1]} is too old: coord needs {MINIMUM[0]}.{MINIMUM[1]} or newer",
            hint="install a newer git",
        )
