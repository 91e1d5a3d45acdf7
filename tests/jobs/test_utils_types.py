"""Columns of SQLAlchemy-Utils: its encrypted types are migrated from, its other types are sealed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, Date, Engine, Integer, LargeBinary, MetaData, String, Table, select
from sqlalchemy_utils import (
    ChoiceType,
    EmailType,
    EncryptedType,
    JSONType,
    PhoneNumber,
    PhoneNumberType,
    ScalarListType,
    StringEncryptedType,
    URLType,
    UUIDType,
)
from sqlalchemy_utils.types.encrypted.encrypted_type import AesEngine, AesGcmEngine

from sa_privacy import Encrypted
from sa_privacy.crypto.cell import is_cell
from sa_privacy.jobs import seal, unseal
from tests.jobs.world import FAR, maintaining, opened, raw

SECRET = "an old key of the application"
CBC = {"engine": AesEngine, "padding": "pkcs5"}

with pytest.warns(DeprecationWarning, match="EncryptedType"):
    BINARY_GCM = EncryptedType(String, SECRET, AesGcmEngine)
with pytest.warns(DeprecationWarning, match="EncryptedType"):
    BINARY_CBC = EncryptedType(String, SECRET, **CBC)

ENCRYPTED: dict[str, tuple[Any, Any, list[Any]]] = {
    "gcm": (StringEncryptedType(String, SECRET, AesGcmEngine), String(320), ["ann@example.com", "été", ""]),
    "cbc": (StringEncryptedType(String, SECRET, **CBC), String(320), ["ann@example.com", "été"]),
    "gcm, binary": (BINARY_GCM, String(320), ["ann@example.com", "été"]),
    "cbc, binary": (BINARY_CBC, String(320), ["ann@example.com", "été"]),
    "a date": (StringEncryptedType(Date, SECRET, AesGcmEngine), Date(), [date(2001, 2, 3)]),
    "a number": (StringEncryptedType(Integer, SECRET, AesGcmEngine), Integer(), [0, -17]),
}
TYPES: dict[str, tuple[Any, list[Any]]] = {
    "phone": (PhoneNumberType("FI"), [PhoneNumber("+358401234567"), PhoneNumber("040 7654321", "FI")]),
    "email": (EmailType(), ["ann@example.com"]),
    "url": (URLType(), ["https://example.com/?q=1"]),
    "json": (JSONType(), [{"a": [1, "b"]}]),
    "list": (ScalarListType(int), [[1, 2, 3], []]),
    "choice": (ChoiceType([("s", "small"), ("l", "large")], impl=String(1)), ["s"]),
    "uuid": (UUIDType(binary=False), [UUID(int=5)]),
    "uuid, binary": (UUIDType(binary=True), [UUID(int=5)]),
}


def tables(old_type: Any, inner: Any) -> tuple[Table, Table]:
    """The table of the old release, and that of the new."""
    sealed = Encrypted(inner, category="other")
    return (
        Table("things", MetaData(), Column("id", Integer, primary_key=True), Column("value", old_type)),
        Table("things", MetaData(), Column("id", Integer, primary_key=True), Column("value", sealed)),
    )


def fill(engine: Engine, old: Table, values: list[Any]) -> list[tuple[Any, ...]]:
    """What the old release reads of what it wrote."""
    old.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(old.insert(), [{"id": n, "value": value} for n, value in enumerate(values)])
        return [tuple(row) for row in connection.execute(select(old).order_by(old.c.id))]


@pytest.mark.parametrize("name", ENCRYPTED)
def test_old_cells_are_read_and_ours_written(name: str, engine: Engine, make_engine: Callable[..., Engine]) -> None:
    old_type, inner, values = ENCRYPTED[name]
    old, new = tables(old_type, inner)
    assert fill(engine, old, values) == list(enumerate(values))
    stored_as = {"things.value": old_type}
    with maintaining(metadata=new.metadata, accept={"things.value": FAR}, stored_as=stored_as) as privacy:
        assert opened(privacy, make_engine, select(new)) == list(enumerate(values))
        [report] = seal(engine, privacy, ["things.value"])
        assert report.complete
        assert all(is_cell(value) for _, value in raw(engine, "id, value", "things"))
        assert opened(privacy, make_engine, select(new)) == list(enumerate(values))
    with maintaining(privacy.keys, metadata=new.metadata) as after:  # which knows the old type no more
        assert opened(after, make_engine, select(new)) == list(enumerate(values))


def test_what_the_old_key_does_not_open_is_left_as_it_was(engine: Engine) -> None:
    old_type = StringEncryptedType(String, SECRET, AesGcmEngine)
    old, new = tables(old_type, String(320))
    fill(engine, old, ["one", "two"])
    other = {"things.value": StringEncryptedType(String, "another key", AesGcmEngine)}
    with maintaining(metadata=new.metadata) as privacy:
        [report] = seal(engine, privacy, ["things.value"], stored_as=other)
        assert not report.complete
        assert report.tally is not None
        assert (report.tally.remaining, report.tally.rejected) == (2, {"things.value": 2})
        [report] = seal(engine, privacy, ["things.value"], stored_as={"things.value": old_type})
        assert report.complete


@pytest.mark.parametrize("name", TYPES)
def test_other_types_are_sealed_and_unsealed(name: str, engine: Engine, make_engine: Callable[..., Engine]) -> None:
    kind, values = TYPES[name]
    old, new = tables(kind, kind)
    before = fill(engine, old, values)
    with maintaining(metadata=new.metadata, accept={"things.value": FAR}) as privacy:
        assert opened(privacy, make_engine, select(new)) == before
        [report] = seal(engine, privacy, ["things.value"])
        assert report.complete
        assert all(is_cell(value) for _, value in raw(engine, "id, value", "things"))
        found = opened(privacy, make_engine, select(new))
        assert found == before
        assert [type(value) for _, value in found] == [type(value) for _, value in before]
        unseal(engine, privacy, ["things.value"])
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(select(old).order_by(old.c.id))] == before


def test_bytes_that_look_like_a_cell_are_not_taken_for_one_nor_sealed(engine: Engine) -> None:
    """Whether it is a value or a cell whose key is not there, nobody can tell: it is left, and counted."""
    lookalike = b"\x01\x01\xff\xff\xff\xff" + bytes(60)
    old, new = tables(LargeBinary(), LargeBinary())
    fill(engine, old, [lookalike, b"other"])
    with maintaining(metadata=new.metadata) as privacy:
        [report] = seal(engine, privacy, ["things.value"])
        assert report.tally is not None
        assert (report.tally.changed, report.tally.remaining, report.tally.rejected) == (1, 1, {"things.value": 1})
    assert raw(engine, "id, value", "things")[0] == (0, lookalike)
