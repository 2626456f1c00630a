"""Each scenario that was asked for has its test under act; docs/github.md points here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent

#: Scenario -> the tests that show it, as ``module::test``.
SCENARIOS: dict[str, tuple[str, ...]] = {
    "a clean landing": ("crowd::one_ring_lands_what_is_green_and_blocks_what_is_not",),
    "a red gate": ("crowd::a_red_branch_is_told_what_the_step_printed_and_nothing_else",),
    "a conflict": ("crowd::a_conflict_names_the_paths_and_who_brought_the_other_side",),
    "blocked by a trailer": ("crowd::a_branch_blocked_by_its_trailer_tells_the_facts",),
    "a branch edits .github/": (
        "crowd::a_branch_that_edits_workflows_waits_for_a_person_who_may_write",
        "crowd::it_lands_once_that_person_has_approved",
        "hostile::a_rewritten_workflow_gets_no_key_and_cannot_push_main",
        "hostile::an_approval_that_a_workflow_writes_is_none",
    ),
    "a branch edits task files": ("crowd::edits_of_task_files_are_dropped_and_the_rest_lands",),
    "three branches at once": ("crowd::three_branches_at_once_are_validated_side_by_side",),
    "main moved by a person during the gate": (
        "days::main_moved_by_a_person_during_the_gate_is_not_overwritten",
        "days::what_was_validated_on_another_main_is_validated_anew_by_the_next_run",
    ),
    "a branch moved during the gate": (
        "days::a_branch_that_moved_during_the_gate_lands_with_its_new_tip_only",
    ),
    "the gate job tries to push": (
        "hostile::the_code_under_test_cannot_push",
        "hostile::main_was_moved_by_coord_alone",
    ),
    "the gate job tries to read secrets": (
        "hostile::the_code_under_test_holds_no_credential_and_finds_one_that_may_only_read",
    ),
    "the gate job calls the API for more than it may": (
        "hostile::the_code_under_test_can_ask_the_api_for_nothing",
        "hostile::what_it_writes_for_the_runner_and_prints_changes_nothing",
    ),
    "a red and a green leg told apart": ("crowd::a_green_leg_is_told_from_a_red_one",),
    "bot pushes start nothing": (
        "crowd::pushes_of_the_bot_start_nothing_that_does_anything",
        "other_modes::in_the_simple_mode_pushes_of_the_job_start_nothing",
    ),
    "the sweep lands a branch whose push event was lost": (
        "days::the_sweep_lands_a_branch_whose_push_started_nothing",
    ),
    "slash commands with and without rights": ("days::a_command_is_answered_to_whoever_may_write",),
    "injection": (
        "hostile::no_word_of_an_agent_is_run",
        "hostile::the_runner_takes_no_command_of_an_agent",
        "hostile::comments_stay_inert",
        "hostile::summaries_stay_inert",
    ),
    "REST answers 403, 404, 409, 422, 429, 500, reset, slow": (
        "days::no_answer_of_github_loses_or_doubles_a_word",
        "days::a_status_that_was_refused_is_set_by_a_later_run",
    ),
    "a kill in the middle of land": ("days::a_land_job_that_dies_leaves_what_the_next_run_finishes",),
    "what one run leaves is dispatched on": ("crowd::what_a_run_leaves_starts_the_next",),
    "a dry run by hand": ("days::a_dry_run_by_hand_validates_one_branch_and_publishes_nothing",),
    "the simple mode": ("other_modes::in_the_simple_mode_one_job_lands_and_reports",),
    "the audit": ("other_modes::the_audit_writes_one_issue_and_closes_it_when_all_is_well",),
    "a crate": (
        "other_modes::a_crate_lands_and_what_clippy_warns_of_is_red",
        "other_modes::the_runner_reads_cargos_messages_while_the_gate_runs_and_no_longer",
    ),
}


def _tests() -> set[str]:
    """Return the tests of this folder, as the table names them."""
    found = set()
    for path in HERE.glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.add(f"{path.stem.removeprefix('test_')}::{node.name.removeprefix('test_')}")
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_has_its_tests(scenario: str) -> None:
    assert SCENARIOS[scenario]
    assert set(SCENARIOS[scenario]) - _tests() == set()
