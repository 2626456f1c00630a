"""What a model sends and what is made of it: every form that the help shows is read, what is unknown is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.contextuse import Fullness, use_of
from coord.core.memorytools import MEMORY, memory_tool
from coord.core.roles import WORKTREE, worktree_action
from coord.core.session import SessionRole
from coord.core.toolcall import Action, Given, Wrong, read_arguments, read_call

COORDINATOR = WORKTREE[SessionRole.COORDINATOR]
IMPLEMENTATION = WORKTREE[SessionRole.IMPLEMENTATION]
ALL = [*COORDINATOR.values(), *IMPLEMENTATION.values(), *MEMORY.values()]


def read(action: str, args: dict[str, Any]) -> Given | Wrong:
    return read_arguments(COORDINATOR.get(action) or IMPLEMENTATION[action], args)


#: Every form in which the plugin's help text and role prompts call it.
PROMPTS: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"action": "help"}, "help", {}),
    ({"action": "help", "args": {"action": "spawn"}}, "help", {"action": "spawn"}),
    ({"action": "help", "args": {"tool": "spawn"}}, "help", {"action": "spawn"}),
    ({"action": "list"}, "list", {}),
    (
        {"action": "status", "args": {"all": True, "porcelain": True}},
        "status",
        {"all": True, "porcelain": True},
    ),
    ({"action": "create", "args": {"name": "feature audit"}}, "create", {"name": "feature audit"}),
    (
        {"action": "create", "args": {"name": "audit", "branch": "feature/audit", "base": "main"}},
        "create",
        {"name": "audit", "branch": "feature/audit", "base": "main"},
    ),
    (
        {"action": "start", "args": {"name": "feature audit", "openSessions": True}},
        "start",
        {"name": "feature audit", "openSessions": True},
    ),
    (
        {"action": "open", "args": {"pathOrBranch": "feature/auth", "openSessions": True}},
        "open",
        {"pathOrBranch": "feature/auth", "openSessions": True},
    ),
    ({"action": "fork", "args": {"name": "feature auth"}}, "fork", {"name": "feature auth"}),
    (
        {
            "action": "swarm",
            "args": {"tasks": ["refactor-auth", "docs-refresh"], "prefix": "wt/", "force": True},
        },
        "swarm",
        {"tasks": ("refactor-auth", "docs-refresh"), "prefix": "wt/", "force": True},
    ),
    (
        {"action": "spawn", "args": {"tasks": ["auth", "db"], "prefix": "feat/"}},
        "spawn",
        {"tasks": ("auth", "db"), "prefix": "feat/"},
    ),
    (
        {
            "action": "spawn",
            "args": {"tasks": ["task1"], "agent": "implementation", "prompt": "Your task: {{task}}"},
        },
        "spawn",
        {"tasks": ("task1",), "agent": "implementation", "prompt": "Your task: {{task}}"},
    ),
    (
        {"action": "message", "args": {"sessionID": "ses_1", "message": "go on", "agent": "x"}},
        "message",
        {"sessionID": "ses_1", "message": "go on", "agent": "x"},
    ),
    ({"action": "sessions", "args": {"sessionIDs": ["ses_1"]}}, "sessions", {"sessionIDs": ("ses_1",)}),
    ({"action": "abort", "args": {"sessionID": "ses_1"}}, "abort", {"sessionID": "ses_1"}),
    (
        {"action": "cleanup", "args": {"action": "prune", "dryRun": True}},
        "cleanup",
        {"action": "prune", "dryRun": True},
    ),
    (
        {"action": "cleanup", "args": {"action": "remove", "pathOrBranch": "feature/audit", "force": True}},
        "cleanup",
        {"action": "remove", "pathOrBranch": "feature/audit", "force": True},
    ),
    ({"action": "current"}, "current", {}),
    (
        {"action": "notify", "args": {"message": "Done!", "level": "info"}},
        "notify",
        {"message": "Done!", "level": "info"},
    ),
    (
        {"action": "notify", "args": {"message": "Blocked!", "level": "blocking"}},
        "notify",
        {"message": "Blocked!", "level": "blocking"},
    ),
    ({"action": "done", "args": {"summary": "all of it"}}, "done", {"message": "all of it"}),
]


@pytest.mark.parametrize(("raw", "action", "values"), PROMPTS)
def test_the_forms_of_existing_role_prompts_are_read(
    raw: dict[str, Any], action: str, values: dict[str, Any]
) -> None:
    called = read_call("action", raw)
    assert not isinstance(called, Wrong)
    name, sent = called
    assert name == action
    assert read(name, dict(sent)) == Given(values)


@pytest.mark.parametrize(("raw", "action", "values"), PROMPTS)
def test_the_same_is_read_from_json_in_a_text_and_beside_the_action(
    raw: dict[str, Any], action: str, values: dict[str, Any]
) -> None:
    args = raw.get("args", {})
    as_text = read_call("action", {"action": action, "args": json.dumps(args)})
    assert not isinstance(as_text, Wrong)
    assert read(as_text[0], dict(as_text[1])) == Given(values)
    if "action" not in args:
        beside = read_call("action", {"action": action, **args})
        assert not isinstance(beside, Wrong)
        assert read(beside[0], dict(beside[1])) == Given(values)


@pytest.mark.parametrize("action", ALL, ids=lambda one: one.name)
def test_every_example_of_the_help_is_read(action: Action) -> None:
    assert action.examples
    for example in action.examples:
        given_ = read_arguments(action, json.loads(example))
        assert isinstance(given_, Given), given_
        assert set(given_.values) == {
            name for name in given_.values if name in {one.name for one in action.arguments}
        }


@pytest.mark.parametrize("action", ALL, ids=lambda one: one.name)
def test_no_two_arguments_of_an_action_share_a_name(action: Action) -> None:
    names = [name.lower() for one in action.arguments for name in (one.name, *one.also)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("action", "args", "said"),
    [
        ("spawn", {}, "tasks is missing"),
        ("spawn", {"tasks": []}, "tasks is missing"),
        ("spawn", {"tasks": 3}, 'expected a list of texts, for example ["auth", "db"]'),
        ("spawn", {"tasks": ["a", {"b": 1}]}, "tasks is not understood"),
        ("spawn", {"tasks": ["--force"]}, "looks like an option"),
        ("spawn", {"tasks": ["a"], "promt": "x"}, "unknown argument 'promt'; did you mean 'prompt'?"),
        ("list", {"all": True}, "unknown argument 'all'"),
        ("cleanup", {"action": "prun"}, "did you mean 'prune'?"),
        ("cleanup", {"action": "prune", "dryRun": "maybe"}, "expected true or false"),
        ("notify", {"message": "x", "level": "fatal"}, "expected one of info, warning, blocking"),
        ("notify", {"message": ["x"]}, "message: expected a text"),
        ("abort", {"sessionID": "a\nb"}, "holds control characters"),
        ("abort", {"sessionID": "\u202eabc"}, "holds control characters"),
        ("create", {"name": "x" * 401}, "has 401 characters"),
        ("wait", {"seconds": "soon"}, "expected a whole number"),
        ("wait", {"seconds": -1}, "expected a whole number"),
        ("wait", {"seconds": True}, "expected a whole number"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_expected(action: str, args: dict[str, Any], said: str) -> None:
    wrong = read(action, args)
    assert isinstance(wrong, Wrong)
    assert said in f"{wrong.message} {wrong.hint}"


@pytest.mark.parametrize("form", ["sessionID", "sessionId", "session_id", "session", "SESSIONID"])
def test_a_name_is_known_in_the_ways_models_write_it(form: str) -> None:
    assert read("abort", {form: "ses_1"}) == Given({"sessionID": "ses_1"})


@pytest.mark.parametrize(
    ("sent", "names"), [("auth", ("auth",)), ('["a", "b"]', ("a", "b")), (["a", "a"], ("a",))]
)
def test_a_list_is_taken_in_the_ways_models_send_it(sent: Any, names: tuple[str, ...]) -> None:
    assert read("spawn", {"tasks": sent}) == Given({"tasks": names})


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"action": ""},
        {"action": 3},
        {"action": "list", "args": "no json"},
        {"action": "list", "args": [1]},
    ],
)
def test_a_call_that_names_nothing_is_refused_with_an_example(raw: dict[str, Any]) -> None:
    wrong = read_call("action", raw)
    assert isinstance(wrong, Wrong)
    assert "for example" in wrong.hint


def test_what_a_role_may_not_do_is_told_apart_from_what_nobody_can() -> None:
    implementation = SessionRole.IMPLEMENTATION
    refused, unknown = worktree_action(implementation, "spawn"), worktree_action(implementation, "spwan")
    assert isinstance(refused, Wrong)
    assert isinstance(unknown, Wrong)
    assert refused.message == "'spawn' is not for implementation sessions"
    assert unknown.message == "unknown action 'spwan'"
    assert isinstance(memory_tool("mesages"), Wrong)


texts = st.text('a-/[]{}"1 \x1b\n\0\u202e\ud800', max_size=12)
json_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    texts,
    st.lists(texts, max_size=3),
    st.dictionaries(texts, texts, max_size=2),
)


NAMES = sorted({name for action in ALL for one in action.arguments for name in (one.name, *one.also)})


@given(st.sampled_from(ALL), st.dictionaries(st.sampled_from(NAMES), json_values, max_size=4))
def test_whatever_is_sent_is_read_or_refused(action: Action, sent: dict[str, Any]) -> None:
    result = read_arguments(action, sent)
    if isinstance(result, Wrong):
        assert "\n" not in result.message
        assert len(result.message) < 600
    else:
        assert set(result.values) <= {one.name for one in action.arguments}


@pytest.mark.parametrize(
    ("used", "status"),
    [
        (69, Fullness.GREEN),
        (70, Fullness.YELLOW),
        (84, Fullness.YELLOW),
        (85, Fullness.RED),
        (92, Fullness.CRITICAL),
    ],
)
def test_how_full_a_window_is(used: int, status: Fullness) -> None:
    use = use_of(used, 100)
    assert use is not None
    assert use.status is status
    assert use_of(used, 0) is None
