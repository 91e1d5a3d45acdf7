"""Celery: names travel, the policy decides again, and what nobody asked for has no access."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery, chain, current_task
from celery.contrib.testing.worker import start_worker
from celery.signals import before_task_publish, setup_logging
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, NoAccess, Privacy, RoleDenied, UnknownPurpose
from sa_privacy.integrations.celery import carried, install
from tests.integrations.web.world import Customer

HEADER = "sa_privacy_web"
WAREHOUSE: dict[str, Any] = {"purpose": "shipping", "actor": "staff:17", "role": "warehouse"}


def leave_logging_alone(**_: Any) -> None:
    """A worker would set it up for the whole process."""


@pytest.fixture
def celery(privacy: Privacy, shop: Engine) -> Iterator[Celery]:
    """An application with a broker in memory and a worker in a thread of its own."""
    celery = Celery("shop", broker="memory://", backend="cache+memory://")
    celery.conf.update(broker_transport_options={"polling_interval": 0.005})
    install(privacy)
    setup_logging.connect(leave_logging_alone, weak=False)

    def address(number: int) -> str:
        with Session(shop) as session:
            found = session.get_one(Customer, number).address
            return f"{privacy.current().access.actor} {found}"

    @celery.task(name="label", shared=False)
    @carried(privacy, "shipping")
    def label(number: int) -> str:
        return address(number)

    @celery.task(name="again", shared=False, bind=True, autoretry_for=(KeyError,), default_retry_delay=0)
    @carried(privacy, "shipping")
    def again(self: Any, number: int) -> str:
        if self.request.retries == 0:
            raise KeyError(number)
        return address(number)

    @celery.task(name="then", shared=False)
    @carried(privacy, "shipping")
    def then(before: str, number: int) -> str:
        return f"{before}, {address(number)}"

    @celery.task(name="birthday", shared=False)
    @carried(privacy, "campaigns")
    def birthday(number: int) -> str:
        with Session(shop) as session:
            return str(session.get_one(Customer, number).birthday)

    @celery.task(name="undeclared", shared=False)
    def undeclared(number: int) -> str:
        with Session(shop) as session:
            return session.get_one(Customer, number).address

    @celery.task(name="greet", shared=False)
    @privacy.system("greet")
    def greet(number: int) -> str | None:
        return privacy.current().access.actor

    yield celery
    setup_logging.disconnect(leave_logging_alone)
    before_task_publish.disconnect(dispatch_uid=HEADER)


def result(sent: Any) -> Any:
    return sent.get(timeout=10, interval=0.005)


def test_a_worker_acts_as_whoever_asked_and_the_policy_decides_again(celery: Celery, privacy: Privacy) -> None:
    tasks = celery.tasks
    with start_worker(celery, pool="solo", perform_ping_check=False, loglevel="critical", shutdown_timeout=30):
        with privacy.access(**WAREHOUSE, reason="order 1001"):
            sent = {name: tasks[name].delay(1) for name in ("label", "again", "birthday", "undeclared", "greet")}
            both = chain(tasks["label"].s(1), tasks["then"].s(2)).apply_async()
            by_name = celery.send_task("label", (2,))
        with privacy.access(maintenance=True, actor="staff:1", role="engineer", reason="x"):
            kept = tasks["label"].delay(1)
        nobodys = tasks["label"].delay(1)
        forged = {
            header: tasks["label"].apply_async((1,), headers={HEADER: header})
            for header in ('{"roles":["engineer"],"maintenance":true}', '{"actor":"staff:1"}', "{", "null")
        }
        assert result(sent["label"]) == result(sent["again"]) == "staff:17 1 Street"
        assert result(both) == "staff:17 1 Street, staff:17 2 Street"
        assert result(by_name) == "staff:17 2 Street"
        assert result(sent["greet"]) == "system:greet"
        for refused, kind in (
            (sent["birthday"], RoleDenied),
            (sent["undeclared"], NoAccess),
            (kept, RoleDenied),
            (nobodys, NoAccess),
            *((one, NoAccess) for one in forged.values()),
        ):
            with pytest.raises(kind):
                result(refused)
    assert isinstance(privacy.log, AccessLog)
    found = [event for event in privacy.log.events() if event.route == "task label" and event.decision == "allowed"]
    assert {(event.actor, event.reason, *event.roles) for event in found} == {("staff:17", "order 1001", "warehouse")}


def test_called_directly_or_eagerly_a_task_acts_as_its_caller(celery: Celery, privacy: Privacy) -> None:
    label = celery.tasks["label"]
    with privacy.access(**WAREHOUSE):
        assert label(1) == "staff:17 1 Street"
        assert label.apply((2,)).get() == "staff:17 2 Street"
        assert current_task._get_current_object() is None
    with pytest.raises(NoAccess):
        label(1)
    with pytest.raises(UnknownPurpose):
        carried(privacy, "shiping")
