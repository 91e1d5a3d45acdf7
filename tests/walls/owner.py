"""What the owner of a PostgreSQL database does: puts the wall up, and takes it down again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.ledger import OWN_TABLES
from sa_privacy.policy import Policy
from sa_privacy.walls import Login, TableShape, run, shapes_of
from sa_privacy.walls.beginning import begin_saying
from sa_privacy.walls.ddl import identifier
from sa_privacy.walls.postgresql import Inspection, apply_wall, inspect_wall

__all__ = ["LOGIN", "Inspection", "dropped", "inspected", "note_beginnings", "raised"]

LOGIN = "shop_web"
ZONE = Login(LOGIN, roles=("warehouse", "marketing", "clerk", "customer", "engineer"))


def inspected(
    owner: Engine,
    policy: Policy,
    catalogue: Catalogue,
    metadata: MetaData,
    logins: Sequence[Login] = (ZONE,),
    **how: Any,
) -> Inspection:
    """What the database lacks."""
    with owner.connect() as connection:
        return inspect_wall(connection, policy, catalogue, _shapes(policy, metadata), logins=logins, **how)


def raised(
    owner: Engine,
    policy: Policy,
    catalogue: Catalogue,
    metadata: MetaData,
    logins: Sequence[Login] = (ZONE,),
    **how: Any,
) -> Inspection:
    """Puts the wall up; what it was before."""
    with owner.begin() as connection:
        found = inspect_wall(connection, policy, catalogue, _shapes(policy, metadata), logins=logins, **how)
        apply_wall(connection, found)
        return found


def _shapes(policy: Policy, metadata: MetaData) -> tuple[TableShape, ...]:
    return shapes_of([metadata, OWN_TABLES] if policy.keeps_ledgers else [metadata])


def dropped(owner: Engine) -> None:
    """Roles belong to the whole server, so the next test would find them."""
    with owner.begin() as connection:
        roles = connection.exec_driver_sql(
            "SELECT rolname FROM pg_roles WHERE rolname <> 'postgres' AND left(rolname, 3) <> 'pg_'"
        )
        for name in roles.scalars().all():
            connection.exec_driver_sql(f"DROP OWNED BY {identifier(name)}")
            connection.exec_driver_sql(f"DROP ROLE {identifier(name)}")


def note_beginnings(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    """Notes what is said in the messages that begin transactions."""

    def begin(driver: Any, sql: str) -> bool:
        done = begin_saying(driver, sql)
        if done:
            asked.append(sql)
        return done

    monkeypatch.setattr(run, "begin_saying", begin)
