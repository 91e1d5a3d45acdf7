"""Celery: a task says what it is for, where it is written, and acts as whoever asked for it.

    install(privacy)  # in web processes and workers alike


    @celery.task
    @carried(privacy, "order_confirmation")
    def confirm(order: int) -> None: ...

What travels with the message are names: who asked, in which role, in which request. The purpose does not: it is the task's. In
the worker the policy decides again, and so do grants and pledges, as of then. Maintenance, broken glass, systems and
``subject`` do not travel. A task without this decorator, and one that nobody asked for, has no access; a job that acts by
itself says so: ``@privacy.system("birthday-mail")``.

Who can write to the queue can name whom they like: see docs/frameworks/celery.md for what that gives them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import msgspec
from celery import current_task
from celery.signals import before_task_publish

from sa_privacy.access import AccessBlock
from sa_privacy.errors import AccessDenied, NoAccess
from sa_privacy.privacy import Privacy

__all__ = ["carried", "install"]

P = ParamSpec("P")
R = TypeVar("R")


class _Sender(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asked for a task: what travels."""

    actor: str | None = None
    roles: tuple[str, ...] = ()
    request: str | None = None
    reason: str | None = None


def install(privacy: Privacy) -> None:
    """Puts who asks, in which role and request, into the header of every task that this process sends.

    Without an access, the names of the task that is being worked on go on: to its retries, and to the rest of a chain.
    """

    def put_names(headers: dict[str, Any], **_: Any) -> None:
        names = _names_here(privacy) or _names_sent(privacy)
        if names is not None:
            headers[_header(privacy)] = names

    before_task_publish.connect(put_names, weak=False, dispatch_uid=_header(privacy))


def carried(privacy: Privacy, *purposes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Makes a task act for these purposes, as whoever asked for it. Stands under ``@celery.task``.

    Called directly, or eagerly, it acts as its caller, who is there.

    :raises UnknownPurpose: the policy knows no such purpose.
    """
    privacy.purpose(*purposes)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with _access_of_the_message(privacy, purposes):
                return function(*args, **kwargs)

        return run

    return decorate


def _access_of_the_message(privacy: Privacy, purposes: tuple[str, ...]) -> AccessBlock:
    if _names_here(privacy) is not None:
        return privacy.access(purposes)
    names = _names_sent(privacy)
    try:
        sender = msgspec.json.decode(names or "", type=_Sender)
    except msgspec.MsgspecError:
        raise NoAccess(
            "the task was sent without an access." if names is None else "the task names nobody who sent it.",
            hint="send it inside an access, in a process that called sa_privacy.integrations.celery.install(privacy); "
            'or let it act by itself: @privacy.system("...").',
        ) from None
    return privacy.request(
        sender.request,
        purpose=purposes,
        actor=sender.actor,
        role=sender.roles,
        reason=sender.reason,
        route=f"task {current_task.name}",
    )


def _names_here(privacy: Privacy) -> str | None:
    """The names of the access in force."""
    try:
        access = privacy.current().access
    except AccessDenied:
        return None
    return msgspec.json.encode(_Sender(access.actor, access.roles, access.request, access.reason)).decode()


def _names_sent(privacy: Privacy) -> str | None:
    """The names in the message that is being worked on."""
    sent = current_task.request.get(_header(privacy)) if current_task else None
    return sent if isinstance(sent, str) else None


def _header(privacy: Privacy) -> str:
    return f"sa_privacy_{privacy.policy.id}"
