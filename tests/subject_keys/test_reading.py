"""What is sealed under a person's key is read wherever a column is read, and nowhere once the key is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, delete, func, literal_column, select, text, union, union_all, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, aliased, defer, joinedload, selectinload, subqueryload

from sa_privacy import (
    ERASED,
    CellRejected,
    Keyring,
    KeyUnavailable,
    NoAccess,
    Privacy,
    PrivacyError,
    PurposeDenied,
    SealedColumn,
)
from tests.subject_keys.world import Note, Person, Rows, clerk, seal

PEOPLE = [("Anna", "Anna@Example.org"), ("Bob", "bob@example.org"), ("Cara", None)]
Read = Callable[[Session], Any]


def _refreshed(session: Session) -> Person:
    anna = session.get_one(Person, 1)
    session.refresh(anna)
    return anna


WAYS: dict[str, tuple[Read, Any]] = {
    "get": (lambda s: s.get_one(Person, 1).name, "Anna"),
    "entities": (lambda s: [(p.name, p.email) for p in s.scalars(select(Person).order_by(Person.id))], PEOPLE),
    "query": (lambda s: [p.name for p in s.query(Person).order_by(Person.id)], ["Anna", "Bob", "Cara"]),
    "alias": (lambda s: s.scalars(select(aliased(Person, name="p")).limit(1)).one().name, "Anna"),
    "columns": (lambda s: list(map(tuple, s.execute(select(Person.name, Person.email).order_by(Person.id)))), PEOPLE),
    "label": (lambda s: s.scalars(select(Person.name.label("n")).where(Person.id == 2)).one(), "Bob"),
    "twice": (lambda s: tuple(s.execute(select(Person.name, Person.name).where(Person.id == 2)).one()), ("Bob", "Bob")),
    "core": (lambda s: s.scalars(select(Person.__table__.c.born)).first(), date(2000, 1, 31)),
    "core alias": (lambda s: s.scalars(select(Person.__table__.alias("p").c.name).limit(1)).one(), "Anna"),
    "lazy": (lambda s: s.get_one(Note, 1).person.name, "Anna"),
    "lazy many": (lambda s: [n.subject for n in s.get_one(Person, 2).notes], ["second"]),
    "joined": (
        lambda s: [(n.subject, n.person.name) for n in s.scalars(select(Note).options(joinedload(Note.person)))],
        [("first", "Anna"), ("second", "Bob")],
    ),
    "selectin": (
        lambda s: [[n.wrapped for n in p.notes] for p in s.scalars(select(Person).options(selectinload(Person.notes)))],
        [["one"], ["two"], []],
    ),
    "subquery load": (
        lambda s: [[n.kind for n in p.notes] for p in s.scalars(select(Person).options(subqueryload(Person.notes)))],
        [["kind"], ["unkind"], []],
    ),
    "joined to many, limited": (
        lambda s: [
            [n.subject for n in p.notes]
            for p in s.scalars(select(Person).options(joinedload(Person.notes)).order_by(Person.id).limit(2)).unique()
        ],
        [["first"], ["second"]],
    ),
    "deferred": (lambda s: s.scalars(select(Person).options(defer(Person.name)).limit(1)).one().name, "Anna"),
    "refresh": (lambda s: _refreshed(s).name, "Anna"),
    "subquery": (
        lambda s: s.scalars(select(select(Person.name, Person.id).subquery().c.name)).first(),
        "Anna",
    ),
    "scalar subquery": (
        lambda s: s.scalars(
            select(select(Person.name).where(Person.id == Note.person_id).scalar_subquery()).select_from(Note)
        ).first(),
        "Anna",
    ),
    "scalar subquery with values": (
        lambda s: s.execute(
            select(select(Person.name).where(Person.id == 2).scalar_subquery().label("n"), Note.id).where(Note.id == 1)
        ).one()[0],
        "Bob",
    ),
    "entity of a subquery": (
        lambda s: s.scalars(select(aliased(Person, select(Person).where(Person.id == 2).subquery()))).one().name,
        "Bob",
    ),
    "cte": (lambda s: s.scalars(select(select(Person.name, Person.id).cte("c").c.name)).first(), "Anna"),
    "union all": (
        lambda s: sorted(s.scalars(union_all(select(Person.name), select(Person.name).where(Person.id == 1)))),
        ["Anna", "Anna", "Bob", "Cara"],
    ),
    "union all of entities": (
        lambda s: sorted(
            p.name
            for p in s.scalars(
                select(Person).from_statement(
                    union_all(select(Person).where(Person.id == 1), select(Person).where(Person.id == 2))
                )
            )
        ),
        ["Anna", "Bob"],
    ),
    "union all in a subquery": (
        lambda s: sorted(s.scalars(select(union_all(select(Person.name), select(Person.name)).subquery().c.name))),
        ["Anna", "Anna", "Bob", "Bob", "Cara", "Cara"],
    ),
    "outer join": (
        lambda s: [
            tuple(row)
            for row in s.execute(
                select(Person.name, Note.subject)
                .join(Note, Note.person_id == Person.id, isouter=True)
                .order_by(Person.id)
            )
        ],
        [("Anna", "first"), ("Bob", "second"), ("Cara", None)],
    ),
    "beside text": (
        lambda s: tuple(s.execute(select(Person.name, literal_column("1 + 1")).where(Person.id == 1)).one()),
        ("Anna", 2),
    ),
    "filtered by text": (lambda s: s.scalars(select(Person.name).where(text("people.id = 2"))).one(), "Bob"),
    "counted": (lambda s: s.scalar(select(func.count()).select_from(Person)), 3),
    "is null": (lambda s: list(s.scalars(select(Person.name).where(Person.email.is_(None)))), ["Cara"]),
    "streamed": (
        lambda s: [p.name for p in s.scalars(select(Person).order_by(Person.id).execution_options(yield_per=1))],
        ["Anna", "Bob", "Cara"],
    ),
    "returned by an update": (
        lambda s: tuple(
            s.execute(update(Person).values(tier="gold").where(Person.id == 2).returning(Person.name)).one()
        ),
        ("Bob",),
    ),
    "entity returned by an update": (
        lambda s: s.scalars(update(Person).values(tier="gold").where(Person.id == 2).returning(Person)).one().email,
        "bob@example.org",
    ),
    "columns called as the key table's, returned": (
        lambda s: tuple(
            s.execute(
                update(Note).values(person_id=1).where(Note.id == 1).returning(Note.subject, Note.wrapped, Note.kind)
            ).one()
        ),
        ("first", "one", "kind"),
    ),
    "returned by a delete": (
        lambda s: s.scalars(delete(Note).where(Note.id == 2).returning(Note.subject)).one(),
        "second",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_reads_it(way: str, session: Session) -> None:
    read, wanted = WAYS[way]
    assert read(session) == wanted


@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("counted", "is null", "streamed")])
def test_no_way_reads_it_without_an_access(way: str, office: Engine) -> None:
    with Session(office) as session, pytest.raises(NoAccess):
        WAYS[way][0](session)


@pytest.mark.parametrize("way", ["entities", "columns", "joined", "cte", "union all", "entity returned by an update"])
def test_what_is_read_of_the_destroyed_is_the_tombstone(way: str, session: Session, rows: Rows) -> None:
    for person in (1, 2, 3):
        rows.destroy(person)
    read, wanted = WAYS[way]

    def erased(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(map(erased, value))
        return None if value is None else ERASED

    try:
        found = read(session)
    except TypeError:  # what is sorted
        assert way == "union all"
    else:
        assert found == erased(wanted)


class TestWhatIsWrong:
    def test_others_are_read_as_before(self, session: Session, rows: Rows) -> None:
        rows.destroy(1)
        found = [(p.name, p.email, p.born) for p in session.scalars(select(Person).order_by(Person.id))]
        assert found == [(ERASED, ERASED, ERASED), ("Bob", "bob@example.org", None), ("Cara", None, None)]

    def test_a_key_that_was_in_use_is_not_served_once_it_is_destroyed(self, session: Session, rows: Rows) -> None:
        assert session.scalars(select(Person.name).where(Person.id == 1)).one() == "Anna"
        session.rollback()
        rows.destroy(1)
        assert session.scalars(select(Person.name).where(Person.id == 1)).one() is ERASED

    def test_a_lost_key_is_told_from_a_destroyed_one(self, session: Session, rows: Rows) -> None:
        rows.lose(1)
        with pytest.raises(KeyUnavailable, match="does not have") as caught:
            session.get(Person, 1)
        assert "sa_privacy_subject_keys" in str(caught.value.hint)
        assert session.get_one(Person, 2).name == "Bob"

    @pytest.mark.parametrize("at", [1, 10, 30, -1])
    def test_a_damaged_cell_is_told_from_both(self, at: int, session: Session, rows: Rows, ring: Keyring) -> None:
        cell = bytearray(seal(ring, Person.name, rows.keys[1], "Anna") or b"")
        cell[at] ^= 0xFF
        rows.run("UPDATE people SET name = :cell WHERE id = 1", cell=bytes(cell))
        with pytest.raises(CellRejected if at != 10 else KeyUnavailable):
            session.scalars(select(Person.name)).all()

    def test_a_cell_of_another_person_or_column_does_not_open(
        self, session: Session, rows: Rows, ring: Keyring
    ) -> None:
        rows.run("UPDATE people SET name = (SELECT subject FROM notes WHERE id = 1) WHERE id = 1")
        with pytest.raises(CellRejected):
            session.scalars(select(Person.name)).all()

    def test_a_key_put_in_place_of_anothers_opens_nothing(self, session: Session, rows: Rows) -> None:
        rows.run(
            "UPDATE sa_privacy_subject_keys SET wrapped = "
            "(SELECT k.wrapped FROM sa_privacy_subject_keys AS k WHERE k.subject = '2') WHERE subject = '1'"
        )
        assert session.get_one(Person, 2).name == "Bob"
        with pytest.raises(CellRejected):
            session.get(Person, 1)

    def test_cells_under_the_rings_own_key_are_read_too(self, session: Session, rows: Rows, ring: Keyring) -> None:
        """A column may be on its way from one to the other."""
        slots = ring.digests("people.email").slots(b"new@example.org")
        rows.run(
            "UPDATE people SET name = :name, email = :email WHERE id = 1",
            name=ring.sealer("people.name").seal(b"Anna"),
            email=ring.sealer("people.email", slots=True).seal(b"new@example.org", slots),
        )
        anna = session.scalars(select(Person).where(Person.email == "NEW@example.org")).one()
        assert (anna.name, anna.email, anna.born) == ("Anna", "new@example.org", date(2000, 1, 31))

    def test_the_ring_rotates_and_keys_are_read_before_and_after_they_are_wrapped_anew(
        self, session: Session, rows: Rows, ring: Keyring
    ) -> None:
        ring.rotate()
        assert [p.name for p in session.scalars(select(Person).order_by(Person.id))] == ["Anna", "Bob", "Cara"]
        for key in rows.keys.values():
            rows.run(
                "UPDATE sa_privacy_subject_keys SET wrapped = :wrapped WHERE id = :id",
                wrapped=ring.subject_keys().wrap(key),
                id=key.id,
            )
        session.expire_all()
        assert [p.name for p in session.scalars(select(Person).order_by(Person.id))] == ["Anna", "Bob", "Cara"]

    def test_values_taken_by_text_came_without_their_keys(self, session: Session) -> None:
        read = text("SELECT id, name FROM people WHERE id = 1").columns(Person.id, Person.name)
        with pytest.raises(KeyUnavailable, match="came without it"):
            session.execute(read).all()


class TestWhereItCannotStand:
    @pytest.mark.parametrize(
        "statement",
        [
            union(select(Person.name), select(Note.subject)),
            union_all(select(Person.name), select(Note.subject)),
            select(func.max(Person.name)),
            select(func.lower(Person.name)),
            select(Person.name).order_by(Person.name),
            select(Person.name.label("n")).order_by("n"),
            select(Person.name.label("n")).group_by("n"),
            select(func.count(Person.name), func.row_number().over(order_by=Person.name)),
            select(Person.name).distinct(),
            select(Person.name).group_by(Person.name),
            select(Person.id).where(Person.name == "Anna"),
            select(Person.id).where(Person.name.like("A%")),
            select(Person.id).join(Note, Note.subject == Person.name),
            select(func.coalesce(Person.name, Person.email)),
        ],
        ids=str,
    )
    def test_it_is_refused_as_every_sealed_column_is(self, statement: Any, session: Session) -> None:
        with pytest.raises(SealedColumn):
            session.execute(statement).all()

    @pytest.mark.parametrize(
        "sql",
        [
            "SELECT * FROM sa_privacy_subject_keys",
            "SELECT id FROM sa_privacy_subject_keys",
            "SELECT count(*) FROM sa_privacy_subject_keys WHERE subject = '1'",
            "SELECT people.id, (SELECT k.subject FROM sa_privacy_subject_keys AS k WHERE k.kind = 'person') FROM people",
            "UPDATE sa_privacy_subject_keys SET wrapped = NULL",
            "DELETE FROM sa_privacy_subject_keys",
        ],
    )
    def test_nobody_reads_or_changes_the_key_table_by_text(self, sql: str, session: Session) -> None:
        with pytest.raises(PrivacyError):
            session.execute(text(sql))


class TestUnderAnotherPurpose:
    def test_what_is_not_covered_is_left_out(self, office: Engine, privacy: Privacy) -> None:
        with clerk(privacy, "mailing"), Session(office) as session:
            anna = session.get_one(Person, 1)
            assert anna.name == "Anna"
            with pytest.raises(PurposeDenied):
                anna.email  # noqa: B018 - reading is the point
            with pytest.raises(PurposeDenied):
                session.scalars(select(Person.email)).all()

    def test_explain_says_what_it_reads_and_no_more(self, office: Engine, privacy: Privacy) -> None:
        with clerk(privacy):
            statements: list[Any] = [select(Person.name), select(Person.name, literal_column("1"))]
            for statement in statements:
                said = privacy.explain(statement, engine=office)
                assert (*said.reads, said.matches, said.writes) == ("people.name", frozenset(), frozenset())
                assert said.allowed


async def test_it_is_read_by_async_drivers(async_engine: AsyncEngine, rows: Rows, privacy: Privacy) -> None:
    privacy.install(async_engine)
    with clerk(privacy):
        async with AsyncSession(async_engine) as session:
            found = await session.scalars(select(Person).options(selectinload(Person.notes)).order_by(Person.id))
            assert [(p.name, [n.subject for n in p.notes]) for p in found] == [
                ("Anna", ["first"]),
                ("Bob", ["second"]),
                ("Cara", []),
            ]
            streamed = await session.stream_scalars(
                select(Person.email).order_by(Person.id), execution_options={"yield_per": 2}
            )
            assert [email async for email in streamed] == [email for _, email in PEOPLE]
        rows.destroy(1)
        async with AsyncSession(async_engine) as session:
            assert (await session.get_one(Person, 1)).name is ERASED
