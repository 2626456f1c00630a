"""Find what is wrong with a repository, and name the command that mends it.

Looks at git, remote, configuration, hooks, statuses that do not fit the facts, and at what was left behind. Exit code 0
when nothing is wrong or there is only something to know, 1 otherwise. With --verify the history itself is checked
against guarantees 1 to 6 (docs/doctor.md), from refs and objects alone. With --github it says how the repository is set
up there (docs/github.md): 0 when nothing is missing, 1 otherwise, 8 when GitHub refuses or there is no token.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path

from coord.call import Call
from coord.core.audit import audit
from coord.core.auditfacts import Facts
from coord.core.mode import Part, Seen, is_complete, mode_of, parts_of
from coord.doctor.check import Check, examine
from coord.doctor.checks import CHECKS
from coord.doctor.finding import Finding, Place, Severity
from coord.doctor.mending import mend
from coord.doctor.security import look
from coord.errors import CoordError, Exit, UsageError
from coord.freshness import fetch
from coord.observe import observe
from coord.output import Json
from coord.site import clone_into
from coord.verify import Rerun, gather, read_pushed, regate
from coord.workspace import Workspace, open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--fix", action="store_true", help="mend what needs no decision, and say what was left"
    )
    parser.add_argument(
        "--verify", action="store_true", help="check the history of main against the guarantees"
    )
    parser.add_argument(
        "--regate", action="store_true", help="with --verify: run the gate again on every landing"
    )
    parser.add_argument("--last", type=int, metavar="N", help="with --regate: only on the last N landings")
    parser.add_argument(
        "--pushed", metavar="FILE", help="with --verify: lines '<oid> <ref>', pushes to be accounted for"
    )
    parser.add_argument(
        "--github",
        action="store_true",
        help="say how the repository is set up on GitHub, and what is missing",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(call: Call) -> Exit:
    args = call.args
    if not args.verify and (args.regate or args.pushed or args.last is not None):
        raise UsageError(
            "--regate, --last and --pushed go with --verify", hint="coord doctor --verify --regate"
        )
    if args.github and (args.fix or args.verify):
        raise UsageError(
            "--github only looks, and at GitHub alone", hint="give it without --fix and --verify"
        )
    if args.fix and args.verify:
        raise UsageError("--verify only looks: there is nothing for --fix to mend in a history")
    if args.last is not None and args.last < 1:
        raise UsageError("--last takes a whole number from 1")
    workspace = open_workspace(call.folder)
    if args.github:
        return _github(call, workspace)
    return _verify(call, workspace) if args.verify else _examine(call, workspace)


# -- what is wrong -------------------------------------------------------------------------------------------------


def _examine(call: Call, workspace: Workspace) -> Exit:
    mended = []
    if call.args.fix:
        mended = list(mend(_look(call, workspace)))
        for line in mended:
            call.output.say(f"fix: {line}")
        # What was mended may be what kept us from looking.
        workspace = open_workspace(call.folder)
    found = list(examine(_look(call, workspace), CHECKS))
    for check, finding in found:
        _show(call, finding, check.name, check.why)
    call.output.emit("doctor", {"findings": [_facts(*each) for each in found], "mended": mended})
    wrong = [finding for _, finding in found if finding.severity is not Severity.INFO]
    call.output.say(_sum(len(wrong), len(found) - len(wrong)))
    return Exit.ERROR if wrong else Exit.OK


def _look(call: Call, workspace: Workspace) -> Place:
    """Look afresh; what keeps us from looking is itself something to find."""
    unfetched, unread, view = "", ("", ""), None
    try:
        fetch(workspace)
    except CoordError as error:
        unfetched = error.message
    try:
        view = observe(workspace)
    except CoordError as error:
        unread = (error.message, error.hint)
    return Place(workspace, call.folder, int(time.time()), view, unfetched, unread)


def _show(call: Call, finding: Finding, check: str, why: str) -> None:
    call.output.result(f"{finding.severity}: {finding.subject}: {finding.message} [{check}]")
    call.output.result(f"  why it matters: {why}")
    call.output.result(f"  mend it: {finding.command}")


def _facts(check: Check, finding: Finding) -> dict[str, Json]:
    return {
        "check": check.name,
        "severity": finding.severity.value,
        "subject": finding.subject,
        "message": finding.message,
        "why": check.why,
        "command": finding.command,
    }


def _sum(wrong: int, infos: int) -> str:
    if not wrong and not infos:
        return "nothing is wrong"
    return f"{wrong} to mend, {infos} to know" + ("" if wrong else ": nothing is wrong")


# -- GitHub --------------------------------------------------------------------------------------------------------


_STEPS = {Seen.WRONG: "mend it", Seen.UNSEEN: "see it", Seen.NOTE: "change it", Seen.RIGHT: ""}


def _github(call: Call, workspace: Workspace) -> Exit:
    facts = look(workspace)
    mode, parts = mode_of(facts.workflows), parts_of(facts)
    complete = is_complete(parts)
    call.output.result(f"mode: {mode}")
    for part in parts:
        call.output.result(f"{part.seen}: {part.name}: {part.now}")
        for step in part.mend:
            call.output.result(f"  {_STEPS[part.seen]}: {step}")
    rows: list[Json] = [
        {"part": p.name, "seen": p.seen.value, "now": p.now, "mend": list(p.mend)} for p in parts
    ]
    call.output.emit("doctor", {"mode": mode.value, "complete": complete, "parts": rows})
    call.output.say(_missing(parts))
    return Exit.OK if complete else Exit.ERROR


def _missing(parts: tuple[Part, ...]) -> str:
    wrong = sum(part.seen is Seen.WRONG for part in parts)
    unseen = sum(part.seen is Seen.UNSEEN for part in parts)
    if not wrong and not unseen:
        return "nothing is missing"
    return f"{wrong} to mend" + (f", {unseen} not to be seen with this token" if unseen else "")


# -- the guarantees ------------------------------------------------------------------------------------------------


def _verify(call: Call, workspace: Workspace) -> Exit:
    args = call.args
    pushed = read_pushed(call.folder / Path(args.pushed)) if args.pushed else ()
    fetch(workspace)
    facts = gather(workspace, pushed=pushed)
    violations = list(audit(facts))
    rerun = _regate(call, workspace, facts) if args.regate else None
    violations += rerun.red if rerun else ()
    for each in violations:
        call.output.result(f"{each.subject}: {each.message} [{each.rule}, guarantee {each.guarantee}]")
        call.output.result(f"  look or mend: {each.command}")
    findings: list[Json] = [
        {
            "check": each.rule,
            "severity": Severity.ERROR.value,
            "guarantee": each.guarantee,
            "subject": each.subject,
            "message": each.message,
            "command": each.command,
        }
        for each in violations
    ]
    checked = _counts(facts, rerun)
    call.output.emit("doctor", {"findings": findings, "checked": checked})
    call.output.say(_told(checked, rerun, len(violations)))
    return Exit.ERROR if violations else Exit.OK


def _regate(call: Call, workspace: Workspace, facts: Facts) -> Rerun:
    return regate(
        workspace,
        facts,
        last=call.args.last,
        clone=lambda folder, commit: clone_into(workspace, folder, commit),
        show=call.output.say,
    )


def _counts(facts: Facts, rerun: Rerun | None) -> dict[str, Json]:
    counts: dict[str, Json] = {
        "landings": len(facts.landings),
        "status": len(facts.status_steps),
        "by_hand": len(facts.by_hand),
        "pushed": len(facts.pushed),
    }
    return counts | ({"green": rerun.green, "unproven": rerun.unproven} if rerun else {})


def _told(checked: dict[str, Json], rerun: Rerun | None, violations: int) -> str:
    counts = (
        ("landing", checked["landings"]),
        ("status step", checked["status"]),
        ("step by hand", checked["by_hand"]),
    )
    words = ", ".join(_counted(name, count) for name, count in counts)
    if rerun:
        words += f"; {rerun.green} landings passed again" + "".join(
            f"\nnot run again: {w}" for w in rerun.unproven
        )
    return f"{words}: " + (f"{violations} violations" if violations else "no violation")


def _counted(name: str, count: object) -> str:
    """Return ``1 landing``, ``2 landings``, ``2 steps by hand``."""
    first, _, rest = name.partition(" ")
    plural = name if count == 1 else f"{name}s" if not rest.startswith("by") else f"{first}s {rest}"
    return f"{count} {plural}"
