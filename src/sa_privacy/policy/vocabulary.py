"""What a policy speaks of, as plain values: categories, purposes, roles, systems, column rules, log rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import field as dataclass_field
from types import MappingProxyType
from typing import Final, Literal

from sa_privacy.policy.periods import Period

__all__ = [
    "LATER",
    "OWN_CATEGORY",
    "Category",
    "ColumnRule",
    "Consent",
    "LogRules",
    "Purpose",
    "Role",
    "Rows",
    "System",
    "Verb",
]

Verb = Literal["read", "match", "write"]
"""What may be done with a column. *read*: the value leaves the database in a result. *match*: it decides which rows,
in what order or in which group. *write*: it is inserted or updated."""

LATER: Final = MappingProxyType({"later": True})
"""Marks what a policy could not say at first: it counts for the hash only where it is said, so that older ones stay."""

OWN_CATEGORY: Final = "sa_privacy.ledger"
"""The category of the library's own tables. It is no name, so that no policy can open it to anybody."""
OWN_PREFIX: Final = "sa_privacy_"
"""What the names of these tables begin with."""

Consent = Literal["none", "opt_in", "opt_out"]
Rows = Literal["all", "own"]


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of personal data, e.g. ``email``.

    :param title: what people call it, by language.
    :param dpv: the W3C Data Privacy Vocabulary term, e.g. ``"pd:EmailAddress"``.
    :param mask: what stands in for a withheld value, where masks are asked for.
    """

    name: str
    title: Mapping[str, str]
    dpv: str | None = None
    mask: str | None = None


@dataclass(frozen=True, slots=True)
class Purpose:
    """What personal data may be used for.

    :param clause: where the published policy says so, e.g. ``"1-1"``.
    :param read: categories whose values may leave the database.
    :param match: categories that may decide which rows, in what order or in which group.
    :param write: categories that may be inserted or updated.
    :param delete: tables, as the catalogue spells them, that rows may be deleted from.
    :param consent: whether a person must have agreed (``"opt_in"``) or may have objected (``"opt_out"``).
    :param rows: ``"own"`` reaches only the rows of the person that the access is for.
    :param dpv: W3C Data Privacy Vocabulary terms.
    :param wording: the wording that people agree to, where they have to.
    """

    name: str
    title: Mapping[str, str]
    clause: str | None = None
    read: frozenset[str] = frozenset()
    match: frozenset[str] = frozenset()
    write: frozenset[str] = frozenset()
    delete: frozenset[str] = frozenset()
    consent: Consent = "none"
    rows: Rows = "all"
    dpv: tuple[str, ...] = ()
    wording: str | None = field(default=None, metadata=LATER)

    def of(self, verb: Verb) -> frozenset[str]:
        """The categories that the verb reaches."""
        if verb == "read":
            return self.read
        return self.match if verb == "match" else self.write

    def opens(self, verb: Verb, category: str, only: frozenset[str] | None = None) -> bool:
        """Whether this purpose allows the verb on a column of the category.

        :param only: the purposes the column itself is narrowed to; None narrows nothing.
        """
        return category in self.of(verb) and (only is None or self.name in only)


@dataclass(frozen=True, slots=True)
class Role:
    """What somebody is, and so which purposes they may act for.

    :param anonymous: its purposes are open before anybody is known.
    :param maintenance: it may open every column for migrations, fixtures and imports; every such use is logged.
    :param break_glass: further purposes that it may act for in an emergency, seen by somebody else afterwards.
    :param break_glass_for: for how many seconds at a time.
    :param granted: only whom it was granted to acts in it.
    :param pledge: the wording that who acts in it has signed.
    :param disclose: the recipients that it may give data to.
    :param grants: the roles that who acts in it may grant to others, and revoke; it also looks after accounts.
    """

    name: str
    title: Mapping[str, str]
    purposes: frozenset[str] = frozenset()
    anonymous: bool = False
    maintenance: bool = False
    break_glass: frozenset[str] = field(default=frozenset(), metadata=LATER)
    break_glass_for: int = field(default=0, metadata=LATER)
    granted: bool = field(default=False, metadata=LATER)
    pledge: str | None = field(default=None, metadata=LATER)
    disclose: frozenset[str] = field(default=frozenset(), metadata=LATER)
    grants: frozenset[str] = field(default=frozenset(), metadata=LATER)

    @property
    def asked_for(self) -> bool:
        """Whether it has to be asked who stands in it: it is granted by name, or takes a pledge."""
        return self.granted or self.pledge is not None

    @property
    def reachable(self) -> frozenset[str]:
        """The purposes that it may act for, be it in an emergency."""
        return self.purposes | self.break_glass


@dataclass(frozen=True, slots=True)
class System:
    """A job that acts by itself, and the purposes it may act for."""

    name: str
    title: Mapping[str, str]
    purposes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """What the policy says of a column in a model that nobody edits.

    :param category: the category it holds.
    :param encrypt: whether its values are sealed.
    :param lookup: how a sealed column is searched: ``"exact"``, ``"casefold"``, or not at all.
    :param purposes: narrows the purposes that the policy allows for the category.
    :param field: the logical field id that seals are bound to.
    :param key: ``"subject"``: sealed under the keys of the people whose rows they are; None: under the keyring's.
    """

    category: str
    encrypt: bool = False
    lookup: Literal["exact", "casefold"] | None = None
    purposes: frozenset[str] | None = None
    field: str | None = None
    key: Literal["subject"] | None = dataclass_field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True)
class LogRules:
    """How the access log is kept.

    :param on_failure: when an event cannot be written, the statement is refused, or it continues.
    :param compress_after: how long after its last event a segment is compressed; None: never.
    :param keep: how long events are kept; None: for ever.
    """

    on_failure: Literal["refuse", "continue"] = "refuse"
    compress_after: Period | None = field(default=None, metadata=LATER)
    keep: Period | None = field(default=None, metadata=LATER)
