"""Putting ``privacy.requests`` together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from sa_privacy.accesslog.eventlog import EventLog
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.crypto import Keyring
from sa_privacy.customers.consent import Consents
from sa_privacy.customers.consent.book import entries
from sa_privacy.customers.disclosure.provisions import provisions_of, receipts_of
from sa_privacy.customers.file.files import FileMaker
from sa_privacy.customers.file.records import consents_told, provisions_told, receipts_told
from sa_privacy.customers.owned import Owned
from sa_privacy.customers.requests.ceasing import stop_by
from sa_privacy.customers.requests.requests import Requests
from sa_privacy.ledger import Desk, Person
from sa_privacy.policy.ports import ErasurePort

__all__ = ["make_requests"]


def make_requests(
    desk: Desk,
    live: LiveCatalogue,
    keys: Keyring | None,
    log: EventLog | None,
    consents: Consents | None,
    erasure: ErasurePort,
) -> Requests:
    """The requests of one policy.

    :param keys: make the pseudonyms by which the log is asked.
    :param log: is asked how a person's data was used.
    :param consents: the library's own ledger; None: the application keeps consents itself.
    :param erasure: takes over requests for erasure.
    """

    def agreed(connection: Connection, person: Person) -> Iterator[Mapping[str, Any]]:
        return consents_told(desk.policy, entries(connection, person))

    def given(connection: Connection, person: Person) -> Iterator[Mapping[str, Any]]:
        return provisions_told(provisions_of(connection, person))

    def received(connection: Connection, person: Person) -> Iterator[Mapping[str, Any]]:
        return receipts_told(receipts_of(connection, person))

    names = None if keys is None else keys.pseudonym_key()
    files = FileMaker(
        desk,
        Owned(live),
        log=log,
        pseudonyms=names,
        consents=None if consents is None else agreed,
        provisions=given,
        received=received,
    )
    stop = None if consents is None else stop_by(consents)
    return Requests(desk, files, pseudonyms=names, stop=stop, erasure=erasure)
