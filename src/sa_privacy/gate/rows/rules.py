"""Row rules: which rows of a table a role or a purpose reaches, as the application says it.

``privacy.restrict(Customer, role="support", where=lambda c, access: ...)`` enters one. Purposes bring rules of their own: one
that needs consent reaches the rows of people who agreed, one with ``rows = "own"`` those of the access's subject. What of it
holds for a grant is worked out once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import FromClause, Table, inspect
from sqlalchemy.orm import Mapper
from sqlalchemy.util import LRUCache

from sa_privacy.errors import PolicyError
from sa_privacy.gate.rows.heirs import heirs
from sa_privacy.gate.rows.rule import RowRule, RulesOfTable, Where, consents_asked, in_force, is_limited

if TYPE_CHECKING:
    from sa_privacy.columns.catalogue import Catalogue, PersonalTable
    from sa_privacy.columns.live import LiveCatalogue
    from sa_privacy.gate.mode import Observed
    from sa_privacy.policy import ConsentPort, Grant, Policy

__all__ = ["RowRules"]

_NONE: Final[Mapping[str, RulesOfTable]] = MappingProxyType({})
_NONE_ENTERED: Final[Mapping[str, tuple[RowRule, ...]]] = MappingProxyType({})


class RowRules:
    """The row rules of one policy.

    :param consents: who has agreed; None where no purpose asks for it.
    :ivar entered: every rule of the application's, in the order in which they were entered.
    """

    def __init__(
        self, policy: Policy, live: LiveCatalogue, consents: ConsentPort | None = None, *, observed: Observed
    ) -> None:
        self.policy = policy
        self.live = live
        self.consents = consents
        self._observed = observed
        self.entered: tuple[RowRule, ...] = ()
        self._rules: Mapping[str, tuple[RowRule, ...]] = _NONE_ENTERED
        self._asking = frozenset(name for name, purpose in policy.purposes.items() if purpose.consent != "none")
        self._owning = frozenset(name for name, purpose in policy.purposes.items() if purpose.rows == "own")
        #: Called where a rule was entered.
        self.on_rule: Callable[[], None] = lambda: None
        self._by_grant: LRUCache[Grant, tuple[Catalogue, Mapping[str, RulesOfTable]]] = LRUCache(1000)

    def __bool__(self) -> bool:
        return bool(self.entered or self._asking or self._owning)

    @property
    def beyond_own(self) -> bool:
        """Whether a rule may ask more than whose a row is."""
        return bool(self.entered or self._asking)

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
        self._enter(RowRule(table, role, purpose, where, names), known)
        for heir, through in heirs(table, where, names):
            if self.live.looks_after(heir):
                inherited = RowRule(heir, role, purpose, through, {})
                self._enter(inherited, self.live.current().find(heir.schema, heir.name))
        self.live.renew()  # what was worked out without it is worked out anew
        self.live.current()
        self.on_rule()

    def _enter(self, rule: RowRule, tables: Iterable[PersonalTable]) -> None:
        """One rule, which holds in each of the tables that its table may mean."""
        self.entered += (rule,)
        self._rules = {**self._rules, **{one.name: (*self._rules.get(one.name, ()), rule) for one in tables}}

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
        return any(table in self._rules for table in tables)

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
        always, roles = in_force(self._rules.get(table.name, ()), grant)
        consents = tuple(sorted(tuple(sorted(names)) for names in consents_asked(table, grant)))
        own = sorted(self._owning.intersection(grant.purposes)) if is_limited(table, grant) else ()
        found = RulesOfTable(table.name, always, roles, consents, tuple(own))
        return found if found.beyond_own or found.own else None


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
