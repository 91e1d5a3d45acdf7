"""What a purpose does not cover leaves itself out of entity loads, on every path, and is not in the SQL at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Engine,
    MetaData,
    Table,
    Text,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.orm import (
    Session,
    aliased,
    contains_eager,
    defer,
    immediateload,
    joinedload,
    load_only,
    raiseload,
    scoped_session,
    selectinload,
    sessionmaker,
    subqueryload,
    undefer,
    with_polymorphic,
)

from sa_privacy import AccessDenied, AccessLog, Keyring, NoAccess, Policy, Privacy, PurposeDenied
from tests.gate import people, world
from tests.gate.watch import statements
from tests.gate.world import Customer, Order, Place

HIDDEN = ("email", "birthday", "segment")
FIRST = select(Customer).where(Customer.id == 1)
TWIN = aliased(Customer)


def _aliased(session: Session) -> Any:
    other = aliased(Customer)
    return session.scalars(select(other).where(other.id == 1)).one()


def _over(selectable: Any) -> Callable[[Session], Any]:
    def load(session: Session) -> Any:
        other = aliased(Customer, selectable)
        return session.scalars(select(other).where(other.id == 1)).one()

    return load


def _refreshed(session: Session) -> Any:
    found = session.get_one(Customer, 1)
    session.refresh(found)
    return found


def _after_commit(session: Session) -> Any:
    found = session.get_one(Customer, 1)
    session.commit()
    assert found.tier == "basic"
    return found


def _expired(session: Session) -> Any:
    found = session.get_one(Customer, 1)
    session.expire(found)
    assert found.name
    return found


def _through(option: Callable[..., Any]) -> Callable[[Session], Any]:
    statement = select(Order).options(option(Order.customer)).order_by(Order.id).limit(1)
    return lambda session: session.scalars(statement).unique().one().customer


def _there_and_back(option: Callable[..., Any]) -> Callable[[Session], Any]:
    def load(session: Session) -> Any:
        path = option(Customer.orders).options(option(Order.customer))
        return session.scalars(FIRST.options(path)).unique().one().orders[0].customer

    return load


def _scoped(session: Session) -> Any:
    registry = scoped_session(sessionmaker(session.get_bind()))
    try:
        found = registry.get(Customer, 1)
        assert found is not None
        assert found.name
        registry.expunge(found)
        session.add(found)
        return found
    finally:
        registry.remove()


def _chunks(session: Session) -> Any:
    rows = session.scalars(select(Customer).order_by(Customer.id).execution_options(yield_per=1))
    first = next(iter(rows))
    rows.close()
    return first


LOADS: dict[str, Callable[[Session], Any]] = {
    "session.get": lambda s: s.get(Customer, 1),
    "select": lambda s: s.scalars(FIRST).one(),
    "rows": lambda s: s.execute(FIRST).one()[0],
    "alias": _aliased,
    "two entities": lambda s: s.execute(select(Order, Customer).join(Order.customer).order_by(Order.id)).first()[1],  # type: ignore[index]
    "joinedload": _through(joinedload),
    "selectinload": _through(selectinload),
    "subqueryload": _through(subqueryload),
    "immediateload": _through(immediateload),
    "lazy": lambda s: s.scalars(select(Order).order_by(Order.id)).first().customer,  # type: ignore[union-attr]
    "joinedload there and back": _there_and_back(joinedload),
    "selectinload there and back": _there_and_back(selectinload),
    "subqueryload there and back": _there_and_back(subqueryload),
    "contains_eager": lambda s: (
        s.scalars(select(Order).join(Order.customer).options(contains_eager(Order.customer)).order_by(Order.id))
        .first()
        .customer  # type: ignore[union-attr]
    ),
    "raiseload": lambda s: s.scalars(FIRST.options(raiseload("*"))).one(),
    "refresh": _refreshed,
    "expiry after commit": _after_commit,
    "expire": _expired,
    "populate_existing": lambda s: s.scalars(FIRST.execution_options(populate_existing=True)).one(),
    "merge": lambda s: s.merge(Customer(id=1, tier="basic")),
    "subquery": _over(select(Customer).subquery()),
    "CTE": _over(select(Customer).cte()),
    "EXISTS": lambda s: s.scalars(FIRST.where(exists(select(Order)))).one(),
    "EXISTS of whatever": lambda s: s.scalars(FIRST.where(exists().where(TWIN.id == Customer.id))).one(),
    "has": lambda s: s.scalars(select(Order).where(Order.customer.has()).order_by(Order.id)).first().customer,  # type: ignore[union-attr]
    "any": lambda s: s.scalars(FIRST.where(Customer.orders.any(Order.id == 1))).one(),
    "Query": lambda s: s.query(Customer).filter_by(id=1).one(),
    "Query.get": lambda s: s.query(Customer).order_by(Customer.id).first(),
    "Query.from_statement": lambda s: s.query(Customer).from_statement(FIRST).one(),
    "from_statement": lambda s: s.scalars(select(Customer).from_statement(FIRST)).one(),
    "scoped_session": _scoped,
    "yield_per": _chunks,
    "load_only": lambda s: s.scalars(FIRST.options(load_only(Customer.tier, Customer.email))).one(),
    "undefer": lambda s: s.scalars(FIRST.options(undefer(Customer.email))).one(),
    "undefer all": lambda s: s.scalars(FIRST.options(undefer("*"))).one(),
    "defer": lambda s: s.scalars(FIRST.options(defer(Customer.name))).one(),
    "UPDATE RETURNING": lambda s: s.scalars(
        update(Customer).where(Customer.id == 1).values(tier="basic").returning(Customer)
    ).one(),
    "bulk UPDATE": lambda s: (s.execute(update(Customer), [{"id": 1, "tier": "basic"}]), s.get(Customer, 1))[1],
}


@pytest.mark.parametrize("name", LOADS)
def test_what_is_not_covered_is_not_in_the_sql_however_the_entity_is_loaded(
    name: str, session: Session, shop: Engine, privacy: Privacy
) -> None:
    with privacy.access("shipping", role="warehouse"):
        with statements(shop) as sent:
            found = LOADS[name](session)
        assert isinstance(found, Customer)
        assert found.id == 1
        assert sent
        for column in HIDDEN:
            assert not any(column in sql for sql in sent), column
            assert column not in found.__dict__
        assert "shout" not in found.__dict__
        assert (found.name, found.phone, found.tier) == ("Ann Arbor", "090-1", "basic")
        for column in HIDDEN:
            with pytest.raises(PurposeDenied):
                getattr(found, column)


@pytest.mark.parametrize("name", LOADS)
def test_the_same_loads_hold_everything_where_the_purpose_covers_it(
    name: str, session: Session, shop: Engine, privacy: Privacy
) -> None:
    with privacy.access("everything", role="clerk"):
        with statements(shop) as sent:
            found = LOADS[name](session)
        assert any("segment" in sql for sql in sent) or name == "load_only"
        assert found.email == "ann@example.com"
        assert found.shout == "GOLD"


def test_returning_an_inserted_entity_leaves_out_what_may_not_be_read(
    session: Session, shop: Engine, privacy: Privacy
) -> None:
    row = {"name": "New", "email": "new@example.com", "phone": "1"}
    with privacy.access("signup", role="clerk"), statements(shop) as sent:
        made = session.scalars(insert(Customer).values(**row).returning(Customer)).one()
        bulk = session.scalars(insert(Customer).returning(Customer), [row, row, row]).all()
        ordered = session.scalars(insert(Customer).returning(Customer, sort_by_parameter_order=True), [row, row]).all()
        gone = session.scalars(delete(Customer).where(Customer.id == made.id).returning(Customer)).one()
        assert (gone.id, gone.name) == (made.id, "New")
        for found in (made, *bulk, *ordered):
            assert found.name == "New"
            assert not {"email", "phone"} & set(found.__dict__)
            with pytest.raises(PurposeDenied):
                _ = found.email
    returned = [sql.split("RETURNING", 1)[1] for sql in sent if "RETURNING" in sql]
    assert len(returned) >= 4
    assert not any("email" in part or "phone" in part for part in returned)


def test_counting_entities_names_no_personal_column(session: Session, shop: Engine) -> None:
    with statements(shop) as sent:
        assert session.query(Customer).count() == 3
        assert session.scalar(select(func.count()).select_from(select(Customer).subquery())) == 3
    assert not any(column in sql for sql in sent for column in (*HIDDEN, "phone", "street"))


def test_whether_rows_exist_reads_none_of_their_columns(session: Session, shop: Engine, privacy: Privacy) -> None:
    """SQLAlchemy's ``exists()`` says ``SELECT *``, which databases take for every column, and judge so."""
    table = Customer.__table__.alias()
    wanted = select(Order.id).where(~exists().where(table.c.id == Order.customer_id)).order_by(Order.id)
    with statements(shop) as sent:
        assert session.scalars(wanted).all() == []
        with privacy.access("everything", role="clerk"):
            assert session.scalars(wanted).all() == []
        with pytest.raises(NoAccess, match="segment"):
            session.scalars(select(Order.id).where(exists().where(table.c.segment == "gold")))
    assert ["*" in sql for sql in sent[:2]] == [False, True]


def test_a_flush_under_a_narrow_purpose_reads_nothing_back_that_it_may_not(
    session: Session, shop: Engine, privacy: Privacy
) -> None:
    with privacy.access("shipping", role="warehouse"):
        found = session.get_one(Customer, 1)
        found.tier = "fine"
        with statements(shop) as sent:
            session.commit()
            assert found.tier == "fine"
    assert not any(column in sql for sql in sent for column in HIDDEN)


def test_core_on_the_connection_of_a_session_is_refused_not_narrowed(session: Session, privacy: Privacy) -> None:
    table = Customer.__table__
    with privacy.access("shipping", role="warehouse"):
        connection = session.connection()
        with pytest.raises(PurposeDenied):
            connection.execute(select(table))
        assert len(connection.execute(select(table.c.id, table.c.name)).all()) == 3
        assert len(connection.execute(select(Customer)).first()) == len(  # type: ignore[arg-type]
            [c for c in Customer.__mapper__.column_attrs if c.key not in (*HIDDEN, "shout")]
        )


def _into() -> Any:
    covered = [p.columns[0].name for p in Customer.__mapper__.column_attrs if p.key != "shout"]
    copies = Table("copies", MetaData(), *(Column(name, Text) for name in covered))
    return insert(copies).from_select(covered, select(Customer))


def _recursive() -> Any:
    start = select(Customer).where(Customer.id == 1).cte(recursive=True)
    return select(start.union_all(select(Customer).where(Customer.id > start.c.id)))


POSITIONAL: dict[str, Callable[[], Any]] = {
    "union": lambda: union_all(select(Customer), select(Customer)),
    "method": lambda: select(Customer).union(select(Customer)),
    "except": lambda: select(Customer).except_(select(Customer).where(Customer.id == 1)),
    "subquery": lambda: select(aliased(Customer, union_all(select(Customer), select(Customer)).subquery())),
    "insert": _into,
    "recursive": _recursive,
}


@pytest.mark.parametrize("name", POSITIONAL)
@pytest.mark.parametrize("access", ["shipping", None])
def test_an_entity_that_is_combined_by_position_is_refused_and_never_shifted(
    name: str, access: str | None, session: Session, shop: Engine, privacy: Privacy
) -> None:
    statement = POSITIONAL[name]()
    with statements(shop) as sent:
        if access is None:
            with pytest.raises(NoAccess):
                session.execute(statement)
        else:
            with privacy.access(access, role="warehouse"), pytest.raises(PurposeDenied) as caught:
                session.execute(statement)
            assert "customers.email" in caught.value.columns or "customers.birthday" in caught.value.columns
    assert not sent


def test_a_union_through_query_is_refused_too(session: Session, privacy: Privacy) -> None:
    with privacy.access("shipping", role="warehouse"), pytest.raises(PurposeDenied):
        session.query(Customer).union(session.query(Customer)).all()


def test_naming_a_column_of_an_entity_subquery_is_refused(session: Session, privacy: Privacy) -> None:
    inner = select(Customer).subquery()
    with privacy.access("shipping", role="warehouse"):
        with pytest.raises(AccessDenied):
            session.execute(select(inner.c.email))
        session.rollback()
        assert session.execute(select(inner.c.name).where(inner.c.id == 1)).scalar_one() == "Ann Arbor"


def test_from_statement_over_text_is_judged_by_its_text(session: Session, privacy: Privacy) -> None:
    with privacy.access("shipping", role="warehouse"):
        found = session.scalars(
            select(Customer).from_statement(text("SELECT id, tier, name FROM customers WHERE id = 1"))
        ).one()
        assert found.name == "Ann Arbor"
        session.expunge_all()
        with pytest.raises(PurposeDenied):
            session.scalars(select(Customer).from_statement(text("SELECT * FROM customers"))).all()


# -- attributes that are more than a column -----------------------------------------------------------------------


def test_expressions_composites_and_hybrids_follow_the_columns_they_touch(
    session: Session, shop: Engine, privacy: Privacy
) -> None:
    with privacy.access("shipping", role="warehouse"):
        found = session.get_one(Customer, 1)
        assert found.place == Place("1 High Street", "Oakham")
        assert found.letterhead == "Ann Arbor, 1 High Street"
        with pytest.raises(PurposeDenied, match="segment"):
            _ = found.shout
    session.expunge_all()
    with privacy.access("campaigns", role="marketing"), statements(shop) as sent:
        found = session.get_one(Customer, 1)
        assert found.shout == "GOLD"
        with pytest.raises(PurposeDenied, match="street"):
            _ = found.place
        with pytest.raises(PurposeDenied, match="street"):
            _ = found.letterhead
    assert not any("street" in sql or "town" in sql for sql in sent)


def test_selecting_a_composite_or_an_expression_that_is_not_covered_is_refused(
    session: Session, privacy: Privacy
) -> None:
    with privacy.access("campaigns", role="marketing"):
        with pytest.raises(PurposeDenied):
            session.execute(select(Customer.place))
        session.rollback()
        assert session.scalars(select(Customer.shout).where(Customer.id == 1)).one() == "GOLD"
    with privacy.access("shipping", role="warehouse"):
        with pytest.raises(PurposeDenied):
            session.execute(select(Customer.shout))
        session.rollback()
        assert session.scalars(select(Customer.place).where(Customer.id == 1)).one() == Place("1 High Street", "Oakham")


# -- loading later ------------------------------------------------------------------------------------------------


def test_reading_a_narrowed_attribute_loads_all_that_is_covered_in_one_select(
    session: Session, shop: Engine, privacy: Privacy
) -> None:
    found = session.get_one(Customer, 1)
    with privacy.access("everything", role="clerk"), statements(shop) as sent:
        assert found.email == "ann@example.com"
        assert (found.name, found.phone, found.segment, found.shout) == ("Ann Arbor", "090-1", "gold", "GOLD")
        assert found.place == Place("1 High Street", "Oakham")
        assert found.birthday is not None
    assert len(sent) == 1


def test_loading_later_keeps_what_was_changed_and_flushes_nothing(
    session: Session, shop: Engine, privacy: Privacy
) -> None:
    found = session.get_one(Customer, 1)
    found.tier = "changed"
    found.name = "Assigned"
    with privacy.access("shipping", role="warehouse"), statements(shop) as sent:
        assert found.phone == "090-1"
        assert (found.tier, found.name) == ("changed", "Assigned")
    assert [sql.split()[0] for sql in sent] == ["SELECT"]


def test_assigning_to_an_attribute_that_was_not_read_is_no_read_and_writes_only_that_column(
    session: Session, shop: Engine, privacy: Privacy, log: AccessLog
) -> None:
    with privacy.access("shipping", role="warehouse"):
        found = session.get_one(Customer, 1)
        session.expire(found, ["phone"])
        before = len(list(log.events()))
        with statements(shop) as sent:
            found.phone = "new"
            assert len(list(log.events())) == before
            session.flush()
    assert len(sent) == 1
    assert sent[0].startswith("UPDATE customers SET phone=")
    assert sent[0].count("=") == 2


def test_refreshing_nothing_but_uncovered_attributes_is_a_denial_not_a_crash(
    session: Session, privacy: Privacy
) -> None:
    with privacy.access("shipping", role="warehouse"):
        found = session.get_one(Customer, 1)
        with pytest.raises(PurposeDenied, match="email"):
            session.refresh(found, ["email"])
        with pytest.raises(PurposeDenied):
            session.refresh(found, ["email", "segment"])
        session.refresh(found, ["email", "name"])
        assert found.name == "Ann Arbor"
        assert "email" not in found.__dict__


def test_populate_existing_under_a_narrower_purpose_does_not_mark_unsaved_values_clean(
    session: Session, privacy: Privacy
) -> None:
    with privacy.access("campaigns", role="marketing"):
        found = session.get_one(Customer, 1)
        found.email = "unsaved@example.com"
        with privacy.access("shipping", role="clerk"), session.no_autoflush:
            session.scalars(FIRST.execution_options(populate_existing=True)).one()
        saved = found.__dict__.get("email") == "unsaved@example.com"
        assert not saved or session.is_modified(found)


# -- inheritance --------------------------------------------------------------------------------------------------


@pytest.fixture
def staffed(engine: Engine, log: AccessLog) -> Iterator[tuple[Engine, Privacy]]:
    privacy = Privacy(world.POLICY, keys=Keyring.generate(), log=log, metadata=people.Base)
    privacy.install(engine)
    people.fill(privacy, engine)
    yield engine, privacy
    privacy.close()


INHERITED: dict[str, Callable[[Session], Any]] = {
    "base": lambda s: s.scalars(select(people.Person)).all(),
    "single table": lambda s: s.scalars(select(people.Visitor)).all(),
    "joined table": lambda s: s.scalars(select(people.Employee)).all(),
    "third level": lambda s: s.scalars(select(people.Member)).all(),
    "with_polymorphic": lambda s: s.scalars(select(with_polymorphic(people.Person, "*"))).all(),
    "with_polymorphic flat": lambda s: s.scalars(select(with_polymorphic(people.Person, "*", flat=True))).all(),
    "alias": lambda s: s.scalars(select(aliased(people.Employee, flat=True))).all(),
    "get": lambda s: [s.get(people.Employee, 3)],
    "get by base": lambda s: [s.get(people.Person, 4)],
    "Query": lambda s: s.query(people.Person).all(),
}


@pytest.mark.parametrize("name", INHERITED)
def test_inherited_attributes_are_left_out_in_every_kind_of_inheritance(
    name: str, staffed: tuple[Engine, Privacy]
) -> None:
    engine, privacy = staffed
    with privacy.access("shipping", role="warehouse"), Session(engine) as session, statements(engine) as sent:
        found = INHERITED[name](session)
        assert found
        for one in found:
            assert one.name
            if isinstance(one, people.Employee):
                assert one.home
                assert one.desk
                with pytest.raises(PurposeDenied):
                    _ = one.salary
            if isinstance(one, people.Visitor):
                assert one.phone == "1"
                with pytest.raises(PurposeDenied):
                    _ = one.interest
            with pytest.raises(PurposeDenied):
                _ = one.email
    assert sent
    assert not any(hidden in sql for sql in sent for hidden in ("email", "salary", "interest"))


def test_attributes_of_a_joined_child_load_together_later(staffed: tuple[Engine, Privacy]) -> None:
    engine, privacy = staffed
    with Session(engine) as session:
        found = session.get_one(people.Employee, 3)
        with privacy.access("everything", role="clerk"), statements(engine) as sent:
            assert (found.name, found.email, found.salary, found.home) == ("Eve", "eve@example.com", 10, "Elm Road")
        assert len(sent) == 1


# -- keys and deferred columns ------------------------------------------------------------------------------------


def test_personal_keys_stay_in_the_sql_and_the_policy_decides(staffed: tuple[Engine, Privacy]) -> None:
    engine, privacy = staffed
    with Session(engine) as session:
        with pytest.raises(NoAccess):
            session.scalars(select(people.Account)).all()
        session.rollback()
        with privacy.access("shipping", role="warehouse"):
            with pytest.raises(PurposeDenied, match=r"accounts\.login"):
                session.scalars(select(people.Account)).all()
            session.rollback()
            with pytest.raises(PurposeDenied, match=r"letters\.login"):
                session.scalars(select(people.Letter)).all()
            session.rollback()
        with privacy.access("campaigns", role="marketing"):
            account = session.scalars(select(people.Account)).one()
            assert account.letters[0].account is account
            assert account.login == "ann@example.com"


def test_deferred_columns_stay_deferred_and_load_where_they_are_covered(staffed: tuple[Engine, Privacy]) -> None:
    engine, privacy = staffed
    with Session(engine) as session, privacy.access("campaigns", role="marketing"), statements(engine) as sent:
        letter = session.scalars(select(people.Letter)).one()
        assert not any("body" in sql for sql in sent)
        assert letter.body == "Dear shop"
        session.expunge_all()
        letter = session.scalars(select(people.Letter).options(undefer(people.Letter.body))).one()
        assert letter.__dict__["body"] == "Dear shop"
        assert len(sent) == 3


# -- one statement, many purposes; many engines -------------------------------------------------------------------

SHIPPING, CAMPAIGNS = {"name", "phone", "street", "town"}, {"name", "email", "segment", "shout"}


def _loaded(engine: Engine) -> set[str]:
    with Session(engine) as session:
        found = session.scalars(FIRST).one()
        return set(found.__dict__) & (SHIPPING | CAMPAIGNS | {"birthday"})


def test_one_statement_object_under_alternating_purposes_never_mixes(shop: Engine, privacy: Privacy) -> None:
    for _ in range(3):
        with privacy.access("shipping", role="warehouse"):
            assert _loaded(shop) == SHIPPING
        with privacy.access("campaigns", role="marketing"):
            assert _loaded(shop) == CAMPAIGNS
        assert _loaded(shop) == set()


def test_one_statement_object_in_sixteen_threads_never_mixes(shop: Engine, privacy: Privacy) -> None:
    def work(number: int) -> bool:
        for turn in range(6):
            if (number + turn) % 3 == 0:
                with privacy.access("shipping", role="warehouse"):
                    held = _loaded(shop) == SHIPPING
            elif (number + turn) % 3 == 1:
                with privacy.access("campaigns", role="marketing"):
                    held = _loaded(shop) == CAMPAIGNS
            else:
                held = _loaded(shop) == set()
            if not held:
                return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(16)))


OTHER = Policy(
    policy={"id": "other", "version": "1"},
    categories={name: {} for name in world.POLICY.categories},
    purposes={"shipping": {"use": ["usage_history"]}},
)


def test_two_engines_with_two_policies_each_follow_their_own(
    shop: Engine, privacy: Privacy, make_engine: Callable[..., Engine], log: AccessLog
) -> None:
    second, third = make_engine(), make_engine()
    other = Privacy(OTHER, log=log, metadata=world.Base)
    other.install(second)
    try:
        with privacy.access("shipping", role="warehouse"):
            assert _loaded(shop) == SHIPPING
            assert _loaded(second) == set()  # its policy knows of no access here
            with other.access("shipping"):
                assert _loaded(second) == {"segment", "shout"}
                assert _loaded(shop) == SHIPPING
        with statements(third) as sent, Session(third) as session:
            segments = session.execute(select(Customer.id, Customer.segment).order_by(Customer.id)).all()
            assert [tuple(row) for row in segments] == [(1, "gold"), (2, "tin"), (3, "gold")]
            found = session.scalars(select(Order)).first()
            assert found is not None
            assert found.amount == 10
        with privacy.access("shipping", role="warehouse"):
            assert str(FIRST.compile(third)).count("email") >= 1
        assert "orders.amount" in sent[1]
    finally:
        other.close()
