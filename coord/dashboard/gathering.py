"""Gathering what the dashboard shows: one look at the repository, its history, the forecast and the task graph."""

from __future__ import annotations

from dataclasses import dataclass, field

from coord.core.analysis import Study
from coord.core.dashboard import Seen
from coord.core.forecast import Forecast
from coord.core.history import History
from coord.forecast import foretell, in_landing_order
from coord.history import read_history
from coord.observe import View, observe
from coord.present import Memory, look
from coord.taskfolder import read_tasks_here, tasks_in_progress
from coord.workspace import Workspace


@dataclass
class Kept:
    """What is kept between looks: what ``look`` keeps, and the forecast for as long as main and the branches stay."""

    memory: Memory
    key: tuple[object, ...] = ()
    forecast: Forecast = field(default_factory=Forecast)

    @classmethod
    def of(cls, workspace: Workspace) -> Kept:
        """Return what is kept by who looks for the first time."""
        return cls(Memory.of(workspace))

    def foretold(self, workspace: Workspace, view: View) -> Forecast:
        """Return the forecast of a view; it goes by main, the task folder's place, and the tips in the order in which they land."""
        snapshot = view.snapshot
        tips = tuple((branch.name, branch.tip) for branch in in_landing_order(snapshot))
        key = (snapshot.base, snapshot.settings.project, tips)
        if key != self.key:
            self.forecast, self.key = foretell(workspace, view), key
        return self.forecast


def gather(workspace: Workspace, kept: Kept | None = None) -> Seen:
    """Return what the page is made from, as last fetched. Before main is there, the tasks are those of the working copy.

    Raises CoordError when main's settings or history cannot be read.
    """
    kept = kept or Kept.of(workspace)
    present = look(workspace, kept.memory)
    if workspace.main_tip is None:
        graph = read_tasks_here(workspace.top, workspace.settings).graph
        return Seen(present, History(), Forecast(), Study.of(graph))
    view = observe(workspace, now=present.at)
    study = Study.of(view.snapshot.graph, tasks_in_progress(workspace))
    return Seen(present, read_history(workspace, view), kept.foretold(workspace, view), study)
