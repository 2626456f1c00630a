"""The present as JSON: what scripts read."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from coord.core.present import Held, Present
    from coord.output import Json


def facts_of(present: Present) -> Json:
    """Return the facts of a present. Lists keep their order; times are seconds since the epoch, sizes bytes."""
    return {
        "main": {"name": present.main, "commit": present.base, "said": present.said},
        "at": present.at,
        "frozen": present.frozen,
        "next": present.action,
        "counts": dict(present.counts),
        "queue": [_queue(one) for one in present.queue],
        "validating": [_plain(one) for one in present.validating],
        "waiting": [_held(one) for one in present.waiting],
        "blocked": [_held(one) for one in present.blocked],
        "in_progress": [{"id": id, "name": name, "branch": where} for id, name, where in present.underway],
        "ready": [{"id": id, "name": name} for id, name in present.ready],
        "sessions": [_plain(one) for one in present.sessions],
        "worktrees": [_plain(one) for one in present.worktrees],
        "drift": [_plain(one) for one in present.drift],
        "unknown": [{"branch": name, "near": list(near)} for name, near in present.strangers],
        "unread": present.unread,
    }


def _queue(one: Any) -> Json:
    overlaps = [{"branch": name, "files": list(paths)} for name, paths in one.overlaps]
    return {**_named(_plain(one)), "overlaps": overlaps}


def _held(one: Held) -> Json:
    return {**_named(_plain(one)), "turn": one.turn.value}


def _named(facts: dict[str, Json]) -> dict[str, Json]:
    """A task is called ``id`` in every list of tasks."""
    return {"id": facts["task"], **facts}


def _plain(one: Any) -> dict[str, Json]:
    return cast("dict[str, Json]", asdict(one))
