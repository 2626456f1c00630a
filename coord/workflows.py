"""The workflows that land on GitHub: rendered from ``coord/templates/github``, written beside a project's own.

A file that bears our first line is ours and brought up to date; another one of the same name is never touched. What a
file of ours says of the action, the runner and the times stays as it is, unless something else is asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from coord.core.mode import ENVIRONMENT, Mode
from coord.errors import UsageError
from coord.shims import write_atomically

FOLDER = ".github/workflows"
RUNNER = "ubuntu-24.04"

#: actions/checkout, by its commit.
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
CHECKOUT_VERSION = "v7.0.1"
#: actions/upload-artifact, by its commit: from this version on a page can be kept as it is, and a browser opens it.
UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"
UPLOAD_VERSION = "v7.0.0"

_MARK = "# Rendered by coord init --github"
_ACTION = re.compile(r"(?:[\w.-]+/[\w.-]+(?:/[\w./-]+)?@[\w./-]+|[.$]/[\w./-]*)")
_LABEL = re.compile(r"[\w.-]+")
_PINNED = re.compile(r"[^@]+@[0-9a-f]{40}|[.$]/.*")
_SHORTENED = re.compile(r"[^@]+@(?=[0-9a-f]*\d)[0-9a-f]{7,39}")


FILES: dict[Mode, tuple[str, ...]] = {
    Mode.NONE: (),
    Mode.HARDENED: ("coord-wake.yml", "coord-land.yml", "coord-command.yml", "coord-audit.yml"),
    Mode.SIMPLE: ("coord-simple.yml", "coord-command.yml", "coord-audit.yml"),
}
NAMES = tuple(sorted({name for names in FILES.values() for name in names}))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What workflows are to say: the mode, the branches, the action's reference, where trials are validated, and the
    minute of the hour at which the sweep rings (odd, below 20)."""

    mode: Mode
    main: str
    prefixes: tuple[str, ...]
    action: str
    runner: str = RUNNER
    minute: int = 7


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done about one file; ``note`` says it in words, ``do`` does it (None: nothing to do)."""

    path: str
    note: str
    do: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the workflows of ours that stand already say (None: there are none, or they do not say it)."""

    action: str | None = None
    runner: str | None = None
    minute: int | None = None


def render(name: str, wanted: Wanted) -> str:
    """Return the text of a workflow (a name of ``NAMES``)."""
    return (
        _environment()
        .get_template(f"github/{name}.j2")
        .render(
            main=wanted.main,
            prefixes=wanted.prefixes,
            action=wanted.action,
            runner=wanted.runner,
            sweep=f"{wanted.minute},{wanted.minute + 20},{wanted.minute + 40} * * * *",
            weekly=f"{wanted.minute + 20} 5 * * 1",
            landing="coord-land" if wanted.mode is Mode.HARDENED else "coord-simple",
            environment=ENVIRONMENT,
            checkout_action=CHECKOUT,
            checkout_version=CHECKOUT_VERSION,
            upload_action=UPLOAD,
            upload_version=UPLOAD_VERSION,
        )
    )


@cache
def _environment() -> Environment:
    # GitHub's own marks are ${{ }}; a template must be able to hold them as they are.
    environment = Environment(  # noqa: S701 - YAML, not HTML: quoting is the template's
        loader=PackageLoader("coord"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    environment.filters["yaml"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment


def minute_of(name: str) -> int:
    """Return an odd minute below 20 for a repository's name, so that not all repositories ring at once."""
    return 1 + 2 * (hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()[0] % 10)


def repository_name(url: str, otherwise: str) -> str:
    """Return what a remote calls a repository: the same in every clone."""
    return url.rstrip("/").removesuffix(".git").rsplit("/", 1)[-1] or otherwise


def check_action(action: str) -> str:
    """Return a reference to an action. Raises UsageError when it is none."""
    if not _ACTION.fullmatch(action):
        raise UsageError(
            f"'{action}' is no reference to an action",
            hint="--action OWNER/REPO@COMMIT, with coord's repository",
        )
    if _SHORTENED.fullmatch(action):
        raise UsageError(
            f"'{action}' shortens a commit, which GitHub does not take", hint="give all of its 40 digits"
        )
    return action


def check_runner(label: str) -> str:
    """Return the label of a runner. Raises UsageError when it is none."""
    if not _LABEL.fullmatch(label):
        raise UsageError(
            f"'{label}' is no label of a runner", hint="one word, such as ubuntu-24.04 or self-hosted"
        )
    return label


def is_pinned(action: str) -> bool:
    """Say whether a reference names one commit for ever (or the repository that it stands in)."""
    return bool(_PINNED.fullmatch(action))


def installed_from(direct_url: str | None) -> str | None:
    """Return the action's reference that an installation's ``direct_url.json`` means: a git repository and commit."""
    try:
        told = json.loads(direct_url or "{}")
        commit, url = told["vcs_info"]["commit_id"], told["url"]
    except (ValueError, KeyError, TypeError):
        return None
    found = re.search(r"[/:]([\w.-]+)/([\w.-]+?)(?:\.git)?/?$", str(url))
    return f"{found[1]}/{found[2]}@{commit}" if found else None


def standing(top: Path) -> Standing:
    """Return what the workflows of ours in a working copy say."""
    return standing_of({name: _ours(top / FOLDER / name) for name in NAMES})


def standing_of(texts: Mapping[str, str]) -> Standing:
    """Return what workflows of ours say, by their names."""
    text = texts.get("coord-land.yml") or texts.get("coord-simple.yml") or ""
    # Each names the action; the one that lands may be gone, or a foreign file stand in its place.
    every = "\n".join([text, *texts.values()])
    actions = re.findall(r"^ +uses: (?!actions/)(\S+)", every, re.MULTILINE)
    runners = re.findall(r"^    runs-on: (.+)$", text, re.MULTILINE)
    minute = re.search(r'cron: "(\d+),', text)
    return Standing(
        action=next(iter(actions), None),
        runner=next((runner for runner in runners if runner != RUNNER), None),
        minute=int(minute[1]) if minute else None,
    )


def plan(top: Path, wanted: Wanted) -> tuple[Change, ...]:
    """Return what is to be done in a working copy. Raises UsageError when a foreign file stands in the way."""
    changes = [_change(top, name, wanted) for name in NAMES]
    return tuple(change for change in changes if change)


def _change(top: Path, name: str, wanted: Wanted) -> Change | None:
    path = top / FOLDER / name
    there, before = os.path.lexists(path), _ours(path)
    if name not in FILES[wanted.mode]:
        gone = "removed: it belongs to the other mode"
        return Change(f"{FOLDER}/{name}", gone, path.unlink) if before else None
    if there and not before:
        raise UsageError(
            f"{FOLDER}/{name} exists and is not coord's", hint="give it another name and run it again"
        )
    text = render(name, wanted)
    if before == text:
        return Change(f"{FOLDER}/{name}", "up to date")
    return Change(
        f"{FOLDER}/{name}",
        "brought up to date" if before else "written",
        lambda: write_atomically(path, text, 0o644),
    )


def _ours(path: Path) -> str:
    """Return the text of a file that coord wrote, '' for any other."""
    if path.is_symlink() or not path.is_file():
        return ""
    return ours(path.read_bytes().decode("utf-8", "surrogateescape"))


def ours(text: str) -> str:
    """Return a text that coord rendered, '' for any other."""
    return text if text.startswith(_MARK) else ""
