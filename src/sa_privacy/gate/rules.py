"""Row rules: which rows of a table a role or a purpose reaches, as the application says it.

``privacy.restrict(Customer, role="support", where=lambda c, access: ...)`` enters one. Purposes bring rules of their own: one
that needs consent reaches the rows of people who agreed, one with ``rows = "own"`` those of the access's subject. What of it
holds for a grant is worked out once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, get_args

from sqlalchemy import FromClause, Table, inspect
from sqlalchemy.orm import Mapper
from sqlalchemy.util import LRUCache

from sa_privacy.columns.own_tables import OWN_CATEGORY
from sa_privacy.errors import PolicyError
from sa_privacy.gate.heirs import heirs
from sa_privacy.policy import Grant, Policy, Verb

if TYPE_CHECKING:
    from sa_privacy.access import Access
    from sa_privacy.columns.catalogue import Catalogue, PersonalTable
    from sa_privacy.columns.live import LiveCatalogue
    from sa_privacy.gate.mode import Observed
    from sa_privacy.policy import ConsentPort

__all__ = ["RowRules", "Rule", "RulesOfTable", "Where", "is_limited"]

#: Takes the columns of the row, by name, and the access in force; gives a SQLAlchemy condition.
Where = Callable[[Any, "Access"], Any]
_VERBS: Final[tuple[Verb, ...]] = get_args(Verb)
_NONE: Final[Mapping[str, RulesOfTable]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One ``privacy.restrict(...)``.

    :param table: as the catalogue spells it.
    :param source: the table, with its columns.
    :param names: the names of columns in the database, by what else the application calls them.
    """

    table: str
    source: Table
    role: str | None
    purpose: str | None
    where: Where
    names: Mapping[str, str]

    def __str__(self) -> str:
        """For whom it holds: ``role "support"``."""
        said = [f'{what} "{name}"' for what, name in (("role", self.role), ("purpose", self.purpose)) if name]
        return " for ".join(said)

    @property
    def place(self) -> str:
        """Where in the application it stands."""
        code = getattr(self.where, "__code__", None)
        return "" if code is None else f" ({code.co_filename.rpartition('/')[2]}:{code.co_firstlineno})"


@dataclass(frozen=True, slots=True, eq=False)
class RulesOfTable:
    """What holds in one table for one grant: all of `always`, one of the groups `roles`, one purpose of each of
    `consents`, and that it is the subject's own row where there is an `own`.

    :param consents: sets of purposes through which alone a column is reached, and to each of which people agree.
    :param own: the purposes that reach something of the table in the subject's own rows only.
    """

    table: str
    always: tuple[Rule, ...] = ()
    roles: tuple[tuple[Rule, ...], ...] = ()
    consents: tuple[tuple[str, ...], ...] = ()
    own: tuple[str, ...] = ()

    @property
    def beyond_own(self) -> bool:
        """Whether more is asked than whose the row is."""
        return bool(self.always or self.roles or self.consents)

    @property
    def source(self) -> Table | None:
        """The table, where a rule names it."""
        rules = (*self.always, *(rule for group in self.roles for rule in group))
        return rules[0].source if rules else None

    def __str__(self) -> str:
        """Whose rules they are, for errors."""
        said = [str(rule) for rule in self.always]
        said += [str(rule) for group in self.roles for rule in group]
        said += [f'purpose "{name}"' for names in self.consents for name in names]
        said += [f'purpose "{name}": own rows' for name in self.own]
        return ", ".join(dict.fromkeys(said))


class RowRules:
    """The row rules of one policy.

    :param consents: who has agreed; None where no purpose asks for it.
    :ivar tables: the tables in which a rule may hold for somebody, as the catalogue spells them; empty costs nothing.
    """

    def __init__(
        self, policy: Policy, live: LiveCatalogue, consents: ConsentPort | None = None, *, observed: Observed
    ) -> None:
        self.policy = policy
        self.live = live
        self.consents = consents
        self._observed = observed
        self._rules: tuple[Rule, ...] = ()
        self._asking = frozenset(name for name, purpose in policy.purposes.items() if purpose.consent != "none")
        self._owning = frozenset(name for name, purpose in policy.purposes.items() if purpose.rows == "own")
        self._by_grant: LRUCache[Grant, tuple[Catalogue, Mapping[str, RulesOfTable]]] = LRUCache(1000)

    @property
    def entered(self) -> tuple[Rule, ...]:
        """Every rule, in the order in which they were entered."""
        return self._rules

    def __bool__(self) -> bool:
        return bool(self._rules or self._asking or self._owning)

    @property
    def beyond_own(self) -> bool:
        """Whether a rule may ask more than whose a row is."""
        return bool(self._rules or self._asking)

    def restrict(self, thing: Any, role: str | None, purpose: str | None, where: Where) -> None:
        """See :meth:`sa_privacy.Privacy.restrict`."""
        table, names = _table_and_names(thing)
        known = self.live.current().find(table.schema, table.name) if self.live.looks_after(table) else ()
        if not known:
            raise PolicyError(
                f"{table.fullname} holds no personal data that this policy looks after.",
                hint="annotate its columns, or give it a __data_subject__, before restricting it.",
            )
        self._check_names(role, purpose)
        if not callable(where):
            raise PolicyError(
                "where takes a function.", hint="where=lambda c, access: c.team == access.details['team']."
            )
        self._rules += tuple(Rule(one.name, table, role, purpose, where, names) for one in known)
        for heir, through in heirs(table, where, names):
            found = self.live.current().find(heir.schema, heir.name) if self.live.looks_after(heir) else ()
            self._rules += tuple(Rule(one.name, heir, role, purpose, through, {}) for one in found)
        self.live.renew()  # what was worked out without it is worked out anew
        self.live.current()

    def _check_names(self, role: str | None, purpose: str | None) -> None:
        if role is None and purpose is None:
            raise PolicyError("for whom is it?", hint='restrict(..., role="...") or restrict(..., purpose="...").')
        for what, name, names in (("role", role, self.policy.roles), ("purpose", purpose, self.policy.purposes)):
            if name is not None and name not in names:
                raise PolicyError(
                    f'the policy knows no {what} "{name}".',
                    hint=f"{what}s of the policy: {', '.join(sorted(names)) or 'none'}.",
                )

    def may_concern(self, tables: Iterable[str]) -> bool:
        """Whether a rule that asks more than whose a row is may hold in one of the tables for somebody."""
        if self._asking:
            return any(True for _ in tables)
        ruled = {rule.table for rule in self._rules}
        return bool(ruled) and not ruled.isdisjoint(tables)

    def of(self, grant: Grant | None) -> Mapping[str, RulesOfTable]:
        """What holds for a grant, by table."""
        if grant is None or grant.everything or not self:
            return _NONE
        catalogue = self.live.current()
        known: tuple[Catalogue, Mapping[str, RulesOfTable]] | None = self._by_grant.get(grant)
        if known is None or known[0] is not catalogue:
            found = {t.name: rules for t in catalogue if (rules := self._of_table(t, grant)) is not None}
            known = self._by_grant[grant] = (catalogue, found)
        return known[1]

    def _of_table(self, table: PersonalTable, grant: Grant) -> RulesOfTable | None:
        if table.name in self._observed:
            return None
        rules = [rule for rule in self._rules if rule.table == table.name]
        rules = [rule for rule in rules if rule.purpose is None or rule.purpose in grant.purposes]
        always = tuple(rule for rule in rules if rule.role is None)
        groups = [tuple(rule for rule in rules if rule.role == role) for role in self._acting(grant)]
        roles = tuple(groups) if all(groups) else ()  # a role without a rule reaches all rows
        consents = self._consents_in(table, grant)
        found = RulesOfTable(table.name, always, roles, consents, self._own_in(table, grant))
        return found if found.beyond_own or found.own else None

    def _acting(self, grant: Grant) -> list[str]:
        """Its roles that may act for one of its purposes."""
        known = [self.policy.roles[name] for name in grant.roles if name in self.policy.roles]
        return [role.name for role in known if not role.reachable.isdisjoint(grant.purposes)]

    def _consents_in(self, table: PersonalTable, grant: Grant) -> tuple[tuple[str, ...], ...]:
        """The sets of purposes through which alone something of the table is reached, and which all ask for consent."""
        if grant.covers("read", OWN_CATEGORY):  # the library's own desk works for people who said no, too
            return ()
        sets = {
            grant.through(verb, column.category, column.purposes)
            for column in table.columns.values()
            for verb in _VERBS
        }
        deleting = (name for name in grant.purposes if table.name in self.policy.purposes[name].delete)
        sets.add(frozenset(deleting))
        return tuple(sorted(tuple(sorted(names)) for names in sets if names and names <= self._asking))

    def _own_in(self, table: PersonalTable, grant: Grant) -> tuple[str, ...]:
        """The purposes for whose sake the table is limited to the subject's own rows."""
        if self._owning.isdisjoint(grant.purposes) or not is_limited(table, grant):
            return ()
        return tuple(sorted(self._owning.intersection(grant.purposes)))


def is_limited(table: PersonalTable, grant: Grant) -> bool:
    """Whether the grant reaches something of the table in the subject's own rows only."""
    return grant.deletes_own_only(table.name) or any(
        grant.own_only(verb, column.category, column.purposes) for column in table.columns.values() for verb in _VERBS
    )


def _table_and_names(thing: Any) -> tuple[Table, Mapping[str, str]]:
    """The table that a class is mapped to, or itself, and what its columns are called by."""
    if isinstance(thing, Table):
        return thing, {key: column.name for key, column in thing.c.items()}
    mapper = inspect(thing, raiseerr=False)
    if not isinstance(mapper, Mapper):
        raise PolicyError(f"{_name(thing)} is neither a mapped class nor a table.", hint="restrict(Customer, ...).")
    table: FromClause = mapper.local_table
    if not isinstance(table, Table):
        raise PolicyError(
            f"{_name(thing)} is not mapped to one table.", hint="restrict the tables it is made of, one by one."
        )
    if mapper.inherits is not None and mapper.inherits.local_table is table:
        parent = mapper.inherits.class_.__name__
        raise PolicyError(
            f"{_name(thing)} shares the table {table.fullname} with {parent}.",
            hint=f"restrict({parent}, ...), and say in the rule which of its rows are meant.",
        )
    names = {key: column.name for key, column in table.c.items()}
    for prop in mapper.column_attrs:
        for column in prop.columns:
            if getattr(column, "table", None) is table:
                names[prop.key] = column.name
    return table, names


def _name(thing: Any) -> str:
    return str(getattr(thing, "__name__", type(thing).__name__))
