"""The shop that runs: its database, its privacy, its log. Opened on SQLite, or on PostgreSQL with the wall up."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, inspect, text

from examples.shop_app.models import Base
from examples.shop_app.web.policy import OFFICER, shop_policy
from examples.shop_app.web.seed import fill_shop
from sa_privacy import AccessLog, Keyring, Privacy
from sa_privacy.accesslog.questions import Journal
from sa_privacy.walls.plan import Login
from sa_privacy.walls.postgresql import apply_wall, inspect_wall
from sa_privacy.walls.shapes import shapes_of

__all__ = ["CUSTOMERS", "Shop", "open_shop"]

CUSTOMERS = 200
LOGIN = "sap_shop_web"  # of the application on PostgreSQL, which owns nothing


@dataclass(frozen=True)
class Shop:
    """What all pages share.

    :param secret: signs the cookies of sessions.
    """

    privacy: Privacy
    engine: Engine
    log: AccessLog
    secret: str

    @property
    def journal(self) -> Journal:
        """The access log, to be asked."""
        return Journal(self.log.path)

    def pseudonym(self, customer: int) -> str:
        """How the log names a customer."""
        assert self.privacy.keys is not None
        return self.privacy.keys.pseudonym_key().of("customer", customer)

    def close(self) -> None:
        self.privacy.close()
        self.engine.dispose()


def open_shop(directory: Path, url: URL | None = None, *, customers: int = CUSTOMERS) -> Shop:
    """Opens the shop; makes it, with data in it, where there is none.

    :param directory: keeps keys and log, and the database where it is SQLite.
    :param url: a PostgreSQL database, as the owner of its tables; None: SQLite.
    """
    keyring, secret = directory / "keys.json", directory / "session-secret"
    if not keyring.exists():
        Keyring.generate().save(keyring)
    if not secret.exists():
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(32))
    log = AccessLog.open(directory / "access-log")
    privacy = Privacy(shop_policy(), keys=Keyring.load(keyring), log=log, metadata=Base)
    privacy.requests.files.withhold("customer_passwords.hash", "customer_passwords.failures", "customer_passwords.closed_until")
    owner = create_engine(f"sqlite:///{directory / 'shop.db'}" if url is None else url.set(drivername="postgresql+psycopg"))
    fresh = not inspect(owner).has_table("customers")
    privacy.install(owner)
    if fresh:
        _make_tables(privacy, owner)
        fill_shop(privacy, owner, customers)
    if url is None:
        privacy.install(owner, walls=True)
        return Shop(privacy, owner, log, secret.read_text())
    engine = _behind_the_wall(privacy, owner)
    privacy.uninstall(owner)
    owner.dispose()
    privacy.install(engine, walls=True)
    return Shop(privacy, engine, log, secret.read_text())


def _make_tables(privacy: Privacy, owner: Engine) -> None:
    Base.metadata.create_all(owner)
    privacy.metadata.create_all(owner)  # the library's own
    with privacy.access(actor="system:setup", role=OFFICER, reason="opening the shop"):
        privacy.holds.guard(owner)


def _behind_the_wall(privacy: Privacy, owner: Engine) -> Engine:
    """The wall, and an engine for who stands before it: what ``sa-privacy wall apply --login`` does."""
    password = secrets.token_urlsafe()
    with owner.begin() as connection:
        shapes = shapes_of([Base.metadata, privacy.metadata])
        found = inspect_wall(
            connection, privacy.policy, privacy.catalogue, shapes, logins=[Login(LOGIN)], rows=privacy.row_sources
        )
        apply_wall(connection, found)
        connection.execute(text(f"ALTER ROLE \"{LOGIN}\" PASSWORD '{password}'"))
    return create_engine(owner.url.set(username=LOGIN, password=password))
