"""The example's policy says what the published policy says, clause by clause."""

from __future__ import annotations

from pathlib import Path

import pytest

from sa_privacy.policy import Category, Policy, Purpose, Request, Role, System, Touch, decide, denied

SHOP = Policy.load(Path(__file__).parents[2] / "examples" / "shop_app" / "privacy.toml")

CLAUSES = {
    "1-1": ("shipping", {"name", "address", "phone"}),
    "1-2": ("order_confirmation", {"name", "address", "email", "order_items", "amount"}),
    "1-3": ("campaigns", {"usage_history", "name", "address", "email"}),
    "1-4": ("service_improvement", {"usage_history", "opinions"}),
    "1-5": ("inquiries", {"name", "address", "email"}),
}


@pytest.mark.parametrize("clause", CLAUSES)
def test_a_clause_opens_its_categories_and_no_other(clause: str) -> None:
    """Article 1, word for word."""
    name, categories = CLAUSES[clause]
    purpose = SHOP.purposes[name]
    assert purpose.clause == clause
    assert purpose.read == purpose.match == purpose.write == categories
    assert purpose.dpv


def test_no_other_purpose_claims_a_clause_of_article_1() -> None:
    """What the published policy does not say is marked so."""
    assert {p.name for p in SHOP.purposes.values() if p.clause} == {name for name, _ in CLAUSES.values()}


def test_the_date_of_birth_is_open_to_its_owner_only() -> None:
    """No clause speaks of it: who registers writes it, and then nobody else reads it."""
    assert [p.name for p in SHOP.purposes.values() if "birthday" in p.read | p.match] == ["account"]
    assert [p.name for p in SHOP.purposes.values() if "birthday" in p.write] == ["account", "registration"]
    assert SHOP.purposes["account"].rows == "own"


def test_everything_has_its_words_in_both_languages() -> None:
    """The notice can be printed in English and Japanese."""
    assert SHOP.languages == ("en", "ja")
    things: list[Category | Purpose | Role | System] = [*SHOP.categories.values(), *SHOP.purposes.values()]
    things += [*SHOP.roles.values(), *SHOP.systems.values()]
    for thing in things:
        assert set(thing.title) == {"en", "ja"}
        assert thing.title["en"] != thing.title["ja"]
        assert thing.title["en"] != thing.name


@pytest.mark.parametrize(
    ("role", "purposes"),
    [
        ("warehouse", {"shipping"}),
        ("order_desk", {"order_confirmation", "shipping"}),
        ("marketing", {"campaigns"}),
        ("analyst", {"service_improvement"}),
        ("support", {"inquiries"}),
        ("customer", {"account"}),
        ("visitor", {"sign_in", "registration"}),
        ("privacy_officer", set()),
        ("engineer", set()),
    ],
)
def test_a_role_acts_for_its_own_purposes(role: str, purposes: set[str]) -> None:
    """Article 2-2: only who needs it for the work."""
    assert SHOP.roles[role].purposes == purposes
    assert SHOP.roles[role].anonymous is (role == "visitor")
    assert SHOP.roles[role].maintenance is (role in {"privacy_officer", "engineer"})


def test_a_visitor_is_looked_up_by_e_mail_and_never_read() -> None:
    """Signing in needs to find the person, no more."""
    grant = SHOP.grant(["sign_in"], [])
    email = Touch("customers.email", "email")
    assert decide(Request(grant, matches=(email,))).allowed
    assert not decide(Request(grant, reads=(email,))).allowed


def test_a_denial_in_the_shop_reads_well() -> None:
    """The first error a newcomer sees."""
    grant = SHOP.grant(["shipping"], ["warehouse"])
    error = denied(decide(Request(grant, (Touch("customers.birthday", "birthday"),))), grant)
    assert str(error) == (
        '[SP-201]: customers.birthday (birthday) may not be read for "shipping" as role "warehouse".\n'
        '  hint: open for: account. Role "warehouse" may not act for "account"; customer may. '
        "Leave the column out of the query."
    )
