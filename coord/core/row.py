"""A task as the lists of commands need it: one plain tuple, read from a file's bytes without any library.

A row is what ``coord.core.taskfile.read_task`` says, shortened; where a file is not of the usual form, that reader makes it.
Rows are kept in the cache under ``.git/coord``, so they hold nothing but texts, numbers and tuples.
"""

from coord.core.frontlines import Fields, Word, read_lines

STATUSES = ("pending", "in-progress", "completed", "failed", "blocked")

STATUS_ALIASES = {
    "done": "completed",
    "open": "pending",
    "in_progress": "in-progress",
    "in progress": "in-progress",
}

#: The words that a field may hold. ``status`` is apart: it has aliases.
ENUMS: dict[str, tuple[str, ...]] = {
    "level": ("planning", "decomposition", "implementation", "review", "research"),
    "scope": ("single", "narrow", "moderate", "broad", "system"),
    "risk": ("trivial", "low", "medium", "high", "critical"),
    "impact": ("isolated", "component", "phase", "project"),
}

#: A task file is a page of text; a larger one is a mistake, and reading it would cost every command.
SIZE_LIMIT = 1024 * 1024

#: The levels that are for people: no agent is started for them.
_FOR_PEOPLE = ("review", "planning")

_WORDS = frozenset(
    {*ENUMS, "id", "name", "status", "priority", "assignee", "due", "agent", "model", "superseded_by"}
)
_LISTS = frozenset({"depends_on", "tags", "touches"})
_SAFE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./"

#: Line, column, rule, message, fix and severity of something wrong with a file.
Flaw = tuple[int, int, str, str, str, str]

#: The fields of a task's row, by their place:
#: 0 id, 1 name, 2 status, 3 the status as reasons name it (the file's own word when nobody knows it), 4 what it depends
#: on, 5 level, 6 why no agent is started for it, 7 whether the file cannot be trusted, 8 the places of id, status and
#: dependencies (``place``), 9 what is wrong with the file.
TaskRow = tuple[str, str, str, str, tuple[str, ...], str, str, bool, tuple[int, ...], tuple[Flaw, ...]]

#: A file that states no task: None, the id that it seems to have, what is wrong with it.
OtherRow = tuple[None, str, tuple[Flaw, ...]]

Row = TaskRow | OtherRow


def place(line: int, column: int) -> int:
    """Return a place as one number (a row of 10,000 is loaded often)."""
    return line << 24 | column


def unplace(number: int) -> tuple[int, int]:
    """Return the line and column of a place."""
    return number >> 24, number & 0xFFFFFF


def apart(level: str, tags: tuple[str, ...], superseded_by: str) -> str:
    """Return why no agent is started for a task, or ``""`` when one may be."""
    if superseded_by:
        return f"superseded by {superseded_by}"
    if level in _FOR_PEOPLE:
        return f"level {level}"
    return "external trigger" if "external-trigger" in tags else ""


def sound_fields(data: bytes) -> Fields | None:
    """Return the fields of a task file with which nothing at all is wrong, or None when a reader must look closer."""
    if len(data) > SIZE_LIMIT:
        return None
    fields = read_lines(data)
    if fields is None or "dependsOn" in fields:
        return None
    if not _have_their_form(fields):
        return None
    status = fields.get("status")
    if status is not None and status[0] not in STATUSES:
        return None
    for key, known in ENUMS.items():
        if key in fields and (said := word_of(fields, key)) and said not in known:
            return None
    return fields if word_of(fields, "name") and _is_branch_name(word_of(fields, "id")) else None


def _have_their_form(fields: Fields) -> bool:
    """Say whether every field that we know is one word, or a list of words, as it should be."""
    for key, value in fields.items():
        if key in _WORDS:
            if isinstance(value, list):
                return False
        elif key in _LISTS and not (
            isinstance(value, list) and all(word[0] is None or word[0].strip() for word in value)
        ):
            return False
    return True


def row_of(data: bytes) -> TaskRow | None:
    """Return the row of a task file of the usual form, or None when ``read_task`` must be asked."""
    fields = sound_fields(data)
    if fields is None:
        return None
    needs = places_of(fields, "depends_on")
    status = word_of(fields, "status") or "pending"
    level = word_of(fields, "level")
    return (
        word_of(fields, "id"),
        word_of(fields, "name"),
        status,
        status,
        tuple(needs),
        level,
        apart(level, tuple(places_of(fields, "tags")), word_of(fields, "superseded_by")),
        False,
        (place_of(fields, "id"), place_of(fields, "status"), *needs.values()),
        (),
    )


def word_of(fields: Fields, key: str) -> str:
    """Return a field's one word; ``""`` when absent or null."""
    value: Word | None = fields.get(key)  # type: ignore[assignment]  # sound_fields has looked
    return value[0].strip() if value and value[0] is not None else ""


def place_of(fields: Fields, key: str) -> int:
    """Return the place of a field's one word, the file's start when it is absent."""
    value: Word | None = fields.get(key)  # type: ignore[assignment]  # sound_fields has looked
    return place(value[1], value[2]) if value else place(1, 1)


def places_of(fields: Fields, key: str) -> dict[str, int]:
    """Return the words of a list, each once, with the place where it stands last."""
    words: list[Word] = fields.get(key, [])  # type: ignore[assignment]  # sound_fields has looked
    return {word[0].strip(): place(word[1], word[2]) for word in words if word[0] is not None}


def words_of(fields: Fields, key: str) -> tuple[str, ...]:
    """Return the words of a list as they stand there."""
    words: list[Word] = fields.get(key, [])  # type: ignore[assignment]  # sound_fields has looked
    return tuple(word[0].strip() for word in words if word[0] is not None)


def _is_branch_name(id: str) -> bool:
    """Say whether ``id`` is beyond doubt the rest of a branch name; ``branch_flaw`` has all the rules."""
    return (
        bool(id)
        and not id.strip(_SAFE)
        and id[0] not in "-/."
        and id[-1] not in "/."
        and not any(flaw in id for flaw in ("//", "..", "/.", ".lock"))
        and len(id) <= 200
    )
