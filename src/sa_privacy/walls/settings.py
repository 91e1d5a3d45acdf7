"""What a transaction is told of the access in force: the role, and the settings that row policies read. One statement.

All of it is said each time, so that nothing of an earlier access is left, and it ends with the transaction.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import Dialect, text
from sqlalchemy.util import LRUCache

from sa_privacy.access import Access
from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.policy import Grant, Policy
from sa_privacy.walls.conditions import SUBJECT, SUBJECT_KIND, as_setting
from sa_privacy.walls.limits import limits_of
from sa_privacy.walls.quoting import literal
from sa_privacy.walls.reach import base_role, role_of
from sa_privacy.walls.rows import RULES, WalledRules

__all__ = ["PURPOSE", "Asking", "Settings"]

PURPOSE: Final = "sa_privacy.purpose"


class Asking(NamedTuple):
    """A statement.

    :param parameters: as the driver takes them.
    :param plain: the statement with its parameters in it.
    """

    sql: str
    parameters: Any
    plain: str


class _Told(NamedTuple):
    """What all accesses of a grant have in common.

    :param role: empty, where it is that of no access.
    :param kinds: the kinds of people whose own rows its purposes are about.
    :param asking: all that is said, where it is the same for every access without a subject.
    """

    role: str
    purposes: str
    rules: str
    kinds: tuple[str, ...]
    asking: Asking | None


class Settings:
    """How accesses are told to one database.

    :param rules: the application's own rules about rows.
    """

    def __init__(self, policy: Policy, catalogue: Catalogue, rules: WalledRules, dialect: Dialect) -> None:
        self._policy, self._catalogue, self._rules, self._dialect = policy, catalogue, rules, dialect
        names = ("role", PURPOSE, SUBJECT_KIND, SUBJECT, RULES, *rules.taken)
        said = ", ".join(f"pg_catalog.set_config({literal(name)}, :v{at}, true)" for at, name in enumerate(names))
        self._names = [literal(name) for name in names]
        self._by_grant: LRUCache[Grant, _Told] = LRUCache(256)
        self._compiled: Any = text(f"SELECT {said}").compile(dialect=dialect)
        self._sql = str(self._compiled.string)
        self.base = self._asking(base_role(policy), "", "", "", "", *("" for _ in rules.taken))

    def of(self, access: Access) -> Asking:
        """What the database is told of an access."""
        told = self._by_grant.get(access.grant)
        if told is None:
            told = self._by_grant[access.grant] = self._of_grant(access.grant)
        if told.asking is not None and (access.subject is None or not told.role):
            return told.asking
        kind, key = self._subject(access.subject, told.kinds)
        return self._asking(told.role, told.purposes, kind, key, told.rules, *self._rules.values(access, self._dialect))

    def _of_grant(self, grant: Grant) -> _Told:
        """What all accesses of a grant have in common."""
        role = role_of(grant, self._catalogue)
        if role is None:
            return _Told("", "", "", (), self.base)
        own = limits_of(grant, self._catalogue).own
        kinds = {self._catalogue.holders[name][1] for name in own if name in self._catalogue.holders}
        told = _Told(role, ",".join(grant.purposes), self._rules.said(grant), tuple(kinds), None)
        if self._rules.taken:
            return told
        return told._replace(asking=self._asking(told.role, told.purposes, "", "", told.rules))

    def _subject(self, subject: object, kinds: tuple[str, ...]) -> tuple[str, str]:
        """The kind of person and their key; nobody, where it cannot be told or is no key of that kind.

        :param kinds: those whose own rows the access's purposes are about.
        """
        if isinstance(subject, tuple) and len(subject) == 2:
            kind, key = subject
        else:
            kind, key = (kinds[0] if len(kinds) == 1 else ""), subject  # customer 7 is not employee 7
        told = as_setting(key, self._catalogue.key_types.get(kind), self._dialect) if isinstance(kind, str) else ""
        return (kind, told) if kind and told else ("", "")

    def _asking(self, *values: str) -> Asking:
        named = {f"v{at}": value for at, value in enumerate(values)}
        said = zip(self._names, map(literal, values), strict=True)
        plain = "SELECT " + ", ".join(f"pg_catalog.set_config({name}, {value}, true)" for name, value in said)
        if not self._compiled.positional:
            return Asking(self._sql, named, plain)
        return Asking(self._sql, tuple(named[name] for name in self._compiled.positiontup), plain)
