"""The people and orders of `owned`, under a policy with roles to restrict and purposes that ask for consent."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from typing import Any, Final

from sqlalchemy import Boolean, Column, Connection, Integer, MetaData, String, Table, and_, select

from sa_privacy import AccessLog, Policy, Privacy
from tests.gate import owned
from tests.support.databases import Database

__all__ = ["CONSENTS", "POLICY", "TableConsents", "filled", "made"]

USE: Final = ["name", "amount", "items"]
DELETE: Final = ["customers", "orders", "gifts", "items", "letters"]
POLICY: Final = Policy(
    policy={"id": "row-rules", "version": "1"},
    categories={"name": {}, "amount": {}, "items": {}},
    purposes={
        "desk": {"use": USE, "delete": DELETE},
        "audit": {"use": USE},
        "account": {"use": USE, "rows": "own"},
        "campaign": {"use": ["name"], "consent": "opt_in"},
        "survey": {"use": ["name"], "consent": "opt_in"},
        "newsletter": {"use": ["name", "items"], "consent": "opt_out"},
    },
    roles={
        "support": {"purposes": ["desk", "audit"]},
        "senior": {"purposes": ["desk"]},
        "auditor": {"purposes": ["audit"]},
        "customer": {"purposes": ["account", "desk"]},
        "marketing": {"purposes": ["campaign", "survey", "newsletter"]},
        "engineer": {"maintenance": True},
    },
)

_STORE: Final = MetaData()
CONSENTS: Final = Table(
    "consents",
    _STORE,
    Column("purpose", String(20), primary_key=True),
    Column("customer_id", Integer, primary_key=True),
    Column("agreed", Boolean, nullable=False),
)


class TableConsents:
    """An application's own store: a table of its database. Who is not in it has said nothing."""

    def condition(self, purpose: str, kind: str, key: Any) -> Any:
        """Whether the person agreed, or did not object."""
        assert kind == "customer"
        said = select(CONSENTS.c.customer_id).where(CONSENTS.c.purpose == purpose)
        if POLICY.purposes[purpose].consent == "opt_in":
            return key.in_(said.where(CONSENTS.c.agreed))
        return key.not_in(said.where(~CONSENTS.c.agreed))

    def agreed(self, connection: Connection, recipient: str, kind: str, keys: Collection[object]) -> frozenset[object]:
        """Nobody is asked here."""
        asked = and_(CONSENTS.c.purpose == recipient, CONSENTS.c.agreed, CONSENTS.c.customer_id.in_(list(keys)))
        return frozenset(connection.scalars(select(CONSENTS.c.customer_id).where(asked)))


def made(log: AccessLog | None = None, **options: Any) -> Privacy:
    """A Privacy over these models."""
    options = {"consents": TableConsents()} | options
    return Privacy(POLICY, keys=owned.KEYS, log=log, metadata=owned.Base, **options)


def filled(database: Database) -> None:
    """Makes the tables and the rows of `owned`, and an empty store of consents: once, then by copying."""
    database.fill("ruled", _fill)


def _fill(database: Database) -> None:
    engine = database.engine()
    with closing(made()) as privacy:
        privacy.install(engine)
        owned.fill(privacy, engine)
        _STORE.create_all(engine)
