"""Three tasks for real agents at once: one that does its work, one that errs and is killed, one that has to be told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from coord.core.agentevent import AgentEvent, Said
from coord.sessions.store import Store
from coord.workspace import open_workspace
from tests.real import opencode
from tests.real.model import Model, script, scripted_model
from tests.sessions.team import Team, task, team_of
from tests.world import CHECK, World

T = TypeVar("T")

#: What each adapter starts.
WORDS = {"opencode": "acp", "opencode-http": "serve"}

_GO_ON = "You were interrupted"


def configuration(like: str, environment: Mapping[str, str]) -> str:
    """Return the configuration of a project whose agents are the real one."""
    variables = ", ".join(f'{name} = "{value}"' for name, value in environment.items())
    return (
        CHECK
        + '[sessions]\nagent = "real"\n[run]\nmax = 3\nmemory = "0"\n[monitor]\nnudges = 1\n'
        + f'[agents.real]\nlike = "{like}"\ncommand = ["{opencode.PROGRAM}", "{WORDS[like]}"]\n'
        + f"environment = {{ {variables} }}\n"
    )


def notify(text: str) -> Mapping[str, Any]:
    """Return the call of coord's own tool that tells the coordinator something."""
    args = {"action": "notify", "args": {"message": text, "level": "info"}}
    return {"tool": "coord_worktree", "args": args}


def shell(command: str) -> Mapping[str, Any]:
    """Return the call of the agent's shell."""
    return {"tool": "bash", "args": {"command": command, "description": "work"}}


def work(id: str) -> tuple[Mapping[str, Any], ...]:
    """Return the answers of a model that does a task and says so."""
    write = {"tool": "write", "args": {"filePath": f"src/{id}.txt", "content": f"{id}\n"}}
    finish = (
        f"git add -A && git commit -qm 'add {id}' && git push -q origin HEAD && coord done -m 'made {id}'"
    )
    return ({"text": "I begin.", **write}, shell(finish), {"text": "I have finished."})


def tasks() -> dict[str, str]:
    """Return the task files."""
    wrong = ({"tool": "worktre", "args": {}}, {"tool": "bash", "args": '{"command": "ls'})
    return {
        "does": task("does", script(notify("does begins"), *work("does"))),
        "errs": task(
            "errs",
            script(notify("errs begins"), *wrong, shell("sleep 600")),
            script(*work("errs"), tag=_GO_ON),
        ),
        "waits": task("waits", script(notify("waits begins"), shell("sleep 601"))),
    }


@dataclass
class Cast:
    """The team of the story, and the model that all its agents ask."""

    team: Team
    model: Model

    @property
    def world(self) -> World:
        return self.team.world

    def events(self, task: str, kind: type[T]) -> list[T]:
        """Return what happened in a task's session, of one kind."""
        store = Store(open_workspace(self.team.desk).state / "sessions")
        events: list[AgentEvent] = store.events(self.team.session(task).record.id)[0]
        return [event for event in events if isinstance(event, kind)]

    def said(self, task: str) -> str:
        """Return the words of a task's agent."""
        return "".join(event.text for event in self.events(task, Said))

    def agent_process(self, task: str) -> psutil.Process:
        """Return the real agent of a task's session."""
        folder = self.team.session(task).record.worktree
        return next(one for one in self.processes(folder) if one.cmdline()[0] == str(opencode.PROGRAM))

    def processes(self, folder: str) -> list[psutil.Process]:
        """Return the processes that work in a folder."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.cwd() == folder and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


@contextlib.contextmanager
def cast_of(world: World, like: str) -> Iterator[Cast]:
    """Build the story's world, with a model that answers as its prompts say."""
    home = Path(world.root) / "agent-home"
    with (
        scripted_model() as model,
        team_of(world, tasks(), configuration(like, opencode.prepared(home, model.url))) as team,
    ):
        yield Cast(team, model)
