"""A repository with many live branches, made by one ``git fast-import``: what the benchmarks work on.

5,000 files in 100 folders; main moves on by one commit for every 50 branches; each branch changes three to five files.
Most change files that nobody else changes; some share a file (on the same line or on another one), some bring a file
where another brings a folder, some rename a folder to which another adds a file.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

FOLDERS = 100
FILES = 50
LINES = 40


def path_of(number: int) -> str:
    """Return the path of a file of the first commit."""
    return f"src/m{number // FILES:03}/f{number % FILES:02}.txt"


def text_of(number: int, changed: dict[int, str] | None = None) -> str:
    """Return a file's text, with some lines changed."""
    lines = [f"file {number} line {line}" for line in range(LINES)]
    for line, words in (changed or {}).items():
        lines[line] = words
    return "\n".join(lines) + "\n"


class _Stream:
    """A fast-import stream."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.clock = 1_700_000_000

    def commit(self, ref: str, start: str, message: str) -> None:
        self.clock += 10
        head = f"commit {ref}\ncommitter Agent <agent@example.com> {self.clock} +0000\n{_data(message)}"
        self.parts.append((head + (f"from {start}\n" if start else "")).encode())

    def put(self, path: str, text: str) -> None:
        self.parts.append(f"M 100644 inline {path}\n{_data(text)}".encode())

    def rename(self, old: str, new: str) -> None:
        self.parts.append(f"R {old} {new}\n".encode())


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"


def build(folder: Path, branches: int, *, spread: bool = False) -> Path:
    """Make a bare repository with ``branches`` task branches and return its folder.

    ``spread``: each branch takes its files at random, so that many pairs share one.
    """
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    stream, chance = _Stream(), random.Random(20)
    stream.commit("refs/heads/main", "", "seed")
    for number in range(FOLDERS * FILES):
        stream.put(path_of(number), text_of(number))
    for number in range(branches):
        task = f"id: t{number:04}\nname: Task {number}\nstatus: pending\ndepends_on: []\n"
        stream.put(f"tasks/t{number:04}.md", f"---\n{task}---\n\n## Description\n\nDo it.\n")
    for number in range(branches // 10):
        for name in ("one", "two", "three"):
            stream.put(f"area/a{number:03}/{name}.txt", f"{name} of {number}\n" * 10)
    for number in range(branches):
        if number % 50 == 49:
            stream.commit("refs/heads/main", "", f"main {number}")
            stream.put(f"main/step{number}.txt", "a step of main\n")
        ref = f"refs/heads/feat/t{number:04}"
        stream.commit(ref, "refs/heads/main", f"work {number}\n\nCoord-Status: done\n")
        _work(stream, chance, number, spread=spread)
    stream.commit("refs/heads/main", "", "main at the end")
    stream.put("main/end.txt", "the end\n")
    subprocess.run(
        ["git", "-C", str(folder), "fast-import", "--quiet"], input=b"".join(stream.parts), check=True
    )
    return folder


def _work(stream: _Stream, chance: random.Random, number: int, *, spread: bool) -> None:
    own = [number * 4 + at for at in range(3)]
    if spread:
        own = chance.sample(range(FOLDERS * FILES), chance.randint(3, 5))
    for file in own:
        line = chance.randrange(LINES)
        stream.put(path_of(file), text_of(file, {line: f"branch {number}"}))
    pair, second = divmod(number, 2)
    match pair % 10:
        case 0:
            stream.put(path_of(4999 - pair), text_of(4999 - pair, {3: f"branch {number}"}))
        case 1:
            line = 30 if second else 3
            stream.put(path_of(4999 - pair), text_of(4999 - pair, {line: f"branch {number}"}))
        case 2:
            stream.put(f"new/n{pair}/inside" if second else f"new/n{pair}", f"branch {number}\n")
        case 3 if second:
            stream.put(f"area/a{pair // 10:03}/added.txt", f"branch {number}\n")
        case 3:
            stream.rename(f"area/a{pair // 10:03}", f"area/b{pair // 10:03}")
        case _:
            stream.put(f"new/own{number}.txt", f"branch {number}\n")
