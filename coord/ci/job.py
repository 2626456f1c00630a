"""The job that a verb of ``coord ci`` runs in: what it was given, and where it tells.

Everything comes from the environment, by name; outputs go to the files that the runner names. What is printed may hold
foreign text (branch names, reasons, logs), so the runner is told to read no commands until the verb is done.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coord.core.text import whole_number
from coord.core.workflowtext import ANNOTATIONS, SUMMARY_LIMIT, capped, command_line, output_lines
from coord.errors import RefusedError, UsageError
from coord.forges.base import Forge
from coord.git import Git
from coord.output import Output
from coord.workspace import Workspace, open_workspace


@dataclass
class Job:
    """One job: its environment, where coord prints, the repository's folder, and annotations for the end."""

    environment: Mapping[str, str]
    output: Output
    folder: Path
    _annotations: dict[str, list[str]] = field(default_factory=dict)

    def given(self, name: str) -> str:
        """Return an input (``COORD_…``), ``""`` when it was not given."""
        return self.environment.get(name, "").strip()

    def flag(self, name: str) -> bool:
        """Return an input that says true or false."""
        return self.given(name).lower() in ("true", "1", "yes")

    @property
    def run(self) -> tuple[int, int]:
        """Return the workflow run's id and its attempt. Raises UsageError outside of a run."""
        number = whole_number(self.given("GITHUB_RUN_ID"))
        if number is None:
            raise UsageError("this is no job of a workflow run (GITHUB_RUN_ID)", hint="docs/github.md")
        return number, whole_number(self.given("GITHUB_RUN_ATTEMPT")) or 1

    @property
    def workflow(self) -> str:
        """Return the file name of the workflow that this job belongs to."""
        path = self.given("GITHUB_WORKFLOW_REF").partition("@")[0]
        return path.rpartition("/")[2] or "coord-land.yml"

    @property
    def run_url(self) -> str:
        """Return where people see this run."""
        server, slug = self.given("GITHUB_SERVER_URL"), self.given("GITHUB_REPOSITORY")
        return f"{server}/{slug}/actions/runs/{self.given('GITHUB_RUN_ID')}" if server and slug else ""

    # -- telling ---------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Print a line of progress."""
        self.output.say(text)

    def set_output(self, name: str, value: str) -> None:
        """Set an output of the step."""
        self._append("GITHUB_OUTPUT", output_lines(name, value, f"coord-{secrets.token_hex(16)}"))

    def summarise(self, markdown: str) -> None:
        """Add to the job's summary."""
        more = "\n\n(the rest was cut: a summary holds one MiB)\n"
        self._append("GITHUB_STEP_SUMMARY", capped(markdown, SUMMARY_LIMIT - 1024, more))

    def _append(self, name: str, text: str) -> None:
        path = self.environment.get(name)
        if path:
            with Path(path).open("a", encoding="utf-8", errors="replace") as stream:
                stream.write(text)

    def annotate(self, level: str, message: str, *, file: str = "", line: int = 0) -> None:
        """Show a message beside the job (``error``, ``warning`` or ``notice``), at a file and line where it has one."""
        said = self._annotations.setdefault(level, [])
        if len(said) < ANNOTATIONS:
            said.append(command_line(level, message, file=file, line=line))

    @contextlib.contextmanager
    def commands_stopped(self) -> Iterator[None]:
        """Let the runner take nothing that is printed meanwhile for a command; what was to be annotated comes after."""
        if self.environment.get("GITHUB_ACTIONS") != "true":
            yield
            return
        word = secrets.token_hex(16)
        self._command(f"::stop-commands::{word}")
        try:
            yield
        finally:
            self._command(f"::{word}::")
            for lines in self._annotations.values():
                for line in lines:
                    self._command(line)

    def _command(self, line: str) -> None:
        # One stream only, in order: the runner reads both, and what lies between them is not told by time.
        self.output.err.write(line + "\n")
        self.output.err.flush()


def job_of(output: Output, folder: Path) -> Job:
    """Return the job that this process is part of."""
    return Job(os.environ, output, folder)


def know_main(job: Job) -> None:
    """Take main's name from the workflow, or else from what was checked out: what actions/checkout makes has no
    ``origin/HEAD`` to tell it."""
    git = Git(job.folder)
    named = job.given("COORD_MAIN")
    if named:
        git.configure("coord.main", named)
        return
    workspace = open_workspace(job.folder)
    head = workspace.git.head()
    if workspace.main_tip is None and workspace.remote and head is not None:
        git.configure("coord.main", head.removeprefix("refs/heads/"))


def forge_of(workspace: Workspace) -> Forge:
    """Return the forge of the repository that this job works on. Raises RefusedError without a token."""
    forge = workspace.hosting.forge
    if forge is None:
        raise RefusedError(
            "there is no token for GitHub", hint="give the action the input token (docs/github.md)"
        )
    return forge
