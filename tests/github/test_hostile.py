"""Branches that attack: code under test that reaches for more than it may, workflows rewritten, words that would be code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.github.conftest import Stage
from tests.world import CHECK, task_text
from tests.world.github.githttp import Answer
from tests.world.github.hub_record import RunRecord
from tests.world.github.world import BOT, GitHubWorld

pytestmark = pytest.mark.long

FOLDER = Path(__file__).parent / "branches"
JOBS = "github-actions[bot]"
#: A shell that read any of these would leave a file of this name.
CANARY = "pwned"
DOLLAR, TICKS = "$(touch${IFS}pwned)", "`touch${IFS}pwned`"
WORDS = (
    "$(touch pwned) `touch pwned` ${{ secrets.COORD_APP_KEY }} ::set-output name=plan::x ::add-mask::main "
    "@alice @acme/everyone fixes #1 closes acme/demo#2 https://github.com/acme/demo/issues/1 "
    "<img src=x> [x](javascript:alert(1)) </details> ``` | <!-- coord:branch -->"
)
LINES = "::set-output name=report::forged\n::set-env name=PATH::/tmp\n::add-mask::main\n::stop-commands::x\n::error file=a.txt::forged\n##[error]forged\n"
STUCK = f"stuck\n\n{LINES}\nCoord-Status: blocked\nCoord-Reason: {WORDS}\nCoord-Tried: {WORDS}\nCoord-Suggestion: {WORDS}\n"
RED_SH = f"cat <<'END'\n{LINES}{WORDS}\nEND\necho \"{CANARY}\" | grep -q x\n"


SHORT = WORDS[:199].rstrip() + "\u2026"


class Attack:
    """The story: branches are pushed, runs go until nothing waits."""

    def __init__(self, gh: GitHubWorld) -> None:
        self.gh, self.main = gh, gh.world.ref("refs/heads/main")
        self._push(f"feat/{DOLLAR}", {"src/dollar.txt": "new\n"}, f"{WORDS}\n\n{LINES}")
        prowl = self._program(FOLDER / "prowl.py")
        gh.agent_pushes("feat/other", None, "half\n\nCoord-Status: working")
        self._push("feat/prowler", {"prowl.py": prowl, "check.sh": "python3 prowl.py\n"}, "[skip ci] prowl")
        self._push(f"feat/{TICKS}", {"src/ticks.txt": "half\n"}, "[skip ci] " + STUCK)
        self._push("feat/loud", {"check.sh": RED_SH}, f"[skip ci] {WORDS}\n\n{LINES}")
        wake = (FOLDER / "coord-wake.yml").read_text().replace("PULL", "5")
        self._push("feat/rewriter", {".github/workflows/coord-wake.yml": wake}, "rewrite")
        self.runs = gh.drain()

    def _push(self, branch: str, files: dict[str, str | None], message: str) -> None:
        self.gh.agent_pushes(branch, files, message)
        self.gh.pull(branch, title=WORDS)

    def _program(self, path: Path) -> str:
        text = path.read_text()
        filled = {
            "SERVER": self.gh.server.url,
            "API": self.gh.rest.url,
            "NAME": self.gh.server.name,
            "MAIN": self.main,
        }
        for name, value in filled.items():
            text = text.replace(f"@{name}@", value)
        return text

    def leg(self, branch: str) -> str:
        """Return what the leg for a branch alone printed."""
        legs = (job for run in self.runs for job in run.jobs if job.name.endswith(branch))
        return next(legs).text

    def run(self, name: str, branch: str) -> RunRecord:
        return next(run for run in self.runs if run.name == name and run.event.branch == branch)


@pytest.fixture(scope="module")
def attack(stage: Stage) -> Attack:
    tasks = {name: task_text(name) for name in ("prowler", "rewriter", "other")}
    tasks |= {
        file: task_text("x").replace("id: x", f"id: '{task}'").replace("name: Do x", f"name: '{WORDS}'")
        for file, task in (("loud", "loud"), ("ticks", TICKS), ("dollar", DOLLAR))
    }
    return Attack(stage().build(tasks, config="[land]\nworkers = 6\n" + CHECK))


def test_the_code_under_test_holds_no_credential_and_finds_one_that_may_only_read(attack: Attack) -> None:
    said = attack.leg("feat/prowler")
    assert "\nown environment: []\n" in said
    assert "\ntokens in files: 0\n" in said
    assert "\ncredentials of git in files: 0\n" in said
    # Its ancestors hold the job's own token. What that may do is tried below.
    assert "\ntokens of the job itself: 1\n" in said
    assert "\nkeys: 0\n" in said


def test_the_code_under_test_cannot_push(attack: Attack) -> None:
    said = attack.leg("feat/prowler")
    for who in (0, 1):
        for ref in ("refs/heads/main", "refs/heads/feat/mine", "refs/coord/approvals/rewriter"):
            assert f"\npush {who} {ref}: refused True\n" in said
    answers = attack.gh.server.answers
    assert answers.count(Answer(JOBS, "git-receive-pack", 403)) >= 3
    assert answers.count(Answer("", "git-receive-pack", 401)) >= 3
    assert not [each for each in attack.gh.rest.state.activity if each.actor == JOBS]


def test_the_code_under_test_can_ask_the_api_for_nothing(attack: Attack) -> None:
    answers = re.findall(r"\nask (\d) (\w+) (\S+): (\d+)", attack.leg("feat/prowler"))
    assert {code for who, _, _, code in answers if who == "0"} == {"403"}
    assert {code for who, _, _, code in answers if who == "1"} == {"401"}
    here = f"/repos/{attack.gh.server.name}/"
    for who, method, path, code in answers:
        assert (method, here + path, int(code)) in attack.gh.rest.answers, (who, path)
    state = attack.gh.rest.state
    assert "feat/other" in attack.gh.world.branches()
    assert not [ticket for ticket in state.tickets.values() if ticket.title == "mine"]
    assert not [status for status in state.statuses if status.commit == attack.main]
    assert "/coord approve" not in attack.gh.comments("feat/prowler")


def test_what_it_writes_for_the_runner_and_prints_changes_nothing(attack: Attack) -> None:
    """It told the runner forged outputs and printed the end of a step that the profile does not have."""
    assert "\nwrote to GITHUB_OUTPUT\n" in attack.leg("feat/prowler")
    assert attack.gh.world.verdicts()["prowler"] == "gate-failed"
    (comment,) = attack.gh.comments("feat/prowler")
    assert "**sh check.sh failed**" in comment


def test_main_was_moved_by_coord_alone(attack: Attack) -> None:
    moves = [each for each in attack.gh.rest.state.activity if each.ref == "refs/heads/main"]
    assert {each.actor for each in moves} == {BOT}
    assert sorted(attack.gh.world.history()) == [
        f"Merge branch 'feat/{DOLLAR}'", f"blocked({TICKS}): {SHORT}", "blocked(loud): sh check.sh failed",
        "blocked(prowler): sh check.sh failed", "seed",
    ]  # fmt: skip


def test_a_rewritten_workflow_gets_no_key_and_cannot_push_main(attack: Attack) -> None:
    run = attack.run("coord-wake", "feat/rewriter")
    assert run.outline() == {"enter": "failure", "push": "success"}
    assert "entered" not in run.job("enter").text
    said = run.job("push").text
    assert "\nkey []\n" in said
    assert "GH013: Repository rule violations found for refs/heads/main" in said
    assert "\nmain was refused\n" in said


def test_an_approval_that_a_workflow_writes_is_none(attack: Attack) -> None:
    assert "\napproved by itself: 201\n" in attack.run("coord-wake", "feat/rewriter").text() + "\n"
    assert attack.gh.comments("feat/rewriter")[0] == "/coord approve"
    assert "feat/rewriter" in attack.gh.world.branches()
    assert "waits for an approval" in attack.gh.comments("feat/rewriter")[1]
    assert not [run for run in attack.runs if run.name == "coord-command"]


def test_no_word_of_an_agent_is_run(attack: Attack) -> None:
    """A branch name, a task's name, a message, a title, what a gate prints: none of them reaches a shell."""
    assert list(attack.gh.root.rglob(CANARY)) == []
    assert not Path(CANARY).exists()
    assert f"'{DOLLAR}' completed" in attack.gh.picture()


def test_the_runner_takes_no_command_of_an_agent(attack: Attack) -> None:
    ours = [run for run in attack.runs if run.event.branch != "feat/rewriter"]
    taken = [raw for run in ours for job in run.jobs for _, raw in job.commands if raw]
    ours_only = re.compile(
        r"::(stop-commands::[0-9a-f]{32}|[0-9a-f]{32}::|add-matcher::.*/cargo\.json|remove-matcher owner=[\w-]+::"
        r"|error::(sh check\.sh failed|.*: the gate ).*)"
    )
    assert taken
    assert [raw for raw in taken if not ours_only.fullmatch(raw.rstrip("\n"))] == []
    # act takes any "::" for the end of a command's head; GitHub's runner takes the first.
    assert {level for run in ours for level, _ in run.annotations()} <= {"error"}
    assert "forged" not in {text for run in ours for _, text in run.annotations()}


def test_comments_stay_inert(attack: Attack) -> None:
    said = [body for branch in (TICKS, "loud", "prowler") for body in attack.gh.comments(f"feat/{branch}")]
    assert len(said) == 3
    for body in said:
        text = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", body, flags=re.DOTALL | re.MULTILINE)
        shown = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
        assert not re.search(r"@\w|(?<!\\)<(img|!--)|(?<!\\)\]\(|#\d|\w://", shown), shown
        assert shown.count("</details>") == shown.count("<details>")


def test_summaries_stay_inert(attack: Attack) -> None:
    said = "\n".join(run.summary() for run in attack.runs if run.name == "coord-land")
    text = re.sub(r"```mermaid.*?```", "", said, flags=re.DOTALL)
    shown = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert shown
    assert not re.search(r"@\w|(?<!\\)<(img|!--)|(?<!\\)\]\(|#\d|\w://", shown), shown
