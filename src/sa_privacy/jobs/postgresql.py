"""What a PostgreSQL database has that stands against sealing a column: it keeps a list of what depends on each column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from sa_privacy.columns.own_tables import is_own_trigger
from sa_privacy.columns.sealable import names_value
from sa_privacy.jobs.finding import Finding
from sa_privacy.jobs.indexes import LOOKUP_INDEX

__all__ = ["findings"]

_DEPENDS = """
SELECT DISTINCT d.classid::regclass::text, pg_describe_object(d.classid, d.objid, 0),
       con.contype::text, coalesce(pg_get_constraintdef(con.oid), ''),
       i.indisunique, i.indexprs IS NOT NULL OR i.indpred IS NOT NULL, am.amname::text,
       CASE WHEN i.indexrelid IS NULL THEN '' ELSE pg_get_indexdef(i.indexrelid) END,
       def.adnum = a.attnum AND def.adrelid = a.attrelid
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
LEFT JOIN pg_catalog.pg_constraint con ON d.classid = 'pg_constraint'::regclass AND con.oid = d.objid
LEFT JOIN pg_catalog.pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam AND i.indexrelid IS NOT NULL
LEFT JOIN pg_catalog.pg_attrdef def ON d.classid = 'pg_attrdef'::regclass AND def.oid = d.objid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass(%s) AND a.attname = %s
ORDER BY 2
"""
_TRIGGERS = """
SELECT tgname::text FROM pg_catalog.pg_trigger
WHERE tgrelid = to_regclass(%s) AND NOT tgisinternal AND cardinality(tgattr::int2[]) = 0 ORDER BY 1
"""
_CONSTRAINTS = {"p": "primary key", "f": "foreign key", "u": "unique", "c": "check", "x": "exclusion"}
_CLASSES = {"pg_rewrite": "view", "pg_policy": "row policy", "pg_trigger": "trigger"}


def findings(connection: Connection, table: str, column: str, name: str) -> Iterator[Finding]:
    """Everything about one column.

    :param table: as it stands in SQL, quoted where it must be.
    :param name: what findings call the column.
    """
    for row in connection.exec_driver_sql(_DEPENDS, (table, column)).all():
        found = _finding(row, column, name)
        if found is not None:
            yield found
    for (trigger,) in connection.exec_driver_sql(_TRIGGERS, (table,)).all():
        if not is_own_trigger(trigger):
            yield Finding(name, "trigger", trigger, forbids=False)


def _finding(row: Any, column: str, name: str) -> Finding | None:
    of, what, constraint, said, unique, computed, method, index, own = row
    if of == "pg_constraint":
        kind = _CONSTRAINTS.get(constraint)
        if kind is None or (
            kind == "check" and not names_value(said, column)
        ):  # NOT NULL is one, too, in PostgreSQL 18
            return None
        return Finding(name, kind, what, forbids=kind != "unique")
    if of == "pg_class" and unique is not None:
        if LOOKUP_INDEX.search(index):
            return None
        if "tsvector" in index or "trgm" in index:
            return Finding(name, "text search", what, forbids=True)
        if computed or method not in {"btree", "hash"} or "_pattern_ops" in index:
            return Finding(name, "expression index", what, forbids=True)
        return Finding(name, "unique" if unique else "index", what, forbids=False)
    if of == "pg_attrdef":
        return Finding(name, "server default" if own else "generated column", what, forbids=True)
    return Finding(name, _CLASSES.get(of, "depends"), what, forbids=True)
