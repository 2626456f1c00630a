"""What the scripted agent is to do: the blocks of steps that its prompts carry, and which of them runs when."""

from __future__ import annotations

import json
import re
from typing import Any

_BLOCK = re.compile(r"^(`{3,})script([^\n`]*)\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)

Step = dict[str, Any]


class Script:
    """All that a session was given to do so far, as it is kept between processes.

    ``blocks`` are [tag words, steps] in order; ``used`` how often each tag ran; ``rest`` what an interrupted script still
    has to do."""

    def __init__(self, kept: dict[str, Any] | None = None) -> None:
        kept = kept or {}
        self.blocks: list[tuple[str, str]] = [(tag, text) for tag, text in kept.get("blocks", [])]
        self.used: dict[str, int] = dict(kept.get("used", {}))
        self.rest: list[Step] = list(kept.get("rest", []))

    def kept(self) -> dict[str, Any]:
        """Return all of it as JSON takes it."""
        return {"blocks": self.blocks, "used": self.used, "rest": self.rest}

    def begin(self, prompt: str) -> list[Step] | None:
        """Return the steps of a new turn, or None: nothing is left to do. Raises ValueError when they are no steps.

        A block whose tag words occur in the prompt's first line goes first (of several with one tag the next one, the
        last again and again), then a plain block that was not there before, then what an interrupted script has left."""
        known = {text for tag, text in self.blocks if not tag}
        found = [(" ".join(match[2].lower().split()), match[3]) for match in _BLOCK.finditer(prompt)]
        self.blocks += [block for block in found if block not in self.blocks]
        if (tagged := self._tagged(prompt.lstrip().partition("\n")[0].lower())) is not None:
            return steps_of(tagged)
        plain = [text for tag, text in found if not tag and text not in known]
        if plain:
            return [step for text in plain for step in steps_of(text)]
        # Whoever cancels right before a hang means the hang.
        return (self.rest[1:] if self.rest and "hang" in self.rest[0] else self.rest) or None

    def _tagged(self, line: str) -> str | None:
        for tag in dict.fromkeys(tag for tag, _ in self.blocks if tag):
            if all(word in line for word in tag.split()):
                texts = [text for other, text in self.blocks if other == tag]
                times = self.used.get(tag, 0)
                self.used[tag] = times + 1
                return texts[min(times, len(texts) - 1)]
        return None


def steps_of(text: str) -> list[Step]:
    """Return the steps that a block states: a JSON list of objects, each with one verb. Raises ValueError."""
    steps = json.loads(text)
    if not isinstance(steps, list):
        raise ValueError("a script is a list of steps")
    for step in steps:
        if not (isinstance(step, dict) and len(step) == 1):
            raise ValueError(f"a step is an object with one verb: {json.dumps(step)[:100]}")
    return steps
