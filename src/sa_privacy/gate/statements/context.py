"""What a reader of the log has to know years later, without the application: the policy, the personal columns, the keys."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from sa_privacy.accesslog import members
from sa_privacy.crypto.ring import key_name

if TYPE_CHECKING:
    from sa_privacy.accesslog import EventLog
    from sa_privacy.columns.catalogue import Catalogue
    from sa_privacy.crypto.ring import Ring
    from sa_privacy.policy import Policy

__all__ = ["Context"]


class Context:
    """Keeps the ``context`` event of one policy up to date: at the start of every segment, and where something changes.

    :param write: writes an event.
    :param accepting: the columns that accept plain values beside cells: not all of theirs are sealed.
    """

    def __init__(
        self, policy: Policy, log: EventLog | None, write: Callable[[str, bytes], int], accepting: Collection[str]
    ) -> None:
        self._policy = policy
        self._log = log
        self._write = write
        self._accepting = accepting
        self._keys: list[str] = []
        self._categories: dict[str, str] = {}
        self._sealed: list[str] = []
        self._said = self._encoded()
        #: Another policy's events begin the segments of this log: then this one says its own where they change.
        self._second = log is not None and log.preamble is not None
        if log is not None and not self._second:
            log.preamble = self.members

    def members(self) -> bytes:
        """The members of the event as of now. Asks nothing of anybody: the log calls it while it writes."""
        return self._said

    def adopt(self, ring: Ring) -> None:
        """Follows the keyring, as ciphers do."""
        self._keys = [key_name(key) for key in (ring.primary, *(key for key in ring.ids if key != ring.primary))]
        self._tell()

    def forget(self) -> None:
        """The keys are no longer at hand."""
        self._keys = []
        self._tell()

    def follow(self, catalogue: Catalogue) -> None:
        """Takes in the catalogue of the moment."""
        self._categories = {column.name: column.category for column in catalogue.columns.values()}
        self._sealed = sorted(c.name for c in catalogue.columns.values() if c.sealed and c.name not in self._accepting)
        self._tell()

    def close(self) -> None:
        """Leaves the log alone."""
        if self._log is not None and not self._second:
            self._log.preamble = None

    def _tell(self) -> None:
        said = self._encoded()
        if said == self._said:
            return
        self._said = said
        if self._log is not None and (self._second or self._log.writer is not None):
            self._write("context", said)

    def _encoded(self) -> bytes:
        return members(
            policy=self._policy.hash,
            categories=dict(sorted(self._categories.items())),
            sealed=self._sealed,
            keys=self._keys,
        )
