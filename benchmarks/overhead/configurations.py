"""The library's own sides, one layer more each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import URL, String, Text, create_engine
from sqlalchemy.orm import Session

from benchmarks.overhead.models import PERSONAL, Models, make_models, plain
from benchmarks.overhead.operations import TEXT
from benchmarks.overhead.side import Side
from sa_privacy import AccessLog, Keyring, Policy, Privacy, pii_column

__all__ = [
    "CONFIGURATIONS",
    "EVERYTHING",
    "GATE",
    "LOG",
    "PLAIN",
    "SEALING",
    "STAFF_AND_HOLDS",
    "WALL",
    "make",
]

PLAIN, GATE, LOG, SEALING, STAFF_AND_HOLDS, EVERYTHING, WALL = CONFIGURATIONS = (
    "plain",
    "gate",
    "+ log",
    "+ sealing",
    "+ staff, holds",
    "everything",
    "everything, wall",
)
LOGIN, OFFICER, STAFF = "bench_web", "staff:1", "staff:17"

_COMMON: dict[str, Any] = {
    "policy": {"id": "bench-overhead", "version": "1"},
    "categories": {key: {} for key in PERSONAL},
    "purposes": {"work": {"use": list(PERSONAL)}},
}
POLICY = Policy(**_COMMON, roles={"staff": {"purposes": ["work"]}})
#: Staff to whom their role was granted and who signed for it, and rows that are held.
STRICT = Policy(
    **_COMMON,
    roles={
        "staff": {"purposes": ["work"], "granted": True, "pledge": "care"},
        "officer": {"granted": True, "grants": ["staff", "officer"]},
        "engineer": {"maintenance": True},
    },
    wordings={"care": {"version": "1", "text": {"en": "I shall handle personal data with care."}}},
    erasure={"roles": ["officer"]},
)


def _guarded(key: str) -> Any:
    if key == "email":
        return pii_column(String(320), category=key, encrypt=False, unique=True)
    return pii_column(Text, category=key, encrypt=False)


def _sealed(key: str) -> Any:
    if key == "email":
        return pii_column(String(320), category=key, lookup="exact", unique=True)
    return pii_column(category=key)


def make(name: str, url: URL, folder: Path, *, is_async: bool) -> Side:
    """One of :data:`CONFIGURATIONS`, with its rows, and its access in force until it is closed.

    :param url: of an empty database, as its owner.
    :param folder: empty, for the log.
    """
    if name == PLAIN:
        side = Side(make_models(plain), url, is_async=is_async)
        side.make_tables()
        side.fill()
        return side
    models = make_models(_guarded if name in {GATE, LOG} else _sealed, people=True)
    strict, ruled = name in {STAFF_AND_HOLDS, EVERYTHING, WALL}, name in {EVERYTHING, WALL}
    # Text of a table with a row rule is refused: who knows where the rule would have to stand in it?
    how = {TEXT: None} if ruled else None
    side = Side(models, url.set(username=LOGIN) if name == WALL else url, is_async=is_async, how=how)
    log = None if name == GATE else AccessLog.open(folder / "log")
    privacy = Privacy(STRICT if strict else POLICY, keys=Keyring.generate(), log=log, metadata=models.Base)
    side.open.callback(privacy.close)
    if ruled:
        privacy.restrict(models.Customer, role="staff", where=lambda c, access: c.shop == access.details["shop"])
    if name == WALL:
        _walled(privacy, models, url)
    else:
        side.make_tables()
        if strict:
            _admit(models, side.engine, side.do)
    privacy.install(side.engine, walls=name == WALL)
    side.open.enter_context(privacy.access("work", role="staff", actor=STAFF, shop=1))
    side.fill()
    return side


def _walled(privacy: Privacy, models: Models, url: URL) -> None:
    """What the owner of a database with a wall does before the application may log in."""
    from sa_privacy.walls import Login  # noqa: PLC0415 - only where there is one
    from tests.walls.owner import raised  # noqa: PLC0415

    owner = create_engine(url)
    models.Base.metadata.create_all(owner)

    def do(work: Callable[[Session], Any]) -> Any:
        with Session(owner) as session:
            return work(session)

    _admit(models, owner, do)
    logins = [Login(LOGIN, roles=("staff",))]
    raised(owner, privacy.policy, privacy.catalogue, models.Base.metadata, logins, rows=privacy.row_sources)
    owner.dispose()


def _admit(models: Models, engine: Any, do: Callable[[Callable[[Session], Any]], Any]) -> None:
    """Grants a member of staff their role, has them sign for it, and makes the triggers that keep what is held.

    Not by the ``Privacy`` that is measured: whoever has just changed what staff may do asks the database each time.
    """
    privacy = Privacy(STRICT, keys=Keyring.generate(), log=None, metadata=models.Base)
    privacy.install(engine)

    def admit(session: Session) -> None:
        privacy.metadata.create_all(session.connection())
        with privacy.access(maintenance=True, actor="operator", role="engineer", reason="bench"):
            privacy.staff.bootstrap(session, OFFICER, "officer", reason="bench")
        with privacy.access(actor=OFFICER, role="officer", reason="bench"):
            until = datetime.now(UTC) + timedelta(days=1)
            privacy.staff.grant(session, STAFF, "staff", reason="bench", until=until)
            privacy.holds.guard(session.connection())
        with privacy.access(actor=STAFF):
            privacy.staff.sign(session, STAFF, "care", language="en")
        session.commit()

    do(admit)
    privacy.close()
