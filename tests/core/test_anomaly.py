"""The monitor: what each heuristic finds, what it leaves alone, and that people are told once an episode."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.cli import VERBS, parser_of
from coord.core.agentevent import (
    AgentEvent,
    Answered,
    Asked,
    Child,
    Ended,
    Ending,
    Gone,
    Noted,
    Outcome,
    Phase,
    Prompted,
    Retrying,
    Said,
    Started,
    Tool,
    ToolState,
    TurnEnded,
    Used,
    Warned,
    Why,
)
from coord.core.agents import Monitor
from coord.core.anomaly import HEURISTICS, Anomaly, Severity, command_for, findings, untold
from coord.core.counters import Counters, counters

MONITOR = Monitor()
BEGUN: tuple[AgentEvent, ...] = (Started(1.0, "agent"), Prompted(2.0, 1, "do it"))
PENDING, RUNNING, COMPLETED, FAILED, INVALID = ToolState


def found(events: Sequence[AgentEvent], now: float = 10.0, monitor: Monitor = MONITOR) -> dict[str, Anomaly]:
    return {one.heuristic: one for one in findings(counters(events), monitor, now)}


def names(events: Sequence[AgentEvent], now: float = 10.0) -> list[str]:
    return list(found(events, now))


def call(
    number: int, state: ToolState, *, name: str = "bash", given: str = "", output: str = ""
) -> list[AgentEvent]:
    """Return a call as agents send it: its input comes later than its name, its end last."""
    id = f"call_{number}"
    return [
        Tool(3.0, id, PENDING, name),
        Tool(3.0, id, RUNNING, input=given or f"ls {number}"),
        Tool(3.0, id, state, output=output),
    ]


def calls(count: int, state: ToolState, given: str = "") -> list[AgentEvent]:
    return [event for number in range(count) for event in call(number, state, given=given)]


# -- what is nothing to tell of ------------------------------------------------------------------------------------


def test_a_session_of_which_nothing_is_known_is_no_anomaly() -> None:
    assert found((), now=1e9) == {}


#: One turn of each agent as it was recorded: a failed read, a permission, a build, text; then its own word.
RECORDED: dict[str, list[AgentEvent]] = {
    "opencode": [
        Said(2.1, "Writing. ", message="m1"),
        Tool(2.2, "c1", PENDING, "write", "write"),
        Tool(2.3, "c1", RUNNING, title="write", input='{"filePath": "conf.txt"}'),
        Tool(2.4, "c1", COMPLETED, title="conf.txt", output="Wrote file successfully."),
        Tool(2.5, "c2", PENDING, "read", "read"),
        Tool(2.6, "c2", FAILED, title="read", output="File not found: /w/wt/t6/nope"),
        Asked(2.7, "3", Phase.PERMISSION, "read /etc/hostname", "read"),
        Answered(2.8, "3", "reject", "outside the worktree"),
        Tool(2.9, "c3", FAILED, "read", output="The user rejected permission to use this specific tool call."),
        Used(3.0, 1200, 200000),
    ],
    "claude": [
        Used(2.1, 0, 200000),
        Tool(2.2, "toolu_1", PENDING, "Read", "Read File"),
        Tool(2.3, "toolu_1", PENDING, "Read", "Read /w/wt/t4/nope", '{"file_path": "/w/wt/t4/nope"}'),
        Tool(2.4, "toolu_1", FAILED, "Read", output="File does not exist. Note: your current working directory is /w/wt/t4."),
        Said(2.5, "The parser knows `<tool_call>` and `<function=name>` now."),
    ],
    "codex": [
        Said(2.1, "Warning: Model metadata for `gpt-5-codex` not found. Defaulting to fallback metadata.\n\n"),
        Tool(2.2, "call_1", RUNNING, "shell", "cat nope"),
        Tool(2.3, "call_1", FAILED, output="cat: /w/wt/t4/nope: No such file or directory\n"),
    ],
    "gemini": [
        Asked(2.1, "0", Phase.PERMISSION, "write_file conf.txt", "write_file"),
        Answered(2.2, "0", "once"),
        Tool(2.3, "write_file_1", COMPLETED, "write_file"),
        Tool(2.4, "read_file_1", FAILED, "read_file", output="File not found: /w/wt/t4/nope"),
    ],
    "qwen": [
        *(Said(2.1, piece, thought=True, message="m1") for piece in ("I should call ", "<tool", "_call>")),
        Tool(2.2, "call_1", RUNNING, "write_file", "Writing to conf.txt"),
        Tool(2.3, "call_1", FAILED, "write_file", output="File conf.txt has not been read in this session."),
        Tool(2.4, "call_2", FAILED, "run_shell_command", output="Blocked: standalone sleep 45."),
        Retrying(2.5, 1, "429"),
        Said(2.6, "Done."),
    ],
}  # fmt: skip


@pytest.mark.parametrize("agent", RECORDED)
def test_a_turn_as_agents_really_send_it_is_no_anomaly(agent: str) -> None:
    turn = [*BEGUN, *RECORDED[agent], Noted(4.0, "done"), TurnEnded(5.0, Outcome.END_TURN)]
    for until in range(len(turn) + 1):
        only_asks = [name for name in names(turn[:until]) if name != "waiting-for-answer"]
        assert only_asks == [], turn[until - 1]
    assert names(turn, now=1e9) == []


# -- it cannot work ------------------------------------------------------------------------------------------------


def test_an_agent_that_ends_before_it_answers_has_failed_to_start() -> None:
    one = found([Noted(1.0, "claimed"), Gone(2.0, "opencode: command not found", 127)])["failed-start"]
    assert (one.severity, one.evidence) == (
        Severity.HIGH,
        "the agent did not start: opencode: command not found",
    )


def test_an_agent_that_ends_within_a_turn_is_gone_and_one_that_ends_after_it_is_not() -> None:
    assert found([*BEGUN, Gone(3.0, "killed by signal 9")])["gone"].evidence == (
        "the agent's process ended within turn 1: killed by signal 9"
    )
    assert "gone" not in names([*BEGUN, TurnEnded(3.0, Outcome.END_TURN), Gone(4.0)])
    assert names([*BEGUN, Ended(3.0, Ending.ABORTED), TurnEnded(3.0, Outcome.CANCELLED), Gone(4.0)]) == []


def test_a_process_that_is_lost_is_told_once_however_its_turn_is_ended_and_taken_up() -> None:
    """Adapters end the turn as interrupted before they tell that the process is gone; the host starts another."""
    lost = [*BEGUN, TurnEnded(3.0, Outcome.INTERRUPTED, "the process ended"), Gone(3.1, "Killed", -9)]
    again = [*lost, Gone(3.2), Started(4.0, "agent"), Prompted(5.0, 2, "continue", Why.RESUME)]
    assert names(lost) == names(again[:-1]) == names(again) == ["gone"]
    assert found(lost)["gone"] == found(again)["gone"]
    twice = [*again, Gone(6.0)]
    assert found(twice)["gone"].episode != found(again)["gone"].episode


@pytest.mark.parametrize(
    "sign",
    [
        [Tool(3.0, "c", INVALID, "frobnicate")],
        [Tool(3.0, "c", RUNNING, title="invalid"), Tool(3.1, "c", COMPLETED, title="Invalid Tool")],
        [Tool(3.0, "c", RUNNING, "invalid"), Tool(3.1, "c", COMPLETED, output="The arguments provided are…")],
        call(1, FAILED, output="<tool_use_error>Error: No such tool available: tool</tool_use_error>"),
        call(1, FAILED, output='Tool "tool" not found in registry.'),
        call(1, FAILED, output="unsupported call: frobnicate"),
        call(1, FAILED, output="InputValidationError: Read failed due to the following issue"),
        [Said(3.0, "I will look.\n<|tool_calls_begin|>bash")],
        [Said(3.0, "<tool_call>\n{}")],
        [Said(3.0, "<function=bash>")],
        [Said(3.0, "<\uff5ctool\u2581calls\u2581begin\uff5c>")],
        [Said(3.0, "look: <too", message="m"), Said(3.1, "l_call>", message="m")],
    ],
)
def test_a_call_of_no_tool_and_a_call_written_as_text_are_degradation(sign: list[AgentEvent]) -> None:
    one = found([*BEGUN, *sign])["model-degradation"]
    assert one.severity is Severity.HIGH
    assert one.evidence.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "the marks `<|tool`, \"<tool_call>\" and '<function=' are told apart",
        "if a <tool && b",
        "Vec<function>",
        "x<tool_call>",
    ],
)
def test_a_text_that_speaks_of_such_marks_is_none(text: str) -> None:
    assert names([*BEGUN, Said(3.0, text)]) == []


def test_pieces_of_two_messages_do_not_make_a_mark() -> None:
    assert names([*BEGUN, Said(3.0, "<tool", message="a"), Said(3.1, "_call>", message="b")]) == []


def test_what_a_tool_printed_does_not_make_its_call_invalid() -> None:
    log = "running 3 tests\nError: No such tool available: x\n"
    assert names([*BEGUN, *call(1, FAILED, output=log)]) == []
    assert names([*BEGUN, *call(1, COMPLETED, output="Unknown tool in line 3")]) == []


def test_degradation_is_told_once_a_turn() -> None:
    first = [*BEGUN, *call(1, INVALID), *call(2, INVALID)]
    again = [*first, TurnEnded(4.0, Outcome.CANCELLED), Prompted(5.0, 2, "go on"), *call(3, INVALID)]
    episodes = [found(events)["model-degradation"].episode for events in (first[:5], first, again)]
    assert episodes[0] == episodes[1] != episodes[2]


# -- it waits for somebody -----------------------------------------------------------------------------------------

QUESTION = Asked(3.0, "q1", Phase.QUESTION, "Which \x1b[31mname\nshall it have?")


def test_a_question_is_told_at_once_with_its_text() -> None:
    one = found([*BEGUN, QUESTION], now=3.0)["waiting-for-answer"]
    assert one.evidence == "it waits for an answer: Which name shall it have?"
    assert names([*BEGUN, QUESTION, Answered(4.0, "q1", "once", "x")]) == []


def test_each_of_two_open_questions_is_told() -> None:
    events = [*BEGUN, QUESTION, replace(QUESTION, request="q2", text="And where?")]
    told = []
    for _ in range(3):
        for one in untold(findings(counters(events), MONITOR, 5.0), counters(events).told):
            told.append(one.evidence)
            events.append(Warned(5.0, one.heuristic, one.severity, one.evidence, episode=one.episode))
    assert told == [
        "it waits for an answer: Which name shall it have?",
        "it waits for an answer: And where?",
    ]


def test_who_waits_for_an_answer_is_not_stalled() -> None:
    assert names([*BEGUN, QUESTION], now=1e6) == ["waiting-for-answer"]


# -- it goes in circles --------------------------------------------------------------------------------------------


def test_more_than_five_failed_calls_are_told_and_five_are_not() -> None:
    assert names([*BEGUN, *calls(5, FAILED)]) == []
    assert (
        found([*BEGUN, *calls(6, FAILED)])["failed-tools"].evidence == "6 tool calls failed in this session"
    )
    episodes = [found([*BEGUN, *calls(count, FAILED)])["failed-tools"].episode for count in (6, 11, 12)]
    assert episodes[0] == episodes[1] != episodes[2]


def test_the_same_call_in_a_row_is_told_and_the_same_tool_is_not() -> None:
    same = [*BEGUN, *calls(MONITOR.repeats, COMPLETED, given="cargo test")]
    assert found(same)["repeated-call"].evidence == (
        "it made the same call 4 times in a row: bash cargo test"
    )
    assert names([*BEGUN, *calls(MONITOR.repeats - 1, COMPLETED, given="cargo test")]) == []
    assert names([*BEGUN, *calls(20, COMPLETED)]) == []
    between = [
        *calls(3, COMPLETED, given="cargo test"),
        *call(8, COMPLETED),
        *call(9, COMPLETED, given="cargo test"),
    ]
    assert names([*BEGUN, *between]) == []


def test_calls_of_which_only_the_name_is_known_are_not_the_same() -> None:
    assert names([*BEGUN, *(Tool(3.0, str(n), COMPLETED, "bash") for n in range(20))]) == []


def test_a_second_row_of_the_same_call_is_told_again() -> None:
    row = calls(4, COMPLETED, given="x")
    later = [*row, *call(7, COMPLETED), *(replace(e, call=e.call + "b") for e in row if isinstance(e, Tool))]
    assert found([*BEGUN, *row])["repeated-call"].episode != found([*BEGUN, *later])["repeated-call"].episode


def test_a_model_that_never_answers_is_a_retry_loop_and_one_that_does_is_not() -> None:
    tries: list[AgentEvent] = [Retrying(3.0 + n, 0, "429 too many requests") for n in range(MONITOR.retries)]
    assert found([*BEGUN, *tries])["retry-loop"].evidence == (
        "it asked its model 5 times without an answer: 429 too many requests"
    )
    assert found([*BEGUN, Retrying(3.0, 7)])["retry-loop"].evidence.startswith("it asked its model 7 times")
    assert names([*BEGUN, *tries[:-1]]) == []
    assert names([*BEGUN, *tries, Said(9.0, "here I am")]) == []
    assert names([*BEGUN, *tries[:-1], Said(9.0, "here I am"), tries[-1]]) == []


# -- it does not go on ---------------------------------------------------------------------------------------------

TOOL = Tool(3.0, "c", RUNNING, "bash", "cargo test")


@pytest.mark.parametrize(
    ("events", "limit", "phase"),
    [
        ([Noted(3.0, "claimed")], MONITOR.starting, "starting"),
        ([*BEGUN, Said(3.0, "hm")], MONITOR.model, "model"),
        ([*BEGUN, TOOL], MONITOR.tool, "tool (cargo test)"),
        ([*BEGUN, Child(2.5, "explore", running=True), TOOL], MONITOR.child, "child (explore)"),
        ([*BEGUN, Retrying(3.0, 1)], MONITOR.retry, "retry"),
    ],
)
def test_silence_is_a_stall_when_it_is_longer_than_the_phase_allows(
    events: list[AgentEvent], limit: float, phase: str
) -> None:
    assert names(events, now=3.0 + limit) == []
    assert f", in phase {phase} (allowed: " in found(events, now=4.0 + limit)["stall"].evidence


@pytest.mark.parametrize("ending", [TurnEnded(3.0, Outcome.CANCELLED), Ended(3.0, Ending.ABORTED)])
def test_who_has_nothing_to_do_is_not_stalled(ending: AgentEvent) -> None:
    assert names([*BEGUN, ending], now=1e6) == []


def test_a_sign_of_life_ends_a_stall_and_our_own_notes_are_none() -> None:
    stalled = [*BEGUN, Said(3.0, "hm")]
    noted = [*stalled, Noted(400.0, "queued"), Warned(400.0, "stall", "medium", "…")]
    assert found(noted, now=500.0)["stall"] == found(stalled, now=500.0)["stall"]
    again = found([*noted, Said(600.0, "sorry")], now=1000.0)["stall"]
    assert again.episode != found(noted, now=1000.0)["stall"].episode


def test_an_answer_that_was_cut_off_is_told() -> None:
    assert names([*BEGUN, TurnEnded(3.0, Outcome.LENGTH)]) == ["truncated-answer"]
    assert names([*BEGUN, TurnEnded(3.0, Outcome.LENGTH), Prompted(4.0, 2, "go on", Why.NUDGE)]) == []


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.END_TURN, "turn 1 ended, and"),
        (Outcome.ERROR, "turn 1 ended with an error: HTTP 400, and"),
        (Outcome.REFUSAL, "turn 1 ended with a refusal, and"),
        (Outcome.INTERRUPTED, "turn 1 ended before its time, and"),
    ],
)
def test_a_turn_that_ends_without_a_last_word_is_told(outcome: Outcome, words: str) -> None:
    ending = TurnEnded(3.0, outcome, "HTTP 400" if outcome is Outcome.ERROR else "")
    one = found([*BEGUN, ending])["ended-without-done"]
    assert one.evidence.startswith(words)


def test_a_turn_that_somebody_ended_is_not() -> None:
    assert names([*BEGUN, TurnEnded(3.0, Outcome.CANCELLED)]) == []


@pytest.mark.parametrize("signal", ["done", "blocked"])
def test_a_last_word_counts_for_the_prompt_it_was_said_after(signal: str) -> None:
    done = [*BEGUN, Noted(3.0, signal), TurnEnded(4.0, Outcome.END_TURN)]
    assert names(done) == []
    assert names([*done, Prompted(5.0, 2, "one more thing"), TurnEnded(6.0, Outcome.END_TURN)]) == [
        "ended-without-done"
    ]


# -- told once -----------------------------------------------------------------------------------------------------


def test_every_heuristic_names_the_command_that_acts() -> None:
    every = [Anomaly(name, Severity.LOW, "") for name in HEURISTICS]
    for one in every:
        _, verb, *words = shlex.split(command_for(one, "s-1"))
        parser = parser_of(verb, import_module(f"coord.commands.{VERBS[verb].module}"))
        assert parser.parse_args(words).session in ("s-1", ["s-1"])
    assert command_for(Anomaly("stall", Severity.MEDIUM, ""), "s-1") == (
        "coord message s-1 'please continue' --interrupt"
    )
    assert shlex.split(command_for(Anomaly("gone", Severity.HIGH, ""), "a b; rm"))[2] == "a b; rm"


def test_functions_are_called_as_their_names_say() -> None:
    for name, heuristic in HEURISTICS.items():
        assert getattr(heuristic, "__name__", "").replace("_", "-") == name


# -- properties ----------------------------------------------------------------------------------------------------

_AT = st.floats(1.0, 5000.0)
_ID = st.sampled_from("abcdefgh")
_TOOLS = st.builds(
    Tool, _AT, _ID, st.sampled_from(ToolState), st.sampled_from(["bash", "read", ""]), st.just(""), st.sampled_from(["", "x", "y"]),
)  # fmt: skip
_EVENTS = st.lists(
    st.one_of(
        _TOOLS,
        st.builds(Prompted, _AT, st.integers(1, 5), st.just("go")),
        st.builds(Started, _AT, st.just("agent")),
        st.builds(Said, _AT, st.sampled_from(["hm", "<tool_call>", "<tool"]), st.booleans()),
        st.builds(Retrying, _AT, st.integers(0, 9)),
        st.builds(Asked, _AT, _ID, st.sampled_from([Phase.PERMISSION, Phase.QUESTION]), st.just("may I?")),
        st.builds(Answered, _AT, _ID, st.just("once")),
        st.builds(Child, _AT, _ID, st.booleans()),
        st.builds(TurnEnded, _AT, st.sampled_from(Outcome)),
        st.builds(Gone, _AT),
        st.builds(Noted, _AT, st.sampled_from(["done", "queued"])),
    ),
    max_size=40,
)


@given(_EVENTS, st.integers(0, 40))
def test_counting_goes_on_where_it_stopped(events: list[AgentEvent], cut: int) -> None:
    assert counters(events[cut:], counters(events[:cut])) == counters(events)


def _of_calls(counted: Counters) -> tuple[object, ...]:
    return counted.failed, counted.invalid, counted.repeats, counted.streak, counted.over


@given(st.lists(_TOOLS, max_size=30), st.data())
def test_events_of_a_call_that_are_sent_again_change_no_count(
    events: list[Tool], data: st.DataObject
) -> None:
    once = counters(events)
    ended = [event for event in events if event.call in once.over]
    again = data.draw(st.lists(st.sampled_from(ended), max_size=10)) if ended else []
    assert _of_calls(counters([*events, *again])) == _of_calls(once)


@given(_EVENTS, st.floats(0.0, 1e5))
def test_what_was_told_is_not_told_again(events: list[AgentEvent], now: float) -> None:
    log = [*events]
    for _ in range(10):
        counted = counters(log)
        log += [
            Warned(now, one.heuristic, one.severity, one.evidence, episode=one.episode)
            for one in untold(findings(counted, MONITOR, now), counted.told)
        ]
    counted = counters(log)
    assert untold(findings(counted, MONITOR, now), counted.told) == ()
    told = [(event.heuristic, event.episode) for event in log if isinstance(event, Warned)]
    assert len(told) == len(set(told))


@given(_EVENTS, st.floats(0.0, 1e5))
def test_findings_come_in_the_order_of_the_table_and_in_plain_words(
    events: list[AgentEvent], now: float
) -> None:
    every = findings(counters(events), MONITOR, now)
    order = list(HEURISTICS)
    assert [one.heuristic for one in every] == sorted((one.heuristic for one in every), key=order.index)
    assert all(one.evidence.isprintable() and len(one.evidence) < 400 for one in every)
