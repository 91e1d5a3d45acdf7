"""Whatever hangs together however: after an erasure nothing of the person is left but what is kept, and all of others is.

``SA_PRIVACY_ERASURES=2000`` draws so many; a few seconds' worth otherwise.
"""

from __future__ import annotations

import os
import re
import warnings
from typing import Any

from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, StaticPool, create_engine
from sqlalchemy.orm import configure_mappers

from sa_privacy import Privacy
from sa_privacy.customers.owned import Owned
from tests.customers.erasure.schemas import Drawn, Made, drawn, make, policy_of

PHASES = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if "SA_PRIVACY_SHRINK" in os.environ else [])]
EXAMPLES = int(os.environ.get("SA_PRIVACY_ERASURES", "8"))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True, phases=PHASES)
@given(said=drawn(), enforced=st.booleans())
def test_what_was_shown_is_erased_or_kept_with_a_reason(said: Drawn, enforced: bool) -> None:
    """:param enforced: SQLite refuses what would dangle at once, as PostgreSQL does; or it does not look."""
    made = make(said)
    configure_mappers()
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cycles between tables are what this is about
        made.base.metadata.create_all(engine)
    assert "FOREIGN KEY" in sql_of(engine, "pairs"), "the database knows what refers to what"
    with engine.begin() as connection:
        made.fill(connection, said)
    before = state(made, engine)
    assert dangling(made, engine) == []
    privacy = Privacy(policy_of(said), log=None, metadata=made.base)
    try:
        privacy.metadata.create_all(engine)
        privacy.install(engine)
        with engine.connect() as plain:
            raw: Any = plain.connection.driver_connection
            raw.execute(f"PRAGMA foreign_keys={int(enforced)}")
            assert raw.execute("PRAGMA foreign_keys").fetchone() == (enforced,)
        shown = canaries_shown(privacy, engine)
        assert shown == {text for text in texts(before) if re.match(r"canary-p0\b", text)}
        with privacy.access(actor="officer:1", role="officer", reason="asked for"):
            with engine.connect() as connection:
                plan = privacy.erasure.plan(connection, 1)
            note(plan.steps)
            privacy.erasure.run(engine, plan)
    finally:
        privacy.close()
        made.base.registry.dispose()
    after = state(made, engine)
    left = {text for text in texts(after) if text.startswith("canary-p0")}
    reasons = {(one.table, column) for one in plan.kept for column in one.columns}
    kept = {
        text
        for table, rows in before.items()
        for row in rows
        for name, text in row.items()
        if (table, name) in reasons and re.match(r"canary-p0\b", str(text))
    }
    assert left == kept, "what was shown is gone, or kept with a reason"
    others = {text for text in texts(before) if re.match(r"canary-p[1-9]", text)}
    assert others <= texts(after), "nothing of others went"
    assert dangling(made, engine) == []
    engine.dispose()


def canaries_shown(privacy: Privacy, engine: Engine) -> set[str]:
    """What the person is shown of themselves."""
    with privacy.access(maintenance=True, actor="tests", role="engineer", reason="rows"), engine.connect() as plain:
        return {
            str(value)
            for owned in Owned(privacy._desk.live).tables("person")
            for row in owned.rows(plain, [1], [column.column for column in owned.columns])
            for value in row.values.values()
            if value is not None
        }


def sql_of(engine: Engine, table: str) -> str:
    """How the table was made."""
    with engine.connect() as plain:
        raw: Any = plain.connection.driver_connection
        return str(raw.execute("SELECT sql FROM sqlite_master WHERE name = ?", [table]).fetchone()[0])


def state(made: Made, engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    with engine.connect() as plain:
        raw: Any = plain.connection.driver_connection
        found: dict[str, list[dict[str, Any]]] = {}
        for name, table in made.tables.items():
            names = [column.name for column in table.columns]
            rows = raw.execute(f"SELECT {', '.join(names)} FROM {name}").fetchall()
            found[name] = [dict(zip(names, row, strict=True)) for row in rows]
        return found


def texts(rows: dict[str, list[dict[str, Any]]]) -> set[str]:
    """All texts of all rows."""
    return {value for some in rows.values() for row in some for value in row.values() if isinstance(value, str)}


def dangling(made: Made, engine: Engine) -> list[Any]:
    """What refers to nothing."""
    with engine.connect() as plain:
        raw: Any = plain.connection.driver_connection
        return list(raw.execute("PRAGMA foreign_key_check").fetchall())
