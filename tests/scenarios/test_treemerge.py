"""Merges that are made here from trees are the ones that git makes: random repositories, all edits, both asked."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from coord.core.answer import Conflicted
from coord.core.treemerge import merge_plainly
from coord.git import Git
from tests.world import World

_NAMES = ("a", "b", "c")
_SIDES = ("ours", "theirs")


def _seed_files(chance: random.Random) -> dict[str, str]:
    """Files in nested folders; contents are long and alike, so that git sees renames."""
    files = {}
    for folder in ("x/", "x/in/", "y/", ""):
        for name in _NAMES:
            if chance.random() < 0.8:
                files[folder + name] = "".join(f"{folder}{name} line {line}\n" for line in range(12))
    return files


def _edited(files: dict[str, str], chance: random.Random) -> dict[str, str]:
    """Change, add, delete, move a file, or move a whole folder."""
    now = dict(files)
    for _ in range(chance.randint(1, 2)):
        kind = chance.choice(
            ("change", "change", "add", "add", "delete", "move", "move folder", "file for folder")
        )
        path = chance.choice(sorted(now))
        match kind:
            case "change":
                now[path] += f"more {chance.random()}\n"
            case "add":
                now[chance.choice(("x/", "x/in/", "y/", "z/", "")) + chance.choice("nmop")] = (
                    f"{chance.random()}\n"
                )
            case "delete":
                del now[path]
            case "move":
                now[chance.choice(("x/", "y/", "z/", "")) + chance.choice("rst")] = now.pop(path)
            case "move folder":
                old = chance.choice(("x/in/", "x/", "y/"))
                now = {(f"w/{p.removeprefix(old)}" if p.startswith(old) else p): t for p, t in now.items()}
            case _:
                now = {p: t for p, t in now.items() if not p.startswith("y/")} | {"y": "a file\n"}
        if not now:
            now["left"] = "one\n"
    return {p: t for p, t in now.items() if not any(other.startswith(p + "/") for other in now)}


def _store(world: World, at: Path, stream: list[str]) -> None:
    world.git("fast-import", "--quiet", "--force", at=at, data="".join(stream))


def _commit(ref: str, files: dict[str, str], parent: str) -> str:
    lines = [f"commit refs/heads/{ref}\ncommitter A <a@example.com> 1700000000 +0000\ndata 1\nx\n"]
    lines += [f"from refs/heads/{parent}\n"] if parent else []
    lines.append("deleteall\n")
    lines += [f"M 100644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in sorted(files.items())]
    return "".join(lines) + "\n"


@pytest.mark.parametrize("seed", range(4))
def test_a_plain_merge_is_the_merge_that_git_makes(world: World, seed: int) -> None:
    chance = random.Random(seed)
    at = world.root / "random.git"
    world.git("init", "-q", "--bare", str(at), at=world.root)
    rounds = 60
    stream = []
    for number in range(rounds):
        files = _seed_files(chance) or {"one": "1\n"}
        stream.append(_commit(f"base{number}", files, ""))
        stream += [_commit(f"{side}{number}", _edited(files, chance), f"base{number}") for side in _SIDES]
    _store(world, at, stream)
    git = Git(at)
    oids = {ref.name.removeprefix("refs/heads/"): ref.oid for ref in git.refs("refs/heads/")}
    plain = 0
    for number in range(rounds):
        commits = [oids[f"{name}{number}"] for name in ("base", "ours", "theirs")]
        base, ours, theirs = (git.objects.commit(oid).tree for oid in commits)
        merged = merge_plainly(base, ours, theirs, git.objects.tree)
        if merged is None:
            continue
        plain += 1
        answer = git.merge(commits[1], commits[2])
        assert not isinstance(answer, Conflicted), (number, answer)
        assert merged[0] == answer.tree, number
    assert plain > rounds // 5
