"""The checker (``coord doctor --verify``): a history that coord made is clean, and each planted violation is caught."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from coord.core.audit import RULES
from tests.world import CHECK, World, task_text

BLOCKED = "stop\n\nCoord-Status: blocked\nCoord-Reason: the API is not there\n"


def _rich(world: World, config: str = CHECK) -> list[str]:
    """Let everything happen to a repository that coord does; return the pushes as lines."""
    names = ("landed", "clash", "red", "stuck", "hand", "undone", "word", "again")
    world.build(
        {name: task_text(name) for name in names} | {"late": task_text("late", depends_on=("landed",))},
        config=config,
    )
    pushes = []

    def push(name: str, files: dict[str, str | None], message: str = "", start: str = "origin/main") -> str:
        tip = world.push(f"feat/{name}", files, message, start=start)
        pushes.append(f"{tip} refs/heads/feat/{name}")
        return tip

    push("late", {"src/late.txt": "1\n"})
    push("landed", {"src/lib.txt": "AAA\ntwo\nthree\nfour\nfive\n", "tasks/landed.md": "mine\n"})
    push("clash", {"src/lib.txt": "BBB\ntwo\nthree\nfour\nfive\n"})
    push("red", {"src/red.txt": "BROKEN\n"})
    push("stuck", {"src/stuck.txt": "1\n"}, BLOCKED)
    push("undone", {"src/undone.txt": "1\n"})
    first = push("again", {"src/again.txt": "1\n"})
    world.land()
    push("clash", {"src/other.txt": "BBB\n"})
    push("red", {"src/red.txt": "fine\n"})
    world.coord("unblock", "stuck", "-m", "it is there now")
    push("again", {"src/again.txt": "2\n"}, start=first)
    hand = push("hand", {"src/hand.txt": "1\n"})
    world.git("fetch", "-q", "origin")
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.git("merge", "-q", "--no-ff", "-m", "Merge by hand", hand)
    undone = world.git("log", "--format=%H", "--grep=^Coord-Task: undone", "main")
    world.git("revert", "--no-edit", "-m", "1", undone)
    world.git("push", "-q", "origin", "main")
    world.coord("complete", "word", "-m", "done long ago")
    world.land()
    return pushes


def test_a_history_with_everything_that_happens_is_clean(world: World) -> None:
    pushes = _rich(world)
    listed = world.root / "pushed"
    listed.write_text("\n".join(pushes) + "\n")

    result = world.coord("doctor", "--verify", "--regate", "--pushed", str(listed), "--json")

    assert result.data["findings"] == []
    assert result.code == 0
    assert world.statuses() == {
        "landed": "completed", "late": "completed", "clash": "completed", "red": "completed", "stuck": "pending",
        "hand": "completed", "undone": "pending", "word": "completed", "again": "completed",
    }  # fmt: skip
    counts = result.data["checked"]
    assert (counts["landings"], counts["by_hand"], counts["green"]) == (7, 3, 7)
    assert counts["status"] == 6


@pytest.mark.parametrize("workers", [1, 3])
def test_a_history_with_everything_that_happens_in_batches_is_clean(world: World, workers: int) -> None:
    in_batches = f'[land]\nstrategy = "batch"\nworkers = {workers}\n'
    pushes = _rich(world, in_batches + CHECK)
    listed = world.root / "pushed"
    listed.write_text("\n".join(pushes) + "\n")

    result = world.coord("doctor", "--verify", "--regate", "--pushed", str(listed), "--json")

    assert result.data["findings"] == []
    assert result.code == 0
    batches = world.git(
        "log", "--first-parent", "--format=%H", "--grep=^Coord-Batch: ", "main", at=world.origin
    )
    assert batches
    assert world.statuses()["again"] == "completed"


# -- planting ------------------------------------------------------------------------------------------------------


def _tree(world: World, base: str, files: dict[str, str | None]) -> str:
    """Return a tree of the origin: that of ``base`` with some files changed."""
    index = {"GIT_INDEX_FILE": str(world.root / "index")}
    world.git("read-tree", base, at=world.origin, env=index)
    lines = []
    for path, text in files.items():
        blob = (
            "0" * 40
            if text is None
            else world.git("hash-object", "-w", "--stdin", at=world.origin, data=text)
        )
        lines.append(f"{'0' if text is None else '100644'} {blob}\t{path}\n")
    world.git("update-index", "--index-info", at=world.origin, env=index, data="".join(lines))
    return world.git("write-tree", at=world.origin, env=index)


def _commit(world: World, tree: str, parents: tuple[str, ...], message: str) -> str:
    above = [word for parent in parents for word in ("-p", parent)]
    return world.git("commit-tree", tree, *above, "-m", message, at=world.origin)


def _step(world: World, tree: str, parents: tuple[str, ...], message: str) -> None:
    world.git("update-ref", "refs/heads/main", _commit(world, tree, parents, message), at=world.origin)


def _completed(world: World, name: str) -> str:
    return world.show(f"tasks/{name}.md").replace("status: pending", "status: completed") + "\n"


def _land(
    world: World,
    *,
    task: str = "b",
    tip: str = "",
    files: dict[str, str | None] | None = None,
    status_files: dict[str, str | None] | None = None,
    completed: str | None = None,
    gate: str = "",
    named: str = "",
    status_parents: tuple[str, ...] = (),
) -> None:
    """Put a landing on main by plumbing: a sound one, unless told otherwise."""
    base = world.ref("refs/heads/main")
    tip = tip or world.ref(f"refs/heads/feat/{task}")
    merged = world.git("merge-tree", "--write-tree", base, tip, at=world.origin)
    tree = _tree(world, merged, {f"tasks/{task}.md": completed or _completed(world, task)} | (files or {}))
    status_tree = _tree(world, tree, status_files) if status_files else tree
    status = _commit(
        world, status_tree, status_parents or (tip, base), f"chore: update task {task} status to completed"
    )
    words = f"Merge branch 'feat/{task}'\n\nCoord-Task: {task}\nCoord-Tip: {named or tip}\nCoord-Gate: check {gate or tree}\n"
    _step(world, tree, (base, status), words)
    if world.ref(f"refs/heads/feat/{task}") == tip:
        world.git("update-ref", "-d", f"refs/heads/feat/{task}", at=world.origin)


def _batch(
    world: World, *, carries: str = "1", files: dict[str, str | None] | None = None, second: str = ""
) -> None:
    """Put a batch of one branch on main by plumbing: a sound one, unless told otherwise."""
    base = world.ref("refs/heads/main")
    _land(world)
    merge = world.ref("refs/heads/main")
    world.git("update-ref", "refs/heads/main", base, at=world.origin)
    tree = _tree(world, merge, files or {})
    words = f"Merge 1 branch\n\n- feat/b\n\nCoord-Batch: {carries}\nCoord-Gate: check {tree}\n"
    _step(world, tree, (base, second or merge), words)


def _status(world: World, files: dict[str, str | None], message: str) -> None:
    base = world.ref("refs/heads/main")
    _step(world, _tree(world, base, files), (base,), message)


def _note(world: World, ref: str, message: str, files: dict[str, str | None] | None = None) -> None:
    empty = world.git("mktree", at=world.origin)
    tree = _tree(world, empty, files) if files else empty
    world.git("update-ref", ref, _commit(world, tree, (), message), at=world.origin)


def _verdict(task: str, kind: str = "conflict", tip: str = "0" * 40) -> dict[str, str | None]:
    said = {"task": task, "branch": f"feat/{task}", "tip": tip, "base": tip, "kind": kind, "reason": "x"}
    return {"verdict.json": json.dumps(said)}


def _a_squash(world: World) -> None:
    base = world.ref("refs/heads/main")
    tree = _tree(world, base, {"src/b.txt": "new\n", "tasks/b.md": _completed(world, "b")})
    tip = world.ref("refs/heads/feat/b")
    _step(
        world,
        tree,
        (base,),
        f"Merge branch 'feat/b'\n\nCoord-Task: b\nCoord-Tip: {tip}\nCoord-Gate: check {tree}",
    )


def _a_merge_without_a_gate(world: World) -> None:
    base, tip = world.ref("refs/heads/main"), world.ref("refs/heads/feat/b")
    tree = world.git("merge-tree", "--write-tree", base, tip, at=world.origin)
    _step(world, tree, (base, tip), f"Merge branch 'feat/b'\n\nCoord-Task: b\nCoord-Tip: {tip}\n")


def _a_second_landing_of_one_tip(world: World) -> None:
    tip = world.ref("refs/heads/feat/b")
    _land(world)
    _land(world, tip=tip)


def _a_landed_branch_that_stays(world: World) -> None:
    tip = world.ref("refs/heads/feat/b")
    _land(world)
    world.git("update-ref", "refs/heads/feat/b", tip, at=world.origin)


def _a_verdict_of_what_has_landed(world: World) -> None:
    tip = world.ref("refs/heads/feat/b")
    _land(world)
    _note(world, "refs/coord/verdicts/b", "x", _verdict("b", tip=tip))


BLOCK = {"tasks/b.md": task_text("b", status="blocked")}

PLANTED: dict[str, tuple[str, Callable[[World], None]]] = {
    "a landing with one parent": ("landing-shape", _a_squash),
    "a status commit on another base": (
        "landing-shape",
        lambda w: _land(w, status_parents=(w.ref("refs/heads/feat/b"), w.ref("refs/heads/feat/c"))),
    ),
    "a batch that names more than it carries": ("batch-shape", lambda w: _batch(w, carries="2")),
    "a batch with another tree than its last merge": (
        "batch-shape",
        lambda w: _batch(w, files={"src/evil.txt": "1\n"}),
    ),
    "a batch whose second parent is no row of merges": (
        "batch-shape",
        lambda w: _batch(w, second=w.ref("refs/heads/feat/c")),
    ),
    "a gate that judged another tree": ("gate-tree", lambda w: _land(w, gate="1" * 40)),
    "a status commit with another tree": ("one-tree", lambda w: _land(w, status_files={"src/x.txt": "1\n"})),
    "a file that no side wrote": ("merge-content", lambda w: _land(w, files={"src/evil.txt": "1\n"})),
    "a file of the branch left out": ("merge-content", lambda w: _land(w, files={"src/b.txt": None})),
    "a status commit that changes code": (
        "status-step",
        lambda w: _status(w, {"src/x.txt": "1\n"}, "chore: update task b\n\nCoord-Task: b"),
    ),
    "a merge without a gate": ("status-step", _a_merge_without_a_gate),
    "a landing before its dependency": ("dependencies", lambda w: _land(w, task="c")),
    "a landed branch that stays": ("landed-branch", _a_landed_branch_that_stays),
    "an approval of nothing": (
        "stray-note",
        lambda w: _note(w, "refs/coord/approvals/b", f"x\n\nCoord-Task: b\nCoord-Tip: {'1' * 40}"),
    ),
    "a claim that has expired": (
        "stray-note",
        lambda w: _note(w, "refs/coord/claims/b", "x\n\nCoord-Holder: y\nCoord-Expires: 1600000000"),
    ),
    "a hold of what is over": ("stray-note", lambda w: _note(w, "refs/coord/hold/a", "wait")),
    "a verdict that cannot be read": ("verdict-ref", lambda w: _note(w, "refs/coord/verdicts/b", "x")),
    "a verdict of another task": (
        "verdict-ref",
        lambda w: _note(w, "refs/coord/verdicts/b", "x", _verdict("c")),
    ),
    "a verdict of no task": ("verdict-ref", lambda w: _note(w, "refs/coord/verdicts/z", "x", _verdict("z"))),
    "a verdict of what has landed": ("verdict-closed", _a_verdict_of_what_has_landed),
    "a history without an end": (
        "verdict-closed",
        lambda w: _note(w, "refs/coord/history/b", "x", _verdict("b")),
    ),
    "another tip than the one named": (
        "landing-tip",
        lambda w: _land(w, named=w.ref("refs/heads/feat/c")),
    ),
    "a tip that lands twice": ("landed-twice", _a_second_landing_of_one_tip),
    "a landing that completes nothing": ("task-completed", lambda w: _land(w, completed=task_text("b"))),
    "a landing that completes another task too": (
        "task-folder",
        lambda w: _land(w, files={"tasks/c.md": task_text("c", status="completed", depends_on=("b",))}),
    ),
    "a landing that edits a description": (
        "task-bytes",
        lambda w: _land(w, completed=_completed(w, "b").replace("Do it.", "Do less.")),
    ),
    "a landing that edits the front matter": (
        "task-bytes",
        lambda w: _land(w, completed=_completed(w, "b").replace("risk: low", "risk: high")),
    ),
    "a status commit that removes its task": (
        "task-bytes",
        lambda w: _status(w, {"tasks/b.md": None}, "chore: update task b\n\nCoord-Task: b"),
    ),
    "a task completed for a tip that main lacks": (
        "completed-fact",
        lambda w: _status(
            w,
            {"tasks/b.md": _completed(w, "b")},
            f"chore: update task b\n\nCoord-Task: b\nCoord-Tip: {w.ref('refs/heads/feat/b')}",
        ),
    ),
    "a block without a verdict": (
        "blocked-fact",
        lambda w: _status(
            w, BLOCK, f"blocked(b): x\n\nCoord-Task: b\nCoord-Tip: {w.ref('refs/heads/feat/b')}"
        ),
    ),
}


@pytest.fixture
def planted(tmp_path: Path) -> World:
    """A repository in which a landed, and b and c are pushed and would be next; it ends unsound on purpose."""
    world = World(tmp_path).build(
        {"a": task_text("a"), "b": task_text("b"), "c": task_text("c", depends_on=("b",))}
    )
    world.push("feat/a")
    world.land()
    world.push("feat/b")
    world.push("feat/c")
    return world


@pytest.mark.parametrize("plant", PLANTED)
def test_a_planted_violation_is_caught(planted: World, plant: str) -> None:
    rule, do = PLANTED[plant]
    do(planted)
    assert rule in {found for found, *_ in planted.violations()}


def test_a_sound_landing_made_by_plumbing_is_no_violation(planted: World) -> None:
    """Or the planted ones would be caught for how they are made."""
    assert planted.violations() == []
    _land(planted)
    assert planted.violations() == []


def test_a_sound_batch_made_by_plumbing_is_no_violation(planted: World) -> None:
    _batch(planted)
    assert planted.violations() == []


def test_every_rule_has_a_planted_violation() -> None:
    asked_elsewhere = {"lost-push"}
    assert {rule for rule, _ in PLANTED.values()} | asked_elsewhere == {rule.name for rule in RULES}


# -- pushes --------------------------------------------------------------------------------------------------------


def _verify(world: World, pushes: list[str]) -> list[tuple[str, str]]:
    listed = world.root / "pushed"
    listed.write_text("".join(f"{line}\n" for line in pushes))
    found = world.coord("doctor", "--verify", "--pushed", str(listed), "--json").data["findings"]
    return [(finding["check"], finding["subject"]) for finding in found]


def test_a_push_that_is_on_no_branch_any_more_is_a_lost_push(planted: World) -> None:
    tip = planted.ref("refs/heads/feat/b")
    planted.git("update-ref", "-d", "refs/heads/feat/b", at=planted.origin)
    assert _verify(planted, [f"{tip} refs/heads/feat/b"]) == [("lost-push", tip)]


def test_pushes_that_landed_live_were_replaced_or_deleted_are_accounted_for(planted: World) -> None:
    landed = planted.git("rev-parse", "main^2^1", at=planted.origin)
    live = planted.ref("refs/heads/feat/b")
    replaced = planted.push("feat/c", {"src/first.txt": "1\n"})
    newer = planted.push("feat/c", {"src/second.txt": "2\n"})
    deleted = planted.push("feat/d", {"src/d.txt": "1\n"})
    planted.git("push", "-q", "origin", ":feat/d")
    pushes = [
        f"{landed} refs/heads/feat/a", f"{live} refs/heads/feat/b", f"{replaced} refs/heads/feat/c",
        f"{newer} refs/heads/feat/c", f"{deleted} refs/heads/feat/d", f"{'0' * 40} refs/heads/feat/d",
    ]  # fmt: skip
    assert _verify(planted, pushes) == []


@pytest.mark.parametrize("line", ["short refs/heads/x", "1" * 40])
def test_a_list_of_pushes_that_cannot_be_read_is_a_usage_error(planted: World, line: str) -> None:
    listed = planted.root / "pushed"
    listed.write_text(line + "\n")
    assert planted.coord("doctor", "--verify", "--pushed", str(listed)).code == 2
    assert planted.coord("doctor", "--verify", "--pushed", str(planted.root / "none")).code == 2


# -- the command ---------------------------------------------------------------------------------------------------


def test_a_green_that_is_red_is_found_by_running_it(planted: World) -> None:
    planted.push("feat/b", {"src/b.txt": "BROKEN\n"})
    _land(planted)
    assert planted.coord("doctor", "--verify").code == 0

    result = planted.coord("doctor", "--verify", "--regate", "--json")

    assert result.code == 1
    (found,) = result.data["findings"]
    assert (found["check"], found["guarantee"]) == ("regate", 1)
    assert "something is BROKEN" in found["message"]
    assert found["subject"] == planted.ref("refs/heads/main")


def test_only_the_last_landings_are_run_again_when_asked(planted: World) -> None:
    planted.push("feat/b", {"src/b.txt": "BROKEN\n"})
    _land(planted)
    planted.push("feat/c", {"src/b.txt": "mended\n"})
    _land(planted, task="c")
    assert planted.coord("doctor", "--verify", "--regate", "--last", "1").code == 0
    assert planted.coord("doctor", "--verify", "--regate").code == 1


def test_evidence_is_not_believed_when_greens_are_run_again(world: World) -> None:
    count = world.root / "count"
    steps = f'[["sh", "-c", "echo run >> {count}"]]'
    world.build({"a": task_text("a")}, config=f'[gate]\nprofile = "p"\n[profiles.p]\nsteps = {steps}\n')
    world.push("feat/a")
    world.land()
    world.coord("doctor", "--verify", "--regate")
    assert count.read_text().count("run") == 2
    assert [path.name for path in (world.root / "gates").glob("*/verify-*")] == []


def test_a_violation_is_told_with_its_guarantee_and_a_command(planted: World) -> None:
    _land(planted, gate="1" * 40)
    result = planted.coord("doctor", "--verify")
    assert result.code == 1
    assert "guarantee 1" in result.out
    assert f"git revert -m 1 {planted.ref('refs/heads/main')}" in result.out


def test_the_checker_works_in_a_bare_repository(planted: World) -> None:
    assert planted.coord("doctor", "--verify", at=planted.origin).code == 0


def test_a_shallow_clone_is_not_called_sound(planted: World) -> None:
    shallow = planted.root / "shallow"
    planted.git("clone", "-q", "--depth=1", planted.origin.as_uri(), str(shallow))
    result = planted.coord("doctor", "--verify", at=shallow)
    assert result.code == 1
    assert "git fetch --unshallow" in result.err


def test_whatever_steps_and_refs_claim_the_checker_answers(planted: World) -> None:
    """Trailers, refs and files are written by others: a claim is judged, never believed or stumbled over."""
    tree, feat = (planted.git("rev-parse", name, at=planted.origin) for name in ("main^{tree}", "feat/b"))
    blob = planted.git("hash-object", "-w", "--stdin", data="x", at=planted.origin)
    claims = (
        "Coord-Gate:", f"Coord-Gate: {tree}\nCoord-Tip: {tree}\nCoord-Task: b", "Coord-Gate: x\nCoord-Tip: a\n {0}",
        f"Coord-Gate: x y\nCoord-Task: $(touch x), ../b\nCoord-Tip: {'1' * 40}", "Coord-Task: ,\nCoord-Tip: HEAD",
    )  # fmt: skip
    for claim in claims:
        _step(planted, tree, (planted.ref("refs/heads/main"), feat), f"x\n\n{claim}")
        _step(planted, tree, (planted.ref("refs/heads/main"),), f"x\n\n{claim}")
    for ref in ("verdicts/b", "history/b", "claims/b", "approvals/b", "hold/b", "verdicts/$(touch${IFS}x)"):
        planted.git("update-ref", f"refs/coord/{ref}", blob, at=planted.origin)

    for where in (planted.desk, planted.origin):
        result = planted.coord("doctor", "--verify", "--json", at=where)
        assert result.code == 1
        assert {"landing-shape", "gate-tree", "status-step", "verdict-ref"} <= {
            finding["check"] for finding in result.data["findings"]
        }
        commands = [finding["command"] for finding in result.data["findings"]]
        assert any(command.endswith(" 'refs/coord/verdicts/$(touch${IFS}x)'") for command in commands)
        assert planted.coord("doctor", at=where).code == 1
