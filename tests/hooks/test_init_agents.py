"""`coord init --agents`: what agents read, added to what people have, and never over it."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from coord.agentfiles import CONFIG_FILES, PROMPTS, ROLES, WORDS
from coord.cli import VERBS
from coord.core.agents import PRESETS


@pytest.fixture
def repo(bare_folder):
    bare_folder.git("init", "-q")
    return bare_folder


def _everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_every_preset_has_a_file_or_a_word():
    known = set(CONFIG_FILES) | set(WORDS) | {"scripted"}
    assert {kind.name for kind in PRESETS} <= known


def test_without_it_nothing_is_written_for_agents(repo):
    repo.coord("init")
    assert not (repo.folder / "AGENTS.md").exists()
    assert not (repo.folder / ".coord").exists()


def test_it_writes_the_section_the_prompts_and_each_agents_file(repo):
    said = repo.coord("init", "--agents")
    server = {"command": "coord", "args": ["mcp"]}
    assert json.loads(repo.read("opencode.json")) == {
        "mcp": {"coord": {"type": "local", "command": ["coord", "mcp"]}}
    }
    assert json.loads(repo.read(".mcp.json")) == {"mcpServers": {"coord": {"type": "stdio", **server}}}
    for path in (".gemini/settings.json", ".qwen/settings.json"):
        assert json.loads(repo.read(path)) == {"mcpServers": {"coord": server}}
    codex = tomllib.loads(repo.read(".codex/config.toml"))
    assert codex == {"mcp_servers": {"coord": {**server, "env_vars": ["COORD_SESSION"]}}}
    assert sorted(path.name for path in (repo.folder / PROMPTS).iterdir()) == sorted(f"{r}.md" for r in ROLES)
    assert "goose configure" in said
    assert "aider knows no MCP servers" in said
    assert f"git add .coord.toml tasks AGENTS.md {PROMPTS}/coordinator.md" in said


def test_names_limit_it(repo):
    said = repo.coord("init", "--agents", "opencode,claude")
    assert (repo.folder / "opencode.json").is_file()
    assert (repo.folder / ".mcp.json").is_file()
    assert not (repo.folder / ".codex").exists()
    assert "goose" not in said
    before = _everything(repo.folder)
    assert "coord knows no agent 'cluade'" in repo.coord("init", "--agents", "cluade", code=2)
    assert _everything(repo.folder) == before


def test_twice_is_once_and_a_dry_run_is_never(repo):
    empty = _everything(repo.folder)
    said = repo.coord("init", "--agents", "--dry-run")
    assert "would be: AGENTS.md: written" in said
    assert _everything(repo.folder) == empty
    repo.coord("init", "--agents")
    before = _everything(repo.folder)
    assert "would be" not in repo.coord("init", "--agents", "--dry-run")
    repo.coord("init", "--agents")
    assert _everything(repo.folder) == before


def test_what_people_have_is_added_to_and_what_they_changed_is_left(repo):
    repo.write("AGENTS.md", "# Ours\n")
    repo.write("opencode.json", '{"model": "x",   "mcp": {"docs": {"type": "remote"}}}\n')
    repo.write(".mcp.json", '{"mcpServers": {"coord": {"command": "/opt/coord", "args": ["mcp"]}}}')
    repo.write(f"{PROMPTS}/review.md", "Our own.\n")
    repo.write("CLAUDE.md", "Ours.\n")
    said = repo.coord("init", "--agents")
    assert repo.read("AGENTS.md").startswith("# Ours\n\n<!-- coord:begin ")
    assert repo.read("opencode.json").startswith('{"model": "x",   "mcp": {\n')
    assert json.loads(repo.read("opencode.json"))["mcp"].keys() == {"docs", "coord"}
    assert ".mcp.json: mcpServers.coord was changed by hand: left as it is" in said
    assert repo.read(f"{PROMPTS}/review.md") == "Our own.\n"
    assert repo.read("CLAUDE.md") == "Ours.\n"
    assert "CLAUDE.md is read by its agent: a line @AGENTS.md in it leads there" in said


def test_plugins_whose_tools_have_the_names_of_coords_are_named(repo):
    repo.write(
        "opencode.json", '{"plugin": ["@alkdev/open-coordinator", "other", "@alkdev/open-memory@1.0"]}\n'
    )
    word = "opencode.json has the plugin @alkdev/open-coordinator, @alkdev/open-memory@1.0: take it out"
    assert word in repo.coord("init", "--agents")
    assert word not in repo.coord("init", "--agents", "claude")
    assert "@alkdev/open-coordinator" in repo.read("opencode.json")
    repo.write("opencode.json", '{"plugin": "odd"}\n')
    assert "take it out" not in repo.coord("init", "--agents")


def test_a_file_that_cannot_be_read_is_refused_with_its_place_and_nothing_is_written(repo):
    repo.write(".qwen/settings.json", '{\n  // mine\n  "a": 1\n}\n')
    before = _everything(repo.folder)
    said = repo.coord("init", "--agents", code=2)
    assert ".qwen/settings.json:2:3: " in said
    assert 'add by hand mcpServers.coord: {"command": "coord", "args": ["mcp"]}' in said
    assert _everything(repo.folder) == before
    repo.coord("init", "--agents", "gemini")


@pytest.mark.parametrize("path", [".mcp.json", ".codex"])
def test_a_link_leads_nowhere(repo, tmp_path, path):
    away = tmp_path / "away"
    away.mkdir()
    (away / "file").write_text("{}")
    (repo.folder / path).symlink_to(away if path == ".codex" else away / "file")
    assert "is a link" in repo.coord("init", "--agents", code=2)
    assert (away / "file").read_text() == "{}"
    assert [one.name for one in away.iterdir()] == ["file"]


def test_when_all_of_it_is_on_main_nothing_is_left_to_do(main):
    main.write("go.mod", "module x\n")
    main.coord("init", "--agents")
    main.git("add", "-A")
    main.git("commit", "-q", "-m", "coord: set up")
    main.git("push", "-q", "origin", "main")
    assert "nothing is left to do" in main.coord("init", "--agents")
    main.write("AGENTS.md", "# Ours\n")
    assert "git add .coord.toml tasks AGENTS.md" in main.coord("init", "--agents")


def test_a_server_has_nobody_who_reads(bare_folder):
    bare_folder.git("init", "-q", "--bare")
    assert "--agents is for a clone" in bare_folder.coord("init", "--agents", "--server", ".", code=2)


# -- what the prompts say --------------------------------------------------------------------------------------------

IMPLEMENTATION = {"current", "notify", "status", "commit", "push", "done", "block", "help"}
COORDINATOR = {
    "list", "status", "dashboard", "create", "start", "open", "fork", "swarm", "spawn", "message", "sessions", "abort",
    "cleanup", "merge", "plan", "block", "unblock", "inbox", "wait", "help",
}  # fmt: skip
MEMORY = {"children", "messages", "message", "search", "sessions", "context", "compact", "summary", "help"}


#: What each action takes that a prompt shows with arguments.
ARGUMENTS = {
    "notify": {"message", "level"},
    "commit": {"message"},
    "done": {"message"},
    "spawn": {"tasks"},
    "message": {"sessionID", "message"},
    "abort": {"sessionID"},
    "cleanup": {"action", "dryRun"},
    "unblock": {"task", "context"},
    "block": {"task", "reason", "tried", "attempts", "suggestion"},
    "messages": {"sessionId"},
    "children": {"sessionId"},
    "search": {"query"},
}


@pytest.fixture
def prompts(repo) -> dict[str, str]:
    repo.write(".coord.toml", '[project]\ntasks = "todo"\nprefixes = ["work/"]\n')
    repo.git("config", "coord.main", "trunk")
    repo.coord("init", "--agents")
    return {role: repo.read(f"{PROMPTS}/{role}.md") for role in ROLES} | {"section": repo.read("AGENTS.md")}


def test_the_prompts_name_the_projects_own_folder_branch_and_main(prompts):
    for text in prompts.values():
        assert "tasks/" not in text
        assert not re.search(r"\bmain`", text)
        assert "{{" not in text
    assert "`work/<id>`" in prompts["section"]
    assert "`git merge origin/trunk`" in prompts["implementation"]


def test_the_tools_are_called_as_they_are_named(prompts):
    for role, text in prompts.items():
        allowed = COORDINATOR if role == "coordinator" else IMPLEMENTATION
        assert set(re.findall(r'worktree\(\{action: "(\w+)"', text)) <= allowed
        assert set(re.findall(r'memory\(\{tool: "(\w+)"', text)) <= MEMORY
        for action, arguments in re.findall(r'(?:action|tool): "(\w+)", args: \{([^}]*)\}', text):
            assert set(re.findall(r"(\w+): ", re.sub(r'"[^"]*"', "", arguments))) <= ARGUMENTS[action]
    wanted = COORDINATOR - {"create", "start", "open", "fork", "swarm"}
    assert set(re.findall(r'action: "(\w+)"', prompts["coordinator"])) - {"prune"} >= wanted
    assert set(re.findall(r'worktree\(\{action: "(\w+)"', prompts["implementation"])) >= (
        IMPLEMENTATION - {"status", "help"}
    )


def test_the_commands_that_are_named_exist(prompts):
    for text in prompts.values():
        for words in re.findall(r"`coord ([^`]+)`", text):
            assert shlex.split(words)[0] in VERBS


@pytest.mark.parametrize("role", ["implementation", "research"])
def test_whoever_implements_is_told_the_essentials(prompts, role):
    text = " ".join(prompts[role].split())
    for words in (
        "`id` in",
        "front matter",
        "Merge main first",
        "ever commit files below `todo/`",
        '{action: "done"',
        'level: "blocking"',
        "what was tried",
        "what went wrong",
        "how many attempts you made",
        "what you suggest",
    ):
        assert words in text
