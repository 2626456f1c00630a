"""Histories made by hand: entries as they are read from a repository, with ids that tell what they are of."""

from __future__ import annotations

from dataclasses import replace

from coord.core.graph import TaskGraph
from coord.core.history import Entry, History, Kind, Local, Source
from coord.core.reviewcounts import Change, Material
from coord.core.settings import Settings
from coord.core.snapshot import Snapshot
from coord.core.task import Task
from coord.core.taskfile import read_task

DAY = 86400
T = 1_790_000_000


def make_task(id: str, **fields: str) -> Task:
    lines = {"id": id, "name": f"Do {id}", "status": "completed"} | fields
    text = "---\n" + "".join(f"{key}: {value}\n" for key, value in lines.items()) + "---\n"
    read = read_task(f"tasks/{id}.md", text.encode())
    assert isinstance(read, Task)
    return read


def a_landing(task: str, at: int, n: str = "1") -> Entry:
    tip, commit = oid(f"{task}{n}t"), oid(f"{task}{n}c")
    return Entry(
        at, Kind.LANDED, task, "check passed", Source.MAIN, branch=f"feat/{task}", tip=tip, commit=commit, main="0" * 40
    )  # fmt: skip


def a_conflict(task: str, at: int, path: str = "src/error.rs", other: str = "first", n: str = "1") -> Entry:
    return Entry(
        at, Kind.CONFLICT, task, f"conflict in {path}", Source.VERDICT, tip=oid(f"{task}{n}x"),
        commit=oid(f"{task}{n}v"), paths=(path,), others=(f"feat/{other}",),
    )  # fmt: skip


def a_red_gate(task: str, at: int, step: str = "make test", n: str = "1") -> Entry:
    return Entry(
        at, Kind.GATE_FAILED, task, f"{step} failed", Source.VERDICT, tip=oid(f"{task}{n}r"),
        commit=oid(f"{task}{n}w"), step=step,
    )  # fmt: skip


def an_event(kind: Kind, task: str, at: int, **fields: object) -> Entry:
    return replace(Entry(at, kind, task, "", Source.EVENT), **fields)


def oid(word: str) -> str:
    return word.encode().hex().ljust(40, "0")[-40:]


def material_of(*entries: Entry, tasks: tuple[Task, ...] = (), **fields: object) -> Material:
    """Return the material of a history; landings change ``src/<task>.rs`` unless ``changes`` say otherwise."""
    events = [entry.at for entry in entries if entry.source is Source.EVENT]
    now = max((entry.at for entry in entries), default=T) + 60
    snapshot = Snapshot(base="f" * 40, at=now, settings=Settings(), graph=TaskGraph.of(tasks))
    changes = tuple(
        Change(e.commit, (f"src/{e.task}.rs",), e.at - 120) for e in entries if e.kind is Kind.LANDED
    )
    material = Material(History(entries, Local(min(events, default=None))), snapshot, now, changes)
    return replace(material, **fields)
