"""Asks every question, and keeps the answers as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import MetaData, make_url

from sa_privacy.cli.database import connecting
from sa_privacy.cli.doctor.columns import Findings
from sa_privacy.cli.doctor.installed import installed
from sa_privacy.cli.doctor.keys import keys_in
from sa_privacy.cli.doctor.logs import log_in
from sa_privacy.cli.doctor.models import applications_own, policy_of, protected
from sa_privacy.cli.doctor.section import Section
from sa_privacy.cli.doctor.stored import examined, sealable, stored
from sa_privacy.cli.log.place import is_url
from sa_privacy.cli.models import tables_of
from sa_privacy.cli.wall import wanted_wall
from sa_privacy.privacy import Privacy

__all__ = ["Asked", "look"]


@dataclass(frozen=True, slots=True)
class Asked:
    """An application, and what of it may be looked at: None is not asked about."""

    privacy: Privacy
    metadata: Sequence[MetaData]
    models: list[str]
    policy: Path
    decisions: Path
    url: str | None
    login: list[str] | None
    keys: Path
    service: str | None
    log: str | None
    erasures: str | None


def look(asked: Asked) -> tuple[list[Section], Findings]:
    """The overview; and with a database, what stands against sealing each personal column."""
    privacy = asked.privacy
    personal = applications_own(privacy.catalogue)
    tables = tables_of(*asked.metadata)
    database, found = _database(asked, [name for name, one in personal.items() if not one.sealed])
    sealed = any(one.sealed for one in personal.values())
    return [
        installed(),
        policy_of(privacy),
        protected(privacy, tables, asked.decisions),
        *database,
        keys_in(asked.keys, asked.service, needed=sealed, beside=_beside(asked)),
        log_in(asked.log, asked.erasures, privacy.policy),
    ], found


def _database(asked: Asked, guarded: Sequence[str]) -> tuple[list[Section], Findings]:
    if asked.url is None:
        return [Section("stored", ("not asked: no database is named (--url)",))], {}
    wall = None
    if asked.login and make_url(asked.url).get_backend_name() == "postgresql":
        wall = wanted_wall(asked.policy, asked.models, asked.login, None, None, None)
    with connecting(asked.url) as engine, engine.connect() as connection:
        found = examined(connection, asked.privacy, asked.metadata)
        sections = [stored(connection, asked.privacy, wall), sealable(guarded, found)]
    return sections, {name: findings for name, findings in found.items() if findings is not None}


def _beside(asked: Asked) -> list[tuple[str, Path]]:
    """Directories in which no key should lie."""
    places = []
    if asked.url is not None:
        url = make_url(asked.url)
        if url.get_backend_name() == "sqlite" and url.database:
            places.append(("the database", Path(url.database).parent))
    if asked.log is not None and not is_url(asked.log):
        places += [("the access log", Path(asked.log)), ("the access log", Path(asked.log).parent)]
    return places
