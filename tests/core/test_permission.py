"""Which permissions are answered without a person."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.agents.policy import judged
from coord.core.agentevent import Asked, Phase
from coord.core.agents import Unsure
from coord.core.permission import Verdict, decide, is_inside

TREE = "/w/trees/auth"


def ask(*paths: str, tool: str = "edit", phase: Phase = Phase.PERMISSION) -> Asked:
    return Asked(0.0, "1", phase, "text", tool=tool, paths=paths)


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        (ask("/w/trees/auth/src/a.py"), Verdict.ALLOW),
        (ask("src/a.py"), Verdict.ALLOW),
        (ask("./src//a.py"), Verdict.ALLOW),
        (ask(TREE), Verdict.ALLOW),
        (ask("/etc/hostname", "/etc"), Verdict.REJECT),
        (ask("src/a.py", "/etc/hostname"), Verdict.REJECT),
        (ask("/w/trees/auth-other/a.py"), Verdict.REJECT),
        (ask("/w/trees/auth/../other/a.py"), Verdict.REJECT),
        (ask("../other/a.py"), Verdict.REJECT),
        (ask("link/../../other"), Verdict.REJECT),
        (ask("~/.ssh/id_ed25519"), Verdict.REJECT),
        (ask("$HOME/.ssh/id_ed25519"), Verdict.REJECT),
        (ask("file:///etc/passwd"), Verdict.REJECT),
        (ask("src/\0a"), Verdict.REJECT),
        (ask(".git"), Verdict.REJECT),
        (ask("sub/.GIT/hooks/pre-commit"), Verdict.REJECT),
        (ask(), Verdict.ASK),
        (ask(tool="Bash"), Verdict.ASK),
        (ask(TREE, tool="bash"), Verdict.ASK),
        (ask("/etc", tool="bash"), Verdict.REJECT),
        (ask("src/a.py", phase=Phase.QUESTION), Verdict.ASK),
        (ask(tool="mcp__coord__worktree"), Verdict.ALLOW),
        (ask(tool="mcp__coord__memory"), Verdict.ALLOW),
        (ask(tool="mcp_coord_worktree"), Verdict.ALLOW),
        (ask(tool="coord_memory"), Verdict.ALLOW),
        (ask(tool="coord.worktree"), Verdict.ALLOW),
        (ask(tool="worktree"), Verdict.ALLOW),
        (ask(tool="mcp__other__worktree"), Verdict.ASK),
        (ask(tool="mcp__coord__worktree\nBash"), Verdict.ASK),
        (ask(tool="not_coord_worktree"), Verdict.ASK),
    ],
)
def test_inside_is_allowed_outside_rejected_and_the_rest_is_for_a_person(
    asked: Asked, verdict: Verdict
) -> None:
    assert decide(asked, TREE, Unsure.ASK).verdict is verdict


def test_where_nobody_can_be_asked_the_rest_is_rejected() -> None:
    assert decide(ask(tool="Bash"), TREE, Unsure.DENY).verdict is Verdict.REJECT
    assert decide(ask("a"), TREE, Unsure.DENY).verdict is Verdict.ALLOW


def test_a_rejection_says_which_path_it_is_for() -> None:
    decision = decide(ask("a", "/etc/\x1b[31mpasswd"), TREE, Unsure.ASK)
    assert decision.reason == "/etc/passwd is no file of this session's worktree (/w/trees/auth)"


@given(st.lists(st.sampled_from(["..", ".", "a", "", "auth", "trees", "w"]), max_size=8), st.booleans())
def test_no_path_of_any_form_leads_out(parts: list[str], absolute: bool) -> None:
    path = ("/" if absolute else "") + "/".join(parts)
    if is_inside(path, TREE):
        whole = Path(TREE, path)
        assert ".." not in whole.parts
        assert Path(TREE) in (whole, *whole.parents)


def test_a_link_that_leads_outside_is_followed_first(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "out").symlink_to("/etc")
    assert judged(ask("out/passwd"), tree, Unsure.ASK).verdict is Verdict.REJECT
    assert judged(ask("out/../passwd"), tree, Unsure.ASK).verdict is Verdict.REJECT
    assert judged(ask("~/a"), tree, Unsure.ASK).verdict is Verdict.REJECT
    assert judged(ask("new/file"), tree, Unsure.ASK).verdict is Verdict.ALLOW


def test_a_worktree_behind_a_link_is_still_inside_itself(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to(real)
    assert judged(ask(str(link / "a")), link, Unsure.ASK).verdict is Verdict.ALLOW
    assert judged(ask(str(real / "a")), link, Unsure.ASK).verdict is Verdict.ALLOW
    assert judged(ask("/etc/passwd"), link, Unsure.ASK).verdict is Verdict.REJECT
