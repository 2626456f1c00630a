"""git's ``update`` hook on the server: what GitHub refuses for one ref of a push, and in which words.

It runs alone, inside git, so it imports nothing of ours. The rules come as JSON in RIG_RULES; a refusal is written to
RIG_REFUSED too, since git itself would only tell the client "hook declined".
"""

import json
import os
import subprocess
import sys
from pathlib import Path

WORKFLOWS = ".github/workflows/"


def git(*args):
    """Return what git prints."""
    return subprocess.run(["git", *args], capture_output=True, text=True, check=True).stdout


def absent(commit):
    """Say whether an object id stands for "no such ref"."""
    return not commit.strip("0")


def violation(rules, ref, before, after):
    """Return the rule of a ruleset that an update breaks, in GitHub's words."""
    only = rules["only"].get(ref)
    if only is None:
        return ""
    if rules["actor"] not in only:
        return "Cannot delete this protected ref." if absent(after) else "Cannot update this protected ref."
    if absent(after):
        return "Cannot delete this branch"
    forced = not absent(before) and git("rev-list", "-n1", before, "--not", after)
    return "Cannot force-push to this branch" if forced else ""


def workflow_files(commit):
    """Return the workflow files of a commit, as (path, object)."""
    listed = git("ls-tree", "-r", "-z", "--format=%(objectname) %(path)", commit, "--", WORKFLOWS).split("\0")
    return {tuple(reversed(line.split(" ", 1))) for line in listed if line}


def new_workflow(before, after):
    """Return the path of a workflow file that this update would create or change. A file that another branch has, with
    the same path and text, is none (GitHub's documentation of the ``workflow`` scope says so)."""
    if absent(after):
        return ""
    files = workflow_files(after) - (set() if absent(before) else workflow_files(before))
    for branch in git("for-each-ref", "--format=%(objectname)", "refs/heads/").split() if files else ():
        files -= workflow_files(branch)
    return min((path for path, _ in files), default="")


def refusal(rules, ref, before, after):
    """Return (what the client's status line says, what is printed), empty when the update is in order."""
    broken = violation(rules, ref, before, after)
    if broken:
        return (
            "push declined due to repository rule violations",
            f"error: GH013: Repository rule violations found for {ref}.\n\n- {broken}\n",
        )
    path = "" if rules["workflows"] else new_workflow(before, after)
    if path:
        return (
            f"refusing to allow a GitHub App to create or update workflow `{path}` without `workflows` permission",
            "",
        )
    return "", ""


def main(ref, before, after):
    """Refuse or say nothing."""
    words, printed = refusal(json.loads(os.environ["RIG_RULES"]), ref, before, after)
    if not words:
        return 0
    with Path(os.environ["RIG_REFUSED"]).open("a") as out:
        out.write(f"{ref}\t{words}\n")
    sys.stderr.write(printed)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
