"""What a transaction is told of the access in force: the role, and the settings that row policies read. One statement.

All of it is said each time, so that nothing of an earlier access is left, and it ends with the transaction.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Dialect, text

from sa_privacy.access import Access
from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.policy import Policy
from sa_privacy.walls.conditions import SUBJECT, SUBJECT_KIND, as_setting
from sa_privacy.walls.limits import limits_of
from sa_privacy.walls.quoting import literal
from sa_privacy.walls.reach import base_role, role_of
from sa_privacy.walls.rows import RULES, WalledRules

__all__ = ["PURPOSE", "Asking", "Settings"]

PURPOSE: Final = "sa_privacy.purpose"

Asking = tuple[str, Any]
"""A statement, and its parameters as the driver takes them."""


class Settings:
    """How accesses are told to one database.

    :param rules: the application's own rules about rows.
    """

    def __init__(self, policy: Policy, catalogue: Catalogue, rules: WalledRules, dialect: Dialect) -> None:
        self._policy, self._catalogue, self._rules, self._dialect = policy, catalogue, rules, dialect
        names = ("role", PURPOSE, SUBJECT_KIND, SUBJECT, RULES, *rules.taken)
        said = ", ".join(f"pg_catalog.set_config({literal(name)}, :v{at}, true)" for at, name in enumerate(names))
        self._compiled: Any = text(f"SELECT {said}").compile(dialect=dialect)
        self.base = self._asking(base_role(policy), "", "", "", "", *("" for _ in rules.taken))

    def of(self, access: Access) -> Asking:
        """What the database is told of an access."""
        grant = access.grant
        role = role_of(grant, self._catalogue)
        if role is None:
            return self.base
        kind, key = self._subject(access)
        return self._asking(
            role,
            ",".join(grant.purposes),
            kind,
            key,
            self._rules.said(grant),
            *self._rules.values(access, self._dialect),
        )

    def _subject(self, access: Access) -> tuple[str, str]:
        """The kind of person and their key; nobody, where it cannot be told or is no key of that kind."""
        subject = access.subject
        if isinstance(subject, tuple) and len(subject) == 2:
            kind, key = subject
        else:
            own = limits_of(access.grant, self._catalogue).own
            kinds = {self._catalogue.holders[name][1] for name in own if name in self._catalogue.holders}
            kind, key = (kinds.pop() if len(kinds) == 1 else ""), subject  # customer 7 is not employee 7
        told = as_setting(key, self._catalogue.key_types.get(kind), self._dialect) if isinstance(kind, str) else ""
        return (kind, told) if kind and told else ("", "")

    def _asking(self, *values: str) -> Asking:
        named = {f"v{at}": value for at, value in enumerate(values)}
        if not self._compiled.positional:
            return str(self._compiled.string), named
        return str(self._compiled.string), tuple(named[name] for name in self._compiled.positiontup)
