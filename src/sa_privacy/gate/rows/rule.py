"""One row rule, and what of all of them comes to hold in a table for a grant. Pure: the gate and the walls ask here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, get_args

from sqlalchemy import Table

from sa_privacy.columns.own_tables import OWN_CATEGORY
from sa_privacy.policy import Grant, Verb

if TYPE_CHECKING:
    from sa_privacy.access import Access
    from sa_privacy.columns.catalogue import PersonalTable

__all__ = ["RowRule", "RulesOfTable", "Where", "at_desk", "consents_asked", "in_force", "is_limited"]

#: Takes the columns of the row, by name, and the access in force; gives a SQLAlchemy condition.
Where = Callable[[Any, "Access"], Any]
_VERBS: Final[tuple[Verb, ...]] = get_args(Verb)


@dataclass(frozen=True, slots=True, eq=False)
class RowRule:
    """One ``privacy.restrict(...)``: which rows of a table somebody may reach.

    :param table: the table, with its columns.
    :param role: for who acts in this role of the policy; None: for everybody.
    :param purpose: for who acts for this purpose; None: for all.
    :param where: takes the columns and the access, gives a condition.
    :param names: the names of columns in the database, by what else the application calls them.
    """

    table: Table
    role: str | None
    purpose: str | None
    where: Where
    names: Mapping[str, str] = field(default_factory=dict)

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

    :param table: as the catalogue spells it.
    :param consents: sets of purposes through which alone a column is reached, and to each of which people agree.
    :param own: the purposes that reach something of the table in the subject's own rows only.
    """

    table: str
    always: tuple[RowRule, ...] = ()
    roles: tuple[tuple[RowRule, ...], ...] = ()
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
        return rules[0].table if rules else None

    def __str__(self) -> str:
        """Whose rules they are, for errors."""
        said = [str(rule) for rule in self.always]
        said += [str(rule) for group in self.roles for rule in group]
        said += [f'purpose "{name}"' for names in self.consents for name in names]
        said += [f'purpose "{name}": own rows' for name in self.own]
        return ", ".join(dict.fromkeys(said))


def in_force(rules: Iterable[RowRule], grant: Grant) -> tuple[tuple[RowRule, ...], tuple[tuple[RowRule, ...], ...]]:
    """Those of a table's rules that hold for a grant: all of the first, and all of one of the groups, one for each role.

    A role without a rule reaches all rows, and so does who acts in it among others.
    """
    if grant.everything:
        return (), ()
    known = grant.policy.roles
    here = [rule for rule in rules if rule.purpose is None or rule.purpose in grant.purposes]
    acting = [name for name in grant.roles if name in known and not known[name].reachable.isdisjoint(grant.purposes)]
    groups = [tuple(rule for rule in here if rule.role == name) for name in acting]
    return tuple(rule for rule in here if rule.role is None), tuple(groups) if all(groups) else ()


def consents_asked(table: PersonalTable, grant: Grant) -> frozenset[frozenset[str]]:
    """The sets of purposes through which alone something of the table is reached, and which all ask for consent.

    None at the library's own desk, which works for people who said no, too.
    """
    if grant.everything or at_desk(grant):
        return frozenset()
    purposes = grant.policy.purposes
    sets = {
        grant.through(verb, column.category, column.purposes) for column in table.columns.values() for verb in _VERBS
    }
    sets.add(frozenset(name for name in grant.purposes if table.name in purposes[name].delete))
    return frozenset(one for one in sets if one and all(purposes[name].consent != "none" for name in one))


def is_limited(table: PersonalTable, grant: Grant) -> bool:
    """Whether the grant reaches something of the table in the subject's own rows only."""
    return grant.deletes_own_only(table.name) or any(
        grant.own_only(verb, column.category, column.purposes) for column in table.columns.values() for verb in _VERBS
    )


def at_desk(grant: Grant) -> bool:
    """Whether it is the grant of the library's own desk."""
    return not grant.everything and grant.covers("read", OWN_CATEGORY)
