"""Which sessions wait for a person, and what that person can type."""

from __future__ import annotations

from coord.core.present import AtWork


def answer_to(session: AtWork) -> str | None:
    """Return the command that a person answers a session with, None when it waits for nobody."""
    match session.state:
        case "waiting":
            return f"coord message {session.id} 'YOUR ANSWER' --answer"
        case "attention":
            return f"coord message {session.id} 'WHAT TO DO'"
        case _:
            return None
