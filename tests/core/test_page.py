"""The page of status: what stands on it, what is left out first, and that text of others stays text."""

from __future__ import annotations

import io
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from coord.age import ago
from coord.core.page import Page, Part, Row, Tone, page_of
from coord.core.present import AtWork, Drift, Held, Next, Oddity, Present, Tree, Turn
from coord.status.colour import console_of, fitted
from coord.status.plain import columns, lines_of

EMPTY = Present(
    main="main", base="b" * 40, said="as of main bbbbbbb, fetched just now", at=1000, action="rest"
)


def held(task: str, reason: str, turn: Turn = Turn.MAINTAINER, command: str = "") -> Held:
    return Held(task, f"Do {task}", f"feat/{task}", "t" * 40, "waiting", reason, turn, command=command)


def lines(present: Present) -> list[str]:
    return lines_of(page_of(present, ago))


def test_an_empty_repository_says_so() -> None:
    assert lines(EMPTY) == [
        "main bbbbbbb, fetched just now",
        "no tasks (coord new writes one)",
        "next: rest",
    ]


def test_the_whole_page_is_aligned_and_in_order() -> None:
    odd = Oddity(
        "stall", "medium", "nothing was heard for 9 min", "coord message s-1 'please continue' --interrupt"
    )
    present = replace(
        EMPTY,
        counts={"ready": 1, "in_progress": 0, "completed": 2},
        frozen="release day",
        unread=2,
        queue=(
            Next(1, "a", "Do a", "feat/a", "t", "shares no file with another"),
            Next(2, "long", "", "feat/long", "t", "shares 1 file with feat/a", (("feat/a", ("x", "y")),)),
        ),
        waiting=(held("w", "waits for a (is pending)", Turn.OTHERS), held("h", "held: x (coord release h)", command="coord release h")),
        blocked=(held("c", "conflict in x", command="coord unblock c"),),
        sessions=(AtWork("s-1", "a", "feat/a", "claude", "working", "", 900, 940, 2, oddities=(odd,)),),
        ready=(("r", "Do r"),),
        worktrees=(
            Tree("/repo/.worktrees/feat/a", "feat/a", "a", "clean", 1500),
            Tree("/else/where", "feat/b", "b", "1 modified", 2_000_000, at_least=True),
            Tree("/gone", "", "", "its folder is gone"),
        ),
        drift=(Drift("local-branch", "feat/old", "it has landed, and is still here", "coord land"),),
        strangers=(("feat/typo", ("top",)),),
    )  # fmt: skip
    assert lines(present) == [
        "main bbbbbbb, fetched just now",
        "landing is frozen: release day (coord thaw)",
        "3 tasks: 1 ready, 2 completed",
        "next: rest",
        "2 notes are unread: coord inbox",
        "",
        "lands next (2)",
        "+ 1. feat/a     shares no file with another",
        "+ 2. feat/long  shares 1 file with feat/a",
        "    with feat/a: x, y",
        "",
        "blocked (1)",
        "! feat/c  maintainer  conflict in x",
        "    $ coord unblock c",
        "",
        "waiting (2)",
        "~ feat/h  maintainer  held: x (coord release h)",
        "  feat/w  others      waits for a (is pending)",
        "",
        "sessions (1)",
        "! s-1  working  a  turn 2, heard 1 minute ago",
        "    stall (medium): nothing was heard for 9 min",
        "    $ coord message s-1 'please continue' --interrupt",
        "",
        "ready (1)",
        "  r  Do r",
        "",
        "worktrees (3)",
        "  feat/a       1.5 kB             clean",
        "~ feat/b       at least 2.0 MB    1 modified, at /else/where",
        "~ (no branch)  size not measured  its folder is gone, at /gone",
        "",
        "drift (1)",
        "~ feat/old  it has landed, and is still here",
        "    $ coord land",
        "",
        "branches without a task (1)",
        "~ feat/typo  no task on main has this name: it never lands; like top",
    ]


def test_a_long_table_is_cut_and_says_which_command_shows_the_rest() -> None:
    present = replace(EMPTY, ready=tuple((f"t{n}", "Do it") for n in range(12)))
    cut = lines_of(page_of(present, ago).cut(10))
    assert cut[4] == "ready (12)"
    assert cut[-2:] == ["  t9  Do it", "  and 2 more: coord ready"]


HOSTILE = "[red]x[/] \x1b[31mboo\x07 \u202erev\u202c line\nbreak \u65e5\u672c\u8a9e " + "w" * 400


def test_text_of_others_is_one_plain_line_in_every_place() -> None:
    present = replace(
        EMPTY,
        action=HOSTILE,
        queue=(Next(1, HOSTILE, HOSTILE, HOSTILE, "t", HOSTILE, ((HOSTILE, (HOSTILE,)),)),),
        blocked=(held(HOSTILE, HOSTILE, command=HOSTILE),),
        ready=((HOSTILE, HOSTILE),),
        worktrees=(Tree(HOSTILE, HOSTILE, "", HOSTILE),),
        drift=(Drift("x", HOSTILE, HOSTILE, HOSTILE),),
        strangers=((HOSTILE, (HOSTILE,)),),
    )  # fmt: skip
    page = page_of(present, ago)
    for line in lines_of(page):
        assert "\x1b" not in line
        assert "\u202e" not in line
        assert line.isprintable() or not line
    drawn = [line.plain for line in fitted(page, screen(60), 50)]
    assert any("[red]x[/] boo" in line for line in drawn), "markup of others is text"
    assert all(columns(line) <= 60 for line in drawn)


def test_wide_characters_take_two_columns() -> None:
    assert columns("ab") == 2
    assert columns("\u65e5\u672c") == 4
    assert columns("e\u0301") == 1
    assert lines(replace(EMPTY, ready=(("\u65e5", "one"), ("abc", "two"))))[-2:] == [
        "  \u65e5   one",
        "  abc  two",
    ]


# -- what fits a screen --------------------------------------------------------------------------------------------


def screen(width: int) -> Console:
    console = console_of(io.StringIO())
    console.width = width
    return console


@st.composite
def pages(draw: st.DrawFn) -> Page:
    words = st.text("ab /", min_size=1, max_size=90).map(str.strip).filter(bool)
    parts = [
        Part(
            f"part {rank}",
            tuple(
                Row(
                    (draw(words), draw(words)),
                    Tone.WARN,
                    commands=(draw(words),) if draw(st.booleans()) else (),
                )
                for _ in range(draw(st.integers(1, 6)))
            ),
            "coord show",
            rank,
        )
        for rank in range(draw(st.integers(0, 4)))
    ]
    return Page((("head", Tone.CALM),), tuple(parts))


@given(pages(), st.integers(20, 120), st.integers(12, 60))
def test_a_page_always_fits_and_every_table_is_named(page: Page, width: int, room: int) -> None:
    drawn = [line.plain for line in fitted(page, screen(width), room)]
    assert len(drawn) <= room
    assert all(len(line) <= width for line in drawn)
    if room >= 1 + 2 * 2 * len(page.parts):  # a heading may take two lines
        assert all(any(line.startswith(part.title) for line in drawn) for part in page.parts)


def test_a_session_that_waits_for_a_person_comes_first_with_what_to_type() -> None:
    busy = AtWork("s-1", "a", "feat/a", "claude", "working", "", 900, 940, 2)
    stopped = AtWork("s-2", "b", "feat/b", "claude", "attention", "it said nothing", 900, 940, 2)
    assert lines(replace(EMPTY, sessions=(busy, stopped)))[4:] == [
        "sessions (2)",
        "! s-2  attention  b  turn 2, heard 1 minute ago: it said nothing",
        "    $ coord message s-2 'WHAT TO DO'",
        "+ s-1  working    a  turn 2, heard 1 minute ago",
    ]


def test_on_a_small_screen_what_needs_a_person_takes_room_before_what_does_not() -> None:
    bad = tuple(Row((f"b{n}", "words"), Tone.BAD) for n in range(3))
    rows = tuple(Row((f"r{n}", "words")) for n in range(3))
    page = Page((), (Part("blocked", bad, "coord plan", 0), Part("ready", rows, "coord ready", 5)))
    assert [line.plain for line in fitted(page, screen(60), 6)] == [
        "blocked (3)",
        "! b0  words",
        "! b1  words",
        "! b2  words",
        "ready (3): coord ready",
    ]


def test_what_is_urgent_gets_room_first() -> None:
    rows = tuple(Row((f"r{n}", "words")) for n in range(9))
    page = Page((), (Part("ready", rows, "coord ready", 5), Part("blocked", rows, "coord plan", 0)))
    assert [line.plain for line in fitted(page, screen(60), 5)] == [
        "ready (9): coord ready",
        "blocked (9)",
        "  r0  words",
        "  r1  words",
        "  and 7 more: coord plan",
    ]
