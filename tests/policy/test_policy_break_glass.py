"""Which roles may break the glass, for what and for how long: read, checked, written and hashed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sa_privacy import Policy, PolicyError, RoleDenied
from sa_privacy.policy.writing import as_sections, as_toml

SECTIONS: dict[str, Any] = {
    "policy": {"id": "p", "version": "1"},
    "categories": {"name": {}},
    "purposes": {name: {"read": ["name"]} for name in ("inquiries", "shipping", "campaigns")},
}
SUPPORT: dict[str, Any] = {"purposes": ["inquiries"], "break_glass": ["shipping"], "break_glass_for": "PT1H30M"}


def policy(**roles: dict[str, Any]) -> Policy:
    return Policy(**SECTIONS, roles=roles)


def test_a_role_may_break_the_glass_for_some_purposes_and_some_time() -> None:
    made = policy(support=SUPPORT, night={"break_glass": ["campaigns"], "break_glass_for": "PT20M"})
    assert made.break_glass_for(["support"]) == timedelta(minutes=90)
    assert made.break_glass_for(["support", "night"]) == timedelta(minutes=20), "the shorter one"
    assert made.grant(["shipping"], ["support"], break_glass=True).covers("read", "name")
    assert made.grant(["inquiries"], ["support"], break_glass=True) is not made.grant(["inquiries"], ["support"])
    with pytest.raises(RoleDenied, match="In an emergency"):
        made.grant(["shipping"], ["support"])
    with pytest.raises(RoleDenied):
        made.grant(["campaigns"], ["support"], break_glass=True)
    with pytest.raises(RoleDenied, match="night, support may"):
        made.break_glass_for(["nobody"])


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("PT30M", 1800), ("PT2H", 7200), ("PT90S", 90), ("P1D", 86400), ("PT1H30M", 5400), ("PT0H1M", 60)],
)
def test_a_time_is_written_as_in_iso_8601(said: str, seconds: int) -> None:
    made = policy(support=SUPPORT | {"break_glass_for": said})
    assert made.roles["support"].break_glass_for == seconds


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no time": ({"break_glass_for": None}, "says not for how long"),
    "no purposes": ({"break_glass": None}, "says for how long, but not for what"),
    "nothing": ({"break_glass_for": "PT0M"}, "more than nothing"),
    "two days": ({"break_glass_for": "P2D"}, "a day at most"),
    "words": ({"break_glass_for": "half an hour"}, 'as in "PT30M"'),
    "empty": ({"break_glass_for": "P"}, 'as in "PT30M"'),
    "a bare T": ({"break_glass_for": "PT"}, 'as in "PT30M"'),
    "a number": ({"break_glass_for": 30}, "must be text"),
    "an unknown purpose": ({"break_glass": ["shiping"]}, 'Did you mean "shipping"'),
    "its own purpose": ({"break_glass": ["inquiries"]}, "among its purposes already"),
    "anonymous": ({"anonymous": True}, "nobody would know who broke the glass"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_meant_is_a_fault_in_its_place(name: str) -> None:
    said, words = FAULTS[name]
    role = {key: value for key, value in (SUPPORT | said).items() if value is not None}
    with pytest.raises(PolicyError, match=words) as caught:
        policy(support=role)
    assert "roles.support" in str(caught.value)


def test_it_is_written_as_it_was_read_and_counts_for_the_hash_where_it_is_said() -> None:
    made = policy(support=SUPPORT)
    again = Policy.loads(as_toml(as_sections(made)))
    assert again.hash == made.hash
    assert again.roles == made.roles
    plain = policy(support={"purposes": ["inquiries"]})
    longer = policy(support=SUPPORT | {"break_glass_for": "PT2H"})
    assert len({made.hash, plain.hash, longer.hash}) == 3
