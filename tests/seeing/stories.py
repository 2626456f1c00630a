"""Stories made from a seed: what users, agents and coord do to one repository."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from coord.core.claim import ClaimText
from coord.sessions import claims
from coord.workspace import open_workspace
from tests.seeing.records import Record, Told
from tests.world import CHECK, Result, task_text

_NONE = '[gate]\nprofile = "none"\n'

_HUB = "1\n2\n3\n4\n5\n6\n"


@dataclass
class Story(Record):
    """Who acts in a world, as the dice of a seed have it; ``did`` tells it step by step."""

    seed: int = 0
    did: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.dice = random.Random(self.seed)
        self._reverted: list[tuple[str, str]] = []

    # -- the beginning ---------------------------------------------------------------------------------------------

    def begin(self) -> Story:
        dice = self.dice
        self.config = '[project]\nprefixes = ["feat/", "research/"]\n[land]\n'
        self.config += (
            f'strategy = "{dice.choice(["each", "each", "batch"])}"\nworkers = {dice.choice([1, 1, 2])}\n'
        )
        self.config += f'unknown_branch = "{dice.choice(["ignore", "ignore", "land"])}"\n'
        self.config += f'signal = "{dice.choice(["push", "push", "push", "explicit"])}"\n'
        self.config += f"require_dependencies = {dice.choice(['true', 'true', 'true', 'false'])}\n"
        self.config += dice.choice([CHECK, CHECK, CHECK, _NONE])
        self.world.clock += dice.choice([0, 0, 0, 0, 8000])  # now and then clocks are ahead
        names = [f"t{number}" for number in range(dice.randint(3, 6))]
        if dice.random() < 0.4:
            names[-1] = "auth/keys"
        self.tasks = names
        self.world.build(
            {n.replace("/", "-"): self._task(n) for n in names}, {"src/hub.txt": _HUB}, self.config
        )
        self.other = self.world.root / "other"
        self.world.git("clone", "-q", str(self.world.origin), str(self.other), at=self.world.root)
        self._steps = set(self.chain())
        self.first = self.world.ref("refs/heads/main")
        return self

    def _task(self, name: str) -> str:
        dice = self.dice
        before = self.tasks[: self.tasks.index(name)] if dice.random() < 0.85 else [*self.tasks, "gone"]
        needs = tuple(dice.sample(before, min(len(before), dice.choice([0, 0, 0, 1, 1, 2]))))
        status = dice.choice(["pending"] * 9 + ["completed", "blocked"])
        extra = dice.choice([""] * 8 + ["tags: [external-trigger]\n", "superseded_by: t0\n"])
        text = task_text(name, depends_on=needs, status=status, extra=extra)
        return text.replace("level: implementation", "level: review") if dice.random() < 0.08 else text

    # -- one step --------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Let somebody do something, and write down what git says has happened."""
        acts: list[tuple[int, Callable[[], object]]] = [
            (24, self.push), (10, self.more), (6, self.merge_main), (2, self.delete), (4, self.stack), (2, self.strange),
            (26, self.land), (5, self.land_elsewhere), (4, self.land_one), (5, self.retry), (6, self.unblock),
            (3, self.complete), (3, self.hold), (3, self.release), (5, self.approve), (1, self.freeze),
            (1, self.thaw), (3, self.merge_by_hand), (2, self.forward), (6, self.revert), (1, self.redden), (1, self.mend),
            (3, self.unclaim), (3, self.reopen), (1, self.remove_file), (3, self.claim),
        ]  # fmt: skip
        if self._marks("refs/coord/freeze"):
            acts.append((40, self.thaw))
        if self.world.has("src/red.txt") and self.world.show("src/red.txt") == "BROKEN":
            acts.append((40, self.mend))
        act = self.dice.choices([act for _, act in acts], [weight for weight, _ in acts])[0]
        said = act()
        self.did.append(f"{act.__name__} {said or ''}".rstrip())
        self._watch(act.__name__)

    def coord(self, *args: str, at: Path | None = None) -> Result:
        return self.world.coord(*args, at=at)

    # -- agents ----------------------------------------------------------------------------------------------------

    def _files(self, branch: str) -> dict[str, str | None]:
        dice = self.dice
        name = branch.replace("/", "-")
        files: dict[str, str | None] = {f"src/{name}.txt": f"{dice.random()}\n"}
        if dice.random() < 0.35:
            lines = _HUB.split("\n")
            lines[dice.randrange(5)] = f"{name} {dice.random()}"
            files["src/hub.txt"] = "\n".join(lines)
        if dice.random() < 0.2:
            files[f"src/{name}-more.txt"] = "BROKEN\n"
        if dice.random() < 0.08:
            files[".github/x.yml"] = f"{dice.random()}\n"
        return files

    def _message(self) -> str:
        signals = [""] * 10 + ["working", "done", "done", "done", "blocked"]
        said = self.dice.choice(signals)
        words = f"work {self.dice.randrange(1000)}"
        why = "\nCoord-Reason: no such library" if said == "blocked" else ""
        return words + (f"\n\nCoord-Status: {said}{why}" if said else "")

    def _branches(self) -> list[str]:
        return [b for b in self.world.branches() if b.startswith(("feat/", "research/"))]

    def push(self, task: str = "") -> str:
        if not task and self.dice.random() < 0.5:
            return ", ".join(self.push(one) for one in self.dice.sample(self.tasks, 2))
        branch = self.dice.choice(["feat/"] * 9 + ["research/"]) + (task or self.dice.choice(self.tasks))
        start = self.dice.choice(["origin/main"] * 4 + [self.first])
        self.world.push(branch, self._files(branch), self._message(), start=start)
        return branch

    def _at_branch(self) -> str:
        names = self._branches()
        if not names:
            return ""
        branch = self.dice.choice(names)
        self.world.git("fetch", "-q", "--prune", "origin")
        self.world.git("checkout", "-q", "-f", "-B", branch, f"origin/{branch}")
        return branch

    def more(self) -> str:
        branch = self._at_branch()
        if branch:
            files = self._files(branch) if self.dice.random() < 0.8 else {}
            if self.dice.random() < 0.4:
                files[f"src/{branch.replace('/', '-')}-more.txt"] = "fine\n"
            self.world.commit(self._message(), files)
            self.world.git("push", "-q", "origin", branch)
        return branch

    def merge_main(self) -> str:
        branch = self._at_branch()
        if branch:
            self.world.git("merge", "-q", "--no-edit", "-X", "ours", "origin/main", ok=False)
            self.world.git("merge", "--abort", ok=False)  # what -X does not settle nobody does
            self.world.git("push", "-q", "origin", branch)
        return branch

    def delete(self) -> str:
        branch = self._at_branch()
        if branch:
            self.world.git("push", "-q", "origin", f":{branch}")
        return branch

    def stack(self) -> str:
        names = self._branches()
        branch = "feat/" + self.dice.choice(self.tasks)
        if not names:
            return ""
        start = self.dice.choice(names)
        self.world.push(branch, self._files(branch), self._message(), start=f"origin/{start}")
        return f"{branch} on {start}"

    def strange(self) -> str:
        branch = self.dice.choice(["feat/strange", "feat/t00", "spike/x"])
        self.world.push(branch, self._files(branch), self._message())
        return branch

    # -- coord -----------------------------------------------------------------------------------------------------

    def _land(self, *tasks: str, at: Path | None = None) -> str:
        result = self.coord("land", "--json", *tasks, at=at)
        assert result.out, (tasks, result)
        found = result.data["outcomes"]
        self.outcomes += found
        self._last = found
        return f"{result.code} " + ", ".join(
            f"{o['branch'] or o['task']} {o['outcome']} ({o['reason']})" for o in found
        )

    def land(self) -> str:
        return self._land()

    def land_elsewhere(self) -> str:
        return self._land(at=self.other)

    def land_one(self) -> str:
        names = [b.split("/", 1)[1] for b in self._branches()]
        known = [name for name in names if name in self.tasks]
        return self._land(self.dice.choice(known)) if known else ""

    def _decide(self, verb: str, *args: str, mark: str = "", task: str = "", reason: str = "") -> str:
        result = self.coord(verb, *args, "--json")
        changed = result.code == 0 and result.data["changed"]
        if mark and changed:
            self.marked.append(Told(mark, task, reason=reason))
        return (
            f"{' '.join(args)} {result.code} {'changed' if changed else 'nothing'} {result.err.strip()[:80]}"
        )

    def retry(self) -> str:
        return self._decide("retry", self._one_of("conflict", "gate-failed"))

    def unblock(self) -> str:
        more = self.dice.choice([(), ("-m", "there is one now")])
        return self._decide("unblock", self._one_of("conflict", "gate-failed", "blocked"), *more)

    def _one_of(self, *kinds: str) -> str:
        stopped = [t for t, kind in self.world.verdicts().items() if kind in kinds and t in self.tasks]
        return (
            self.dice.choice(stopped)
            if stopped and self.dice.random() < 0.8
            else self.dice.choice(self.tasks)
        )

    def complete(self) -> str:
        ids = self.dice.sample(self.tasks, self.dice.choice([1, 1, 2]))
        more = self.dice.choice([(), ("-m", "done before")])
        return self._decide("complete", *ids, *more)

    def hold(self) -> str:
        task = self.dice.choice(self.tasks)
        return self._decide("hold", task, "-m", "not yet", mark="held", task=task, reason="not yet")

    def release(self) -> str:
        held = self._marks("refs/coord/hold/")
        task = self.dice.choice(held or self.tasks)
        return self._decide("release", task, mark="released", task=task)

    def approve(self) -> str:
        names = [b for b in self._branches() if b.split("/", 1)[1] in self.tasks]
        if not names:
            return ""
        task = self.dice.choice(names).split("/", 1)[1]
        return self._decide("approve", task, mark="approved", task=task)

    def freeze(self) -> str:
        return self._decide("freeze", "-m", "release day", mark="frozen", reason="release day")

    def thaw(self) -> str:
        return self._decide("thaw", mark="thawed")

    def _marks(self, under: str) -> list[str]:
        names = self.world.git("for-each-ref", "--format=%(refname)", under, at=self.world.origin).split()
        return [name.removeprefix(under) for name in names]

    def claim(self) -> str:
        workspace = open_workspace(self.world.desk)
        task, now = self.dice.choice(self.tasks), time.time()
        lasts = self.dice.choice([3600, 3600, 3600, -1])
        took = claims.take(workspace, ClaimText(task, claims.machine(workspace), "s1", int(now) + lasts), now)
        return f"{task} {type(took).__name__}"

    def unclaim(self) -> str:
        held = self._marks("refs/coord/claims/")
        if not held:
            return ""
        task = self.dice.choice(held)
        claims.release(open_workspace(self.world.desk), task, "s1")
        return task

    # -- people ----------------------------------------------------------------------------------------------------

    def _at_main(self) -> None:
        self.world.git("fetch", "-q", "--prune", "origin")
        self.world.git("checkout", "-q", "-f", "-B", "main", "origin/main")
        self.world.git("clean", "-fdq")

    def _push_main(self) -> None:
        self.world.git("push", "-q", "origin", "HEAD:main")

    def merge_by_hand(self) -> str:
        names = self._branches()
        if not names:
            return ""
        branch = self.dice.choice(names)
        self._at_main()
        before = self.world.git("rev-parse", "HEAD")
        self.world.git("merge", "-q", "--no-ff", "--no-edit", "-X", "theirs", f"origin/{branch}", ok=False)
        if self.world.git("status", "--porcelain"):
            self.world.git("merge", "--abort", ok=False)
            self.world.git("reset", "-q", "--hard", "origin/main")
            return ""
        self._push_main()
        if self.world.git("rev-parse", "HEAD") != before:
            self.by_hand.append(self.world.git("rev-parse", "HEAD"))
        return branch

    def forward(self) -> str:
        branch = self._at_branch()
        chain = self.world.git("rev-list", "--first-parent", "HEAD").split() if branch else []
        main = self.world.git("rev-parse", "origin/main")
        if main not in chain:
            return ""  # main's first-parent chain would be another one
        self.world.git("push", "-q", "origin", f"{branch}:main")
        self.by_hand += self.world.git("rev-list", "--first-parent", "--merges", f"{main}..HEAD").split()
        return branch

    def revert(self) -> str:
        chain = self.chain()
        steps = [oid for oid in chain if self._trailer(oid, "Coord-Gate")]
        again = [by for by, _ in self._reverted if by in chain]
        if again and self.dice.random() < 0.4:
            target, how = self.dice.choice(again), list[str]()
        elif steps:
            target, how = self.dice.choice(steps), ["-m", "1"]
        else:
            return ""
        self._at_main()
        self.world.git("revert", "--no-edit", *how, target, ok=False)
        if self.world.git("status", "--porcelain") or self.world.git("rev-parse", "HEAD") == self.world.git(
            "rev-parse", "origin/main"
        ):
            self.world.git("revert", "--abort", ok=False)
            self.world.git("reset", "-q", "--hard", "origin/main")
            return ""
        self._push_main()
        by = self.world.git("rev-parse", "HEAD")
        self._reverted.append((by, target))
        self.decided += [
            Told("reverted", t.task, by, t.tip) for t in self._landings if target in (t.commit, t.batch)
        ]
        return target[:7]

    def redden(self) -> str:
        self._at_main()
        self.world.commit("break it", {"src/red.txt": "BROKEN\n"})
        self._push_main()
        return ""

    def mend(self) -> str:
        if not self.world.has("src/red.txt"):
            return ""
        self._at_main()
        self.world.commit("mend it", {"src/red.txt": "fine\n"})
        self._push_main()
        return ""

    def reopen(self) -> str:
        return self._edit("status: completed", "status: pending")

    def _edit(self, old: str, new: str) -> str:
        self._at_main()
        found = [p for p in (self.world.agent / "tasks").glob("*.md") if old in p.read_text()]
        if not found:
            return ""
        path = self.dice.choice(sorted(found))
        self.world.commit("by hand", {f"tasks/{path.name}": path.read_text().replace(old, new, 1)})
        self._push_main()
        return path.name

    def remove_file(self) -> str:
        self._at_main()
        found = sorted((self.world.agent / "tasks").glob("*.md"))
        if len(found) < 3:
            return ""
        path = self.dice.choice(found)
        self.world.commit("not wanted any more", {f"tasks/{path.name}": None})
        self._push_main()
        return path.name
