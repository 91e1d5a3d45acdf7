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
from sa_privacy.walls.parts import Login
from sa_privacy.walls.postgresql import apply_wall, inspect_wall
from sa_privacy.walls.shapes import shapes_of

__all__ = ["CUSTOMERS", "Shop", "open_shop"]

CUSTOMERS = 200
# Who stands before the wall on PostgreSQL; they own nothing. The officer's zone reaches what maintenance does; no page of the
# shop can, whatever it says.
LOGINS = (Login("sap_shop_web"), Login("sap_shop_office", roles=(OFFICER, "access_manager"), desk=True))


@dataclass(frozen=True)
class Shop:
    """What all pages share.

    :param office: the engine of the officer's pages; on SQLite the same.
    :param secret: signs the cookies of sessions.
    """

    privacy: Privacy
    engine: Engine
    office: Engine
    log: AccessLog
    keys: Keyring
    secret: str

    @property
    def journal(self) -> Journal:
        """The access log, to be asked."""
        return Journal(self.log.path)

    def pseudonym(self, customer: int) -> str:
        """How the log names a customer."""
        return self.keys.pseudonym_key().of("customer", customer)

    def close(self) -> None:
        self.privacy.close()
        self.engine.dispose()
        self.office.dispose()


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
    keys = Keyring.load(keyring)
    privacy = Privacy(shop_policy(), keys=keys, log=log, metadata=Base)
    privacy.requests.files.withhold(
        "customer_passwords.hash", "customer_passwords.failures", "customer_passwords.closed_until"
    )
    owner = create_engine(
        f"sqlite:///{directory / 'shop.db'}" if url is None else url.set(drivername="postgresql+psycopg")
    )
    fresh = not inspect(owner).has_table("customers")
    privacy.install(owner)
    if fresh:
        _make_tables(privacy, owner)
        fill_shop(privacy, owner, customers)
    if url is None:
        privacy.install(owner, walls=True)
        return Shop(privacy, owner, owner, log, keys, secret.read_text())
    privacy.uninstall(owner)
    engines = _behind_the_wall(privacy, owner)
    owner.dispose()
    for engine in engines:
        privacy.install(engine, walls=True)
    return Shop(privacy, *engines, log, keys, secret.read_text())


def _make_tables(privacy: Privacy, owner: Engine) -> None:
    Base.metadata.create_all(owner)
    privacy.metadata.create_all(owner)  # the library's own
    with privacy.access(actor="system:setup", role=OFFICER, reason="opening the shop"):
        privacy.holds.guard(owner)


def _behind_the_wall(privacy: Privacy, owner: Engine) -> tuple[Engine, Engine]:
    """The wall, and engines for who stands before it: what ``sa-privacy wall apply --login ...`` does."""
    passwords = {login.name: secrets.token_urlsafe() for login in LOGINS}
    with owner.begin() as connection:
        shapes = shapes_of([Base.metadata, privacy.metadata])
        rows = privacy.row_sources
        apply_wall(
            connection,
            inspect_wall(connection, privacy.policy, privacy.catalogue, shapes, logins=LOGINS, rows=rows),
        )
        for name, password in passwords.items():
            connection.execute(text(f"ALTER ROLE \"{name}\" PASSWORD '{password}'"))
    web, office = (create_engine(owner.url.set(username=name, password=said)) for name, said in passwords.items())
    return web, office
