"""Two public schemas, protected from outside: what touches nothing personal is as it was, and all else as the policy says."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from sqlalchemy import Engine, MetaData
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import configure_mappers

from sa_privacy import AccessLog, Privacy
from sa_privacy.cli.models import tables_of
from sa_privacy.discovery import sample, scan
from tests.dropin.asking import Answer, Query, Workload
from tests.dropin.chinook import chinook
from tests.dropin.sakila import sakila
from tests.dropin.schemas import HERE, Schema, make
from tests.support.databases import Database

WORKLOADS: dict[Schema, Workload] = {"chinook": chinook, "sakila": sakila}
#: What the scan suggests, and somebody who read it did not take.
PUBLIC = {"chinook": set(), "sakila": {"actor.first_name", "actor.last_name", "country.country"}}

#: Whose rows are, by the column that says so.
PEOPLE = {
    "chinook": {"Employee": "EmployeeId", "Customer": "CustomerId", "Invoice": "CustomerId"},
    "sakila": {"staff": "staff_id", "customer": "customer_id"},
}
#: Functions of Pagila that touch nothing personal: only somebody who reads them can say so.
HARMLESS = ("group_concat", "inventory_in_stock", "get_customer_balance", "last_day")


@pytest.fixture(params=list(WORKLOADS))
def schema(request: pytest.FixtureRequest) -> Schema:
    return cast("Schema", request.param)


@pytest.fixture
def engine(schema: Schema, database: Database) -> Engine:
    database.fill(f"dropin_{schema}", lambda empty: make(schema, empty))
    return database.engine()


@pytest.fixture
def models(engine: Engine) -> Any:
    """Classes that nobody wrote, and tables of the views."""
    base = automap_base()
    base.metadata.reflect(engine, views=True)
    base.prepare()
    configure_mappers()
    return base.classes


@pytest.fixture
def open_log(tmp_path: Path) -> Callable[[], AccessLog]:
    return lambda: AccessLog.open(tmp_path / "access-log", fsync="never")


@contextmanager
def protected(
    engine: Engine, schema: Schema, models: Any, mode: Literal["observe", "enforce"], log: AccessLog
) -> Iterator[Privacy]:
    privacy = Privacy(HERE / f"{schema}.toml", log=log, mode=mode, metadata=next(iter(models)).metadata)
    if (schema, engine.dialect.name) == ("sakila", "postgresql"):
        for name in HARMLESS:
            privacy.declare(function=name, touches=[])
    stop = privacy.install_all(match=lambda one: one.url == engine.url)
    try:
        yield privacy
    finally:
        stop()
        privacy.close()


def as_promised(query: Query, before: Answer, after: Answer) -> Answer:
    """What an answer has to be, by what it was. The SQL may be another where personal data is touched."""
    if query.refused is not None:
        return Answer(None, query.refused, after.sql)
    rows = before.rows
    if query.blank:
        rows = [{key: None if key in query.blank else value for key, value in row.items()} for row in rows]
    return Answer(rows, None, after.sql if query.narrowed or query.access else before.sql)


def test_a_scan_finds_what_is_personal(schema: Schema, engine: Engine, models: Any) -> None:
    """What ``[columns]`` of the policy has, is what the scan of the database says; but for what somebody took out."""
    taken = tomllib.loads((HERE / f"{schema}.toml").read_text(encoding="utf-8"))["columns"]
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        found = scan(tables_of(tables), sampler=lambda table: sample(connection, table, 200))
    suggested = {one.name: one.category for one in found.findings}
    assert {name: one for name, one in suggested.items() if name not in PUBLIC[schema]} == taken
    assert {one.table: (one.key or one.via) for one in found.owners} == PEOPLE[schema]


def test_observed_nothing_changes_and_enforced_the_policy_is_kept(
    schema: Schema, engine: Engine, models: Any, open_log: Callable[[], AccessLog]
) -> None:
    workload = WORKLOADS[schema]
    before = workload.run(engine, models)
    with protected(engine, schema, models, "observe", open_log()) as privacy:
        assert workload.run(engine, models, privacy) == before
    with protected(engine, schema, models, "enforce", open_log()) as privacy:
        after = workload.run(engine, models, privacy)
    for query in workload.queries:
        if query.name in before:
            expected = as_promised(query, before[query.name], after[query.name])
            assert (query.name, after[query.name]) == (query.name, expected)
    assert workload.run(engine, models) == before  # and nothing is left behind
