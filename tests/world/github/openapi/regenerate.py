"""Make ``github.json`` anew: GitHub's official OpenAPI description, cut to the operations that coord uses.

    python -m tests.world.github.openapi.regenerate

The source is the npm package ``@octokit/openapi``, file ``api.github.com.json``: it describes the API's version
2022-11-28, which is the one that coord asks for. Prose and examples are left out; what is left is not changed (where
GitHub answers otherwise than it says, see ``errata.py``).
"""

from __future__ import annotations

import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = "23.0.2"
TARGET = Path(__file__).with_name("github.json")

_REPO = "/repos/{owner}/{repo}"
OPERATIONS = {
    "/app": "get",
    "/app/installations/{installation_id}/access_tokens": "post",
    "/rate_limit": "get",
    "/user": "get",
    _REPO: "get",
    f"{_REPO}/actions/jobs/{{job_id}}/logs": "get",
    f"{_REPO}/actions/permissions/workflow": "get",
    f"{_REPO}/actions/runs/{{run_id}}": "get",
    f"{_REPO}/actions/runs/{{run_id}}/attempts/{{attempt_number}}/jobs": "get",
    f"{_REPO}/actions/runs/{{run_id}}/jobs": "get",
    f"{_REPO}/actions/secrets": "get",
    f"{_REPO}/actions/variables": "get",
    f"{_REPO}/actions/workflows/{{workflow_id}}/dispatches": "post",
    f"{_REPO}/activity": "get",
    f"{_REPO}/branches": "get",
    f"{_REPO}/branches/{{branch}}": "get",
    f"{_REPO}/branches/{{branch}}/protection": "get",
    f"{_REPO}/collaborators/{{username}}/permission": "get",
    f"{_REPO}/commits/{{ref}}": "get",
    f"{_REPO}/commits/{{ref}}/status": "get",
    f"{_REPO}/commits/{{ref}}/statuses": "get",
    f"{_REPO}/compare/{{basehead}}": "get",
    f"{_REPO}/environments": "get",
    f"{_REPO}/environments/{{environment_name}}": "get",
    f"{_REPO}/environments/{{environment_name}}/deployment-branch-policies": "get",
    f"{_REPO}/environments/{{environment_name}}/secrets": "get",
    f"{_REPO}/git/ref/{{ref}}": "get",
    f"{_REPO}/git/refs/{{ref}}": "delete",
    f"{_REPO}/installation": "get",
    f"{_REPO}/issues": "get post",
    f"{_REPO}/issues/comments/{{comment_id}}": "get patch",
    f"{_REPO}/issues/comments/{{comment_id}}/reactions": "get post",
    f"{_REPO}/issues/{{issue_number}}": "get patch",
    f"{_REPO}/issues/{{issue_number}}/comments": "get post",
    f"{_REPO}/pulls": "get post",
    f"{_REPO}/pulls/{{pull_number}}": "get patch",
    f"{_REPO}/rules/branches/{{branch}}": "get",
    f"{_REPO}/rulesets": "get",
    f"{_REPO}/rulesets/{{ruleset_id}}": "get",
    f"{_REPO}/statuses/{{sha}}": "post",
}

_PROSE = {"description", "summary", "title", "example", "examples", "externalDocs", "tags", "deprecated"}
_NAMES_ARE_FREE = {"properties", "responses", "headers"}
Json = Any


def cut(document: Json) -> Json:
    """Return the description without the operations, components and prose that nobody here reads."""
    paths = {path: _operations(document["paths"][path], verbs) for path, verbs in OPERATIONS.items()}
    info = {key: document["info"][key] for key in ("title", "version", "license")}
    return {
        "openapi": document["openapi"],
        "info": info,
        "paths": paths,
        "components": _components(document, paths),
    }


def _operations(item: Json, verbs: str) -> Json:
    return {verb: _plain(item[verb]) for verb in verbs.split()}


def _plain(node: Json, *, free: bool = False) -> Json:
    """Return a node without prose; ``free``: its keys are names that GitHub chose, not words of OpenAPI."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _plain(value, free=not free and key in _NAMES_ARE_FREE)
        for key, value in node.items()
        if free or not (key in _PROSE or key.startswith("x-"))
    }


def _components(document: Json, paths: Json) -> Json:
    found: dict[str, dict[str, Json]] = {}
    waiting = sorted(_references(paths))
    while waiting:
        family, name = waiting.pop().removeprefix("#/components/").split("/")
        if name not in found.setdefault(family, {}):
            found[family][name] = _plain(document["components"][family][name])
            waiting += _references(found[family][name])
    return {family: dict(sorted(members.items())) for family, members in sorted(found.items())}


def _references(node: Json) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def text_of(document: Json) -> str:
    """Return the file's text: a line for each path and component, so that a new version can be read as a diff."""
    lines = [f'"openapi":{json.dumps(document["openapi"])}', f'"info":{json.dumps(document["info"])}']
    lines.append(f'"paths":{{\n{_lines(document["paths"])}\n}}')
    families = ",\n".join(f'"{name}":{{\n{_lines(each)}\n}}' for name, each in document["components"].items())
    return "{\n" + ",\n".join([*lines, f'"components":{{\n{families}\n}}']) + "\n}\n"


def _lines(members: dict[str, Json]) -> str:
    return ",\n".join(
        f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}" for name, value in members.items()
    )


def official(folder: Path) -> Json:
    """Return the whole description, as the npm package holds it."""
    subprocess.run(["npm", "pack", "--silent", f"@octokit/openapi@{VERSION}"], cwd=folder, check=True)
    with tarfile.open(folder / f"octokit-openapi-{VERSION}.tgz") as package:
        member = package.extractfile("package/generated/api.github.com.json")
        assert member is not None
        return json.load(member)


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as folder:
        TARGET.write_text(text_of(cut(official(Path(folder)))))


if __name__ == "__main__":
    main()
