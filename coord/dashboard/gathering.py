"""Gathering what the dashboard shows: one look at the repository, its history, the forecast and the task graph."""

from __future__ import annotations

from coord.core.analysis import Study
from coord.core.dashboard import Seen
from coord.core.forecast import Forecast
from coord.core.history import History
from coord.history import read_history
from coord.present import Memory, survey
from coord.taskfolder import read_tasks_here, tasks_in_progress
from coord.workspace import Workspace


def gather(workspace: Workspace, memory: Memory | None = None, *, asks_forge: bool = False) -> Seen:
    """Return what the page is made from, as last fetched. Before main is there, the tasks are those of the working copy.

    ``asks_forge``: pull requests and approvals are read from the forge. Raises CoordError when main's settings or history
    cannot be read.
    """
    memory = memory or Memory.of(workspace)
    seen = survey(workspace, memory, asks_forge=asks_forge)
    present, view = seen.present, seen.view
    if view is None:
        graph = read_tasks_here(workspace.top, workspace.settings).graph
        return Seen(present, History(), Forecast(), Study.of(graph))
    study = Study.of(view.snapshot.graph, tasks_in_progress(workspace))
    return Seen(present, read_history(workspace, view), memory.foretold(workspace, view), study)
