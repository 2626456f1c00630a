"""The pages that a job keeps: the dashboard, and the after-action review of everything that landed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from coord.ci.job import Job
from coord.core.dashboard import page_facts
from coord.core.review import make_review
from coord.dashboard.gathering import gather as gather_dashboard
from coord.dashboard.page import make_page
from coord.errors import CoordError
from coord.freshness import as_of
from coord.observe import View
from coord.review import gather as gather_review
from coord.reviewpage import markdown, page
from coord.workspace import Workspace


def keep_pages(job: Job, workspace: Workspace, view: View) -> None:
    """Write both pages for the steps that follow, set the output ``pages``, and put the review into the job's summary.

    Pages that cannot be made are no reason to fail: the audit has said what it found.
    """
    try:
        said = as_of(workspace, view.snapshot.base)
        review = make_review(gather_review(workspace, view))
        texts = {
            "coord-dashboard.html": make_page(page_facts(gather_dashboard(workspace))).text,
            "coord-review.html": page(review, said),
        }
        # A folder of its own: nothing that a step before has left there is taken for a page.
        folder = Path(tempfile.mkdtemp(prefix="coord-pages-", dir=job.given("RUNNER_TEMP") or None))
        for name, text in texts.items():
            (folder / name).write_text(text, "utf-8", errors="replace")
    except (CoordError, OSError) as error:
        job.annotate("warning", f"the pages could not be made: {error}")
        return
    job.summarise(markdown(review, said))
    job.set_output("pages", str(folder))
