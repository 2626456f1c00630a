"""git over HTTP refuses what GitHub refuses, in GitHub's words, and lets pass what GitHub lets pass."""

from __future__ import annotations

import gzip
import random
import subprocess
import urllib.request

import pytest

from tests.rig.conftest import Served

WORKFLOW = {".github/workflows/x.yml": "on: push\n"}


def test_what_is_pushed_can_be_fetched_and_is_told_with_its_token(served: Served) -> None:
    clone = served.clone(served.alice, "one")
    before = served.git("rev-parse", "main")
    after = served.commit(clone, {"b.txt": "two\n"})
    assert served.push(clone, served.alice, "HEAD:main", "HEAD:refs/coord/verdicts/a") == ""
    assert (served.clone(served.alice, "two") / "b.txt").read_text() == "two\n"
    told = {(p.ref, p.before, p.after, p.token.actor) for p in served.pushes}
    assert told == {
        ("refs/heads/main", before, after, "alice"),
        ("refs/coord/verdicts/a", "0" * 40, after, "alice"),
    }
    served.pushes.clear()
    assert served.push(clone, served.alice, ":refs/coord/verdicts/a") == ""
    assert [(p.ref, p.deletes) for p in served.pushes] == [("refs/coord/verdicts/a", True)]


def test_without_a_token_or_with_a_revoked_one_nothing_is_served(served: Served) -> None:
    clone = served.clone(served.alice, "one")
    served.commit(clone, {"b.txt": "two\n"})
    served.tokens.revoke(served.alice)
    assert "Authentication failed" in served.push(clone, served.alice, "HEAD:feat/a")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{served.server.remote}/info/refs?service=git-upload-pack")
    assert refused.value.code == 401
    refused.value.close()
    assert served.pushes == []


@pytest.mark.parametrize(
    ("actor", "kind", "rights"),
    [
        ("github-actions[bot]", "job", {"contents": "read"}),
        ("github-actions[bot]", "job", {"issues": "write"}),
        ("alice", "user", {"contents": "read"}),
        ("bob", "user", {"contents": "write"}),
        ("stranger", "user", {"contents": "write"}),
    ],
)
def test_a_push_needs_the_right_to_write_contents(
    served: Served, actor: str, kind: str, rights: dict[str, str]
) -> None:
    clone = served.clone(served.alice, "one")
    token = served.token(actor, kind, **rights)
    said = served.push(clone, token, "HEAD:feat/a")
    assert "error: 403" in said
    assert f"Permission to octo/demo.git denied to {actor}" in said
    assert served.refs() == ["refs/heads/main"]


def test_a_job_without_the_right_to_read_finds_no_repository(served: Served) -> None:
    token = served.token("github-actions[bot]", "job", issues="write")
    with pytest.raises(AssertionError, match="not found"):
        served.clone(token, "one")
    assert served.clone(served.token("github-actions[bot]", "job", contents="read"), "two").is_dir()


def test_a_protected_main_takes_pushes_of_its_actor_only_and_never_by_force(served: Served) -> None:
    served.server.protect("refs/heads/main", "coord-app[bot]")
    app = served.token("coord-app[bot]", "app", contents="write")
    clone = served.clone(served.alice, "one")
    served.commit(clone, {"b.txt": "two\n"})
    said = served.push(clone, served.alice, "HEAD:main", "HEAD:feat/a")
    assert "GH013: Repository rule violations found for refs/heads/main" in said
    assert "[remote rejected] (push declined due to repository rule violations)" in said
    assert "refs/heads/feat/a" in served.refs()  # as GitHub does, unless the push is atomic
    assert served.push(clone, app, "HEAD:main") == ""
    served.git("reset", "-q", "--hard", "HEAD~1", at=clone)
    served.commit(clone, {"c.txt": "three\n"})
    assert "Cannot force-push to this branch" in served.push(clone, app, "-f", "HEAD:main")
    assert "main" in served.push(clone, app, ":main")
    assert served.git("show", "main:b.txt") == "two"


def test_an_atomic_push_with_one_refused_ref_changes_nothing(served: Served) -> None:
    served.server.protect("refs/heads/main", "coord-app[bot]")
    clone = served.clone(served.alice, "one")
    served.commit(clone, {"b.txt": "two\n"})
    said = served.push(clone, served.alice, "--atomic", "HEAD:main", "HEAD:feat/a")
    assert "push declined due to repository rule violations" in said
    assert served.refs() == ["refs/heads/main"]
    assert served.pushes == []


def test_workflow_files_need_a_right_that_no_job_has(served: Served) -> None:
    job = served.token("github-actions[bot]", "job", contents="write", actions="write")
    app = served.token("coord-app[bot]", "app", contents="write", workflows="write")
    clone = served.clone(served.alice, "one")
    served.commit(clone, WORKFLOW)
    said = served.push(clone, job, "HEAD:feat/a")
    assert (
        "[remote rejected] (refusing to allow a GitHub App to create or update workflow "
        "`.github/workflows/x.yml` without `workflows` permission)" in said
    )
    assert served.push(clone, app, "HEAD:feat/a") == ""
    served.commit(clone, {".github/workflows/x.yml": "on: workflow_dispatch\n"})
    assert "refusing to allow" in served.push(clone, job, "HEAD:feat/a")
    assert served.push(clone, served.alice, "HEAD:feat/a") == ""


def test_a_workflow_file_that_another_branch_has_may_be_pushed_by_a_job(served: Served) -> None:
    job = served.token("github-actions[bot]", "job", contents="write")
    clone = served.clone(served.alice, "one")
    served.commit(clone, WORKFLOW)
    assert served.push(clone, served.alice, "HEAD:feat/a") == ""
    assert served.push(clone, job, "HEAD:main") == ""


def test_hidden_refs_of_pull_requests_cannot_be_pushed(served: Served) -> None:
    clone = served.clone(served.alice, "one")
    assert "hidden ref" in served.push(clone, served.alice, "HEAD:refs/pull/1/head")


def test_a_large_push_in_chunks_and_a_gzipped_request_are_understood(served: Served) -> None:
    clone = served.clone(served.alice, "one")
    (clone / "big.bin").write_bytes(random.Random(1).randbytes(3_000_000))  # over http.postBuffer: chunked
    served.commit(clone, {})
    assert served.push(clone, served.alice, "HEAD:feat/big") == ""
    tip = served.git("rev-parse", "feat/big")
    body = f"0032want {tip}\n00000009done\n".encode()
    request = urllib.request.Request(
        served.server.remote_for(served.alice).replace(f"x-access-token:{served.alice.text}@", "")
        + "/git-upload-pack",
        data=gzip.compress(body),
        headers={
            "Authorization": f"Bearer {served.alice.text}",
            "Content-Type": "application/x-git-upload-pack-request",
            "Content-Encoding": "gzip",
        },
    )
    with urllib.request.urlopen(request) as answer:
        pack = answer.read()
    assert pack.startswith(b"0008NAK\nPACK")
    assert len(pack) > 3_000_000


def test_the_hooks_of_the_repository_itself_do_not_run(served: Served) -> None:
    hook = served.server.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    clone = served.clone(served.alice, "one")
    assert served.push(clone, served.alice, "HEAD:feat/a") == ""


def test_a_push_that_lost_the_race_is_told_so(served: Served) -> None:
    clone = served.clone(served.alice, "one")
    other = served.clone(served.alice, "two")
    lease = f"--force-with-lease=main:{served.git('rev-parse', 'main')}"
    served.commit(other, {"b.txt": "two\n"})
    served.commit(clone, {"c.txt": "three\n"})
    assert served.push(other, served.alice, "HEAD:main") == ""
    assert "stale info" in served.push(clone, served.alice, lease, "HEAD:main")


def test_shallow_and_filtered_clones_are_served(served: Served) -> None:
    where = str(served.root / "thin")
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", "--filter=blob:none", served.server.remote_for(served.alice), where],
        check=True, capture_output=True,
    )  # fmt: skip
    assert (served.root / "thin" / "a.txt").exists()
