"""What the application says of its tables, its rows and its SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal, overload

from sqlalchemy import Table
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.sql.elements import KeyedColumnElement

from sa_privacy.columns.annotation import Annotation, annotate_column, checked_key, table_columns
from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.columns.lookup import LookupSpec, as_lookup
from sa_privacy.errors import PolicyError
from sa_privacy.footprint import Declarations
from sa_privacy.gate.declare import adding
from sa_privacy.gate.rows.rule import Where
from sa_privacy.gate.rows.rules import RowRules
from sa_privacy.ledger import own_triggers
from sa_privacy.policy import Policy

__all__ = ["Columns"]


class Columns:
    """What one policy looks after: tables, columns, rows, and what SQL cannot say for itself."""

    def __init__(self, policy: Policy, live: LiveCatalogue, rules: RowRules) -> None:
        self.policy = policy
        self._live, self._rules = live, rules
        self._declarations = Declarations(functions=own_triggers())

    @property
    def catalogue(self) -> Catalogue:
        """All tables and columns this policy looks after, as of now."""
        return self._live.current()

    def looks_after(self, table: Table) -> bool:
        """Whether a table is among those of this policy."""
        return self._live.looks_after(table)

    def annotate(
        self,
        column: QueryableAttribute[Any] | KeyedColumnElement[Any],
        *,
        category: str,
        purposes: Collection[str] | None = None,
        encrypt: bool = True,
        lookup: LookupSpec = None,
        field: str | None = None,
        key: str | None = None,
    ) -> None:
        """Annotates a column of a model that one cannot edit; see :func:`sa_privacy.pii_column`.

        :param column: a mapped attribute, or a column of a table (``table.c.email``, ``Customer.__table__.c.email``).
        :raises PolicyError: the category or a purpose is unknown, `column` is no column of a table, or it is annotated
            otherwise already, or its table is none of those that the policy looks after.
        """
        if category not in self.policy.categories:
            raise PolicyError(
                f'the policy knows no category "{category}".',
                hint=f"categories of the policy: {', '.join(sorted(self.policy.categories))}.",
            )
        unknown = sorted(frozenset(purposes or ()) - self.policy.purposes.keys())
        if unknown:
            raise PolicyError(
                f"the policy knows no purpose {_quoted(unknown)}.",
                hint=f"purposes of the policy: {', '.join(sorted(self.policy.purposes))}.",
            )
        only = None if purposes is None else frozenset(purposes)
        annotation = checked_key(Annotation(category, only, encrypt, as_lookup(lookup), field, key))
        columns = table_columns(column)
        for one in columns:
            table: object = one.table  # None, while it belongs to no table yet
            if isinstance(table, Table) and not self._live.looks_after(table):
                raise PolicyError(
                    f"{table.fullname} is not among the tables this policy looks after.",
                    hint="name its MetaData too: Privacy(..., metadata=[...]), or leave metadata= out.",
                    columns=(f"{table.fullname}.{one.name}",),
                )
        for one in columns:
            annotate_column(one, annotation)
        self._live.current()

    def restrict(self, thing: Any, *, role: str | None = None, purpose: str | None = None, where: Where) -> None:
        """Limits a role, or a purpose, to some of a table's rows: on every path, and the gate makes sure of it.

        Rules of one role add up, and so do those of purposes. Who acts in several roles reaches what one of them does.

        :param thing: a mapped class or a ``Table``; classes that inherit from it, by a table of their own or in the same,
            are limited with it.
        :param where: takes the columns of the row (``c.team_id``) and the :class:`~sa_privacy.access.Access` in force, and
            gives a SQLAlchemy condition; subqueries in it are not limited themselves. It is asked once for an access.
        :raises PolicyError: the policy does not know the role or the purpose, none is named, or `thing` is no table with
            personal data.
        """
        self._rules.restrict(thing, role, purpose, where)

    @overload
    def declare(self, *, function: str, touches: Iterable[str]) -> None: ...
    @overload
    def declare(self, *, view: str, reads: Iterable[str]) -> None: ...
    @overload
    def declare(
        self,
        *,
        sql: str,
        reads: Iterable[str] = (),
        matches: Iterable[str] = (),
        writes: Iterable[str] = (),
        dialect: Literal["sqlite", "postgresql"] = "postgresql",
    ) -> None: ...
    def declare(self, **said: Any) -> None:
        """Says of SQL what the library cannot see for itself.

        :param function: a SQL function, and the columns it `touches`; none where it touches nothing personal.
        :param view: a view, and the columns it `reads`.
        :param sql: a statement, whatever its literals, and the columns it `reads`, `matches` and `writes`.
        :raises PolicyError: a column is not in the catalogue.
        """
        known = self.catalogue.columns
        for what in ("touches", "reads", "matches", "writes"):
            for name in said.get(what, ()):
                if name not in known:
                    raise PolicyError(
                        f'"{name}" is not a personal column.',
                        hint=f"personal columns: {', '.join(sorted(known)) or 'none'}.",
                    )
        self._declarations = adding(self._declarations, **said)
        self._live.renew()


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
