"""What coord says when it is wrong itself: something that can be sent to its authors as it stands."""

from __future__ import annotations

import pytest

from coord import cli


def test_a_defect_is_reported_with_its_command_and_without_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = RuntimeError("https://me:secret@example.com and ghp_0123456789abcdef")

    code = cli.ended(error, ["-C", "somewhere", "why", "a"])

    told = capsys.readouterr().err
    assert code == 70
    assert "this is a defect in coord" in told
    assert "command: why)" in told
    assert "RuntimeError: https://***@example.com and ***" in told
    assert "secret" not in told.replace("***", "")
    assert "somewhere" not in told
