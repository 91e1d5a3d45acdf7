"""Putting ``privacy.requests`` together."""

from __future__ import annotations

from sa_privacy.accesslog.eventlog import EventLog
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.crypto import Keyring
from sa_privacy.customers.file import FileMaker
from sa_privacy.customers.owned import Owned
from sa_privacy.customers.requests import Requests
from sa_privacy.ledger import Desk

__all__ = ["make_requests"]


def make_requests(desk: Desk, live: LiveCatalogue, keys: Keyring | None, log: EventLog | None) -> Requests:
    """The requests of one policy.

    :param keys: make the pseudonyms by which the log is asked.
    :param log: is asked how a person's data was used.
    """
    files = FileMaker(desk, Owned(live), log=log, pseudonyms=None if keys is None else keys.pseudonym_key())
    return Requests(desk, files)
