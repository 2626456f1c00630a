"""What an agent asks, and how it is answered: by rule, by a person, or with a denial when nobody comes. None is left open."""

from __future__ import annotations

import time
from pathlib import Path

from coord.agents.base import Answer, Handle
from coord.agents.policy import judged
from coord.core.agentevent import Answered, Asked, Phase
from coord.core.agents import Sessions
from coord.core.permission import Verdict
from coord.sessions.recorder import Recorder

_WORDS = {
    "allow": Answer.ONCE,
    "once": Answer.ONCE,
    "yes": Answer.ONCE,
    "always": Answer.ALWAYS,
    "deny": Answer.REJECT,
    "no": Answer.REJECT,
    "reject": Answer.REJECT,
}


class Questions:
    """Answers what one session's agent asks."""

    def __init__(self, log: Recorder, worktree: str, settings: Sessions) -> None:
        self._log = log
        self._worktree = Path(worktree)
        self._settings = settings
        self._put_off: set[str] = set()

    async def answer_all(self, handle: Handle) -> bool:
        """Answer what a rule decides, deny what waited too long; say whether something was left to a person just now."""
        is_new = False
        for asked in self._log.standing.asked:
            decision = judged(asked, self._worktree, self._settings.unsure)
            match decision.verdict:
                case Verdict.ALLOW:
                    await self._answer(handle, asked, Answer.ONCE, decision.reason)
                case Verdict.REJECT:
                    await self._answer(handle, asked, Answer.REJECT, decision.reason)
                case Verdict.ASK:
                    is_new = await self._left_to_a_person(handle, asked) or is_new
        return is_new

    async def _left_to_a_person(self, handle: Handle, asked: Asked) -> bool:
        patience = self._settings.answer
        if time.time() - asked.at > patience:
            await self._answer(handle, asked, Answer.REJECT, f"nobody answered within {patience:.0f} seconds")
            return False
        is_new = asked.request not in self._put_off
        self._put_off.add(asked.request)
        return is_new

    async def answered(self, handle: Handle, text: str) -> None:
        """Pass on a person's answer to what was asked last."""
        asked = self._log.standing.asked
        if not asked:
            self._log.note("answer", "it came when nothing was asked")
            return
        default = Answer.ONCE if asked[-1].phase is Phase.QUESTION else Answer.REJECT
        await self._answer(handle, asked[-1], _WORDS.get(text.strip().lower(), default), text)

    async def _answer(self, handle: Handle, asked: Asked, answer: Answer, reason: str) -> None:
        await handle.answer(asked.request, answer, reason)
        self._log.take(Answered(time.time(), asked.request, answer.value, reason))
