"""Checks of requests and answers against GitHub's description of its API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource, Specification

from tests.world.github.openapi.errata import ANSWERS, ANYWHERE, amend

Json = Any
_URI = "urn:github"

#: Parameters of a path that may hold slashes (names of refs); GitHub takes them as they are or percent-encoded.
_WITH_SLASHES = {"ref", "branch", "basehead"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its method and path (as the description writes them), and what the description says."""

    method: str
    path: str
    said: Mapping[str, Json]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@cache
def github() -> Description:
    """Return the committed description, amended."""
    return Description(amend(json.loads(Path(__file__).with_name("github.json").read_text())))


class Description:
    """The description, ready to check requests and answers."""

    def __init__(self, document: Json) -> None:
        self._document = document
        resource = Resource(document, Specification.OPAQUE)
        self._registry: Registry[Json] = Registry().with_resource(_URI, resource)
        self._operations = [
            Operation(verb.upper(), path, said)
            for path, item in document["paths"].items()
            for verb, said in item.items()
        ]

    def paths(self) -> set[tuple[str, str]]:
        """Return the method and path of each operation."""
        return {(each.method, each.path) for each in self._operations}

    def problems_of_request(
        self, operation: tuple[str, str], query: Mapping[str, str], body: Json
    ) -> list[str]:
        """Return what is wrong with a request."""
        said = self._find(operation)
        found = [*self._query(said, query), *self._body(said, body)]
        return [f"request {said.name}: {problem}" for problem in found]

    def problems_of_answer(self, operation: tuple[str, str], status: int, body: Json) -> list[str]:
        """Return what is wrong with an answer."""
        said = self._find(operation)
        return [f"answer {status} of {said.name}: {problem}" for problem in self._answer(said, status, body)]

    def _find(self, operation: tuple[str, str]) -> Operation:
        return next(each for each in self._operations if (each.method, each.path) == operation)

    def _query(self, operation: Operation, query: Mapping[str, str]) -> Iterator[str]:
        known = {p["name"]: p for p in self._parameters(operation) if p["in"] == "query"}
        for name, text in query.items():
            if name not in known:
                yield f"unknown query parameter {name}"
                continue
            schema = self._resolve(known[name]["schema"])
            yield from (f"{name}={text}: {problem}" for problem in self._check(schema, _typed(text, schema)))
        yield from (f"{n} is missing" for n, p in known.items() if p.get("required") and n not in query)

    def _body(self, operation: Operation, body: Json) -> Iterator[str]:
        said = operation.said.get("requestBody")
        if said is None:
            if body is not None:
                yield "has a body, which this operation does not take"
            return
        if body is None:
            if said.get("required"):
                yield "has no body"
            return
        schema = self._resolve(said["content"]["application/json"]["schema"])
        yield from self._check(schema, body)
        yield from self._unknown(schema, body)

    def _unknown(self, schema: Json, body: Json) -> Iterator[str]:
        """GitHub passes over fields that it does not know; coord would not notice that it says nothing."""
        if "properties" in schema and isinstance(body, dict):
            yield from (f"unknown field {name}" for name in body if name not in schema["properties"])

    def _answer(self, operation: Operation, status: int, body: Json) -> Iterator[str]:
        said = operation.said["responses"].get(str(status))
        if said is None:
            if status not in ANYWHERE and (operation.name, status) not in ANSWERS:
                yield "the status is not one of this operation"
            return
        content = self._resolve(said).get("content", {}).get("application/json")
        if content is not None:
            yield from self._check(content["schema"], body)
        elif body is not None:
            yield "has a body"

    def _parameters(self, operation: Operation) -> list[Json]:
        return [self._resolve(each) for each in operation.said.get("parameters", [])]

    def _resolve(self, node: Json) -> Json:
        while "$ref" in node:
            _, family, name = node["$ref"].removeprefix("#/").split("/")
            node = self._document["components"][family][name]
        return node

    def _check(self, schema: Json, value: Json) -> Iterator[str]:
        checker = OAS30Validator(
            _absolute(schema), registry=self._registry, format_checker=oas30_format_checker
        )
        for error in checker.iter_errors(value):
            where = "/".join(str(step) for step in error.absolute_path)
            yield f"{where or 'the whole'}: {error.message[:300]}"


def _absolute(node: Json) -> Json:
    """Return a schema whose references name the description, so that they are found from outside of it (those of a
    discriminator too)."""
    if isinstance(node, list):
        return [_absolute(each) for each in node]
    if isinstance(node, dict):
        return {key: _absolute(value) for key, value in node.items()}
    return _URI + node if isinstance(node, str) and node.startswith("#/components/") else node


def _typed(text: str, schema: Json) -> Json:
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if schema.get("type") == "boolean" and text in {"true", "false"}:
        return text == "true"
    return text


def pattern_of(path: str) -> re.Pattern[str]:
    """Return the regular expression that a path of the description stands for."""
    parts = re.split(r"\{(\w+)\}", path)
    made = [
        re.escape(part) if index % 2 == 0 else f"(?P<{part}>{'.+' if part in _WITH_SLASHES else '[^/]+'})"
        for index, part in enumerate(parts)
    ]
    return re.compile("".join(made))
