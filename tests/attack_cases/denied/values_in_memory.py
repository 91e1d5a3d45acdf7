"""Objects that a wider purpose has filled, in every state and copied in every way, read under a narrower one."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext import serializer
from sqlalchemy.ext.indexable import index_property
from sqlalchemy.orm import Session, make_transient, make_transient_to_detached
from sqlalchemy.orm.loading import merge_frozen_result

from tests.attack_cases.case import Case
from tests.attack_cases.ways import Way, left_out, refused
from tests.attack_cases.world import Base, Customer

purposes = (None,)
PEOPLE = select(Customer).order_by(Customer.id)
SIZE: Any = index_property("profile", "size")
Handed = Callable[[Case, Customer], Any]


def handed(change: Handed, *looks: Callable[[Any], Any], end: Callable[[Any], Way] = refused) -> Way:
    """Loads somebody under "campaigns", does something with them, and looks under "shipping" and under nothing."""

    def attack(case: Case) -> object:
        with case.access("campaigns"):
            person = case.session.get_one(Customer, 1)
            assert person.email
            assert person.points
            theirs = change(case, person)
        loot = case.each(*(lambda look=look: look(theirs) for look in looks))
        with case.access("shipping"):
            return [*loot, *case.each(*(lambda look=look: look(theirs) for look in looks))]

    return end(attack)


def email(person: Customer) -> object:
    return person.email


def points(person: Customer) -> object:
    return person.points


def expunged(case: Case, person: Customer) -> Customer:
    case.session.expunge(person)
    return person


def transient(case: Case, person: Customer) -> Customer:
    make_transient(person)
    make_transient_to_detached(person)
    make_transient(person)
    return person


def changed(case: Case, person: Customer) -> Customer:
    person.email = "new"
    person.points = 1
    return person


def merged(case: Case, person: Customer) -> Customer:
    with Session(case.engine) as other:
        return other.merge(person, load=False)


def thawed(case: Case) -> object:
    with case.access("campaigns"), case.session.no_autoflush:
        kept = case.session.execute(PEOPLE).freeze()
    with case.access("sign_in"), Session(case.engine) as other:
        again = merge_frozen_result(other, PEOPLE, kept, load=False)  # type: ignore[no-untyped-call]
        return [vars(row[0]) for row in again()], kept.data


def fetched_after(case: Case) -> object:
    with case.access("campaigns"):
        rows = case.session.execute(PEOPLE), case.session.execute(select(Customer.id, Customer.email))
    return case.each(rows[0].all, rows[1].all)


def fetched_inside(case: Case) -> object:
    with case.access("campaigns"):
        rows = case.session.execute(PEOPLE)
        with case.access("sign_in"):
            return [vars(row[0]).copy() for row in rows]


paths = {
    "an object under a narrower access": handed(lambda _, person: person, email, points, lambda person: person.contact),
    "detached objects": handed(expunged, email, points),
    "make_transient": handed(transient, email, points),
    "merge": handed(merged, email, points),
    "a changed or replaced value in the history": handed(
        changed, lambda person: vars(person)["_sa_instance_state"].attrs.points.history.deleted, end=left_out
    ),
    "ext.indexable, ext.mutable": handed(
        lambda _, person: person, lambda person: person.profile, lambda person: SIZE.__get__(person, Customer)
    ),
    "pickle, copy, ext.serializer": handed(
        lambda _, person: person,
        pickle.dumps,
        lambda person: serializer.dumps([person]),  # type: ignore[no-untyped-call]
        copy.copy,
        lambda person: vars(copy.deepcopy(person)),
        lambda _: serializer.loads(serializer.dumps(PEOPLE), Base.metadata),  # type: ignore[no-untyped-call]
        end=left_out,
    ),
    "frozen results, merged results": left_out(thawed),
    "rows fetched after their access": refused(fetched_after),
    "objects fetched under a narrower access": left_out(fetched_inside),
}
