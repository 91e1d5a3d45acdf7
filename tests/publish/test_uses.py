"""The report: what each place of an application needs, read out of the log of a real engine that observed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from sa_privacy import AccessDenied, AccessLog, Keyring, Policy, Privacy
from sa_privacy.publish import Place, Report, covering, draft_policy, read_uses
from sa_privacy.publish.cover import Known, Need
from tests.gate import world
from tests.gate.world import EVERYONE, Customer, Order

KEYS = Keyring.generate()


Declaring = Callable[[Privacy, str], AbstractContextManager[object]]


def little(privacy: Privacy, function: str) -> AbstractContextManager[object]:
    """What the application declares to begin with."""
    if function in ("labels", "purge"):
        return privacy.access("shipping", role="warehouse", route=f"GET /{function}")
    if function == "fine":
        return privacy.access("everything", role="clerk")
    return privacy.request(route="GET /listing") if function == "listing" else nullcontext()


@dataclass
class App:
    """A small application."""

    engine: Engine
    privacy: Privacy
    declare: Declaring = little

    def listing(self) -> list[str]:
        with self.declare(self.privacy, "listing"), Session(self.engine) as session:
            return [customer.name for customer in session.scalars(EVERYONE)]

    def labels(self) -> list[str]:
        with self.declare(self.privacy, "labels"), Session(self.engine) as session:
            return [f"{customer.name} {customer.email}" for customer in session.scalars(EVERYONE)]

    def birthdays(self) -> int:
        with self.declare(self.privacy, "birthdays"), Session(self.engine) as session:
            return session.scalar(select(func.count()).where(Customer.town == "Oakham")) or 0

    def purge(self) -> None:
        with self.declare(self.privacy, "purge"), Session(self.engine) as session:
            session.execute(delete(Order).where(Order.amount > 25))
            session.commit()

    def signup(self) -> None:
        with self.declare(self.privacy, "signup"), Session(self.engine) as session:
            session.add(Customer(name="Dee", email="dee@example.com", orders=[Order(amount=1)]))
            session.commit()

    def fine(self) -> None:
        with self.declare(self.privacy, "fine"), Session(self.engine) as session:
            session.execute(select(Customer.segment)).all()

    def counts(self) -> int:
        with self.declare(self.privacy, "counts"), Session(self.engine) as session:
            return len(session.scalars(EVERYONE).all())

    def all(self) -> None:
        for work in (self.listing, self.labels, self.birthdays, self.purge, self.signup, self.fine, self.counts):
            work()


@pytest.fixture
def observed(engine: Engine, tmp_path: Path) -> Iterator[tuple[App, AccessLog]]:
    """The application, observed."""
    filling = Privacy(world.POLICY, keys=KEYS, log=None, metadata=world.Base)
    filling.install(engine)
    world.fill(filling, engine)
    filling.close()
    log = AccessLog.open(tmp_path / "log")
    privacy = Privacy(world.POLICY, keys=KEYS, log=log, mode="observe", metadata=world.Base)
    privacy.install(engine)
    yield App(engine, privacy), log
    privacy.close()


def function_of(place: Place) -> str:
    return (place.site or "").rpartition(".")[2]


def place(report: Report, function: str) -> Place:
    [found] = [one for one in report.places if function_of(one) == function]
    return found


def needs(found: Place) -> list[str]:
    return sorted(map(str, found.needs))


def test_each_place_says_what_it_needs(observed: tuple[App, AccessLog]) -> None:
    app, log = observed
    app.all()
    report = read_uses(log.events(), world.POLICY)
    assert needs(place(report, "listing")) == ["read customers.name"]
    assert needs(place(report, "birthdays")) == ["match customers.town"]
    purge = place(report, "purge")
    assert needs(purge) == ["delete orders", "match orders.amount"]
    assert [(use.under.purposes, use.under.roles) for use in purge.uses.values()] == [(("shipping",), ("warehouse",))]
    assert {"read customers.email", "read customers.name"} <= set(needs(place(report, "labels")))
    fine = place(report, "fine")
    assert (needs(fine), fine.refused, fine.rows) == (["read customers.segment"], 0, 4)
    counts = place(report, "counts")
    assert (needs(counts), counts.refused, counts.times) == ([], 0, 1)
    assert {"customers.email", "customers.segment"} <= counts.loaded
    refused = [one.refused for one in report.places]
    assert refused == sorted(refused, reverse=True)


def test_routes_are_told_apart(observed: tuple[App, AccessLog]) -> None:
    app, log = observed
    app.all()
    routes = {function_of(one): one.route for one in read_uses(log.events(), world.POLICY).places}
    assert (routes["listing"], routes["labels"], routes["counts"]) == ("GET /listing", "GET /labels", None)


def test_the_draft_refuses_nothing_when_the_application_does_it_again(
    observed: tuple[App, AccessLog], tmp_path: Path
) -> None:
    app, log = observed
    app.all()
    draft = draft_policy(world.POLICY, read_uses(log.events(), world.POLICY))
    app.privacy.close()
    found: dict[str, tuple[set[str], set[str]]] = {}
    for proposal in draft.proposals:
        purposes, roles = found.setdefault(function_of(proposal.place), (set(), set()))
        purposes.update(proposal.purposes)
        roles.update(proposal.roles)
    assert set(found) == {"listing", "labels", "birthdays", "purge", "signup"}

    def as_proposed(privacy: Privacy, function: str) -> AbstractContextManager[object]:
        if function not in found:
            return little(privacy, function)
        purposes, roles = found[function]
        return privacy.access(sorted(purposes), role=sorted(roles))

    strict = AccessLog.open(tmp_path / "strict")
    privacy = Privacy(Policy.loads(draft.text), keys=KEYS, log=strict, metadata=world.Base)
    privacy.install(app.engine)
    try:
        with pytest.raises(AccessDenied):
            App(app.engine, privacy).listing()
        App(app.engine, privacy, as_proposed).all()
    finally:
        privacy.close()
    assert "allowed" in {event.decision for event in strict.events()}


# -- covering ---------------------------------------------------------------------------------------------------------

KNOWN = {"c.name": Known("name"), "c.email": Known("email"), "c.vat": Known("name", frozenset({"wide"}))}
POLICY = Policy(
    policy={"id": "x", "version": "1"},
    categories={"name": {}, "email": {}},
    purposes={
        "wide": {"use": ["name", "email"], "delete": ["c"]},
        "narrow": {"read": ["name"]},
        "other": {"read": ["name"], "match": ["name"]},
        "mail": {"read": ["email"]},
        "mine": {"read": ["name", "email"], "rows": "own"},
    },
)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], ()),
        ([Need("read", "c.name")], (("narrow",), ("other",), ("wide",))),
        ([Need("read", "c.name"), Need("read", "c.email")], (("wide",),)),
        ([Need("match", "c.name")], (("other",), ("wide",))),
        ([Need("read", "c.vat")], (("wide",),)),
        ([Need("delete", "c")], (("wide",),)),
        ([Need("delete", "d")], ()),
        ([Need("read", "c.unknown")], ()),
    ],
    ids=str,
)
def test_the_smallest_purposes_come_first(wanted: list[Need], expected: tuple[tuple[str, ...], ...]) -> None:
    assert covering(POLICY, wanted, KNOWN) == expected


def test_several_together_where_none_does_alone() -> None:
    wanted = [Need("read", "c.name"), Need("read", "c.email")]
    assert covering(POLICY, wanted, KNOWN, ["narrow", "mail", "other"]) == (("mail", "narrow"),)
    assert covering(POLICY, wanted, KNOWN, ["narrow", "mine"]) == ()
