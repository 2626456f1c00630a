"""Where GitHub answers otherwise than its own description says. Every entry says how it is known."""

from __future__ import annotations

from typing import Any

Json = Any

#: Answers that every operation may give and that the description names for few: no or a bad token, rights and
#: secondary limits, what may not be seen, a changed name, limits, an outage.
ANYWHERE = frozenset({301, 307, 401, 403, 404, 429, 500, 502, 503, 504})

#: (operation, status) that GitHub gives and its description does not name.
ANSWERS = frozenset(
    {
        # "No commit found for SHA": the documentation of statuses says so in prose, the description names 201 only.
        ("POST /repos/{owner}/{repo}/statuses/{sha}", 422),
        ("GET /repos/{owner}/{repo}/commits/{ref}/statuses", 422),
        # "No ref found for", "Workflow does not have 'workflow_dispatch' trigger", "Unexpected inputs provided".
        ("POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches", 422),
        # Logs that have expired.
        ("GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs", 410),
        # A draft where the plan has none, a second pull request of one head.
        ("POST /repos/{owner}/{repo}/pulls", 422),
    }
)


def amend(document: Json) -> Json:
    """Change a description in place where it is wrong, and return it."""
    _take_null(document)
    # A label without a description has null for one; the schema of labels says so, the one inside of lists of pull
    # requests does not.
    simple = document["components"]["schemas"]["pull-request-simple"]["properties"]
    simple["labels"]["items"]["properties"]["description"]["nullable"] = True
    return document


def _take_null(node: Json) -> None:
    """Let ``null`` be what the description calls nullable, where a strict reader of OpenAPI 3.0 does not see it.

    In an enum ``null`` must be one of the words (a job's conclusion while it runs). Beside ``oneOf`` without a type it
    has no meaning (a commit's author, null when the mail address is nobody's on GitHub).
    """
    if isinstance(node, list):
        for each in node:
            _take_null(each)
    if isinstance(node, dict):
        if node.get("nullable") is True and isinstance(node.get("enum"), list) and None not in node["enum"]:
            node["enum"].append(None)
        if node.get("nullable") is True and "type" not in node and "oneOf" in node:
            node["oneOf"].append({"type": "string", "nullable": True, "enum": [None]})
        for each in node.values():
            _take_null(each)
