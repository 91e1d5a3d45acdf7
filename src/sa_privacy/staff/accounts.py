"""Accounts: a name and a password that tell who acts, for applications without an identity provider."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sa_privacy.access.names import folded, mixes_alphabets
from sa_privacy.crypto import Keyring
from sa_privacy.errors import KeyUnavailable, LoginRefused, StaffRefused
from sa_privacy.ledger import Desk
from sa_privacy.staff.attempts import forget, may_try, tidy
from sa_privacy.staff.authority import Authority
from sa_privacy.staff.numbers import ACTOR, add_account
from sa_privacy.staff.passwords import Passwords
from sa_privacy.staff.tables import ACCOUNTS, ATTEMPTS

__all__ = ["Accounts"]

_LONGEST_NAME: Final = 200
_A_DAY: Final = timedelta(days=1)

Database = Session | Connection | Engine


class Accounts:
    """Keeps accounts, at the desk of one policy."""

    def __init__(self, desk: Desk, authority: Authority, keys: Keyring | None, passwords: Passwords) -> None:
        self._desk = desk
        self._authority = authority
        self._keys = keys
        self.passwords = passwords

    # -- what an officer does -------------------------------------------------------------------------------------

    def create(self, session: Session | Connection, name: str, *, password: str | None = None) -> str:
        """See :meth:`sa_privacy.staff.Staff.create`."""
        login = self._login(name)
        if mixes_alphabets(name):
            raise StaffRefused(
                "a word of the name has letters of several alphabets that look alike.",
                hint="write each word in one alphabet.",
            )
        hashed = None if password is None else self.passwords.hash(password)
        with self._desk.whole(session), self._desk.open(session) as connection:
            by, now = self._authority.must_be_officer(connection), self._desk.moment()
            row = {"login": login, "name": name, "password": hashed, "created_at": now, "created_by": by}
            try:
                return add_account(connection, {**row, "changed_at": now if hashed else None})
            except IntegrityError:
                raise StaffRefused(
                    "there is an account of that name already, be it closed.",
                    hint="another name; case, blanks and the form of letters do not tell names apart.",
                ) from None

    def recover(self, session: Session | Connection, actor: str, *, valid_for: timedelta) -> str:
        """See :meth:`sa_privacy.staff.Staff.recover`."""
        secret, until = secrets.token_urlsafe(32), self._until(valid_for)
        with self._desk.open(session) as connection:
            if self._authority.must_be_officer(connection) == actor:
                raise StaffRefused(
                    "nobody recovers their own account.", hint="privacy.staff.change_password(...), or another officer."
                )
            self._change(connection, actor, {"secret": _digest(secret), "secret_until": until})
        return secret

    def _until(self, valid_for: object) -> datetime:
        """When a secret of now runs out."""
        if isinstance(valid_for, timedelta) and timedelta(0) < valid_for <= _A_DAY:
            return self._desk.moment() + valid_for
        raise StaffRefused("a secret is good for some time, and for a day at most.", hint="timedelta(hours=1).")

    def unlock(self, session: Session | Connection, actor: str) -> None:
        """See :meth:`sa_privacy.staff.Staff.unlock`."""
        with self._desk.open(session) as connection:
            self._authority.must_be_officer(connection)
            login = connection.scalar(select(ACCOUNTS.c.login).where(ACCOUNTS.c.id == _number(actor)))
            if login is None:
                raise _unknown()
            forget(connection, login, self._desk.moment())

    def close(self, session: Session | Connection, actor: str, *, reason: str) -> None:
        """See :meth:`sa_privacy.staff.Staff.close`."""
        with self._desk.whole(session), self._desk.open(session) as connection:
            by = self._authority.must_be_officer(connection)
            closed = {"closed_at": self._desk.moment(), "secret": None, "secret_until": None, "password": None}
            self._change(connection, actor, closed)
            self._authority.revoke_all(connection, actor, by, reason)

    def tidy(self, session: Session | Connection) -> int:
        """See :meth:`sa_privacy.staff.Staff.tidy`."""
        with self._desk.open(session, deletes=(ATTEMPTS.name,)) as connection:
            self._authority.must_be_officer(connection)
            return tidy(connection, self._desk.moment())

    # -- what people do themselves --------------------------------------------------------------------------------

    def log_in(self, database: Database, name: str, password: str) -> str:
        """See :meth:`sa_privacy.staff.Staff.log_in`."""
        login = self._attempted(name)
        self.passwords.prepare()
        engine = _engine_of(database)
        self._must_be_time(engine, login)
        with self._transaction(engine) as connection:
            row = self._row(connection, login)
        if not self.passwords.check(row.password if row is not None else None, password) or row is None:
            raise _refused()
        with self._transaction(engine) as connection:
            forget(connection, login, self._desk.now())
            if self.passwords.is_outdated(row.password):
                self._set_password(connection, row, self.passwords.hash(password))
        return f"{ACTOR}{row.id}"

    def change_password(self, database: Database, name: str, password: str, new: str) -> str:
        """See :meth:`sa_privacy.staff.Staff.change_password`."""
        hashed = self.passwords.hash(new)
        actor = self.log_in(database, name, password)
        with self._transaction(_engine_of(database)) as connection:
            row = self._row(connection, self._login(name))
            if row is None or not self._set_password(connection, row, hashed):
                raise _refused()  # it was closed, or changed, meanwhile
        return actor

    def redeem(self, database: Database, name: str, secret: str, new: str) -> str:
        """See :meth:`sa_privacy.staff.Staff.redeem`."""
        login, hashed = self._attempted(name), self.passwords.hash(new)
        engine = _engine_of(database)
        self._must_be_time(engine, login)
        with self._transaction(engine) as connection:
            now = self._desk.now()
            chosen = {"password": hashed, "changed_at": now, "secret": None, "secret_until": None}
            good = (ACCOUNTS.c.secret == _digest(secret), ACCOUNTS.c.secret_until > now, ACCOUNTS.c.closed_at.is_(None))
            if (
                connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.login == login, *good).values(**chosen)).rowcount
                != 1
            ):
                raise _refused()
            forget(connection, login, now)
            row = self._row(connection, login)
            if row is None:
                raise _refused()
            return f"{ACTOR}{row.id}"

    # -- how ------------------------------------------------------------------------------------------------------

    def _login(self, name: object) -> str:
        if self._keys is None:
            raise KeyUnavailable(
                "accounts need keys, and there are none.", hint="Privacy(..., keys=Keyring.load(...))."
            )
        if not isinstance(name, str) or not folded(name) or len(name) > _LONGEST_NAME:
            raise StaffRefused(f"a name has 1 to {_LONGEST_NAME} characters.", hint="give the name of the account.")
        return self._keys.pseudonym_key().of("sa-privacy-login", folded(name))

    def _attempted(self, name: object) -> str:
        """The same, of who says that the name is theirs: one that nobody can have is refused like one that nobody has."""
        try:
            return self._login(name)
        except StaffRefused:
            raise _refused() from None

    def _must_be_time(self, engine: Engine, login: str) -> None:
        with self._transaction(engine) as connection:
            allowed = may_try(connection, login, self._desk.now())
        if not allowed:
            raise _refused()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        with engine.begin() as connection, self._desk.open(connection, asked=False) as opened:
            yield opened

    @staticmethod
    def _row(connection: Connection, login: str) -> Any:
        columns = (ACCOUNTS.c.id, ACCOUNTS.c.password, ACCOUNTS.c.changed_at)
        where = (ACCOUNTS.c.login == login, ACCOUNTS.c.closed_at.is_(None))
        return connection.execute(select(*columns).where(*where)).one_or_none()

    def _set_password(self, connection: Connection, row: Any, hashed: str) -> bool:
        """Whether it was set: nobody else has changed it, or closed the account, since the row was read."""
        same = ACCOUNTS.c.changed_at == row.changed_at
        statement = update(ACCOUNTS).where(ACCOUNTS.c.id == row.id, same, ACCOUNTS.c.closed_at.is_(None))
        return connection.execute(statement.values(password=hashed, changed_at=self._desk.now())).rowcount == 1

    @staticmethod
    def _change(connection: Connection, actor: str, values: dict[str, Any]) -> None:
        where = (ACCOUNTS.c.id == _number(actor), ACCOUNTS.c.closed_at.is_(None))
        if connection.execute(update(ACCOUNTS).where(*where).values(**values)).rowcount != 1:
            raise _unknown()


def _digest(secret: object) -> str:
    said = secret if isinstance(secret, str) else ""
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _number(actor: object) -> int:
    number = actor.removeprefix(ACTOR) if isinstance(actor, str) else ""
    if not (number.isascii() and number.isdecimal() and len(number) < 10) or f"{ACTOR}{number}" != actor:
        raise StaffRefused("that is no account.", hint=f'accounts are named as in "{ACTOR}17".')
    return int(number)


def _engine_of(database: Database) -> Engine:
    """The engine, for transactions of one's own.

    :raises StaffRefused: the database has only one connection, and the session has a transaction open on it.
    """
    if isinstance(database, Engine):
        return database
    if isinstance(database, Connection):
        engine, busy = database.engine, database if database.in_transaction() else None
    else:
        if not isinstance(database, Session):
            raise StaffRefused(
                f"a {type(database).__name__} is no database.", hint="give an Engine, a Session or a Connection."
            )
        engine = database.get_bind(clause=ACCOUNTS).engine
        busy = database.connection(bind_arguments={"clause": ACCOUNTS}) if database.in_transaction() else None
    if busy is not None:
        with engine.connect() as own:
            if own.connection.dbapi_connection is busy.connection.dbapi_connection:
                raise StaffRefused(
                    "an attempt to log in is counted in a transaction of its own, and this database has but one connection.",
                    hint="log in before the session has begun anything, or give the engine.",
                )
    return engine


def _refused() -> LoginRefused:
    return LoginRefused(
        "name and password do not go together, or it is too early for another attempt.",
        hint="wait a quarter of an hour; whoever looks after accounts can unlock one, or give a one-time secret.",
    )


def _unknown() -> StaffRefused:
    return StaffRefused("there is no such account, or it is closed.", hint='accounts are named as in "staff:17".')
