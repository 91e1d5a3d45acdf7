"""Every path by which a value can leave, be inferred or be written: the rows of the bypass matrix.

Each path is proved by at least one case on each of its columns: the two databases, sync and async. `api` names the
parts of SQLAlchemy that lead along it; `test_matrix.py` fails where SQLAlchemy has a method that no path names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from tests.support.databases import Backend

__all__ = ["COLUMNS", "PATHS", "POSTGRESQL", "SECTIONS", "SQLITE", "Column", "Path"]

Column = tuple[Backend, Literal["sync", "async"]]
#: The columns of the matrix.
COLUMNS: Final[tuple[Column, ...]] = (
    ("sqlite", "sync"),
    ("sqlite", "async"),
    ("postgresql", "sync"),
    ("postgresql", "async"),
)
SQLITE: Final = COLUMNS[:2]
POSTGRESQL: Final = COLUMNS[2:]
SYNC: Final = COLUMNS[::2]
ASYNC: Final = COLUMNS[1::2]


@dataclass(frozen=True, slots=True)
class Path:
    """One path.

    :param name: as the matrix and the cases name it.
    :param api: the methods that lead along it, as `"Class.method"`.
    :param columns: where there is such a path.
    """

    name: str
    api: tuple[str, ...] = ()
    columns: tuple[Column, ...] = COLUMNS


SECTIONS: Final[dict[str, tuple[Path, ...]]] = {
    "Loading objects": (
        Path("select", ("Session.execute", "Session.scalars", "Session.scalar")),
        Path("an attribute that was left out"),
        Path("get", ("Session.get", "Session.get_one")),
        Path("Query", ("Session.query", "Query.all", "Query.first", "Query.one", "Query.one_or_none", "Query.get")),
        Path(
            "alias, subquery, CTE of an entity",
            ("Query.subquery", "Query.cte", "Query.select_from", "Query.selectable"),
        ),
        Path("rows in portions", ("Query.yield_per",)),
        Path("FOR UPDATE", ("Query.with_for_update",)),
        Path("refresh", ("Session.refresh",)),
        Path("an expired attribute", ("Session.expire", "Session.expire_all", "Session.commit", "Session.rollback")),
        Path("populate_existing", ("Query.populate_existing",)),
        Path("entity from a statement", ("Query.from_statement", "Query.instances")),
        Path(
            "entities combined by position",
            (
                "Query.union",
                "Query.union_all",
                "Query.except_",
                "Query.except_all",
                "Query.intersect",
                "Query.intersect_all",
            ),
        ),
        Path("RETURNING an entity"),
        Path("baked and lambda statements"),
        Path("inheritance", ("Load.selectin_polymorphic",)),
        Path("a column of a child class"),
        Path("association proxy"),
        Path("with_loader_criteria"),
        Path("a second class over the same table"),
    ),
    "Loader options": (
        Path("lazy load", ("Load.lazyload", "Load.defaultload", "Session.enable_relationship_loading")),
        Path("joinedload", ("Load.joinedload",)),
        Path("selectinload", ("Load.selectinload",)),
        Path("subqueryload", ("Load.subqueryload",)),
        Path("immediateload", ("Load.immediateload",)),
        Path("contains_eager", ("Load.contains_eager",)),
        Path("raiseload, noload", ("Load.raiseload", "Load.noload")),
        Path("dynamic", ("Query.with_parent",)),
        Path("write_only"),
        Path("undefer, defer, load_only", ("Load.undefer", "Load.undefer_group", "Load.defer", "Load.load_only")),
        Path("with_expression", ("Load.with_expression",)),
    ),
    "Naming a column of a class": (
        Path(
            "attribute of a class", ("Query.with_entities", "Query.add_column", "Query.add_columns", "Query.add_entity")
        ),
        Path("Query.value, values, scalar", ("Query.value", "Query.values", "Query.scalar")),
        Path("Bundle"),
        Path("column_property, hybrid, JSON path"),
        Path(
            "filters and order of Query",
            (
                *("Query.filter", "Query.filter_by", "Query.where", "Query.having", "Query.order_by", "Query.group_by"),
                *("Query.distinct", "Query.exists", "Query.count", "Query.join", "Query.outerjoin"),
            ),
        ),
        Path(
            "Query.statement, label, scalar_subquery",
            ("Query.statement", "Query.label", "Query.scalar_subquery", "Query.as_scalar"),
        ),
        Path(
            "hints, prefixes and suffixes",
            ("Query.with_hint", "Query.with_statement_hint", "Query.prefix_with", "Query.suffix_with"),
        ),
    ),
    "Copies and stand-ins of a table": (
        Path("reflected table"),
        Path("automapped class"),
        Path("Table.to_metadata"),
        Path("schema_translate_map"),
        Path("column(), table(), literal_column()"),
        Path("text().columns()"),
    ),
    "Values in memory": (
        Path("an object under a narrower access"),
        Path("an object after its access"),
        Path("identity map under a narrower access"),
        Path("__dict__, inspect, history, repr"),
        Path("a changed or replaced value in the history", ("Session.is_modified", "Session.dirty")),
        Path("detached objects", ("Session.expunge", "Session.expunge_all", "Session.close", "Session.reset")),
        Path("make_transient"),
        Path("pickle, copy, ext.serializer"),
        Path("merge", ("Session.merge", "Session.merge_all")),
        Path("frozen results, merged results", ("Query.merge_result",)),
        Path("ext.indexable, ext.mutable"),
        Path("listeners of load, refresh and set"),
        Path("rows fetched after their access"),
        Path("objects fetched under a narrower access"),
        Path("threads that outlive a scope", columns=SYNC),
        Path("tasks that outlive a scope", columns=ASYNC),
    ),
    "Writing": (
        Path(
            "flush",
            (
                *("Session.add", "Session.add_all", "Session.flush", "Session.delete", "Session.delete_all"),
                *("Session.no_autoflush", "Query.autoflush"),
            ),
        ),
        Path(
            "bulk methods",
            ("Session.bulk_save_objects", "Session.bulk_insert_mappings", "Session.bulk_update_mappings"),
        ),
        Path("ORM bulk INSERT and UPDATE"),
        Path("ORM UPDATE and DELETE", ("Query.update", "Query.delete")),
        Path("INSERT, UPDATE as SQL"),
        Path("DELETE, TRUNCATE"),
        Path("upsert, excluded"),
        Path("UPDATE FROM, MERGE"),
        Path("a covered value copied to where nobody guards it"),
        Path("a plain value into a sealed column"),
        Path("rows that change hands"),
    ),
    "Naming a column in SQL": (
        Path("a column by its name", ("Connection.execute", "Connection.scalar", "Connection.scalars")),
        Path("*"),
        Path("column alias lists"),
        Path("subqueries, CASE, LATERAL, CTE"),
        Path("set operations"),
        Path("windows, filters, aggregates"),
        Path("RETURNING"),
        Path("row values, whole rows"),
        Path("comments and odd quoting"),
        Path("names that hide other names"),
        Path("several statements in one string", columns=POSTGRESQL),
        Path("NATURAL and USING joins"),
        Path("COPY", columns=POSTGRESQL),
        Path("TABLE", columns=POSTGRESQL),
        Path("JSON, arrays, XML, text search", columns=POSTGRESQL),
    ),
    "Learning without reading": (
        Path("WHERE, COUNT"),
        Path("lookup of a guessed value"),
        Path("lookup keys in the output"),
        Path("lookup keys compared"),
        Path("lookup keys grouped"),
        Path("lookup slots in text SQL"),
        Path("lookup keys copied elsewhere"),
        Path("EXISTS, IN"),
        Path("ORDER BY"),
        Path("GROUP BY, DISTINCT"),
        Path("JOIN"),
        Path("LIMIT"),
        Path("row counts of changes"),
        Path("error messages", columns=POSTGRESQL),
        Path("unique violations"),
        Path("EXPLAIN, EXPLAIN ANALYZE"),
        Path("statistics, system views"),
    ),
    "Own rows only": (
        Path("others' rows by a condition"),
        Path("others' rows by a join or subquery"),
        Path("others' rows in memory"),
    ),
    "Rows that a rule leaves": (
        Path("restricted rows by a statement"),
        Path("restricted rows by SQL that carries no rule"),
        Path("restricted rows between accesses"),
    ),
    "What the database keeps or runs": (
        Path("views, named anew or changed"),
        Path("materialized views, partitions, heirs", columns=POSTGRESQL),
        Path("CREATE TABLE AS, SELECT INTO"),
        Path("RENAME, another schema, search_path"),
        Path("generated columns and defaults"),
        Path("triggers on other tables"),
        Path("triggers on the table itself"),
        Path("a foreign key to a personal column"),
        Path("rules and row policies", columns=POSTGRESQL),
        Path("functions, aggregates, procedures", columns=POSTGRESQL),
        Path("operators, casts, domains", columns=POSTGRESQL),
        Path("functions that run or read a string", columns=POSTGRESQL),
        Path("PREPARE, EXECUTE, DECLARE, DO", columns=POSTGRESQL),
        Path("indexes over the column", columns=POSTGRESQL),
        Path("files, other databases, replication"),
        Path("modules and search tables", columns=SQLITE),
        Path("writable_schema", columns=SQLITE),
        Path("roles and settings", columns=POSTGRESQL),
    ),
    "Connections and listeners": (
        Path("driver SQL", ("Connection.exec_driver_sql",)),
        Path("the connection of a session", ("Session.connection",)),
        Path("copies of an engine, AUTOCOMMIT", ("Engine.execution_options", "Connection.execution_options")),
        Path("streamed rows"),
        Path("savepoints", ("Session.begin_nested", "Connection.begin_nested")),
        Path("two-phase", ("Session.prepare", "Connection.begin_twophase"), POSTGRESQL),
        Path("binds of a session", ("Session.bind_mapper", "Session.bind_table", "Session.get_bind")),
        Path("horizontal sharding"),
        Path("a cached statement under another purpose"),
        Path("a cache of results in do_orm_execute"),
        Path("a listener that changes the statement"),
        Path("a listener that changes the SQL"),
        Path("an element that compiles to what it likes"),
        Path("echo and logs"),
        Path("AsyncSession.stream", ("AsyncSession.stream", "AsyncSession.stream_scalars"), ASYNC),
        Path("AsyncConnection.stream", ("AsyncConnection.stream", "AsyncConnection.stream_scalars"), ASYNC),
        Path("run_sync", ("AsyncSession.run_sync", "AsyncConnection.run_sync"), ASYNC),
        Path("AsyncAttrs", columns=ASYNC),
    ),
    "Past the gate": (
        Path("raw_connection", ("Engine.raw_connection", "AsyncEngine.raw_connection")),
        Path(
            "cursor of the driver", ("Connection.connection", "AsyncConnection.get_raw_connection", "Connection.detach")
        ),
        Path("a listener that runs SQL of its own"),
        Path("a second engine"),
        Path("a sealed column on a second engine"),
        Path("values kept by Python"),
        Path("the gate taken off"),
        Path("the memory of the process"),
    ),
}

#: By name.
PATHS: Final[dict[str, Path]] = {path.name: path for section in SECTIONS.values() for path in section}
