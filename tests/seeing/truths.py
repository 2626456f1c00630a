"""What the seeing commands say, held against what really happened and against each other. Complaints are returned."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.seeing.records import Told
from tests.seeing.stories import Story

_DECIDED = ("landed", "completed", "blocked", "unblocked", "reverted", "conflict", "gate-failed", "retry")
_MARKS = ("held", "released", "frozen", "thawed", "approved")
_CACHES = (
    ".git/coord/merge.git/",
    ".git/coord/rows",
    ".git/coord/cache",
    ".git/coord/fetched",
)  # plan fetches
_REMEMBERED = ("main is red", "the gate could not run", "the remote refused")
_STOPS = ("conflict", "gate-failed", "blocked")


def asked(story: Story, *args: str, at: Path | None = None) -> Any:
    """Return the data of a command's --json."""
    result = story.coord(*args, "--json", at=at)
    assert result.code == 0, (args, result.err)
    return result.data


# -- the log -----------------------------------------------------------------------------------------------------------


def of_the_log(story: Story, at: Path, *, own_events: bool) -> Iterator[str]:
    """Yield what the log of a clone says that is not so, or does not say that is so."""
    entries = asked(story, "log", "--all", "--limit", "0", at=at)["entries"][::-1]
    told = Counter(_key(entry) for entry in entries if entry["kind"] in _DECIDED)
    true = Counter((one.kind, one.task, one.commit, one.tip) for one in story.decided)
    yield from (f"log tells {n}x {key}, which is not so" for key, n in (told - true).items())
    yield from (f"log does not tell {n}x {key}" for key, n in (true - told).items())
    landed = {(one.task, one.tip) for one in story.decided if one.kind in ("landed", "completed")}
    for one in story.outcomes:
        if one["outcome"] == "landed" and (one["task"], one["tip"]) not in landed:
            yield f"land says that {one['branch']} landed at {one['tip']}, which is not so"
    reasons = {(one.kind, one.commit, one.task): one.reason for one in story.decided if one.reason}
    for entry in entries:
        said = reasons.get((entry["kind"], entry["commit"], entry["task"]))
        if said and entry["reason"] != said:
            yield f"log gives the reason {entry['reason']!r} for {_key(entry)}, and git {said!r}"
    if own_events:
        marks = Counter((e["kind"], e["task"] or "") for e in entries if e["kind"] in _MARKS)
        true_marks = Counter((one.kind, one.task) for one in story.marked)
        yield from (
            f"log tells {n}x {key}, decided {true_marks[key]}x"
            for key, n in marks.items()
            if n != true_marks[key]
        )
        yield from (f"log does not tell {key}" for key in true_marks if key not in marks)
    place = {oid: number for number, oid in enumerate(story.chain())}
    steps = {one.commit: one.batch for one in story.decided if one.batch}
    places = [
        place[c]
        for e in entries
        if (c := steps.get(e["commit"], e["commit"])) in place and e["kind"] in _DECIDED
    ]
    if places != sorted(places):
        yield f"log is not in main's order: {places} {[(e['kind'], e['task'], e['at'], e['source']) for e in entries if e['kind'] in _DECIDED]}"


def _key(entry: dict[str, Any]) -> tuple[str, str, str, str]:
    return (entry["kind"], entry["task"], entry["commit"] or "", entry["tip"] or "")


# -- how everything stands ---------------------------------------------------------------------------------------------


def of_standing(story: Story, at: Path) -> Iterator[str]:
    """Yield where two commands say different things of one task or branch."""
    plan, status = asked(story, "plan", at=at), asked(story, "status", at=at)
    board, ready = asked(story, "dashboard", at=at), asked(story, "ready", at=at)
    yield from _glances(plan, status, board)
    words = dict.fromkeys(status["counts"], 0)
    for task in asked(story, "list", at=at)["tasks"]:
        told, shown = asked(story, "why", task["id"], at=at), asked(story, "show", task["id"], at=at)
        words[_word(task, told)] += 1
        mine = [row["result"] for row in _held(status) if row["task"] == task["id"]]
        mine += ["queued" for row in status["queue"] if row["task"] == task["id"]]
        if mine and told["state"] not in mine:
            yield f"why {task['id']}: {told['state']}, status: {mine}"
        if not mine:
            yield from _without_branch(task, told, shown, status)
        if not shown["ready"] == task["ready"] == (task["id"] in ready["ready"]):
            yield f"{task['id']}: show, list and ready do not agree about ready"
        yield from _leads_on(told)
    if words != status["counts"]:
        yield f"status counts {status['counts']}, and why says {words}"
    for row in (*status["queue"], *_held(status)):
        if row["branch"]:
            yield from _of_branch(row, asked(story, "why", row["branch"], at=at))


def _held(status: Any) -> list[Any]:
    return [*status["waiting"], *status["blocked"]]


def _glances(plan: Any, status: Any, board: Any) -> Iterator[str]:
    """Yield where plan, status and dashboard differ."""
    names = Counter(row["branch"] for row in (*status["queue"], *_held(status)) if row["branch"])
    yield from (f"status shows {name} {n} times" for name, n in names.items() if n > 1)
    unknown = [sorted(one["branch"] for one in it["unknown"]) for it in (status, plan)]
    if unknown[0] != unknown[1]:
        yield f"unknown: status {unknown[0]}, plan {unknown[1]}"
    if status["counts"] != board["head"]["counts"]:
        yield f"counts: status {status['counts']}, dashboard {board['head']['counts']}"
    for group in ("waiting", "blocked"):
        keys = ("task", "branch", "result", "reason", "turn", "command", "on", "paths")
        one, two = ([[r[k] for k in keys] for r in it[group]] for it in (status, board))
        if one != two:
            yield f"{group}: status {one}, dashboard {two}"
    # plan says what a run would try, whatever the last one on this machine found
    if not any(
        words.startswith(_REMEMBERED) for words in (status["next"], *(r["reason"] for r in _held(status)))
    ):
        yield from _prospects(plan, status, board)


def _prospects(plan: Any, status: Any, board: Any) -> Iterator[str]:
    queues = [[row["branch"] for row in it["queue"]] for it in (plan, status, board)]
    if not queues[0] == queues[1] == queues[2]:
        yield f"queue: plan {queues[0]}, status {queues[1]}, dashboard {queues[2]}"
    waits = {r["branch"]: (r["outcome"], r["reason"], r["on"], r["paths"]) for r in plan["waiting"]}
    shown = {
        r["branch"]: (r["result"], r["reason"], r["on"], r["paths"]) for r in _held(status) if r["branch"]
    }
    if waits != shown:
        yield f"waiting: plan {waits}, status {shown}"
    if status["next"] != plan["next"]:
        yield f"status: next {status['next']!r}, plan: {plan['next']!r}"


def _leads_on(told: Any) -> Iterator[str]:
    """Yield where why leaves open who has to do something first."""
    links = (told, *told["chain"])
    for link in links:
        if link["turn"] == "others" and not link["on"]:
            yield f"why {link['task']}: it is others' turn, and nobody is named: {link['reason']}"
    if told["turn"] == "others" and not told["first"]:
        yield f"why {told['task']}: others first, and nobody is: {told['reason']}"


def _of_branch(row: Any, told: Any) -> Iterator[str]:
    """Yield where why and status differ about a branch."""
    if "place" in row:
        if (told["state"], told["tip"]) != ("queued", row["tip"]):
            yield f"why {row['branch']}: {told['state']} at {told['tip']}, status: queued at {row['tip']}"
        return
    keys = ("reason", "tip", "turn", "command")
    one, two = ([it[key] or None for key in keys] for it in (told, row))
    if one != two:
        yield f"why {row['branch']}: {one}, status: {two}"


def _word(task: Any, told: Any) -> str:
    """Return the word that status counts a task under, by what list and why say of it."""
    if task["status"] in ("completed", "blocked", "failed"):
        return "completed" if task["status"] == "completed" else "blocked"
    if told["branch"] or "works on it, and has pushed nothing yet" in told["reason"]:
        return "in_progress"
    words = {"ready": "ready", "not-for-agents": "not_for_agents", "in-progress": "in_progress"}
    return words.get(told["state"], "waiting")


def _without_branch(task: Any, told: Any, shown: Any, status: Any) -> Iterator[str]:
    id = task["id"]
    if (told["state"] == "ready") != (id in [r["id"] for r in status["ready"]]):
        yield f"why {id}: {told['state']}, status ready: {[r['id'] for r in status['ready']]}"
    if told["state"] == "completed" and task["status"] != "completed":
        yield f"why {id}: completed, list: {task['status']}"
    if told["state"] == "waiting":
        needs = [w["id"] if isinstance(w, dict) else w for w in shown["waits_for"]]
        if set(told["on"]) != set(needs) - {id}:
            yield f"why {id}: waits for {told['on']}, show: {needs}"


# -- the review --------------------------------------------------------------------------------------------------------


def of_the_review(story: Story, at: Path) -> Iterator[str]:
    """Yield what the review counts that is not so."""
    facts = asked(story, "review", at=at)["facts"]
    true = story.decided
    yield from _same(
        "landings", [f["commit"] for f in facts["landings"]], [t.commit for t in true if t.kind == "landed"]
    )
    yield from _same("conflicts", [(f["task"], f["tip"], *f["paths"]) for f in facts["failures"] if not f["step"]],
                     {(t.task, t.tip, *t.paths) for t in true if t.kind == "conflict"})  # fmt: skip
    yield from _same("reds", [(f["task"], f["tip"]) for f in facts["failures"] if f["step"]],
                     [(t.task, t.tip) for t in true if t.kind == "gate-failed"])  # fmt: skip
    chain = set(story.chain())
    yield from _same("episodes", [(f["task"], f["commit"]) for f in facts["episodes"]],
                     [(t.task, t.commit) for t in true if t.kind in _STOPS and t.commit in chain])  # fmt: skip
    yield from _same("attempts", [(f["commit"], f["attempts"]) for f in facts["landings"]], _attempts(true))
    yield from _same("completed", facts["completed"], {t.task for t in true if t.kind == "completed"})
    yield from _same("retried", facts["retried"], {t.task for t in true if t.kind == "retry"})
    yield from _same(
        "reverts", _tally(facts["reverts"]), _counted(t.task for t in true if t.kind == "reverted")
    )
    yield from _same(
        "red steps", _tally(facts["red"]), _counted(t.step for t in true if t.kind == "gate-failed")
    )
    if facts["by_hand"] != len(set(story.by_hand) & chain):
        yield f"review: {facts['by_hand']} merges by hand, really {len(set(story.by_hand) & chain)}"
    blocked = {r["id"] for r in asked(story, "list", at=at)["tasks"] if r["status"] == "blocked"}
    for one in facts["episodes"]:
        last = [e for e in facts["episodes"] if e["task"] == one["task"]][-1] is one
        live = one["task"] in blocked and last
        if one["until"] is None and not live:
            yield f"review: the block {one['task']} {one['reason']!r} is open, and main says it is not blocked"


def _attempts(true: list[Told]) -> list[tuple[str, int]]:
    """Return how often each landing was tried: the tips and paths that conflicted, and the red gates, since the last one."""
    found, tried = [], dict[str, set[tuple[str, ...]]]()
    for one in true:
        if one.kind == "conflict":
            tried.setdefault(one.task, set()).add((one.tip, *one.paths))
        elif one.kind == "gate-failed":
            tried.setdefault(one.task, set()).add((one.tip, one.commit))
        elif one.kind == "landed":
            found.append((one.commit, 1 + len(tried.pop(one.task, ()))))
    return found


def of_halves(story: Story, at: Path, middle: str) -> Iterator[str]:
    """Yield what the review of the part since a commit of main counts that is not so."""
    later = asked(story, "review", "--since", middle, at=at)["facts"]
    chain = story.chain()
    after = set(chain[chain.index(middle) + 1 :])
    landed = [t.commit for t in story.decided if t.kind == "landed" and (t.batch or t.commit) in after]
    yield from _same(f"landings since {middle[:7]}", [f["commit"] for f in later["landings"]], landed)
    ends = [(t.task, t.commit) for t in story.decided if t.kind in _STOPS and t.commit in after]
    yield from _same("episodes since", [(f["task"], f["commit"]) for f in later["episodes"]], ends)
    reverts = _counted(t.task for t in story.decided if t.kind == "reverted" and t.commit in after)
    yield from _same("reverts since", _tally(later["reverts"]), reverts)
    told = asked(story, "log", "--all", "--limit", "0", "--since", middle, at=at)["entries"]
    of_main = [(t.kind, t.task, t.commit) for t in story.decided if (t.batch or t.commit) in after]
    yield from _same(
        "log since",
        [
            (e["kind"], e["task"], e["commit"])
            for e in told
            if e["kind"] in _DECIDED and (e["commit"] in chain or e["kind"] == "landed")
        ],
        of_main,
    )


def _same(what: str, told: Any, true: Any) -> Iterator[str]:
    one, two = sorted(told), sorted(true)
    if one != two:
        yield f"review, {what}: told {one}, really {two}"


def _tally(found: Any) -> list[tuple[str, int]]:
    return [(one["name"], one["count"]) for one in found]


def _counted(names: Iterator[str]) -> list[tuple[str, int]]:
    return list(Counter(names).items())


# -- nothing is changed ------------------------------------------------------------------------------------------------


def mark_of(root: Path) -> dict[str, str]:
    """Return a checksum of every file below a folder but for caches and what git rewrites when it looks."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): hashlib.sha1(path.read_bytes()).hexdigest()
        for path in files
        if path.name not in ("FETCH_HEAD", "index") and "/objects/" not in str(path)
    }


def complaints(story: Story, at: Path, *, own_events: bool) -> list[str]:
    """Return everything that is said in a clone and is not so."""
    asked(story, "plan", at=at)  # it fetches
    before = mark_of(at)
    found = [
        *of_the_log(story, at, own_events=own_events),
        *of_standing(story, at),
        *of_the_review(story, at),
    ]
    chain = story.chain()
    if len(chain) > 2:
        found += of_halves(story, at, chain[len(chain) // 2])
    after = mark_of(at)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return found + [f"looking changed {name}" for name in changed if not name.startswith(_CACHES)]
