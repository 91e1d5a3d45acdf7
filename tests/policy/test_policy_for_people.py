"""What a policy says only so that people are told: contacts, what ways and clocks are called."""

from __future__ import annotations

from typing import Any

import pytest

from sa_privacy import PolicyError
from sa_privacy.policy import Policy
from sa_privacy.policy.writing import as_sections, as_toml

HEAD: dict[str, Any] = {
    "policy": {"id": "p", "version": "1", "languages": ["en", "ja"]},
    "categories": {"email": {}},
    "purposes": {"mail": {"use": ["email"]}},
    "clocks": {"last": {"table": "customers", "sql": "customers.seen_on"}},
}
SCHEDULE = {"table": "customers", "clock": "seen_on", "period": "P1Y", "action": "delete"}
SAID: dict[str, Any] = {
    "contact": {"address": {"en": "Osaka", "ja": "大阪"}, "complaints": "06-0000-0000"},
    "requests": {"identity": ["card"], "identity_words": {"card": {"en": "a card", "ja": "証明書"}}},
    "retention": {"customers": {**SCHEDULE, "since": {"en": "the visit", "ja": "ご利用日"}}},
}


def test_it_is_said_in_every_language_and_written_down_again() -> None:
    policy = Policy(**HEAD, **SAID)
    assert policy.contact is not None
    assert policy.contact.address["ja"] == "大阪"
    assert policy.contact.complaints == {"en": "06-0000-0000", "ja": "06-0000-0000"}
    assert policy.contact.representative == {}
    assert Policy.loads(as_toml(as_sections(policy))).hash == policy.hash
    assert policy.hash != Policy(**HEAD, **{**SAID, "contact": {"address": "Kyoto"}}).hash


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"contact": {"adress": "x"}}, 'did you mean "address"'),
        ({"contact": {"address": {"en": "x"}}}, "is missing in ja"),
        ({"requests": {"identity": ["card"], "identity_words": {"crad": "x"}}}, "identity_words.crad: unknown key"),
        ({"retention": {"customers": {**SCHEDULE, "clock": "last", "since": "x"}}}, "has a title of its own"),
    ],
)
def test_what_does_not_fit_is_a_fault(said: dict[str, Any], told: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(**HEAD, **said)
    assert told.lower() in str(caught.value).lower()
