"""Tables and views that the mapped metadata does not know: what the database says of them, and system relations."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, Protocol

__all__ = ["Code", "Foreign", "Relation", "RelationKind", "Relations", "system_relation"]

RelationKind = Literal["table", "view", "missing", "system", "unknown"]


@dataclass(frozen=True, slots=True)
class Code:
    """What the database runs by itself when rows are written: a trigger, a rule, a function in a default or check.

    :param name: of the trigger, rule or function.
    :param text: its definition.
    :param schema: of its table; None where the database knows no schemas.
    :param table: the table whose rows set it off: the one that is written, or one whose rows go or change with them.
    """

    name: str
    text: str
    schema: str | None
    table: str


@dataclass(frozen=True, slots=True)
class Relation:
    """What a name stands for in the database.

    :param kind: ``table`` (it keeps rows of its own), ``view`` (also a materialized one, and the partition or heir of
        another table: their rows come from elsewhere), ``missing``, ``system``, or ``unknown`` (nobody could ask).
    :param definition: for a view, its SELECT as the database keeps it.
    :param columns: for a view, the names of its columns in order; empty where they are those of the definition.
    :param code: what the database runs by itself when its rows are written.
    :param refers: the columns that its foreign keys refer to, as ``(schema, table, column)``.
    """

    kind: RelationKind
    definition: str | None = None
    columns: tuple[str, ...] = ()
    code: tuple[Code, ...] = ()
    refers: tuple[tuple[str | None, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Foreign:
    """An operator, cast or domain by which a function that is not PostgreSQL's own runs unnamed.

    :param kind: ``operator``; ``cast`` (to ``name``, where the statement says so); ``implicit`` (a cast that needs no
        word); ``type`` (a domain whose check calls the function).
    :param name: of the operator or type.
    :param function: the function, ``"schema.name"``.
    """

    kind: Literal["operator", "cast", "implicit", "type"]
    name: str
    function: str


class Relations(Protocol):
    """Asks the database about names. Implementations cache, for one statement."""

    def lookup(self, schema: str | None, name: str) -> Relation:
        """What the name, as the database folds it, stands for."""

    def columns(self, schema: str | None, name: str) -> tuple[str, ...] | None:
        """The names of all real columns in order, or None where that is not known."""

    def overloaded(self, functions: Collection[str]) -> frozenset[str]:
        """Those of the names that a function made by users of the database bears: it may be the one that is called."""

    def foreign(self) -> tuple[Foreign, ...]:
        """The operators, casts and domains that run functions made by users of the database."""


_PG_HARMLESS: Final = frozenset(
    [
        "pg_aggregate",
        "pg_am",
        "pg_amop",
        "pg_amproc",
        "pg_attrdef",
        "pg_attribute",
        "pg_auth_members",
        "pg_available_extension_versions",
        "pg_available_extensions",
        "pg_cast",
        "pg_class",
        "pg_collation",
        "pg_config",
        "pg_constraint",
        "pg_conversion",
        "pg_database",
        "pg_db_role_setting",
        "pg_default_acl",
        "pg_depend",
        "pg_description",
        "pg_enum",
        "pg_event_trigger",
        "pg_extension",
        "pg_file_settings",
        "pg_foreign_data_wrapper",
        "pg_foreign_server",
        "pg_foreign_table",
        "pg_group",
        "pg_index",
        "pg_indexes",
        "pg_inherits",
        "pg_init_privs",
        "pg_language",
        "pg_locks",
        "pg_matviews",
        "pg_namespace",
        "pg_opclass",
        "pg_operator",
        "pg_opfamily",
        "pg_partitioned_table",
        "pg_policies",
        "pg_policy",
        "pg_prepared_xacts",
        "pg_proc",
        "pg_publication",
        "pg_publication_rel",
        "pg_publication_tables",
        "pg_range",
        "pg_rewrite",
        "pg_roles",
        "pg_rules",
        "pg_seclabel",
        "pg_seclabels",
        "pg_sequence",
        "pg_sequences",
        "pg_settings",
        "pg_shdepend",
        "pg_shdescription",
        "pg_statio_all_indexes",
        "pg_statio_all_tables",
        "pg_statio_user_indexes",
        "pg_statio_user_tables",
        "pg_stat_all_indexes",
        "pg_stat_all_tables",
        "pg_stat_user_indexes",
        "pg_stat_user_tables",
        "pg_stat_database",
        "pg_tables",
        "pg_tablespace",
        "pg_timezone_abbrevs",
        "pg_timezone_names",
        "pg_transform",
        "pg_trigger",
        "pg_ts_config",
        "pg_ts_config_map",
        "pg_ts_dict",
        "pg_ts_parser",
        "pg_ts_template",
        "pg_type",
        "pg_user",
        "pg_views",
    ]
)
_SQLITE_HARMLESS: Final = frozenset(
    {"sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema", "sqlite_sequence"}
)
_SQLITE_REFUSED: Final = re.compile(
    r"sqlite_|dbstat$|pragma_|fts\d?vocab$|bytecode$|tables_used$|fsdir$|zipfile$|csv$|completion$|carray$"
)
_PRAGMA_TABLES: Final = frozenset(
    [
        "pragma_table_info",
        "pragma_table_xinfo",
        "pragma_table_list",
        "pragma_index_list",
        "pragma_index_info",
        "pragma_index_xinfo",
        "pragma_foreign_key_list",
        "pragma_database_list",
        "pragma_collation_list",
        "pragma_compile_options",
        "pragma_function_list",
        "pragma_module_list",
        "pragma_pragma_list",
        "pragma_user_version",
        "pragma_foreign_keys",
        "json_each",
        "json_tree",
        "generate_series",
    ]
)


def system_relation(schema: str | None, name: str, dialect: str) -> bool | None:
    """True for a system relation that tells of structure only, False for one that may hold or show rows or
    statements of others, None for a relation that is not the system's.
    """
    name = name.lower()
    schema = schema.lower() if schema else None
    if dialect == "sqlite":
        if name in _SQLITE_HARMLESS or name in _PRAGMA_TABLES:
            return True
        return False if _SQLITE_REFUSED.match(name) else None
    if schema == "information_schema":
        return name not in {"user_mapping_options", "foreign_server_options", "foreign_table_options"}
    if schema == "pg_catalog" or (schema is None and name.startswith("pg_")):
        return name in _PG_HARMLESS
    if schema is not None and schema.startswith("pg_toast"):
        return False
    return None
