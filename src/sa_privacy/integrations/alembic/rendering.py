"""How our operations are written into a migration file: names, plain types and flags, and an import of this package."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import TextClause

from sa_privacy.integrations.alembic.alembic_private import rendered_type
from sa_privacy.integrations.alembic.autogenerate import ModifySealedTableOps
from sa_privacy.integrations.alembic.indexing import CreateLookupIndexOp, DropLookupIndexOp
from sa_privacy.integrations.alembic.sealing import SealColumnOp, UnsealColumnOp

__all__: list[str] = []

_PACKAGE = "sa_privacy.integrations.alembic"


@renderers.dispatch_for(CreateLookupIndexOp)
def _create(context: AutogenContext, op: CreateLookupIndexOp) -> str:
    index = op.index
    context.imports.add(f"from {_PACKAGE} import lookup")
    columns = ", ".join(_value(part, context) for part in index.columns)
    said = [f"unique={index.unique!r}", *_where(index.schema)]
    said += ["if_not_exists=False"] * (not op.if_not_exists)
    said += [f"{key}={_value(value, context)}" for key, value in index.options.items()]
    return f"{_op(context)}create_lookup_index({index.name!r}, {index.table!r}, [{columns}], {', '.join(said)})"


@renderers.dispatch_for(DropLookupIndexOp)
def _drop(context: AutogenContext, op: DropLookupIndexOp) -> str:
    context.imports.add(f"import {_PACKAGE}")
    said = [
        repr(op.index.name),
        repr(op.index.table),
        *_where(op.index.schema),
        *["if_exists=False"] * (not op.if_exists),
    ]
    return f"{_op(context)}drop_lookup_index({', '.join(said)})"


@renderers.dispatch_for(SealColumnOp)
def _seal(context: AutogenContext, op: SealColumnOp) -> str:
    return _sealing(context, "seal_column", op)


@renderers.dispatch_for(UnsealColumnOp)
def _unseal(context: AutogenContext, op: UnsealColumnOp) -> str:
    return _sealing(context, "unseal_column", op)


def _sealing(context: AutogenContext, name: str, op: SealColumnOp | UnsealColumnOp) -> str:
    context.imports.add(f"import {_PACKAGE}")
    said = [repr(str(op.table_name)), repr(str(op.column_name)), f"type_={rendered_type(op.type_, context)}"]
    return f"{_op(context)}{name}({', '.join([*said, *_where(op.schema)])})"


@renderers.dispatch_for(ModifySealedTableOps)
def _modify(context: AutogenContext, op: ModifySealedTableOps) -> list[str]:
    lines: list[str] = list(renderers.dispatch(ops.ModifyTableOps)(context, op))
    alembics, ours = (f"with op.batch_alter{word}_table(" for word in ("", "_sealed"))
    if lines and lines[0].startswith(alembics):
        context.imports.add(f"import {_PACKAGE}")
        lines[0] = ours + lines[0].removeprefix(alembics)
    return lines


def _value(value: Any, context: AutogenContext) -> str:
    if isinstance(value, TextClause):
        return f"{context.opts['sqlalchemy_module_prefix'] or ''}text({value.text!r})"
    return repr(str(value)) if isinstance(value, str) else repr(value)


def _where(schema: str | None) -> list[str]:
    return [] if schema is None else [f"schema={str(schema)!r}"]


def _op(context: AutogenContext) -> str:
    return context.opts["alembic_module_prefix"] or ""
