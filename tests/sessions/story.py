"""24 tasks over 9 generations, with agents of every kind that was met: who finishes, and who cannot."""

from __future__ import annotations

from tests.sessions.team import finish, script, task

#: Those that cannot land, with what their block says.
BLOCKED = {
    "blocks": "no licence",
    "stalls": "stalled",
    "crashes": "process",
    "never-pushes": "without saying done or blocked",
    "garbage": "check.sh failed",
    "nags": "without saying done or blocked",
}

_COMMIT_IN_MAIN = (
    'cd "$(git rev-parse --path-format=absolute --git-common-dir)/.." && echo x > stray.txt && git add stray.txt'
    " && git commit -q -m stray"
)


def story() -> dict[str, str]:
    """Return the task files. The generations hang on a chain g1 … g9; a task that is blocked keeps back its dependents."""
    tasks: dict[str, str] = {}

    def add(id: str, *scripts: str, needs: str = "") -> None:
        tasks[id] = task(id, *scripts, depends_on=tuple(needs.split()))

    for number in range(1, 10):
        id, before = f"g{number}", f"g{number - 1}" if number > 1 else ""
        add(id, script(finish(id)), needs=before)
    add(
        "blocks",
        script(
            [{"block": {"reason": "no licence", "tried": "asking", "attempts": 2, "suggestion": "buy one"}}]
        ),
    )
    add(
        "stalls",
        script(
            [
                {"edit": {"path": "src/st.txt", "content": "half\n"}},
                {"commit": "half"},
                {"hang": True},
                {"hang": True},
                {"hang": True},
            ]
        ),
    )
    add("stalls-once", script([{"hang": True}, *finish("stalls-once")]))
    add("crashes", script([{"edit": {"path": "src/cr.txt", "content": "half\n"}}, {"crash": 3}]))
    add(
        "garbage",
        script(finish("garbage", "BROKEN\n")),
        script(finish("garbage", "BROKEN again\n"), "red"),
        needs="g1",
    )
    add("mends", script(finish("mends", "BROKEN\n")), script(finish("mends", "fine\n"), "red"), needs="g1")
    add("in-main", script([{"shell": ["sh", "-c", _COMMIT_IN_MAIN]}, *finish("in-main")]), needs="g2")
    add(
        "edits-tasks",
        script(
            [
                {"shell": ["sh", "-c", "echo hacked >> tasks/g9.md && git commit -q --no-verify -am sneaky"]},
                {"shell": ["sh", "-c", "git push -q origin HEAD || git reset -q --hard HEAD~1"]},
                *finish("edits-tasks"),
            ]
        ),
        needs="g2",
    )
    add(
        "never-pushes",
        script([{"edit": {"path": "src/np.txt", "content": "x\n"}}, {"commit": "np"}, {"say": "All done!"}]),
    )
    add(
        "nags",
        script([{"notify": {"level": "info", "message": "working on it"}}, {"say": "Task completed"}]),
        needs="g3",
    )
    add(
        "pushes-twice", script([*finish("pushes-twice")[:3], *finish("pushes-twice", "better\n")]), needs="g3"
    )
    add(
        "in-pieces",
        script(
            [
                {"edit": {"path": "src/ip.txt", "content": "half\n"}},
                {"commit": "half"},
                {"push": []},
                {"sleep": 1},
                *finish("in-pieces", path="src/ip.txt", text="whole\n"),
            ]
        ),
        needs="g4",
    )
    # Whichever lands first, the other one conflicts and settles it.
    both = script(
        [
            {"shell": ["sh", "-c", "git fetch -q origin && git merge -q -X ours origin/main"]},
            {"push": []},
            {"done": "took both"},
        ],
        "conflict",
    )
    for id in ("clash-a", "clash-b"):
        text = f"one\n{id}\nthree\nfour\nfive\n"
        add(id, script(finish(id, text, "src/lib.txt")), both, needs="g5")
    add("waits", script(finish("waits")), needs="blocks")
    assert len(tasks) == 24
    return tasks
