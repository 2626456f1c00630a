"""Removing a worktree with its branch: what main contains, or what was saved before; nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from coord.core.answer import Pushed, RefUpdate, Rejected, Stale
from coord.core.text import few, one_line
from coord.core.worktrees import Obstacle, Reason, branch_of, why_kept
from coord.errors import UsageError
from coord.freshness import fetch, note_push
from coord.git import Git
from coord.processes import Process, end, leftovers, of_any_session
from coord.workspace import Workspace
from coord.worktrees import ports, rescue
from coord.worktrees.listing import Worktree, list_worktrees
from coord.worktrees.sessions import sessions_of
from coord.worktrees.size import disk_use
from coord.worktrees.tidying import forget_branch, remove_empty_parents, under_way


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to be removed: a worktree's path, a branch or a task. ``force`` saves first what would be lost, ``remote``
    deletes the remote's branch as well, ``gentle`` keeps a worktree in which somebody else is at work."""

    what: str
    force: bool = False
    remote: bool = False
    dry_run: bool = False
    gentle: bool = False


class RemoteEnd(StrEnum):
    """What came of the remote's branch."""

    NOT_ASKED = "not-asked"
    DELETED = "deleted"
    ABSENT = "absent"
    DENIED = "denied"
    RACED = "raced"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Removed:
    """What is gone (or would be): branch, worktree, the bytes that it took, the refs under which work was saved, the
    processes that were ended, and what came of the remote's branch, with the remote's own words."""

    branch: str
    path: Path | None = None
    size: int = 0
    saved: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    remote: RemoteEnd = RemoteEnd.NOT_ASKED
    words: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays, and why."""

    branch: str
    path: Path | None
    obstacle: Obstacle


def remove(workspace: Workspace, removal: Removal, now: int | None = None) -> Removed | Kept:
    """Remove a worktree and its branch and say what came of it; ``now`` (seconds) dates what is saved.

    Raises UsageError when there is nothing of that name, RefusedError when the remote cannot be asked.
    """
    fetch(workspace)
    return take(workspace, find(workspace, removal.what), removal, now)


def take(workspace: Workspace, target: Target, removal: Removal, now: int | None = None) -> Removed | Kept:
    """Remove what was found, as last fetched."""
    stands = why_kept(_obstacles(workspace, target, removal), force=removal.force)
    if stands is not None:
        return Kept(target.branch, target.path, stands)
    size = disk_use(target.path) if target.path else 0
    if removal.dry_run:
        remote = RemoteEnd.DELETED if removal.remote and target.remote else RemoteEnd.NOT_ASKED
        return Removed(target.branch, target.path, size, remote=remote)
    return _carry_out(workspace, target, removal, Removed(target.branch, target.path, size), now)


# -- what is meant -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be removed: branch (``""`` when detached), its worktree, its tips here and on the remote."""

    branch: str
    home: Worktree | None
    local: str | None
    remote: str | None

    @property
    def path(self) -> Path | None:
        """Return where the worktree is, None when there is none."""
        return self.home.path if self.home else None

    @property
    def tips(self) -> tuple[str, ...]:
        """Return the commits that would no longer be named: the branch's, and in the middle of a rebase HEAD's."""
        return tuple(dict.fromkeys(filter(None, (self.local, self.home.head if self.home else ""))))


def find(workspace: Workspace, what: str) -> Target:
    """Return what people mean by a path, a branch or a task. Raises UsageError when there is none of that name."""
    trees = list_worktrees(workspace.git)
    by_path = _by_path(workspace, what, trees)
    if by_path is not None:
        return target_of(workspace, by_path.name, by_path)
    known = {ref.name.removeprefix("refs/heads/") for ref in workspace.git.refs("refs/heads/")}
    if workspace.remote:
        known |= {
            ref.name.removeprefix(workspace.branch_refs) for ref in workspace.git.refs(workspace.branch_refs)
        }
    branch = branch_of(what, workspace.settings.project.prefixes, known)
    if branch not in known:
        raise UsageError(
            f"there is no worktree or branch '{one_line(what)}'", hint="coord worktree list --all"
        )
    return target_of(workspace, branch, _home_of(workspace.git, branch, trees))


def target_of(workspace: Workspace, branch: str, home: Worktree | None) -> Target:
    """Return a branch and its worktree as something to be removed."""
    resolve = workspace.git.resolve
    local = resolve(f"refs/heads/{branch}") if branch else None
    remote = resolve(workspace.branch_refs + branch) if branch and workspace.remote else None
    return Target(branch, home, local, remote)


def _by_path(workspace: Workspace, what: str, trees: Sequence[Worktree]) -> Worktree | None:
    """Return the worktree at a path, from where the person stands or from the main checkout's root."""
    if not what or "\0" in what:
        return None
    places = {(workspace.top / what).resolve(), (trees[0].path / what).resolve(), Path(what).resolve()}
    return next((tree for tree in trees if tree.path.resolve() in places), None)


def _home_of(git: Git, branch: str, trees: Sequence[Worktree]) -> Worktree | None:
    ref = f"refs/heads/{branch}"
    on_it = next((tree for tree in trees if tree.branch == ref), None)
    place = under_way(git).get(ref)
    return on_it or next((tree for tree in trees if tree.path == place), None)


# -- why not -------------------------------------------------------------------------------------------------------


def _obstacles(workspace: Workspace, target: Target, removal: Removal) -> Iterator[Obstacle]:
    """Yield what speaks against a removal, what cannot be passed over first."""
    if target.branch == workspace.main:
        yield Obstacle(Reason.MAIN, f"{workspace.main} is what work lands on")
    if target.home is not None:
        yield from _at_home(workspace, target.home, removal)
    busy = under_way(workspace.git)
    if f"refs/heads/{target.branch}" in busy or (target.path in busy.values()):
        yield Obstacle(
            Reason.UNDER_WAY, "a rebase or bisect of it is under way", "finish it, or git rebase --abort"
        )
    if target.home is not None and not target.home.is_gone:
        yield from _in_folder(target.home.path)
    tips = target.tips + ((target.remote,) if target.remote and removal.remote else ())
    for tip in dict.fromkeys(tips):
        yield from _not_contained(workspace, target, tip)


def _at_home(workspace: Workspace, home: Worktree, removal: Removal) -> Iterator[Obstacle]:
    if home.is_main:
        yield Obstacle(
            Reason.MAIN, "it is checked out in the main checkout", f"git switch {workspace.main} there first"
        )
        return
    if home.locked:
        yield Obstacle(Reason.LOCKED, "its worktree is locked", f"git worktree unlock {home.path}")
    if workspace.top.resolve().is_relative_to(home.path.resolve()):
        yield Obstacle(Reason.HERE, "you are standing in its worktree", "run it again from the main checkout")
    for session in sessions_of(workspace.state, home.path):
        if session.is_live:
            yield Obstacle(
                Reason.SESSION, f"session {session.id} works in it", f"coord abort {session.id} ends it"
            )
    if removal.gentle:
        ours = {process.id for process in of_any_session(home.path)}
        others = [process for process in leftovers(home.path) if process.id not in ours]
        if others:
            told = f"somebody is at work in it: {_names(others)}"
            yield Obstacle(Reason.BUSY, told, "coord worktree remove ends them")


def _in_folder(folder: Path) -> Iterator[Obstacle]:
    status = Git(folder).run("status", "--porcelain", "-z", "--untracked-files=all", ok=(0, 128))
    if status.code != 0:
        yield Obstacle(Reason.UNREADABLE, "its worktree cannot be read", f"git -C {folder} status says more")
        return
    entries = [entry for entry in status.text.split("\0") if entry]
    nested = [entry[3:] for entry in entries if entry.startswith("?? ") and entry.endswith("/")]
    if nested:
        told = f"it holds a repository of its own: {one_line(nested[0])}"
        yield Obstacle(Reason.NESTED, told, "move that elsewhere first: git cannot save it")
    if _has_submodules(folder):
        told = "it has submodules: what they hold and nobody else has would be lost"
        yield Obstacle(Reason.NESTED, told, f"look, then git worktree remove --force {folder}")
    if entries:
        told = f"its worktree holds uncommitted work ({len(entries)} paths)"
        yield Obstacle(Reason.DIRTY, told, _FORCE)


def _has_submodules(folder: Path) -> bool:
    """Say whether submodules were checked out: their repositories lie in the worktree's own git folder, and go with it."""
    own = Path(Git(folder).run("rev-parse", "--path-format=absolute", "--git-path", "modules").line)
    return own.is_dir() and any(own.iterdir())


_FORCE = "commit it, or --force: it is saved to refs/coord/rescue first"


def _not_contained(workspace: Workspace, target: Target, tip: str) -> Iterator[Obstacle]:
    main = workspace.main_tip
    if main is not None and workspace.git.ancestry.is_ancestor(tip, main):
        return
    count = len(workspace.git.ancestry.rev_list(tip, f"^{main}")) if main else 0
    where = "which the remote has" if target.remote == tip else "which are only here"
    told = f"{workspace.main_name} does not contain {count} of its commits, {where} ({tip[:7]})"
    hint = "coord land brings it to main; with --force it is saved to refs/coord/rescue first"
    yield Obstacle(Reason.NOT_CONTAINED, told, hint)


# -- doing it ------------------------------------------------------------------------------------------------------


def _carry_out(
    workspace: Workspace, target: Target, removal: Removal, removed: Removed, now: int | None
) -> Removed | Kept:
    if target.home is not None:
        ended = _end_processes(workspace, target.home.path, gentle=removal.gentle)
        removed = replace(removed, ended=tuple(sorted({process.name for process in ended})))
    if removal.force:
        removed = replace(removed, saved=_save(workspace, target, removal, now))
    if target.home is not None:
        refused = _remove_worktree(workspace, target.home, force=removal.force)
        if refused:
            return Kept(
                target.branch, target.path, Obstacle(Reason.REFUSED, f"git does not remove it: {refused}")
            )
    if target.local:
        update = RefUpdate(f"refs/heads/{target.branch}", target.local, None)
        if isinstance(workspace.git.update_refs([update]), Stale):
            told = "its branch moved meanwhile"
            return Kept(target.branch, None, Obstacle(Reason.RACED, told, "run it again"))
        forget_branch(workspace.git, target.branch)
    return _end_remote(workspace, target, removed) if removal.remote else removed


def _end_processes(workspace: Workspace, path: Path, *, gentle: bool) -> tuple[Process, ...]:
    sessions = sessions_of(workspace.state, path)
    tokens = frozenset(session.token for session in sessions if session.token)
    found = of_any_session(path) if gentle else leftovers(path)
    found += leftovers(None, tokens) if tokens else ()
    hosts = [s.host for s in sessions if s.worktree is not None and s.is_live and s.host]
    end([*hosts, *(process.id for process in found)])
    return found


def _save(workspace: Workspace, target: Target, removal: Removal, now: int | None) -> tuple[str, ...]:
    """Save what main does not contain: uncommitted work, and the tips that nothing else would name."""
    saved: list[str] = []
    if target.home is not None and not target.home.is_gone:
        saved += rescue.save_work(workspace, target.home.path, target.branch, now)
    tips = target.tips + ((target.remote,) if target.remote and removal.remote else ())
    for tip in dict.fromkeys(tips):
        named = [workspace.main_ref, *saved]
        if target.remote and not removal.remote:
            named.append(target.remote)  # the remote's branch stays, and holds what it holds
        if not any(
            workspace.git.resolve(ref) and workspace.git.ancestry.is_ancestor(tip, ref) for ref in named
        ):
            saved.append(rescue.keep(workspace, target.branch, tip))
    return tuple(saved)


def _remove_worktree(workspace: Workspace, home: Worktree, *, force: bool) -> str:
    """Remove a worktree; return git's words when it does not let go (work may have come since we looked)."""
    words = ("worktree", "remove", *(("--force",) if force else ()), "--", str(home.path))
    answer = workspace.git.run(*words, ok=(0, 1, 128))
    if answer.code != 0:
        return one_line(answer.err)
    ports.free(workspace.state, home.path)
    remove_empty_parents(home.path, list_worktrees(workspace.git)[0].path)
    return ""


def _end_remote(workspace: Workspace, target: Target, removed: Removed) -> Removed:
    """Delete the remote's branch, if it is where we saw it; tell a remote that denies it from one that has it not."""
    if workspace.remote is None or target.remote is None:
        return replace(removed, remote=RemoteEnd.ABSENT)
    ref = f"refs/heads/{target.branch}"
    update = RefUpdate(ref, target.remote, None)
    match workspace.git.push(workspace.remote, [update]):
        case Pushed():
            note_push(workspace, [update])
            return replace(removed, remote=RemoteEnd.DELETED)
        case Rejected(words):
            return replace(removed, remote=RemoteEnd.DENIED, words=one_line(words, 500))
        case Stale():
            there = workspace.git.remote_refs(workspace.remote, [ref])
            return replace(removed, remote=RemoteEnd.RACED if ref in there else RemoteEnd.ABSENT)
        case unanswered:
            return replace(removed, remote=RemoteEnd.UNKNOWN, words=one_line(unanswered.words, 500))


def _names(processes: Sequence[Process]) -> str:
    return few(f"{process.name} ({process.id.pid})" for process in processes)
