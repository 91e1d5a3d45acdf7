"""A grant is what a set of purposes and roles may do; who may not act for a purpose gets none."""

from __future__ import annotations

import copy
import threading
from typing import Any

import pytest

from sa_privacy.errors import AccessDenied, PrivacyError, RoleDenied, UnknownPurpose, UnknownRole
from sa_privacy.policy import Grant, Policy
from sa_privacy.policy.grant import make_grant

SECTIONS: dict[str, dict[str, object]] = {
    "policy": {"id": "shop", "version": "1"},
    "categories": {"name": {}, "email": {}, "birthday": {}},
    "purposes": {
        "shipping": {"use": ["name"], "delete": ["parcels"]},
        "campaigns": {"read": ["name", "email"], "match": ["birthday"]},
        "account": {"use": ["name", "email"], "rows": "own", "delete": ["customers", "parcels"]},
        "sign_in": {"match": ["email"]},
        "stock_taking": {"read": ["name"], "rows": "own", "delete": ["parcels"]},
    },
    "roles": {
        "warehouse": {"purposes": ["shipping", "stock_taking"]},
        "marketing": {"purposes": ["campaigns"]},
        "customer": {"purposes": ["account"]},
        "visitor": {"purposes": ["sign_in"], "anonymous": True},
        "engineer": {"maintenance": True},
    },
    "systems": {"nightly": {"purposes": ["campaigns", "shipping"]}},
}
SHOP = Policy(**SECTIONS)
FREE = Policy(**{name: section for name, section in SECTIONS.items() if name != "roles"})


@pytest.mark.parametrize(
    ("policy", "purposes", "roles", "options"),
    [
        pytest.param(SHOP, ["shipping"], ["warehouse"], {}, id="a role acts for its purpose"),
        pytest.param(
            SHOP, ["shipping", "campaigns"], ["warehouse", "marketing"], {}, id="two roles act for both theirs"
        ),
        pytest.param(SHOP, ["sign_in"], [], {}, id="nobody known acts for an anonymous purpose"),
        pytest.param(SHOP, [], ["warehouse"], {}, id="a role acts for nothing yet"),
        pytest.param(SHOP, ["campaigns"], [], {"system": "nightly"}, id="a system acts for one of its purposes"),
        pytest.param(SHOP, [], ["engineer"], {"maintenance": True}, id="a role marked for it does maintenance"),
        pytest.param(SHOP, ["shipping"], ["engineer"], {"maintenance": True}, id="maintenance within another purpose"),
        pytest.param(FREE, ["shipping"], [], {}, id="without roles in the policy no role is needed"),
        pytest.param(FREE, ["shipping"], ["anyone"], {}, id="without roles in the policy any role will do"),
    ],
)
def test_is_granted(policy: Policy, purposes: list[str], roles: list[str], options: dict[str, object]) -> None:
    """These may act."""
    grant = policy.grant(purposes, roles, **options)  # type: ignore[arg-type]
    assert grant.purposes == tuple(sorted(purposes))
    assert grant.everything is bool(options.get("maintenance"))


@pytest.mark.parametrize(
    ("policy", "purposes", "roles", "options", "error", "message", "hint"),
    [
        pytest.param(
            SHOP, ["shiping"], ["warehouse"], {}, UnknownPurpose,
            'the policy "shop" knows no purpose "shiping".', 'Did you mean "shipping"?',
            id="an unknown purpose",
        ),
        pytest.param(
            SHOP, ["shipping"], ["warehuose"], {}, UnknownRole,
            'the policy "shop" knows no role "warehuose".', 'Did you mean "warehouse"?',
            id="an unknown role",
        ),
        pytest.param(
            SHOP, ["shipping"], ["warehouse", "boss"], {}, UnknownRole,
            'the policy "shop" knows no role "boss".', "Known: customer, engineer, marketing, visitor, warehouse.",
            id="an unknown role beside a known one",
        ),
        pytest.param(
            SHOP, [], [], {"system": "nightyl"}, UnknownRole,
            'the policy "shop" knows no system "nightyl".',
            'Did you mean "nightly"? A system is named in a section [systems.<name>] of the policy.',
            id="an unknown system",
        ),
        pytest.param(
            SHOP, ["campaigns"], ["warehouse"], {}, RoleDenied,
            'role "warehouse" may not act for "campaigns".',
            'marketing may. Declare privacy.access(role="marketing") if that is who acts.',
            id="a role for a purpose of another",
        ),
        pytest.param(
            SHOP, ["shipping", "campaigns"], ["warehouse"], {}, RoleDenied,
            'role "warehouse" may not act for "campaigns".',
            'marketing may. Declare privacy.access(role="marketing") if that is who acts.',
            id="a role for its own purpose and another",
        ),
        pytest.param(
            SHOP, ["shipping"], [], {}, RoleDenied,
            'nobody known (no role was declared) may not act for "shipping".',
            'warehouse may. Declare privacy.access(role="warehouse") if that is who acts.',
            id="nobody known for a purpose that is not anonymous",
        ),
        pytest.param(
            SHOP, ["sign_in"], ["warehouse"], {}, RoleDenied,
            'role "warehouse" may not act for "sign_in".',
            'visitor may. Declare privacy.access(role="visitor") if that is who acts.',
            id="a known role for an anonymous purpose that is not its own",
        ),
        pytest.param(
            SHOP, ["account"], ["customer"], {"system": "nightly"}, RoleDenied,
            'system "nightly" may not act for "account".',
            "It acts for campaigns, shipping. Add the purpose to [systems.nightly] in the policy if it must.",
            id="a system for what only its role may",
        ),
        pytest.param(
            SHOP, [], ["warehouse"], {"maintenance": True}, RoleDenied,
            'role "warehouse" may not do maintenance.', "Act as engineer.",
            id="a role that is not marked for maintenance",
        ),
        pytest.param(
            SHOP, [], [], {"system": "nightly", "maintenance": True}, RoleDenied,
            "nobody known (no role was declared) may not do maintenance.", "Act as engineer.",
            id="a system in maintenance without a role",
        ),
        pytest.param(
            FREE, [], ["engineer"], {"maintenance": True}, RoleDenied,
            'role "engineer" may not do maintenance.', "Mark a role with maintenance = true in the policy.",
            id="maintenance where the policy marks no role",
        ),
    ],
)  # fmt: skip
def test_is_refused(
    policy: Policy, purposes: list[str], roles: list[str], options: dict[str, object],
    error: type[PrivacyError], message: str, hint: str,
) -> None:  # fmt: skip
    """These may not act, and learn who may."""
    with pytest.raises(error) as caught:
        policy.grant(purposes, roles, **options)  # type: ignore[arg-type]
    assert (caught.value.message, caught.value.hint) == (message, hint)
    assert isinstance(caught.value, AccessDenied)
    assert caught.value.roles == tuple(sorted(roles))


def test_a_system_without_a_purpose_named_acts_for_all_of_its_own() -> None:
    """``[systems.nightly]`` says what the job is for."""
    assert SHOP.grant([], [], system="nightly").purposes == ("campaigns", "shipping")


def test_the_same_arguments_in_any_order_are_the_same_grant() -> None:
    """What is kept per grant is kept once."""
    one = SHOP.grant(["shipping", "campaigns"], ["warehouse", "marketing"])
    assert SHOP.grant({"campaigns", "shipping"}, ("marketing", "warehouse", "warehouse")) is one
    assert SHOP.grant("shipping", "warehouse") is SHOP.grant(["shipping"], ["warehouse"])
    assert SHOP.grant(["shipping"], ["warehouse"]) is not one


def test_threads_get_the_same_grant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that work it out at the same time do not end up with two grants."""
    policy = Policy(**SECTIONS)
    both_made_one = threading.Barrier(2)
    grants: list[Grant] = []

    def made(policy: Policy, purposes: tuple[str, ...], roles: tuple[str, ...], **how: Any) -> Grant:
        grant = make_grant(policy, purposes, roles, **how)
        both_made_one.wait(timeout=10)
        return grant

    def ask() -> None:
        grants.append(policy.grant(["shipping"], ["warehouse"]))

    monkeypatch.setattr("sa_privacy.policy.document.make_grant", made)
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(grants) == 2
    assert grants[0] is grants[1]


def test_grants_are_kept_within_bounds() -> None:
    """Callers that invent combinations cannot fill the memory; what was let go is worked out again."""
    first = FREE.grant([], ["r"])
    for number in range(1024):
        FREE.grant([], [f"r{number}"])
    assert len(FREE._grants) == 1024
    assert FREE.grant([], ["r"]) is not first


def test_a_refusal_is_not_kept() -> None:
    """Only grants are; a misspelt name fills nothing."""
    policy = Policy(**SECTIONS)
    for number in range(10):
        with pytest.raises(UnknownPurpose):
            policy.grant([f"p{number}"], ["warehouse"])
    assert not policy._grants


def test_own_rows_give_way_to_a_purpose_that_reaches_all() -> None:
    """Where both cover a category, the rows are not limited."""
    roles = ["warehouse", "customer", "marketing"]
    both = SHOP.grant(["account", "shipping"], roles)
    assert both.own_only("read", "email")
    assert not both.own_only("read", "name")
    assert both.own_only("read", "name", frozenset({"account"}))
    assert not both.own_only("read", "birthday")
    assert both.deletes_own_only("customers")
    assert both.may_delete("parcels")
    assert not both.deletes_own_only("parcels")
    assert not SHOP.grant(["shipping", "stock_taking"], roles).deletes_own_only("parcels")
    assert SHOP.grant(["account", "stock_taking"], roles).deletes_own_only("parcels")
    assert not both.may_delete("orders")


def test_maintenance_covers_everything_and_all_rows() -> None:
    """Also columns narrowed to a purpose."""
    grant = SHOP.grant([], ["engineer"], maintenance=True)
    assert grant.covers("write", "birthday", frozenset({"shipping"}))
    assert grant.may_delete("customers")
    assert not grant.own_only("read", "email")
    assert not grant.deletes_own_only("customers")


def test_a_policy_and_a_grant_cannot_be_changed() -> None:
    """What was granted stays what was declared."""
    grant = SHOP.grant(["shipping"], ["warehouse"])
    with pytest.raises(AttributeError):
        SHOP.version = "2"
    with pytest.raises(AttributeError):
        del SHOP.roles
    with pytest.raises(AttributeError):
        grant.everything = True  # type: ignore[misc]
    with pytest.raises(TypeError):
        SHOP.purposes["shipping"] = SHOP.purposes["campaigns"]  # type: ignore[index]


def test_a_policy_does_not_follow_the_dictionaries_it_was_built_from() -> None:
    """A dictionary that changes later changes nothing."""
    sections = copy.deepcopy(SECTIONS)
    policy = Policy(**sections)
    sections["purposes"]["shipping"]["use"].append("birthday")  # type: ignore[index]
    assert not policy.grant(["shipping"], ["warehouse"]).covers("read", "birthday")
    assert policy.hash == SHOP.hash


def test_two_policies_are_equal_only_if_they_are_one() -> None:
    """The hash compares meaning, equality compares objects."""
    assert Policy(**SECTIONS) != SHOP
    assert Policy(**SECTIONS).hash == SHOP.hash
