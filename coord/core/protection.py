"""How a repository is protected on a forge, as far as a token may see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that is in force for main: its kind (``pull_request``, ``update``, ``non_fast_forward`` …), the ruleset that
    holds it, and who may bypass that ruleset (``Integration 123``, ``RepositoryRole admin`` …, a third word when not always:
    ``OrganizationAdmin pull_request``; None: not to be seen). Branch protection of the older kind is told as rules too."""

    kind: str
    ruleset: str
    bypass: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of the repository: its name, the branches whose jobs may use it (None: any), whether it has
    required reviewers, and the names of its secrets (None: not to be seen).

    Among the branches ``:protected`` stands for those with a protection rule, ``:tag v*`` for tags, ``:unseen`` for names
    that the token may not see; no branch has a name with a colon.
    """

    name: str
    branches: tuple[str, ...] | None
    reviewers: bool = False
    secrets: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Protection:
    """How a repository is protected, as far as the token may see it (None: not to be seen).

    ``token_default`` is the right that a workflow's token has by itself (``read`` or ``write``), ``may_approve`` whether
    workflows may open and approve pull requests, ``secrets`` the names of the repository's own secrets, ``variables`` the
    names and values of its variables, ``app`` the slug of the App whose credentials are in use ('' when it is none).
    """

    rules: tuple[Rule, ...] | None
    environments: tuple[Environment, ...] | None
    token_default: str | None
    may_approve: bool | None
    secrets: tuple[str, ...] | None
    public: bool
    app: str = ""
    app_id: int = 0
    variables: tuple[tuple[str, str], ...] | None = None
