"""What ``ready`` and ``list`` print of a reading."""

from coord.core.jsontext import encode, quoted
from coord.output import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from coord.core.board import Board, Problem
    from coord.core.row import TaskRow
    from coord.output import Json, Output
    from coord.reading import Reading

    Task = tuple[str, str, TaskRow]


def show_ready(reading: "Reading", output: "Output", *, explain: bool) -> None:
    """List the tasks that can be started now."""
    output.say(reading.said)
    board = reading.board
    still = [task for task in board.tasks if task[2][2] != "completed"]
    waiting = [task for task in still if task[0] in board.waiting]
    apart = [task for task in still if task[2][6] and task[0] not in board.waiting]
    if not output.json:
        output.results(table([(id, row[1]) for id, _, row in board.ready]))
    if explain:
        _explain(board, waiting, apart, output)
    else:
        output.say(_ready_counts(board, waiting, apart))
    if output.json:
        ready = encode([id for id, _, _ in board.ready], "\n    ")
        others = encode([{"id": id, "why": row[6]} for id, _, row in apart], "\n    ")
        texts = ",\n      ".join(_waiting_texts(board, [task[0] for task in waiting]))
        waits = f"[\n      {texts}\n    ]" if texts else "[]"
        problems = encode([_facts(problem) for problem in board.problems], "\n  ")
        output.write_json(
            f'{{\n  "data": {{\n    "apart": {others},\n    "ready": {ready},\n    "waiting": {waits}\n  }},\n'
            f'  "problems": {problems},\n  "schema": "coord/ready/1"\n}}'
        )


def _waiting_texts(board: "Board", ids: "Iterable[str]") -> "Iterator[str]":
    """Yield what each task waits for as ``json.dumps`` would indent it; what many wait for is made into text once."""
    known: dict[tuple[str, str], tuple[str, str]] = {}
    for id in ids:
        texts = []
        for unmet in board.unmet(id):
            text = known.get(unmet)
            if text is None:
                text = known[unmet] = (quoted(unmet[0]), quoted(f"{unmet[0]} {unmet[1]}"))
            texts.append(text)
        needs = ",\n          ".join([need for need, _ in texts])
        reasons = ",\n          ".join([reason for _, reason in texts])
        yield (
            f'{{\n        "id": {quoted(id)},\n        "on": [\n          {needs}\n        ],\n'
            f'        "reasons": [\n          {reasons}\n        ]\n      }}'
        )


def _explain(board: "Board", waiting: "list[Task]", apart: "list[Task]", output: "Output") -> None:
    if waiting:
        output.result()
        output.result("waiting")
        rows = [(f"  {task[0]}", f"{need} {why}") for task in waiting for need, why in board.unmet(task[0])]
        output.results(table(rows))
    if apart:
        output.result()
        output.result("ready, but not for agents")
        output.results(table([(f"  {id}", row[6]) for id, _, row in apart]))


def _ready_counts(board: "Board", waiting: "list[Task]", apart: "list[Task]") -> str:
    words = [f"{len(board.ready)} ready", f"{len(waiting)} waiting"]
    words += [f"{len(apart)} not for agents"] if apart else []
    return ", ".join(words) + (" (--explain says why)" if waiting or apart else "")


# -- list ----------------------------------------------------------------------------------------------------------


def show_list(reading: "Reading", output: "Output", *, wanted: "Collection[str]") -> None:
    """List the tasks with their status and what they wait for; ``wanted`` are the statuses asked for, if any."""
    output.say(reading.said)
    board = reading.board
    tasks = [task for task in board.tasks if task[2][2] in wanted] if wanted else board.tasks
    if not output.json:
        remarks = _remarks(reading, tasks)
        rows = [(row[2], id, remark, row[1]) for (id, _, row), remark in zip(tasks, remarks, strict=True)]
        output.results(table(rows))
    if reading.only_here:
        more = f" and {len(reading.only_here) - 5} more" if len(reading.only_here) > 5 else ""
        output.say(f"not on {reading.main} yet, so not listed: {', '.join(reading.only_here[:5])}{more}")
    _say_problems(board, output)
    if output.json:
        by_path: dict[str, list[Problem]] = {}
        for problem in board.problems:
            by_path.setdefault(problem[0], []).append(problem)
        inner = ",\n      ".join(_task_texts(board, tasks, by_path))
        rows_text = f"[\n      {inner}\n    ]" if inner else "[]"
        problems = encode([_facts(problem) for problem in board.problems], "\n  ")
        output.write_json(
            f'{{\n  "data": {{\n    "tasks": {rows_text}\n  }},\n  "problems": {problems},\n'
            '  "schema": "coord/list/1"\n}'
        )


def _say_problems(board: "Board", output: "Output") -> None:
    count = len(board.problems)
    if count:
        output.say(
            f"{count} problem{'s' * (count != 1)} in the task files: coord check shows those of the working copy"
        )


def _remarks(reading: "Reading", tasks: "list[Task]") -> list[str]:
    """Return what is said of each task beside its status."""
    live, board = reading.live, reading.board
    waiting, waits_for = board.waiting, board.waits_for
    found = []
    for task in tasks:
        id, _, row = task
        if id in live:
            found.append(f"in progress: {live[id]}" if row[2] == "pending" else live[id])
        elif row[2] == "completed":
            found.append("")
        elif id not in waiting:
            found.append("ready" if board.is_ready(task) else row[6])
        else:
            waits = waits_for(id)
            more = f" and {len(waits) - 2} more" if len(waits) > 2 else ""
            found.append(f"waits for {', '.join(waits[:2])}{more}")
    return found


def _task_texts(board: "Board", tasks: "list[Task]", problems: "dict[str, list[Problem]]") -> "Iterator[str]":
    """Yield each task's JSON as ``json.dumps`` would indent it (10,000 dictionaries would take as long as all else)."""
    known = {id: quoted(id) for id in board.by_id}
    levels: dict[str, str] = {}
    waiting = board.waiting
    for id, path, row in tasks:
        needs = "[]"
        if row[4]:
            inner = ",\n          ".join([known.get(need) or quoted(need) for need in row[4]])
            needs = f"[\n          {inner}\n        ]"
        level = levels.get(row[5]) or levels.setdefault(row[5], quoted(row[5]))
        flaws = "[]"
        if path in problems:
            flaws = encode([_facts(problem) for problem in problems[path]], "\n        ")
        ready = "true" if row[2] == row[3] == "pending" and not row[6] and id not in waiting else "false"
        yield (
            f'{{\n        "depends_on": {needs},\n        "id": {known[id]},\n        "level": {level},\n'
            f'        "name": {quoted(row[1])},\n        "path": {quoted(path)},\n        "problems": {flaws},\n'
            f'        "ready": {ready},\n        "status": "{row[2]}"\n      }}'
        )


def _facts(problem: "Problem") -> "dict[str, Json]":
    path, line, column, rule, message, fix, severity = problem
    return {
        "path": path, "line": line, "column": column, "rule": rule, "message": message, "fix": fix,
        "severity": severity,
    }  # fmt: skip
