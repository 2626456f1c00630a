#!/usr/bin/env python3
"""What the rig's workflows run, by the name under which it was started: push-as, dispatch-as, jobs-of-this-run."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path


def ask(token, path, body=None):
    """Ask the API and return the answer's text; credentials are not sent to where it redirects to."""
    url = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method="GET" if body is None else "POST")
    request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        sys.exit(f"{error.code} {json.load(error)['message']}")


def push_as(token, branch):
    """Push the checked out commit."""
    remote = os.environ["GITHUB_SERVER_URL"].replace("://", f"://x-access-token:{token}@")
    args = ["git", "push", f"{remote}/{os.environ['GITHUB_REPOSITORY']}", f"HEAD:refs/heads/{branch}"]
    sys.exit(subprocess.run(args).returncode)


def dispatch_as(token, file, branch):
    """Start a workflow on main."""
    ask(token, f"actions/workflows/{file}/dispatches", {"ref": "main", "inputs": {"branch": branch}})


def jobs_of_this_run(token):
    """Print how the jobs stand, and the logs of red ones."""
    run = os.environ["GITHUB_RUN_ID"]
    for job in json.loads(ask(token, f"actions/runs/{run}/attempts/1/jobs"))["jobs"]:
        steps = " ".join(f"{step['name']}={step['conclusion']}" for step in job["steps"])
        sys.stdout.write(f"{job['name']} {job['conclusion']} {steps}\n")
        if job["conclusion"] == "failure":
            sys.stdout.write(ask(token, f"actions/jobs/{job['id']}/logs"))


if __name__ == "__main__":
    globals()[Path(sys.argv[0]).name.replace("-", "_")](*sys.argv[1:])
