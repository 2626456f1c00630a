"""Objects made here have the ids that git gives them, and grafting changes nothing but the path."""

from __future__ import annotations

import subprocess
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from coord.core.objects import (
    Entry,
    GitObject,
    Kind,
    Signature,
    changed_paths,
    graft,
    make,
    make_commit,
    make_pack,
    make_tree,
    parse_commit,
    parse_tree,
    tree_files,
)
from coord.core.settings import Identity

NAMES = st.sampled_from(["a", "a-b", "a.b", "b", "lib", "tasks", "\u00fc", "z"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


class Store:
    """Trees by id, as a repository would give them."""

    def __init__(self) -> None:
        self.objects: dict[str, GitObject] = {}
        self.empty = self.add((make_tree(()),))

    def add(self, objects: tuple[GitObject, ...]) -> str:
        self.objects |= {item.oid: item for item in objects}
        return objects[-1].oid

    def read(self, oid: str) -> tuple[Entry, ...]:
        return parse_tree(self.objects[oid].body)

    def put(self, tree: str, path: str, entry: tuple[str, str] | None) -> str:
        made, objects = graft(tree, path, entry, self.read)
        self.add(objects)
        return made

    def listing(self, tree: str) -> dict[str, str]:
        return {file.path: file.oid for file in tree_files(tree, self.read)}


def test_ids_are_those_of_git_and_git_takes_the_pack(tmp_path: Path) -> None:
    def git(*args: str, data: bytes = b"") -> str:
        return (
            subprocess.run(["git", *args], cwd=tmp_path, input=data, capture_output=True, check=True)
            .stdout.decode()
            .strip()
        )

    git("init", "-q")
    blob = make(Kind.BLOB, b"hello\n")
    tree = make_tree(
        [
            Entry(b"a.txt", "100644", blob.oid),
            Entry(b"a", "40000", make_tree(()).oid),
            Entry(b"x", "100755", blob.oid),
        ]
    )
    signature = Signature(Identity("N\u00e4me", "n@x"), "1700000000 +0200", 1700000001)
    commit = make_commit(tree.oid, (), "subject\n\nbody\n", signature)

    git("unpack-objects", "-q", "--strict", data=make_pack([blob, make_tree(()), tree, commit, blob]))

    assert blob.oid == git("hash-object", "--stdin", data=b"hello\n")
    assert git("fsck", "--strict") in ("", f"dangling commit {commit.oid}")
    assert git("log", "-1", "--format=%an %ad %cn %ct %s", "--date=raw", commit.oid) == (
        "N\u00e4me 1700000000 +0200 N\u00e4me 1700000001 subject"
    )
    raw = subprocess.run(
        ["git", "cat-file", "tree", tree.oid], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    assert parse_tree(raw) == parse_tree(tree.body)
    read = parse_commit(commit.oid, commit.body)
    assert (read.tree, read.parents, read.author_date, read.committed, read.subject) == (
        tree.oid, (), "1700000000 +0200", 1700000001, "subject",
    )  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.tuples(PATHS, st.booleans()), max_size=12))
def test_grafting_changes_the_path_and_what_it_hides_and_nothing_else(steps: list[tuple[str, bool]]) -> None:
    store = Store()
    tree = store.empty
    expected: dict[str, str] = {}
    for number, (path, keep) in enumerate(steps):
        blob = make(Kind.BLOB, str(number).encode()).oid
        tree = store.put(tree, path, ("100644", blob) if keep else None)
        below = [p for p in expected if p == path or p.startswith(path + "/")]
        above = [p for p in expected if path.startswith(p + "/")]
        for hidden in below + (above if keep else []):
            del expected[hidden]
        if keep:
            expected[path] = blob
        assert store.listing(tree) == expected
    again = store.empty
    for path, blob in sorted(expected.items()):
        again = store.put(again, path, ("100644", blob))
    assert again == tree


@settings(deadline=None)
@given(
    st.dictionaries(PATHS, st.integers(0, 3), max_size=8),
    st.dictionaries(PATHS, st.integers(0, 3), max_size=8),
)
def test_changed_paths_are_those_whose_content_differs(one: dict[str, int], other: dict[str, int]) -> None:
    store = Store()
    trees = []
    for files in (one, other):
        tree = store.empty
        for path, content in sorted(files.items()):
            tree = store.put(tree, path, ("100644", make(Kind.BLOB, str(content).encode()).oid))
        trees.append(tree)
    old, new = (store.listing(tree) for tree in trees)
    assert changed_paths(*trees, store.read) == {
        p for p in old.keys() | new.keys() if old.get(p) != new.get(p)
    }
