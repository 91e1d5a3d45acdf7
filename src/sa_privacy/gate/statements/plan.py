"""What the gate knows of one statement shape, and of one shape under one grant: worked out once, then looked up."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import BindParameter

from sa_privacy.accesslog import members
from sa_privacy.columns.catalogue import Catalogue, PersonalColumn
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.footprint import Footprint
from sa_privacy.gate.people.key_types import Told
from sa_privacy.gate.people.keyed import Keyed
from sa_privacy.gate.people.people import people_of
from sa_privacy.gate.statements.cells import Cells
from sa_privacy.policy import GRANTS_KEPT

if TYPE_CHECKING:
    from sa_privacy.errors import PrivacyError
    from sa_privacy.gate.rows.own_rows import OwnTable
    from sa_privacy.gate.rows.ruling import Ruling
    from sa_privacy.policy import Decision, Grant

__all__ = ["KEPT", "UNBOUNDED", "ByGrant", "Plan", "Verdict"]

#: Where a compiled statement keeps its plan, in its ``__dict__``.
KEPT: Final = "sa_privacy_plan"
#: The member of an event that cannot tell whose data it was.
UNBOUNDED: Final = b',"unbounded":true'

T = TypeVar("T")

_NO_BINDS: Final[Mapping[str, BindParameter[Any]]] = MappingProxyType({})


class Verdict:
    """The decision on one plan under one grant, with the parts of its events that never change.

    :param encoded: the members, led by a comma.
    :param unbounded: whose data it is cannot be told, whatever the values and rows are.
    :param passes: nothing more need be asked.
    """

    __slots__ = ("allowed", "bounded", "decision", "members", "own", "passes")

    def __init__(self, decision: Decision, encoded: bytes, *, unbounded: bool, passes: bool) -> None:
        self.decision = decision
        self.passes = passes
        self.allowed = decision.allowed
        self.own = decision.own
        #: The members where the access itself says whose data it is.
        self.bounded = encoded
        self.members = encoded + UNBOUNDED if unbounded else encoded


class ByGrant(dict["Grant | None", T]):
    """What was worked out for grants. Where there are more of them than a policy remembers, it begins anew."""

    def __setitem__(self, grant: Grant | None, value: T) -> None:
        if len(self) >= GRANTS_KEPT:
            self.clear()
        super().__setitem__(grant, value)


class Plan:
    """One statement shape: its footprint under one catalogue, and the verdicts so far.

    :param fingerprint: the statement with its literals normalised, hashed; for events.
    :param binds: its parameters by name, where SQLAlchemy compiled it: their types say which of them are sealed.
    :param generated: ``"table.column"`` of the key that the driver reports after an INSERT of one row.
    :param told: how the database's keys become those that the application knows, by kind of person.
    :ivar origin: the call site in the application where this process first ran it.
    """

    __slots__ = (
        "catalogue",
        "cells",
        "concerns",
        "facts",
        "fingerprint",
        "footprint",
        "keyed",
        "lasting",
        "late",
        "law",
        "lawful",
        "origin",
        "own",
        "people",
        "refusal",
        "rows",
        "ruling",
        "sealed_inside",
        "unsealed",
        "verdicts",
    )

    def __init__(
        self,
        footprint: Footprint,
        catalogue: Catalogue,
        fingerprint: str,
        refusal: PrivacyError | None = None,
        *,
        binds: Mapping[str, BindParameter[Any]] = _NO_BINDS,
        generated: str | None = None,
        told: Told = MappingProxyType({}),
    ) -> None:
        self.footprint = footprint
        self.catalogue = catalogue
        self.fingerprint = fingerprint
        self.refusal = refusal
        self.origin: str | None = None
        self.verdicts: ByGrant[Verdict] = ByGrant()
        #: The tables that a grant reaches only for the subject's own rows, where somebody asked.
        self.own: ByGrant[tuple[OwnTable, ...]] = ByGrant()
        #: What of it is enforced, where a table is only observed; None where nobody asked yet.
        self.law: Plan | None = None
        #: The law of the rows that it was found to keep last (:attr:`Limits.law`): most often it is the same next time.
        self.lawful: Hashable = None
        #: What the database said that it relies on: questions and answers.
        self.facts: Mapping[tuple[str, ...], Any] = {}
        #: Whether it serves the next execution too. A statement that may change names is looked at each time.
        self.lasting = True
        #: Whether the gate has anything to say about it.
        self.concerns = refusal is not None or footprint.personal
        #: Whether all there is to ask is which rows it reaches, or whether rows change hands.
        self.rows = bool(footprint.moves) and not self.concerns
        #: What was put into it to limit its rows, where SQLAlchemy compiled it under rules.
        self.ruling: Ruling | None = None
        self.sealed_inside = tuple(sorted(n for n in footprint.inside if catalogue.columns[n].sealed))
        #: Sealed columns that it puts something else into than what their own type seals.
        self.unsealed = tuple(sorted({n for n, bind in footprint.stored if not _seals(binds, bind, catalogue, n)}))
        self.people = people_of(footprint, catalogue, generated, told, binds)
        #: Whether it changes rows of people whom only its outcome can name.
        self.late = self.people.known and not self.people.asked and bool(footprint.writes or footprint.deletes)
        self.cells = Cells.of(footprint, catalogue)
        #: What it does to columns under people's keys.
        self.keyed = Keyed.of(footprint, catalogue)

    def refuse(self, error: PrivacyError) -> None:
        """What it means cannot be told after all."""
        self.refusal, self.concerns, self.rows = error, True, False

    def columns(self, names: frozenset[str]) -> list[PersonalColumn]:
        """The catalogue's columns of these names, in order."""
        return [self.catalogue.columns[name] for name in sorted(names)]

    def touched(self) -> list[PersonalColumn]:
        """All personal columns that the statement reads, matches or writes, in order."""
        return self.columns(self.footprint.reads | self.footprint.matches | self.footprint.writes)

    def encode(self, decision: str, denials: list[str], policy_hash: str) -> bytes:
        """The members, led by a comma, that are the same each time this statement gets this decision."""
        footprint = self.footprint
        touched = {
            "reads": sorted(footprint.reads),
            "matches": sorted(footprint.matches),
            "writes": sorted(footprint.writes),
            "deletes": sorted(footprint.deletes),
            "denials": denials,
            "origin": self.origin,
        }
        said: dict[str, Any] = {name: value for name, value in touched.items() if value}
        return b"," + members(**said, statement=self.fingerprint, decision=decision, policy=policy_hash)


def _seals(binds: Mapping[str, BindParameter[Any]], bind: str | int | None, catalogue: Catalogue, column: str) -> bool:
    """Whether the value of a parameter is sealed, as the column's, before it goes to the driver."""
    found = binds.get(bind) if isinstance(bind, str) else None
    kind = found.type if found is not None else None
    return isinstance(kind, Encrypted) and kind.field == catalogue.columns[column].field
