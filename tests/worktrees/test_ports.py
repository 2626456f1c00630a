"""Ports are leased to one worktree, and given to another only when that one is gone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from coord.errors import CoordError
from coord.worktrees import ports

START = 23000

_LEASE = """
import sys
from pathlib import Path
from coord.worktrees import ports
sys.stdin.readline()
print(*ports.lease(Path(sys.argv[1]), Path(sys.argv[2]), count=5, start=23000))
"""


def _tree(folder: Path, name: str) -> Path:
    tree = folder / name
    tree.mkdir()
    (tree / ".git").touch()
    return tree


def test_processes_that_lease_at_once_never_get_one_port(tmp_path: Path) -> None:
    trees = [_tree(tmp_path, f"t{number}") for number in range(6)]
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", _LEASE, str(tmp_path / "state"), str(tree)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for tree in trees
    ]  # fmt: skip
    for each in asking:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    given = [port for each in asking for port in each.communicate()[0].split()]
    assert len(given) == 30
    assert len(set(given)) == 30


def test_a_worktree_keeps_its_ports_and_those_of_one_that_is_gone_are_taken_over(tmp_path: Path) -> None:
    a, b = _tree(tmp_path, "a"), _tree(tmp_path, "b")
    state = tmp_path / "state"
    first = ports.lease(state, a, count=2, start=START)
    assert ports.lease(state, a, count=2, start=START) == first
    assert ports.lease(state, a, count=3, start=START)[:2] == first
    assert set(ports.lease(state, b, count=2, start=START)).isdisjoint(first)
    (a / ".git").unlink()
    assert [lease.worktree for lease in ports.leases(state) if lease.is_stale] == [a]
    assert [lease.worktree for lease in ports.free_stale(state)] == [a]
    assert ports.lease(state, _tree(tmp_path, "c"), count=2, start=START) == first


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"worktree": 1, "ports": []}', '{"worktree": "/x", "ports": ["22"]}', "null"]
)
def test_a_lease_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    state = tmp_path / "state"
    (state / "ports").mkdir(parents=True)
    (state / "ports/x.json").write_text(text)
    assert ports.leases(state) == ()


def test_when_there_are_not_enough_it_is_said_and_nothing_is_leased(tmp_path: Path) -> None:
    with pytest.raises(CoordError, match="there are not 3 free ports from 65534 on"):
        ports.lease(tmp_path, _tree(tmp_path, "a"), count=3, start=65534)
    assert ports.leases(tmp_path) == ()


def test_ports_are_told_by_name(tmp_path: Path) -> None:
    assert ports.environment((1, 2, 3)) == {"COORD_PORT": "1", "COORD_PORT_2": "2", "COORD_PORT_3": "3"}
    assert ports.environment(()) == {}
    assert ports.lease(tmp_path, tmp_path, count=0, start=START) == ()
    assert json.dumps(list(tmp_path.iterdir())) == "[]"
