"""Narrowing: a mapped attribute that the caller's grant does not cover leaves itself out of the statement.

``MapperProperty.setup`` is where an attribute puts itself into a SELECT, whatever path led there: entity, alias, eager
and lazy loads, refresh, RETURNING. Properties over personal columns get a subclass whose ``setup`` asks first. An
attribute that was left out stays deferred, and loads by itself for an access that covers it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Column
from sqlalchemy.orm import ColumnProperty, Mapper
from sqlalchemy.sql import visitors

from sa_privacy.columns.catalogue import PersonalColumn
from sa_privacy.errors import PurposeDenied
from sa_privacy.gate.objects.mark import AWAY, MARK, owner_of
from sa_privacy.gate.refusal import refusal_of_columns
from sa_privacy.gate.sqlalchemy_private import DEFER_FOR_STATE
from sa_privacy.gate.statements.compiling import compiling

__all__ = ["SHOWN", "base_columns", "narrow_property", "widen_property"]

#: Under what a compiled statement keeps whose engine compiled it, and the names of the personal columns that it did not
#: leave out.
SHOWN: Final = "sa_privacy_shown"


def base_columns(prop: ColumnProperty[Any]) -> Iterator[Column[Any]]:
    """The table columns behind a mapped column or a ``column_property`` expression, subqueries included."""
    for expression in prop.columns:
        if isinstance(expression, Column):
            yield expression
        else:
            for element in visitors.iterate(expression):
                if isinstance(element, Column):
                    yield element


def narrow_property(prop: ColumnProperty[Any]) -> None:
    """Makes one property ask before it puts itself into a statement."""
    if not getattr(type(prop), "sa_privacy_narrows", False):
        prop.__class__ = _narrowing(type(prop))


def widen_property(prop: ColumnProperty[Any]) -> None:
    """Puts the property's own class back."""
    if getattr(type(prop), "sa_privacy_narrows", False):
        prop.__class__ = type(prop).__mro__[1]


_classes: dict[type[Any], type[Any]] = {}


def _narrowing(plain: type[ColumnProperty[Any]]) -> type[Any]:
    """The asking subclass of one property class, made once."""
    if plain in _classes:
        return _classes[plain]

    class Narrowing(plain):  # type: ignore[misc, valid-type]
        __slots__ = ()
        sa_privacy_narrows = True
        inherit_cache = True

        def merge(
            self, session: Any, source_state: Any, source_dict: Any, dest_state: Any, dest_dict: Any, *rest: Any
        ) -> None:
            key = self.key
            source, dest = source_state.__dict__.get(MARK), dest_state.__dict__.get(MARK)
            if source is not None and (key in source_dict or key in source_state.__dict__.get(AWAY, ())):
                owner = owner_of(source_state, source, key)
                if source.memory.merging.may_carry(source_state, dest_state, key):
                    super().merge(session, source_state, source_dict, dest_state, dest_dict, *rest)
                    source.memory.merging.carried(source_state, dest_state, key, owner)
                    return
                source_dict = {}  # the destination loads its own
            elif dest is not None and dest.memory.reading.is_withheld(dest_state, key, source_dict.get(key, MARK)):
                source_dict = {}
            super().merge(session, source_state, source_dict, dest_state, dest_dict, *rest)

        def setup(self, context: Any, query_entity: Any, path: Any, adapter: Any, **kwargs: Any) -> None:
            now = compiling()
            if now is not None:
                context.attributes[SHOWN] = (now.owner, now.shown)
            hidden = now.hides(base_columns(self)) if now is not None else ()
            if now is None or not hidden or _needed_by_mapper(self):
                super().setup(context, query_entity, path, adapter, **kwargs)
                return
            if now.positional:
                if now.view.grant is None:
                    raise refusal_of_columns(None, hidden)
                keys = [prop.key for prop in self.parent.column_attrs]
                every = [c for found in _hidden_by_key(self.parent, keys, now.hides).values() for c in found]
                hidden = tuple(dict.fromkeys(every))
                raise PurposeDenied(
                    f"{', '.join(f'{c.name} ({c.category})' for c in hidden)} cannot be left out of an entity that is "
                    "combined by position (UNION, INSERT FROM SELECT).",
                    hint="name the columns you need: select(Customer.id, ...).",
                    columns=[column.name for column in hidden],
                    purpose=now.view.grant.purposes,
                    roles=now.view.grant.roles,
                )
            wanted = kwargs.get("only_load_props")
            if wanted:
                refused = _hidden_by_key(self.parent, wanted, now.hides)
                columns = [key for key in set(wanted) if isinstance(self.parent.get_property(key), ColumnProperty)]
                if len(refused) == len(columns):
                    # Nothing would be left of the load, which SQLAlchemy answers with an AssertionError.
                    raise refusal_of_columns(now.view.grant, [c for found in refused.values() for c in found])
            if now.compiler.stack:
                now.left_out.update(hidden)
            kwargs["memoized_populators"][self] = DEFER_FOR_STATE

    Narrowing.__name__ = plain.__name__
    Narrowing.__qualname__ = plain.__qualname__
    return _classes.setdefault(plain, Narrowing)


def _hidden_by_key(mapper: Mapper[Any], keys: Any, hidden: Any) -> dict[str, tuple[PersonalColumn, ...]]:
    found = {}
    for key in keys:
        prop = mapper.get_property(key)
        if isinstance(prop, ColumnProperty) and not _needed_by_mapper(prop):
            columns = hidden(base_columns(prop))
            if columns:
                found[key] = columns
    return found


def _needed_by_mapper(prop: ColumnProperty[Any]) -> bool:
    """Whether the mapper cannot do without: keys, version, discriminator. The gate then decides about the statement."""
    mapper = prop.parent
    columns = set(prop.columns)
    if columns & set(mapper.primary_key) or mapper.version_id_col in columns or mapper.polymorphic_on in columns:
        return True
    return any(columns & set(relation.local_columns) for relation in mapper.relationships)
