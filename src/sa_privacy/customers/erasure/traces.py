"""What an erasure writes into the access log: that from here on, a name in the log is nobody's any more.

Keys come back: SQLite gives a new row the number of the last one that went. So an event says, before anything is destroyed, that
the person of this pseudonym is being erased, and another one how that ended. Who asks the log about a person is told what
happened since, and not what happened to somebody else before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sa_privacy.access import Access
from sa_privacy.accesslog.event import members
from sa_privacy.accesslog.eventlog import EventLog
from sa_privacy.crypto.pseudonym import Pseudonyms
from sa_privacy.errors import LogUnavailable
from sa_privacy.gate.statements.evidence import access_members
from sa_privacy.ledger import Person

__all__ = ["erasing"]


@contextmanager
def erasing(
    log: EventLog | None, pseudonyms: Pseudonyms | None, access: Access, person: Person, policy: str
) -> Iterator[None]:
    """The person is erased while the block runs, or an error says that they were not.

    :param pseudonyms: without them the log names nobody, and nothing is written.
    :param access: of who erases.
    :param policy: its hash.
    :raises LogUnavailable: it cannot be written; nothing may be erased then.
    """
    if log is None or pseudonyms is None:
        yield
        return
    names = [pseudonyms.of(person.kind, person.key)]
    begun = log.append("erased", access_members(access) + b"," + members(subjects=names, policy=policy), sync=True)
    how = "denied"
    try:
        yield
        how = "allowed"
    finally:
        said = members(subjects=names, policy=policy, intent=begun, decision=how)
        with suppress(LogUnavailable):  # then it counts as erased, which is what is told of an erasure that began
            log.append("erased", access_members(access) + b"," + said, sync=True)
