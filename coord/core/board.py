"""What is ready and what waits, computed from rows in one linear pass.

``coord.core.graph`` says what these words mean; the board gives the same answers without building a graph. What is rare
(a circle of dependencies, a dependency that does not exist, two files with one id) is asked of the graph itself.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coord.core.graph import TaskGraph
    from coord.core.row import OtherRow, Row, TaskRow

#: Path, line, column, rule, message, fix and severity: a problem as it is sorted and shown.
Problem = tuple[str, int, int, str, str, str, str]


class Board:
    """The tasks of one commit: ``tasks`` are (id, path, row), sorted; ``others`` (path, row) state no task."""

    def __init__(self, files: "Iterable[tuple[str, Row]]") -> None:
        tasks: list[tuple[str, str, TaskRow]] = []
        others: list[tuple[str, OtherRow]] = []
        add = tasks.append
        for path, row in files:
            if row[0] is None:
                others.append((path, row))
            else:
                add((row[0], path, row))
        tasks.sort()  # no two have the same id and path, so rows are never compared
        others.sort(key=_by_path)
        self.tasks = tasks
        self.others = others
        self.by_id = {task[0]: task for task in reversed(tasks)}
        self._graph: TaskGraph | None = None
        self._problems: list[Problem] | None = None
        self._reasons: dict[str, str] = {}
        self._duplicates = self._find_duplicates()
        self._unreadable = {row[1]: path for path, row in reversed(others) if row[1]}
        self._in_circle = not _is_acyclic(
            list(self.by_id.values()) if self._duplicates else tasks, self.by_id
        )
        self._met = {
            id
            for id, (_, _, row) in self.by_id.items()
            if row[2] == "completed" and not row[7] and id not in self._duplicates
        }
        #: The ids of the tasks that wait for something, their own file included.
        self.waiting = waiting = self._find_waiting()
        #: The tasks that an agent may start now.
        self.ready = [
            task
            for task in tasks
            if task[2][3] == task[2][2] == "pending" and not task[2][6] and task[0] not in waiting
        ]

    def is_ready(self, task: "tuple[str, str, TaskRow]") -> bool:
        """Say whether an agent may start the task now: pending, for agents, nothing unmet."""
        row = task[2]
        return row[2] == row[3] == "pending" and not row[6] and task[0] not in self.waiting

    def waits_for(self, id: str) -> list[str]:
        """Return the ids of what ``unmet`` names, without asking why."""
        task = self.by_id[id]
        if self._in_circle or task[2][7] or id in self._duplicates:
            return [need for need, _ in self.unmet(id)]
        met = self._met
        return [need for need in task[2][4] if need not in met]

    def unmet(self, id: str) -> list[tuple[str, str]]:
        """Return what a task of the board waits for and why that is not met, in the order of its file."""
        if id not in self.waiting:
            return []
        if self._in_circle:
            return [(need, reason) for need, reason in self.graph.unmet(id)]
        task = self.by_id[id]
        own = self._flaw(task)
        found = [(id, own)] if own else []
        for need in task[2][4]:
            reason = self._reason(need)
            if reason:
                found.append((need, reason))
        return found

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the files and with their graph, sorted by place."""
        if self._problems is None:
            self._problems = self._find_problems()
        return self._problems

    @property
    def graph(self) -> "TaskGraph":
        """The same tasks as a graph (it takes a while: only for what the board does not know)."""
        if self._graph is None:
            from coord.core.graph import TaskGraph
            from coord.core.task import Task, lengthened

            read = [lengthened(path, row) for _, path, row in self.tasks]
            read += [lengthened(path, row) for path, row in self.others]
            self._graph = TaskGraph.of(
                [item for item in read if isinstance(item, Task)],
                [item for item in read if not isinstance(item, Task)],
            )
        return self._graph

    # -- the pass ------------------------------------------------------------------------------------------------

    def _find_duplicates(self) -> dict[str, list[str]]:
        if len(self.by_id) == len(self.tasks):
            return {}
        paths: dict[str, list[str]] = {}
        for id, path, _ in self.tasks:
            paths.setdefault(id, []).append(path)
        return {id: found for id, found in paths.items() if len(found) > 1}

    def _flaw(self, task: "tuple[str, str, TaskRow]") -> str:
        id, path, row = task
        if id in self._duplicates:
            return f"has two files: {', '.join(self._duplicates[id])}"
        return f"its file has errors: coord check {path}" if row[7] else ""

    def _find_waiting(self) -> set[str]:
        if self._in_circle:
            return {id for id in self.by_id if self.graph.unmet(id)}
        is_met = self._met.issuperset
        flawed = self._duplicates
        return {
            id
            for id, (_, _, row) in self.by_id.items()
            if (row[4] and not is_met(row[4])) or row[7] or id in flawed
        }

    def _reason(self, need: str) -> str:
        """Return why one dependency is not met, ``""`` when it is."""
        if need in self._met:
            return ""
        reason = self._reasons.get(need)
        if reason is None:
            reason = self._reasons[need] = self._find_reason(need)
        return reason

    def _find_reason(self, need: str) -> str:
        if need in self.by_id:
            task = self.by_id[need]
            row = task[2]
            return self._flaw(task) or (f"is {row[3]}, {row[6]}" if row[6] else f"is {row[3]}")
        if need in self._unreadable:
            return f"cannot be read: {self._unreadable[need]}"
        return self.graph.unmet(need)[0].reason

    # -- what is wrong -------------------------------------------------------------------------------------------

    def _find_problems(self) -> list[Problem]:
        if self._duplicates or self._in_circle or self._names_collide() or self._is_incomplete():
            return [
                (p.path, p.line, p.column, p.rule, p.message, p.fix, p.severity.value)
                for p in self.graph.problems
            ]
        found = [(path, *flaw) for _, path, row in self.tasks if row[9] for flaw in row[9]]
        found += [(path, *flaw) for path, other in self.others for flaw in other[2]]
        found += self._open_dependencies()
        return sorted(found)

    def _names_collide(self) -> bool:
        """Say whether ids differ only in case, or one lies below another: their branches cannot both exist."""
        folded = set(map(str.casefold, self.by_id))
        if len(folded) != len(self.by_id):
            return True
        above = {id.rpartition("/")[0] for id in folded}
        while above:
            if not above.isdisjoint(folded):
                return True
            above = {id.rpartition("/")[0] for id in above if id}
        return False

    def _is_incomplete(self) -> bool:
        named: set[str] = set()
        named.update(*[row[4] for _, _, row in self.tasks])
        return not named <= self.by_id.keys()

    def _open_dependencies(self) -> "list[Problem]":
        found: list[Problem] = []
        for _, path, row in self.tasks:
            if row[2] == "completed" and row[4] and not self._met.issuperset(row[4]):
                needs = [need for need in row[4] if self.by_id[need][2][2] != "completed"]
                if needs:
                    from coord.core.row import unplace

                    words = f"completed, but {', '.join(needs)} {'is' if len(needs) == 1 else 'are'} not"
                    found.append((path, *unplace(row[8][1]), "open-dependency", words, "", "warning"))
        return found


def _by_path(other: "tuple[str, OtherRow]") -> str:
    return other[0]


def _is_acyclic(
    tasks: "list[tuple[str, str, TaskRow]]", by_id: "Mapping[str, tuple[str, str, TaskRow]]"
) -> bool:
    """Say whether no task depends on itself, however far round (Kahn 1962): take away what nothing holds back."""
    # Often a task's needs come before it in the order of ids: one look in each direction makes no table of all edges.
    seen: set[str] = set()
    add, is_past = seen.add, seen.issuperset
    left = []
    for task in tasks:
        needs = task[2][4]
        if not needs or is_past(needs):
            add(task[0])
        else:
            left.append((task[0], needs))
    for _ in range(2):
        if not left:
            return True
        later = []
        for pair in reversed(left):
            if is_past(pair[1]):
                add(pair[0])
            else:
                later.append(pair)
        left = later
    return _comes_apart(left, by_id.keys() - seen)


def _comes_apart(left: "list[tuple[str, tuple[str, ...]]]", open_ids: set[str]) -> bool:
    """Say whether the tasks in ``left`` can be taken away one by one, each when nothing it needs is ``open_ids``."""
    waits: dict[str, int] = {}
    holds: dict[str, list[str]] = {}
    for id, needs in left:
        held = [need for need in needs if need in open_ids]
        waits[id] = len(held)
        for need in held:
            holds.setdefault(need, []).append(id)
    free = [id for id, count in waits.items() if not count]
    gone = 0
    while free:
        gone += 1
        for id in holds.get(free.pop(), ()):
            waits[id] -= 1
            if not waits[id]:
                free.append(id)
    return gone == len(waits)
