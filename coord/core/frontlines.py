"""Front matter of the usual form, read line by line: what a YAML parser says of it, in a fraction of the time.

Only what cannot be read in two ways is taken: one ``key: value`` a line, plain or quoted words, lists of words. At the
first line that is anything else the answer is None, and the caller asks the YAML parser. So this reader never decides
what YAML means; it only knows some lines that mean one thing.
"""

#: A page of values; what is longer is left to the reader that says so.
LIMIT = 64 * 1024

#: A word with its line and column, counted from 1; None stands for YAML's null.
Word = tuple[str | None, int, int]

#: What each key has: one word, or the words of a list.
Fields = dict[str, Word | list[Word]]

_KEY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_NULLS = ("null", "Null", "NULL", "~")
#: What a plain word may start with beside letters and digits: none of YAML's indicators.
_OPENERS = "_/.(+"


def read_lines(data: bytes) -> Fields | None:
    """Return the fields of a document whose front matter has the usual form, else None."""
    front = _front(data)
    if front is None:
        return None
    fields: Fields = {}
    items: list[Word] | None = None
    for number, line in enumerate(front.split("\n"), 2):
        if not line or line[0] == "#":
            continue
        if line[0] in " -":
            item = _item(line, number)
            if items is None or item is None or (items and item[2] != items[0][2]):
                return None
            items.append(item)
            continue
        key, colon, rest = line.partition(":")
        bare = rest.strip(" ")
        if not colon or not _is_key(key) or key in fields or (bare and rest[0] != " "):
            return None
        if bare:
            value = _value(bare, number, len(line) - len(rest.lstrip(" ")) + 1)
            if value is None:
                return None
            fields[key], items = value, None
        else:
            fields[key] = items = []
    return fields


def _front(data: bytes) -> str | None:
    """Return what stands between the fences, or None when it has anything but lines of plain characters."""
    end = data.find(b"\n---", 3)
    if not data.startswith(b"---\n") or end < 0 or end > LIMIT or data[end + 4 : end + 5] not in (b"\n", b""):
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    front = text[4 : text.find("\n---", 3)]
    return front if front.replace("\n", "").isprintable() else None


def _is_key(key: str) -> bool:
    return bool(key) and not key.strip(_KEY) and key[0] != "-" and len(key) <= 100


def _item(line: str, number: int) -> Word | None:
    """Read ``  - word``."""
    rest = line.lstrip(" ")
    if not rest.startswith("- "):
        return None
    bare = rest[2:].strip(" ")
    return _word(bare, number, len(line) - len(rest[1:].lstrip(" ")) + 1)


def _value(bare: str, number: int, column: int) -> Word | list[Word] | None:
    if bare[0] != "[":
        return _word(bare, number, column)
    if bare[-1] != "]":
        return None
    inner = bare[1:-1]
    if not inner.strip(" "):
        return []
    words: list[Word] = []
    at = column + 1
    for piece in inner.split(","):
        bare = piece.strip(" ")
        word = _word(bare, number, at + len(piece) - len(piece.lstrip(" ")))
        # A plain word inside brackets must not hold what means something there.
        if word is None or (bare[0] not in "\"'" and any(mark in bare for mark in "[]{}:?#")):
            return None
        words.append(word)
        at += len(piece) + 1
    return words


def _word(bare: str, number: int, column: int) -> Word | None:
    """Read a plain or quoted word, or say None when it might be anything else."""
    first = bare[:1]
    if first in ("'", '"'):
        inner = bare[1:-1]
        closed = len(bare) > 1 and bare[-1] == first
        return (inner, number, column) if closed and first not in inner and "\\" not in inner else None
    if not (first.isalnum() or first in _OPENERS) or not first:
        return None
    if ": " in bare or " #" in bare or bare[-1] == ":":
        return None
    return (None if bare in _NULLS else bare, number, column)
