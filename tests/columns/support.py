"""A policy for these tests, and a protected engine on which everything is covered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, text

from sa_privacy import Keyring, Policy, Privacy

#: What the test has made: it would go on listening to the classes of others.
MADE: list[Privacy] = []
CATEGORIES = ("name", "email", "phone", "address", "birthday", "usage_history")


def make_policy(**sections: Any) -> Policy:
    """A policy with the categories above, one purpose that covers them all, and a maintenance role."""
    return Policy(
        **{
            "policy": {"id": "columns", "version": "1"},
            "categories": {name: {} for name in CATEGORIES},
            "purposes": {"all": {"use": list(CATEGORIES)}, "shipping": {"use": ["name", "address"]}},
            "roles": {"staff": {"purposes": ["all", "shipping"]}, "engineer": {"maintenance": True}},
            **sections,
        }
    )


def make_privacy(metadata: Any, *, keys: Keyring | None = None, policy: Policy | None = None) -> Privacy:
    """A Privacy for the tables of `metadata`, without a log. Closed when the test ends."""
    made = Privacy(policy or make_policy(), keys=keys or Keyring.generate(), log=None, metadata=metadata)
    MADE.append(made)
    return made


@contextmanager
def protected(
    engine: Engine, metadata: Any, *, keys: Keyring | None = None, policy: Policy | None = None
) -> Iterator[Privacy]:
    """The engine with a Privacy on it, inside a maintenance access. Its tables are made."""
    privacy = make_privacy(metadata, keys=keys, policy=policy)
    privacy.install(engine)
    try:
        with privacy.access(maintenance=True, role="engineer", actor="test", reason="test"):
            getattr(metadata, "metadata", metadata).create_all(engine)
            yield privacy
    finally:
        privacy.close()


def stored(plain: Engine, table: str, column: str) -> list[Any]:
    """What the database really holds, read on an engine that nobody protects."""
    with plain.connect() as connection:
        return [
            bytes(v) if isinstance(v, memoryview) else v
            for v in connection.scalars(text(f"SELECT {column} FROM {table}"))
        ]


def is_cell(value: object) -> bool:
    """Whether a stored value looks like a cell: version 1, suite 1 or 2, long enough for nonce and tag."""
    return isinstance(value, bytes) and value[:1] == b"\x01" and value[1] in {1, 2} and len(value) >= 34
