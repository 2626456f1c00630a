"""A small world on real git: a bare origin, the maintainer's clone, and agents that push task branches.

Hermetic: own HOME, no system configuration, fixed identity, a clock that advances with every commit. ``picture()`` is
what a person would see afterwards, without ids, so that a test can state it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coord import cli

CHECK = """[gate]
profile = "check"
[profiles.check]
steps = ["sh check.sh"]
toolchain = []
"""

#: The validator of most scenarios: red when a file says BROKEN, or when two files disagree about the API.
CHECK_SH = """if grep -rl BROKEN . --include='*.txt'; then echo 'error: something is BROKEN'; exit 1; fi
if [ -f needs ] && [ ! -f "$(cat needs)" ]; then echo "error: missing $(cat needs)"; exit 1; fi
"""


def task_text(
    task_id: str, *, depends_on: tuple[str, ...] = (), status: str = "pending", extra: str = ""
) -> str:
    """Return a task file of the usual shape."""
    needs = "".join(f"\n  - {dep}" for dep in depends_on) or " []"
    return (
        f"---\nid: {task_id}\nname: Do {task_id}\nstatus: {status}\ndepends_on:{needs}\nscope: narrow\nrisk: low\n"
        f"impact: component\nlevel: implementation\n{extra}---\n\n## Description\n\nDo it.\n\n"
        "## Notes\n\n> To be filled by implementation\n\n## Summary\n\n> To be filled on completion\n"
    )


@dataclass
class Result:
    """What one call of coord gave."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)["data"]

    def outcome(self, task: str) -> dict[str, Any]:
        """Return the outcome of one task from ``land --json``."""
        return next(o for o in self.data["outcomes"] if o["task"] == task)


@dataclass
class World:
    """One origin and everybody around it."""

    root: Path
    clock: int = 1_700_000_000
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> Path:
        return self.root / "origin.git"

    @property
    def desk(self) -> Path:
        """The maintainer's clone, where coord runs."""
        return self.root / "desk"

    @property
    def agent(self) -> Path:
        """A clone from which agents push."""
        return self.root / "agent"

    # -- building --------------------------------------------------------------------------------------------------

    def build(
        self, tasks: dict[str, str] | None = None, files: dict[str, str] | None = None, config: str = CHECK
    ) -> World:
        """Make the origin with a first commit on main and two clones."""
        home = self.root / "home"
        home.mkdir(parents=True)
        (home / ".gitconfig").write_text(
            "[user]\n\tname = Agent\n\temail = agent@example.com\n[init]\n\tdefaultBranch = main\n"
            f"[coord]\n\tgateFolder = {self.root / 'gates'}\n[advice]\n\tdetachedHead = false\n"
        )
        self.git("init", "-q", "--bare", str(self.origin), at=self.root)
        self.git("clone", "-q", str(self.origin), str(self.agent), at=self.root)
        first = {"check.sh": CHECK_SH, "src/lib.txt": "one\ntwo\nthree\nfour\nfive\n"} | (files or {})
        if config:
            first[".coord.toml"] = config
        first |= {f"tasks/{name}.md": text for name, text in (tasks or {}).items()}
        self.commit("seed", first)
        self.git("push", "-q", "origin", "HEAD:main", at=self.agent)
        self.git("remote", "set-head", "origin", "-a", at=self.agent)
        self.git("clone", "-q", str(self.origin), str(self.desk), at=self.root)
        return self

    def git(
        self,
        *args: str,
        at: Path | None = None,
        ok: bool = True,
        data: str = "",
        env: dict[str, str] | None = None,
    ) -> str:
        """Run git as a person or agent would."""
        self.clock += 10
        dates = {"GIT_AUTHOR_DATE": f"{self.clock} +0000", "GIT_COMMITTER_DATE": f"{self.clock} +0000"}
        answer = subprocess.run(
            ["git", *args], cwd=at or self.agent, input=data, capture_output=True, text=True,
            env={**os.environ, **dates, **(env or {})},
        )  # fmt: skip
        if ok and answer.returncode != 0:
            raise AssertionError(f"git {' '.join(args)}: {answer.stderr}{answer.stdout}")
        return answer.stdout.rstrip("\n") if ok else answer.stderr + answer.stdout

    def commit(self, message: str, files: dict[str, str | None], at: Path | None = None) -> str:
        """Write files (None removes one), commit everything and return the commit."""
        where = at or self.agent
        for name, text in files.items():
            path = where / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text.encode())
        self.git("add", "-A", at=where)
        self.git("commit", "-q", "--no-verify", "--allow-empty", "-m", message, at=where)
        return self.git("rev-parse", "HEAD", at=where)

    def push(
        self,
        branch: str,
        files: dict[str, str | None] | None = None,
        message: str = "",
        *,
        start: str = "origin/main",
    ) -> str:
        """Make a branch from ``start`` with one commit, push it (by force) and return its tip."""
        self.git("fetch", "-q", "--prune", "origin")
        self.git("checkout", "-q", "-B", branch, start)
        tip = self.commit(
            message or f"work on {branch}",
            files if files is not None else {f"src/{_last(branch)}.txt": "new\n"},
        )
        self.git("push", "-q", "-f", "origin", branch)
        return tip

    def more(self, branch: str, files: dict[str, str | None], message: str = "more") -> str:
        """Add a commit to a branch as the agent has it, push it and return its tip."""
        self.git("checkout", "-q", branch)
        tip = self.commit(message, files)
        self.git("push", "-q", "origin", branch)
        return tip

    def main(self, files: dict[str, str | None], message: str = "by hand") -> str:
        """Commit to main by hand and push it."""
        self.git("fetch", "-q", "origin")
        self.git("checkout", "-q", "-B", "main", "origin/main")
        commit = self.commit(message, files)
        self.git("push", "-q", "origin", "main")
        return commit

    # -- acting ----------------------------------------------------------------------------------------------------

    def coord(self, *args: str, at: Path | None = None) -> Result:
        """Run coord in the maintainer's clone (or ``at``)."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.run(["-C", str(at or self.desk), *args])
        assert code != 70, err.getvalue()
        return Result(code, out.getvalue(), err.getvalue())

    def land(self, *tasks: str) -> Result:
        """Run ``coord land --json``."""
        return self.coord("land", "--json", *tasks)

    # -- looking ---------------------------------------------------------------------------------------------------

    def ref(self, name: str) -> str:
        """Return the object that a ref of the origin names, or ''."""
        return self.git("for-each-ref", "--format=%(objectname)", name, at=self.origin)

    def refs(self) -> str:
        """Return every ref of the origin."""
        return self.git("for-each-ref", "--format=%(objectname) %(refname)", at=self.origin)

    def show(self, path: str, commit: str = "main") -> str:
        """Return a file on the origin."""
        return self.git("show", f"{commit}:{path}", at=self.origin)

    def has(self, path: str, commit: str = "main") -> bool:
        """Say whether a path is on the origin."""
        return bool(self.git("ls-tree", commit, "--", path, at=self.origin))

    def statuses(self) -> dict[str, str]:
        """Return each task's status as main states it."""
        paths = self.git("ls-tree", "-r", "--name-only", "main", "tasks/", at=self.origin).split()
        found = {}
        for path in paths:
            lines = self.show(path).splitlines()
            fields = dict(line.split(": ", 1) for line in lines if ": " in line)
            found[fields["id"]] = fields["status"]
        return found

    def branches(self) -> list[str]:
        """Return the origin's branches but main."""
        names = self.git(
            "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/", at=self.origin
        ).split()
        return [name for name in names if name != "main"]

    def history(self) -> list[str]:
        """Return the subjects on main's first-parent chain, newest first."""
        return self.git("log", "--first-parent", "--format=%s", "main", at=self.origin).split("\n")

    def verdicts(self) -> dict[str, str]:
        """Return what the last verdict on each task is, read without coord's code."""
        found = {}
        for name in self.git(
            "for-each-ref", "--format=%(refname)", "refs/coord/verdicts/", at=self.origin
        ).split():
            verdict = json.loads(self.git("show", f"{name}:verdict.json", at=self.origin))
            found[name.removeprefix("refs/coord/verdicts/")] = verdict["kind"]
        return found

    def picture(self) -> str:
        """Return the whole as a person would see it."""
        lines = ["main: " + " < ".join(self.history())]
        lines.append(
            "tasks: " + ", ".join(f"{task} {status}" for task, status in sorted(self.statuses().items()))
        )
        lines.append("branches: " + (", ".join(self.branches()) or "none"))
        verdicts = ", ".join(f"{task} {kind}" for task, kind in sorted(self.verdicts().items()))
        return "\n".join([*lines, "verdicts: " + (verdicts or "none")])

    def assert_sound(self) -> None:
        """Check what must hold of every main that coord made: each first-parent step is a validated or a status step."""
        chain = self.git("log", "--first-parent", "--format=%H", "main", at=self.origin).split()
        for commit in chain[:-1]:
            parents = self.git("log", "-1", "--format=%P", commit, at=self.origin).split()
            message = self.git("log", "-1", "--format=%B", commit, at=self.origin)
            if "Coord-Gate:" in message:
                gate = next(line for line in message.splitlines() if line.startswith("Coord-Gate:"))
                assert gate.split()[-1] == self.git("rev-parse", f"{commit}^{{tree}}", at=self.origin)
                assert len(parents) == 2
            elif message.startswith(("blocked(", "unblocked(", "chore: update task")):
                changed = self.git("diff", "--name-only", parents[0], commit, at=self.origin).split()
                assert all("tasks/" in path for path in changed)


def _last(branch: str) -> str:
    return branch.rsplit("/", 1)[-1]
