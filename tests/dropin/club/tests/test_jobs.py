"""What runs without anybody."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Engine, text

from tests.dropin.club import factories, migrations
from tests.dropin.club.jobs import JOBS, OUTBOX


def test_greet(engine: Engine) -> None:
    for number in (1, 2):
        factories.make_member(engine, number)
    assert JOBS["greet"](engine, date(2026, 1, 2)) == 1
    assert OUTBOX == [("Member2@example.org", "Happy birthday, First2!")]


def test_purge_tokens(engine: Engine, member: int) -> None:
    assert [JOBS["purge-tokens"](engine) for _ in range(2)] == [1, 0]


def test_migration_of_plans(engine: Engine) -> None:
    factories.make_member(engine)
    with engine.begin() as connection:
        migrations.upgrade_1(connection)
        assert connection.scalar(text("SELECT plan FROM members")) == "standard"


def test_migration_of_nicknames(engine: Engine) -> None:
    factories.make_member(engine)
    with engine.begin() as connection:
        migrations.upgrade_2(connection)
        assert connection.scalar(text("SELECT count(nickname) FROM members")) == 1


def test_migration_of_addresses(engine: Engine) -> None:
    factories.make_member(engine)
    with engine.begin() as connection:
        migrations.upgrade_3(connection)
        assert connection.scalar(text("SELECT email FROM members")) == "member1@example.org"
