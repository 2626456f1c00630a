"""What dashboards are made from, by hand: a full repository, an empty one, a large one, a cyclic one, a hostile one."""

from __future__ import annotations

from coord.core.analysis import Study
from coord.core.dashboard import Seen
from coord.core.forecast import Forecast, Pair, Shared, WithMain
from coord.core.graph import TaskGraph
from coord.core.history import Entry, History, Kind, Local, Source
from coord.core.present import AtWork, Drift, Held, Next, Oddity, Present, Tree, Turn
from coord.core.task import Status, Task
from coord.core.trial import ConflictPath

AT = 1_760_000_000

#: Text that would do harm where it is not escaped, or take room without end.
HOSTILE = (
    "<img src=x onerror=\"document.title='broken'\">",
    "</script><script>document.title='broken'</script>",
    "<!--<script>",
    "\u202egnp.exe\u2066\u200f",
    "\u2028\u2029",
    "&lt;b&gt;\"'`{{ 7*7 }}${7*7}",
    "x" * 10_000,
    "\ud800 half",
)


def task(id: str, *needs: str, status: Status = Status.PENDING, name: str = "") -> Task:
    """Return a task of the usual shape."""
    return Task(id, name or f"Do {id}", f"tasks/{id}.md", status=status, status_text=status, depends_on=needs)


def study(*tasks: Task, live: tuple[str, ...] = ()) -> Study:
    """Return the study of tasks."""
    return Study.of(TaskGraph.of(tasks), live)


def empty() -> Seen:
    """A repository in which there is nothing yet."""
    present = Present("origin/main", "", "origin/main does not exist yet", AT, "nothing is ready to land")
    return Seen(present, History(), Forecast(), study())


def full() -> Seen:
    """A repository in the middle of its work, with one of everything."""
    done, failed, blocked = Status.COMPLETED, Status.FAILED, Status.BLOCKED
    tasks = (
        task("project/layout", status=done, name="Lay out the crate"),
        task("project/errors", "project/layout", status=done, name="Define the error type"),
        task("auth/types", "project/layout", status=done, name="Define users and sessions"),
        task("auth/keys", "auth/types", "project/errors", name="Store keys"),
        task("auth/tokens", "auth/types", "project/errors", "project/layout", name="Issue and check tokens"),
        task("auth/login", "auth/keys", "auth/tokens", status=blocked, name="Log in with a password"),
        task("api/routes", "project/errors", name="Name the routes"),
        task("api/limits", "api/routes", status=failed, name="Limit requests"),
        task("api/docs", "api/routes", "no/such-task", name="Describe the routes"),
        task("ui/shell", "project/layout", name="Draw the shell"),
        task("ui/forms", "ui/shell", "auth/login", name="Draw the forms"),
        task("release/one", "ui/forms", "api/limits", "api/docs", name="Release the first version"),
        task("chores/licence", status=done, name="Add the licence"),
        task("chores/readme", name="Write the readme"),
    )  # fmt: skip
    return Seen(
        _present(), _history(), _forecast(), study(*tasks, live=("auth/keys", "auth/tokens", "ui/shell"))
    )


def _present() -> Present:
    retry = "coord retry auth/login"
    return Present(
        "origin/main", "3f2a1b0c9d8e7f60", "as of origin/main 3f2a1b0, fetched 5 minutes ago", AT,
        "validate feat/auth/keys: first in the queue, no file shared with another candidate",
        queue=(
            Next(1, "auth/keys", "Store keys", "feat/auth/keys", "a1b2c3d4e5", "shares no file with another candidate", since=AT - 4000),
            Next(2, "auth/tokens", "Issue and check tokens", "feat/auth/tokens", "b2c3d4e5f6", "shares 2 files with another candidate",
                 (("feat/ui/shell", ("src/lib.rs", "Cargo.toml")),), AT - 3000),
        ),
        blocked=(
            Held("auth/login", "Log in with a password", "feat/auth/login", "c3d4e5f6a7", "conflict", "conflicts with main in src/auth/mod.rs",
                 Turn.AGENT, ("auth/keys",), ("src/auth/mod.rs", "src/lib.rs"), retry, AT - 90000),
            Held("api/limits", "Limit requests", "feat/api/limits", "d4e5f6a7b8", "protected", "changes protected paths (.coord.toml): read them, then coord approve api/limits",
                 Turn.MAINTAINER, (), (".coord.toml",), "coord approve api/limits", AT - 7200),
        ),
        waiting=(
            Held("ui/shell", "Draw the shell", "feat/ui/shell", "e5f6a7b8c9", "waiting", "working: no word of being done yet", Turn.AGENT, since=AT - 600),
            Held("ui/forms", "Draw the forms", "", "", "waiting", "waits for auth/login (blocked), ui/shell (in progress)", Turn.OTHERS, ("auth/login", "ui/shell")),
        ),
        ready=(("api/routes", "Name the routes"), ("chores/readme", "Write the readme")),
        sessions=(
            AtWork("s-1a2b", "ui/shell", "feat/ui/shell", "opencode", "working", "runs a tool", AT - 5000, AT - 60, 4, 1.25),
            AtWork("s-3c4d", "auth/login", "feat/auth/login", "claude", "waiting", "asks whether it may push", AT - 9000, AT - 2400, 9, 3.5,
                   (Oddity("silent", "high", "no word for 40 minutes", "coord message s-3c4d 'go on'"),)),
        ),
        worktrees=(
            Tree("/work/crate.ui-shell", "feat/ui/shell", "ui/shell", "a session works in it", 48_000_000, False, 3, 1),
            Tree("/work/crate.auth-login", "feat/auth/login", "auth/login", "its branch conflicts", 3_400_000_000, True),
            Tree("/work/crate.old", "feat/old", "", "landed: coord worktree prune removes it"),
        ),
        drift=(Drift("landed-not-completed", "chores/licence", "feat/chores/licence landed, its branch is still there", "coord land chores/licence"),),
        strangers=(("feat/auth/tokns", ("auth/tokens",)),),
        counts={"ready": 2, "in_progress": 3, "waiting": 4, "blocked": 2, "completed": 4}, unread=1,
    )  # fmt: skip


def _history() -> History:
    kinds = (
        Kind.LANDED,
        Kind.LANDED,
        Kind.CONFLICT,
        Kind.LANDED,
        Kind.GATE_FAILED,
        Kind.RETRY,
        Kind.LANDED,
        Kind.BLOCKED,
    )
    entries = [
        Entry(AT - 200_000 + n * n * 280, kind, f"auth/{('types', 'login', 'keys')[n % 3]}", f"reason {n}", Source.MAIN,
              commit=f"{n:07x}", paths=("src/lib.rs",) if kind is Kind.CONFLICT else (), step="cargo test" if kind is Kind.GATE_FAILED else "", seconds=42.5)
        for n, kind in enumerate(kinds * 3)
    ]  # fmt: skip
    return History(tuple(entries), Local(AT - 200_000, 1, 2))


def _forecast() -> Forecast:
    both = (ConflictPath("src/lib.rs", "content"), ConflictPath("Cargo.toml", "content"))
    names = ("feat/api/limits", "feat/auth/keys", "feat/auth/login", "feat/auth/tokens", "feat/ui/shell")
    return Forecast(
        names,
        (WithMain("feat/auth/login", "auth/login", (ConflictPath("src/auth/mod.rs", "content"),)),),
        (Pair("feat/auth/tokens", "feat/ui/shell", both), Pair("feat/api/limits", "feat/ui/shell", both[:1])),
        (Shared("src/lib.rs", ("feat/api/limits", "feat/auth/tokens", "feat/ui/shell")),),
    )


def large(count: int = 1000, needs: int = 3) -> Seen:
    """So many tasks in generations of about forty, each with about so many needs, most in the generation before."""
    state = 1

    def chance() -> float:
        nonlocal state
        state = (state * 1664525 + 1013904223) % 2**32
        return state / 2**32

    across = max(4, count // 24)
    tasks = []
    for n in range(count):
        row, at = divmod(n, across)
        wanted = set()
        for one in range(round(needs * (0.4 + 1.2 * chance())) or 1):
            back = 1 if one == 0 else 1 + int(chance() ** 3 * 6)
            if row >= back:
                place = min(across - 1, max(0, at + int((chance() - 0.5) * across * 0.4)))
                wanted.add(f"task/{(row - back) * across + place:04}")
        status = Status.COMPLETED if row < 8 else Status.FAILED if n % 97 == 0 else Status.PENDING
        tasks.append(task(f"task/{n:04}", *sorted(wanted), status=status, name=f"The step of number {n}"))
    present = Present("origin/main", "3f2a1b0", "as of origin/main 3f2a1b0", AT, "nothing is ready to land")
    return Seen(present, History(), Forecast(), study(*tasks))


def cyclic() -> Seen:
    """Two tasks that need each other, one that needs itself, one behind them, one with a need that is no task."""
    tasks = (
        task("a", "b"),
        task("b", "a"),
        task("c", "b"),
        task("self", "self"),
        task("free"),
        task("lost", "nowhere", "free"),
    )
    present = Present("origin/main", "3f2a1b0", "as of origin/main 3f2a1b0", AT, "nothing is ready to land")
    return Seen(present, History(), Forecast(), study(*tasks))


def hostile() -> Seen:
    """Every text that somebody else writes, each as hostile as the next."""
    tasks = [task(f"t{n}", name=text) for n, text in enumerate(HOSTILE)]
    tasks += [task(text, "t0", name=text) for text in HOSTILE]
    rows = [
        Held(text, text, text, text, "blocked", text, Turn.MAINTAINER, (text,), (text,), text, 0)
        for text in HOSTILE
    ]
    nexts = [
        Next(n, text, text, text, text, text, ((text, (text,)),), 0) for n, text in enumerate(HOSTILE, 1)
    ]
    present = Present(
        HOSTILE[0], HOSTILE[1], HOSTILE[0], AT, HOSTILE[1], HOSTILE[0], tuple(nexts), tuple(rows), tuple(rows),
        tuple((text, text) for text in HOSTILE),
        tuple(AtWork(t, t, t, t, t, t, 0, 0, 1, 1.0, (Oddity(t, t, t, t),)) for t in HOSTILE),
        tuple(Tree(t, t, t, t) for t in HOSTILE), tuple(Drift(t, t, t, t) for t in HOSTILE),
        tuple((t, (t,)) for t in HOSTILE), dict.fromkeys(HOSTILE, 1),
    )  # fmt: skip
    entries = tuple(
        Entry(AT + n, Kind.LANDED, t, t, Source.MAIN, t, t, t, t, t, (t,), (t,), t)
        for n, t in enumerate(HOSTILE)
    )
    clash = tuple(ConflictPath(text, text) for text in HOSTILE)
    forecast = Forecast(
        HOSTILE, tuple(WithMain(t, t, clash) for t in HOSTILE), tuple(Pair(HOSTILE[0], t, clash) for t in HOSTILE[1:]),
        tuple(Shared(t, HOSTILE) for t in HOSTILE),
    )  # fmt: skip
    return Seen(present, History(entries, Local(0)), forecast, study(*tasks))
