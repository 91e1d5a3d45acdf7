"""A plain value reads as what it is, whatever its type, before the column is sealed, during, and after it was unsealed."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, null, select, update

from sa_privacy import CellRejected, Encrypted, PolicyError, Privacy
from sa_privacy.crypto.cell import is_cell
from sa_privacy.jobs import seal, unseal
from tests.jobs.world import FAR, KINDS, Customer, fill, maintaining, opened, raw

ACCEPT = {"things.value": FAR}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[Any, list[Any]]:
    """A type and values."""
    return KINDS[request.param]


def plain_and_sealed(kind: Any) -> tuple[Table, Table]:
    """The table of the old release, and that of the new."""
    return (
        Table("things", MetaData(), Column("id", Integer, primary_key=True), Column("value", kind)),
        Table(
            "things",
            MetaData(),
            Column("id", Integer, primary_key=True),
            Column("value", Encrypted(kind, category="other")),
        ),
    )


def test_plain_values_are_read_sealed_and_unsealed(
    kind: tuple[Any, list[Any]], engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    kind_, values = kind
    old, new = plain_and_sealed(kind_)
    old.metadata.create_all(engine)
    rows = list(enumerate(values))
    with engine.begin() as connection:
        connection.execute(old.insert(), [{"id": n, "value": value} for n, value in rows])
        connection.execute(old.insert().values(id=99, value=null()))
        before = [tuple(row) for row in connection.execute(select(old).order_by(old.c.id))]
    with maintaining(metadata=new.metadata, accept=ACCEPT) as privacy:
        assert opened(privacy, make_engine, select(new)) == before
        if engine.dialect.name == "postgresql":  # the type is changed, and the job is killed before its first batch
            from sa_privacy.jobs.retype import to_bytes
            from sa_privacy.jobs.target import targets_of

            [target] = targets_of(privacy, ["things.value"])
            with engine.connect() as connection:
                to_bytes(connection, target, 5)
            assert opened(privacy, make_engine, select(new)) == before
        assert privacy.plaintext_read["things.value"] == len(values) * (1 + (engine.dialect.name == "postgresql"))
        [report] = seal(engine, privacy, ["things.value"])
        assert report.complete
        assert report.tally is not None
        assert report.tally.changed == len(values)
        assert all(value is None or is_cell(value) for _, value in raw(engine, "id, value", "things"))
        assert opened(privacy, make_engine, select(new)) == before
        unseal(engine, privacy, ["things.value"])
        with engine.connect() as connection:
            assert [tuple(row) for row in connection.execute(select(old).order_by(old.c.id))] == before
            assert all(
                type(a[1]) is type(b[1]) for a, b in zip(rows, before, strict=False) if not isinstance(a[1], int)
            )


@pytest.fixture
def half_sealed(engine: Engine) -> Iterator[Privacy]:
    """An application that accepts plain e-mail addresses, of which the table has three."""
    fill(engine, 3)
    with maintaining(accept={"customers.email": FAR}) as privacy:
        privacy.install(engine)
        yield privacy


def test_they_are_counted_and_mentioned_once(
    half_sealed: Privacy, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with engine.connect() as connection:
        connection.execute(select(Customer.email)).all()
        connection.execute(select(Customer.email)).all()
    assert half_sealed.plaintext_read == {"customers.email": 6}
    [said] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "customers.email" in said
    assert "example.org" not in said


def test_other_columns_accept_none(half_sealed: Privacy, engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(CellRejected):
        connection.execute(select(Customer.name)).all()


@pytest.mark.backends("sqlite")
def test_what_is_written_is_a_cell(half_sealed: Privacy, engine: Engine, make_engine: Callable[..., Engine]) -> None:
    with engine.begin() as connection:
        connection.execute(update(Customer).where(Customer.id == 1).values(email="new@example.org"))
    stored = dict(raw(make_engine(), "id, email"))
    assert is_cell(stored[1])
    assert stored[2] == "p2@example.org"


@pytest.mark.backends("sqlite")
def test_a_damaged_cell_is_no_plain_value(
    half_sealed: Privacy, engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    with engine.begin() as connection:
        connection.execute(update(Customer).where(Customer.id == 1).values(email="new@example.org"))
    ((_, cell), *_) = raw(make_engine(), "id, email")
    for damaged in (cell[:-1], cell[:20], b"\x02" + cell[1:], bytes((1, 9)) + cell[2:], cell[:40] + b"\0" + cell[41:]):
        with make_engine().begin() as connection:
            connection.exec_driver_sql("UPDATE customers SET email = ? WHERE id = 1", (damaged,))
        with engine.connect() as connection, pytest.raises(CellRejected):
            connection.execute(select(Customer.email).where(Customer.id == 1)).all()


def test_accepting_ends(half_sealed: Privacy, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with engine.connect() as connection:
        assert len(connection.execute(select(Customer.email)).all()) == 3
        acceptance = half_sealed.accepted.columns["customers.email"]
        monkeypatch.setattr(acceptance, "until", datetime.now(UTC).date())
        assert len(connection.execute(select(Customer.email)).all()) == 3  # the last day counts
        monkeypatch.setattr(acceptance, "until", datetime.now(UTC).date() - timedelta(days=1))
        with pytest.raises(CellRejected):
            connection.execute(select(Customer.email)).all()


@pytest.mark.backends("sqlite")
def test_uninstalling_ends_it_too(half_sealed: Privacy, engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(select(Customer.email)).all()
        half_sealed.uninstall(engine)
        with pytest.raises(CellRejected):
            connection.execute(select(Customer.email)).all()


PAST = date(2020, 1, 1)
MISTAKES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "past": ({"customers.email": PAST}, {}, "ended on 2020-01-01"),
    "no date": ({"customers.email": "2999-12-31"}, {}, "needs a date"),
    "a moment": ({"customers.email": datetime.now(UTC)}, {}, "needs a date"),
    "not accepted": ({}, {"customers.email": String()}, "not accepted"),
    "not sealed": ({"customers.tier": FAR}, {}, "no sealed column"),
    "unknown": ({"customers.emial": FAR}, {}, "no sealed column"),
}


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told(name: str, engine: Engine) -> None:
    accept, stored_as, message = MISTAKES[name]

    def install() -> None:
        with maintaining(accept=accept, stored_as=stored_as) as privacy:
            privacy.install(engine)

    with pytest.raises(PolicyError, match=message):
        install()


@pytest.mark.backends("postgresql")
def test_text_that_became_longer_is_not_cut(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    """A cell has room for any length; the plain type has not."""
    fill(engine, 3)
    with maintaining() as privacy:
        seal(engine, privacy, ["customers.name", "customers.email"])
        protected = make_engine()
        privacy.install(protected)
        with protected.begin() as connection:
            connection.execute(update(Customer).where(Customer.id == 1).values(name="n" * 150))
        privacy.uninstall(protected)
        with pytest.raises(CellRejected, match="plain types do not take") as refused:
            unseal(engine, privacy, ["customers.name", "customers.email"])
        assert "nnnn" not in "".join(traceback.format_exception(refused.value))
        assert max(len(name) for (name,) in raw(engine, "name")) == 150
