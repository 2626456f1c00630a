"""The first prompt of a session: a template of coord's, of main's or of the caller's, with the task's facts in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coord.core.frontmatter import Document, read
from coord.core.objects import Kind
from coord.core.profile import built_in
from coord.core.task import Task
from coord.core.text import plain
from coord.errors import UsageError
from coord.observe import View
from coord.render import render
from coord.workspace import Workspace

_TEMPLATE = "agents/task.md.j2"

#: Files in which a project tells agents and people how it wants to be worked on.
_CONSTRAINTS = ("AGENTS.md", "CLAUDE.md", "CONTRIBUTING.md", "docs/architecture.md", "ARCHITECTURE.md")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session works."""

    branch: str
    worktree: Path
    port: int | None = None


def prompt_of(
    workspace: Workspace, view: View, task: Task, place: Place, *, template: str, context: str
) -> str:
    """Return the first prompt for a task.

    ``template`` is Jinja2 text (``""``: what ``[sessions] prompt`` names, else coord's own); a variable that it names
    and that does not exist is a UsageError. ``context`` says why the task is given again.
    """
    facts = facts_of(workspace, view, task, place) | {"context": plain(context)}
    text = template or _of_main(workspace)
    return rendered(text, facts) if text else render(_TEMPLATE, **facts)


def rendered(template: str, facts: Mapping[str, object]) -> str:
    """Return a template that came from outside with facts in it. Raises UsageError with its line."""
    from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    try:
        return environment.from_string(template).render(**facts)
    except TemplateSyntaxError as error:
        raise UsageError(f"the prompt's template, line {error.lineno}: {error.message}") from error
    except TemplateError as error:
        raise UsageError(
            f"the prompt's template: {error.message}", hint=f"it may use: {', '.join(sorted(facts))}"
        ) from error
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise UsageError(f"the prompt's template: {error}") from error


def facts_of(workspace: Workspace, view: View, task: Task, place: Place) -> dict[str, object]:
    """Return what a template may use: the task's facts and where the session works."""
    content = view.tasks.bytes_of(task.id)
    document = read(content)
    whole = content.decode("utf-8", "replace")
    body = document.text[document.body :] if isinstance(document, Document) else whole
    settings = view.snapshot.settings
    graph = view.snapshot.graph
    needs = (graph.get(need) for need in task.depends_on)
    return {
        "task": task.id,
        "name": task.name,
        "path": task.path,
        "level": task.level,
        "scope": task.scope,
        "risk": task.risk,
        "impact": task.impact,
        "tags": list(task.tags),
        "priority": task.priority,
        "touches": list(task.touches),
        "depends_on": [{"id": n.id, "name": n.name, "path": n.path} for n in needs if n],
        "body": plain(body).strip(),
        "branch": place.branch,
        "worktree": str(place.worktree),
        "port": place.port,
        "main": workspace.main,
        "upstream": workspace.main_name,
        "remote": workspace.remote or ".",
        "tasks": settings.project.tasks,
        "steps": _steps(view),
        "constraints": _constraints(workspace),
    }


def _of_main(workspace: Workspace) -> str:
    path = workspace.settings.sessions.prompt
    if not path:
        return ""
    answer = workspace.git.run(
        "rev-parse", "--verify", "--quiet", f"{workspace.main_ref}:{path}", ok=(0, 1, 128)
    )
    objects = workspace.git.objects
    if answer.code != 0 or not objects.holds(answer.line, Kind.BLOB):
        raise UsageError(
            f"[sessions] prompt names {path}, which is no file on {workspace.main_name}",
            hint="push the file to main, or mend the setting",
        )
    return objects.blob(answer.line).decode("utf-8", "replace")


def _steps(view: View) -> list[str]:
    settings = view.snapshot.settings
    name = settings.gate.profile
    own = next((profile for profile in settings.profiles if profile.name == name), None)
    profile = own or (built_in(name) if name else None)
    return [" ".join(step) for step in profile.steps] if profile else []


def _constraints(workspace: Workspace) -> list[str]:
    answer = workspace.git.run("ls-tree", "-z", "--name-only", workspace.main_ref, "--", *_CONSTRAINTS)
    there = {name for name in answer.text.split("\0") if name}
    return [name for name in _CONSTRAINTS if name in there]
