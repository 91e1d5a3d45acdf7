"""Consent to a purpose, and rules of rows, hold for what is given away, too."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, UnknownPerson
from tests.customers import giving
from tests.customers.disclosure.acting import EVERYBODY, as_warehouse
from tests.customers.giving import ANN, BO, customers
from tests.support.databases import Database


@pytest.mark.parametrize(("consent", "given"), [("opt_in", [1]), ("opt_out", [1, 3])])
def test_only_those_whom_the_purpose_reaches_are_given(
    database: Database, log: AccessLog, consent: str, given: list[int]
) -> None:
    with giving.shop(database, policy=giving.asking(consent), log=log) as (privacy, engine), Session(engine) as session:
        with privacy.access("everything", actor="staff:1", role="clerk"):
            privacy.consents.give(session, ("customer", ANN), "campaigns", how="web", language="en")
            privacy.consents.refuse(session, ("customer", BO), "campaigns", how="web")
            session.commit()
        with privacy.access("campaigns", actor="staff:1", role="marketing"):
            letters = privacy.disclose(session, to="printer", subjects=EVERYBODY, categories=["name"], format="csv")
            session.commit()
    assert [int(line.partition(",")[0]) for line in letters.data.decode().splitlines()[1:]] == given
    assert letters.left_out == {"no_consent": 3 - len(given)}
    bo = giving.KEYS.pseudonym_key().of("customer", BO)
    assert not [one for one in log.events() if "customers.name" in one.reads and bo in (one.subjects or ())]


def test_people_whom_the_role_does_not_reach_are_not_there_for_it(database: Database, log: AccessLog) -> None:
    with giving.shop(database, log=log) as (privacy, engine), Session(engine) as session:
        privacy.restrict(giving.Customer, role="warehouse", where=lambda c, _: c.id == ANN)
        with as_warehouse(privacy):
            given = privacy.disclose(session, to="delivery", subjects=customers(ANN), categories=["name", "address"])
            session.commit()
            assert b"1 High Street, back door" in given.data
            with pytest.raises(UnknownPerson):
                privacy.disclose(session, to="delivery", subjects=customers(ANN, BO), categories="name")
