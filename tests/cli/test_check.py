"""``coord check`` lints the working copy's task files."""

from __future__ import annotations

from collections.abc import Callable

from .conftest import Ran, Repository

Coord = Callable[..., Ran]


def test_sound_files_pass_without_a_word_on_stdout(repository: Repository, coord: Coord):
    repository.task("a", status="completed")
    repository.task("b/c", "a")
    assert coord("check") == (0, "", "2 files, 0 errors, 0 warnings\n")


def test_each_problem_is_one_line_with_its_place_and_rule(repository: Repository, coord: Coord):
    repository.task("a", "b", status="done")
    repository.task("b", "a", status="wontfix")
    repository.write("tasks/broken.md", "---\nid: [x\n---\n")
    repository.write("tasks/README.md", "# Tasks\n")
    repository.write("tasks/odd.md", "---\nid: a b\n---\n")
    ran = coord("check")
    assert ran.code == 3
    assert ran.out.splitlines() == [
        "tasks/README.md:1:1: warning: no front matter: this is not a task [no-front-matter]",
        "tasks/a.md:4:9: warning: status 'done' is read as 'completed' [alias]",
        "tasks/a.md:4:9: warning: completed, but b is not [open-dependency]",
        "tasks/a.md:5:14: dependencies go in a circle: a -> b -> a [cycle]",
        "tasks/b.md:4:9: status 'wontfix' is unknown: one of pending, in-progress, completed, failed, blocked [enum]",
        "tasks/broken.md:3:1: not valid YAML: did not find expected ',' or ']' [yaml]",
        "tasks/odd.md:1:1: the field 'name' is missing [missing-name]",
        "tasks/odd.md:2:5: id 'a b' holds ' ': it cannot be a branch name [branch-name]",
    ]
    assert ran.err == "5 files, 5 errors, 3 warnings\n"


def test_warnings_alone_exit_with_zero(repository: Repository, coord: Coord):
    repository.task("a", status="open")
    assert coord("check").code == 0


def test_fix_writes_aliases_in_our_words_and_touches_nothing_else(repository: Repository, coord: Coord):
    file = repository.write(
        "tasks/a.md",
        b"\xef\xbb\xbf---\r\nid: a\r\nname: A\r\nstatus: 'done' # yes\r\ndependsOn: []\r\n---\r\nx",
    )
    ran = coord("check", "--fix")
    assert ran.code == 0
    assert ran.out == ""
    assert "fixed tasks/a.md: status: done -> completed\n" in ran.err
    assert file.read_bytes() == (
        b"\xef\xbb\xbf---\r\nid: a\r\nname: A\r\nstatus: 'completed' # yes\r\ndepends_on: []\r\n---\r\nx"
    )


def test_paths_limit_what_is_told_and_dependencies_are_still_found(repository: Repository, coord: Coord):
    repository.task("a", status="wontfix")
    good = repository.task("b", "a")
    assert coord("check", str(good)).code == 0
    assert coord("check", "tasks").code == 3
    assert coord("check", "nowhere").code == 2


def test_github_annotations_cannot_be_forged_by_a_file(repository: Repository, coord: Coord):
    repository.write("tasks/a,b%.md", '---\nid: x\nname: X\nstatus: "50%\\n::error::forged"\n---\n')
    ran = coord("check", "--github")
    (line,) = ran.out.splitlines()
    assert line.startswith(
        "::error file=tasks/a%2Cb%25.md,line=4,col=9::status '50%25 ::error::forged' is unknown"
    )


def test_json_holds_counts_and_problems(repository: Repository, coord: Coord):
    repository.task("a", "nowhere")
    answer = coord("check", "--json").json
    assert answer["schema"] == "coord/check/1"
    assert answer["data"] == {"files": 1, "errors": 1, "warnings": 0, "fixed": []}
    (problem,) = answer["problems"]
    assert (problem["path"], problem["line"], problem["column"], problem["rule"], problem["severity"]) == (
        "tasks/a.md", 5, 14, "dependency", "error",
    )  # fmt: skip


def test_hostile_files_are_told_and_never_a_traceback(repository: Repository, coord: Coord):
    repository.write("tasks/big.md", b"---\nid: big\n" + b"x" * (1 << 21))
    repository.write("tasks/binary.md", bytes(range(256)))
    repository.write("tasks/deep.md", b"---\nid: deep\nname: x\na: " + b"[" * 50_000 + b"\n---\n")
    (repository.folder / "tasks" / "link.md").symlink_to("/etc/hostname")
    (repository.folder / "tasks" / "loop").symlink_to(".")
    (repository.folder / "tasks" / "folder.md").mkdir()
    ran = coord("check")
    assert ran.code == 3
    assert [row.rpartition("[")[2] for row in ran.out.splitlines()] == [
        "too-large]", "no-front-matter]", "yaml]", "not-a-file]",
    ]  # fmt: skip


def test_a_folder_without_tasks_passes_and_no_repository_is_a_usage_error(
    repository: Repository, coord: Coord
):
    assert coord("check").code == 0
    assert coord("-C", "..", "check").code == 2
