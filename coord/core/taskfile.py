"""A task file: read into a task with every finding about it, and mended where it says our words otherwise."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from coord.core.frontedit import Refusal, rename_key, set_scalar
from coord.core.frontlines import Fields
from coord.core.frontmatter import Broken, Document, Field, Items, NoFrontMatter, Other, Place, Scalar, read
from coord.core.row import (
    ENUMS,
    SIZE_LIMIT,
    Row,
    place_of,
    places_of,
    row_of,
    sound_fields,
    unplace,
    word_of,
    words_of,
)
from coord.core.task import Problem, Severity, Status, Task, Unreadable, shortened, status_of

_KNOWN = frozenset(
    {*ENUMS, "id", "name", "status", "depends_on", "dependsOn", "tags", "priority", "assignee", "due", "created",
     "modified", "touches", "agent", "model", "superseded_by"}
)  # fmt: skip


def read_task(path: str, data: bytes) -> Task | Unreadable:
    """Read a task file. Every finding has its line and column; none hides another where that can be helped."""
    if len(data) > SIZE_LIMIT:
        return too_large(path)
    fields = sound_fields(data)
    if fields is not None:
        return _sound_task(path, fields)
    document = read(data)
    match document:
        case NoFrontMatter():
            message = "no front matter: this is not a task"
            problem = Problem(path, 1, 1, "no-front-matter", message, "start it with '---'", Severity.WARNING)
            return Unreadable(path, (problem,))
        case Broken(at, rule, message, guess):
            return Unreadable(path, (Problem(path, *at, rule, message),), guess)
        case Document():
            return _Reader(path, document).task()


def _sound_task(path: str, fields: Fields) -> Task:
    """Return the task of a file of the usual form: the same as the YAML parser gives, in an eighth of the time."""
    needs = places_of(fields, "depends_on")
    status = Status(word_of(fields, "status") or Status.PENDING)
    return Task(
        id=word_of(fields, "id"),
        name=word_of(fields, "name"),
        path=path,
        status=status,
        status_text=status.value,
        depends_on=tuple(needs),
        level=word_of(fields, "level"),
        scope=word_of(fields, "scope"),
        risk=word_of(fields, "risk"),
        impact=word_of(fields, "impact"),
        tags=words_of(fields, "tags"),
        priority=word_of(fields, "priority"),
        assignee=word_of(fields, "assignee"),
        due=word_of(fields, "due"),
        touches=words_of(fields, "touches"),
        agent=word_of(fields, "agent"),
        model=word_of(fields, "model"),
        superseded_by=word_of(fields, "superseded_by"),
        id_at=Place(*unplace(place_of(fields, "id"))),
        status_at=Place(*unplace(place_of(fields, "status"))),
        dependencies_at=tuple(Place(*unplace(at)) for at in needs.values()),
    )


def read_row(data: bytes) -> Row:
    """Return the row of a task file (its problems without their path, so that it serves wherever the file lies)."""
    return row_of(data) or shortened(read_task("", data))


def too_large(path: str) -> Unreadable:
    """Return what is known of a file that is larger than a task file can be."""
    message = f"larger than {SIZE_LIMIT // 1024} KiB: not read"
    return Unreadable(path, (Problem(path, 1, 1, "too-large", message, "move it out of the task folder"),))


def branch_flaw(id: str) -> str:
    """Return why ``id`` cannot be the rest of a branch name, or ``""``. The rules are git-check-ref-format(1)'s."""
    parts = id.split("/")
    odd = next((c for c in id if c in " ~^:?*[\\" or unicodedata.category(c)[0] in "CZ"), "")
    flaws = (
        (not id, "is empty"),
        (odd, f"holds {odd!r}"),
        ("" in parts, "has an empty part between slashes"),
        (any(part.startswith(".") for part in parts), "has a part that starts with '.'"),
        (any(part.endswith(".lock") for part in parts), "has a part that ends in '.lock'"),
        (".." in id, "holds '..'"),
        ("@{" in id, "holds '@{'"),
        (id == "@", "is '@'"),
        (id.endswith("."), "ends in '.'"),
        (id.startswith("-"), "starts with '-'"),
        (len(id.encode("utf-8", "replace")) > 200, "is longer than 200 bytes"),
    )
    return next((words for is_so, words in flaws if is_so), "")


def mend(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return the file with the aliases written in our words, and what was changed (what is refused stays)."""
    task = read_task("", data)
    if isinstance(task, Unreadable):
        return data, ()
    changes = []
    if task.has_known_status and task.status_text != task.status:
        edited = set_scalar(data, "status", task.status)
        if not isinstance(edited, Refusal):
            changes.append(f"status: {task.status_text} -> {task.status}")
            data = edited
    edited = rename_key(data, "dependsOn", "depends_on")
    if not isinstance(edited, Refusal):
        changes.append("dependsOn -> depends_on")
        data = edited
    return data, tuple(changes)


class _Reader:
    """Reads the fields of one document and collects what is wrong with them."""

    def __init__(self, path: str, document: Document) -> None:
        self.path = path
        self.document = document
        self.problems: list[Problem] = []

    def task(self) -> Task | Unreadable:
        self.find_duplicates()
        id, id_at = self.word("id")
        name, _ = self.word("name")
        if not name:
            self.error(Place(), "missing-name", "the field 'name' is missing", "add 'name: ...'")
        if not id:
            self.error(Place(), "missing-id", "the field 'id' is missing", "add 'id: ...'")
            return Unreadable(self.path, tuple(sorted(self.problems)))
        if flaw := branch_flaw(id):
            self.error(id_at, "branch-name", f"id '{_short(id)}' {flaw}: it cannot be a branch name")
        status_text, status_at = self.word("status")
        needs = dict(self.dependencies())
        tags, touches = (tuple(word for word, _ in self.words(key)) for key in ("tags", "touches"))
        task = Task(
            id=id,
            name=name,
            path=self.path,
            status=self.status(status_text, status_at),
            status_text=status_text or Status.PENDING,
            depends_on=tuple(needs),
            level=self.enum("level"),
            scope=self.enum("scope"),
            risk=self.enum("risk"),
            impact=self.enum("impact"),
            tags=tags,
            priority=self.word("priority")[0],
            assignee=self.word("assignee")[0],
            due=self.word("due")[0],
            touches=touches,
            agent=self.word("agent")[0],
            model=self.word("model")[0],
            superseded_by=self.word("superseded_by")[0],
            id_at=id_at,
            status_at=status_at,
            dependencies_at=tuple(needs.values()),
        )
        return replace(task, problems=tuple(sorted(self.problems)))

    def error(self, at: Place, rule: str, message: str, fix: str = "") -> None:
        self.problems.append(Problem(self.path, *at, rule, message, fix))

    def warn(self, at: Place, rule: str, message: str, fix: str = "") -> None:
        self.problems.append(Problem(self.path, *at, rule, message, fix, Severity.WARNING))

    def find_duplicates(self) -> None:
        seen: set[str] = set()
        for item in self.document.fields:
            if item.name in seen:
                tell = self.error if item.name in _KNOWN else self.warn
                tell(item.key.at, "duplicate-key", f"'{item.name}' stands there twice", "keep one")
            seen.add(item.name)

    def word(self, key: str) -> tuple[str, Place]:
        """Return a field's one word and its place; ``""`` when absent, null or no word."""
        item = self.document.get(key)
        if item is None:
            return "", Place()
        if not isinstance(item.value, Scalar):
            self.error(item.value.at, "type", f"'{key}' must be one value, not {_form(item)}")
            return "", item.value.at
        return "" if item.value.is_null else item.value.text.strip(), item.value.at

    def words(self, key: str) -> Iterator[tuple[str, Place]]:
        """Yield the words of a list, each with its place."""
        item = self.document.get(key)
        rule = "dependency" if key in ("depends_on", "dependsOn") else "type"
        match item.value if item else None:
            case None:
                return
            case Scalar() as value:
                if not value.is_null:
                    self.warn(value.at, "list", f"'{key}' should be a list", f"{key}: [{value.text}]")
                    yield value.text.strip(), value.at
            case Items(items):
                for each in items:
                    if isinstance(each, Other):
                        self.error(each.at, rule, f"'{key}' holds {each.form.value}: it must hold words")
                    elif not each.is_null:
                        yield each.text.strip(), each.at
            case Other(form, at):
                self.error(at, rule, f"'{key}' must be a list, not {form.value}")

    def dependencies(self) -> Iterator[tuple[str, Place]]:
        if alias := self.document.get("dependsOn"):
            self.warn(alias.key.at, "alias", "dependsOn is read as 'depends_on'", "coord check --fix")
        yield from self.words("depends_on")
        yield from self.words("dependsOn")

    def status(self, words: str, at: Place) -> Status:
        if not words:
            return Status.PENDING
        status = status_of(words)
        if status is None:
            self.bad_word("status", words, at, tuple(Status))
            return Status.PENDING
        if words != status:
            self.warn(at, "alias", f"status '{words}' is read as '{status}'", "coord check --fix")
        return status

    def enum(self, key: str) -> str:
        words, at = self.word(key)
        if words and words not in ENUMS[key]:
            self.bad_word(key, words, at, ENUMS[key])
        return words

    def bad_word(self, key: str, words: str, at: Place, known: tuple[str, ...]) -> None:
        near = difflib.get_close_matches(words[:40].casefold(), known, 1)
        fix = f"did you mean '{near[0]}'?" if near else f"one of {', '.join(known)}"
        self.error(at, "enum", f"{key} '{_short(words)}' is unknown: {fix}", fix)


def _form(item: Field) -> str:
    return item.value.form.value if isinstance(item.value, Other) else "a list"


def _short(words: str) -> str:
    return re.sub(r"\s+", " ", words)[:40]
