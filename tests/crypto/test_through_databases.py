"""Cells that went through a database: moved between columns, tables, keys and engines; and as large as they come."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import pytest
from sqlalchemy import (
    JSON,
    Column,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    column,
    insert,
    select,
    table,
)
from sqlalchemy import update as sql_update

from sa_privacy.columns import Encrypted
from sa_privacy.columns.binding import bind_keys
from sa_privacy.crypto import KEYS_IN_THE_CLEAR, Keyring
from sa_privacy.errors import CellRejected, KeyUnavailable

METADATA = MetaData()
TABLES = {
    name: Table(
        name,
        METADATA,
        Column("id", Integer, primary_key=True),
        Column("email", Encrypted(String(320), category="email", field=f"{name}.email", lookup="exact")),
        Column("name", Encrypted(String(320), category="name", field=f"{name}.name")),
    )
    for name in ("customers", "contacts")
}
PLACES = [(name, column) for name in TABLES for column in ("email", "name")]


class Sealed(NamedTuple):
    """A cell, and where it belongs."""

    ring: str
    key: int
    table: str
    column: str
    cell: bytes


def raw(name: str, *columns: str) -> Any:
    return table(name, column("id"), *(column(one, LargeBinary) for one in columns))


def impostor_of(ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> Keyring:
    """A ring with the same key ids, and other secrets."""
    document = json.loads(ring.export(KEYS_IN_THE_CLEAR))
    other = json.loads(Keyring.generate().export(KEYS_IN_THE_CLEAR))["keys"][0]["secret"]
    for number, key in enumerate(document["keys"]):
        key["secret"] = chr(ord("A") + number) + other[1:]
    monkeypatch.setenv("IMPOSTOR", json.dumps(document))
    return Keyring.from_env("IMPOSTOR")


def test_a_cell_opens_in_its_own_column_of_its_own_table_under_its_own_ring_alone(
    make_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cell into every place of every engine: two tables, two columns, two keys, three rings."""
    plain, ours = make_engine(), Keyring.generate()
    METADATA.create_all(plain)
    ours.add_key()
    rings = {"ours": ours, "theirs": Keyring.generate(), "the impostor's": impostor_of(ours, monkeypatch)}
    rings["theirs"].add_key()
    engines = {name: make_engine() for name in rings}
    cells: list[Sealed] = []
    for name, ring in rings.items():
        bind_keys(engines[name].dialect, ring)
        for key in ring.ids:
            ring.promote(key)
            for where, target in TABLES.items():
                with engines[name].begin() as connection:
                    row = {"email": f"value of {name}", "name": f"value of {name}"}
                    made = connection.execute(insert(target).values(row).returning(target.c.id)).scalar_one()
                with plain.connect() as connection:
                    source = raw(where, "email", "name")
                    found = connection.execute(select(source).where(source.c.id == made)).one()
                cells += [Sealed(name, key, where, one, bytes(getattr(found, one))) for one in ("email", "name")]
    assert len({cell.cell for cell in cells}) == len(rings) * 2 * len(PLACES)
    opened = 0
    for cell, name, (where, one) in product(cells, rings, PLACES):
        assert cell.cell[2:6] == cell.key.to_bytes(4, "big")
        target = raw(where, one)
        with plain.begin() as connection:
            connection.execute(sql_update(target).where(target.c.id == 1).values({one: cell.cell}))
        wanted = select(TABLES[where].c[one]).where(TABLES[where].c.id == 1)
        with engines[name].connect() as connection:
            if (name, where, one) == (cell.ring, cell.table, cell.column):
                assert connection.scalar(wanted) == f"value of {name}"
                opened += 1
            else:
                error = CellRejected if cell.key in rings[name].ids else KeyUnavailable
                with pytest.raises(error):
                    connection.scalar(wanted)
    assert opened == len(cells)


LONG = MetaData()
LETTERS = Table(
    "letters",
    LONG,
    Column("id", Integer, primary_key=True),
    Column("sender", Encrypted(String(320), category="email", field="letters.sender", lookup="exact")),
    Column("content", Encrypted(JSON, category="name", field="letters.content")),
)


@pytest.mark.parametrize("letter", ["a", "é", "漢", "😀"], ids=["1 byte", "2 bytes", "3 bytes", "4 bytes"])
def test_a_320_character_address_and_a_megabyte_of_json_fit(engine: Engine, letter: str) -> None:
    LONG.create_all(engine)
    bind_keys(engine.dialect, Keyring.generate())
    address = letter * 64 + "@" + letter * 255
    content = {"lines": [letter * 1000] * (1_000_000 // (1000 * len(letter.encode())) + 1), "number": 2**70}
    assert len(address) == 320
    assert len(json.dumps(content, ensure_ascii=False).encode()) > 1_000_000
    with engine.begin() as connection:
        connection.execute(insert(LETTERS), [{"sender": address, "content": content}] * 2)
    with engine.connect() as connection:
        rows = connection.execute(select(LETTERS.c.sender, LETTERS.c.content)).all()
    assert [tuple(row) for row in rows] == [(address, content)] * 2
