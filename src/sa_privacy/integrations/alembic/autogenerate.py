"""What autogenerate sees of sealed columns: bytes without keys or policy, and lookups by what the database really has.

Two comparators run behind Alembic's own. The first one, for each table, takes back what Alembic made of lookup indexes
and of columns that are being sealed, and says it in operations of our own. The second one, for the whole script, puts
these in order around the others, and takes the policy out of new columns. It leaves out the library's own tables: no
models hold them, so Alembic would drop them, ledgers and all.
"""

from __future__ import annotations

from typing import Any, Final

from alembic.autogenerate import comparators
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Column, LargeBinary, Table, UniqueConstraint

from sa_privacy.columns.annotation import annotation_of
from sa_privacy.columns.own_tables import OWN_PREFIX
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.integrations.alembic.alembic_private import last_in_line
from sa_privacy.integrations.alembic.indexing import CreateLookupIndexOp, DropLookupIndexOp
from sa_privacy.integrations.alembic.lookups import lookups_of
from sa_privacy.integrations.alembic.sealing import SealColumnOp, UnsealColumnOp
from sa_privacy.integrations.alembic.stored import StoredLookup, lookups_in

__all__ = ["OWN_TABLES_TOO", "ModifySealedTableOps"]

OWN_TABLES_TOO: Final = "sa_privacy_own_tables_too"
"""An option of a migration context: compare the library's own tables as well."""
_BEFORE: Final = (DropLookupIndexOp, UnsealColumnOp)
_AFTER: Final = (SealColumnOp, CreateLookupIndexOp)
_SUPPORTED: Final = {"sqlite", "postgresql"}


class ModifySealedTableOps(ops.ModifyTableOps):
    """Changes of a table with lookup indexes, which a batch has to keep."""

    def reverse(self) -> ModifySealedTableOps:
        """The same, backwards."""
        return ModifySealedTableOps(
            self.table_name, ops=[op.reverse() for op in reversed(self.ops)], schema=self.schema
        )


@comparators.dispatch_for("table", **last_in_line())
def _compare_table(
    context: AutogenContext,
    modify: ops.ModifyTableOps,
    schema: str | None,
    name: str,
    stored: Table | None,
    wanted: Table | None,
) -> None:
    if context.dialect.name not in _SUPPORTED:
        return
    found = _found(context, str(name), schema) if stored is not None else {}
    if stored is not None and wanted is not None:
        looked_up = {column for lookup in found.values() for column in lookup.index.looked_up}
        modify.ops[:] = [new for op in modify.ops for new in _sealed_or_not(op, stored, wanted, looked_up)]
    _compare_lookups(context, modify, found, stored, wanted)


def _sealed_or_not(
    op: ops.MigrateOperation, stored: Table, wanted: Table, looked_up: set[str]
) -> list[ops.MigrateOperation]:
    """A change of a column's type, said as sealing or unsealing where it is that.

    :param looked_up: columns that have lookups in the database, and so are sealed there.
    """
    if not isinstance(op, ops.AlterColumnOp) or op.modify_type is None:
        return [op]
    column, before = wanted.columns[op.column_name], stored.columns[op.column_name].type
    said: SealColumnOp | UnsealColumnOp
    if isinstance(column.type, Encrypted):
        said = SealColumnOp(op.table_name, op.column_name, before, op.schema)
    elif isinstance(before, LargeBinary) and (annotation_of(column) is not None or column.name in looked_up):
        said = UnsealColumnOp(op.table_name, op.column_name, column.type, op.schema)
    else:
        return [op]
    op.modify_type = None
    return [op, said] if op.has_changes() else [said]


def _compare_lookups(
    context: AutogenContext,
    modify: ops.ModifyTableOps,
    found: dict[str, StoredLookup],
    stored: Table | None,
    wanted: Table | None,
) -> None:
    model = {} if wanted is None else lookups_of(wanted, context.dialect)
    ours = {named for lookup, _ in model.values() for named in lookup.names}
    there = {named for lookup in found.values() for named in lookup.names}
    if not ours and not there:
        return
    modify.ops[:] = [op for op in modify.ops if not _is_about(op, made=ours, dropped=there)]
    if stored is not None:
        _free_names(modify, ours - there, stored)
    late = list[ops.MigrateOperation]()
    for lookup, index in model.values():
        before = found.get(lookup.name)
        if before is not None and before.complete and before.index.is_like(lookup):
            continue
        compared = None if before is None else before.index.indexes()[0]
        if not context.run_object_filters(index, index.name, "index", False, compared):
            continue
        if before is not None:
            modify.ops.append(DropLookupIndexOp(before.index))
        late.append(CreateLookupIndexOp(lookup))
    for before in [lookup for named, lookup in found.items() if named not in model]:
        index = before.index.indexes()[0]
        if context.run_object_filters(index, index.name, "index", True, None):
            modify.ops.append(DropLookupIndexOp(before.index))
    modify.ops += late


def _found(context: AutogenContext, table: str, schema: str | None) -> dict[str, StoredLookup]:
    if context.connection is None:
        return {}
    parents: Any = {"table_name": table, "schema_name": schema}
    found = lookups_in(context.connection, table, schema)
    return {name: lookup for name, lookup in found.items() if context.run_name_filters(name, "index", dict(parents))}


def _is_about(op: ops.MigrateOperation, *, made: set[str], dropped: set[str]) -> bool:
    """Whether it is what Alembic has to say of a lookup's indexes."""
    if isinstance(op, ops.CreateIndexOp):
        return op.index_name in made
    return isinstance(op, ops.DropIndexOp) and op.index_name in dropped


def _free_names(modify: ops.ModifyTableOps, names: set[str], stored: Table) -> None:
    """Plain indexes and constraints whose names the lookups take."""
    unique = {str(item.name): item for item in stored.constraints if isinstance(item, UniqueConstraint)}
    # PostgreSQL shows the index of a constraint as well, which does not go by itself.
    modify.ops[:] = [op for op in modify.ops if not _is_about(op, made=set(), dropped=names & unique.keys())]
    indexes = {str(item.name): item for item in stored.indexes if str(item.name) not in unique}
    gone = {op.constraint_name for op in modify.ops if isinstance(op, ops.DropConstraintOp)}
    gone |= {op.index_name for op in modify.ops if isinstance(op, ops.DropIndexOp)}
    for name in sorted(names - gone):
        if name in unique:
            modify.ops.append(ops.DropConstraintOp.from_constraint(unique[name]))
        elif name in indexes:
            modify.ops.append(ops.DropIndexOp.from_index(indexes[name]))


@comparators.dispatch_for("schema", **last_in_line())
def _put_in_order(context: AutogenContext, upgrade: ops.UpgradeOps, _schemas: set[str | None]) -> None:
    if context.dialect.name not in _SUPPORTED:
        return
    ordered = list[ops.MigrateOperation]()
    own_too = context.migration_context.opts.get(OWN_TABLES_TOO, False)
    for op in upgrade.ops:
        if not own_too and _is_of_own_table(op):
            continue
        if isinstance(op, ops.CreateTableOp):
            op.columns = [_without_policy(item) for item in op.columns]
            op.info = {key: value for key, value in op.info.items() if key != "data_subject"}
            ordered.append(op)
        elif isinstance(op, ops.ModifyTableOps):
            ordered += _around(op, context)
        else:
            ordered.append(op)
    upgrade.ops[:] = ordered


def _is_of_own_table(op: ops.MigrateOperation) -> bool:
    """Whether it makes, changes or drops a table of the library itself: these have versions of their own."""
    if not isinstance(op, (ops.CreateTableOp, ops.DropTableOp, ops.ModifyTableOps)):
        return False
    return op.table_name.startswith(OWN_PREFIX)


def _around(modify: ops.ModifyTableOps, context: AutogenContext) -> list[ops.MigrateOperation]:
    """Ours outside of the others, which may be in a batch: what is dropped first, what is made last."""
    before = [op for kind in _BEFORE for op in modify.ops if isinstance(op, kind)]
    after = [op for kind in _AFTER for op in modify.ops if isinstance(op, kind)]
    others = [op for op in modify.ops if not isinstance(op, (*_BEFORE, *_AFTER))]
    for op in others:
        if isinstance(op, ops.AddColumnOp):
            op.column = _without_policy(op.column)
    between = list[ops.MigrateOperation]()
    if others:
        kept = context.connection is not None and lookups_in(context.connection, modify.table_name, modify.schema)
        kind = ModifySealedTableOps if kept else ops.ModifyTableOps
        between = [kind(modify.table_name, others, schema=modify.schema)]
    return [*before, *between, *after]


def _without_policy(item: Any) -> Any:
    """A sealed column as a migration file knows it."""
    if not (isinstance(item, Column) and isinstance(item.type, Encrypted)):
        return item
    return Column(item.name, LargeBinary(), nullable=item.nullable, comment=item.comment)
