"""``coord doctor --github``: look at how a repository on GitHub is set up; what that means is ``coord.core.mode``'s."""

from __future__ import annotations

from coord.core.mode import Facts, mode_of
from coord.core.objects import find_entry
from coord.core.settings import Untold
from coord.errors import RefusedError, UsageError
from coord.freshness import fetch
from coord.workflows import (
    FILES,
    FOLDER,
    NAMES,
    RUNNER,
    Wanted,
    minute_of,
    ours,
    render,
    repository_name,
    standing_of,
)
from coord.workspace import Workspace


def look(workspace: Workspace) -> Facts:
    """Return what can be seen of the set-up. Raises RefusedError without a token, or when GitHub refuses."""
    address, forge = workspace.hosting.address, workspace.hosting.forge
    if address is None:
        told = f"{workspace.remote} is not on GitHub" if workspace.remote else "there is no remote"
        hint = "where a server of your own runs GitHub: git config coord.forge github"
        raise UsageError(told, hint=hint)
    if forge is None:
        raise RefusedError("there is no token for GitHub", hint="set GH_TOKEN, then run it again")
    fetch(workspace)
    texts = _texts(workspace)
    mode = mode_of(frozenset(texts))
    wanted = _wanted(workspace, texts)
    stale = (name for name in FILES[mode] if name in texts and not _is_current(name, texts[name], wanted))
    return Facts(
        main=workspace.main,
        site=f"https://{address.host}/{address.slug}",
        slug=address.slug,
        protection=forge.protection(workspace.main),
        workflows=frozenset(texts),
        wanted=FILES[mode],
        stale=frozenset(stale),
        drafts=workspace.settings.github.blocked is Untold.DRAFT,
        approvers=workspace.settings.github.approvers,
    )


def _texts(workspace: Workspace) -> dict[str, str]:
    """Return coord's workflows on main, by their names."""
    if workspace.main_tip is None:
        return {}
    objects = workspace.git.objects
    tree = objects.commit(workspace.main_tip).tree
    found = {name: find_entry(tree, f"{FOLDER}/{name}", objects.tree) for name in NAMES}
    texts = {
        name: ours(objects.blob(entry.oid).decode("utf-8", "surrogateescape"))
        for name, entry in found.items()
        if entry is not None and entry.mode in ("100644", "100755")
    }
    return {name: text for name, text in texts.items() if text}


def _wanted(workspace: Workspace, texts: dict[str, str]) -> Wanted | None:
    """Return what the workflows are to say, by what they say now; None when they name no action."""
    said = standing_of(texts)
    if said.action is None:
        return None
    return Wanted(
        mode=mode_of(frozenset(texts)),
        main=workspace.main,
        prefixes=workspace.settings.project.prefixes,
        action=said.action,
        runner=said.runner or RUNNER,
        minute=said.minute or minute_of(repository_name(workspace.url, workspace.top.name)),
    )


def _is_current(name: str, text: str, wanted: Wanted | None) -> bool:
    return wanted is not None and text == render(name, wanted)
