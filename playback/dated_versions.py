"""Dated versions of rules: what must hold of them before any is applied."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Protocol

from schemas.errors import ContractError


class Version(Protocol):
    """One version of some rules: its name, and the UTC date from which it is in force."""

    @property
    def version(self) -> str:
        """What rows say that they were judged by."""

    @property
    def valid_from(self) -> date:
        """The first UTC date on which it is in force."""


def require_versions(rules: Sequence[Version], what: str) -> None:
    """Raise ContractError where a version has no date, or where two have one name; `what` is what they are rules of."""
    names = [rule.version for rule in rules]
    for rule in rules:
        if not isinstance(rule.valid_from, date):
            raise ContractError(
                f"Version {rule.version!r} of the {what} rules has no date: give it the UTC date, as `valid_from`, "
                "from which it is in force."
            )
        if names.count(rule.version) > 1:
            raise ContractError(
                f"There is more than one version {rule.version!r} of the {what} rules: give each a name of its own, "
                "so that a row says which one it was judged by."
            )


def require_order(rules: Sequence[Version], what: str) -> None:
    """As `require_versions`, and where one is not from a later date than the one before it."""
    require_versions(rules, what)
    for one, other in pairwise(rules):
        if one.valid_from >= other.valid_from:
            raise ContractError(
                f"Version {other.version!r} of the {what} rules, from {other.valid_from} on, follows {one.version!r}, "
                f"from {one.valid_from} on: put the oldest first, and give each a later date than the one before it."
            )
