"""One access for each request, whatever the protocol."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from sa_privacy.access import AccessBlock, Scope
from sa_privacy.integrations.routes import Called, Purpose, Routes, names_of
from sa_privacy.privacy import Privacy

__all__ = ["Requests", "opened"]

#: A UUID, 32 hexadecimal digits (as in W3C trace ids), or an ULID: telephone and card numbers, names and addresses are none.
_SAFE: Final = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|[0-7][0-9A-HJKMNP-TV-Z]{25}"
)


def opened(privacy: Privacy, called: Called) -> Scope | None:
    """The access that was opened for this request, alive or not."""
    found: Scope | None = called.get(_key(privacy))
    return found


def _key(privacy: Privacy) -> str:
    return f"sa_privacy.{id(privacy):x}"  # two policies may serve one request


class Requests:
    """Opens the accesses of requests.

    :param purpose_for: the purposes of a request.
    :param request_id: the header with the caller's id of it.
    :param header: gives a header of a request.
    :raises UnknownPurpose: ``by_route`` names one that the policy does not know.
    """

    def __init__(
        self,
        privacy: Privacy,
        purpose_for: Callable[[Called], Purpose] | None,
        request_id: str | None,
        header: Callable[[Called, str], str | None],
    ) -> None:
        self._privacy, self._purpose_for = privacy, purpose_for
        self._request_id, self._header = request_id, header
        if isinstance(purpose_for, Routes):
            privacy.purpose(*purpose_for.purposes)  # refuses unknown ones at start, and not before a customer

    def opening(self, called: Called) -> AccessBlock | None:
        """The access of this request, to be opened; None: it is that of the application around this one.

        :raises AccessDenied: whoever signed in there may not act for what this application says it is for.
        """
        said = self._said(called)
        outer = opened(self._privacy, called)
        if outer is None or not outer.alive:
            return self._privacy.request(self._identifier(called), **said)
        if said:
            outer.bind(**said)
        return None

    def note(self, called: Called) -> None:
        """Notes what is open now, for :func:`opened`."""
        called[_key(self._privacy)] = self._privacy.current()

    def _said(self, called: Called) -> dict[str, Any]:
        route = None
        if isinstance(self._purpose_for, Routes):
            found = self._purpose_for.find(called)
            purposes, route = (found.purposes, found.written) if found is not None else ((), None)
        else:
            purposes = names_of(self._purpose_for(called)) if self._purpose_for is not None else ()
        return {name: value for name, value in (("purpose", purposes), ("route", route)) if value}

    def _identifier(self, called: Called) -> str:
        said = self._header(called, self._request_id) if self._request_id is not None else None
        return said if said is not None and _SAFE.fullmatch(said) else uuid4().hex
