"""`explain` says what would happen, and nothing happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, bindparam, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session

from sa_privacy import AccessDenied, AccessLog, Keyring, PolicyError, Privacy, PrivacyError, SealedColumn
from tests.gate import world
from tests.gate.statements import ACCESSES, STATEMENTS, statement_for
from tests.gate.watch import statements
from tests.gate.world import Customer, Order, Product


def runs(engine: Engine, statement: object) -> bool | None:
    """Whether the gate lets it run; None where it did and the database refused it."""
    with Session(engine) as session:
        try:
            result = session.execute(text(statement) if isinstance(statement, str) else statement)  # type: ignore[call-overload]
            if getattr(result, "returns_rows", True):
                result.all()
        except (AccessDenied, SealedColumn):
            return False
        except SQLAlchemyError:
            return True
        finally:
            session.rollback()
    return True


@pytest.mark.parametrize("access", ACCESSES)
def test_a_statement_is_explained_as_allowed_exactly_where_it_runs(
    access: str, shop: Engine, privacy: Privacy, backend: str
) -> None:
    wrong = {}
    for name in STATEMENTS:
        statement = statement_for(name, backend)
        with ACCESSES[access](privacy):
            explained = privacy.explain(statement)
            if explained.allowed is not runs(shop, statement):
                wrong[name] = explained
            assert explained.allowed == (not explained.denials)
    assert wrong == {}


def test_nothing_is_sent_and_nothing_is_written_down(
    shop: Engine, privacy: Privacy, backend: str, log: AccessLog
) -> None:
    before = len(list(log.events()))
    with statements(shop) as sent:
        for access in ACCESSES.values():
            for name in STATEMENTS:
                with access(privacy):
                    privacy.explain(statement_for(name, backend))
    assert sent == []
    assert len(list(log.events())) == before


def test_an_explanation_names_what_is_read_matched_and_written(shop: Engine, privacy: Privacy) -> None:
    with privacy.access("everything", role="clerk"):
        found = privacy.explain(
            update(Customer).values(town="x").where(Customer.segment == "gold").returning(Customer.street)
        )
    assert found.reads == {"customers.street"}
    assert found.matches == {"customers.segment"}
    assert found.writes == {"customers.town"}
    assert found.denials == ()
    assert found.sql.startswith("UPDATE customers SET")


def test_what_is_denied_is_named(shop: Engine, privacy: Privacy) -> None:
    statement = select(Customer.segment).where(Customer.town == "x").order_by(Customer.email)
    with privacy.access("shipping", role="warehouse"):
        found = privacy.explain(statement)
    assert not found.allowed
    assert set(found.denials) == {
        "read customers.segment",
        "match customers.email",
        "customers.email is sealed",
    }


def test_an_entity_is_explained_without_what_it_leaves_out(shop: Engine, privacy: Privacy) -> None:
    assert privacy.explain(select(Customer)).reads == frozenset()
    with privacy.access("shipping", role="warehouse"):
        found = privacy.explain(select(Customer))
    assert found.reads == {f"customers.{name}" for name in ("name", "phone", "street", "town")}
    assert "email" not in found.sql


def test_a_legacy_query_can_be_explained(session: Session, privacy: Privacy) -> None:
    with privacy.access("shipping", role="warehouse"):
        assert privacy.explain(session.query(Customer).filter(Customer.town == "x")).matches == {"customers.town"}
        assert not privacy.explain(session.query(Customer.segment)).allowed


def test_values_that_are_not_known_yet_count_as_given(shop: Engine, privacy: Privacy) -> None:
    with privacy.access(["shipping", "campaigns"], role="clerk"):
        assert not privacy.explain(insert(Customer)).allowed
        assert privacy.explain(insert(Customer).values(name="x", birthday=None)).allowed
        assert not privacy.explain(insert(Customer).values(name="x", birthday=bindparam("later"))).allowed
    with privacy.access("account", role="customer", subject=1):
        assert not privacy.explain(insert(Order).values(customer_id=bindparam("later"), amount=1)).allowed
        assert privacy.explain(insert(Order).values(customer_id=1, amount=1)).allowed


def test_the_engine_may_be_left_out_where_there_is_just_one(
    make_engine: Callable[..., Engine], privacy: Privacy
) -> None:
    first, second = make_engine(), make_engine()
    with pytest.raises(PolicyError, match="installed on no engine"):
        privacy.explain(select(Product))
    privacy.install(first)
    assert privacy.explain(select(Product)).allowed
    with pytest.raises(PolicyError, match="not installed on that engine"):
        privacy.explain(select(Product), engine=second)
    privacy.install(second)
    with pytest.raises(PolicyError, match="which engine"):
        privacy.explain(select(Product))
    assert privacy.explain(select(Product), engine=second).allowed
    assert privacy.explain(select(Product), engine=second.execution_options(logging_token="x")).allowed


def test_what_is_no_statement_is_refused(shop: Engine, privacy: Privacy) -> None:
    with pytest.raises(PolicyError, match="int is no statement"):
        privacy.explain(5)  # type: ignore[arg-type]


async def test_statements_of_an_async_engine_are_explained_without_a_connection(
    async_engine: AsyncEngine, privacy: Privacy
) -> None:
    privacy.install(async_engine)
    assert not privacy.explain(select(Customer.segment)).allowed
    assert not privacy.explain("SELECT segment FROM customers", engine=async_engine).allowed
    with privacy.access("campaigns", role="marketing"):
        assert privacy.explain(select(Customer)).allowed
        assert privacy.explain("SELECT segment FROM customers").allowed


async def test_what_the_database_has_to_be_asked_is_asked_in_run_sync(
    async_engine: AsyncEngine, privacy: Privacy
) -> None:
    async with async_engine.begin() as connection:
        await connection.run_sync(world.Base.metadata.create_all)
        await connection.execute(text("CREATE VIEW towns AS SELECT town FROM customers"))
    privacy.install(async_engine)
    with pytest.raises(PrivacyError, match="run_sync"):
        privacy.explain("SELECT town FROM towns")
    async with async_engine.connect() as connection:
        found = await connection.run_sync(lambda _: privacy.explain("SELECT town FROM towns"))
    assert found.reads == {"customers.town"}
    assert not found.allowed


def test_a_view_is_explained_by_what_it_reads(
    shop: Engine, make_engine: Callable[..., Engine], privacy: Privacy
) -> None:
    with make_engine().begin() as connection:
        connection.execute(text("CREATE VIEW towns AS SELECT town FROM customers WHERE segment = 'gold'"))
    found = privacy.explain("SELECT * FROM towns", engine=shop)
    assert found.reads == {"customers.town"}
    assert found.matches == {"customers.segment"}


def test_an_engine_that_observes_is_explained_as_if_it_enforced(engine: Engine, log: AccessLog, backend: str) -> None:
    watching = Privacy(world.POLICY, keys=Keyring.generate(), log=log, mode="observe", metadata=world.Base)
    watching.install(engine)
    try:
        assert privacy_says(watching, select(Customer)) == (frozenset(), True)
        assert privacy_says(watching, select(Customer.town)) == ({"customers.town"}, False)
    finally:
        watching.close()


def privacy_says(privacy: Privacy, statement: object) -> tuple[object, bool]:
    found = privacy.explain(statement)  # type: ignore[arg-type]
    return found.reads, found.allowed
