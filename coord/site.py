"""Where a run works: the repository, the gate's room, and the profile that main names or shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from coord.core.profile import Profile, built_in, detect, program
from coord.core.settings import Settings
from coord.errors import UsageError
from coord.evidence import Evidence, OwnEvidence
from coord.git import Git
from coord.lanes import Lanes
from coord.lines import Lines
from coord.observe import View
from coord.outcome import Site
from coord.room import Room, default_folder
from coord.workspace import Workspace


def open_site(workspace: Workspace, show: Callable[[str], None], evidence: Evidence | None = None) -> Site:
    """Return where actions are applied; with ``evidence`` of validations that run elsewhere, none runs here.

    Raises UsageError when there is neither a remote nor a bare repository.
    """
    if workspace.remote is None and not workspace.bare:
        raise UsageError(
            "there is no remote to land on" + _other_remotes(workspace),
            hint="git remote add origin URL && git push -u origin main"
            if not workspace.remotes
            else f"git config coord.remote {workspace.remotes[0]}",
        )
    chosen = workspace.git.config(r"^coord\.gatefolder$").get("coord.gatefolder")
    room = Room(
        state=workspace.state,
        folder=default_folder(workspace.common, chosen),
        read=workspace.git.objects.blob,
        clone=lambda folder, commit: clone_into(workspace, folder, commit),
        show=show,
    )
    once = _once(show)
    lanes = Lanes()
    lines = Lines(workspace, room, evidence or OwnEvidence(room), lanes.is_running)
    choose = partial(choose_profile, workspace, show=once)
    return Site(workspace, room, choose, lines, lanes, validates=evidence is None)


def _once(show: Callable[[str], None]) -> Callable[[str], None]:
    """Return a ``show`` that says no line twice: the profile is chosen for each trial, from the same main or a new one."""
    said: set[str] = set()

    def show_new(line: str) -> None:
        if line not in said:
            said.add(line)
            show(line)

    return show_new


def _other_remotes(workspace: Workspace) -> str:
    return f" (there is no 'origin'; remotes: {', '.join(workspace.remotes)})" if workspace.remotes else ""


def choose_profile(workspace: Workspace, view: View, show: Callable[[str], None]) -> Profile:
    """Return the profile that main's configuration names, else the one that main's tree shows (said aloud).

    Raises UsageError when main names none and shows none.
    """
    return profile_at(workspace, view.snapshot.settings, view.snapshot.base, show)


def profile_at(workspace: Workspace, settings: Settings, commit: str, show: Callable[[str], None]) -> Profile:
    """Return the profile of a commit of main with these settings. Raises UsageError as ``choose_profile`` does."""
    name = settings.gate.profile
    if name is None:
        root = workspace.git.objects.tree(workspace.git.objects.commit(commit).tree)
        marks = detect(frozenset(entry.name.decode("utf-8", "replace") for entry in root))
        if not marks:
            raise UsageError(
                "main names no validation profile, and nothing in it shows one",
                hint='write [gate] profile = "cargo", "python", "node", "go" or "none" to .coord.toml on main',
            )
        mark, name = marks[0]
        others = "".join(f", also {m} ({p})" for m, p in marks[1:] if p != name)
        show(f'profile {name}: main has {mark}{others}; [gate] profile = "{name}" in .coord.toml settles it')
    own = next((profile for profile in settings.profiles if profile.name == name), None)
    profile = own or built_in(name)
    if profile is None:
        raise UsageError(f"[gate] profile '{name}' is not known")
    if not profile.steps:
        show(f"profile {profile.name}: nothing is validated")
    else:
        show(f"profile {profile.name}: " + "; ".join(program(step) for step in profile.steps))
    return profile


def clone_into(workspace: Workspace, folder: Path, commit: str) -> None:
    """Give a gate's folder a ``.git`` of its own at ``commit``, with nothing that leads back to the repository."""
    git = Git(folder)
    algorithm = f"--object-format={workspace.algorithm}"
    git.run("init", "--quiet", "--initial-branch=main", "--template=", algorithm)
    source = workspace.common.as_uri()
    git.run(
        "fetch", "--quiet", "--tags", "--no-write-fetch-head", "--update-shallow", "--update-head-ok",
        "--upload-pack=git -c uploadpack.allowAnySHA1InWant=true upload-pack", source, f"+{commit}:refs/heads/main",
        "--force",
    )  # fmt: skip
    git.run("read-tree", commit)
    git.run("update-index", "-q", "--refresh", ok=(0, 1), env={"GIT_CONFIG_GLOBAL": "/dev/null"})
