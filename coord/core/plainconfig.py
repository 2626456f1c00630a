"""A configuration of a few usual lines, known to be sound without TOML's reader (which takes as long to load as Python).

Like ``frontlines``, it only knows some lines that mean one thing: at anything else the answer is None, and
``coord.config.parse`` says what the file means and what is wrong with it.
"""

_FLAGS = ("true", "false")
_WORD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

#: What each key may say here; the task folder is any plain word.
_KNOWN: dict[str, tuple[str, ...]] = {
    "[project] tasks": (),
    "[land] strategy": ('"each"', '"batch"'),
    "[land] signal": ('"push"', '"explicit"'),
    "[land] require_dependencies": _FLAGS,
    "[land] unknown_branch": ('"ignore"', '"land"'),
    "[gate] profile": ('"cargo"', '"python"', '"node"', '"go"', '"none"'),
    "[server] main": ('"open"', '"closed"'),
}


def plain_folder(text: str) -> str | None:
    """Return the task folder of a configuration that has nothing but usual lines, else None."""
    table = ""
    seen = {}
    if not text.replace("\n", "").isprintable():
        return None
    for line in text.split("\n"):
        if line in ("[project]", "[land]", "[gate]", "[server]") and line not in seen:
            table = line
            seen[line] = ""
        elif line and line[0] != "#":
            key, equals, value = line.partition(" = ")
            name = f"{table} {key}"
            known = _KNOWN.get(name)
            if not equals or known is None or name in seen:
                return None
            if known and value not in known:
                return None
            if not known and (len(value) < 3 or value[0] + value[-1] != '""' or value[1:-1].strip(_WORD)):
                return None
            seen[name] = value
    return seen.get("[project] tasks", '"tasks"')[1:-1]
