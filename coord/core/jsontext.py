"""JSON as every command prints it, written without the json module (whose import costs a command half its time).

The text is that of ``json.dumps(indent=2, sort_keys=True, ensure_ascii=False)``; a value of a kind that is not known here
raises TypeError, and the caller uses ``json``.
"""

try:
    from _json import encode_basestring as quoted
except ImportError:  # another Python than CPython
    from json.encoder import encode_basestring as quoted

__all__ = ["encode", "escaped_halves", "quoted"]


def encode(value: object, newline: str = "\n") -> str:
    """Return ``value`` as JSON; ``newline`` holds the indentation that it stands in."""
    kind = type(value)
    if kind is str:
        return quoted(value)  # type: ignore[arg-type]
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    inner = newline + "  "
    if kind is list or kind is tuple:
        items = [quoted(item) if type(item) is str else encode(item, inner) for item in value]  # type: ignore[attr-defined]
        return "[" + inner + ("," + inner).join(items) + newline + "]" if items else "[]"
    if kind is dict:
        pairs = [
            quoted(key) + ": " + (quoted(item) if type(item) is str else encode(item, inner))
            for key, item in sorted(value.items())  # type: ignore[attr-defined]
        ]
        return "{" + inner + ("," + inner).join(pairs) + newline + "}" if pairs else "{}"
    raise TypeError(kind.__name__)


def escaped_halves(json_text: str) -> str:
    """Return JSON in which bytes that were not UTF-8 (surrogates, as Python holds them) are written as JSON escapes.

    Reading it gives the same text back, so that a path stays the path that it was.
    """
    return json_text.encode("utf-8", "backslashreplace").decode("utf-8")
