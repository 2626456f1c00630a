"""Requests in the shell: what a request decides here, and how it is passed on to the run that may carry it out."""

from __future__ import annotations

from collections.abc import Callable

from coord.core.objects import find_entry
from coord.core.request import Ask, Request, encode_request
from coord.decision import Decided, complete, decide, hold, release, retry, unblock
from coord.errors import CoordError, RefusedError
from coord.observe import View
from coord.workspace import Workspace

#: The workflow that lands; in its dispatch it takes a request.
LAND_WORKFLOW = "coord-land.yml"

#: The workflow of the simple mode, which takes the same requests.
SIMPLE_WORKFLOW = "coord-simple.yml"

Decision = Callable[[Workspace, View], Decided]


def decision_of(request: Request) -> Decision | None:
    """Return what a request decides, or None when it only asks for a run."""
    tasks, text = request.tasks, request.text
    match request.ask:
        case Ask.COMPLETE:
            return lambda workspace, view: complete(workspace, view, tasks, text)
        case Ask.UNBLOCK:
            return _each(tasks, lambda workspace, view, task: unblock(workspace, view, task, text))
        case Ask.RETRY:
            return _each(tasks, retry)
        case Ask.HOLD:
            return _each(
                tasks, lambda workspace, view, task: hold(workspace, view, task, text or "no reason given")
            )
        case Ask.RELEASE:
            return _each(tasks, release)
        case Ask.LAND | Ask.TRY | Ask.PROVE_MAIN | Ask.WITHOUT:
            return None


def _each(tasks: tuple[str, ...], decision: Callable[[Workspace, View, str], Decided]) -> Decision:
    """Return the decision about the one task that such a request is about."""
    if len(tasks) != 1:
        raise CoordError("this is asked of one task at a time", hint="name one task")
    return lambda workspace, view: decision(workspace, view, tasks[0])


def carry_out(
    workspace: Workspace, request: Request, *, dry_run: bool = False, decision: Decision | None = None
) -> Decided:
    """Decide as a request asks, and return what was changed; where only another credential may push main, pass it on.

    ``decision`` is one that ends in what the request says, and looks at more before it does. Raises RefusedError when
    neither can be done.
    """
    decision = decision or decision_of(request)
    if decision is None:
        return Decided((), ())
    try:
        return decide(workspace, decision, dry_run=dry_run)
    except RefusedError as refused:
        if not lands_on_forge(workspace):
            raise
        if workspace.hosting.forge is None:
            hint = (
                f"set GH_TOKEN, so that {LAND_WORKFLOW} can be asked to do it; or say it on the pull request"
            )
            raise RefusedError(refused.message, hint=hint) from None
        pass_on(workspace, request)
        why = f"only its workflow may push {workspace.main} here ({refused.message})"
        return Decided((), (f"{why}: {LAND_WORKFLOW} was asked to do it",))


def pass_on(workspace: Workspace, request: Request, *, workflow: str = LAND_WORKFLOW) -> None:
    """Start the workflow that carries a request out. Raises RefusedError when the forge does not take it."""
    forge = workspace.hosting.forge
    if forge is None:
        raise RefusedError("there is no token for GitHub", hint="set GH_TOKEN, then run it again")
    forge.dispatch(workflow, workspace.main, {"request": encode_request(request)})


def lands_on_forge(workspace: Workspace) -> bool:
    """Say whether main holds the workflow that lands, where only that may push it."""
    return _has_workflow(workspace, LAND_WORKFLOW)


def is_told_by_workflow(workspace: Workspace) -> bool:
    """Say whether a workflow on main tells people how branches stand."""
    return _has_workflow(workspace, LAND_WORKFLOW) or _has_workflow(workspace, SIMPLE_WORKFLOW)


def _has_workflow(workspace: Workspace, name: str) -> bool:
    if not workspace.hosting.has_pulls or workspace.main_tip is None:
        return False
    tree = workspace.git.objects.commit(workspace.main_tip).tree
    return find_entry(tree, f".github/workflows/{name}", workspace.git.objects.tree) is not None
