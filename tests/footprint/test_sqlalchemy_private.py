"""What SQLAlchemy does not promise, and this room relies on: a version that changes it fails here first."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import joinedload
from sqlalchemy.sql import Select
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.sql.schema import Column, Table

from sa_privacy.footprint import sqlalchemy_private as private
from tests.footprint.models import Contact, Customer, Order, Product, by_tree, compiled, loud


def test_the_select_of_an_orm_statement_is_a_core_select_of_plain_columns() -> None:
    for statement in (
        select(Customer),
        select(Customer).options(joinedload(Customer.orders)),
        select(Customer.__table__),
    ):
        found = private.core_select(compiled(statement, "sqlite"))
        assert type(found) is Select
        assert found.get_final_froms()


def test_the_froms_of_a_select_that_is_compiled_are_found_without_compiling_it_again() -> None:
    other = Customer.__table__.alias()
    for statement in (
        select(Customer).options(joinedload(Customer.orders)),
        select(Customer.name).join(Customer.orders).where(other.c.id == Customer.id),
        select(Customer.__table__.join(Order.__table__)).where(Product.id == 1),
    ):
        done = compiled(statement, "sqlite")
        found = private.core_select(done)
        assert [*private.final_froms(found, done)] == [*found.get_final_froms()]


def test_every_part_of_a_select_is_told() -> None:
    statement = (
        select(Customer.email)
        .where(Customer.id == 1)
        .group_by(Customer.tier)
        .having(func.count() > 1)
        .order_by(Customer.name)
        .limit(1)
        .offset(2)
        .distinct()
    )
    parts = private.select_parts(private.core_select(compiled(statement, "sqlite")))
    assert [len(parts[name]) for name in ("columns", "where", "group", "having", "order", "limits")] == [
        1,
        1,
        1,
        1,
        1,
        2,
    ]
    assert parts["distinct"]
    assert not private.adds_text(private.core_select(compiled(statement, "sqlite")))


@pytest.mark.parametrize(
    "statement",
    [
        select(Customer.id).prefix_with("x"),
        select(Customer.id).suffix_with("x"),
        select(Customer.id).with_hint(Customer, "INDEXED BY x", "sqlite"),
        select(Customer.id).with_statement_hint("x"),
        select(Customer.id).add_cte(select(Order.id).cte("c")),
    ],
)
def test_what_adds_text_of_its_own_is_an_extra(statement: Any) -> None:
    assert private.adds_text(statement)
    assert by_tree(compiled(statement, "sqlite")) is None


def test_a_select_has_no_parts_that_are_not_looked_at() -> None:
    known = {
        *("_raw_columns", "_where_criteria", "_group_by_clauses", "_having_criteria", "_order_by_clauses"),
        *("_limit_clause", "_offset_clause", "_distinct", "_distinct_on", "_prefixes", "_suffixes", "_hints"),
        *("_statement_hints", "_independent_ctes", "_independent_ctes_opts", "_fetch_clause", "_fetch_clause_options"),
        # found again in get_final_froms(), or without text of their own
        *("_from_obj", "_setup_joins", "_memoized_select_entities", "_correlate", "_correlate_except"),
        *("_auto_correlate", "_for_update_arg", "_with_options", "_annotations", "_label_style"),
        *(
            "_compile_options",
            "_propagate_attrs",
            "_execution_options",
            "_with_context_options",
            "_compile_state_funcs",
        ),
        *("_correlate_mode", "_params"),
        *(
            "dialect_options",
            "_pre_columns_clause",
            "_post_select_clause",
            "_post_criteria_clause",
            "_post_body_clause",
        ),
    }
    traversed = {name for name, _ in Select._traverse_internals}
    assert traversed <= known, traversed - known


def test_an_extension_clause_adds_text() -> None:
    if not hasattr(Select, "ext"):  # SQLAlchemy 2.0 knows none
        return
    from sqlalchemy.dialects import postgresql

    for columns in (Customer.__table__.c, Customer):
        statement: Any = select(columns.id)
        statement = statement.ext(postgresql.distinct_on(columns.segment))
        assert by_tree(compiled(statement, "psycopg")) is None


def test_an_annotated_element_is_seen_through() -> None:
    column = Customer.__mapper__.columns["email"]
    assert private.kind_of(Customer.email.__clause_element__()) is Column
    assert private.kind_of(column) is Column
    assert private.kind_of(Customer.__table__) is Table
    assert private.kind_of(Customer.__table__._annotate({"x": 1})) is Table


def test_a_compilation_of_ones_own_is_seen() -> None:
    class Marked(ColumnElement[str]):
        inherit_cache = True

    assert not private.custom_compilation(Marked)

    @compiles(Marked)
    def render(*_: Any, **__: Any) -> str:
        return "email"

    assert private.custom_compilation(Marked)


def test_a_type_with_sql_of_its_own_is_seen() -> None:
    assert private.type_changes_sql(loud.c.name.type)
    assert not private.type_changes_sql(Customer.__table__.c.email.type)


def test_binds_are_found_by_what_stands_in_the_text() -> None:
    statement = select(Customer.id).where(Customer.id.in_([1, 2]), Customer.email == "x", Customer.tier == "y")
    by_mark = private.bind_names_in_text(compiled(statement, "sqlite"))
    assert by_mark == {0: "id_1", 1: "email_1", 2: "tier_1"}
    # A list takes no number: it is numbered when it is filled in.
    by_number = private.bind_names_in_text(compiled(statement, "asyncpg"))
    assert by_number == {0: "email_1", 1: "tier_1"}


def test_the_name_of_an_alias_is_the_one_in_the_text() -> None:
    unnamed, named = Product.__table__.alias(), Product.__table__.alias("p")
    result = compiled(select(unnamed.c.id, named.c.id), "sqlite")
    assert private.name_of_alias(result, unnamed) == "products_1"
    assert "AS products_1" in result.string
    assert private.name_of_alias(result, named) == "p"


def test_an_escaped_bind_is_found_under_its_own_name() -> None:
    table = Table("t", Customer.metadata, Column("a (b)"), extend_existing=True)
    result = compiled(insert(table), "psycopg", column_keys=["a (b)"])
    assert "a (b)" in private.bind_names_in_text(result).values()


def test_a_text_that_is_filled_in_later_is_seen() -> None:
    plain = compiled(select(Contact.id), "psycopg")
    assert not private.decorated(plain)
    assert private.decorated(compiled(select(Contact.id), "psycopg", schema_translate_map={"crm": "x"}))
    assert private.decorated(compiled(select(select(Contact.id).cte().c.id), "psycopg"))


def test_the_columns_of_a_result_are_counted_as_they_are_rendered() -> None:
    assert private.count_of_results(compiled(select(Customer.id, Customer.name, func.count()), "sqlite")) == 3
    assert private.count_of_results(compiled(select(Customer.__table__), "sqlite")) == len(Customer.__table__.c)
