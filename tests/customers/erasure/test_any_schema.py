"""Whatever hangs together however: after an erasure nothing of the person is left but what is kept, and all of others is.

``SA_PRIVACY_ERASURES=2000`` draws so many; a few seconds' worth otherwise.
"""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, StaticPool, create_engine
from sqlalchemy.orm import Session, configure_mappers

from sa_privacy import Keyring, Privacy
from sa_privacy.customers.file.files import PersonFile
from tests.customers.erasure.schemas import Drawn, Made, drawn, make, policy_of
from tests.support.databases import Database
from tests.support.draws import draws

PHASES = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if "SA_PRIVACY_SHRINK" in os.environ else [])]
EXAMPLES = int(os.environ.get("SA_PRIVACY_ERASURES", draws(9)))
KEYS = Keyring.generate()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True, phases=PHASES)
@given(said=drawn(), enforced=st.booleans())
def test_what_was_shown_is_erased_or_kept_with_a_reason(database: Database, said: Drawn, enforced: bool) -> None:
    """:param enforced: SQLite refuses what would dangle at once, as PostgreSQL does; or it does not look."""
    made = make(said)
    configure_mappers()
    with emptied(database) as engine, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cycles between tables are what this is about
        made.base.metadata.create_all(engine)
        with engine.begin() as connection:
            made.fill(connection, said)
        before = state(made, engine)
        assert dangling(engine) == []
        privacy = Privacy(policy_of(said), keys=KEYS, log=None, metadata=made.base)
        try:
            privacy.metadata.create_all(engine)
            privacy.install(engine)
            enforce(engine, enforced)
            file = file_of(privacy, engine)
            with privacy.access(actor="officer:1", role="officer", reason="asked for"):
                with engine.connect() as connection:
                    plan = privacy.erasure.plan(connection, 1)
                note(plan.steps)
                privacy.erasure.run(engine, plan)
        finally:
            privacy.close()
            made.base.registry.dispose()
        after = state(made, engine)
        theirs = cells(before, r"canary-p0\b")
        assert shown(file) <= {text for *_, text in theirs}, "nothing of others is shown"
        assert told(file) == Counter((table, column) for table, column, _ in theirs), "all of theirs is, or said to be"
        reasons = {(one.table, column) for one in plan.kept for column in one.columns}
        kept = {text for table, column, text in theirs if (table, column) in reasons}
        left = {text for *_, text in cells(after, r"canary-p0\b")}
        assert left == kept, "what was shown is gone, or kept with a reason"
        others = {text for *_, text in cells(before, "canary-p[1-9]")}
        assert others <= {text for *_, text in cells(after, "canary-p[1-9]")}, "nothing of others went"
        assert dangling(engine) == []


@contextmanager
def emptied(database: Database) -> Iterator[Engine]:
    """An engine on a database without tables."""
    if database.backend == "sqlite":
        engine = create_engine("sqlite://", poolclass=StaticPool)
    else:
        engine = create_engine(database.url)
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    yield engine
    engine.dispose()


def enforce(engine: Engine, enforced: bool) -> None:
    """Whether SQLite looks where foreign keys lead."""
    if engine.dialect.name == "sqlite":
        sql(engine, f"PRAGMA foreign_keys={int(enforced)}")
        assert sql(engine, "PRAGMA foreign_keys") == [(enforced,)]
        assert "FOREIGN KEY" in sql(engine, "SELECT sql FROM sqlite_master WHERE name = 'pairs'")[0][0]


def file_of(privacy: Privacy, engine: Engine) -> PersonFile:
    """What the person is shown of themselves: they ask for it, and are answered."""
    with Session(engine) as session:
        with privacy.access("own", actor="person:1", role="person", subject=1):
            reference = privacy.requests.receive(session, "disclosure").reference
        with privacy.access(actor="officer:1", role="officer"):
            privacy.requests.begin(session, reference)
            file = privacy.requests.answer(session, reference).file
        session.commit()
        assert file is not None
        return file


def shown(file: PersonFile) -> set[str]:
    """The texts that a file shows."""
    rows = [row for table in file.content["data"] for row in table["rows"]]
    return {one["value"] for row in rows for one in row["values"] if "canary" in str(one["value"])}


def told(file: PersonFile) -> Counter[tuple[str, str]]:
    """How often a file shows a text of each column, or says that there is one which it does not show."""
    found = Counter[tuple[str, str]]()
    for table in file.content["data"]:
        for row in table["rows"]:
            said = [one["column"] for one in row["values"] if "canary" in str(one["value"])]
            said += [name.rpartition(".")[2] for name in row["about_others"]]
            found.update((table["table"], column) for column in said)
    return found


def sql(engine: Engine, statement: str) -> list[Any]:
    """What the database says, past the gate."""
    with engine.connect() as plain:
        raw: Any = plain.connection.driver_connection
        answer = raw.execute(statement)
        return [] if answer.description is None else list(answer.fetchall())


def state(made: Made, engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, table in made.tables.items():
        names = [column.name for column in table.columns]
        rows = sql(engine, f"SELECT {', '.join(names)} FROM {name}")
        found[name] = [dict(zip(names, row, strict=True)) for row in rows]
    return found


def cells(rows: dict[str, list[dict[str, Any]]], of: str) -> list[tuple[str, str, str]]:
    """The texts that begin so, each with its table and column."""
    found = [(table, column, str(text)) for table, some in rows.items() for row in some for column, text in row.items()]
    return [one for one in found if re.match(of, one[2])]


def dangling(engine: Engine) -> list[Any]:
    """What refers to nothing; PostgreSQL has none of it."""
    return sql(engine, "PRAGMA foreign_key_check") if engine.dialect.name == "sqlite" else []
