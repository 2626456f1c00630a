"""The README says what is so."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

from coord import errors
from coord.config import AGENT_KEYS, PROFILE_KEYS, TABLES, parse
from coord.core.profile import Profile
from coord.core.settings import Settings
from tests.artefacts import blocks, read, section
from tests.artefacts.picture import build, play, without_ids
from tests.world import World, task_text


def test_the_picture_is_what_the_commands_print(world: World) -> None:
    (picture,) = blocks(section(read("README.md"), "One task, from push to landed"), "console")
    build(world)

    really = play(world, picture)

    assert without_ids(picture) == without_ids(really), really


def test_ids_are_compared_by_the_order_in_which_they_first_appear() -> None:
    text = "abcdef0 then 1234567, abcdef0"
    assert without_ids(text) == without_ids("1111111 then 2222222, 1111111") == "<1> then <2>, <1>"
    assert without_ids(text) != without_ids("1111111 then 2222222, 2222222")


def test_every_guarantee_names_its_tests_and_every_test_is_named() -> None:
    guarantees = section(read("README.md"), "Guarantees")
    source = read("tests/scenarios/test_guarantees.py")
    there = set(re.findall(r"^def (test_guarantee_\w+)", source, re.MULTILINE))
    items = re.split(r"^(?=\d\. )", guarantees, flags=re.MULTILINE)[1:]

    named = {item[0]: re.findall(r"`(test_\w+)`", item) for item in items}

    assert list(named) == [str(number) for number in range(1, 10)]
    assert {test for tests in named.values() for test in tests} == there
    assert all(tests for tests in named.values())
    assert all(
        test.startswith(f"test_guarantee_{number}_") for number, tests in named.items() for test in tests
    )


def test_the_configuration_states_the_defaults() -> None:
    (screen,) = blocks(section(read("README.md"), "Configuration"), "toml")
    settings = parse(screen, "README.md")
    (profile,) = settings.profiles
    assert replace(settings, profiles=(), agents=()) == Settings()
    assert profile == Profile(name="mine", steps=profile.steps)


def test_the_configuration_leaves_no_key_out() -> None:
    (screen,) = blocks(section(read("README.md"), "Configuration"), "toml")
    everything = re.sub(r"^# (?=\w+ = )", "", screen, flags=re.MULTILINE)
    parse(everything, "README.md")
    tables = dict(re.findall(r"^\[([\w.]+)\](.*?)(?=^\[|\Z)", everything, re.MULTILINE | re.DOTALL))
    stated = {name: set(re.findall(r"^(\w+) = ", text, re.MULTILINE)) for name, text in tables.items()}
    assert stated.pop("profiles.mine") == set(PROFILE_KEYS)
    assert stated.pop("agents.mine") == set(AGENT_KEYS)
    assert stated == {name: set(keys) for name, keys in TABLES.items()}


def test_the_exit_codes_in_the_table_exist() -> None:
    named = {int(code) for code in re.findall(r"exit code (\d+)", read("README.md"))}
    assert named <= {code.value for code in errors.EXIT_MEANINGS}
    assert named


def test_the_refs_that_are_left_go_with_the_commands_of_uninstall(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    world.land()
    world.coord("hold", "b", "-m", "later")
    assert world.refs().count("refs/coord/") == 2
    main = world.ref("refs/heads/main")

    (script,) = re.findall(
        r"^<!-- run by tests/artefacts/test_readme.py -->\n```sh\n(.*?)^```$", read("README.md"),
        re.MULTILINE | re.DOTALL,
    )  # fmt: skip
    subprocess.run(["sh", "-ec", script], cwd=world.desk, check=True, capture_output=True)

    assert "refs/coord/" not in world.refs()
    world.expected.add("blocked-fact")  # the verdict that told why went with the refs
    assert "refs/coord/" not in world.git("for-each-ref", at=world.desk)
    assert world.ref("refs/heads/main") == main
    assert world.branches() == ["feat/a"]
