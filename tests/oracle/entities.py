"""Draws ORM statements: entities, aliases of them, relationships, inheritance, options, and bulk changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, Text, delete, func, insert, inspect, select, update
from sqlalchemy.orm import (
    Bundle,
    aliased,
    contains_eager,
    defer,
    joinedload,
    load_only,
    selectinload,
    subqueryload,
    undefer,
    with_polymorphic,
)

from tests.oracle.expressions import Level, Source
from tests.oracle.world import Clerk, Contact, Guest, Order, Person, PersonalTag, Product, Tag

if TYPE_CHECKING:
    from tests.oracle.statements import Statements

__all__ = ["entity_query", "entity_source"]

_ENTITIES: Final = (Product, Tag, Person, Order, Clerk, Guest, Contact, PersonalTag)
#: What leads from one entity to others.
_LEADS: Final[dict[Any, tuple[str, ...]]] = {
    Person: ("orders", "boss", "team"),
    Clerk: ("orders", "boss", "team"),
    Guest: ("orders", "boss", "team"),
    Order: ("person", "product"),
}


def entity_source(entity: Any) -> Source:
    """An entity, or an alias of one, its attributes sorted by what they hold."""
    found: list[Any] = [getattr(entity, attribute.key) for attribute in inspect(entity).mapper.column_attrs]
    texts = [one for one in found if isinstance(one.type, Text)]
    return Source(entity, {"text": texts, "int": [one for one in found if isinstance(one.type, Integer)]}, entity=True)


def entity_query(drawing: Statements) -> Any:
    """One ORM statement."""
    pick = drawing.below(12)
    if pick == 11:
        return _bulk(drawing)
    if pick == 10:
        return _polymorphic(drawing)
    if pick == 9:
        return _from_subquery(drawing)
    entity = drawing.one(_ENTITIES)
    chosen = aliased(entity) if drawing.chance(25) else entity
    level = Level([entity_source(chosen)])
    query = _shown(drawing, chosen, level)
    leads = _LEADS.get(entity, ())
    if leads and drawing.chance(40):
        query = _joined(drawing, query, chosen, drawing.one(leads), level)
    elif leads and drawing.chance(40):
        query = _optioned(drawing, query, chosen, drawing.one(leads))
    if drawing.chance(50):
        query = query.where(_condition(drawing, chosen, leads, level))
    if drawing.chance(25):
        query = query.order_by(drawing.column(level, drawing.kind(), here=True))
    return query.limit(3) if drawing.chance(20) else query


def _shown(drawing: Statements, entity: Any, level: Level) -> Any:
    """The select list: mostly the entity."""
    pick = drawing.below(8)
    if pick == 7:
        return select(func.count()).select_from(entity)
    if pick == 6:
        return select(Bundle("b", drawing.column(level, "int"), drawing.column(level, "text")))
    if pick == 5:
        return select(entity, drawing.expression(level, drawing.kind(), 1).label("k0"))
    if pick == 4:
        return select(drawing.expression(level, drawing.kind(), 2).label("k0")).select_from(entity)
    return select(entity)


def _joined(drawing: Statements, query: Any, entity: Any, lead: str, level: Level) -> Any:
    relationship = getattr(entity, lead)
    other = aliased(relationship.property.mapper.class_)
    level.sources.append(entity_source(other))
    joined = query.join(relationship.of_type(other), isouter=drawing.chance(40))
    if drawing.chance(30) and query.column_descriptions and query.column_descriptions[0]["entity"] is entity:
        return joined.options(contains_eager(relationship.of_type(other)))
    return (
        joined.add_columns(drawing.column(Level(level.sources[1:]), drawing.kind())) if drawing.chance(30) else joined
    )


def _optioned(drawing: Statements, query: Any, entity: Any, lead: str) -> Any:
    if query.column_descriptions[0]["expr"] is not entity:
        return query
    relationship = getattr(entity, lead)
    keys = [a.key for a in inspect(entity).mapper.column_attrs]
    some = [getattr(entity, key) for key in keys]
    pick = drawing.below(7)
    if pick <= 2:
        load = joinedload(relationship, innerjoin=drawing.chance(20))
        after = _LEADS.get(relationship.property.mapper.class_)
        if after and drawing.chance(30):
            load = load.joinedload(getattr(relationship.property.mapper.class_, drawing.one(after)))
        return query.options(load)
    if pick == 3:
        return query.options(drawing.one([selectinload, subqueryload])(relationship))
    if pick == 4:
        return query.options(load_only(drawing.one(some)))
    if pick == 5:
        return query.options(defer(drawing.one(some)))
    return query.options(undefer("*"))


def _condition(drawing: Statements, entity: Any, leads: tuple[str, ...], level: Level) -> Any:
    if not leads or not drawing.chance(40):
        return drawing.condition(level, 2)
    relationship = getattr(entity, drawing.one(leads))
    other = entity_source(relationship.property.mapper.class_)
    asked = drawing.condition(Level([other]), 0) if relationship.property.mapper.class_ is not Person else None
    many = relationship.property.uselist
    found = (relationship.any if many else relationship.has)(*(() if asked is None else (asked,)))
    return drawing.one([found, ~found])


def _polymorphic(drawing: Statements) -> Any:
    every = with_polymorphic(
        Person,
        drawing.one(["*", [Clerk], [Guest], [Clerk, Guest]]),
        flat=drawing.chance(40),
        aliased=drawing.chance(30),
    )
    level = Level([entity_source(every)])
    query = select(every)
    return query.where(drawing.condition(level, 1)) if drawing.chance(50) else query


def _from_subquery(drawing: Statements) -> Any:
    """Entities out of a subquery, or columns of a subquery of entities."""
    entity = drawing.one(_ENTITIES)
    level = Level([entity_source(entity)])
    inner = select(entity)
    if drawing.chance(50):
        inner = inner.where(drawing.condition(level, 1))
    made: Any = inner.cte() if drawing.chance(50) else inner.subquery()
    if drawing.chance(50):
        return select(aliased(entity, made))
    shown = [c for c in made.c if isinstance(c.type, (Text, Integer))]
    query = select(*drawing.some(shown, 1 + drawing.below(2)))
    return query if drawing.chance(70) else select(func.count()).select_from(made)


def _bulk(drawing: Statements) -> Any:
    """UPDATE, DELETE and INSERT of entities."""
    entity = drawing.one((Product, Person, Order, Contact))
    source = entity_source(entity)
    level = Level([source])
    pick = drawing.below(3)
    if pick == 2:
        statement: Any = insert(entity).values(id=1)
        return statement.returning(entity) if drawing.chance(50) else statement
    if pick == 1:
        statement = delete(entity)
    else:
        attribute = drawing.column(level, drawing.kind())
        statement = update(entity).values({attribute.key: 1 if isinstance(attribute.type, Integer) else "a"})
    statement = statement.where(drawing.condition(level, 1)).execution_options(synchronize_session=False)
    return statement.returning(entity) if drawing.chance(25) else statement
