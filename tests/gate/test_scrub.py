"""No value of a person leaves through an error, a warning or a log record, and the error stays of use."""

from __future__ import annotations

import datetime
import enum
import logging
import pickle
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Connection,
    Date,
    Engine,
    Enum,
    Integer,
    String,
    Uuid,
    cast,
    event,
    exc,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import AccessLog, Keyring, LedgerUnavailable, Privacy, PrivacyError, pii_column
from tests.gate.world import POLICY

CANARY = "Wren4711"
NUMBER = 471147114711
WORDS = (CANARY, CANARY.lower(), CANARY.upper(), str(NUMBER), CANARY.encode().hex())


class Mood(enum.Enum):
    """An Enum says in its error what it was given."""

    glad = 1


class Base(DeclarativeBase):
    """Registry of this model."""


class Patient(Base):
    """Columns that fail each in their own way; unsealed, so that the database sees what it may quote."""

    __tablename__ = "patients"
    __table_args__ = (CheckConstraint("tier <> 'bad'", name="tier_is_good"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(String(20), category="name", encrypt=False, unique=True)
    phone: Mapped[str] = pii_column(String(40), category="phone", encrypt=False)
    visits: Mapped[int | None] = pii_column(Integer, category="amount", encrypt=False)
    born: Mapped[datetime.date | None] = pii_column(Date, category="birthday", encrypt=False)
    mood: Mapped[Mood | None] = pii_column(Enum(Mood, validate_strings=True), category="usage_history", encrypt=False)
    card: Mapped[Any | None] = pii_column(Uuid, category="address", encrypt=False)
    letter: Mapped[datetime.date | None] = pii_column(Date, category="address")
    tier: Mapped[str] = mapped_column(String(20), default="basic")


ROW = {"name": CANARY, "phone": CANARY}
patients: Any = Patient.__table__


def _insert(**values: Any) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(insert(Patient).values(**{**ROW, "name": "other", **values}))


def _select(*wanted: Any) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(select(*wanted)).all()


def _sql(sql: str, **values: Any) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(text(sql), values)


def _flush(connection: Connection) -> None:
    with Session(connection) as session:
        session.add(Patient(**ROW))
        try:
            session.flush()
        except exc.IntegrityError:
            session.execute(select(1))  # quotes the error before


def _many(connection: Connection) -> None:
    connection.execute(insert(Patient), [{"name": f"{CANARY}{n % 2}", "phone": CANARY} for n in range(40)])


def _returning(connection: Connection) -> None:
    rows = [{"name": f"{CANARY}{n % 2}", "phone": CANARY} for n in range(40)]
    connection.execute(insert(Patient).returning(Patient.id), rows)


def _in_processor(connection: Connection) -> None:
    connection.execute(insert(Patient), [{**ROW, "name": "x", "born": None}, {**ROW, "born": CANARY}])


FAILURES: dict[str, Callable[[Connection], object]] = {
    "unique violation": _insert(name=CANARY),
    "unique violation in a batch": _many,
    "unique violation in a batch with RETURNING": _returning,
    "unique violation in a flush, and the next statement": _flush,
    "unique violation in an update": lambda c: c.execute(
        update(Patient).values(name=CANARY).where(Patient.id == 2, Patient.phone == CANARY)
    ),
    "not null": _insert(phone=None, name=CANARY + "2"),
    "check": _insert(tier="bad", name=CANARY + "2"),
    "enum of the application": _insert(mood=CANARY),
    "date of the application": _insert(born=CANARY),
    "date of the application in a batch": _in_processor,
    "uuid of the application": _insert(card=CANARY),
    "sealed value of another type": _insert(letter=CANARY),
    "parameter that is missing": _sql("INSERT INTO patients (name, phone, tier) VALUES (:a, :b, 'x')", a=CANARY),
    "parameter of no type": _sql("INSERT INTO patients (name, phone, tier) VALUES (:a, 'x', 'x')", a={CANARY: CANARY}),
    "lone surrogate": _insert(phone=CANARY + "\udcff"),
    "literal in the text": _sql(f"INSERT INTO patients (name, phone, tier) VALUES ('{CANARY}', '{CANARY}', 'x')"),
    "driver SQL with a literal": lambda c: c.exec_driver_sql(
        f"INSERT INTO patients (name, phone, tier) VALUES ('{CANARY}', 'x', 'x')"
    ),
    "trigger": _insert(tier="trigger", name=CANARY + "2"),
    "conflict that is not covered": lambda c: c.exec_driver_sql(
        f"INSERT INTO patients (name, phone, tier) VALUES ('{CANARY}', 'x', 'x') ON CONFLICT (id) DO NOTHING"
    ),
}
QUIET_ANYWAY = {  # by themselves; with the gate on they have to stay so
    "sealed value of another type",
    "date of the application",
    "number too large for the driver",
    "function of the driver",
}
ON_POSTGRESQL: dict[str, Callable[[Connection], object]] = {
    "too long": _insert(name=CANARY * 9),
    "number out of range": _insert(visits=NUMBER),
    "number in the wrong type": _insert(visits=CANARY),
    "invalid text representation": _select(cast(Patient.phone, Integer)),
    "invalid date": _select(cast(Patient.phone, Date)),
    "NUL in a text": _insert(phone=CANARY + "\x00"),
    "invalid regular expression": _select(Patient.id.op("+")(0), Patient.phone.op("~")(literal(f"({CANARY}"))),
    "several rows of a subquery": _select(
        select(Patient.phone).where(Patient.phone == CANARY).scalar_subquery(),
    ),
}
ON_SQLITE: dict[str, Callable[[Connection], object]] = {
    "number too large for the driver": lambda c: c.execute(
        insert(Patient).values(name="x", phone=CANARY, visits=NUMBER**3)
    ),
    "function of the driver": _select(func.json_extract(Patient.phone, "$.x")),
}


def _prepare(connection: Connection) -> None:
    Base.metadata.create_all(connection)
    connection.execute(insert(patients).values(**ROW, tier="basic"))
    connection.execute(insert(patients).values(name="second", phone=CANARY, tier="basic"))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "CREATE FUNCTION complain() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF NEW.tier = 'trigger' THEN RAISE EXCEPTION USING MESSAGE = 'no room for ' || NEW.phone, "
            "DETAIL = NEW.name, HINT = NEW.phone; END IF; RETURN NEW; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER complaining BEFORE INSERT ON patients FOR EACH ROW EXECUTE FUNCTION complain()"
        )
    else:
        connection.exec_driver_sql(
            "CREATE TRIGGER complaining BEFORE INSERT ON patients WHEN NEW.tier = 'trigger' "
            f"BEGIN SELECT RAISE(ABORT, 'no room for {CANARY}'); END"
        )


class Ears:
    """Everything that is said while a statement fails."""

    def __init__(self) -> None:
        self.records: list[logging.LogRecord] = []
        self.warned: list[Any] = []


@pytest.fixture
def ears() -> Iterator[Ears]:
    """Listens to every logger at DEBUG, and to warnings."""
    heard = Ears()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.records.append(record)

    handler, root = Handler(), logging.getLogger()
    names = (
        "",
        "sqlalchemy",
        "sqlalchemy.engine",
        "sqlalchemy.pool",
        "sqlalchemy.orm",
        "asyncio",
        "aiosqlite",
        "psycopg",
    )
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as heard.warned:
            warnings.simplefilter("always")
            yield heard
    finally:
        root.removeHandler(handler)
        logging.getLogger("sqlalchemy.engine.Engine").handlers.clear()  # echo's own, on this test's stdout
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def chain(error: BaseException) -> list[BaseException]:
    """The error and all it was raised from, or while."""
    found: list[BaseException] = []
    todo: list[Any] = [error]
    while todo:
        one = todo.pop()
        if isinstance(one, BaseException) and not any(one is seen for seen in found):
            found.append(one)
            todo += [one.__cause__, one.__context__, getattr(one, "orig", None), *one.args]
            todo += list(vars(one).values())
            todo += list(getattr(one, "exceptions", ()))
    return found


def said_by(error: BaseException) -> str:
    """All that can be read from an error."""
    parts: list[object] = list(traceback.format_exception(error))
    for one in chain(error):
        parts += [str(one), repr(one), one.args, vars(one), getattr(one, "__notes__", ())]
        for name in dir(one):
            if not name.startswith("__") or name == "__notes__":
                value = getattr(one, name, None)
                parts.append(value)
                if name == "diag" and value is not None:
                    parts += [getattr(value, field) for field in dir(value) if not field.startswith("_")]
    return "\n".join(part if isinstance(part, str) else repr(part) for part in parts)


def said_by_record(record: logging.LogRecord) -> str:
    said = [record.getMessage(), repr(record.args)]
    if record.exc_info and record.exc_info[1] is not None:
        said.append(said_by(record.exc_info[1]))
    return "\n".join(said)


def leaks(said: str) -> list[str]:
    return [line for line in said.splitlines() if any(word in line for word in WORDS)]


def log_bytes(log: AccessLog) -> str:
    return "\n".join(path.read_text() for path in Path(log.path).iterdir())


@pytest.fixture
def clinic(log: AccessLog) -> Iterator[Privacy]:
    made = Privacy(POLICY, keys=Keyring.generate(), log=log, metadata=Base)
    for trigger in ("complaining", "public.complain"):  # it keeps nothing, and says what it may not
        made.declare(function=trigger, touches=[])
    yield made
    made.close()


def fail(connection: Connection, failure: Callable[[Connection], object]) -> BaseException:
    try:
        failure(connection)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must hold no value
        return error
    raise AssertionError("nothing failed")


def check(error: BaseException, ears: Ears, log: AccessLog, said: str) -> None:
    assert leaks(said_by(error)) == []
    for record in ears.records:
        assert leaks(said_by_record(record)) == []
    assert [one for one in ears.warned if leaks(said_by(one.message))] == []
    assert leaks(log_bytes(log)) == []
    assert leaks(said) == []


def failures_on(backend: str) -> dict[str, Callable[[Connection], object]]:
    return FAILURES | (ON_POSTGRESQL if backend == "postgresql" else ON_SQLITE)


def test_the_failures_would_quote_the_value_on_an_engine_without_privacy(
    engine: Engine, backend: str, log: AccessLog
) -> None:
    """Otherwise the tests below would show nothing."""
    with engine.begin() as connection:
        _prepare(connection)
    quoting = set()
    for name, failure in failures_on(backend).items():
        with engine.connect() as connection:
            if leaks(said_by(fail(connection, failure))):
                quoting.add(name)
    assert set(failures_on(backend)) - quoting <= QUIET_ANYWAY


@pytest.mark.parametrize("echo", [False, True, "debug"])
def test_no_failure_of_a_sync_engine_quotes_a_value(
    make_engine: Callable[..., Engine],
    backend: str,
    clinic: Privacy,
    log: AccessLog,
    ears: Ears,
    capfd: pytest.CaptureFixture[str],
    *,
    echo: Any,
) -> None:
    engine = make_engine(echo=echo, hide_parameters=False)
    with make_engine().begin() as connection:
        _prepare(connection)
    ears.records.clear()
    capfd.readouterr()
    clinic.install(engine)
    found = {}
    for name, failure in failures_on(backend).items():
        with clinic.access("everything", role="clerk"), engine.connect() as connection:
            connection.execute(select(Patient.name, Patient.phone)).all()
            error = fail(connection, failure)
        said = "".join(capfd.readouterr())
        try:
            check(error, ears, log, said)
        except AssertionError as failed:
            found[name] = str(failed)[:1500]
        ears.records.clear()
    assert found == {}


async def test_no_failure_of_an_async_engine_quotes_a_value(
    make_async_engine: Callable[..., AsyncEngine],
    engine: Engine,
    backend: str,
    clinic: Privacy,
    log: AccessLog,
    ears: Ears,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async_engine = make_async_engine(echo="debug", hide_parameters=False)
    with engine.begin() as connection:
        _prepare(connection)
    ears.records.clear()
    capfd.readouterr()
    clinic.install(async_engine)
    found = {}
    for name, failure in failures_on(backend).items():
        with clinic.access("everything", role="clerk"):
            async with async_engine.connect() as opened:
                error = await opened.run_sync(fail, failure)
        # aiosqlite itself logs every call at DEBUG, values and all; there is one logger for all engines of a process.
        ears.records = [record for record in ears.records if record.name != "aiosqlite"]
        said = "".join(capfd.readouterr())
        try:
            check(error, ears, log, said)
        except AssertionError as failed:
            found[name] = str(failed)[:1500]
        ears.records.clear()
    assert found == {}


def violate(engine: Engine, privacy: Privacy) -> exc.IntegrityError:
    with privacy.access("everything", role="clerk"), engine.connect() as connection:
        error = fail(connection, FAILURES["unique violation"])
    assert isinstance(error, exc.IntegrityError)
    return error


def test_a_scrubbed_error_tells_what_was_violated(engine: Engine, backend: str, clinic: Privacy) -> None:
    with engine.begin() as connection:
        _prepare(connection)
    clinic.install(engine)
    error = violate(engine, clinic)
    orig: Any = error.orig
    assert isinstance(orig, engine.dialect.loaded_dbapi.IntegrityError)
    assert error.__cause__ is orig
    assert error.params is None
    assert error.statement is not None
    assert "INSERT INTO patients" in error.statement
    if backend == "postgresql":
        assert orig.sqlstate == orig.diag.sqlstate == "23505"
        assert orig.diag.constraint_name == "patients_name_key"
        assert (orig.diag.table_name, orig.diag.schema_name) == ("patients", "public")
        assert (orig.diag.message_primary, orig.diag.message_detail, orig.pgresult) == (None, None, None)
        assert "patients_name_key" in str(error)
    else:
        assert "UNIQUE constraint failed: patients.name" in str(error)
        assert orig.sqlite_errorname == "SQLITE_CONSTRAINT_UNIQUE"


async def test_a_scrubbed_error_of_an_async_engine_tells_what_was_violated(
    async_engine: AsyncEngine, engine: Engine, clinic: Privacy
) -> None:
    with engine.begin() as connection:
        _prepare(connection)
    clinic.install(async_engine)
    with clinic.access("everything", role="clerk"), pytest.raises(exc.IntegrityError) as caught:
        async with async_engine.connect() as opened:
            await opened.run_sync(FAILURES["unique violation"])
    orig: Any = caught.value.orig
    if async_engine.dialect.name == "postgresql":
        assert orig.sqlstate == "23505"
        assert "patients_name_key" in str(caught.value)
    if async_engine.dialect.driver == "asyncpg":
        assert orig.__cause__.constraint_name == "patients_name_key"
        assert orig.__cause__.detail is None
    assert isinstance(orig, async_engine.dialect.loaded_dbapi.IntegrityError)


def test_a_scrubbed_error_can_be_pickled(engine: Engine, backend: str, clinic: Privacy) -> None:
    with engine.begin() as connection:
        _prepare(connection)
    clinic.install(engine)
    error = violate(engine, clinic)
    again: Any = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert leaks(said_by(again)) == []
    if backend == "postgresql":
        said: Any = again.orig
        assert said.diag.constraint_name == "patients_name_key"


def test_errors_of_a_second_engine_without_privacy_stay_as_they_are(
    engine: Engine, make_engine: Callable[..., Engine], backend: str, clinic: Privacy
) -> None:
    plain = make_engine()
    with plain.begin() as connection:
        _prepare(connection)
    clinic.install(engine)
    violate(engine, clinic)
    with plain.connect() as connection:
        error: Any = fail(connection, FAILURES["unique violation"])
    assert CANARY in str(error.params)
    assert CANARY in str(error)
    if backend == "postgresql":
        assert CANARY in error.orig.diag.message_detail


def test_errors_are_as_they_were_after_uninstall(engine: Engine, clinic: Privacy) -> None:
    with engine.begin() as connection:
        _prepare(connection)
    clinic.install(engine)
    violate(engine, clinic)
    clinic.uninstall(engine)
    with engine.connect() as connection:
        error: Any = fail(connection, FAILURES["unique violation"])
    assert CANARY in str(error.params)


def test_a_listener_of_handle_error_sees_no_value_where_it_comes_after(engine: Engine, clinic: Privacy) -> None:
    with engine.begin() as connection:
        _prepare(connection)
    clinic.install(engine)
    seen: list[str] = []

    @event.listens_for(engine, "handle_error")
    def note(context: Any) -> None:
        seen.extend([said_by(context.original_exception), said_by(context.sqlalchemy_exception)])

    violate(engine, clinic)
    assert len(seen) == 2
    assert leaks("\n".join(seen)) == []


@pytest.mark.backends("postgresql")
def test_a_statement_that_was_timed_out_or_could_not_be_serialised_says_so_and_nothing_else(
    make_engine: Callable[..., Engine], clinic: Privacy, log: AccessLog, ears: Ears
) -> None:
    plain = make_engine()
    with plain.begin() as connection:
        _prepare(connection)
    ears.records.clear()
    impatient = make_engine(connect_args={"options": "-c statement_timeout=200"}, isolation_level="REPEATABLE READ")
    clinic.install(impatient)
    change = update(patients).values(phone=CANARY + "2").where(patients.c.phone == CANARY)
    with clinic.access("everything", role="clerk"), impatient.connect() as connection:
        connection.execute(select(Patient.name)).all()
        with plain.connect() as other:
            other.execute(text("UPDATE patients SET tier = 'x'"))
            late: Any = fail(connection, lambda c: c.execute(change))
            assert late.orig.sqlstate == "57014"
            connection.rollback()
            connection.execute(select(Patient.name)).all()
            other.commit()
        crossed: Any = fail(connection, lambda c: c.execute(change))
    assert crossed.orig.sqlstate == "40001"
    assert isinstance(crossed, exc.OperationalError)
    for error in (late, crossed):
        check(error, ears, log, "")


@pytest.mark.backends("postgresql")
def test_a_deadlock_says_so_and_nothing_else(
    make_engine: Callable[..., Engine], clinic: Privacy, log: AccessLog, ears: Ears
) -> None:
    plain = make_engine()
    with plain.begin() as connection:
        _prepare(connection)
    ears.records.clear()
    engine = make_engine(connect_args={"options": "-c deadlock_timeout=50"})
    clinic.install(engine)
    raised: list[Any] = []
    meet = threading.Barrier(2, timeout=20)

    def work(first: int, second: int) -> None:
        with clinic.access("everything", role="clerk"), engine.connect() as connection:
            connection.execute(update(Patient).values(phone=CANARY).where(Patient.id == first))
            meet.wait()
            try:
                connection.execute(update(Patient).values(phone=CANARY).where(Patient.id == second))
            except exc.OperationalError as error:
                raised.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert [error.orig.sqlstate for error in raised] == ["40P01"]
    check(raised[0], ears, log, "")


@pytest.mark.backends("postgresql")
def test_a_lost_connection_is_still_recognised(
    make_engine: Callable[..., Engine], clinic: Privacy, log: AccessLog, ears: Ears
) -> None:
    plain = make_engine()
    with plain.begin() as connection:
        _prepare(connection)
    ears.records.clear()
    engine = make_engine()
    clinic.install(engine)
    with clinic.access("everything", role="clerk"):
        with engine.connect() as connection:
            pid = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
            with plain.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            error: Any = fail(connection, lambda c: c.execute(select(Patient.name).where(Patient.phone == CANARY)))
            assert error.connection_invalidated
            assert connection.invalidated
        check(error, ears, log, "")
        with engine.connect() as connection:
            assert CANARY in connection.scalars(select(Patient.name)).all()


def test_rows_are_kept_out_of_echo_debug_on_every_way_to_fetch(
    make_engine: Callable[..., Engine], clinic: Privacy, ears: Ears, capfd: pytest.CaptureFixture[str]
) -> None:
    with make_engine().begin() as connection:
        _prepare(connection)
    engine = make_engine(echo="debug")
    clinic.install(engine)
    ears.records.clear()
    capfd.readouterr()
    with clinic.access("everything", role="clerk"), Session(engine) as session:
        assert session.scalars(select(Patient)).first() is not None
        assert session.execute(select(Patient.name).execution_options(yield_per=1)).fetchmany(2)
        assert session.execute(text("SELECT name FROM patients")).all()
        assert session.execute(select(Patient.phone).execution_options(stream_results=True)).fetchone()
        session.rollback()
        with engine.connect().execution_options(logging_token="t") as connection:
            connection.execute(select(Patient.phone)).all()
    said = "".join(capfd.readouterr())
    assert "Row (hidden" in said
    assert "[t]" in said
    assert leaks(said) == []
    assert [one for one in ears.records if leaks(said_by_record(one))] == []


def test_a_refusal_holds_no_value_either(engine: Engine, clinic: Privacy, log: AccessLog, ears: Ears) -> None:
    with engine.begin() as connection:
        _prepare(connection)
    ears.records.clear()
    clinic.install(engine)
    with engine.connect() as connection:
        for failure in (
            _insert(name=CANARY),
            _sql(f"SELECT '{CANARY}', phone FROM patients"),
            _select(Patient.id.op("~>")(literal(CANARY))),
            _sql(f"SELECT unheard_of('{CANARY}')"),
            _sql(f"SELECT 1 WHERE '{CANARY}' = '{CANARY}"),
            _sql(f"SELECT phone FROM patients WHERE {NUMBER} = 1 -- {CANARY}"),
        ):
            error = fail(connection, failure)
            connection.rollback()
            assert isinstance(error, PrivacyError)
            check(error, ears, log, "")


def test_names_that_the_database_does_not_know_are_still_told(engine: Engine, backend: str, clinic: Privacy) -> None:
    with engine.begin() as connection:
        _prepare(connection)
    clinic.install(engine)
    with engine.connect() as connection:
        error = fail(connection, lambda c: c.execute(text("CREATE TABLE patients (id INTEGER)")))
        connection.rollback()
        assert "already exists" in str(error)
        with clinic.access("everything", role="clerk"):
            error = fail(connection, lambda c: c.execute(text("SELECT name, colour FROM patients")))
        assert 'column "colour" does not exist' in str(error) or "no such column: colour" in str(error)


def test_an_own_table_of_the_library_that_is_missing_is_told_with_the_way_out(engine: Engine, clinic: Privacy) -> None:
    clinic.install(engine)
    asked = select(clinic.metadata.tables["sa_privacy_requests"].c.kind)
    with (
        clinic.access(maintenance=True, role="engineer", actor="setup", reason="a look"),
        engine.connect() as connection,
        pytest.raises(LedgerUnavailable, match="sa_privacy_requests") as caught,
    ):
        connection.execute(asked)
    assert "sa-privacy tables upgrade, or privacy.metadata.create_all(engine)" in str(caught.value)


def test_what_is_no_valid_unicode_is_written_down_and_not_lost(engine: Engine, clinic: Privacy, log: AccessLog) -> None:
    clinic.install(engine)
    Base.metadata.create_all(engine)
    half = "half \ud83d a pair"
    with clinic.access("everything", role="clerk", actor=half, reason=half), engine.connect() as connection:
        assert connection.execute(select(Patient.name)).all() == []
    with pytest.raises(PrivacyError), clinic.access(half, role=half, actor=17):  # type: ignore[arg-type]
        raise AssertionError("entered")
    said = [(event.actor, event.reason) for event in log.events() if event.kind == "intent"]
    assert said[0] == ("half \\ud83d a pair", "half \\ud83d a pair")
    assert said[-1][0] == "17"
