"""The composition root: joins policy, keys, log and engines.

There is one :class:`Privacy` for each policy, and nothing global: two of them, with two policies, live side by side in
one process, each on its own engines.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, MetaData

from sa_privacy.access import AccessScopes
from sa_privacy.accesslog import EventLog
from sa_privacy.columns.accepting import Accepted
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.crypto import Keyring
from sa_privacy.customers.consent import Consents
from sa_privacy.customers.disclosure.disclosures import Disclosures
from sa_privacy.customers.erasure.entries import ledger_of
from sa_privacy.customers.erasure.erasures import Erasures
from sa_privacy.customers.holds.holds import Holds
from sa_privacy.customers.holds.in_force import InForce
from sa_privacy.customers.requests.made import make_requests
from sa_privacy.customers.retention.retention import Retention
from sa_privacy.errors import PolicyError
from sa_privacy.gate.binds import governs
from sa_privacy.gate.engine import Gate
from sa_privacy.gate.mode import Mode, Observed
from sa_privacy.gate.objects.instrument import Instrumentation
from sa_privacy.gate.objects.memory import Memory
from sa_privacy.gate.people.people_keys import PeopleKeys
from sa_privacy.gate.rows.bulk_rows import fetch_what_changes
from sa_privacy.gate.standing import standings_of
from sa_privacy.gate.statements.context import Context
from sa_privacy.ledger import Desk
from sa_privacy.policy import ConsentPort, Policy, StaffPort
from sa_privacy.privacy.acting import Acting
from sa_privacy.privacy.columns import Columns
from sa_privacy.privacy.desks import Desks
from sa_privacy.privacy.engines import Engines
from sa_privacy.staff import Staff

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine  # needs greenlet, which synchronous applications do not have

__all__ = ["Privacy"]


class Privacy(Engines, Acting, Desks, Columns):
    """Makes one policy true on the engines it is installed on.

    :param policy: a :class:`~sa_privacy.Policy`, or the path of its TOML document.
    :param keys: the keys of sealed columns; None where no column is sealed.
    :param log: where every access is written down; None writes nothing, and has to be said.
    :param mode: ``"enforce"``, or ``"observe"``: everything runs, and what would have been denied is logged.
    :param observe: tables that are only observed under ``mode="enforce"``, as ``"table"`` or ``"schema.table"``: the road
        from observing to enforcing, table by table.
    :param metadata: the ``MetaData`` (or several, or declarative bases) whose tables this policy looks after; None
        means every annotated table of the process.
    :param recheck: seconds after which the database is asked again what a name stands for (a table, a view, a function
        of its own). What changes names through a protected engine counts at once; 0 asks with every statement.
    :param accept_plaintext: sealed columns that still hold plain values, ``{"customers.email": date(2027, 1, 31)}``:
        until the end of that day (UTC) such values are read, and counted. Only cells are written.
    :param stored_as: of those columns, the SQLAlchemy type that wrote what they hold, where it is not the column's inner
        type: ``{"customers.email": StringEncryptedType(...)}``.
    :param consents: the application's own store of who agreed to what; None: the library's ledger.
    :param staff: answers who was granted a role and who signed a pledge, where the application keeps that itself; None: the
        library's own tables do. Its answers are kept for `recheck` seconds, and their times are looked at with each statement.
    :param erasures: the ledger of erasures, a log of its own that lies apart from the database and its backups; None: a
        restored backup brings erased people back. See docs/backups.md.
    :raises PolicyError: the policy, or an annotation, contradicts itself (every fault is listed).
    """

    def __init__(
        self,
        policy: Policy | str | os.PathLike[str],
        *,
        keys: Keyring | None = None,
        log: EventLog | None,
        mode: Mode = "enforce",
        observe: str | Collection[str] = (),
        metadata: Any = None,
        recheck: float = 5.0,
        accept_plaintext: Mapping[str, date] | None = None,
        stored_as: Mapping[str, Any] | None = None,
        consents: ConsentPort | None = None,
        staff: StaffPort | None = None,
        erasures: EventLog | None = None,
    ) -> None:
        observed = Observed.of(mode, observe)
        self.mode: Mode = mode
        policy = policy if isinstance(policy, Policy) else Policy.load(Path(policy))
        accepted = Accepted(accept_plaintext or {}, stored_as or {})
        scopes = AccessScopes(policy, lenient=observed.everything)
        live = LiveCatalogue(policy, _collections(metadata))
        try:
            live.check()
        except PolicyError:
            live.close()
            raise
        desk = Desk(scopes, live)
        pseudonym_key = keys.pseudonym_key() if keys is not None else None
        erased = ledger_of(erasures, pseudonym_key, log)
        ledger = Consents(desk, pseudonym_key)
        port: ConsentPort = consents if consents is not None else ledger.port
        gate = Gate(
            scopes,
            live,
            keys=keys,
            log=log,
            observed=observed,
            declarations=lambda: self._declarations,
            recheck=recheck,
            consents=port,
        )
        desk.gate = gate
        memory = Memory(gate, partial(governs, gate))
        accounts = Staff(desk, keys, log)
        desk.standings = gate.standings = standings_of(
            policy, staff if staff is not None else accounts.port, desk.now, recheck
        )
        if gate.standings is not None:
            gate.standings.rows_differ = lambda: gate.rules.beyond_own
        holds = Holds(desk, gate.finishing.keys)
        work = Erasures(desk, pseudonym_key, lambda: InForce(live), log=log, ledger=erased)
        Columns.__init__(self, policy, live, gate.rules)
        Engines.__init__(self, gate, memory, keys, log, accepted, erasures)
        Acting.__init__(self, scopes, memory)
        Desks.__init__(
            self,
            desk,
            consents=ledger,
            requests=make_requests(desk, live, keys, log, ledger if consents is None else None, work),
            holds=holds,
            erasures=work,
            retention=Retention(
                desk, work, gate.write, lambda: InForce(live), self.people_keys.destroy, self._has_keys_of_people
            ),
            disclosures=Disclosures(desk, gate.evidence, port),
            staff=accounts,
        )
        self._erasures.keys = self.people_keys
        scopes.listen(memory.put_away)
        scopes.on_refused = gate.evidence.write_refused
        scopes.on_break_glass = gate.evidence.broken
        scopes.kinds = lambda: {kind for _, kind in self.catalogue.holders.values()}
        instrumentation = Instrumentation(memory)
        context = Context(policy, log, gate.write, accepted.columns)
        if keys is not None:
            keys.enrol(context)

        def changed() -> None:
            context.follow(self.catalogue)
            instrumentation.sweep(gate.view(None))

        live.on_change = changed
        self._stops: list[Callable[[], None]] = [instrumentation.close, memory.close, live.close, context.close]
        self._ruled = False
        gate.rules.on_rule = self._keep_bulk_changes_in_step
        self._keep_bulk_changes_in_step()

    def __repr__(self) -> str:
        return f"<Privacy {self.policy.id!r} {self.policy.version} mode={self.mode} engines={len(self._installed)}>"

    @contextmanager
    def for_subject(self, subject: object) -> Iterator[None]:
        """Says whose the new rows are that are written inside the block, where the statements do not: their values under
        people's keys are sealed under this person's. See docs/subject-keys.md.

        :param subject: the key of their row, or ``(kind, key)``.
        """
        said = (str(subject[0]), subject[1]) if isinstance(subject, tuple) and len(subject) == 2 else (None, subject)
        token = self._gate.finishing.said.set(said)
        try:
            yield
        finally:
            self._gate.finishing.said.reset(token)

    def _has_keys_of_people(self) -> bool:
        """Whether something is sealed under keys of people."""
        return any(column.by_subject for column in self.catalogue.columns.values())

    @property
    def people_keys(self) -> PeopleKeys:
        """The keys of people in the database: ``privacy.people_keys.destroy(connection, kind, key)``."""
        return self._gate.finishing.keys

    def check(self, engine: Engine | AsyncEngine) -> None:
        """The self-test that :meth:`install` made, once more, and whether the schedules of the policy can be carried out: for
        health checks. Asks the database nothing.

        :raises PolicyError: this ``Privacy`` is not installed on the engine, or something keeps the gate from seeing
            every statement: a listener that answers before it, another compiler or compile cache.
        :raises RetentionRefused: a schedule does not fit the models.
        """
        super().check(engine)
        self._retention.check()

    def _keep_bulk_changes_in_step(self) -> None:
        """Sessions are watched once a row rule may hold: others pay nothing."""
        if self._gate.rules and not self._ruled:
            self._ruled = True
            self._stops.append(fetch_what_changes(self._gate, partial(governs, self._gate)))

    def close(self) -> None:
        """Takes the protection off every engine and mapped class, and closes the logs."""
        for engine in list(self._installed):
            self.uninstall(engine)
        for stop in self._stops:
            stop()
        self._stops.clear()
        for log in (self.log, self._erased):
            if log is not None:
                log.close()

    @property
    def keys(self) -> Keyring | None:
        """The keys of sealed columns."""
        return self._keys

    @property
    def accepted(self) -> Accepted:
        """The columns of which plain values are read beside cells, and until when."""
        return self._accepted

    @property
    def record(self) -> Callable[[str, bytes], int]:
        """Writes one event of a job into the log, as durable as the policy's ``[log]`` asks; see :mod:`sa_privacy.jobs`."""
        return self._gate.write

    @property
    def plaintext_read(self) -> dict[str, int]:
        """How many plain values this process has read of each column that accepts them."""
        return self._accepted.counts()


def _collections(metadata: Any) -> tuple[MetaData, ...] | None:
    if metadata is None:
        return None
    several = metadata if isinstance(metadata, (list, tuple, set, frozenset)) else (metadata,)
    found = tuple(one if isinstance(one, MetaData) else getattr(one, "metadata", None) for one in several)
    if not all(isinstance(one, MetaData) for one in found):
        raise PolicyError("metadata must be MetaData or declarative bases.", hint="metadata=Base.metadata.")
    return found  # type: ignore[return-value]
