"""What is declared, what is inherited, and what is refused on entry."""

from __future__ import annotations

from typing import Any

import pytest

from sa_privacy import AccessEnded, NoAccess, PolicyError, RoleDenied, UnknownPurpose, UnknownRole
from sa_privacy.access import AccessScopes
from tests.access.conftest import make_policy


def test_nothing_is_in_force_outside_all_scopes(scopes: AccessScopes) -> None:
    assert scopes.get() is None
    assert scopes.current() is None
    with pytest.raises(NoAccess) as refused:
        scopes.require()
    assert "privacy.access" in str(refused.value.hint)


def test_an_access_holds_inside_its_block_and_not_after(scopes: AccessScopes) -> None:
    with scopes.access("shipping", actor="staff:17", role="warehouse", reason="order 1001") as scope:
        assert scopes.get() is scope
        assert scopes.require() is scope
        assert scope.alive
        access = scope.access
        assert access.purposes == ("shipping",)
        assert access.roles == ("warehouse",)
        assert access.actor == "staff:17"
        assert access.reason == "order 1001"
        assert access.withheld == "raise"
        assert access.grant.covers("read", "address")
        assert not access.grant.covers("read", "email")
    assert scopes.get() is None
    assert not scope.alive


def test_what_is_left_out_comes_from_the_enclosing_access(scopes: AccessScopes) -> None:
    with (
        scopes.access(actor="staff:17", role="marketing", subject=5, reason="why", withheld="mask", ticket="T1"),
        scopes.access("shipping", more="M"),
        scopes.access(reason="other") as inner,
    ):
        access = inner.access
        assert (access.actor, access.roles, access.subject) == ("staff:17", ("marketing",), 5)
        assert access.purposes == ("shipping",)
        assert access.withheld == "mask"
        assert access.reason == "other"
        assert dict(access.details) == {"ticket": "T1", "more": "M"}


def test_inner_details_win_and_leave_the_outer_ones_alone(scopes: AccessScopes) -> None:
    with scopes.access(ticket="outer") as outer, scopes.access(ticket="inner") as inner:
        assert inner.access.details == {"ticket": "inner"}
        assert outer.access.details == {"ticket": "outer"}


def test_an_inner_purpose_replaces_the_outer_one(scopes: AccessScopes) -> None:
    with scopes.access("shipping", role="marketing") as outer:
        with scopes.access("campaigns") as inner:
            assert inner.access.purposes == ("campaigns",)
            assert not inner.access.grant.covers("read", "address")
        assert scopes.get() is outer
        assert outer.access.grant.covers("read", "address")


def test_several_purposes_and_roles_add_up_and_are_said_once(scopes: AccessScopes) -> None:
    with scopes.access(["shipping", "campaigns", "shipping"], role=["warehouse", "marketing"]) as scope:
        assert scope.access.purposes == ("shipping", "campaigns")
        assert scope.access.roles == ("warehouse", "marketing")
        assert all(scope.access.grant.covers("read", category) for category in ("name", "email", "address"))


@pytest.mark.parametrize(
    ("declared", "error"),
    [
        ({"purpose": "shiping", "role": "warehouse"}, UnknownPurpose),
        ({"purpose": "shipping", "role": "warehose"}, UnknownRole),
        ({"purpose": "campaigns", "role": "warehouse"}, RoleDenied),
        ({"purpose": "shipping"}, RoleDenied),
        ({"purpose": ["shipping", "campaigns"], "role": "warehouse"}, RoleDenied),
        ({"purpose": "payroll", "role": ["warehouse", "marketing"]}, RoleDenied),
        ({"maintenance": True, "role": "warehouse"}, RoleDenied),
        ({"maintenance": True}, RoleDenied),
    ],
)
def test_what_the_policy_does_not_allow_is_refused_on_entry(
    scopes: AccessScopes, declared: dict[str, Any], error: type[Exception]
) -> None:
    block = scopes.access(**declared)
    with scopes.access(actor="staff:1") as outer:
        with pytest.raises(error), block:
            pytest.fail("the block was entered")
        assert scopes.get() is outer
        assert outer.alive


def test_a_role_that_may_not_act_for_the_inherited_purpose_is_refused(scopes: AccessScopes) -> None:
    with scopes.access("campaigns", role="marketing"), pytest.raises(RoleDenied), scopes.access(role="warehouse"):
        pytest.fail("the block was entered")


@pytest.mark.parametrize("names", ["", [""], [1], ["shipping", None]])
def test_a_purpose_that_is_no_name_is_refused_when_it_is_said(scopes: AccessScopes, names: Any) -> None:
    with pytest.raises(PolicyError):
        scopes.access(names)
    with pytest.raises(PolicyError):
        scopes.access(role=names)


def test_withheld_must_be_one_of_three_words(scopes: AccessScopes) -> None:
    for known in ("raise", "none", "mask"):
        with scopes.access(withheld=known) as scope:
            assert scope.access.withheld == known
    with pytest.raises(PolicyError, match="withheld"):
        scopes.access(withheld="hide")
    with pytest.raises(PolicyError, match="withheld"):
        scopes.request(withheld="hide")


def test_an_exception_leaves_the_block_as_any_end_does(scopes: AccessScopes) -> None:
    with pytest.raises(KeyError), scopes.access(actor="x") as scope:
        raise KeyError("x")
    assert scopes.get() is None
    assert not scope.alive


def test_maintenance_covers_everything_until_an_inner_purpose_is_declared(scopes: AccessScopes) -> None:
    with scopes.access(maintenance=True, role="engineer", actor="staff:1", reason="migration") as outer:
        assert outer.access.maintenance
        assert outer.access.grant.everything
        with scopes.access(reason="step 2") as step:
            assert step.access.maintenance
            assert step.access.grant.everything
        with scopes.access("shipping", role="warehouse") as narrowed:
            assert not narrowed.access.maintenance
            assert not narrowed.access.grant.everything
            assert not narrowed.access.grant.covers("read", "email")
        with scopes.access(maintenance=False) as ended:
            assert not ended.access.grant.covers("read", "name")


def test_system_takes_its_purposes_from_the_policy_and_inherits_nothing(scopes: AccessScopes) -> None:
    with scopes.access("campaigns", role="marketing", actor="staff:1", subject=4, x=1):
        with scopes.system("purge-tokens", reason="nightly") as scope:
            access = scope.access
            assert access.actor == "system:purge-tokens"
            assert access.system == "purge-tokens"
            assert access.roles == ()
            assert access.purposes == ("shipping", "sign_in")
            assert access.subject is None
            assert access.details == {}
            assert access.reason == "nightly"
        with (
            scopes.system("purge-tokens"),
            pytest.raises(RoleDenied),
            scopes.access("campaigns"),
        ):
            pytest.fail("a system acted for a purpose that is not its own")


def test_an_unknown_system_is_refused_by_name(scopes: AccessScopes) -> None:
    with pytest.raises(UnknownRole) as refused:
        scopes.system("purge-token")
    assert "purge-tokens" in str(refused.value)


def test_a_block_can_be_entered_again_and_inside_itself(scopes: AccessScopes) -> None:
    block = scopes.access("shipping", role="warehouse")
    with block as first:
        with block as second:
            assert second is not first
            assert second.parent is first
        assert scopes.get() is first
        assert first.alive
        assert not second.alive
    with block as third:
        assert third.alive
        assert third.access is not first.access
    assert scopes.get() is None


def test_two_blocks_are_two_accesses_however_alike(scopes: AccessScopes) -> None:
    with scopes.access("shipping", role="warehouse") as one, scopes.access("shipping", role="warehouse") as other:
        assert one.access is not other.access
        assert one.access != other.access
        assert one.access.grant is other.access.grant


def test_two_policies_do_not_see_each_others_accesses() -> None:
    shop, also_shop = AccessScopes(make_policy()), AccessScopes(make_policy())
    with shop.access("shipping", role="warehouse"):
        assert also_shop.get() is None
        with also_shop.access("campaigns", role="marketing") as other:
            assert shop.require().access.purposes == ("shipping",)
            assert also_shop.get() is other
        assert also_shop.get() is None
    assert shop.get() is None


def test_no_repr_shows_actor_subject_or_reason(scopes: AccessScopes) -> None:
    block = scopes.access(
        "shipping", role="warehouse", actor="ACTOR-1", subject="SUBJECT-1", reason="REASON-1", d="D-1"
    )
    with block as scope:
        shown = [scope, scope.access, block, block._declared, scope.access.grant, [scope.access], {"a": scope}]
    with pytest.raises(AccessEnded) as ended:
        scope.check_alive()
    for thing in (*shown, ended.value, str(ended.value), ended.value.args, scope):
        text = f"{thing!r} {thing}"
        assert not any(word in text for word in ("ACTOR-1", "SUBJECT-1", "REASON-1", "D-1"))
    assert "shipping" in repr(scope.access)


def test_whoever_listens_hears_of_every_change(scopes: AccessScopes) -> None:
    heard: list[tuple[Any, Any]] = []
    scopes.listen(lambda left, entered: heard.append((left, entered)))
    with scopes.access(actor="a") as outer, scopes.access(reason="b") as inner:
        pass
    assert heard == [
        (None, outer.access),
        (outer.access, inner.access),
        (inner.access, outer.access),
        (outer.access, None),
    ]


def test_an_access_is_not_in_force_where_its_listener_failed(scopes: AccessScopes) -> None:
    def fail(*accesses: object) -> None:
        raise OSError(f"{len(accesses)} accesses")

    scopes.listen(fail)
    with pytest.raises(OSError, match="2 accesses"), scopes.access(actor="a"):
        pytest.fail("the block was entered")
    assert scopes.get() is None


def test_what_is_said_in_other_types_or_no_valid_unicode_is_kept_as_text(scopes: AccessScopes) -> None:
    with scopes.access("shipping", actor=17, role="warehouse", reason="half \ud83d a pair") as scope:
        assert scope.access.actor == "17"
        assert scope.access.reason == "half \\ud83d a pair"


def test_what_a_request_learns_later_is_no_maintenance_and_breaks_no_glass(scopes: AccessScopes) -> None:
    with scopes.request("r-1") as scope:
        scope.bind(maintenance=True, break_glass=True, ticket="T-1", system="nightly")
        assert not scope.access.maintenance
        assert scope.access.break_glass is None
        assert scope.access.system is None
        assert scope.access.details["maintenance"] is True
