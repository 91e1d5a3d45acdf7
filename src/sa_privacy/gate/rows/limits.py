"""What row rules come to for one access: SQL conditions, made once, with the values of this access in them.

A compiled statement is shared by accesses whose conditions have the same structure. So it holds no value of theirs: each
parameter of a condition asks, as the statement is executed, for the value in the conditions of the access in force.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Alias,
    BindParameter,
    ColumnElement,
    Table,
    and_,
    bindparam,
    column,
    or_,
)
from sqlalchemy.sql import visitors
from sqlalchemy.util import LRUCache

from sa_privacy.gate.people.key_types import as_own_type
from sa_privacy.gate.people.people import OWNER_BIND
from sa_privacy.gate.rows.own_conditions import condition_of_person, own_condition, table_named
from sa_privacy.gate.rows.own_rows import key_of
from sa_privacy.gate.rows.shape import ROW, Shape, schema_of
from sa_privacy.gate.sqlalchemy_private import structure_of

if TYPE_CHECKING:
    from sa_privacy.access import Access, AccessScopes
    from sa_privacy.columns.catalogue import Catalogue
    from sa_privacy.gate.rows.rule import RowRule, RulesOfTable
    from sa_privacy.gate.rows.rules import RowRules
    from sa_privacy.policy import Grant

__all__ = ["RULE_BIND", "InForce", "Limit", "Limits", "LimitsInForce"]

#: How the parameters of rules are named in statements.
RULE_BIND: Final = "sa_privacy_rule"


class _Faulty(Exception):
    """A rule gives no condition; says why."""


class Limit:
    """The condition for the rows of one table.

    :param rules: where it comes from.
    :param row: what stands in it for the row.
    :param binds: its parameters, in an order that all of this shape share.
    :param owner: the one of them that stands for the key of the person whose rows alone are left; None where there is none.
    :param key: that key.
    """

    __slots__ = ("_lasting", "binds", "condition", "key", "owner", "row", "rules", "shape")

    def __init__(
        self,
        rules: RulesOfTable,
        shape: Shape,
        row: Alias | None = None,
        condition: Any = None,
        binds: tuple[BindParameter[Any], ...] = (),
        owner: BindParameter[Any] | None = None,
        key: object = None,
    ) -> None:
        self.rules = rules
        self.shape = shape
        self.row = row
        self.condition: ColumnElement[bool] = condition
        self.binds = binds
        self.owner = owner
        self.key = key
        self._lasting: tuple[Any, ...] | None = None

    @property
    def fault(self) -> str | None:
        """Why there is no condition; None where there is one."""
        return self.shape.fault

    def of(self, key: object) -> Limit:
        """The same condition, for the rows of another person."""
        if self.owner is None:
            return self
        own = as_own_type(key, self.owner.type)
        return Limit(self.rules, self.shape, self.row, self.condition, self.binds, self.owner, own)

    def values(self) -> tuple[Any, ...]:
        """What the parameters hold. One of the application's own that asks for its value is asked each time."""
        found = self._lasting
        if found is None:
            owner, key = self.owner, self.key
            found = tuple([key if bind is owner else bind.effective_value for bind in self.binds])
            if all(bind.callable is None for bind in self.binds):
                self._lasting = found
        return found

    def hides(self, mention: Any) -> bool:
        """Whether a subquery of the rule selects from something of the mention's name, and would take it for that; or from
        tables of which the search path, or a ``schema_translate_map``, would say another thing than of the mention.
        """
        if self.shape.asks and self.row is not None and schema_of(mention) != schema_of(self.row):
            return True
        return self.shape.hides(mention)

    def is_like(self, other: Limit) -> bool:
        """Whether the other leaves the same rows."""
        if self.fault is not None or self.shape is not other.shape:
            return False
        try:
            return bool(self.values() == other.values())
        except Exception:  # noqa: BLE001 - values of the application's own types may compare as they like
            return False

    def at(
        self,
        mention: Any,
        in_force: LimitsInForce,
        owners: dict[str, tuple[BindParameter[Any], frozenset[str]]],
    ) -> ColumnElement[bool]:
        """The condition for the rows of one mention of the table in a statement.

        :param mention: the table, or an alias of it.
        :param in_force: gives the values of the parameters.
        :param owners: gets, by table, the parameter that holds the key of the person whose rows alone are left, and the names
            of the tables that the condition asks.
        """
        table = self.rules.table
        places = {bind: at for at, bind in enumerate(self.binds)}

        def stand_in(element: Any, **_: Any) -> Any:
            if isinstance(element, BindParameter) and element in places:
                asking = _asking(element, table, places[element], in_force, own=element is self.owner)
                if element is self.owner:
                    owners[table] = (asking, self.shape.asks)
                return asking
            if getattr(element, "table", None) is self.row and self.row is not None:
                return _column_of(mention, element)
            return None

        return visitors.replacement_traverse(self.condition, {}, stand_in)


class Limits:
    """The conditions for one access, by table as the catalogue spells it.

    :ivar structure: their shapes: tells compiled statements apart.
    :ivar beyond_own: the tables of which more is asked than whose the row is.
    :ivar law: what of all this decides whether a statement may run that was compiled under rules.
    """

    __slots__ = ("beyond_own", "catalogue", "law", "of", "structure")

    def __init__(self, catalogue: Catalogue, of: Mapping[str, Limit]) -> None:
        self.catalogue = catalogue
        self.of = of
        self.beyond_own = frozenset(name for name, limit in of.items() if limit.rules.beyond_own)
        self.structure: Hashable = tuple([limit.shape for limit in of.values()])
        self.law: Hashable = (self.structure, self.beyond_own)


class LimitsInForce:
    """Knows the conditions for the access in force.

    :param rules: what holds for a grant.
    """

    def __init__(self, rules: RowRules, scopes: AccessScopes) -> None:
        self.rules = rules
        self._scopes = scopes
        self._rows: dict[Table, Alias] = {}
        self._being_made: LRUCache[Grant, Limits] = LRUCache(1000)
        """What is in force while a rule is asked for its condition: none of its tables is reached."""
        self._shapes: LRUCache[Hashable, Shape] = LRUCache(1000)
        self._lasting: LRUCache[Hashable, Any] = LRUCache(1000)
        """Conditions that no access changes, but for whose rows are left; and what consent asks, for rules beside it."""

    def __call__(self) -> Limits | None:
        """Those of the access in force; None where it has none."""
        scope = self._scopes.get()
        if scope is None or not scope.alive:
            return None
        known: Limits | None = scope.access.notes.get(self)
        if known is not None and known.catalogue is self.rules.live.now:
            return known
        return self.for_access(scope.access)

    def for_access(self, access: Access) -> Limits | None:
        """Those of an access; None where it has none."""
        known: Limits | None = access.notes.get(self)
        if known is not None and known.catalogue is self.rules.live.current():
            return known
        rules = self.rules.of(access.grant)
        return self._made(rules, access) if rules else None

    def _made(self, rules: Mapping[str, RulesOfTable], access: Access) -> Limits:
        catalogue = self.rules.live.current()
        asked: Limits | None = self._being_made.get(access.grant)
        if asked is None or asked.catalogue is not catalogue:
            why = "asks the database itself"
            faulty = {name: self._faulty(one, why) for name, one in rules.items() if one.beyond_own}
            asked = self._being_made[access.grant] = Limits(catalogue, faulty)
        access.notes[self] = asked
        try:
            limits = [self._limit(one, catalogue, access) for one in rules.values()]
        except BaseException:
            access.notes.pop(self, None)
            raise
        made = access.notes[self] = Limits(catalogue, {one.rules.table: one for one in limits if one is not None})
        return made

    def value(self, table: str, at: int) -> Any:
        """The value of a parameter of the table's condition, for the access in force."""
        limits = self()
        limit = limits.of.get(table) if limits is not None else None
        if limit is None or at >= len(limit.binds):
            return None  # compiled under other rules: the gate refuses it
        return limit.values()[at]

    def fill(self, asking: Iterable[tuple[str, str, int]], into: dict[str, Any]) -> None:
        """Puts the values of all parameters of a statement in, for the access in force.

        :param asking: for each of them where its value goes, the table, and which of its parameters it is.
        """
        limits = self()
        of: Mapping[str, Limit] = {} if limits is None else limits.of
        held: dict[str, tuple[Any, ...]] = {}
        for name, table, at in asking:
            values = held.get(table)
            if values is None:
                limit = of.get(table)
                values = held[table] = () if limit is None else limit.values()
            into[name] = values[at] if at < len(values) else None  # compiled under other rules: the gate refuses it

    def _limit(self, rules: RulesOfTable, catalogue: Catalogue, access: Access) -> Limit | None:
        """None where the rule is that of one's own rows alone, and cannot be put as a condition: the gate then looks for it
        in what the statement itself says.
        """
        subject = catalogue.by_name[rules.table].subject
        key = key_of(access, subject.kind, catalogue) if rules.own and subject is not None else None
        name = (rules, key is None)
        known: Limit | None = self._lasting.get(name)
        if known is not None:
            return known.of(key)
        table = rules.source if rules.source is not None else table_named(rules.table, self.rules.live.metadata)
        if table is None:
            return self._faulty(rules, "is of a table that no model shows") if rules.beyond_own else None
        try:
            row = self._row(table)
            own = own_condition(table, row, catalogue.by_name[rules.table], catalogue, access) if rules.own else None
            if own is None and not rules.beyond_own:
                return None
            conditions = [*self._conditions(rules, row, table, catalogue, access)]
            condition = and_(*conditions) if own is None else and_(*conditions, own.condition)
            structure, values = structure_of(condition)
            owner = own.key if own is not None else None
            # A rule may read like that of own rows; but by the key of the person alone is a statement bound to them.
            key = (rules.table, structure, next((at for at, bind in enumerate(values) if bind is owner), None))
            shape = self._shapes.get(key)
            if shape is None:
                shape = self._shapes.setdefault(key, Shape.of(condition, row, table))
            limit = Limit(rules, shape, row, condition, values, owner, None if owner is None else owner.effective_value)
        except _Faulty as faulty:
            return self._faulty(rules, str(faulty))
        if not (rules.always or rules.roles) and (not rules.consents or self._consent_lasts):
            self._lasting[name] = limit
        return limit

    def _row(self, table: Table) -> Alias:
        row = self._rows.get(table)
        if row is None:
            made: Any = table.alias(ROW)
            row = self._rows[table] = made
        return row

    def _faulty(self, rules: RulesOfTable, why: str) -> Limit:
        return Limit(rules, self._shapes.setdefault((rules.table, why), Shape(why)))

    def _conditions(
        self, rules: RulesOfTable, row: Alias, table: Table, catalogue: Catalogue, access: Access
    ) -> Iterator[ColumnElement[bool]]:
        for rule in rules.always:
            yield _said(rule, row, access)
        if rules.roles:
            groups = [[_said(rule, row, access) for rule in group] for group in rules.roles]
            yield groups[0][0] if len(groups) == len(groups[0]) == 1 else or_(*(and_(*group) for group in groups))
        for purposes in rules.consents:
            name = (rules, purposes)
            asked = self._lasting.get(name)
            if asked is None:
                asked = or_(*(self._consent(purpose, row, table, rules.table, catalogue) for purpose in purposes))
                if self._consent_lasts:
                    self._lasting[name] = asked
            yield asked

    @property
    def _consent_lasts(self) -> bool:
        """Whether what the store of consents answers holds for later statements, too."""
        return getattr(self.rules.consents, "lasting", False) is True

    def _consent(self, purpose: str, row: Alias, table: Table, name: str, catalogue: Catalogue) -> ColumnElement[bool]:
        """That the person behind the row agreed to a purpose."""
        port, known = self.rules.consents, catalogue.by_name[name]
        if port is None:
            raise _Faulty(f'for purpose "{purpose}" asks for consent, and nobody keeps it')
        if known.subject is None:
            raise _Faulty(f'for purpose "{purpose}" asks for consent, and {name} names no data subject')
        kind = known.subject.kind
        try:
            condition = condition_of_person(
                table, row, known, catalogue, lambda _stored, here: port.condition(purpose, kind, here)
            )
        except Exception as error:  # noqa: BLE001 - it may be any, and may quote values
            raise _Faulty(f'for purpose "{purpose}" asks for consent, and raised {type(error).__name__}') from None
        if not isinstance(condition, ColumnElement):
            raise _Faulty(f'for purpose "{purpose}" asks for consent, which gives no SQL condition for {name}')
        return condition


class _Row:
    """The columns of the row that a rule is about: ``c.team_id``, by attribute or column name."""

    __slots__ = ("_names", "_row")

    def __init__(self, row: Alias, names: Mapping[str, str]) -> None:
        self._row = row
        self._names = names

    def __getattr__(self, name: str) -> Any:
        wanted = self._names.get(name, name)
        for found in self._row.c:
            if found.name == wanted:
                return found
        raise _Faulty(f'names "{name}", which is no column of {self._row.element.fullname}')  # type: ignore[attr-defined]

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


def _said(rule: RowRule, row: Alias, access: Access) -> ColumnElement[bool]:
    """What the application's function says."""
    try:
        said = rule.where(_Row(row, rule.names), access)
    except _Faulty as faulty:
        raise _Faulty(f"{faulty}{rule.place}") from None
    except Exception as error:  # noqa: BLE001 - it may be any, and may quote values
        raise _Faulty(f"raised {type(error).__name__}{rule.place}") from None
    said = getattr(said, "__clause_element__", lambda: said)()
    if not isinstance(said, ColumnElement):
        raise _Faulty(f"gave a {type(said).__name__}, which is no SQL condition{rule.place}")
    return said


class InForce:
    """Gives the value of a parameter of a table's rule, for the access in force."""

    __slots__ = ("at", "limits", "table")

    def __init__(self, limits: LimitsInForce, table: str, at: int) -> None:
        self.limits = limits
        self.table = table
        self.at = at

    def __call__(self) -> Any:
        return self.limits.value(self.table, self.at)


def _asking(bind: BindParameter[Any], table: str, at: int, in_force: LimitsInForce, *, own: bool) -> BindParameter[Any]:
    """A parameter that asks for its value each time."""
    asking: BindParameter[Any] = bindparam(
        OWNER_BIND if own else RULE_BIND,
        callable_=InForce(in_force, table, at),
        type_=bind.type,
        unique=True,
        expanding=bind.expanding,
        literal_execute=bind.literal_execute,
    )
    asking.expand_op = bind.expand_op
    return asking


def _column_of(mention: Any, stand_in: Any) -> Any:
    """The column of a mention of the table; a mapping of it may leave columns out that the database has."""
    for found in mention.c:
        if found.name == stand_in.name:
            return found
    made: Any = column(stand_in.name, stand_in.type)
    made.table = mention
    return made
