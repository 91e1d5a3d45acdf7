"""One database with everything that judges on it, and what they say of one drawing."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Literal

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.exc import ArgumentError, InvalidRequestError
from sqlalchemy.pool import StaticPool

from sa_privacy import Privacy
from sa_privacy.errors import AccessDenied, UnreadableStatement
from tests.oracle.choices import Choices
from tests.oracle.databases import Judge, PostgresqlJudge, SqliteJudge
from tests.oracle.grants import EVERYTHING, Opened, claims_of, draw
from tests.oracle.ours import Differs, Ours, kind_of
from tests.oracle.statements import Statements
from tests.oracle.texts import Texts
from tests.oracle.world import POLICY, Base, connected, views_of
from tests.support.databases import Backend, postgresql_database
from tests.support.postgres import Server

__all__ = ["Bench", "Finding", "Outcome", "bench"]

Outcome = Literal["invalid", "allowed", "refused", "untold", "view", "wrong", "leak", "differs"]
_WITH: Final = re.compile(
    r'(?:WITH|RECURSIVE|,)\s+("?\w+"?)\s*(?:\([\w, ]*\) )?AS\s+(?:(?:NOT )?MATERIALIZED\s+)?\((?:SELECT|WITH)'
)
_VIEWED: Final = frozenset({"r_email", "r_score"})


@dataclass(frozen=True)
class Finding:
    """What became of one drawing.

    :param outcome: ``allowed`` and ``refused``: we and the database agree. ``leak``: allowed by us, refused by the
        database. ``differs``: our roads do not agree, or ``explain`` does not. ``wrong``: refused by us, allowed by the
        database; ``view``: the same, where the column is one that a view shows and the statement does not use;
        ``untold``: the same, where the database is not asked about what we refuse.
    :param why: for ``wrong``, its kind; for ``differs``, the difference.
    :param choices: what it was drawn from.
    """

    outcome: Outcome
    sql: str = ""
    opened: Opened = EVERYTHING
    why: str = ""
    choices: Choices = field(default_factory=lambda: Choices(()))


class Bench:
    """Draws statements and has them judged.

    :param views: whether views are drawn. Before PostgreSQL 15 a view is read with the rights of its owner, which
        shows nothing.
    """

    def __init__(self, backend: Backend, ours: Ours, judge: Judge, *, views: bool) -> None:
        self.backend, self.ours, self.judge, self.views = backend, ours, judge, views

    def examine(self, source: Random | Sequence[int]) -> Finding:
        """Draws one statement, opens something for it, and asks everyone."""
        choices = Choices(source)
        try:
            found = self._examine(choices)
        except (ArgumentError, InvalidRequestError) as error:  # SQLAlchemy does not take what was drawn
            found = Finding("invalid", why=str(error))
        return Finding(found.outcome, found.sql, found.opened, found.why, choices)

    def _examine(self, choices: Choices) -> Finding:
        kinds: tuple[type[Statements | Texts], ...] = (Statements, Texts)
        drawing = choices.one(kinds)(choices, self.backend, views=self.views)
        statement = drawing.statement()
        whole = self.ours.rendered(statement, EVERYTHING)
        if whole is None or isinstance(whole, AccessDenied) or not self.judge.takes(whole.sql):
            return Finding("invalid", "" if whole is None or isinstance(whole, AccessDenied) else whole.sql)
        try:
            found = self.ours.footprint(whole)
            if isinstance(found, UnreadableStatement):
                return Finding("wrong", whole.sql, EVERYTHING, kind_of(found))
            opened = draw(choices, claims_of(found))
            here = self.ours.rendered(statement, opened)
            if here is None:
                return Finding("invalid", whole.sql)
            denied = isinstance(here, AccessDenied)
            if isinstance(here, AccessDenied):
                here = whole  # an entity that is not narrowed where it stands
            elif here.sql != whole.sql:
                found = self.ours.footprint(here)
        except Differs as error:
            return Finding("differs", whole.sql, why=str(error))
        if not self.judge.takes(here.sql):
            return Finding("refused", here.sql, opened)  # names, outside a subquery, what was left out inside
        if isinstance(found, UnreadableStatement):
            return Finding("differs", here.sql, opened, "cannot be read once it is narrowed")
        return self._compared(choices, statement, here.sql, claims_of(found), opened, denied=denied)

    def _compared(
        self, choices: Choices, statement: Any, sql: str, claims: Opened, opened: Opened, *, denied: bool
    ) -> Finding:
        allowed = not denied and claims.parts <= opened.parts
        if choices.below(8) == 7 and self.ours.explained(statement, opened) != allowed:
            return Finding("differs", sql, opened, f"explain says {'refused' if allowed else 'allowed'}")
        permitted = self.judge.permits(sql, opened)
        if allowed:
            return Finding("allowed" if permitted else "leak", sql, opened)
        if not permitted:
            return Finding("refused", sql, opened)
        if self.judge.cannot_tell(sql, claims, opened):
            return Finding("untold", sql, opened)
        beyond = claims.parts - opened.parts
        if beyond <= _VIEWED and ("v_people" in sql or "v_deep" in sql):
            return Finding("view", sql, opened)
        if any(sql.count(name) == 1 for name in _WITH.findall(sql)):
            return Finding("wrong", sql, opened, "a WITH query that nothing uses")
        if re.search(r"\.(rowid|oid|_ROWID_)\b", sql):
            return Finding("wrong", sql, opened, "a row id, which may be a personal column under another name")
        verbs = {"r": "reading or matching", "w": "writing", "d": "deleting"}
        kinds = sorted({verbs[part[0]] for part in beyond})
        return Finding("wrong", sql, opened, f"{', '.join(kinds)} is claimed and not needed")


@contextmanager
def bench(backend: Backend, server: Server | None = None) -> Iterator[Bench]:
    """A bench on a fresh database.

    :param server: for PostgreSQL.
    """
    with closing(Privacy(POLICY, log=None, metadata=Base)) as privacy:
        if backend == "sqlite":
            engine = connected(create_engine("sqlite://", poolclass=StaticPool))
            Base.metadata.create_all(engine)
            views_of(engine)
            privacy.install(engine)
            with engine.connect() as held:
                connection: Any = held.connection.driver_connection
                assert isinstance(connection, sqlite3.Connection)
                yield Bench(backend, Ours(privacy, engine, connection), SqliteJudge(connection), views=True)
            engine.dispose()
            return
        assert server is not None
        with postgresql_database(server) as database:
            engine = connected(database.engine())
            Base.metadata.create_all(engine)
            views_of(engine)
            privacy.install(engine)
            url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(url, autocommit=True) as connection:
                judge = PostgresqlJudge(connection)
                try:
                    views = connection.info.server_version >= 150000
                    yield Bench(backend, Ours(privacy, engine, connection), judge, views=views)
                finally:
                    judge.close()
