"""What the database file holds, seen without the library."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from rich.text import Text
from sqlalchemy.orm import Session

from examples.shop_app.demo.stage import ACTING, Stage
from examples.shop_app.models import Customer

__all__ = ["occurrences", "show_storage"]

_ROW = """
SELECT customers.name, customers.email, customers.birthday, customers.language, usage_events.page
FROM customers JOIN usage_events ON usage_events.customer_id = customers.id WHERE customers.id = ?
"""


def show_storage(stage: Stage) -> None:
    stage.chapter(
        "What the file really holds",
        f"""Python's own sqlite3 opens shop.db and reads the row of customer {stage.someone}: whoever takes the disk or
        a backup sees this. Sealed columns hold AES-256-GCM cells; the keys lie in keys.json, not in the database.""",
    )
    with closing(sqlite3.connect(stage.database)) as connection:
        cursor = connection.execute(_ROW, (stage.someone,))
        stored = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
    table = stage.table("column", "in the file", "what is stored (bytes in hex)")
    for name, value in stored.items():
        if isinstance(value, bytes):
            table.add_row(Text(name, style="bold"), Text(f"sealed,\n{len(value)} bytes"), Text(_hex(value)))
        else:
            table.add_row(Text(name, style="bold"), Text("as it is"), Text(repr(value), style="yellow"))
    stage.console.print(table)
    stage.say("And the bytes of the whole file are searched for what the library reads out of it:")
    _search(stage, str(stored["page"]))


def _hex(value: bytes) -> str:
    """At most three lines of 16 bytes."""
    lines = [value[start : start + 16].hex(" ") for start in range(0, len(value), 16)]
    return "\n".join(lines if len(lines) <= 3 else [*lines[:2], f"... {len(value) - 32} more bytes"])


def _search(stage: Stage, page: str) -> None:
    acting = ACTING["campaigns"]
    with stage.privacy.access("campaigns", actor=acting.actor, role=acting.role), Session(stage.engine) as session:
        customer = session.get_one(Customer, stage.someone)
        known = {"name": customer.name, "e-mail address": customer.email, "address": customer.address}
    table = stage.table("searched for", "", "found in shop.db")
    for what, value in known.items():
        table.add_row(Text(what), Text(value), Text(_times(occurrences(stage, value)), style="bold green"))
    table.add_row(Text("a page they saw (not sealed)"), Text(page), Text(_times(occurrences(stage, page))))
    stage.console.print(table)


def occurrences(stage: Stage, value: str) -> int:
    """How often the database's files hold a text, in any encoding that SQLite writes."""
    files = [path.read_bytes() for path in stage.directory.glob(f"{stage.database.name}*")]
    return sum(held.count(value.encode(encoding)) for held in files for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


def _times(number: int) -> str:
    return "nowhere" if number == 0 else f"{number:,} times"
