"""What a run of landing knows: its view, what was found of lines on main, and what of that holds when main moves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from coord import recording
from coord.core.queue import make_queue
from coord.core.schedule import rest_after
from coord.core.snapshot import GROUP, Ended, Snapshot, TaskBranch
from coord.core.trial import Found, Green, Red, Underway
from coord.evidence import Evidence
from coord.freshness import fetch
from coord.observe import View, observe
from coord.outcome import Ending, Site
from coord.publishing import Send

#: Seconds for which a look at the remote is new enough to go on from while nothing but pushes of ours happened.
_FRESH = 1.0


@dataclass
class Run:
    """What a run has learned and done so far."""

    site: Site
    asked: frozenset[str] | None
    show: Callable[[str], None]
    view: View
    findings: list[Found] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    endings: dict[str, Ending] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    races: int = 0
    raced: bool = False
    landed: int = 0
    rejected: int = 0
    gone: set[str] = field(default_factory=set)
    look_before_rest: bool = False
    waited: bool = False
    checked: bool = False
    group: int = GROUP
    announced: str = ""
    looked: float = 0.0
    send: Send | None = None
    elsewhere: Elsewhere | None = None
    said_running: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def snapshot(self) -> Snapshot:
        return replace(
            self.view.snapshot,
            findings=tuple(self.findings),
            asked=self.asked,
            group=self.group,
            validates=self.site.validates,
            running=len(self.site.lanes),
            ended=tuple(self.ended),
            landed=self.landed,
            rejected=self.rejected,
        )


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Validations that ran on other machines, on trials that were made on ``base`` at ``at`` (seconds): what they proved,
    and a call that tells the site what they found beside that and returns what is known of lines on main as viewed."""

    evidence: Evidence
    tell: Callable[[Site, View], Sequence[Found]]
    base: str
    at: int

    def seen(self, view: View) -> View:
        """Return the view with which the same trials are made again, as long as main stands where it did then."""
        snapshot = view.snapshot
        return replace(view, snapshot=replace(snapshot, at=self.at)) if snapshot.base == self.base else view


def is_fresh(run: Run) -> bool:
    """Say whether what the remote said is new enough to publish by."""
    return run.checked or time.monotonic() - run.looked <= _FRESH


def look_again(run: Run, landed: tuple[str, ...] = (), *, fetching: bool = True) -> None:
    """Look at the repository anew; ``landed`` are the tips that a push of ours has just brought to main."""
    if fetching:
        fetch(run.site.workspace)
        run.looked = time.monotonic()
        run.waited = False
    before = candidates(run)
    view = observe(run.site.workspace)
    recording.seen(run.site.workspace, view.snapshot)
    run.view = run.elsewhere.seen(view) if run.elsewhere else view
    # A tip that another branch has now is another task's: nothing that was found for the one is about the other.
    others = {tip for tip, now in candidates(run).items() if before.get(tip, now).name != now.name}
    run.findings = [found for found in run.findings if others.isdisjoint(found.tips)]
    carry(run, landed)


def carry(run: Run, landed: tuple[str, ...]) -> None:
    """Keep what is still known now that the view is another one."""
    base = run.view.snapshot.base
    stale = [found for found in run.findings if found.base != base]
    run.findings = [found for found in run.findings if found.base == base]
    run.findings += _carried(run, landed)
    judged = (rest_after(f.tips, landed) for f in stale if isinstance(f.finding, Green | Red))
    known = {found.tips for found in run.findings}
    run.findings += looked_up(run, [line for line in judged if line and line not in known])
    forget_ended(run)


def _carried(run: Run, landed: tuple[str, ...]) -> Iterator[Found]:
    """Find the running validations again as lines on the present main, and stop those that are none any more.

    What a validation judges has a key. Where the line that is left of it would be judged under the same key, it goes on
    for that line, whatever moved main.
    """
    site, base = run.site, run.view.snapshot.base
    live = candidates(run)
    known = {found.tips for found in run.findings}
    for lane in site.lanes.lanes:
        left = rest_after(lane.tips, landed)
        if left and live.keys() >= set(left):
            line = [live[tip] for tip in left]
            if site.lines.is_judged_as(run.view, site.choose_profile(run.view), line, lane.key):
                lane.tips = left
                if left not in known:
                    yield Found(base, left, Underway())
                continue
        about = set(lane.about) - run.gone.union(landed)
        if landed and about and live.keys() >= about:
            lane.tips = ()  # it proves nothing any more, and tells where to look
        else:
            site.lanes.stop(lane.key)


def looked_up(run: Run, lines: Sequence[tuple[str, ...]]) -> Iterator[Found]:
    """Return what is known of lines as main stands now, where that is a judgement."""
    live = candidates(run)
    there = [tips for tips in lines if live.keys() >= set(tips)]
    if not there:
        return
    profile = run.site.choose_profile(run.view)
    for tips in there:
        _, finding = run.site.lines.look(run.view, profile, [live[tip] for tip in tips])
        if isinstance(finding, Green | Red):
            yield Found(run.view.snapshot.base, tips, finding)


def candidates(run: Run) -> dict[str, TaskBranch]:
    """Return the branches that may be tried, by their tips: no two of them have the same."""
    return {candidate.branch.tip: candidate.branch for candidate in make_queue(run.snapshot).candidates}


def forget_ended(run: Run) -> None:
    """Forget that lines are under way of which no validation runs any more: they are looked up again.

    Another line may have waited for the same validation, under the same key.
    """
    running = {lane.tips for lane in run.site.lanes.lanes}
    run.findings = [f for f in run.findings if not isinstance(f.finding, Underway) or f.tips in running]
