"""A row is changed only where it still holds what was read of it, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from sa_privacy import Keyring
from sa_privacy.crypto.cell import is_cell
from sa_privacy.jobs import batch, seal
from sa_privacy.jobs.values import change_of
from tests.jobs.world import fill, maintaining, raw
from tests.support.draws import draws

ROWS = 6
#: What somebody else does to a row after the job has read it: new values of the two columns, or the row goes.
WRITES = st.one_of(
    st.none(),
    st.tuples(
        st.one_of(st.none(), st.sampled_from(["new", "NEW", "Person 1", "person 1"])),
        st.sampled_from(["new@example.org", "p1@example.org", "P1@example.org"]),
    ),
)


def changed_between(make_engine: Callable[..., Engine], writes: dict[int, Any]) -> Callable[..., Any]:
    """``change_of``, but that the writes happen while the first value of a batch is being changed: between the batch's
    SELECT and its UPDATE.
    """
    plain = change_of
    done = False

    def late(*args: Any) -> Any:
        change = plain(*args)

        def change_late(stored: Any) -> Any:
            nonlocal done
            if not done:
                done = True
                with make_engine().begin() as connection:
                    for key, values in writes.items():
                        write(connection, key, values)
            return change(stored)

        return change_late

    return late


def write(connection: Any, key: int, values: Any) -> None:
    if values is None:
        connection.execute(text("DELETE FROM customers WHERE id = :id"), {"id": key})
        return
    form = "convert_to(:{0}, 'UTF8')" if connection.dialect.name == "postgresql" else ":{0}"
    statement = f"UPDATE customers SET name = {form.format('name')}, email = {form.format('email')} WHERE id = :id"
    connection.execute(text(statement), {"id": key, "name": values[0], "email": values[1]})


@pytest.fixture
def keys() -> Keyring:
    return Keyring.generate()


@settings(max_examples=draws(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=st.dictionaries(st.integers(1, ROWS), WRITES, max_size=ROWS))
def test_a_concurrent_write_is_never_overwritten(
    writes: dict[int, Any], engine: Engine, make_engine: Callable[..., Engine], keys: Keyring
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS customers")
    fill(engine, ROWS)
    if engine.dialect.name == "sqlite":  # for which 'NEW' = 'new'
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE customers RENAME TO before")
            connection.exec_driver_sql(
                "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, email TEXT COLLATE NOCASE)"
            )
            connection.exec_driver_sql("INSERT INTO customers SELECT id, name, email FROM before")
            connection.exec_driver_sql("DROP TABLE before")
    expected = {key: (name, email) for key, name, email in raw(engine)}
    for key, values in writes.items():
        if values is None:
            del expected[key]
        else:
            expected[key] = values
    with maintaining(keys) as privacy, patch.object(batch, "change_of", changed_between(make_engine, writes)):
        [report] = seal(engine, privacy, ["customers.name", "customers.email"], batch=ROWS)
    assert report.complete
    found = {}
    for key, *cells in raw(engine):
        assert all(cell is None or is_cell(cell) for cell in cells)
        openers = [keys.sealer(f"customers.{name}").open for name in ("name", "email")]
        found[key] = tuple(None if c is None else opener(c).decode() for opener, c in zip(openers, cells, strict=True))
    assert found == expected
