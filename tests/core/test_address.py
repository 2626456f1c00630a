"""Which repository a remote's URL names."""

from __future__ import annotations

import pytest

from coord.core.address import Address, address_of, host_of
from coord.hosting import Hosting, authorization, host


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://github.com/acme/tool", Address("github.com", "acme", "tool")),
        ("https://github.com/acme/tool.git", Address("github.com", "acme", "tool")),
        ("https://x-access-token:secret@GitHub.com/acme/tool.git/", Address("github.com", "acme", "tool")),
        ("git@github.com:acme/tool.git", Address("github.com", "acme", "tool")),
        ("ssh://git@ssh.github.com:443/acme/tool.git", Address("ssh.github.com:443", "acme", "tool")),
        ("http://127.0.0.1:8080/acme/tool", Address("127.0.0.1:8080", "acme", "tool")),
        ("/srv/git/tool.git", None),
        ("../tool.git", None),
        ("file:///srv/git/acme/tool.git", None),
        ("https://host/only", None),
        ("", None),
    ],
)
def test_the_repository_is_read_from_the_url(url: str, address: Address | None) -> None:
    assert address_of(url) == address


def test_the_host_of_a_server() -> None:
    assert host_of("https://github.com") == "github.com"
    assert host_of("http://127.0.0.1:81/x") == "127.0.0.1:81"
    assert host_of("nowhere") == ""


def test_a_repository_is_hosted_where_its_url_says_so() -> None:
    assert host("https://gitlab.com/a/b", "", {}) == Hosting()
    assert host("/srv/a/b.git", "github", {}) == Hosting()
    assert host("https://github.com/a/b", "none", {"GH_TOKEN": "x"}) == Hosting()
    known = host("https://github.com/a/b", "", {})
    assert known.has_pulls
    assert known.forge is None
    served = {"GITHUB_SERVER_URL": "http://127.0.0.1:9"}
    assert host("http://127.0.0.1:9/a/b", "", served).has_pulls
    assert host("https://git.acme.example/a/b", "github", {}).has_pulls


def test_git_is_told_who_we_are_only_by_a_token_that_was_given_to_coord() -> None:
    url = "https://github.com/a/b"
    assert authorization(url, "", {"GH_TOKEN": "x"}) is None
    assert authorization("git@github.com:a/b", "", {"COORD_TOKEN": "x"}) is None
    assert authorization("/srv/a/b", "", {"COORD_TOKEN": "x"}) is None
    prove = authorization(url, "", {"COORD_TOKEN": "ghs_secret"})
    assert prove is not None
    said = prove()
    assert said["GIT_CONFIG_KEY_0"] == "http.https://github.com/.extraHeader"
    assert "ghs_secret" not in str(said), "it goes as Basic, and to that server alone"


@pytest.mark.parametrize(
    "url", ["https://gitlab.com/a/b", "https://github.com.evil.example/a/b", "http://127.0.0.1:9/a/b"]
)
def test_no_other_server_is_shown_the_token(url: str) -> None:
    given = {"COORD_TOKEN": "ghs_secret", "COORD_APP_ID": "1", "COORD_APP_KEY": "x"}
    assert authorization(url, "", given) is None
    assert authorization(url, "none", given) is None
    assert authorization(url, "github", given) is not None
