"""``pre-commit``: judges the index that git is about to commit.

Also runs when a conflicted merge is finished by ``git commit``; a clean merge runs ``pre-merge-commit`` instead (git's
own sample of which runs this hook).
"""

from __future__ import annotations

from coord.core.guard import StagedCommit, Verdict, judge_commit
from coord.hooks.occasion import Occasion

_MERGED = "GITHEAD_"


def judge(occasion: Occasion) -> Verdict:
    """Return whether the staged commit, plain or a merge, may be made."""
    merged = _merged(occasion)
    bases = _main_sides(occasion, merged)
    return judge_commit(
        StagedCommit(
            branch=occasion.branch(),
            project=occasion.project,
            role=occasion.role,
            checkout=occasion.checkout(),
            session=occasion.session,
            edits=_edits(occasion, bases),
            restore=bases[0][:12] if merged and bases else "HEAD",
        )
    )


def _edits(occasion: Occasion, bases: tuple[str, ...]) -> tuple[str, ...]:
    """Return the staged task paths that are neither the branch's own tip's nor main's.

    Compared with HEAD alone, a conflicted merge of main would be refused; compared with main alone, a branch that
    once went past the hook could commit nothing any more, not even what puts the files back.
    """
    if occasion.git.resolve("HEAD") is None:
        return ()
    differing = [occasion.git.staged(occasion.project.tasks, commit) for commit in ("HEAD", *bases)]
    return tuple(sorted(frozenset.intersection(*differing)))


def _main_sides(occasion: Occasion, merged: tuple[str, ...]) -> tuple[str, ...]:
    """Return the commits of main that the new commit would stand on.

    ``git merge-base main HEAD X`` is the base of main and a merge of HEAD and X that does not exist yet. Local main
    counts too: an agent may merge it before its coordinator has pushed it.
    """
    workspace, git = occasion.workspace, occasion.git
    names = dict.fromkeys((workspace.main_ref, f"refs/heads/{workspace.main}"))
    mains = [tip for name in names if (tip := git.resolve(name))]
    head = git.resolve("HEAD")
    if head is None:
        return ()
    return tuple(
        dict.fromkeys(base for main in mains for base in git.ancestry.merge_bases(main, head, *merged))
    )


def _merged(occasion: Occasion) -> tuple[str, ...]:
    """Return the commits being merged: the lines of MERGE_HEAD (an octopus has several, which no revision names).

    The file is written only when a merge stops (tried with 2.39); until then git names what it merges in variables
    such as ``GITHEAD_<oid>=main``.
    """
    path = occasion.git_folder() / "MERGE_HEAD"
    if path.is_file():
        return tuple(path.read_text("ascii").split())
    names = sorted(name for name in occasion.environment if name.startswith(_MERGED))
    return tuple(name.removeprefix(_MERGED) for name in names)
