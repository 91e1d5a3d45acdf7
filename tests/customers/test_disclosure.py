"""Data is given to a recipient on the policy's terms, with its record, once that is committed; or not at all."""

from __future__ import annotations

import json
import pickle
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text, true
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from sa_privacy import (
    AccessLog,
    ClockWentBack,
    DisclosureRefused,
    LogUnavailable,
    NoAccess,
    PolicyError,
    Privacy,
    UnknownPerson,
)
from sa_privacy.accesslog.questions import Journal, who
from sa_privacy.cli.app import app
from sa_privacy.customers.provision_tables import PROVIDED, PROVISIONS
from tests.customers import giving
from tests.customers.giving import ANN, BO, CY, customers
from tests.support.databases import Database

TOMORROW = datetime.now(UTC) + timedelta(days=1)
EVERYBODY = customers(ANN, BO, CY)
PAPERS = {"document_number": "R8-1123", "issuing_body": "Central police station"}


class Agreed:
    """A store of consent in memory."""

    def __init__(self, *keys: object) -> None:
        self.keys = set(keys)
        self.asked: list[tuple[str, str]] = []

    def condition(self, purpose: str, kind: str, key: Any) -> Any:
        return key.in_(self.keys)

    def agreed(self, connection: Any, recipient: str, kind: str, keys: Collection[object]) -> frozenset[object]:
        self.asked.append((recipient, kind))
        return frozenset(self.keys & set(keys))


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def agreed() -> Agreed:
    return Agreed(ANN, CY)


@pytest.fixture
def shop(database: Database, log: AccessLog, agreed: Agreed) -> Iterator[tuple[Privacy, Engine]]:
    with giving.shop(database, log=log, consents=agreed) as made:
        yield made


@pytest.fixture
def privacy(shop: tuple[Privacy, Engine]) -> Privacy:
    return shop[0]


@pytest.fixture
def session(shop: tuple[Privacy, Engine]) -> Iterator[Session]:
    with Session(shop[1]) as opened:
        yield opened


def as_warehouse(privacy: Privacy) -> Any:
    return privacy.access("shipping", actor="staff:1", role="warehouse")


def as_officer(privacy: Privacy) -> Any:
    return privacy.access("everything", actor="staff:1", role="officer")


def records(privacy: Privacy, engine: Engine) -> tuple[list[Any], list[Any]]:
    """What stands in the tables, seen from another connection."""
    with (
        privacy.access(maintenance=True, actor="tests", role="engineer", reason="looking"),
        engine.connect() as connection,
    ):
        heads = connection.execute(select(PROVISIONS).order_by(PROVISIONS.c.at)).all()
        people = connection.execute(select(PROVIDED).order_by(PROVIDED.c.provision, PROVIDED.c.number)).all()
    return list(heads), list(people)


# -- what is given ------------------------------------------------------------------------------------------------


def test_a_delivery_company_is_given_names_and_addresses_in_a_table(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(
            session, to="delivery", subjects=customers(BO, ANN), categories=["name", "phone"], format="csv"
        )
        session.commit()
    assert given.data.decode() == "number,name,phone\r\n1,'=1+1,\r\n2,Ann Arbor,'+81-90-1\r\n"
    assert (given.given, given.left_out, given.format) == (2, {}, "csv")
    [head], people = records(*shop)
    assert given.records == (head.id,)
    assert (head.kind, head.recipient, head.contract, head.people) == ("processor", "delivery", "C-17", 2)
    assert (head.address, head.representative, head.purposes) == ("1 Depot Road", "P. Fast", "shipping")
    assert (head.actor, head.ground, head.policy) == ("staff:1", None, giving.POLICY.hash)
    assert [(p.number, p.subject_kind, p.subject_key, p.categories) for p in people] == [
        (1, "customer", str(BO), "name"),  # nothing is known of his telephone
        (2, "customer", str(ANN), "name phone"),
    ]


def test_data_of_all_tables_is_given_as_json_and_told_apart_by_number(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        given = privacy.disclose(
            session,
            to="police",
            subjects=customers(CY, ANN),
            categories=["name", "birthday", "amount", "order_items"],
            ground="inquiry",
            evidence=PAPERS,
        )
        session.commit()
    said = json.loads(given.data)
    assert said["format"] == "sa-privacy-disclosure/1"
    assert said["id"] == given.records[0]
    assert said["from"] == {"en": "The Shop", "ja": "店"}
    assert said["to"]["name"] == "police"
    assert said["ground"] == {
        "title": {"en": "Asked for by a public agency", "ja": "公的機関"},
        "clause": "4-1",
        "article": "27-1-4",
    }
    assert said["categories"]["name"] == {"title": {"en": "Name", "ja": "氏名"}, "dpv": "pd:Name"}
    assert {"table": "items", "column": "product", "category": "order_items"} in said["columns"]
    assert said["people"] == [
        {"number": 1, "kind": "customer", "data": {"customers": [{"name": "Cy Twombly"}]}},
        {
            "number": 2,
            "kind": "customer",
            "data": {
                "customers": [{"name": "Ann Arbor"}],
                "members": [{"birthday": "1990-01-02"}],
                "items": [{"product": "Umbrella"}, {"product": "Kettle"}, {"product": "Lamp"}],
                "orders": [{"amount": "10.50"}, {"amount": "20"}],
            },
        },
    ]


def test_the_same_as_csv_has_a_line_for_each_value(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        given = privacy.disclose(
            session,
            to="police",
            subjects=[("customer", BO), ("employee", "E-1")],
            categories=["name", "amount"],
            ground="inquiry",
            evidence=PAPERS,
            format="csv",
        )
        session.commit()
    assert given.data.decode().splitlines() == [
        "number,kind,table,row,column,category,value",
        "1,customer,customers,1,name,name,'=1+1",
        "1,customer,orders,1,amount,amount,-5",  # a number is no formula
        "2,employee,employees,1,name,name,Em Ployee",
    ]


def test_a_column_that_is_narrowed_to_other_purposes_stays_from_a_processor(privacy: Privacy, session: Session) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=customers(ANN), categories="phone")
        session.commit()
    assert b"+81-90-1" in given.data
    assert b"+81-90-9" not in given.data
    assert b"secret" not in given.data


def test_no_key_of_the_application_is_given(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        given = privacy.disclose(
            session, to="police", subjects=[("employee", "E-1")], categories="name", ground="inquiry", evidence=PAPERS
        )
        session.commit()
    assert b"E-1" not in given.data


def test_people_of_whom_nothing_is_held_are_left_out_and_counted(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=EVERYBODY, categories=["phone"])
        session.commit()
    assert (given.given, given.left_out) == (1, {"nothing_held": 2})
    assert [person.subject_key for person in records(*shop)[1]] == [str(ANN)]


def test_where_nothing_is_given_nothing_is_recorded(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=customers(BO, CY), categories=["phone"], format="csv")
    assert (given.given, given.records, given.left_out) == (0, (), {"nothing_held": 2})
    assert given.data == b"number\r\n"
    assert records(*shop) == ([], [])


def test_somebody_who_is_named_twice_is_given_once(privacy: Privacy, session: Session) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(
            session, to="delivery", subjects=[*customers(ANN), ("customer", "1")], categories="name"
        )
    assert given.given == 1


# -- consent ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", ["advertiser", "cloud"])
def test_third_parties_are_given_only_those_who_agreed(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine], agreed: Agreed, to: str
) -> None:
    with as_officer(privacy):
        given = privacy.disclose(session, to=to, subjects=EVERYBODY, categories=["name", "email"])
        session.commit()
    assert (given.given, given.left_out) == (2, {"no_consent": 1})
    assert b"bo@example.org" not in given.data
    assert b"=1+1" not in given.data
    assert agreed.asked == [(to, "customer")]
    assert [person.number for person in records(*shop)[1]] == [1, 3]  # their places in what was asked for


def test_the_data_of_those_who_did_not_agree_is_not_even_read(
    privacy: Privacy, session: Session, log: AccessLog
) -> None:
    with as_officer(privacy):
        privacy.disclose(session, to="advertiser", subjects=EVERYBODY, categories=["name"])
    bo = giving.KEYS.pseudonym_key().of("customer", BO)
    reading = [one for one in log.events() if "customers.name" in one.reads]
    assert reading
    assert not any(bo in (one.subjects or ()) for one in reading)


def test_where_nobody_agreed_nothing_is_given(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine], agreed: Agreed
) -> None:
    agreed.keys.clear()
    with as_officer(privacy):
        given = privacy.disclose(session, to="advertiser", subjects=EVERYBODY, categories=["name"])
    assert (given.given, given.left_out, json.loads(given.data)["people"]) == (0, {"no_consent": 3}, [])
    assert records(*shop) == ([], [])


def test_a_processor_and_an_authority_need_no_consent(privacy: Privacy, session: Session, agreed: Agreed) -> None:
    agreed.keys.clear()
    with as_warehouse(privacy):
        assert privacy.disclose(session, to="delivery", subjects=EVERYBODY, categories="name").given == 3
    with as_officer(privacy):
        given = privacy.disclose(
            session, to="court", subjects=EVERYBODY, categories="name", ground="inquiry", evidence=PAPERS
        )
    assert given.given == 3
    assert agreed.asked == []


def test_a_third_party_is_given_without_consent_on_a_ground_that_holds_for_it(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine], agreed: Agreed
) -> None:
    agreed.keys.clear()
    evidence = {"why_no_consent": "unconscious", "approver": "staff:2", "until": TOMORROW}
    with as_officer(privacy):
        given = privacy.disclose(
            session, to="advertiser", subjects=customers(BO), categories="name", ground="danger", evidence=evidence
        )
        session.commit()
    assert given.given == 1
    [head], _ = records(*shop)
    assert (head.ground, head.clause, head.article) == ("danger", "4-3", "27-1-2")
    assert json.loads(head.evidence)["why_no_consent"] == "unconscious"


def test_our_own_rights_are_no_ground_by_themselves(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    evidence = {"why_no_consent": "they do not answer", "approver": "staff:2", "until": TOMORROW}
    asked: dict[str, Any] = {"to": "police", "subjects": customers(ANN), "categories": "name", "ground": "rights"}
    with as_officer(privacy):
        with pytest.raises(DisclosureRefused, match="article is missing"):
            privacy.disclose(session, **asked, evidence=evidence)
        privacy.disclose(session, **asked, evidence={**evidence, "article": "27-1-4"})
        session.commit()
    [head], _ = records(*shop)
    assert (head.clause, head.article) == ("4-4", "27-1-4")


# -- what is refused ----------------------------------------------------------------------------------------------

WAREHOUSE = {"purpose": "shipping", "role": "warehouse", "actor": "staff:1"}
OFFICER = {"purpose": "everything", "role": "officer", "actor": "staff:1"}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    # who acts, what is asked besides customers(ANN) and "name", what is said, what is advised
    "nobody acts": ({**WAREHOUSE, "actor": None}, {"to": "delivery"}, "nobody is said to act", "actor="),
    "another role": (
        {"purpose": "everything", "role": "clerk", "actor": "staff:1"},
        {"to": "police", "ground": "inquiry", "evidence": PAPERS},
        'role clerk may not give data to "police"',
        "officer may",
    ),
    "a role that gives to others": (WAREHOUSE, {"to": "advertiser"}, "role warehouse may not give", "officer may"),
    "an unknown recipient": (WAREHOUSE, {"to": "delivary"}, "no such recipient", 'did you mean "delivery"'),
    "no recipient": (WAREHOUSE, {"to": None}, "no such recipient", "it knows"),
    "the person": (OFFICER, {"to": "the person"}, "on a request of theirs", "privacy.requests"),
    "an unknown category": (
        WAREHOUSE,
        {"to": "delivery", "categories": ["name", "adress"]},
        "no such category",
        'did you mean "address"',
    ),
    "no category": (WAREHOUSE, {"to": "delivery", "categories": []}, "no categories", "categories="),
    "a category too many": (
        WAREHOUSE,
        {"to": "delivery", "categories": ["name", "birthday"]},
        "may not be given birthday",
        "address, email, name, phone",
    ),
    "a category that the purpose does not cover": (
        WAREHOUSE,
        {"to": "delivery", "categories": ["name", "email"]},
        "does not cover email",
        "address, name, phone",
    ),
    "a processor that works for something else": (
        WAREHOUSE,
        {"to": "printer"},
        "does not work for what is declared: shipping",
        "it works for: campaigns",
    ),
    "a processor, and a purpose besides": (
        {**WAREHOUSE, "purpose": ["shipping", "everything"], "role": ["warehouse", "clerk"]},
        {"to": "delivery"},
        "does not work for what is declared: everything",
        "it works for: shipping",
    ),
    "a processor, for no purpose": (
        {**WAREHOUSE, "purpose": []},
        {"to": "delivery"},
        "does not work for what is declared: no purpose",
        "it works for: shipping",
    ),
    "a processor nobody looked at": (
        WAREHOUSE,
        {"to": "old_delivery"},
        "was to be looked at again by 2020-01-01",
        "set review_by",
    ),
    "a processor on a ground": (
        WAREHOUSE,
        {"to": "delivery", "ground": "danger", "evidence": {}},
        "does not hold for",
        "it holds for",
    ),
    "an authority without a ground": (
        OFFICER,
        {"to": "police"},
        "on a ground",
        "grounds for authorities: danger, inquiry",
    ),
    "an unknown ground": (OFFICER, {"to": "police", "ground": "enquiry"}, "no such ground", 'did you mean "inquiry"'),
    "a ground for others": (
        OFFICER,
        {"to": "advertiser", "ground": "inquiry", "evidence": PAPERS},
        "does not hold for",
        "it holds for: authority",
    ),
    "evidence for nothing": (OFFICER, {"to": "advertiser", "evidence": PAPERS}, "no ground", "ground="),
    "a ground without evidence": (
        OFFICER,
        {"to": "police", "ground": "inquiry"},
        "document_number is missing; issuing_body is missing",
        "document_number, issuing_body",
    ),
    "a format nobody writes": (WAREHOUSE, {"to": "delivery", "format": "xls"}, "no such format", "json, csv"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_policy_does_not_say_is_refused_and_logged(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine], log: AccessLog, case: str
) -> None:
    who, asked, why, hint = REFUSED[case]
    with privacy.access(**who), pytest.raises(DisclosureRefused) as refused:
        privacy.disclose(session, **{"subjects": customers(ANN), "categories": "name", **asked})
    assert why in refused.value.message
    assert hint in (refused.value.hint or "")
    [written] = [one for one in log.events() if one.decision == "denied"]
    assert written.denials == ["disclose SP-602"]
    assert written.actor == who["actor"]
    known = asked["to"] if asked["to"] in giving.POLICY.recipients else None
    assert written.recipient == known
    assert not [one for one in log.events() if one.kind == "outcome"]  # nothing was read
    session.rollback()
    assert records(*shop) == ([], [])


@pytest.mark.parametrize("to", ["ann@example.org", "delivary ann@example.org"])
def test_what_was_said_wrongly_is_not_repeated(privacy: Privacy, session: Session, log: AccessLog, to: str) -> None:
    with as_warehouse(privacy), pytest.raises(DisclosureRefused) as refused:
        privacy.disclose(session, to=to, subjects=customers(ANN), categories="name")
    assert "ann@" not in f"{refused.value}{refused.value!r}"
    assert not any("ann@" in str(one) for one in log.events())


def test_without_an_access_there_is_no_disclosure(privacy: Privacy, session: Session) -> None:
    with pytest.raises(NoAccess):
        privacy.disclose(session, to="delivery", subjects=customers(ANN), categories="name")


def test_somebody_who_is_not_there_ends_it_and_is_not_named(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy), pytest.raises(UnknownPerson) as refused:
        privacy.disclose(session, to="delivery", subjects=customers(ANN, 4711), categories="name")
    assert "4711" not in str(refused.value)
    session.commit()
    assert records(*shop) == ([], [])


@pytest.mark.parametrize("subjects", [[1], 1, [("dog", 1)], None, [("customer", True)]])
def test_people_who_are_not_said_clearly_are_refused(privacy: Privacy, session: Session, subjects: object) -> None:
    with as_warehouse(privacy), pytest.raises((PolicyError, DisclosureRefused)):
        privacy.disclose(session, to="delivery", subjects=subjects, categories="name")


def test_a_connection_cannot_tell_when_it_was_committed(privacy: Privacy, shop: tuple[Privacy, Engine]) -> None:
    with as_warehouse(privacy), shop[1].connect() as connection, pytest.raises(PolicyError, match="committed"):
        privacy.disclose(connection, to="delivery", subjects=customers(ANN), categories="name")  # type: ignore[arg-type]


def test_autocommit_is_no_transaction(privacy: Privacy, shop: tuple[Privacy, Engine]) -> None:
    engine = shop[1].execution_options(isolation_level="AUTOCOMMIT")
    with as_warehouse(privacy), Session(engine) as session, pytest.raises(DisclosureRefused, match="autocommit"):
        privacy.disclose(session, to="delivery", subjects=customers(ANN), categories="name")


@pytest.mark.backends("postgresql")
def test_nor_is_the_autocommit_of_the_driver(privacy: Privacy, database: Database) -> None:
    engine = database.engine(isolation_level="AUTOCOMMIT")
    privacy.install(engine)
    with as_warehouse(privacy), Session(engine) as session, pytest.raises(DisclosureRefused, match="autocommit"):
        privacy.disclose(session, to="delivery", subjects=customers(ANN), categories="name")


def test_nobody_is_given_where_nobody_is_asked_for(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=[], categories="name")
    assert (given.given, given.records, given.left_out) == (0, (), {})
    assert records(*shop) == ([], [])


def test_where_nobody_ever_agreed_third_parties_get_nothing(database: Database, log: AccessLog) -> None:
    with giving.shop(database, log=log) as (privacy, engine), as_officer(privacy), Session(engine) as session:
        given = privacy.disclose(session, to="advertiser", subjects=EVERYBODY, categories="name")
    assert (given.given, given.left_out) == (0, {"no_consent": 3})


# -- never without a record ---------------------------------------------------------------------------------------


def ask(privacy: Privacy, session: Session) -> Any:
    return privacy.disclose(session, to="delivery", subjects=EVERYBODY, categories=["name", "address"])


def test_the_data_cannot_be_had_before_the_record_is_committed(privacy: Privacy, session: Session) -> None:
    with as_warehouse(privacy):
        given = ask(privacy, session)
        with pytest.raises(DisclosureRefused, match="not committed yet") as refused:
            _ = given.data
        assert "session.commit()" in (refused.value.hint or "")
        session.commit()
        assert b"Ann Arbor" in given.data


def test_after_a_rollback_there_is_no_record_and_no_data(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        given = ask(privacy, session)
        session.rollback()
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = given.data
        session.commit()
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = given.data
    assert records(*shop) == ([], [])


def test_a_session_that_is_closed_has_not_committed(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        given = ask(privacy, session)
        session.close()
        with pytest.raises(DisclosureRefused):
            _ = given.data
    assert records(*shop) == ([], [])


def test_a_record_that_cannot_be_written_means_no_data(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with shop[1].begin() as connection:
        connection.execute(text("DROP TABLE sa_privacy_provided"))
    with as_warehouse(privacy):
        with pytest.raises(DBAPIError):
            ask(privacy, session)
        with pytest.raises(DisclosureRefused, match="failed after a part"):
            session.commit()
        session.rollback()


@pytest.mark.parametrize("failing", range(1, 15))
def test_a_log_that_cannot_be_written_means_no_data_and_no_record(
    privacy: Privacy,
    session: Session,
    shop: tuple[Privacy, Engine],
    log: AccessLog,
    failing: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wherever it fails: and what was written of the record by then cannot be committed."""
    written, begun = 0, False
    append = log.append

    def breaks(kind: str, said: bytes, **options: Any) -> int:
        nonlocal written, begun
        written += 1
        begun = begun or b'"writes":["sa_privacy_provided' in said
        if written == failing:
            raise LogUnavailable("no room on the disk.")
        return append(kind, said, **options)

    with as_warehouse(privacy):
        session.execute(select(true()))
        monkeypatch.setattr(privacy._gate.evidence, "write", breaks)
        monkeypatch.setattr(privacy._gate, "write", breaks)
        given = None
        try:
            given = ask(privacy, session)
        except LogUnavailable:
            with pytest.raises(DisclosureRefused, match="failed") if begun else _nothing():
                session.commit()
            session.rollback()
        monkeypatch.undo()
    if given is None:
        assert records(*shop) == ([], [])
    else:
        assert written < failing  # it did not fail: all was written before


class _nothing:  # noqa: N801 - stands for contextlib.nullcontext, whose type is another
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def test_a_savepoint_that_is_rolled_back_takes_the_disclosure_with_it(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        first = ask(privacy, session)
        savepoint = session.begin_nested()
        second = ask(privacy, session)
        savepoint.rollback()
        session.commit()
        assert b"Ann" in first.data
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = second.data
    assert [head.id for head in records(*shop)[0]] == list(first.records)


def test_a_savepoint_that_is_released_is_not_committed_yet(privacy: Privacy, session: Session) -> None:
    with as_warehouse(privacy):
        with session.begin_nested():
            given = ask(privacy, session)
        with pytest.raises(DisclosureRefused, match="not committed yet"):
            _ = given.data
        session.commit()
        assert given.data


def test_an_outer_savepoint_takes_what_an_inner_one_released(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        outer = session.begin_nested()
        with session.begin_nested():
            given = ask(privacy, session)
        outer.rollback()
        session.commit()
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = given.data
    assert records(*shop) == ([], [])


def test_a_commit_that_fails_gives_no_data(privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]) -> None:
    def fails(_: Any) -> None:
        raise RuntimeError("the line is dead")

    with as_warehouse(privacy):
        given = ask(privacy, session)
        event.listen(session.connection(), "commit", fails)
        with pytest.raises(RuntimeError):
            session.commit()
        with pytest.raises(DisclosureRefused):
            _ = given.data
        session.rollback()
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = given.data
    assert records(*shop) == ([], [])


def test_one_session_gives_many_times_and_keeps_nothing_of_it(privacy: Privacy, session: Session) -> None:
    with as_warehouse(privacy):
        for _ in range(3):
            given = ask(privacy, session)
            session.commit()
            assert given.data
    assert session.info["sa_privacy.awaited"].pending == []


def test_nothing_shows_whose_it_is_and_nothing_leaves_by_pickling(privacy: Privacy, session: Session) -> None:
    with as_warehouse(privacy):
        given = ask(privacy, session)
        assert repr(given) == "<Disclosure to='delivery' given=3 left_out=0 pending>"
        with pytest.raises(TypeError):
            pickle.dumps(given)
        session.commit()
        assert "committed" in repr(given)


def test_a_clock_that_was_set_back_gives_nothing(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        ask(privacy, session)
        session.commit()
        privacy._desk.clock = lambda: datetime.now(UTC) - timedelta(hours=1)
        with pytest.raises(ClockWentBack):
            ask(privacy, session)
        session.commit()
    assert len(records(*shop)[0]) == 1


# -- the log ------------------------------------------------------------------------------------------------------


def test_the_log_says_who_was_given_whose_data_and_under_which_record(
    privacy: Privacy, session: Session, log: AccessLog
) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=customers(ANN, BO), categories=["name", "address"])
        session.commit()
    pseudonyms = giving.KEYS.pseudonym_key()
    whose = {pseudonyms.of("customer", ANN), pseudonyms.of("customer", BO)}
    events = [one for one in log.events() if one.kind in {"intent", "outcome"} and one.recipient]
    assert {(one.recipient, one.provision) for one in events} == {("delivery", given.records[0])}
    assert all(set(one.subjects or ()) <= whose and not one.unbounded for one in events)
    read = {name for one in events for name in one.reads}
    assert read == {"customers.name", "customers.address", "parcels.address"}
    assert all(one.actor == "staff:1" and one.purpose == ["shipping"] for one in events)


def test_whoever_asks_who_used_a_person_s_data_is_told_whom_it_was_given_to(
    privacy: Privacy, session: Session, log: AccessLog, tmp_path: Path
) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=customers(ANN), categories="name")
        session.commit()
    ann = giving.KEYS.pseudonym_key().of("customer", ANN)
    reading = [use for use in who(Journal(log.path), ann).uses if "customers.name" in use.reads]
    assert [(use.recipient, use.provision) for use in reading] == [("delivery", given.records[0])]
    told = CliRunner().invoke(app, ["log", "who", ann, "--log", str(tmp_path / "log")], env={"COLUMNS": "240"})
    assert "recipient: delivery" in told.output


def test_an_access_cannot_pretend_to_give_to_somebody(privacy: Privacy, session: Session, log: AccessLog) -> None:
    with privacy.access("everything", actor="staff:1", role="clerk", recipient="delivery", provision="x"):
        session.scalars(select(giving.Customer)).all()
    assert not [one for one in log.events() if one.recipient or one.provision]


# -- many people, an async session --------------------------------------------------------------------------------


def test_many_people_are_given_in_batches_under_one_record(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sa_privacy.customers.owned.AT_ONCE", 2)
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=EVERYBODY, categories=["name", "address"])
        session.commit()
    [head], people = records(*shop)
    assert (given.given, head.people, [person.number for person in people]) == (3, 3, [1, 2, 3])
    assert [one["number"] for one in json.loads(given.data)["people"]] == [1, 2, 3]


async def test_an_async_session_gives_by_run_sync(database: Database, async_driver: str, log: AccessLog) -> None:
    from sqlalchemy.ext.asyncio import AsyncSession

    giving.filled(database)
    privacy = Privacy(giving.POLICY, keys=giving.KEYS, log=log, metadata=giving.Base)
    engine = database.async_engine(async_driver)  # type: ignore[arg-type]
    privacy.install(engine)
    try:
        with as_warehouse(privacy):
            async with AsyncSession(engine) as session:
                given = await session.run_sync(lambda sync: ask(privacy, sync))
                with pytest.raises(DisclosureRefused):
                    _ = given.data
                await session.commit()
                assert b"Ann Arbor" in given.data
    finally:
        privacy.close()
        await database.dispose_async()
