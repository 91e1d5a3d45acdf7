"""The table: made as often as one likes, changed by nobody unnoticed, divided by month."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from sa_privacy.accesslog import Wanted, members
from sa_privacy.accesslog.sinks import EventTable, Shipper, TableLog, TableSource
from sa_privacy.accesslog.sinks.entry import row_of, subject_key
from sa_privacy.accesslog.sinks.put import put
from sa_privacy.errors import LogUnavailable
from tests.accesslog.sinks.journals import count, held, journal, lines_of


@pytest.fixture
def table(engine: Engine) -> EventTable:
    made = EventTable(engine)
    made.create()
    return made


def test_it_is_made_by_several_at_once_and_again(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    failed: list[BaseException] = []

    def create() -> None:
        try:
            EventTable(make_engine()).create()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failed.append(error)

    threads = [Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert EventTable(engine).exists()
    EventTable(engine).create()


def test_the_ddl_that_is_printed_makes_it(engine: Engine) -> None:
    table = EventTable(engine)
    statements = table.ddl().split(";\n\n")
    with engine.begin() as connection:
        for statement in statements:
            if not statement.lstrip().startswith("--"):
                connection.execution_options(no_parameters=True).exec_driver_sql(statement)
    assert table.exists()
    with TableLog(engine) as log:
        log.append("use", b'"actor":"a"')
    assert table.verify().ok


KEYS = {"sa_privacy_events": "id", "sa_privacy_events_subjects": "event", "sa_privacy_events_writers": "writer"}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("what", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
def test_rows_are_neither_changed_nor_removed(tmp_path: Path, table: EventTable, name: str, what: str) -> None:
    Shipper(journal(tmp_path / "log", events=5, writers=1), table).run_once()
    before = count(table.engine, name)
    assert before
    with pytest.raises(DBAPIError, match="append-only"), table.engine.begin() as connection:
        connection.execute(text(what.format(name, KEYS[name])))
    assert count(table.engine, name) == before


@pytest.mark.backends("postgresql")
def test_a_month_is_not_emptied_behind_the_tables_back(tmp_path: Path, table: EventTable) -> None:
    Shipper(journal(tmp_path / "log", events=5, writers=1), table).run_once()
    with table.engine.connect() as connection:
        parts = list(
            connection.scalars(
                text(
                    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhrelid::regclass::text ~ 'events_((subjects|anybody)_)?\\d{4}_\\d{2}$'"
                )
            )
        )
    assert len(parts) == 3
    for part in ["sa_privacy_events", *parts]:
        for what in ("TRUNCATE {}", "DELETE FROM {}"):
            with pytest.raises(DBAPIError, match="append-only"), table.engine.begin() as connection:
                connection.execute(text(what.format(part)))


@pytest.mark.backends("postgresql")
def test_who_was_granted_what_the_advice_says_ships_and_no_more(tmp_path: Path, table: EventTable) -> None:
    grants = [line.removeprefix("--   ") for line in table.ddl().splitlines() if line.startswith("--   GRANT")]
    assert len(grants) == 4
    role = f"shipper_{make_url(table.engine.url).database}"
    with table.engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        for grant in grants[:3]:
            connection.execute(text(grant.replace("TO shipper", f"TO {role}")))
    log = journal(tmp_path / "log", events=20)
    engine = create_engine(table.engine.url.set(username=role))
    try:
        with Shipper(log, engine) as shipper:
            shipper.run_once()
        with TableLog(engine) as direct:
            direct.append("use", b"")
        mine = EventTable(engine)
        assert mine.verify().ok
        assert held(mine)[:-3] == list(lines_of(log))
        for what in (
            "DELETE FROM sa_privacy_events",
            "DROP TABLE sa_privacy_events",
            "DROP TRIGGER append_only ON sa_privacy_events",
            "CREATE TABLE public.x (a int)",
        ):
            with pytest.raises(DBAPIError), engine.begin() as connection:
                connection.execute(text(what))
    finally:
        engine.dispose()
        with table.engine.begin() as connection:
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))


def test_late_and_far_events_find_their_month(table: EventTable, make_engine: Callable[..., Engine]) -> None:
    failed: list[BaseException] = []

    def ship(writer: int) -> None:
        mine = EventTable(make_engine())
        try:
            for month in ("2026-01", "2025-12", "2024-02", "2031-07"):
                at = f"{month}-01T00:00:00.00000{writer}Z"
                line = f'{{"kind":"use","at":"{at}","writer":"{writer:016x}","seq":{month[3]},"subjects":["a:1"],"prev":"p","hash":"h"}}\n'
                row = row_of(line.encode())
                mine.make_months({month})
                with mine.engine.begin() as connection:
                    put(connection, mine.schema, [row], {})
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failed.append(error)

    threads = [Thread(target=ship, args=(writer,)) for writer in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert count(table.engine) == count(table.engine, "sa_privacy_events_subjects") == 16


TAMPERED = {
    "changed": ("UPDATE sa_privacy_events SET line = replace(line, '{}', 'x') WHERE id & 1099511627775 = 3", "changed"),
    "removed": ("DELETE FROM sa_privacy_events WHERE id & 1099511627775 = 3", "missing"),
    "moved": ("UPDATE sa_privacy_events SET id = id + 10000 WHERE id & 1099511627775 = 3", "missing"),
    "emptied": ("DELETE FROM sa_privacy_events", "no line"),
    "hidden from who": (
        "DELETE FROM sa_privacy_events_subjects WHERE event & 1099511627775 = 3",
        "not found by whose data it was",
    ),
    "hidden from everybody": ("DELETE FROM sa_privacy_events_anybody", "not found by whose data it was"),
    "made smaller": ("UPDATE sa_privacy_events_anybody SET rows = -1", "not found by whose data it was"),
    "hidden from by": ("UPDATE sa_privacy_events SET actor = 'other' WHERE id & 1099511627775 = 3", "columns"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_what_somebody_changed_all_the_same_is_named(tmp_path: Path, table: EventTable, case: str) -> None:
    log = journal(tmp_path / "log", events=10, writers=1)
    Shipper(log, table).run_once()
    line = list(lines_of(log))[3].decode()
    what, said = TAMPERED[case]
    with table.engine.begin() as connection:
        for name in ("sa_privacy_events", "sa_privacy_events_subjects", "sa_privacy_events_anybody"):
            if table.engine.dialect.name == "sqlite":
                for verb in ("update", "delete"):
                    connection.execute(text(f"DROP TRIGGER {name}_no_{verb}"))
            else:
                connection.execute(text(f"DROP TRIGGER append_only ON {name}"))
        assert '"kind":"intent"' in line or '"kind":"outcome"' in line
        connection.execute(text(what.replace("{}", line[40:50])))
    found = table.verify()
    assert [problem.what for problem in found.problems if said in problem.what], found
    assert not found.ok


def test_an_engine_that_shares_its_connection_is_refused() -> None:
    with pytest.raises(LogUnavailable, match="share one connection"):
        EventTable("sqlite://")


@pytest.mark.parametrize("place", ["nonsense", "nosuch://x/y"])
def test_what_is_no_database_is_said(place: str) -> None:
    with pytest.raises(LogUnavailable, match="no database URL"):
        EventTable(place)


def test_a_database_that_is_away_is_said_without_its_password(tmp_path: Path) -> None:
    for url in (f"postgresql://me:secret@/x?host={tmp_path}", f"sqlite:///{tmp_path}/none/x.db"):
        with pytest.raises(LogUnavailable) as caught:
            EventTable(url).create()
        assert "secret" not in str(caught.value)


def test_a_sqlite_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    with EventTable(f"sqlite+aiosqlite:///{tmp_path}/log.db") as table:
        table.create()
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_people_whose_keys_meet_are_told_apart_by_the_lines(table: EventTable) -> None:
    one, other = "customer:plumless", "customer:buckeroo"
    with TableLog(table.engine) as log:
        log.append("use", members(subjects=[one]))
        log.append("use", members(subjects=[other]))
    assert subject_key("plumless") == subject_key("buckeroo")  # a known pair; CRC-32 keeps it behind one beginning
    assert subject_key(one) == subject_key(other)
    for who in (one, other):
        assert [event.subjects for event in TableSource(table).find(Wanted(subject=who))] == [[who]]


def test_ids_keep_writers_and_intents_apart(table: EventTable) -> None:
    with TableLog(table.engine) as first, TableLog(table.engine) as second:
        wanted = set()
        for log in (first, second, first, second):
            intent = log.append("intent", b"")
            log.append("outcome", members(intent=intent))
            wanted.add((log.writer or "", intent))
        mine = {found for found in wanted if found[0] == second.writer}
        found = list(TableSource(table).find(Wanted(intents=frozenset(mine))))
    assert {(event.writer, event.intent) for event in found} == mine
    assert len(found) == 2
    assert list(table.writers().values()) == [1, 2]


@pytest.mark.parametrize("number", ["-1", str(1 << 40)])
def test_a_number_that_no_id_can_hold_is_no_event(number: str) -> None:
    for field in ("seq", "intent"):
        said = {"seq": "1", "intent": "0", field: number}
        line = f'{{"kind":"use","at":"2026-01-01T00:00:00.000000Z","writer":"{1:016x}","seq":{said["seq"]},'
        line += f'"intent":{said["intent"]},"prev":"p","hash":"h"}}\n'
        with pytest.raises(ValueError, match="not an event"):
            row_of(line.encode())
