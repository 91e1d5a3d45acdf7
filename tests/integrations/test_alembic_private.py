"""What the Alembic face uses of Alembic without its promise. A release that changes it has to fail here."""

from __future__ import annotations

import pytest
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table

from sa_privacy.integrations.alembic.alembic_private import last_in_line, new_names, rendered_type


def test_types_are_rendered_as_alembic_does() -> None:
    context = AutogenContext(
        MigrationContext.configure(dialect_name="sqlite"),
        opts={"sqlalchemy_module_prefix": "sa.", "user_module_prefix": None, "render_item": None},
    )
    assert rendered_type(String(5), context) == "sa.String(length=5)"


@pytest.mark.backends("sqlite")
def test_a_batch_tells_which_columns_it_renames(engine: Engine) -> None:
    made = MetaData()
    Table("people", made, Column("id", Integer), Column("age", Integer))
    made.create_all(engine)
    with engine.begin() as connection:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("people") as batch:
            batch.alter_column("id", nullable=False)
            batch.alter_column("age", new_column_name="years")
            assert new_names(batch) == {"age": "years"}


def test_comparators_can_be_put_behind_alembics() -> None:
    """Nothing to say before 1.18; a priority since."""
    assert set(last_in_line()) <= {"priority"}
