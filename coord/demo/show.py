"""The show itself: set a project up, let seven agents work on it, land what they pushed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from coord.core.text import folded
from coord.demo.cast import AGENTS, TASKS, Agent, Ending, Insert, Project
from coord.demo.stage import Stage
from coord.errors import CoordError
from coord.render import render

Say = Callable[[str], None]


def play(stage: Stage, project: Project, say: Say) -> dict[str, str]:
    """Play everything and return what hooks refused: the agents' tasks, with the hook's own words."""
    _set_up(stage, project, say)
    say(f"\n{len(AGENTS)} agents, each with a task and a worktree of its own, all from the same main")
    for agent in AGENTS:
        stage.git(
            "worktree", "add", "--quiet", "-b", f"feat/{agent.task}", str(stage.worktree(agent.task)),
            "origin/main",
        )  # fmt: skip
    refused = {}
    for agent in AGENTS:
        if words := _work(stage, agent, project.changes[agent.task], say):
            refused[agent.task] = words
    say("\ncoord land")
    _land(stage, lambda line: _tell(stage, say, line))
    return refused


def _set_up(stage: Stage, project: Project, say: Say) -> None:
    stage.open()
    say("  origin.git   a bare repository that everybody pushes to")
    for path, text in project.files.items():
        _write(stage.clone / path, text)
    for task in TASKS:
        _write(stage.clone / "tasks" / f"{task.id}.md", render("demo/task.md.j2", task=task))
    stage.git("add", "--all")
    stage.git("commit", "--quiet", "-m", "textstat: start")
    stage.git("push", "--quiet", "origin", "main")
    say(f"  clone        the maintainer's: {project.what} 'textstat', {len(TASKS)} tasks in tasks/")
    stage.coord("init")
    stage.git("add", ".coord.toml")
    stage.git("commit", "--quiet", "--allow-empty", "-m", "coord: set up")
    stage.git("push", "--quiet", "origin", "main")
    rows = (line.split(maxsplit=1) for line in stage.coord("hooks", "status").out.splitlines())
    hooks = ", ".join(hook for hook, state in rows if state.startswith("installed"))
    say(f"  coord init   writes .coord.toml and installs the hooks {hooks}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


# -- an agent at work ----------------------------------------------------------------------------------------------


def _work(stage: Stage, agent: Agent, changes: tuple[Insert, ...], say: Say) -> str:
    """Let an agent do its task; return the words with which a hook refused it, or ''."""
    at = stage.worktree(agent.task)
    for change in changes:
        _insert(at, change)
    words = ""
    if agent.oversteps:
        words = _overstep(stage, agent, at)
        say(f"  {agent.task:<13} commits its own task file too: {'refused' if words else 'NOT refused'}")
    stage.git("add", "--all", at=at)
    stage.git("commit", "--quiet", "-m", agent.subject, at=at)
    files = ", ".join(dict.fromkeys(change.path for change in changes))
    _tell(stage, say, f"{agent.task:<13} changes {files}; {_finish(stage, agent, at)}")
    return words


def _insert(at: Path, change: Insert) -> None:
    path = at / change.path
    text = path.read_text("utf-8") if path.is_file() else ""
    head, anchor, rest = text.partition(change.before) if change.before else (text, "", "")
    if change.before and not anchor:
        raise CoordError(f"the demo went wrong: {change.path} holds no line {change.before.strip()!r}")
    _write(path, head + change.text + anchor + rest)


def _overstep(stage: Stage, agent: Agent, at: Path) -> str:
    """Commit the task file along with the work, as agents do, then take it out again as the hook says."""
    file = at / "tasks" / f"{agent.task}.md"
    _write(file, file.read_text("utf-8").replace("status: pending", "status: completed"))
    stage.git("add", "--all", at=at)
    answer = stage.git("commit", "--quiet", "-m", agent.subject, at=at, ok=False)
    if answer.code == 0:
        return ""
    stage.git("restore", "--source=HEAD", "--staged", "--worktree", "--", ":/tasks", at=at)
    return answer.err.strip()


def _finish(stage: Stage, agent: Agent, at: Path) -> str:
    match agent.ending:
        case Ending.PUSH:
            stage.git("push", "--quiet", "origin", f"feat/{agent.task}", at=at)
            return "git push"
        case Ending.DONE:
            stage.coord("done", *agent.words, at=at)
            return "coord done -m ..."
        case Ending.BLOCK:
            stage.coord("block", *agent.words, at=at)
            return "coord block -m ..."


def _land(stage: Stage, tell: Say) -> None:
    """Land what was pushed; the result, which the picture shows better, is told only when the run did not converge."""
    answer = stage.land(tell)
    if answer.code != 0:
        for line in [*answer.out.splitlines(), f"coord land ended with exit code {answer.code}"]:
            tell(line)


def _tell(stage: Stage, say: Say, line: str) -> None:
    for piece in folded(line.replace(f"{stage.clone}/", ""), indent="  "):
        say(piece)
