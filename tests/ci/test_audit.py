"""The weekly audit, with the rights that its job has: one issue while something is wrong, none when all is well."""

from __future__ import annotations

from tests.ci.conftest import Make
from tests.ci.jobs import Site
from tests.world import task_text


def _issues(here: Site) -> dict[str, str]:
    return {ticket.title: ticket.state for ticket in here.rest.state.tickets.values() if not ticket.is_pull}


def test_the_audit_keeps_one_issue_and_closes_it(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.pull("feat/a")
    here.by_alice({"tasks/a.md": task_text("a", depends_on=("nobody",))})

    first, second = here.job("audit"), here.job("audit")

    assert (first.code, second.code) == (0, 0), first.text
    assert _issues(here) == {"coord: what the audit found": "open"}
    assert "nobody" in first.summary
    here.by_alice({"tasks/a.md": task_text("a")})
    here.job("audit")
    assert _issues(here) == {"coord: what the audit found": "closed"}
