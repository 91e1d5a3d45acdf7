"""What the gate knows of one statement shape, and of one shape under one grant: worked out once, then looked up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BindParameter

from sa_privacy.access import as_text
from sa_privacy.accesslog import members
from sa_privacy.columns.catalogue import Catalogue, PersonalColumn
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.footprint import Footprint, KeyPredicate
from sa_privacy.gate.statement import bound_list

if TYPE_CHECKING:
    from sa_privacy.access import Access
    from sa_privacy.errors import PrivacyError
    from sa_privacy.policy import Decision, Grant

__all__ = [
    "KEPT",
    "OWNER_BIND",
    "Plan",
    "Verdict",
    "access_members",
    "outcome_members",
    "subject_members",
    "subjects_of_predicates",
    "subjects_of_rows",
]

#: Where a compiled statement keeps its plan, in its ``__dict__``.
KEPT = "_sa_privacy_plan"
#: How the parameters are named by which the gate itself limits statements to one person's rows.
OWNER_BIND = "sa_privacy_own"

#: The pseudonyms of one kind of subject.
Pseudonyms = Callable[[str], Callable[[object], str]]
_NOBODY = members(actor=None)
_NO_BINDS: Final[Mapping[str, BindParameter[Any]]] = MappingProxyType({})


class Verdict:
    """The decision on one plan under one grant, with the part of the event that never changes.

    :param passes: nothing more need be asked.
    """

    __slots__ = ("allowed", "decision", "members", "own", "passes")

    def __init__(self, decision: Decision, encoded: bytes, *, passes: bool) -> None:
        self.decision = decision
        self.passes = passes
        self.allowed = decision.allowed
        self.own = decision.own
        self.members = encoded


class Plan:
    """One statement shape: its footprint under one catalogue, and the verdicts so far.

    :param fingerprint: the statement with its literals normalised, hashed; for events.
    :param binds: its parameters by name, where SQLAlchemy compiled it: their types say which of them are sealed.
    :param keys: positions of subject keys in a result row, with the kind of subject.
    :param cells: take the sealed columns out of a result row.
    :param predicates: subject-key predicates: kind, bind name or position, and whether it is a list.
    """

    __slots__ = (
        "catalogue",
        "cells",
        "concerns",
        "facts",
        "fingerprint",
        "footprint",
        "keys",
        "lasting",
        "law",
        "moves",
        "predicates",
        "refusal",
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
    ) -> None:
        self.footprint = footprint
        self.catalogue = catalogue
        self.fingerprint = fingerprint
        self.refusal = refusal
        self.verdicts: dict[Grant | None, Verdict] = {}
        #: What of it is enforced, where a table is only observed; None where nobody asked yet.
        self.law: Plan | None = None
        #: What the database said that it relies on: questions and answers.
        self.facts: Mapping[tuple[str, ...], Any] = {}
        #: Whether it serves the next execution too. A statement that may change names is looked at each time.
        self.lasting = True
        #: Whether the gate has anything to say about it.
        self.concerns = refusal is not None or footprint.personal
        #: Whether all there is to ask is whether rows change hands.
        self.moves = bool(footprint.moves) and not self.concerns
        self.sealed_inside = tuple(sorted(n for n in footprint.inside if catalogue.columns[n].sealed))
        #: Sealed columns that it puts something else into than what their own type seals.
        self.unsealed = tuple(sorted({n for n, bind in footprint.stored if not _seals(binds, bind, catalogue, n)}))
        kinds = subject_kinds(catalogue) if footprint.personal else {}
        self.keys: tuple[tuple[int, str], ...] = tuple(
            (index, kinds[name])
            for index, name in enumerate(footprint.outputs)
            if name in kinds and every_person_is_named(footprint, kinds)
        )
        self.cells: tuple[Callable[[Any], Any], ...] = tuple(
            itemgetter(index)
            for index, name in enumerate(footprint.outputs)
            if name is not None and name in catalogue.columns and catalogue.columns[name].sealed
        )
        predicates = [
            (kinds[predicate.column], predicate.bind, predicate.many)
            for _, conditions in footprint.mentions
            for predicate in _asked(conditions)
            if predicate.column in kinds and every_mention_is_bound(footprint, kinds)
        ]
        inserted = [
            (kinds[name], bind, False)
            for table, columns in footprint.inserts
            for column, bind in columns
            if (name := f"{table}.{column}") in kinds
        ]
        self.predicates: tuple[tuple[str, str | int, bool], ...] = tuple(dict.fromkeys(predicates + inserted))

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
        }
        said: dict[str, Any] = {name: value for name, value in touched.items() if value}
        return b"," + members(**said, statement=self.fingerprint, decision=decision, policy=policy_hash)


def _seals(binds: Mapping[str, BindParameter[Any]], bind: str | int | None, catalogue: Catalogue, column: str) -> bool:
    """Whether the value of a parameter is sealed, as the column's, before it goes to the driver."""
    found = binds.get(bind) if isinstance(bind, str) else None
    kind = found.type if found is not None else None
    return isinstance(kind, Encrypted) and kind.field == catalogue.columns[column].field


def subject_kinds(catalogue: Catalogue) -> dict[str, str]:
    """The columns that hold a subject's key, by name, with the kind of subject."""
    return {
        f"{table.name}.{table.subject.key}": table.subject.kind
        for table in catalogue
        if table.subject is not None and table.subject.key is not None
    }


def every_person_is_named(footprint: Footprint, kinds: Collection[str]) -> bool:
    """Whether each row says whose all of it is: a table read twice (a self-join) needs its key twice."""
    read = {name.rpartition(".")[0] for name in footprint.reads}
    mentioned = [table for table, _ in footprint.mentions]
    return all(
        footprint.outputs.count(key) >= mentioned.count(table)
        for key in kinds
        if (table := key.rpartition(".")[0]) in read
    )


def every_mention_is_bound(footprint: Footprint, kinds: Collection[str]) -> bool:
    """Whether the statement reaches no one but those whose keys it names."""
    touched = {name.rpartition(".")[0] for name in footprint.reads | footprint.matches | footprint.writes}
    keyed = {key.rpartition(".")[0] for key in kinds} & (touched | footprint.deletes)
    return all(
        any(predicate.column in kinds for predicate in conditions)
        for table, conditions in footprint.mentions
        if table in keyed
    )


def _asked(predicates: Sequence[KeyPredicate]) -> Sequence[KeyPredicate]:
    """The predicates without the gate's own, where the statement itself says whose rows it asks for."""
    if len(predicates) < 2:
        return predicates
    said = {p.column for p in predicates if not str(p.bind).startswith(OWNER_BIND)}
    return [p for p in predicates if p.column not in said or not str(p.bind).startswith(OWNER_BIND)]


def access_members(access: Access | None) -> bytes:
    """The part of an event that is the same for everything done under one access."""
    if access is None:
        return _NOBODY
    encoded: bytes | None = access.notes.get("members")
    if encoded is None:
        route = access.details.get("route")
        said: dict[str, Any] = {
            "roles": list(access.roles),
            "purpose": list(access.purposes),
            "reason": access.reason,
            "request": access.request,
            "maintenance": access.maintenance,
            "route": None if route is None else as_text(route),
        }
        encoded = access.notes["members"] = members(
            actor=access.actor, **{name: value for name, value in said.items() if value}
        )
    return encoded


def outcome_members(intent: int, rows: int, cells: int | None, subjects: Sequence[str] | None) -> bytes:
    """The part of an outcome that differs each time. Pseudonyms are letters and digits, so nothing needs escaping."""
    known = b"null" if rows < 0 else b"%d" % rows
    counted = b"null" if cells is None else b"%d" % cells
    if subjects is None:
        return b',"intent":%d,"rows":%b,"cells":%b,"subjects":null' % (intent, known, counted)
    return b',"intent":%d,"rows":%b,"cells":%b%b' % (intent, known, counted, subject_members(subjects))


def subject_members(subjects: Sequence[str]) -> bytes:
    """The subjects as one more member."""
    if not subjects:
        return b',"subjects":[]'
    return b',"subjects":["%b"]' % '","'.join(subjects).encode()


def subjects_of_rows(plan: Plan, rows: Sequence[Any], pseudonyms: Pseudonyms) -> tuple[str, ...]:
    """Whose rows these are, where the subject's key is among their columns."""
    if len(rows) == 1 and len(plan.keys) == 1:
        [(index, kind)] = plan.keys
        key = rows[0][index]
        return () if key is None else (pseudonyms(kind)(key),)
    found: dict[str, None] = {}
    for index, kind in plan.keys:
        keys = dict.fromkeys(map(itemgetter(index), rows))
        keys.pop(None, None)
        found.update(dict.fromkeys(map(pseudonyms(kind), keys)))
    return tuple(found)


def subjects_of_predicates(
    plan: Plan, values: Sequence[Mapping[str | int, Any]], pseudonyms: Pseudonyms
) -> tuple[str, ...]:
    """Whose rows a statement is bound to, where it names their keys."""
    if len(plan.predicates) == 1 and len(values) == 1:
        [(kind, bind, many)] = plan.predicates
        key = values[0].get(bind)
        if key is not None and not many:
            return (pseudonyms(kind)(key),)
    found: dict[str, None] = {}
    for one in values:
        for kind, bind, many in plan.predicates:
            for key in bound_list(one, bind) if many else (one.get(bind),):
                if key is not None:
                    found[pseudonyms(kind)(key)] = None
    return tuple(found)
