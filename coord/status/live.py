"""``coord status --watch``: a screen of its own that follows what changes, until ``q``; in a pipe, page after page."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from coord.age import ago
from coord.core.page import Page, Tone, page_of
from coord.errors import Exit
from coord.output import Output
from coord.status.lookout import Lookout, Sight
from coord.status.plain import lines_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: How many rows of each table are printed into a pipe, as without --watch.
_ROWS = 10
#: Seconds that a key is waited for before the screen is looked at again.
_BEAT = 0.1


def watch_over(folder: Path, output: Output, seconds: float) -> Exit:
    """Show the present until somebody ends it."""
    with Lookout(folder, seconds) as lookout:
        try:
            if is_screen(output):
                _follow(lookout, output, seconds)
            else:
                _print_changes(lookout, output)
        except KeyboardInterrupt:
            return Exit.OK
    return Exit.OK


def is_screen(output: Output) -> bool:
    """Say whether the output is a terminal that can be drawn on."""
    return output.out.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


def page_seen(sight: Sight) -> Page:
    """Return the page of what was seen; what keeps it from being fresh stands on top."""
    page = page_of(sight.present, ago)
    troubles = [f"not fetched: {sight.unfetched}"] if sight.unfetched else []
    troubles += [f"not looked at again: {sight.unseen}"] if sight.unseen else []
    lines = tuple(
        (" ".join(f"! {trouble}; what follows may be old".split()), Tone.BAD) for trouble in troubles
    )
    return replace(page, head=(*lines, *page.head))


# -- in a pipe -----------------------------------------------------------------------------------------------------


def _print_changes(lookout: Lookout, output: Output) -> None:
    shown: Sight | None = None
    while True:
        lookout.check()
        sight = lookout.sight
        if _timeless(sight) != shown:
            output.results(([""] if shown else []) + lines_of(page_seen(sight).cut(_ROWS)))
            output.out.flush()
            shown = _timeless(sight)
        time.sleep(_BEAT)


def _timeless(sight: Sight) -> Sight:
    """Return a sight without what changes by time alone."""
    return replace(sight, present=replace(sight.present, at=0, said=""))


# -- on a screen ---------------------------------------------------------------------------------------------------


def _follow(lookout: Lookout, output: Output, seconds: float) -> None:
    from rich.console import ConsoleDimensions
    from rich.control import Control
    from rich.live import Live

    from coord.status.colour import console_of

    console = console_of(output.out)
    live = Live(
        console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
    )
    with _keys() as pressed, live:
        shown: object = None
        while True:
            lookout.check()
            # The terminal itself is asked: COLUMNS and LINES in the environment stay as they were when it gets another size.
            console.size = ConsoleDimensions(*os.get_terminal_size(output.out.fileno()))
            now = (lookout.sight, console.size)
            if now != shown:
                live.update(_drawn(lookout.sight, console, seconds), refresh=True)
                shown = now
            if "q" in pressed().lower():
                # Some terminals that were resized meanwhile would show what is left here.
                console.control(Control.clear())
                return


def _drawn(sight: Sight, console: Console, seconds: float) -> Text:
    """Return the screen: as many rows as fit, and on the last line how to leave."""
    from rich.text import Text

    from coord.status.colour import fitted

    room = max(console.height - 1, 1)
    lines = fitted(page_seen(sight), console, room)
    lines += [Text()] * (room - len(lines))
    looked = time.strftime("%H:%M:%S", time.localtime(sight.present.at))
    footer = f"q ends this; seen at {looked}, the remote is asked every {seconds:g} s"
    return Text("\n").join([*lines, Text(footer[: console.width], "reverse")])


@contextmanager
def _keys() -> Iterator[Callable[[], str]]:
    """Yield a function that waits a beat and returns what was pressed; the terminal is left as it was."""
    if not sys.stdin.isatty():
        yield _no_key
        return
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def pressed() -> str:
        ready, _, _ = select.select([descriptor], [], [], _BEAT)
        return os.read(descriptor, 64).decode("ascii", "replace") if ready else ""

    try:
        tty.setcbreak(descriptor)
        # Ctrl-Z would stop the git that we read from as well, and leave a shell on a screen that is not its own.
        alone = termios.tcgetattr(descriptor)
        alone[6][termios.VSUSP] = b"\0"
        termios.tcsetattr(descriptor, termios.TCSADRAIN, alone)
        yield pressed
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _no_key() -> str:
    time.sleep(_BEAT)
    return ""
