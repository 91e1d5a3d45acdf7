"""What becomes of some rows of a table, as one schedule says, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, case, literal, select

from sa_privacy.customers.destruction import Ending, Key, Step, carry_out
from sa_privacy.customers.destruction.emptied import mark
from sa_privacy.customers.destruction.graph import identity_of
from sa_privacy.customers.destruction.rows import in_batches, matching
from sa_privacy.customers.retention.rows import KEY, Rows
from sa_privacy.customers.retention.ruled import Because, Rules

__all__ = ["Destroy", "Done", "end_rows", "keys_left", "left_in", "shred_rows"]

Destroy: TypeAlias = Callable[[Connection, str, Any], int]
"""Destroys a person's key, by kind of person and key of their row, in the transaction of the connection."""


@dataclass
class Done:
    """What was done.

    :param rows: of the schedule's own table.
    :param changed: by table and verb, what was changed there and where it led: ``{("items", "delete"): 12}``.
    :param blocked: rows that stay for one that hangs on them.
    """

    rows: int = 0
    changed: Counter[tuple[str, str]] = field(default_factory=Counter)
    blocked: int = 0

    def add(self, other: Done) -> None:
        """Both together."""
        self.rows += other.rows
        self.changed += other.changed
        self.blocked += other.blocked


def left_in(rows: Rows) -> Select[Any]:
    """The rows with which something is to be done."""
    wanted = select(*identity_of(rows.table)).select_from(rows.table)
    return wanted.where(rows.due(), rows.ends() | rows.meanwhile())


def keys_left(
    rows: Rows, inside: Sequence[ColumnElement[bool]], limit: int, *flags: Any, lock: bool = True
) -> Select[Any]:
    """Some of these rows, in the order of their keys.

    :param inside: conditions for the range that they are in.
    :param flags: what else is asked of each.
    :param lock: nobody changes them until the transaction is over (PostgreSQL; SQLite has one writer).
    """
    wanted: Any = left_in(rows).add_columns(*flags)
    wanted = wanted.where(*inside).order_by(*identity_of(rows.table)).limit(limit)
    return wanted.with_for_update(of=rows.table) if lock else wanted  # type: ignore[no-any-return]


def shred_rows(
    connection: Connection, rows: Rows, destroy: Destroy, inside: Sequence[ColumnElement[bool]], limit: int
) -> Done:
    """Destroys the keys of people.

    :param connection: of a desk that is open for everything, in a transaction.
    """
    subject = rows.known.subject if rows.known is not None else None
    assert subject is not None  # noqa: S101 - they are people: it was checked
    width, key = len(identity_of(rows.table)), next(c for c in rows.table.columns if c.name == subject.key)
    found = [tuple(row) for row in connection.execute(keys_left(rows, inside, limit, key)).all()]
    for row in found:
        destroy(connection, subject.kind, row[width])
    mark(connection, rows.table, [row[:width] for row in found], [(rows.schedule.name, KEY)])
    return Done(len(found), Counter({(rows.table.fullname, "shred"): len(found)}))


def end_rows(
    connection: Connection, rows: Rows, rules: Rules, inside: Sequence[ColumnElement[bool]], limit: int
) -> Done:
    """Does with rows what the schedule says.

    :param connection: of a desk that is open for everything, in a transaction.
    """
    width = len(identity_of(rows.table))
    reasons = rows.ruled.reasons
    flags = [case((one.kept, 1), else_=0).label(None) for one in reasons]
    groups: dict[tuple[int, ...], list[Key]] = {}
    for found in connection.execute(keys_left(rows, inside, limit, *flags)).all():
        row = tuple(found)
        running = tuple(at for at, kept in enumerate(row[width:]) if kept)
        groups.setdefault(running, []).append(row[:width])
    done = Done()
    for numbers, keys in groups.items():
        because = [reasons[at] for at in numbers]
        done.add(_end(connection, rows, rules, keys, because))
    return done


def _end(connection: Connection, rows: Rows, rules: Rules, keys: Sequence[Key], running: Sequence[Because]) -> Done:
    ending = rows.ending(keys, running)
    steps = rules.survey.steps(connection, [ending])
    if ending.fate == "delete" and _must_not(connection, rules, ending, steps):
        if len(keys) == 1:
            return Done(blocked=1)
        half, done = len(keys) // 2, Done()
        for part in (keys[:half], keys[half:]):
            done.add(_end(connection, rows, rules, part, running))
        return done
    moved = carry_out(connection, rules.graph, steps)
    if ending.fate != "delete":
        now = [moved.get((ending.table, key), key) for key in keys]
        mark(connection, rows.table, now, [(rows.schedule.name, str(c.name)) for c in rows.unseen(running)])
    changed = Counter[tuple[str, str]]()
    for step in steps:
        changed[step.table, step.verb] += step.rows
    return Done(len(keys), changed)


def _must_not(connection: Connection, rules: Rules, ending: Ending, steps: Sequence[Step]) -> bool:
    """Whether rows would end with these that have to stay. The condition of the rows knows of most; not of circles."""
    for step in steps:
        if step.verb not in ("delete", "anonymise"):
            continue
        table = rules.graph.tables[step.table]
        ruled = rules.of(table)
        own = set(ending.keys) if step.table == ending.table else set[Key]()
        others = [key for key in step.keys if key not in own]
        if ruled.says_nothing or not others:
            continue
        identity = identity_of(table)
        for some in in_batches(others, len(identity)):
            asked = select(literal(1)).select_from(table).where(matching(identity, some), ruled.staying()).limit(1)
            if connection.execute(asked).first() is not None:
                return True
    return False
