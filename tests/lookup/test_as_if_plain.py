"""Searches of sealed columns find what the same searches of plain ones find, whatever they are made of."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Engine,
    Integer,
    String,
    and_,
    delete,
    insert,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column

from sa_privacy import Keyring, Lookup, Policy, Privacy, pii_column
from tests.support.draws import draws

POLICY = Policy(
    policy={"id": "twins", "version": "1"},
    categories={"name": {}},
    purposes={"work": {"use": ["name"], "delete": ["sealed_twins"]}},
    roles={"staff": {"purposes": ["work"]}},
)


def folded(value: str | None) -> str | None:
    """What counts as equal, written another way than the library does: composed instead of decomposed."""
    if value is None:
        return None
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", unicodedata.normalize("NFD", value).casefold()))


class Base(DeclarativeBase):
    """Registry of both twins."""


class Sealed(Base):
    """Two text columns that share a lookup, and a number."""

    __tablename__ = "sealed_twins"

    id: Mapped[int] = mapped_column(primary_key=True)
    one: Mapped[str | None] = pii_column(category="name", lookup=Lookup("casefold", shared="twin"))
    two: Mapped[str | None] = pii_column(category="name", lookup=Lookup("casefold", shared="twin"))
    number: Mapped[int | None] = pii_column(Integer, category="name", lookup="exact")


class Plain(Base):
    """The same with plain columns, folded beforehand."""

    __tablename__ = "plain_twins"

    id: Mapped[int] = mapped_column(primary_key=True)
    one: Mapped[str | None] = mapped_column(String)
    two: Mapped[str | None] = mapped_column(String)
    number: Mapped[int | None] = mapped_column(BigInteger)


# Few letters, so that values meet: with cases, a ligature that folds to two letters, marks that can be composed, kana.
TEXTS = st.one_of(st.none(), st.text(alphabet="aAßsSéÉe\u0301İiアｱ ", max_size=3))
NUMBERS = st.one_of(st.none(), st.sampled_from([0, 1, -1, 2**63 - 1]))
ROWS = st.lists(st.fixed_dictionaries({"one": TEXTS, "two": TEXTS, "number": NUMBERS}), max_size=6)

Condition = Callable[[Any, Callable[[Any], Any]], ColumnElement[bool]]
"""Made for one twin: its class, and what is done to text before it is compared."""


def _comparison(name: str, operator: str, values: list[Any]) -> Condition:
    def make(model: Any, fold: Callable[[Any], Any]) -> ColumnElement[bool]:
        said = [fold(value) if name != "number" else value for value in values]
        column = getattr(model, name)
        if operator in ("in_", "not_in"):
            return getattr(column, operator)([value for value in said if value is not None])  # type: ignore[no-any-return]
        return getattr(column, operator)(said[0] if said else None)  # type: ignore[no-any-return]

    return make


def _columns(operator: str) -> Condition:
    return lambda model, _fold: getattr(model.one, operator)(model.two)


OPERATORS = st.sampled_from(["__eq__", "__ne__", "is_distinct_from", "is_not_distinct_from", "in_", "not_in"])
COMPARISONS: st.SearchStrategy[Condition] = st.one_of(
    st.builds(_comparison, st.sampled_from(["one", "two"]), OPERATORS, st.lists(TEXTS, max_size=3)),
    st.builds(_comparison, st.just("number"), OPERATORS, st.lists(NUMBERS, max_size=3)),
    st.builds(_columns, st.sampled_from(["__eq__", "__ne__", "is_distinct_from"])),
)


def _joined(join: Callable[..., Any]) -> Callable[[list[Condition]], Condition]:
    return lambda parts: lambda model, fold: join(*(part(model, fold) for part in parts))


CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds(_joined(and_), st.lists(inner, min_size=1, max_size=3)),
        st.builds(_joined(or_), st.lists(inner, min_size=1, max_size=3)),
        st.builds(_joined(not_), st.lists(inner, min_size=1, max_size=1)),
    ),
    max_leaves=4,
)


@pytest.fixture
def twins(engine: Engine) -> Iterator[tuple[Engine, Privacy]]:
    """A protected engine with both tables."""
    Base.metadata.create_all(engine)
    privacy = Privacy(POLICY, keys=Keyring.generate(), log=None, metadata=Base.metadata)
    privacy.install(engine)
    yield engine, privacy
    privacy.close()


def _filled(session: Session, rows: list[dict[str, Any]]) -> None:
    for model, fold in ((Sealed, lambda value: value), (Plain, folded)):
        session.execute(delete(model))
        made = [
            {"id": number, "one": fold(row["one"]), "two": fold(row["two"]), "number": row["number"]}
            for number, row in enumerate(rows)
        ]
        if made:
            session.execute(insert(model), made)


@settings(max_examples=draws(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, condition=CONDITIONS)
def test_a_search_finds_what_the_same_search_of_plain_columns_finds(
    twins: tuple[Engine, Privacy], rows: list[dict[str, Any]], condition: Condition
) -> None:
    engine, privacy = twins
    with privacy.access("work", role="staff", actor="a"), Session(engine) as session:
        _filled(session, rows)
        sealed = session.scalars(select(Sealed.id).where(condition(Sealed, lambda value: value))).all()
        plain = session.scalars(select(Plain.id).where(condition(Plain, folded))).all()
        assert sorted(sealed) == sorted(plain)


@settings(max_examples=draws(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_a_join_finds_what_the_same_join_of_plain_columns_finds(
    twins: tuple[Engine, Privacy], rows: list[dict[str, Any]]
) -> None:
    engine, privacy = twins
    with privacy.access("work", role="staff", actor="a"), Session(engine) as session:
        _filled(session, rows)
        found: list[list[Any]] = []
        both: tuple[Any, ...] = (Sealed, Plain)
        for model in both:
            other = aliased(model)
            pairs = select(model.id, other.id).join(other, model.one == other.two)
            found.append(sorted(session.execute(pairs)))
        assert found[0] == found[1]
