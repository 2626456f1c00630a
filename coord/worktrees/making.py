"""Making a worktree: on a branch of its own, furnished, set up and ready, or nothing of it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from coord.core.answer import RefUpdate, Stale
from coord.core.text import one_line
from coord.core.worktrees import FOLDER, flaw_of_branch, folder_of, leaves_root
from coord.errors import CoordError, RacedError, UsageError
from coord.folder import remove
from coord.freshness import fetch
from coord.git import Git
from coord.processes import end, leftovers
from coord.workspace import Workspace
from coord.worktrees import ports, rescue
from coord.worktrees.commands import room_of, set_up, wait_until_ready
from coord.worktrees.furnishing import copy_included
from coord.worktrees.listing import Worktree, list_worktrees

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be made. ``base`` is where a new branch starts (None: the remote's main), ``path`` is from the main
    checkout's root unless it is absolute (None: ``.worktrees/<branch>``)."""

    branch: str
    base: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A worktree that is ready. ``base`` is the commit that it starts from, ``made`` names what did not exist before
    (``worktree``, ``branch``), ``folders`` are those that were made around it, ``state`` tells whether files changed
    since, ``leased`` whether its ports are new."""

    path: Path
    branch: str
    base: str
    ports: tuple[int, ...]
    made: frozenset[str]
    folders: tuple[Path, ...] = ()
    state: str = ""
    copied: tuple[str, ...] = ()
    leased: bool = False


def make(workspace: Workspace, wanted: Wanted, say: Say) -> Made:
    """Make a worktree and return it when it is ready; one that the branch has already is continued.

    Raises CoordError, after taking back all that it made, and only that.
    """
    with ExitStack() as undo:
        with _alone(workspace):
            place = plan(workspace, wanted)
            folders = place.folders
            start = _branch(workspace, place, say, undo)
            if place.home is None:
                _add(workspace, place, undo)
        made = _furnished(workspace, place, say, undo)
        undo.pop_all()
    return Made(
        place.path,
        place.branch,
        start,
        made.ports,
        place.made,
        folders,
        _state(place.path),
        made.copied,
        made.leased,
    )


# -- what is to be done --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """What making comes to: ``home`` is the worktree that the branch has already, ``local`` and ``remote`` its tips,
    ``start`` where the branch shall stand, ``dead`` the entries of git's in the way whose folders are gone."""

    path: Path
    root: Path
    branch: str
    start: str
    local: str | None
    remote: str | None
    home: Worktree | None = None
    dead: tuple[Worktree, ...] = ()

    @property
    def made(self) -> frozenset[str]:
        """Return what does not exist yet."""
        new_branch = self.local is None
        return frozenset({"worktree"} if self.home is None else ()) | ({"branch"} if new_branch else set())

    @property
    def folders(self) -> tuple[Path, ...]:
        """Return the folders around the worktree that are not there yet, the innermost first."""
        return tuple(folder for folder in self.path.parents if not folder.exists())


def plan(workspace: Workspace, wanted: Wanted) -> Place:
    """Fetch, and return what making comes to. Raises UsageError when it cannot be made as wanted."""
    _check_name(workspace, wanted.branch)
    fetch(workspace)
    trees = list_worktrees(workspace.git)
    ref = f"refs/heads/{wanted.branch}"
    tree = next((tree for tree in trees if tree.branch == ref), None)
    if tree is not None and tree.is_main:
        raise UsageError(
            f"{wanted.branch} is checked out in the main checkout", hint=f"git switch {workspace.main}"
        )
    local = workspace.git.resolve(ref)
    remote = (
        workspace.git.resolve(f"refs/remotes/{workspace.remote}/{wanted.branch}")
        if workspace.remote
        else None
    )
    if tree is not None and tree.is_half_made:
        raise CoordError(
            f"another git is making {tree.path}, or was killed while it did",
            hint=f"when none is: git worktree remove --force --force {tree.path}",
        )
    home = tree if tree and not tree.is_gone else None
    path = home.path if home else _path(workspace, wanted, trees)
    if home and wanted.path is not None and _path(workspace, wanted, ()) != home.path:
        raise UsageError(
            f"{wanted.branch} has a worktree already: {home.path}", hint="leave --path away to go on in it"
        )
    start = _start(workspace, wanted, local, remote)
    gone = (one for one in trees if one.is_gone and not one.locked)
    dead = tuple(one for one in gone if one.branch == ref or one.path == path)
    return Place(path, trees[0].path, wanted.branch, start, local, remote, home, dead)


def _check_name(workspace: Workspace, branch: str) -> None:
    flaw = flaw_of_branch(branch)
    if flaw:
        raise UsageError(f"'{one_line(branch)}' is no name for a branch: {flaw}")
    if branch == workspace.main:
        raise UsageError(
            f"{branch} is what work lands on: it gets no worktree", hint="name a task or its branch"
        )


def _start(workspace: Workspace, wanted: Wanted, local: str | None, remote: str | None) -> str:
    """Return where the branch shall stand: where the remote has it, unless what is here only adds to that."""
    known = remote or local
    if known is None:
        return _base(workspace, wanted.base)
    if wanted.base is not None:
        raise UsageError(
            f"{wanted.branch} exists already: --base is for a new branch", hint="leave --base away"
        )
    if local and remote and workspace.git.ancestry.is_ancestor(remote, local):
        return local
    return known


def _base(workspace: Workspace, name: str | None) -> str:
    if name is None:
        if workspace.main_tip is None:
            raise UsageError(f"there is no {workspace.main_name} to start from", hint="push main first")
        return workspace.main_tip
    names = ([f"refs/remotes/{workspace.remote}/{name}"] if workspace.remote else []) + [name]
    found = next(filter(None, (workspace.git.resolve(each) for each in names)), None)
    if found is None:
        raise UsageError(f"'{one_line(name)}' is no branch or commit here", hint="--base NAME")
    return found


def _path(workspace: Workspace, wanted: Wanted, trees: tuple[Worktree, ...]) -> Path:
    """Return where the worktree shall lie. A relative path stays in the main checkout, also through its links."""
    root = _root(workspace)
    said = wanted.path if wanted.path is not None else folder_of(wanted.branch)
    if not said or "\0" in said or not said.isprintable():
        raise UsageError(f"'{one_line(said)}' is no path for a worktree")
    path = Path(os.path.normpath(root / said)).resolve()
    if not Path(said).is_absolute() and (leaves_root(said) or not path.is_relative_to(root)):
        raise UsageError(
            f"'{one_line(said)}' leads out of {root}", hint="give an absolute path to put it elsewhere"
        )
    _check_place(workspace, path, root, trees)
    return path


def _root(workspace: Workspace) -> Path:
    main = list_worktrees(workspace.git)[0]
    return (workspace.common.parent if main.is_bare else main.path).resolve()


def _check_place(workspace: Workspace, path: Path, root: Path, trees: tuple[Worktree, ...]) -> None:
    if (
        path == root
        or ".git" in str(path).casefold().split("/")
        or path.is_relative_to(workspace.common.resolve())
    ):
        raise UsageError(f"{path} belongs to git or to the main checkout: a worktree cannot lie there")
    around = next((t.path for t in trees if not t.is_main and path.is_relative_to(t.path.resolve())), None)
    if around is not None and (around.exists() or around != path):
        raise UsageError(f"{path} lies in another worktree", hint="coord worktree list")
    inside = next((t.path for t in trees if t.path.resolve().is_relative_to(path) and not t.is_gone), None)
    if inside is not None:
        raise UsageError(f"{path} holds another worktree: {inside}", hint="coord worktree list")
    if os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir())):
        raise UsageError(f"{path} is there already", hint="move it away, or choose another with --path")


# -- doing it ------------------------------------------------------------------------------------------------------


def _branch(workspace: Workspace, place: Place, say: Say, undo: ExitStack) -> str:
    """Put the branch where it shall stand and return that commit; in a worktree that is there, nothing is moved."""
    ref = f"refs/heads/{place.branch}"
    if place.home is not None or place.local == place.start:
        return place.local or place.start
    if place.local and not workspace.git.ancestry.is_ancestor(place.local, place.start):
        saved = rescue.keep(workspace, place.branch, place.local)
        say(f"{place.branch} stood elsewhere here ({place.local[:7]}): {rescue.how_to_get_back(saved)}")
    if isinstance(workspace.git.update_refs([RefUpdate(ref, place.local, place.start)]), Stale):
        raise RacedError(f"somebody else made or moved {place.branch}", hint="run it again")
    back = RefUpdate(ref, place.start, place.local)
    undo.callback(lambda: workspace.git.update_refs([back]))
    return place.start


def _add(workspace: Workspace, place: Place, undo: ExitStack) -> None:
    for dead in place.dead:
        workspace.git.run("worktree", "remove", "--force", "--", str(dead.path), ok=(0, 1, 128))
    _exclude(workspace)
    was_there = place.path.is_dir()
    undo.callback(_remove_folders, place.folders)
    if was_there:
        undo.callback(lambda: place.path.mkdir(exist_ok=True))
    try:
        answer = workspace.git.run(
            "worktree", "add", "--quiet", "--", str(place.path), place.branch, ok=(0, 1, 128, 255)
        )
    except BaseException:
        _take_away(workspace, place.path)
        raise
    if answer.code == 0:
        undo.callback(_take_away, workspace, place.path)
        return
    # git has taken back what it made: what lies there now is somebody else's.
    said = answer.err.strip().splitlines()
    raise CoordError(
        f"git makes no worktree at {place.path}: {one_line(said[-1] if said else 'no reason given')}",
        hint="git worktree list shows which there are",
    )


@contextlib.contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Let no other coord make a worktree here meanwhile: who comes second sees what the first has made."""
    workspace.state.mkdir(parents=True, exist_ok=True)
    with (workspace.state / "worktrees.lock").open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _exclude(workspace: Workspace) -> None:
    """Keep the main checkout's status clean: worktrees in it are nothing to be committed."""
    path = workspace.common / "info" / "exclude"
    text = path.read_bytes() if path.is_file() else b""
    line = f"{FOLDER}/".encode()
    if line not in text.splitlines():
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as stream:
            stream.write((b"" if not text or text.endswith(b"\n") else b"\n") + line + b"\n")


@dataclass(frozen=True, slots=True)
class _Furniture:
    ports: tuple[int, ...]
    copied: tuple[str, ...]
    leased: bool


def _furnished(workspace: Workspace, place: Place, say: Say, undo: ExitStack) -> _Furniture:
    settings = workspace.settings.worktree
    copied = copy_included(place.root, place.path, say)
    had = ports.ports_of(workspace.state, place.path)
    leased = ports.lease(workspace.state, place.path, count=settings.ports, start=settings.port_from)
    if not had:
        undo.callback(ports.free, workspace.state, place.path)
    room = room_of(place.path, place.branch, ports.environment(leased))
    if place.home is None:
        undo.callback(_end_all_in, place.path)
    mark = _mark(place.path)
    if not mark.exists():
        set_up(room, settings.setup, settings.setup_timeout)
    wait_until_ready(room, settings.ready, settings.ready_timeout)
    mark.touch()
    return _Furniture(leased, copied, not had)


def _mark(path: Path) -> Path:
    """Return the file that says that a worktree was set up; it goes with the worktree. Killed before, it is set up again."""
    return Path(Git(path).run("rev-parse", "--path-format=absolute", "--git-path", "coord-set-up").line)


# -- taking it back ------------------------------------------------------------------------------------------------


def unmake(workspace: Workspace, made: Made) -> tuple[str, ...]:
    """Take back what ``make`` made, and only that; return the refs under which work was saved that came since."""
    saved: tuple[str, ...] = ()
    if "worktree" in made.made and made.path.is_dir():
        _end_all_in(made.path)
        if _state(made.path) != made.state:
            saved += rescue.save_work(workspace, made.path, made.branch)
        _take_away(workspace, made.path)
        _remove_folders(made.folders)
    if made.leased:
        ports.free(workspace.state, made.path)
    if "branch" in made.made:
        saved += _drop_branch(workspace, made)
    return saved


def _drop_branch(workspace: Workspace, made: Made) -> tuple[str, ...]:
    ref = f"refs/heads/{made.branch}"
    tip = workspace.git.resolve(ref)
    if tip is None or any(tree.branch == ref for tree in list_worktrees(workspace.git)):
        return ()
    saved = () if tip == made.base else (rescue.keep(workspace, made.branch, tip),)
    workspace.git.update_refs([RefUpdate(ref, tip, None)])
    return saved


def _take_away(workspace: Workspace, path: Path) -> None:
    workspace.git.run("worktree", "remove", "--force", "--", str(path), ok=(0, 1, 128))
    if path.is_dir():
        remove(path)
        workspace.git.run("worktree", "prune", "--expire=now")


def _remove_folders(folders: tuple[Path, ...]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _end_all_in(path: Path) -> None:
    end(leftovers(path))


def _state(path: Path) -> str:
    """Return what tells whether the files of a worktree, or its commit, changed."""
    git = Git(path)
    head = git.run("rev-parse", "--verify", "--quiet", "HEAD", ok=(0, 1)).line
    return head + (
        rescue.tree_of(path) if git.run("status", "--porcelain", "--untracked-files=all").out else ""
    )
