"""privacy.request(): a fresh root, filled in as the request learns who is there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sa_privacy import AccessEnded, PolicyError, RoleDenied, UnknownPurpose, UnknownRole
from sa_privacy.access import AccessScopes


def test_a_request_inherits_nothing(scopes: AccessScopes) -> None:
    with (
        scopes.access("shipping", actor="test", role="warehouse", subject=1, reason="fixture", x=1),
        scopes.request("r-1") as scope,
    ):
        access = scope.access
        assert (access.actor, access.roles, access.purposes, access.subject) == (None, (), (), None)
        assert (access.reason, access.request, dict(access.details)) == (None, "r-1", {})
        assert scope.parent is None
        assert not access.grant.covers("read", "name")


def test_a_fixtures_maintenance_does_not_leak_into_the_request_under_test(scopes: AccessScopes) -> None:
    with scopes.access(maintenance=True, role="engineer"), scopes.request() as scope:
        assert not scope.access.maintenance
        assert not scope.access.grant.everything


def test_a_request_can_say_what_is_known_already_maintenance_too(scopes: AccessScopes) -> None:
    with scopes.request("r", maintenance=True, role="engineer", actor="a", extra=1) as scope:
        assert scope.access.grant.everything
        assert dict(scope.access.details) == {"extra": 1}


def test_before_sign_in_a_request_may_act_for_anonymous_purposes_only(scopes: AccessScopes) -> None:
    with scopes.request("r"):
        with scopes.access("sign_in") as scope:
            assert scope.access.grant.covers("match", "email")
            assert not scope.access.grant.covers("read", "email")
        with pytest.raises(RoleDenied), scopes.access("shipping"):
            pytest.fail("the block was entered")


def test_bind_fills_in_the_request_and_every_scope_inside_it(scopes: AccessScopes) -> None:
    with (
        scopes.request("r", one=1) as root,
        scopes.access(reason="page") as page,
        scopes.access(withheld="none") as part,
    ):
        before = part.access
        scopes.require().bind(actor="customer:5", role="marketing", purpose="campaigns", subject=5, two=2)
        for scope in (root, page, part):
            assert scope.access.actor == "customer:5"
            assert scope.access.roles == ("marketing",)
            assert scope.access.purposes == ("campaigns",)
            assert scope.access.subject == 5
            assert scope.access.request == "r"
            assert dict(scope.access.details) == {"one": 1, "two": 2}
            assert scope.access.grant.covers("read", "email")
        assert (root.access.reason, page.access.reason, part.access.withheld) == (None, "page", "none")
        assert part.access is not before
        assert scopes.get() is part


def test_what_an_inner_scope_said_itself_stays(scopes: AccessScopes) -> None:
    with scopes.request(), scopes.access("sign_in", actor="visitor") as inner:
        inner.bind(actor="customer:5", role=["visitor", "marketing"], purpose="campaigns")
        assert inner.access.actor == "visitor"
        assert inner.access.purposes == ("sign_in",)
        assert inner.access.roles == ("visitor", "marketing")


def test_bind_may_be_called_again_and_keeps_what_it_leaves_out(scopes: AccessScopes) -> None:
    with scopes.request() as root:
        root.bind(actor="a", role="warehouse")
        root.bind(purpose="shipping", reason="why")
        root.bind(request="late")
        access = root.access
        assert (access.actor, access.roles, access.purposes, access.reason) == (
            "a",
            ("warehouse",),
            ("shipping",),
            "why",
        )
        assert access.request == "late"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"role": "nobody"}, UnknownRole),
        ({"purpose": "nothing"}, UnknownPurpose),
        ({"role": "warehouse", "purpose": "campaigns"}, RoleDenied),
        ({"role": "warehouse"}, RoleDenied),  # the inner scope acts for sign_in, which the warehouse may not
        ({"withheld": "hide"}, PolicyError),
    ],
)
def test_a_refused_bind_leaves_everything_as_it_was(
    scopes: AccessScopes, said: dict[str, Any], error: type[Exception]
) -> None:
    with scopes.request("r") as root, scopes.access("sign_in") as inner:
        accesses = (root.access, inner.access)
        with pytest.raises(error):
            inner.bind(actor="customer:5", **said)
        assert (root.access, inner.access) == accesses
        inner.bind(reason="later")
        assert root.access.actor is None
        assert root.access.roles == ()


def test_bind_outside_a_request_is_an_error(scopes: AccessScopes) -> None:
    with scopes.access(actor="a") as scope, pytest.raises(PolicyError) as refused:
        scope.bind(role="warehouse")
    assert "privacy.request()" in str(refused.value)
    with scopes.request(), scopes.system("purge-tokens") as job, pytest.raises(PolicyError):
        job.bind(actor="a")


def test_bind_after_the_request_has_ended_is_refused(scopes: AccessScopes) -> None:
    with scopes.request() as root:
        pass
    with pytest.raises(AccessEnded):
        root.bind(actor="a")


def test_a_scope_that_was_left_is_not_filled_in(scopes: AccessScopes) -> None:
    with scopes.request() as root:
        with scopes.access(reason="before") as left:
            before = left.access
        root.bind(actor="a")
        assert left.access is before


def test_whoever_listens_hears_what_a_bind_replaced(scopes: AccessScopes) -> None:
    with scopes.request() as root, scopes.access(reason="page") as page:
        before = {root: root.access, page: page.access}
        heard: list[tuple[Any, Any]] = []
        scopes.listen(listener := lambda left, entered: heard.append((left, entered)))
        root.bind(role="warehouse", purpose="shipping")
        scopes.unlisten(listener)
        assert heard == [(before[root], root.access), (before[page], page.access)]


async def test_requests_served_side_by_side_do_not_mix(scopes: AccessScopes) -> None:
    async def serve(number: int) -> None:
        async with scopes.request(f"r-{number}"):
            await asyncio.sleep(0)
            scopes.require().bind(actor=f"customer:{number}", role="marketing")
            await asyncio.sleep(0)
            with scopes.access("campaigns"):
                await asyncio.sleep(0)
                access = scopes.require().access
                assert (access.actor, access.request) == (f"customer:{number}", f"r-{number}")

    await asyncio.gather(*(serve(number) for number in range(50)))
    assert scopes.get() is None


async def test_a_task_started_before_sign_in_learns_who_it_was(scopes: AccessScopes) -> None:
    bound = asyncio.Event()

    async def work() -> str | None:
        await bound.wait()
        return scopes.require().access.actor

    async with scopes.request() as root:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        root.bind(actor="customer:5")
        bound.set()
        assert await task == "customer:5"


@pytest.mark.parametrize("role_first", [False, True])
def test_purpose_and_role_come_in_either_order(scopes: AccessScopes, *, role_first: bool) -> None:
    with scopes.request("r") as root:
        said: list[dict[str, Any]] = [{"purpose": "shipping"}, {"role": "warehouse"}]
        for one in reversed(said) if role_first else said:
            root.bind(**one)
        assert root.access.purposes == ("shipping",)
        assert root.access.waiting == ()
        assert root.access.grant.covers("read", "address")


def test_a_purpose_that_waits_for_a_role_covers_nothing(scopes: AccessScopes) -> None:
    with scopes.request(purpose=["sign_in", "shipping"]) as root, scopes.access(reason="page") as page:
        for scope in (root, page):
            assert (scope.access.purposes, scope.access.waiting) == ((), ("sign_in", "shipping"))
            assert not scope.access.grant.covers("match", "email")
        with scopes.access("sign_in") as signing_in:
            assert signing_in.access.grant.covers("match", "email")
        root.bind(role=["visitor", "warehouse"])
        assert page.access.purposes == ("sign_in", "shipping")


def test_a_purpose_that_waits_is_judged_when_a_role_comes(scopes: AccessScopes) -> None:
    with scopes.request(purpose="campaigns") as root:
        with pytest.raises(RoleDenied):
            root.bind(role="warehouse")
        with pytest.raises(RoleDenied), scopes.access(role="warehouse"):
            pytest.fail("the block was entered")
        with scopes.access(role="marketing") as page:
            assert page.access.purposes == ("campaigns",)
        with scopes.access("sign_in", role="visitor") as page:
            assert page.access.purposes == ("sign_in",)


def test_a_purpose_for_anybody_does_not_wait_and_an_unknown_one_is_refused_at_once(scopes: AccessScopes) -> None:
    with scopes.request(purpose="sign_in") as root:
        assert root.access.purposes == ("sign_in",)
    with pytest.raises(UnknownPurpose), scopes.request(purpose="nothing"):
        pytest.fail("the block was entered")


def test_only_a_request_waits(scopes: AccessScopes) -> None:
    with pytest.raises(RoleDenied), scopes.access("shipping"):
        pytest.fail("the block was entered")
