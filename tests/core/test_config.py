"""``.coord.toml``: every slip is told with file, line and the nearest name."""

from __future__ import annotations

import pytest

from coord.config import parse
from coord.core.settings import PushMeans, Settings, Strategy, matches
from coord.errors import UsageError


def test_an_empty_file_states_the_defaults() -> None:
    assert parse("", ".coord.toml") == Settings()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[land]\nstrategey = 'each'\n",
            ".coord.toml:2: unknown key 'strategey' in [land]; did you mean 'strategy'?",
        ),
        ("[lnd]\n", ".coord.toml:1: unknown table [lnd]; did you mean 'land'?"),
        (
            "\n[land]\nstrategy = 'eech'\n",
            ".coord.toml:3: [land] strategy must be 'each' or 'batch', not 'eech'",
        ),
        ("[land]\nworkers = 0\n", ".coord.toml:2: [land] workers must be a whole number from 1, not 0"),
        ("[land]\nworkers = true\n", ".coord.toml:2: [land] workers must be a whole number from 1, not True"),
        ("[land\n", ".coord.toml:1: not valid TOML"),
        (
            "[gate]\nprofile = 'cargoo'\n",
            ".coord.toml:2: unknown [gate] profile 'cargoo'; did you mean 'cargo'?",
        ),
        (
            "[agents.x]\nlike = 'claud'\n",
            ".coord.toml:2: unknown [agents.x] like = 'claud'; did you mean 'claude'?",
        ),
        ("[profiles.x]\ntimeout = '3m'\n", ".coord.toml:1: [profiles.x] needs steps"),
        ("[profiles.cargo]\ntimeout = '3'\n", ".coord.toml:2: [profiles.cargo] timeout must be a duration"),
        (
            "[profiles.cargo]\nsteps = ['x \"']\n",
            ".coord.toml:2: [profiles.cargo] steps must be a command with closed",
        ),
        (
            "[project]\ntasks = '../up'\n",
            ".coord.toml:2: [project] tasks must be a folder inside the repository",
        ),
        (
            "[project]\nprefixes = ['feat']\n",
            ".coord.toml:2: [project] prefixes must be a list of branch prefixes",
        ),
        ("land = 1\n", ".coord.toml:1: [land] must be a table"),
    ],
)
def test_a_slip_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text, ".coord.toml")
    assert raised.value.message.startswith(told)


def test_values_are_read() -> None:
    settings = parse(
        '[land]\nstrategy = "batch"\nsignal = "explicit"\n[profiles.cargo]\ntimeout = "90s"\nkeep = ["target", "x/y"]\n'
        '[profiles.own]\nsteps = ["make \'a b\'", ["sh", "-c", "exit 0"]]\n',
        ".coord.toml",
    )
    assert (settings.land.strategy, settings.land.signal) == (Strategy.BATCH, PushMeans.EXPLICIT)
    cargo, own = settings.profiles
    assert (cargo.timeout, cargo.keep, len(cargo.steps)) == (90.0, ("target", "x/y"), 3)
    assert own.steps == (("make", "a b"), ("sh", "-c", "exit 0"))


def test_the_taskgraph_folder_serves_when_ours_is_absent() -> None:
    taskgraph = '[project]\ntasks_dir = "docs/tasks"\n'
    assert parse("", "x", taskgraph).project.tasks == "docs/tasks"
    assert parse('[project]\ntasks = "work"\n', "x", taskgraph).project.tasks == "work"


def test_a_taskgraph_folder_outside_the_repository_is_told_with_its_line() -> None:
    with pytest.raises(UsageError) as raised:
        parse("", "x", '[project]\ntasks_dir = "../tasks"\n')
    assert raised.value.message.startswith(".taskgraph.toml:2: [project] tasks_dir must be a folder inside")


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        (".github/workflows/a.yml", ".github/**", True),
        (".github", ".github/**", True),
        (".githubx/a", ".github/**", False),
        (".coord.toml", ".coord.toml", True),
        ("x/.coord.toml", ".coord.toml", False),
        ("src/a.rs", "src/*", True),
        ("src/b/a.rs", "src/*", False),
        ("src/b/a.rs", "**/*.rs", True),
        ("a.rs", "**/*.rs", True),
        ("src/b/c/a.rs", "src/**/a.rs", True),
    ],
)
def test_globs(path: str, pattern: str, expected: bool) -> None:
    assert matches(path, pattern) is expected


def test_prefixes_keep_the_order_in_which_they_were_written() -> None:
    assert parse('[project]\nprefixes = ["a/", "longer/"]\n', "x").project.prefixes == ("a/", "longer/")


def test_the_longest_prefix_names_the_task() -> None:
    settings = parse('[project]\nprefixes = ["feat/", "feat/deep/"]\n', "x")
    assert settings.task_of("feat/deep/a") == "a"
    assert settings.task_of("feat/a/b") == "a/b"
    assert settings.task_of("feat/") is None
    assert settings.task_of("other/a") is None
