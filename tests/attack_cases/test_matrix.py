"""The bypass matrix is whole: nothing is unclassified, unproved or out of date."""

from __future__ import annotations

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Load, Query, Session

from tests.attack_cases.matrix import BEYOND, DENIED, DOCUMENT, cells, written
from tests.attack_cases.paths import COLUMNS, PATHS, SECTIONS
from tests.attack_cases.ways import ENDS, ways_of

#: Methods that read, match and write nothing of rows, by what they do instead.
HARMLESS = {
    "Session": {
        "begins, ends and names transactions": """
            begin in_transaction in_nested_transaction get_transaction get_nested_transaction invalidate is_active""",
        "closes every session": "close_all",
        "builds, tells of and options": """
            dispatch info identity_key object_session deleted new execution_options connection_callable""",
    },
    "Query": {
        "builds a statement that is judged when it runs": """
            allows_lambda apply_labels correlate enable_assertions enable_eagerloads execution_options ext get_children
            get_execution_options get_label_style limit offset slice only_return_tuples tuples options params
            reset_joinpoint set_label_style with_labels with_session with_transformation whereclause column_descriptions
            dispatch supports_execution uses_inspection is_delete is_dml is_from_statement is_insert is_select
            is_single_entity is_text is_update lazy_loaded_from load_options logger logging_name memoized_attribute
            memoized_instancemethod""",
    },
    "Load": {
        "builds a statement that is judged when it runs": """
            additional_source_entities context get_children inherit_cache options path process_compile_state
            process_compile_state_replaced_entities propagate_to_loaders""",
    },
    "Connection": {
        "begins, ends and names transactions": """
            begin commit rollback close closed commit_prepared rollback_prepared recover_twophase get_transaction
            get_nested_transaction in_transaction in_nested_transaction invalidate invalidated get_isolation_level
            default_isolation_level should_close_with_result""",
        "builds, tells of and options": "dispatch info get_execution_options schema_for_object",
    },
    "Engine": {
        "hands connections out, tells of and options": """
            begin connect clear_compiled_cache dispatch dispose driver echo engine get_execution_options logging_name
            name update_execution_options""",
    },
}
#: The async classes hand each method on to the sync one of the same name.
SYNC_OF = {"AsyncSession": Session, "AsyncConnection": Connection, "AsyncEngine": Engine}
ONLY_ASYNC = {
    "AsyncSession": {
        "aclose",
        "autoflush",
        "bind",
        "binds",
        "close_all",
        "get_async_bind",
        "identity_map",
        "sync_session_class",
    },
    "AsyncConnection": {"aclose", "dialect", "engine", "start", "sync_connection", "sync_engine"},
    "AsyncEngine": {"dialect", "pool", "sync_engine", "url"},
}


def test_every_public_method_of_sqlalchemy_that_leads_to_rows_is_on_a_path() -> None:
    """A method that a later version adds fails this, until somebody has looked at where it leads."""
    named = {name for path in PATHS.values() for name in path.api}
    unclassified = set()
    for class_ in (Session, Query, Load, Connection, Engine, AsyncSession, AsyncConnection, AsyncEngine):
        kind = class_.__name__
        known = {name.partition(".")[2] for name in named if name.startswith(f"{kind}.")}
        known |= {word for words in HARMLESS.get(kind, {}).values() for word in words.split()}
        known |= ONLY_ASYNC.get(kind, set()) | {name for name in dir(SYNC_OF.get(kind)) if kind in SYNC_OF}
        unclassified |= {f"{kind}.{name}" for name in dir(class_) if not name.startswith("_") and name not in known}
    assert not unclassified


def test_every_path_is_proved_wherever_there_is_one() -> None:
    proved = cells()
    proved = {cell: proof for cell, proof in proved.items() if cell[0] in PATHS}
    wanted = {(path.name, column) for path in PATHS.values() for column in path.columns}
    assert not wanted - set(proved), "no case tries these"
    assert not set(proved) - wanted, "cases try what the catalogue does not know"


def test_every_case_is_classified() -> None:
    for module in (*DENIED, *BEYOND):
        ways = ways_of(module)
        assert ways, module.__name__
        for way in ways:
            assert way.path in PATHS, f"{module.__name__} says along no path of paths.py that it goes: {way.path!r}"
            assert way.ends, f"{module.__name__} does not say how it ends"
            assert set(way.ends) <= set(ENDS), module.__name__
            past = bool({"wall", "nothing"} & set(way.ends))
            assert past <= (module in BEYOND), f"{module.__name__}: what goes past the gate belongs in beyond/"


def test_a_path_has_one_name_and_stands_in_the_order_of_the_columns() -> None:
    assert sum(len(paths) for paths in SECTIONS.values()) == len(PATHS)
    for path in PATHS.values():
        assert path.columns == tuple(column for column in COLUMNS if column in path.columns), path.name


def test_the_matrix_of_the_threat_model_is_up_to_date() -> None:
    """`python -m tests.attack_cases.matrix` writes it."""
    document = DOCUMENT.read_text(encoding="utf-8")
    assert document == written(document)
