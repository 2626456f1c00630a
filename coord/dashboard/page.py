"""The page: one HTML file that holds everything it needs. Jinja2 escapes foreign text, JSON cannot end its element."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from coord import __version__
from coord.core.drawing import signs
from coord.core.timeline import KINDS, Moment, Timeline, kind_of, timeline
from coord.dashboard.words import ago, anchor, counted, iso, size, turn, unsaid, utc

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

#: The parts of the page, each a macro of ``parts.html.j2``; with a title and where the number of rows is they are in the
#: contents.
PARTS = (
    "head",
    "blocked",
    "queue",
    "waiting",
    "forecast",
    "timeline",
    "sessions",
    "worktrees",
    "drift",
    "tasks",
)
SCHEMA = "coord/dashboard/1"

_SCRIPTS = ("base.js", "graph.js", "draw.js", "choose.js", "page.js")
_LIBRARY = "vendor/dagre.min.js"


@dataclass(frozen=True, slots=True)
class Page:
    """A page as text, and a name of what it says that is the same while only the time of the look changes."""

    text: str
    tag: str


def make_page(facts: Mapping[str, Any], *, served: bool = False) -> Page:
    """Return the page of ``facts`` (``core.dashboard.page_facts``); a ``served`` one asks its server for news."""
    parts = {name: _part(name, facts) for name in PARTS}
    text = _environment().get_template("page.html.j2").render(
        parts=parts,
        contents=_contents(facts),
        json=embedded({"schema": SCHEMA, "data": facts}),
        policy=policy(served=served),
        title=f"coord: {facts['head']['main']}",
        style=_style(),
        script=_script(),
        layout=_layout(),
        signs=signs(),
        kinds=KINDS,
        served=served,
        version=__version__,
    )  # fmt: skip
    lasting = {**facts, "head": {**facts["head"], "at": 0}}
    return Page(text, _digest(json.dumps([lasting, text.count("\n"), __version__], sort_keys=True)))


def embedded(value: object) -> str:
    """Return JSON that can stand in an HTML element: ASCII, and no sign in it begins a tag or an entity."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def policy(*, served: bool) -> str:
    """Return the page's Content-Security-Policy: its own style and script by their hashes, nothing from elsewhere."""
    rules = (
        "default-src 'none'",
        f"script-src {_hash(_script())}",
        f"style-src {_hash(_style())}",
        "worker-src blob:",
        "img-src data:",
        f"connect-src {chr(39)}self{chr(39)}" if served else "connect-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(rules)


def _contents(facts: Mapping[str, Any]) -> list[tuple[str, str, int | None]]:
    forecast = facts["forecast"]
    return [
        ("blocked", "Blocked", len(facts["blocked"])),
        ("queue", "Queue", len(facts["queue"])),
        ("waiting", "Waiting", len(facts["waiting"])),
        ("graph", "Graph", None),
        ("forecast", "Conflicts", len(forecast["with_main"]) + len(forecast["pairs"])),
        ("timeline", "Timeline", None),
        ("sessions", "Sessions", len(facts["sessions"])),
        ("worktrees", "Worktrees", len(facts["worktrees"])),
        ("drift", "Drift", len(facts["drift"])),
        ("tasks", "Tasks", len(facts["graph"]["tasks"])),
    ]


def _part(name: str, facts: Mapping[str, Any]) -> Markup:
    from markupsafe import Markup

    macro = getattr(_environment().get_template("parts.html.j2").make_module(_filters_of(facts)), name)
    text = macro(facts)
    return Markup('<div data-part="{}" data-version="{}">{}</div>').format(name, _digest(text), text)


def _filters_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the parts ask about these facts: names of rows, ages at the time of the look, the timeline."""
    graph = facts["graph"]
    number = {task["id"]: n for n, task in enumerate(graph["tasks"])}
    needs: dict[int, list[int]] = {}
    for need, n in sorted([*graph["edges"], *graph["implied"]]):
        needs.setdefault(n, []).append(need)
    return {
        "anchor": partial(anchor, number),
        "ago": partial(ago, facts["head"]["at"]),
        "needs_of": lambda n: needs.get(n, []),
        "chart": _chart(facts["history"]["entries"]),
    }


def _chart(entries: list[Mapping[str, Any]]) -> Timeline:
    return timeline(
        [
            Moment(
                entry["at"], entry["kind"], f"{entry['task']}: {entry['kind']}, {utc(entry['at'])}. {entry['reason']}"
            )
            for entry in entries
        ]
    )  # fmt: skip


# -- what the page is made of ---------------------------------------------------------------------------------------


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("coord", "templates/dashboard"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    known = signs()
    environment.filters |= {
        "look": lambda status: status if status in known else "unknown", "unsaid": unsaid,
        "kind": kind_of, "utc": utc, "iso": iso, "bytes": size, "turn": turn, "counted": counted,
        "chart_words": lambda counts: "Timeline: " + ", ".join(f"{n} {kind}" for kind, n in counts.items()),
    }  # fmt: skip
    return environment


@cache
def _read(name: str) -> str:
    return files("coord").joinpath("templates", "dashboard", name).read_text("utf-8")


@cache
def _style() -> str:
    return _read("style.css")


@cache
def _script() -> str:
    return "".join(map(_read, _SCRIPTS))


@cache
def _layout() -> str:
    """Return what the worker runs: the library with its licence, without the name of a map that is not there."""
    library = _read(_LIBRARY).split("//# sourceMappingURL")[0]
    return "\n".join([_read(f"{_LIBRARY}.LEGAL.txt"), library, _read("layout.js")])


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
