"""The ledger of consent behind a wall: who agreed is seen, by SQLAlchemy and by a raw cursor, from the same transaction on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, insert, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from sa_privacy import Keyring, Policy, Privacy
from sa_privacy.policy.writing import as_sections
from sa_privacy.walls import Login
from tests.support.databases import AsyncDriver, Database
from tests.walls import rows as world
from tests.walls.owner import dropped, inspected, raised
from tests.walls.rows import Base, Letter, Page, Person

PLAIN = world.policy(
    {
        "post": {"use": ["name"], "consent": "opt_in", "wording": "may_we"},
        "mail": {"use": ["note"], "consent": "opt_out", "wording": "may_we"},
        "calls": {"use": ["name", "note"]},
    },
    wordings={"may_we": {"version": "1", "text": {"en": "May we?"}}},
    recipients={
        "printer": {
            "kind": "processor",
            "categories": ["name", "note"],
            "purposes": ["post", "mail"],
            "contract": "C-1",
            "review_by": "2099-01-01",
        },
        "partner": {"kind": "third_party", "categories": ["name"], "wording": "may_we"},
    },
)
SECTIONS = as_sections(PLAIN)
SECTIONS["roles"]["clerk"]["disclose"] = ["printer", "partner"]
POLICY = Policy(**SECTIONS)
LOGIN = "rows_web"
KEYS = Keyring.generate()
STATE = "SELECT what, subject FROM sa_privacy_consent_state ORDER BY 1, 2"


@pytest.fixture
def privacy() -> Iterator[Privacy]:
    with closing(Privacy(POLICY, keys=KEYS, log=None, metadata=Base)) as made:
        made.restrict(Person, role="agent", where=lambda c, access: c.team == access.details["team"])
        yield made


@pytest.fixture
def owner(database: Database, privacy: Privacy) -> Iterator[Engine]:
    engine = database.engine()
    Base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    with engine.begin() as connection:
        people = [{"id": at, "name": f"n{at}", "note": "x", "team": ("red", "blue")[at % 2]} for at in range(1, 5)]
        connection.execute(insert(Base.metadata.tables["people"]), people)
        connection.execute(
            insert(Base.metadata.tables["letters"]), [{"id": 1, "person_id": 1, "body": "b", "state": "open"}]
        )
        connection.execute(insert(Base.metadata.tables["pages"]), [{"id": 1, "letter_id": 1, "text": "t"}])
    if database.backend == "postgresql":
        raised(engine, POLICY, privacy.catalogue, Base.metadata, [Login(LOGIN)], rows=privacy.row_sources)
    yield engine
    if database.backend == "postgresql":
        dropped(engine)


@pytest.fixture
def shop(database: Database, owner: Engine, privacy: Privacy) -> Iterator[Engine]:
    url = database.url.set(username=LOGIN) if database.backend == "postgresql" else database.url
    engine = create_engine(url)
    privacy.install(engine, walls=True)
    yield engine
    engine.dispose()


def raw(connection: Connection, sql: str) -> list[Any]:
    cursor = connection.connection.cursor()
    cursor.execute(sql)
    return [row if len(row) > 1 else row[0] for row in cursor.fetchall()]


def test_who_agreed_is_seen_and_nobody_else(shop: Engine, privacy: Privacy, owner: Engine) -> None:
    with Session(shop) as session:
        with privacy.access("calls", role="clerk", actor="staff:1"):
            privacy.consents.give(session, 1, "post", how="web")
            privacy.consents.give(session, 2, "post", how="web")
            privacy.consents.refuse(session, 3, "mail", how="web")
        connection = session.connection()
        is_postgresql = connection.dialect.name == "postgresql"
        with privacy.access("post", role="clerk"):
            assert session.scalars(select(Person.name).order_by(Person.id)).all() == ["n1", "n2"]
            assert session.scalars(select(Page.text)).all() == ["t"]
            if is_postgresql:  # SQLite knows no rows
                assert raw(connection, "SELECT name FROM people ORDER BY id") == ["n1", "n2"]
                assert raw(connection, "SELECT text FROM pages") == ["t"]
                assert raw(connection, STATE) == [("purpose:post", "1"), ("purpose:post", "2")]
        with privacy.access("mail", role="clerk"):
            assert session.scalars(select(Person.id).order_by(Person.id)).all() == [1, 2, 4]
            if is_postgresql:
                assert raw(connection, "SELECT id FROM people ORDER BY id") == [1, 2, 4]
                assert raw(connection, STATE) == [("purpose:mail", "3")]
        with privacy.access("calls", role="clerk", actor="staff:1"):
            privacy.consents.withdraw(session, 1, "post", how="web")
            assert len(session.scalars(select(Person.name)).all()) == 4
        with privacy.access("post", role="clerk"):
            assert session.scalars(select(Person.name)).all() == ["n2"]
            if is_postgresql:
                assert raw(connection, "SELECT text FROM pages") == []
                assert raw(connection, STATE) == [("purpose:post", "2")]
        with privacy.access("calls", role="clerk"):
            session.scalars(select(Person.id)).all()
            with pytest.raises(shop.dialect.loaded_dbapi.Error):
                raw(connection, STATE)
    if shop.dialect.name == "postgresql":
        found = inspected(owner, POLICY, privacy.catalogue, Base.metadata, [Login(LOGIN)], rows=privacy.row_sources)
        assert found.drift == ()
        assert not [one for one in found.plan.not_walled if one.kind in ("rows", "consent", "rule")]


@pytest.mark.parametrize(
    ("purpose", "to", "said", "given"),
    [
        ("post", "printer", ["give", "refuse"], 1),
        ("mail", "printer", ["give", "refuse"], 3),
        ("calls", "partner", ["give", "refuse"], 1),
    ],
)
def test_data_is_given_to_processors_and_third_parties_behind_it(
    shop: Engine, privacy: Privacy, purpose: str, to: str, said: list[str], given: int
) -> None:
    """What people said is locked meanwhile, and that takes rights of the desk's own role."""
    matter = to if to == "partner" else purpose
    with Session(shop) as session, privacy.access(purpose, role="clerk", actor="staff:1"):
        for person, verb in enumerate(said, 1):
            getattr(privacy.consents, verb)(session, person, matter, how="web", language="en")
        session.commit()
        category = "note" if purpose == "mail" else "name"
        made = privacy.disclose(session, to=to, subjects=[1, 2, 3, 4], categories=category)
        session.commit()
        assert (made.given, made.left_out) == (given, {"no_consent": 4 - given})


ACCESSES = (
    {"purpose": "post", "role": "agent", "team": "red"},
    {"purpose": "post", "role": "clerk"},
    {"purpose": "post", "role": ["agent", "clerk"], "team": "red"},
    {"purpose": "mail", "role": "agent", "team": "blue"},
    {"purpose": "mail", "role": "visitor"},
    {"purpose": "calls", "role": "agent", "team": "nobody's"},
    {"purpose": ("calls", "post"), "role": "clerk"},
)


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("said", ACCESSES)
def test_a_raw_cursor_sees_what_the_gate_lets_through(said: dict[str, Any], shop: Engine, privacy: Privacy) -> None:
    with Session(shop) as session:
        with privacy.access("calls", role="clerk", actor="staff:1"):
            for person, what in ((1, "post"), (2, "post"), (2, "mail"), (4, "post")):
                privacy.consents.give(session, person, what, how="web")
            privacy.consents.withdraw(session, 4, "post", how="web")
            privacy.consents.refuse(session, 3, "mail", how="web")
        with privacy.access(**said):
            for entity in (Person, Letter, Page):
                seen = session.scalars(select(entity.id).order_by(entity.id)).all()
                assert raw(session.connection(), f"SELECT id FROM {entity.__tablename__} ORDER BY id") == seen


def test_a_rule_of_the_application_holds_for_raw_cursors(shop: Engine, privacy: Privacy) -> None:
    with privacy.access("calls", role="agent", team="red"), shop.connect() as connection:
        assert connection.execute(select(Person.id).order_by(Person.id)).scalars().all() == [2, 4]
        if shop.dialect.name == "postgresql":
            assert raw(connection, "SELECT id FROM people ORDER BY id") == [2, 4]


@pytest.mark.backends("postgresql")
async def test_async_sessions_give_and_see_it(
    database: Database, owner: Engine, privacy: Privacy, async_driver: AsyncDriver
) -> None:
    engine = create_async_engine(database.async_url(async_driver).set(username=LOGIN))
    privacy.install(engine, walls=True)
    async with AsyncSession(engine) as session:
        with privacy.access("calls", role="clerk", actor="staff:1"):
            await session.run_sync(lambda session: privacy.consents.give(session, 3, "post", how="web"))
        with privacy.access("post", role="clerk"):
            assert (await session.scalars(select(Person.name))).all() == ["n3"]
        await session.commit()
    await engine.dispose()
