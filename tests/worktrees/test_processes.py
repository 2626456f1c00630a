"""Which process is meant, which were left behind, and that ending them ends them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coord.processes import (
    ProcessId,
    end,
    end_group,
    identify,
    is_running,
    leftovers,
    of_any_session,
    own,
)

Start = Callable[..., "subprocess.Popen[bytes]"]


def _found(folder: Path | None, *secrets: str) -> set[int]:
    return {process.id.pid for process in leftovers(folder, secrets)}


def test_a_process_is_known_by_number_start_and_boot() -> None:
    me = own()
    assert is_running(me)
    assert ProcessId.from_json(me.to_json()) == me
    assert not is_running(replace(me, start=me.start - 1))
    assert not is_running(replace(me, boot="another start of the machine"))
    assert identify(2**22 + 1) is None


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {},
        "1",
        {"pid": "1", "start": 1, "boot": ""},
        {"pid": 0, "start": 1.0, "boot": "x"},
        {"pid": 1, "boot": "x"},
    ],
)
def test_what_states_no_process_is_none(said: object) -> None:
    assert ProcessId.from_json(said) is None


def test_one_that_ended_and_was_not_waited_for_does_not_run() -> None:
    child = subprocess.Popen(["sh", "-c", "read line"], stdin=subprocess.PIPE)
    process = identify(child.pid)
    assert process is not None
    assert is_running(process)
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_running(process)
    child.wait()


def test_leftovers_work_in_the_folder_or_carry_the_secret(tmp_path: Path, start: Start) -> None:
    inside, beside = tmp_path / "tree", tmp_path / "tree-beside"
    for folder in (inside / "deep", beside):
        folder.mkdir(parents=True)
    here, deep, other = start(inside), start(inside / "deep"), start(beside)
    ours, theirs = start(beside, "s3cret"), start(beside, "another")
    assert _found(inside) == {here.pid, deep.pid}
    assert _found(None, "s3cret") == {ours.pid}
    assert _found(inside, hashlib.sha256(b"another").hexdigest()) == {here.pid, deep.pid, theirs.pid}
    assert {process.id.pid for process in of_any_session(beside)} == {ours.pid, theirs.pid}
    assert other.pid not in _found(inside, "s3cret")


def test_we_and_those_we_descend_from_are_never_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Path("/")
    found = _found(place)
    assert os.getpid() not in found
    assert os.getppid() not in found


def test_processes_are_asked_to_end_and_killed_when_they_do_not(tmp_path: Path, start: Start) -> None:
    willing, deaf = start(tmp_path), start(tmp_path, deaf=True)
    before = leftovers(tmp_path)
    assert {process.id.pid for process in before} == {willing.pid, deaf.pid}
    reused = replace(before[0].id, start=0.5)
    assert end([*before, reused], patience=0.2) == ()
    assert (willing.wait(), deaf.wait()) == (-15, -9)


def test_another_process_of_the_same_number_is_left_alone(tmp_path: Path, start: Start) -> None:
    process = start(tmp_path)
    assert end([ProcessId(process.pid, 0.5, own().boot)], patience=0.2) == ()
    assert process.poll() is None


def test_a_group_is_ended_with_all_that_is_in_it(tmp_path: Path) -> None:
    script = "(trap '' TERM; exec sleep 300) & trap '' TERM; echo $!; wait"
    leader = subprocess.Popen(
        ["sh", "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, start_new_session=True, text=True
    )
    with leader:
        assert leader.stdout is not None
        child = identify(int(leader.stdout.readline()))
        assert child is not None
        assert end_group(leader.pid, patience=0.2)
        assert not is_running(child)
        assert end_group(leader.pid), "a group that is gone is no error"
