"""What the soak stands on: a directory, the tables, the first keys, and the wall; and how a process gets hold of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.soak.models import POLICY, Base
from benchmarks.soak.plain import Plain
from benchmarks.soak.service import Transit
from sa_privacy import AccessLog, Keyring, Privacy
from sa_privacy.ledger import OWN_TABLES
from sa_privacy.walls import Login, shapes_of
from sa_privacy.walls.postgresql import apply_wall, inspect_wall

__all__ = ["LOGIN", "Place", "build"]

LOGIN: Final = "soak_web"
_SEGMENT: Final = 4 << 20  # small, so that files roll while things fail


@dataclass(frozen=True)
class Place:
    """Where everything is.

    :param url: of the database, as its owner.
    :param evidence: URL of the database that the access log is shipped to.
    :param service: address of the key service.
    :param directory: holds keys, logs and journals.
    """

    url: str
    evidence: str
    service: str
    directory: str

    @property
    def keys(self) -> Path:
        """The keyring's file."""
        return Path(self.directory, "keys.json")

    @property
    def log(self) -> Path:
        """The access log's directory."""
        return Path(self.directory, "access-log")

    @property
    def erasures(self) -> Path:
        """The directory of the ledger of erasures."""
        return Path(self.directory, "erasures")

    def load_keys(self) -> Keyring:
        """The keyring, as it is now.

        :raises KeyUnavailable: the service is away.
        """
        return Keyring.load(self.keys, service=Transit(self.service), policy_id=POLICY.id)

    def privacy(self, *, erasing: bool = False, silent: bool = False) -> Privacy:
        """A ``Privacy`` with the keys and a log of its own.

        :param silent: it writes no log.
        :param erasing: it writes the ledger of erasures.
        :raises KeyUnavailable: the service is away.
        """
        return Privacy(
            POLICY,
            keys=self.load_keys(),
            log=None if silent else AccessLog.open(self.log, segment_bytes=_SEGMENT),
            metadata=Base,
            erasures=AccessLog.open(self.erasures) if erasing else None,
        )

    def engine(self, *, owner: bool = False) -> Engine:
        """A pool of connections, of the application's login, or of the tables' owner."""
        url = make_url(self.url)
        return create_engine(url if owner else url.set(username=LOGIN), pool_size=8, max_overflow=0, pool_timeout=60)

    def async_engine(self, *, owner: bool = False) -> AsyncEngine:
        """The same for asyncio."""
        url = make_url(self.url).set(drivername="postgresql+asyncpg")
        url = url if owner else url.set(username=LOGIN)
        return create_async_engine(url, pool_size=8, max_overflow=0, pool_timeout=60)

    def said(self) -> dict[str, str]:
        """For another process."""
        return asdict(self)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """What another process said."""
        return cls(**said)


def build(url: URL, evidence: URL, service: str, directory: Path) -> Place:
    """Makes tables, keys and wall."""
    urls = [one.render_as_string(hide_password=False) for one in (url, evidence)]
    place = Place(url=urls[0], evidence=urls[1], service=service, directory=str(directory))
    Keyring.generate().save(place.keys, service=Transit(service), policy_id=POLICY.id)
    owner = place.engine(owner=True)
    privacy = Privacy(POLICY, keys=place.load_keys(), log=None, metadata=Base)
    with owner.begin() as connection:
        Base.metadata.create_all(connection)
        Plain.metadata.create_all(connection)
        privacy.metadata.create_all(connection)
        shapes = shapes_of([Base.metadata, OWN_TABLES])
        found = inspect_wall(
            connection, POLICY, privacy.catalogue, shapes, logins=[Login(LOGIN)], rows=privacy.row_sources
        )
        apply_wall(connection, found)
    privacy.close()
    owner.dispose()
    AccessLog.open(place.erasures).close()
    return place
