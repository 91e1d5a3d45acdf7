"""What goes into a sealed column comes out equal and of the same type, and nothing of it is stored in plain."""

from __future__ import annotations

import enum
import itertools
import json
import pickle
import sqlite3
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    PickleType,
    String,
    Table,
    Text,
    Time,
    TypeDecorator,
    Unicode,
    Uuid,
    create_engine,
    insert,
    literal,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import NullType, TypeEngine
from sqlalchemy_utils import EmailType, URLType

from sa_privacy import CellRejected, Encrypted, Keyring, KeyUnavailable, PolicyError, SealedColumn, pii_column
from sa_privacy.columns.binding import bind_keys, unbind_keys
from sa_privacy.columns.sealed import SealFailed
from tests.columns.support import is_cell, make_privacy, protected, stored

TOKYO = ZoneInfo("Asia/Tokyo")
SECRET = "SECRET-4711"


class Colour(enum.Enum):
    RED = "r"
    GREEN = "g"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Shouting(TypeDecorator[str]):
    """Stores in upper case, and stores the word "nobody" as NULL."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None or value == "nobody" else value.upper()

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else value.lower()


class Undecided(TypeDecorator[str]):
    """Decorates nothing, as SQLModel's AutoString."""

    impl = String
    cache_ok = True


class Days(TypeDecorator[timedelta]):
    """Values of another type than what it stores."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Any) -> int | None:
        return None if value is None else value.days

    def process_result_value(self, value: int | None, dialect: Any) -> timedelta | None:
        return None if value is None else timedelta(days=value)


VALUES: list[tuple[str, TypeEngine[Any], list[Any]]] = [
    ("text", Text(), ["", "Ann", "青木 花子", "a\x00b", "𝔘" * 1000, " spaces "]),
    ("string", String(3), ["longer than its length"]),
    ("unicode", Unicode(40), ["é", "e\u0301"]),
    ("binary", LargeBinary(), [b"", b"\x00\xff", b"x" * 5000]),
    ("integer", Integer(), [0, -1, 2**31, 10**30]),
    ("big_integer", BigInteger(), [2**63 - 1, -(2**63)]),
    ("float", Float(), [0.0, 1.5, -1e300, 0.1 + 0.2, float("inf")]),
    (
        "numeric",
        Numeric(10, 2),
        [Decimal("1.10"), Decimal("-0.00"), Decimal("1E+3"), Decimal("12345678901234567890.123")],
    ),
    ("boolean", Boolean(), [True, False]),
    ("date", Date(), [date(1, 1, 1), date(2000, 2, 29), date.max]),
    ("time", Time(), [time(0), time(23, 59, 59, 999999), time(12, tzinfo=UTC)]),
    (
        "datetime",
        DateTime(timezone=True),
        [
            datetime(2026, 11, 23, 9, 0, 0, 123456),  # noqa: DTZ001 - without a zone on purpose
            datetime(2026, 11, 23, 9, tzinfo=UTC),
            datetime(2026, 11, 23, 9, tzinfo=timezone(timedelta(hours=9))),
            datetime(2026, 11, 23, 9, tzinfo=TOKYO),
        ],
    ),
    ("interval", Interval(), [timedelta(0), timedelta(days=-3, microseconds=1), timedelta(days=900_000)]),
    ("uuid", Uuid(), [UUID(int=0), UUID("12345678-1234-5678-1234-567812345678")]),
    ("uuid_text", Uuid(as_uuid=False), ["12345678123456781234567812345678"]),
    ("enum", Enum(Colour), list(Colour)),
    ("enum_values", Enum(Colour, values_callable=lambda kind: [one.value for one in kind]), list(Colour)),
    ("int_enum", Enum(Level), list(Level)),
    ("enum_strings", Enum("small", "large"), ["small", "large"]),
    ("json", JSON(), [{}, [], {"a": [1, 2.5, None, True, "ü"]}, "text", 5, False, [[[]]]]),
    ("decorator", Shouting(), ["loud"]),
    ("undecided", Undecided(), ["x", ""]),
    ("days", Days(), [timedelta(days=3)]),
    ("pickle", PickleType(), [{"a": {1, 2}}, (1, "x")]),
    ("email_type", EmailType(), ["ann@example.org"]),
]


def table_of(inner: Any, metadata: MetaData | None = None) -> Table:
    return Table(
        "customers",
        metadata if metadata is not None else MetaData(),
        Column("id", Integer, primary_key=True),
        Column("value", Encrypted(inner, category="name")),
        Column("other", Encrypted(inner, category="name")),
    )


@pytest.mark.parametrize(("inner", "values"), [pytest.param(*rest, id=name) for name, *rest in VALUES])
def test_values_come_back_equal_and_of_the_same_type(
    inner: TypeEngine[Any], values: list[Any], engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    table = table_of(inner)
    given = [*values, None]
    with protected(engine, table.metadata):
        with engine.begin() as connection:
            connection.execute(insert(table), [{"value": value} for value in given])
        with engine.connect() as connection:
            found = list(connection.scalars(select(table.c.value).order_by(table.c.id)))
    assert found == given
    assert [type(value) for value in found] == [type(value) for value in given]
    assert [getattr(value, "tzinfo", None) for value in found] == [getattr(value, "tzinfo", None) for value in given]
    assert list(map(repr, found)) == list(map(repr, given))
    cells = stored(make_engine(), "customers", "value")
    assert cells.count(None) == 1
    assert all(is_cell(cell) for cell in cells if cell is not None)
    assert len(set(cells)) == len(cells)


def test_a_decorators_null_is_null_and_a_url_comes_back(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    table = table_of(Shouting())
    with protected(engine, table.metadata), engine.begin() as connection:
        connection.execute(insert(table), [{"value": "nobody"}, {"value": "ann"}])
    assert [cell is None for cell in stored(make_engine(), "customers", "value")] == [True, False]
    assert Encrypted(EmailType(), category="email").inner.python_type is str
    assert Encrypted(URLType(), category="email").category == "email"


def test_a_whole_number_is_taken_where_a_decimal_or_float_is_stored(engine: Engine) -> None:
    metadata = MetaData()
    table = Table(
        "customers",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("amount", Encrypted(Numeric(10, 2), category="name")),
        Column("score", Encrypted(Float(), category="name")),
    )
    with protected(engine, metadata), engine.begin() as connection:
        connection.execute(insert(table), [{"amount": 3, "score": 3}])
        amount, score = connection.execute(select(table.c.amount, table.c.score)).one()
    assert (type(amount), amount) == (Decimal, Decimal(3))
    assert (type(score), score) == (float, 3.0)


def test_equal_values_are_stored_differently_each_time(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    table = table_of(Text())
    with protected(engine, table.metadata), engine.begin() as connection:
        connection.execute(insert(table), [{"value": "Ann", "other": "Ann"}] * 5)
    cells = stored(make_engine(), "customers", "value") + stored(make_engine(), "customers", "other")
    assert len(set(cells)) == 10
    assert not any(b"Ann" in cell for cell in cells)


def test_the_orm_writes_updates_and_reads_sealed_values(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None] = pii_column(category="name")
        level: Mapped[Level] = pii_column(Enum(Level), category="phone", default=Level.LOW)

    with protected(engine, Base):
        with Session(engine) as session:
            session.add_all([Customer(name=f"n{number}") for number in range(3)])
            session.commit()
            first = session.get_one(Customer, 1)
            first.name, first.level = "", Level.HIGH
            session.commit()
            session.execute(update(Customer).where(Customer.id == 2).values(name=None))
            session.execute(update(Customer), [{"id": 3, "name": "bulk"}])
            session.commit()
        with Session(engine) as session:
            found = [(one.name, one.level) for one in session.scalars(select(Customer).order_by(Customer.id))]
            assert found == [("", Level.HIGH), (None, Level.LOW), ("bulk", Level.LOW)]
            assert session.scalars(select(Customer.id).where(Customer.name.is_(None))).all() == [2]
    cells = stored(make_engine(), "customers", "name")
    assert sorted(cell is None for cell in cells) == [False, False, True]
    assert all(is_cell(cell) for cell in cells if cell is not None)


SHAPES: dict[str, tuple[TypeEngine[Any], st.SearchStrategy[Any]]] = {
    "text": (Text(), st.text(alphabet=st.characters(exclude_categories=["Cs"]))),
    "binary": (LargeBinary(), st.binary()),
    "integer": (Integer(), st.integers()),
    "float": (Float(), st.floats(allow_nan=False)),
    "numeric": (Numeric(), st.decimals(allow_nan=False, allow_infinity=False)),
    "date": (Date(), st.dates()),
    "time": (Time(), st.times()),
    "datetime": (DateTime(timezone=True), st.datetimes(timezones=st.none() | st.just(UTC) | st.just(TOKYO))),
    "interval": (Interval(), st.timedeltas()),
    "uuid": (Uuid(), st.uuids()),
    "json": (
        JSON(),
        st.recursive(
            st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text("abü\\\"'"),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
            max_leaves=8,
        ),
    ),
}


class _Open:
    """One engine for all examples of a run."""

    def __init__(self) -> None:
        self.metadata = MetaData()
        self.tables = {
            name: Table(
                f"values_{name}",
                self.metadata,
                Column("id", Integer, primary_key=True),
                Column("value", Encrypted(inner, category="name")),
            )
            for name, (inner, _) in SHAPES.items()
        }
        self.ids = itertools.count(1)
        self.engine = create_engine("sqlite://")


@pytest.fixture(scope="module")
def opened() -> Iterator[_Open]:
    made = _Open()
    with protected(made.engine, made.metadata):
        yield made
    made.engine.dispose()


@pytest.mark.parametrize("name", SHAPES)
def test_any_value_of_its_type_comes_back(name: str, opened: _Open) -> None:
    table, strategy = opened.tables[name], SHAPES[name][1]

    @given(value=strategy)
    def comes_back(value: Any) -> None:
        row = next(opened.ids)
        with opened.engine.connect() as connection:
            connection.execute(insert(table), [{"id": row, "value": value}])
            found = connection.scalars(select(table.c.value).where(table.c.id == row)).one()
            connection.rollback()
        assert found == value
        assert type(found) is type(value)
        assert repr(found) == repr(value)

    comes_back()


WRONG: list[tuple[str, TypeEngine[Any], Any]] = [
    ("text", Text(), 4711),
    ("text_bytes", Text(), b"SECRET-4711"),
    ("text_object", Text(), {"secret": SECRET}),
    ("text_surrogate", Text(), SECRET + "\ud800"),
    ("binary", LargeBinary(), SECRET),
    ("integer", Integer(), SECRET),
    ("integer_bool", Integer(), True),
    ("float", Float(), SECRET),
    ("numeric", Numeric(), SECRET),
    ("numeric_float", Numeric(), 47.11),
    ("boolean", Boolean(), 1),
    ("date", Date(), SECRET),
    ("date_datetime", Date(), datetime(2026, 1, 1, tzinfo=UTC)),
    ("uuid", Uuid(), SECRET),
    ("enum_unknown", Enum(Colour), SECRET),
    ("enum_other", Enum(Colour), Level.LOW),
    ("enum_string", Enum("small", "large"), SECRET),
    ("json_set", JSON(), {SECRET}),
    ("json_nan", JSON(), [SECRET, float("nan")]),
    ("decorator", Shouting(), 4711),
    ("pickle", PickleType(), lambda: SECRET),
]


@pytest.mark.parametrize(("inner", "value"), [pytest.param(*rest, id=name) for name, *rest in WRONG])
def test_a_value_of_another_type_is_refused_and_never_quoted(
    inner: TypeEngine[Any], value: Any, engine: Engine
) -> None:
    table = table_of(inner)
    with protected(engine, table.metadata), engine.connect() as connection:
        with pytest.raises(SealFailed) as refused:
            connection.execute(insert(table), [{"value": value}])
        assert connection.execute(select(table.c.id)).all() == []
    assert shows_no_value(refused.value)
    assert "customers.value" in str(refused.value)
    assert refused.value.columns == ("customers.value",)
    assert type(value).__name__ in str(refused.value)


def shows_no_value(error: BaseException) -> bool:
    """Nothing of a value is in the error, nor in any other that hangs on it."""
    seen: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is None or one in seen:
            continue
        seen.append(one)
        todo += [one.__cause__, one.__context__]
        assert not isinstance(one, StatementError)
        shown = f"{one!r} {one} {one.args} {getattr(one, '__notes__', '')} {vars(one)}"
        assert SECRET not in shown
        assert "4711" not in shown
        assert "47.11" not in shown
    assert SECRET not in "".join(traceback.format_exception(error))
    return True


def test_a_wrong_value_in_a_flush_leaves_nothing_behind(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = pii_column(category="name")

    with protected(engine, Base), Session(engine) as session:
        session.add_all([Customer(name="fine"), Customer(name=4711)])  # SQLAlchemy does not look
        with pytest.raises(SealFailed) as refused:
            session.commit()
        assert shows_no_value(refused.value)
    assert stored(make_engine(), "customers", "name") == []


# -- keys -------------------------------------------------------------------------------------------------------------


def test_a_sealed_column_neither_writes_nor_reads_on_an_unprotected_engine(
    engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    table, plain = table_of(Text()), make_engine()
    with protected(engine, table.metadata), engine.begin() as connection:
        connection.execute(insert(table), [{"value": SECRET}])
    for unprotected in (plain, engine):  # engine: its Privacy was taken off, its processors are cached
        with unprotected.connect() as connection:
            with pytest.raises(KeyUnavailable) as writing:
                connection.execute(insert(table), [{"value": SECRET}])
            with pytest.raises(KeyUnavailable) as reading:
                connection.scalars(select(table.c.value)).all()
            assert shows_no_value(writing.value)
            assert shows_no_value(reading.value)
            assert "install" in str(writing.value.hint)
            connection.execute(insert(table), [{"value": None}])  # NULL is not sealed
            assert connection.scalars(select(table.c.value).where(table.c.value.is_(None))).all() == [None]
    with Session(plain) as session, pytest.raises(KeyUnavailable):
        session.execute(update(table).values(value=SECRET))


def test_a_privacy_without_keys_neither_writes_nor_reads(engine: Engine) -> None:
    table = table_of(Text())
    privacy = make_privacy(table.metadata)
    privacy._keys = None
    privacy.install(engine)
    with privacy.access(maintenance=True, role="engineer"), engine.connect() as connection:
        table.metadata.create_all(connection)
        with pytest.raises(KeyUnavailable) as refused:
            connection.execute(insert(table), [{"value": SECRET}])
        assert shows_no_value(refused.value)
    privacy.close()


def test_two_engines_with_two_keyrings_never_mix(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    table, other = table_of(Text()), make_engine()
    with protected(engine, table.metadata), protected(other, table.metadata):
        with engine.begin() as one, other.begin() as two:
            one.execute(insert(table), [{"id": 1, "value": "of one"}])
            one.commit()
            two.execute(insert(table), [{"id": 2, "value": "of two"}])
        with engine.connect() as one, other.connect() as two:
            mine = select(table.c.value).where(table.c.id == 1)
            theirs = select(table.c.value).where(table.c.id == 2)
            assert one.scalars(mine).one() == "of one"
            assert two.scalars(theirs).one() == "of two"
            with pytest.raises(KeyUnavailable):
                one.scalars(theirs).one()
            with pytest.raises(KeyUnavailable):
                two.scalars(mine).one()


def test_keys_are_those_of_the_engine_at_each_moment(engine: Engine) -> None:
    table = table_of(Text())
    first, second = Keyring.generate(), Keyring.generate()
    for keys in (first, second, first):
        with protected(engine, table.metadata, keys=keys), engine.begin() as connection:
            connection.execute(insert(table), [{"value": "x"}])
    with protected(engine, table.metadata, keys=first), engine.connect() as connection:
        assert connection.scalars(select(table.c.value).where(table.c.id != 2)).all() == ["x", "x"]
        with pytest.raises(KeyUnavailable):
            connection.scalars(select(table.c.value)).all()


def test_a_rotated_keyring_opens_what_it_sealed_before(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    table, keys = table_of(Text()), Keyring.generate()
    with protected(engine, table.metadata, keys=keys), engine.begin() as connection:
        connection.execute(insert(table), [{"value": "old"}])
        keys.rotate()
        connection.execute(insert(table), [{"value": "new"}])
        assert connection.scalars(select(table.c.value).order_by(table.c.id)).all() == ["old", "new"]
    old, new = stored(make_engine(), "customers", "value")
    assert old[2:6] != new[2:6]


def test_the_first_values_of_many_threads_are_all_sealed_and_opened() -> None:
    """Processors look their keys up with the first value, whichever thread brings it."""
    for _ in range(30):
        dialect = create_engine("sqlite://").dialect
        bind_keys(dialect, Keyring.generate())
        sealed = Encrypted(Text(), category="name", field="customers.name")
        seal, unseal = sealed.bind_processor(dialect), sealed.result_processor(dialect, None)
        start = threading.Barrier(8)
        found: list[str] = []

        def work(seal: Any = seal, unseal: Any = unseal, start: Any = start, found: Any = found) -> None:
            start.wait()
            found.append(unseal(seal("x")))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert found == ["x"] * 8
        unbind_keys(dialect)
        with pytest.raises(KeyUnavailable):
            seal("x")


# -- cells ------------------------------------------------------------------------------------------------------------


def test_a_cell_moved_to_another_column_is_rejected_and_one_moved_to_another_row_is_not(
    engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    table, plain = table_of(Text()), make_engine()
    with protected(engine, table.metadata):
        with engine.begin() as connection:
            connection.execute(insert(table), [{"value": "one", "other": "1"}, {"value": "two", "other": "2"}])
        with plain.begin() as behind:
            behind.execute(text("UPDATE customers SET value = (SELECT value FROM customers WHERE id = 2) WHERE id = 1"))
            behind.execute(text("UPDATE customers SET other = value WHERE id = 2"))
        with engine.connect() as connection:
            assert connection.scalars(select(table.c.value)).all() == ["two", "two"]
            with pytest.raises(CellRejected) as refused:
                connection.scalars(select(table.c.other).where(table.c.id == 2)).all()
    assert refused.value.columns == ("customers.other",)
    assert "two" not in str(refused.value)


@pytest.mark.parametrize("cell", [b"", b"plain text of ages ago", b"\x01", bytes(80)])
def test_what_is_no_cell_is_rejected_and_never_handed_over(
    cell: bytes, engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    table, plain = table_of(Text()), make_engine()
    with protected(engine, table.metadata):
        with plain.begin() as behind:
            behind.execute(text("INSERT INTO customers (id, value) VALUES (1, :cell)"), {"cell": cell})
        with engine.connect() as connection, pytest.raises(CellRejected):
            connection.scalars(select(table.c.value)).all()


def test_a_changed_byte_is_rejected(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    table, plain = table_of(Text()), make_engine()
    with protected(engine, table.metadata):
        with engine.begin() as connection:
            connection.execute(insert(table), [{"value": "Ann"}])
        (cell,) = stored(plain, "customers", "value")
        changed = cell[:-1] + bytes([cell[-1] ^ 1])
        with plain.begin() as behind:
            behind.execute(text("UPDATE customers SET value = :cell"), {"cell": changed})
        with engine.connect() as connection, pytest.raises(CellRejected):
            connection.scalars(select(table.c.value)).all()


def test_columns_with_one_field_id_share_their_cells(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    metadata, plain = MetaData(), make_engine()
    table = Table(
        "customers",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("old_mail", Encrypted(category="email", field="customer-mail")),
        Column("mail", Encrypted(category="email", field="customer-mail")),
    )
    with protected(engine, metadata):
        with engine.begin() as connection:
            connection.execute(insert(table), [{"old_mail": "e"}])
        with plain.begin() as behind:
            behind.execute(text("UPDATE customers SET mail = old_mail"))
        with engine.connect() as connection:
            assert connection.scalars(select(table.c.mail)).all() == ["e"]


# -- the type itself --------------------------------------------------------------------------------------------------


def test_no_value_is_rendered_into_sql(engine: Engine) -> None:
    table = table_of(Text())
    with protected(engine, table.metadata):
        with pytest.raises(SealedColumn) as refused:
            insert(table).values(value=SECRET).compile(engine, compile_kwargs={"literal_binds": True})
        assert shows_no_value(refused.value)


def test_a_sealed_value_outside_any_column_is_refused_without_being_quoted(engine: Engine) -> None:
    table = table_of(Text())
    loose = literal(SECRET, Encrypted(category="name"))
    with protected(engine, table.metadata), engine.connect() as connection:
        with pytest.raises(KeyUnavailable) as refused:
            connection.execute(select(loose))
        assert shows_no_value(refused.value)


def test_a_cached_statement_never_serves_another_field(engine: Engine) -> None:
    keys, metadata = Keyring.generate(), MetaData()
    table = Table("cells", metadata, Column("id", Integer, primary_key=True), Column("cell", LargeBinary))
    with protected(engine, metadata, keys=keys), engine.begin() as connection:
        connection.execute(
            insert(table), [{"id": number, "cell": keys.sealer(field).seal(b"x")} for number, field in enumerate("ab")]
        )
        for number, field in (0, "a"), (1, "b"), (0, "a"):
            opened = type_coerce(table.c.cell, Encrypted(category="name", field=field))
            assert connection.scalars(select(opened).where(table.c.id == number)).one() == "x"


def test_types_show_no_keys_and_are_pickled_without_them(engine: Engine) -> None:
    keys, metadata = Keyring.generate(), MetaData()
    table = Table(
        "customers",
        metadata,
        Column("id", Integer, primary_key=True),
        *(Column(f"c_{name}", Encrypted(inner, category="name")) for name, inner, _ in VALUES if name != "enum_values"),
    )
    secrets = {bytes(entry.secret) for entry in keys._ring.entries}
    with protected(engine, metadata, keys=keys), engine.begin() as connection:
        connection.execute(insert(table), [{"c_text": "x", "c_enum": Colour.RED, "c_decorator": "y"}])
        dumped = pickle.dumps(metadata)
        copied = pickle.loads(dumped).tables["customers"]
        row = connection.execute(select(copied.c.c_text, copied.c.c_enum, copied.c.c_decorator)).one()
        assert tuple(row) == ("x", Colour.RED, "y")
    for secret in secrets:
        assert secret not in dumped
        assert secret.hex() not in repr(table)
    for column in table.columns:
        assert "Keyring" not in f"{column!r} {column.type!r} {vars(column.type)!r}"


def test_a_type_says_what_its_values_are() -> None:
    sealed = Encrypted(Date, category="birthday", purposes=["shipping"], field="f")
    assert sealed.python_type is date
    assert isinstance(sealed.inner, Date)
    assert sealed.compare_values(date(2000, 1, 1), date(2000, 1, 1))
    assert not sealed.compare_values(date(2000, 1, 1), None)
    assert isinstance(Encrypted(category="name").inner, Text)
    assert sealed._static_cache_key != Encrypted(Date, category="birthday", field="g")._static_cache_key
    assert json.dumps(sorted(sealed.purposes or ())) == '["shipping"]'


@pytest.mark.parametrize("inner", [NullType(), Encrypted(category="name")])
def test_a_type_that_cannot_be_sealed_is_refused_when_it_is_said(inner: Any) -> None:
    with pytest.raises(PolicyError) as refused:
        Encrypted(inner, category="name")
    assert refused.value.hint


def test_sqlite3_is_asked_for_no_adapter_of_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks for one of whatever is ``bytes``, which takes half as long as sealing it."""
    metadata = MetaData()
    people = Table(
        "people",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("phone", Encrypted(String(), category="phone")),
        Column("email", Encrypted(String(), category="email", lookup="exact")),
    )

    def asked(_value: bytes) -> None:
        raise AssertionError

    engine = create_engine("sqlite://")
    with protected(engine, metadata), engine.begin() as connection:
        adapters: dict[Any, Any] = sqlite3.adapters
        monkeypatch.setitem(adapters, (bytes, sqlite3.PrepareProtocol), asked)
        connection.execute(
            insert(people), [{"id": 1, "phone": "1", "email": "a@x"}, {"id": 2, "phone": "2", "email": ""}]
        )
        connection.execute(update(people).where(people.c.id == 2).values(phone="3"))
        found = connection.execute(select(people.c.phone, people.c.email).order_by(people.c.id)).all()
    assert found == [("1", "a@x"), ("3", "")]
    engine.dispose()
