"""Denials as answers of HTTP: ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from sa_privacy import errors
from sa_privacy.access import Access
from sa_privacy.errors import (
    AccessDenied,
    KeyUnavailable,
    LedgerUnavailable,
    LogUnavailable,
    PrivacyError,
    WallDown,
)

__all__ = ["ANSWERED", "Problem", "find", "problem_of"]

MEDIA_TYPE: Final = "application/problem+json"

#: What is not there now, and may be later.
_UNAVAILABLE: Final = (LogUnavailable, KeyUnavailable, LedgerUnavailable, WallDown)
#: What has an answer; other errors are faults of the application, or of its set-up.
ANSWERED: Final = (AccessDenied, *_UNAVAILABLE)
_CODES: Final = {
    kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PrivacyError)
}
#: The text of such an error within another text.
_TOLD: Final = re.compile(r"\b\w+: \[(SP-\d{3})\]: (.*?)(?:\n  hint: (.*))?\Z", re.DOTALL)
_PYDANTIC: Final = frozenset({"fastapi", "pydantic", "pydantic_core"})

_OUTSIDE: Final = {
    HTTPStatus.FORBIDDEN: "Personal data was asked for that may not be used here.",
    HTTPStatus.UNAUTHORIZED: "Personal data was asked for, and nobody has signed in.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Personal data cannot be used at the moment.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is answered in place of personal data.

    :param error: the denial, or what is not available.
    :param status: 403, 401 where nobody has signed in and the application says how one does, or 503.
    :param detail: a sentence that names no column, or the error's own.
    :param request: the id by which the access log knows the request.
    :param challenge: how one signs in (``WWW-Authenticate``), where the status is 401.
    """

    error: PrivacyError
    status: HTTPStatus
    detail: str
    request: str | None = None
    challenge: str | None = None

    @property
    def code(self) -> str:
        """The error's code, e.g. ``"SP-201"``."""
        return self.error.code

    @property
    def headers(self) -> dict[str, str]:
        """Those of the answer. It is for this caller alone, so nothing on the way keeps it."""
        said = {"content-type": MEDIA_TYPE, "cache-control": "no-store"}
        return said if self.challenge is None else {**said, "www-authenticate": self.challenge}

    @property
    def body(self) -> bytes:
        """The answer in JSON. "about:blank": the status says what kind of problem it is (RFC 9457, 4.2.1)."""
        said = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "code": self.code,
            "detail": self.detail,
            "request": self.request,
        }
        return json.dumps({name: value for name, value in said.items() if value is not None}).encode()


def problem_of(error: PrivacyError, access: Access | None, *, detail: bool, challenge: str | None) -> Problem:
    """The answer to a request.

    :param access: under which it was made.
    :param detail: tell which column, purpose and role it was about: for applications whose callers may know.
    :param challenge: how one signs in.
    """
    nobody = access is None or (access.actor is None and not access.roles)
    status = HTTPStatus.FORBIDDEN
    if isinstance(error, _UNAVAILABLE):
        status = HTTPStatus.SERVICE_UNAVAILABLE
    elif challenge is not None and nobody:
        status = HTTPStatus.UNAUTHORIZED
    told = " ".join(filter(None, (error.message, error.hint))) if detail else _OUTSIDE[status]
    request = access.request if access is not None else None
    return Problem(error, status, told, request, challenge if status is HTTPStatus.UNAUTHORIZED else None)


def find(error: BaseException) -> PrivacyError | None:
    """The denial that an error is, or that it was raised from; None: it is something else.

    Looks where others put it: the cause of an error, an exception group of nothing else, and the errors of Pydantic, which
    keeps the text alone of what an attribute or a serialiser raises.
    """
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, ANSWERED):
            return cause
        if isinstance(cause, BaseExceptionGroup):
            found = [find(one) for one in cause.exceptions]
            return found[0] if all(found) else None
        told = next(_told(cause), None)
        if told is not None:
            return told
        cause = cause.__cause__
    return None


def _told(error: BaseException) -> Iterator[PrivacyError]:
    """The denials among the errors of a validation or serialisation."""
    if not any(kind.__module__.partition(".")[0] in _PYDANTIC for kind in type(error).__mro__):
        return
    listed: Any = getattr(error, "errors", None)
    errors = [one.get("ctx", {}).get("error") for one in listed()] if callable(listed) else [error]
    for found in filter(None, (_TOLD.search(str(one)) for one in errors)):
        kind = _CODES.get(found[1])
        if kind is not None and issubclass(kind, ANSWERED):
            yield kind(found[2], hint=found[3])
