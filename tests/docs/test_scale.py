"""docs/scale.md, where it can be tried on one machine."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, Index, Integer, create_engine, select, text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import NotSupportedError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.carried import PAGE, carried, costs, of_log, of_processes
from sa_privacy import DataSubject, Keyring, Policy, Privacy, lookup_key, pii_column
from sa_privacy.errors import NoAccess, PolicyError

POLICY = Policy(
    policy={"id": "scale", "version": "1"},
    categories={"name": {}, "email": {}},
    purposes={"work": {"use": ["name", "email"]}},
    roles={"staff": {"purposes": ["work"]}},
)


def models(unique: bool) -> type[DeclarativeBase]:
    """A person, in a table that is divided by their key."""

    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        __data_subject__ = DataSubject("customer", key="id")
        __table_args__ = {"postgresql_partition_by": "HASH (id)"}

        id: Mapped[int] = mapped_column(Integer, primary_key=True)
        name: Mapped[str] = pii_column(category="name", key="subject")
        email: Mapped[str] = pii_column(category="email", lookup="casefold", unique=unique)

    if not unique:
        Index("customers_email", lookup_key(Customer.email), Customer.id, unique=True)
    return Base


@pytest.mark.backends("postgresql")
def test_a_table_that_is_divided_by_the_persons_key_is_protected(engine: Engine) -> None:
    base = models(unique=False)
    [customer] = [mapper.class_ for mapper in base.registry.mappers]
    privacy = Privacy(POLICY, keys=Keyring.generate(), log=None, metadata=base)
    privacy.install(engine)
    base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    with engine.begin() as connection:
        for number in range(4):
            connection.execute(
                text(
                    f"CREATE TABLE customers_{number} PARTITION OF customers "
                    f"FOR VALUES WITH (MODULUS 4, REMAINDER {number})"
                )
            )
    with privacy.access("work", role="staff", actor="staff:1"), Session(engine) as session:
        session.add_all(customer(id=n, name=f"N {n}", email=f"n{n}@example.com") for n in range(20))
        session.commit()
        assert session.scalars(select(customer.name).where(customer.email == "N7@example.com")).all() == ["N 7"]
        session.get_one(customer, 7).name = "M 7"
        session.commit()
    with engine.connect() as connection, pytest.raises(NoAccess, match="customers"):
        connection.execute(text("SELECT name FROM customers_1"))  # a part is the table
    privacy.close()


@pytest.mark.backends("postgresql")
def test_a_lookup_is_unique_in_a_divided_table_only_with_what_divides_it(engine: Engine) -> None:
    base = models(unique=True)
    privacy = Privacy(POLICY, keys=Keyring.generate(), log=None, metadata=base)
    privacy.install(engine)
    with pytest.raises(NotSupportedError):
        base.metadata.create_all(engine)
    privacy.close()


@pytest.mark.parametrize("name", ["cockroachdb", "yugabytedb"])
def test_an_engine_of_another_database_is_refused(name: str) -> None:
    """Their dialects are PostgreSQL's with another name."""
    dialect = type(name, (PGDialect_psycopg,), {"name": name, "supports_statement_cache": True})
    globals()[f"{name}_dialect"] = dialect
    registry.register(f"{name}.test", __name__, f"{name}_dialect")
    privacy = Privacy(POLICY, keys=Keyring.generate(), log=None, metadata=models(unique=False))
    with pytest.raises(PolicyError, match=f"the {name} dialect is not supported") as refused:
        privacy.install(create_engine(f"{name}+test://nowhere/none"))
    assert "SQLite and PostgreSQL" in str(refused.value)
    privacy.close()


def test_the_figures_are_those_that_were_measured() -> None:
    told = PAGE.read_text(encoding="utf-8")
    assert of_log() in told
    assert of_processes() in told


def test_a_days_figures_follow_from_what_was_measured() -> None:
    """Twice the bytes of an event are twice the bytes of a day, and nothing else."""
    measured = costs()
    more = {**measured, "an event in a segment": 2 * measured["an event in a segment"]}
    before, after = carried(measured), carried(more)
    changed = {what for (what, _, much), (_, _, other) in zip(before, after, strict=True) if much != other}
    assert changed == {"bytes of segments", "segments of 64 MiB"}
    assert {what: much for what, _, much in before}["checkpoints, one a minute, 200 writers"].startswith("1,440")
