"""What the pytest plugin is made of; docs/frameworks/testing.md, which a test runs, uses it as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sa_privacy import AccessLog, NoAccess, PolicyError, Privacy, PurposeDenied
from sa_privacy.accesslog import members
from sa_privacy.testing import Events, acting, assert_denied, denied, maintenance
from sa_privacy.testing.blocks import Maintenance
from tests.access.conftest import make_policy


@pytest.fixture
def privacy() -> Iterator[Privacy]:
    made = Privacy(make_policy(), log=None, metadata=[])
    yield made
    made.close()


def test_events_are_those_of_this_process_since_then(tmp_path: Path) -> None:
    log, elsewhere = AccessLog.open(tmp_path), AccessLog.open(tmp_path)
    log.append("intent", members(actor="before"))
    fresh, later = Events(elsewhere), Events(log)
    elsewhere.append("intent", members(actor="another process"))
    log.append("intent", members(actor="after", decision="denied"))
    log.append("intent", members(actor="fixture", maintenance=True))
    log.append("outcome", members(actor="after"))
    assert [(event.kind, event.actor) for event in later()] == [("intent", "after"), ("outcome", "after")]
    assert [event.actor for event in later("intent")] == ["after"]
    assert [event.actor for event in later(decision="denied")] == ["after"]
    assert [event.actor for event in later(maintenance=True)] == ["fixture"]
    assert [event.actor for event in fresh()] == ["another process"]
    for one in (log, elsewhere):
        one.close()


def test_a_denial_is_expected_of_just_these_columns() -> None:
    with denied("t.a", "t.b", kind=PurposeDenied) as refused:
        raise PurposeDenied("no", columns=["t.b", "t.a"])
    assert refused.error.columns == ("t.b", "t.a")
    with pytest.raises(AssertionError, match="nothing was denied"), denied():
        pass
    with pytest.raises(AssertionError, match=r"expected of \['t.a'\]"), denied("t.a"):
        raise PurposeDenied("no", columns=["t.a", "t.b"])
    with pytest.raises(AssertionError, match="NoAccess was expected"), denied(kind=NoAccess):
        raise PurposeDenied("no")
    with pytest.raises(KeyError), denied():
        raise KeyError


@pytest.mark.parametrize(
    ("status", "media", "code", "passes"),
    [
        (403, "application/problem+json", "SP-201", True),
        (401, "application/problem+json", None, True),
        (403, "application/problem+json", "SP-202", False),
        (200, "application/problem+json", None, False),
        (403, "text/html", None, False),
    ],
)
def test_a_response_is_a_denial(*, status: int, media: str, code: str | None, passes: bool) -> None:
    response = SimpleNamespace(status_code=status, headers={"content-type": media}, text='{"code": "SP-201"}')
    if passes:
        assert_denied(response, code)
    else:
        with pytest.raises(AssertionError):
            assert_denied(response, code)


def test_maintenance_is_in_force_inside_its_block_alone_and_a_request_inherits_nothing(privacy: Privacy) -> None:
    block = maintenance(privacy)
    with pytest.raises(NoAccess):
        privacy.current()
    with block as scope, block:
        assert (scope.access.maintenance, scope.access.roles, scope.access.actor) == (True, ("engineer",), "test")
        with pytest.raises(PolicyError):
            privacy.current().bind(
                role="warehouse"
            )  # an application without the middleware fails here as it would live
        with acting(privacy, "shipping", role="warehouse", actor="staff:17", request="r") as request:
            assert (request.access.maintenance, request.access.actor, request.access.request) == (
                False,
                "staff:17",
                "r",
            )
            privacy.current().bind(reason="filled in")
        assert Maintenance.entered == 2
    assert Maintenance.entered == 0
