"""The folder of sessions, when several processes of coord look after it at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coord.core.session import SessionRecord, SessionRole
from coord.sessions.store import Store, new_id


def _record(root: Path) -> SessionRecord:
    return SessionRecord(
        new_id(), SessionRole.IMPLEMENTATION, "feat/a", str(root), "scripted", "here", 1.0, task="a"
    )


def test_a_session_that_several_retire_at_once_is_retired_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "sessions")
    records = [_record(tmp_path) for _ in range(60)]
    for record in records:
        store.add(record, "do it")
    ready = threading.Barrier(4)

    def retire_all() -> None:
        ready.wait()
        for record in records:
            store.retire(record.id, keep=100)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(retire_all) for _ in range(4)]:
            done.result()
    assert not store.ids()
    assert sorted(record.id for record, _ in store.archived()) == sorted(record.id for record in records)
