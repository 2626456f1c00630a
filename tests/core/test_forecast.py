"""No pair that would conflict is left unasked: what the forecast asks, compared with asking git about every pair."""

from __future__ import annotations

import subprocess
import tempfile
from itertools import combinations
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coord.core.forecast import Marks, Shared, above, choose, hubs, meet, numbers, partners
from coord.core.merges import Changes, read_changes, read_merges

PATHS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=3).map("/".join)
SETS = st.frozensets(PATHS, max_size=4)
CHANGES = st.builds(Changes, SETS, SETS, SETS, SETS)


def _marks(*paths: str, added: tuple[str, ...] = (), gone: tuple[str, ...] = ()) -> Marks:
    return Marks.of(Changes(frozenset((*paths, *added)), frozenset(added), frozenset(), frozenset(gone)))


@given(st.lists(CHANGES, max_size=6))
def test_partners_are_the_pairs_of_which_one_is_known_by_what_the_other_touches(
    changes: list[Changes],
) -> None:
    sides = [Marks.of(item) for item in changes]
    found = partners(sides)
    for one, other in combinations(range(len(sides)), 2):
        a, b = sides[one], sides[other]
        expected = bool(
            a.paths & (b.paths | b.folders) or a.folders & b.paths or a.gone & b.into or a.into & b.gone
        )
        assert bool(found[one] >> other & 1) == bool(found[other] >> one & 1) == expected
        # With main a little more is asked.
        assert meet(a, b) or not expected


@given(PATHS)
def test_a_path_lies_in_each_folder_above_it(path: str) -> None:
    parts = path.split("/")
    assert above([path]) == {"/".join(parts[:n]) for n in range(1, len(parts))}


@given(st.lists(CHANGES, max_size=7), st.integers(0, 12), st.data())
def test_what_is_asked_and_what_is_not_are_all_pairs_that_meet(
    changes: list[Changes], limit: int, data: st.DataObject
) -> None:
    sides = [Marks.of(item) for item in changes]
    indices = st.frozensets(st.integers(0, len(sides) - 1)) if sides else st.just(frozenset[int]())
    wanted, out = data.draw(indices), data.draw(indices)
    everything = choose(sides, wanted, out, None)
    some = choose(sides, wanted, out, limit)

    met = partners(sides)
    expected = {
        (one, other)
        for one, other in combinations(range(len(sides)), 2)
        if met[one] >> other & 1 and not {one, other} & out and {one, other} & wanted
    }
    assert set(everything.pairs) == expected
    assert everything.unasked == 0
    assert some.pairs == everything.pairs[:limit]
    assert some.unasked == len(everything.pairs[limit:])
    left = everything.pairs[limit:]
    assert {path: frozenset(numbers(bits)) for path, bits in some.may} == {
        path: sharers
        for path in {path for side in sides for path in side.paths}
        if (
            sharers := frozenset(
                n for pair in left for n in pair if all(path in sides[m].paths for m in pair)
            )
        )
    }


def test_a_thousand_branches_on_one_file_are_counted_not_listed() -> None:
    sides = [_marks("hub", f"own/{number}") for number in range(1000)]
    asked = choose(sides, range(1000), (), 2000)
    assert (len(asked.pairs), asked.unasked) == (2000, 497_500)
    assert [path for path, _ in asked.may] == ["hub"]


def test_a_thousand_branches_that_add_to_one_folder_meet_nobody() -> None:
    sides = [_marks(added=(f"src/{number}",)) for number in range(1000)]
    assert not any(partners(sides))
    # Until one takes the folder away, or puts a file in its place.
    assert partners([*sides, _marks("src/old", gone=("src",))])[1000].bit_count() == 1000
    assert partners([*sides, _marks(added=("src",))])[1000].bit_count() == 1000


def test_a_file_is_a_hub_when_three_branches_change_it() -> None:
    paths = {"c": {"x", "y"}, "a": {"x", "y"}, "b": {"y"}, "d": {"y", "z"}, "e": {"x"}}
    assert hubs(paths) == (Shared("y", ("a", "b", "c", "d")), Shared("x", ("a", "c", "e")))


def test_folders_are_told_from_files_by_what_follows_them() -> None:
    said = [
        COMMIT,
        "D",
        "d",
        "D",
        "d/1",
        "A",
        "x",
        "D",
        "x",
        "D",
        "x/y",
        "M",
        "s",
        "M",
        "s/1",
        COMMIT,
        COMMIT,
        "T",
        "l",
        "",
    ]
    first, nothing, last = read_changes("\0".join(said))
    assert first == Changes(
        paths=frozenset({"d/1", "x", "x/y", "s/1"}),
        added=frozenset({"x"}),
        deleted=frozenset({"d/1", "x/y"}),
        gone=frozenset({"d", "x"}),
    )
    assert nothing == Changes()
    assert last.paths == {"l"}


@given(st.text(alphabet="01a\0\n: ", max_size=60))
def test_an_answer_that_is_cut_off_gives_fewer_merges_and_no_error(text: str) -> None:
    assert len(read_merges(text, [("b", "t")] * 3)) <= 3


# -- against git ---------------------------------------------------------------------------------------------------

#: A small tree: path -> (mode, content); folders nest and files have enough lines to be known again after a rename.
FOLDERS = ("d", "d/e", "f", "g/h")
NAMES = ("1", "2", "3")
ALL = [f"{folder}/{name}" for folder in FOLDERS for name in NAMES] + ["top"]
COMMIT = "1" * 40

STEPS = st.one_of(
    st.tuples(st.just("edit"), st.sampled_from(ALL), st.integers(0, 9)),
    st.tuples(st.just("delete"), st.sampled_from(ALL), st.just(0)),
    st.tuples(st.just("add"), st.sampled_from([*(f"{f}/new" for f in FOLDERS), "d", "f", "x", "x/y", "top/z"]), st.integers(0, 2)),
    st.tuples(st.just("move"), st.sampled_from(ALL), st.sampled_from(["moved", "f/moved", "d/moved", "x/y"])),
    st.tuples(st.just("move folder"), st.sampled_from(FOLDERS), st.sampled_from(["n", "f/n", "d", "x", "g"])),
    st.tuples(st.just("empty folder"), st.sampled_from(FOLDERS), st.just(0)),
    st.tuples(st.just("mode"), st.sampled_from(ALL), st.just("100755")),
    st.tuples(st.just("link"), st.sampled_from(ALL), st.integers(0, 1)),
    st.tuples(st.just("module"), st.sampled_from([*ALL, "mod", "x"]), st.sampled_from(["1", "2"])),
)  # fmt: skip

Tree = dict[str, tuple[str, str]]


def _text(path: str) -> str:
    return "".join(f"{path} line {n}\n" for n in range(10))


BASE: Tree = {path: ("100644", _text(path)) for path in ALL}


def _put(tree: Tree, path: str, entry: tuple[str, str]) -> Tree:
    """Put an entry, and take away what it hides: files below it, a file above it."""
    kept = {p: e for p, e in tree.items() if not p.startswith(path + "/") and not path.startswith(p + "/")}
    return kept | {path: entry}


def _without(tree: Tree, path: str) -> Tree:
    return {p: e for p, e in tree.items() if p != path and not p.startswith(path + "/")}


def _step(tree: Tree, step: tuple[str, str, object]) -> Tree:
    verb, path, how = step
    below = sorted(p for p in tree if p.startswith(path + "/"))
    mode, text = tree.get(path, ("", ""))
    match verb:
        case "add":
            return _put(tree, path, ("100644", f"new {how}\n"))
        case "module":
            return _put(tree, path, ("160000", str(how) * 40))
        case "move folder":
            for name in below:
                tree = _put(_without(tree, name), f"{how}/{name[len(path) + 1 :]}", tree[name])
            return tree
        case "delete" | "empty folder":
            return _without(tree, path)
        case "move" if mode:
            return _put(_without(tree, path), str(how), (mode, text))
        case "mode" | "link" | "edit" if mode == "100644":
            lines = text.splitlines()
            lines[int(str(how)) % len(lines)] += " edited"
            changed = {"mode": ("100755", text), "link": ("120000", f"target{how}")}
            return tree | {path: changed.get(verb, (mode, "\n".join(lines) + "\n"))}
    return tree


def _after(tree: Tree, steps: list[tuple[str, str, object]]) -> Tree:
    for step in steps:
        tree = _step(tree, step)
    return tree


class Repository:
    """Commits made with fast-import, and merges asked as landing asks them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q", "--bare", ".")
        self.stream: list[bytes] = []
        self.count = 0

    def run(self, *args: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        configuration = (
            "merge.directoryRenames=conflict",
            "diff.algorithm=histogram",
            "user.name=a",
            "user.email=a@b",
        )
        words = [word for setting in configuration for word in ("-c", setting)]
        return subprocess.run(["git", *words, *args], cwd=self.folder, input=data, capture_output=True)

    def git(self, *args: str, data: bytes = b"") -> str:
        answer = self.run(*args, data=data)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.decode("utf-8", "surrogateescape")

    def commits(self, made: list[tuple[Tree, tuple[int, ...]]]) -> list[str]:
        """Make commits (parents as indices of earlier ones) and return their ids."""
        parts = []
        for number, (tree, parents) in enumerate(made, 1):
            parts.append(
                f"commit refs/heads/c{number}\nmark :{number}\ncommitter a <a@b> {1700000000 + number} +0000\ndata 1\nx\n"
            )
            parts += [
                f"{word} :{parent + 1}\n"
                for word, parent in zip(("from", "merge", "merge"), parents, strict=False)
            ]
            parts.append("deleteall\n")
            for path, (mode, text) in sorted(tree.items()):
                content = text if mode == "160000" else "inline"
                parts.append(f"M {mode} {content} {path}\n")
                if mode != "160000":
                    parts.append(f"data {len(text.encode())}\n{text}\n")
        self.git("fast-import", "--quiet", "--force", data="".join(parts).encode())
        names = [f"refs/heads/c{number}" for number in range(1, len(made) + 1)]
        return self.git("rev-parse", *names).split()

    def changes(self, lines: list[tuple[str, str]]) -> tuple[Changes, ...]:
        args = ("diff-tree", "--stdin", "-r", "-t", "-z", "--name-status", "--no-renames", "--always")
        return read_changes(self.git(*args, data="".join(f"{a} {b}\n" for a, b in lines).encode()))

    def conflicts(self, base: str, tip: str) -> tuple[bool, str]:
        """Say whether two commits conflict, and which tree the merge gives."""
        words = ("merge-tree", "--write-tree", "--name-only", base, tip)
        answer = self.run(*words)
        assert answer.returncode in (0, 1), answer.stderr
        return answer.returncode == 1, answer.stdout.decode().split("\n", 1)[0]


SOME = st.lists(STEPS, min_size=1, max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(SOME, min_size=2, max_size=4),
    st.lists(STEPS, max_size=3),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_no_pair_that_git_finds_in_conflict_is_left_unasked(
    branches: list[list[tuple[str, str, object]]], main: list[tuple[str, str, object]], late: list[bool]
) -> None:
    """Branches that forked before and after main moved; each pair is merged as landing would: main with one, then other."""
    with tempfile.TemporaryDirectory() as folder:
        repo = Repository(Path(folder))
        on_main = _after(BASE, main)
        made: list[tuple[Tree, tuple[int, ...]]] = [(BASE, ()), (on_main, (0,))]
        made += [
            (_after(on_main if after else BASE, steps), (1 if after else 0,))
            for steps, after in zip(branches, late, strict=False)
        ]
        seed, tip, *tips = repo.commits(made)
        forks = [tip if after else seed for _, after in zip(tips, late, strict=False)]
        own = repo.changes(list(zip(tips, forks, strict=True)))
        (gained,) = repo.changes([(tip, seed)])

        trees = [repo.conflicts(tip, branch) for branch in tips]
        asked_of_main = [
            fork == seed and meet(Marks.of(changes), Marks.of(gained))
            for fork, changes in zip(forks, own, strict=True)
        ]
        for (conflict, _), asked in zip(trees, asked_of_main, strict=True):
            assert asked or not conflict

        merged = [
            repo.git("commit-tree", tree, "-p", tip, "-p", branch, "-m", "x").strip()
            for (_, tree), branch in zip(trees, tips, strict=True)
        ]
        on_top = repo.changes([(commit, tip) for commit in merged])
        sides = [
            Marks.of(mine | theirs if asked else mine)
            for mine, theirs, asked in zip(own, on_top, asked_of_main, strict=True)
        ]
        met = partners(sides)
        for one, other in combinations(range(len(tips)), 2):
            if trees[one][0] or trees[other][0]:
                continue
            conflict, _ = repo.conflicts(merged[one], tips[other])
            assert met[one] >> other & 1 or not conflict, (branches, main, late, one, other)
