"""The composition root: joins policy, keys, log and engines.

There is one :class:`Privacy` for each policy, and nothing global: two of them, with two policies, live side by side in
one process, each on its own engines.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, overload
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, MetaData, Table, event
from sqlalchemy.orm import Mapper, Query, QueryableAttribute, Session
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.elements import KeyedColumnElement

from sa_privacy.access import AccessBlock, AccessScopes, Names, Scope, Withheld
from sa_privacy.accesslog import EventLog
from sa_privacy.columns.accepting import Accepted
from sa_privacy.columns.annotation import Annotation, annotate_column, table_columns
from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.columns.lookup import LookupSpec, as_lookup
from sa_privacy.crypto import Keyring
from sa_privacy.customers.consent import Consents
from sa_privacy.customers.disclosure.disclosures import Disclosure, Disclosures
from sa_privacy.customers.disclosure.provisions import Provisions
from sa_privacy.customers.disclosure.receipts import Giver, receive
from sa_privacy.customers.erasure.erasures import Erasures
from sa_privacy.customers.requests.made import make_requests
from sa_privacy.customers.requests.requests import Requests
from sa_privacy.errors import PolicyError
from sa_privacy.footprint import Declarations
from sa_privacy.gate.binds import dialect_of, owner_of_dialect
from sa_privacy.gate.bulk_rows import fetch_what_changes
from sa_privacy.gate.context import Context
from sa_privacy.gate.declare import adding
from sa_privacy.gate.engine import Gate
from sa_privacy.gate.explain import Explanation, explain
from sa_privacy.gate.install import Installation, install
from sa_privacy.gate.instrument import Instrumentation
from sa_privacy.gate.load import load_covered
from sa_privacy.gate.memory import Memory
from sa_privacy.gate.mode import Mode, Observed
from sa_privacy.gate.rule import Where
from sa_privacy.gate.sqlalchemy_private import root_engine
from sa_privacy.gate.standing import standings_of
from sa_privacy.ledger import OWN_TABLES, Desk, own_triggers
from sa_privacy.policy import ConsentPort, Policy, StaffPort
from sa_privacy.staff import Staff
from sa_privacy.walls import RowSources, Wall, raise_wall

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine  # needs greenlet, which synchronous applications do not have

__all__ = ["Privacy"]

P = ParamSpec("P")
R = TypeVar("R")


class Privacy:
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
    ) -> None:
        observed = Observed.of(mode, observe)
        self.policy = policy if isinstance(policy, Policy) else Policy.load(Path(policy))
        self.log = log
        self.mode: Mode = mode
        self._keys = keys
        self._accepted = Accepted(accept_plaintext or {}, stored_as or {})
        self._declarations = Declarations(functions=own_triggers())
        self._scopes = AccessScopes(self.policy, lenient=observed.everything)
        self._live = LiveCatalogue(self.policy, _collections(metadata))
        try:
            self._live.check()
        except PolicyError:
            self._live.close()
            raise
        self._desk = Desk(self._scopes, self._live)
        self._consents = Consents(self._desk, keys.pseudonym_key() if keys is not None else None)
        port: ConsentPort = consents if consents is not None else self._consents.port
        self._requests = make_requests(self._desk, self._live, keys, log, self._consents if consents is None else None)
        self._erasures = Erasures(self._desk, keys.pseudonym_key() if keys is not None else None)
        self._gate = Gate(
            self._scopes,
            self._live,
            keys=keys,
            log=log,
            observed=observed,
            declarations=lambda: self._declarations,
            recheck=recheck,
            consents=port,
        )
        self._desk.gate = self._gate
        self._staff = Staff(self._desk, keys, log)
        self._desk.standings = self._gate.standings = standings_of(
            self.policy, staff if staff is not None else self._staff.port, self._desk.now, recheck
        )
        if self._gate.standings is not None:
            self._gate.standings.rows_differ = lambda: self._gate.rules.beyond_own
        self._disclosures = Disclosures(self._desk, self._gate.evidence, port)
        self._memory = Memory(self._gate, self._governs)
        self._scopes.listen(self._memory.put_away)
        self._scopes.on_refused = self._gate.evidence.write_refused
        self._scopes.on_break_glass = self._gate.evidence.broken
        self._scopes.kinds = lambda: {kind for _, kind in self.catalogue.holders.values()}
        instrumentation = Instrumentation(self._memory)
        self._context = Context(self.policy, log, self._gate.write, self._accepted.columns)
        if keys is not None:
            keys.enrol(self._context)

        def changed() -> None:
            self._context.follow(self.catalogue)
            instrumentation.sweep(self._gate.view(None))

        self._live.on_change = changed
        self._installed: WeakKeyDictionary[Engine, Installation] = WeakKeyDictionary()
        self._walls: WeakKeyDictionary[Engine, Wall] = WeakKeyDictionary()
        self._stops: list[Callable[[], None]] = [
            *(instrumentation.close, self._memory.close, self._live.close, self._context.close)
        ]
        self._ruled = False
        self._keep_bulk_changes_in_step()

    def __repr__(self) -> str:
        return f"<Privacy {self.policy.id!r} {self.policy.version} mode={self.mode} engines={len(self._installed)}>"

    # -- engines --------------------------------------------------------------------------------------------------

    def install(self, engine: Engine | AsyncEngine, *, walls: bool = False) -> None:
        """Protects an engine, and all that its ``execution_options()`` makes of it. Doing it twice changes nothing.

        :param walls: also puts up the database's own wall, which sees what goes past SQLAlchemy: on SQLite at once, on
            PostgreSQL once ``sa-privacy wall apply`` has made its roles.
        :raises PolicyError: another ``Privacy`` protects it, its dialect is not supported, an annotation names a
            category that the policy does not know, ``observe`` names a table that is not there, the log is in the engine's
            own SQLite file, or something else keeps the gate from seeing statements (see :meth:`check`). Nothing is put on
            the engine then.
        """
        plain = _sync(engine)
        fresh = plain not in self._installed
        if fresh:
            self._live.check()
            self._gate.observed.check(self.catalogue)
            _must_be_apart(self.log, plain)
            accepted = self._accepted.by_field(self.catalogue)
            self._installed[plain] = install(plain, self._gate, self._keys, accepted)
            self._memory.engines_changed(some=True)
        if walls and plain not in self._walls:
            try:
                self._walls[plain] = raise_wall(plain, self._gate, lambda: self.row_sources)
            except BaseException:
                if fresh:
                    self.uninstall(plain)
                raise

    def uninstall(self, engine: Engine | AsyncEngine) -> None:
        """Takes the protection off again: the engine behaves as if it had never been there.

        Once it is off the last engine, objects that are still in memory are their holder's.
        """
        plain = _sync(engine)
        installation = self._installed.get(plain)
        if installation is not None:
            wall = self._walls.pop(plain, None)
            if wall is not None:
                wall.remove()
            installation.remove()
            del self._installed[plain]
            self._memory.engines_changed(some=bool(self._installed))

    def check(self, engine: Engine | AsyncEngine) -> None:
        """The self-test that :meth:`install` made, once more: for health checks. Asks the database nothing.

        :raises PolicyError: this ``Privacy`` is not installed on the engine, or something keeps the gate from seeing
            every statement: a listener that answers before it, another compiler or compile cache.
        """
        installation = self._installed.get(_sync(engine))
        if installation is None:
            raise PolicyError("this Privacy is not installed on that engine.", hint="privacy.install(engine) first.")
        self._gate.observed.check(self.catalogue)
        installation.check()

    def install_all(self, match: Callable[[Engine], bool] | None = None, *, walls: bool = False) -> Callable[[], None]:
        """Protects every engine of the process, present and future, that `match` takes; all, where it is left out.

        :param walls: as for :meth:`install`.
        :returns: a function that stops taking in new engines; those taken in stay protected.
        """

        def take_in(engine: Engine) -> None:
            if engine not in self._installed and (match is None or match(engine)):
                self.install(engine, walls=walls)

        def engine_connect(connection: Any) -> None:
            take_in(root_engine(connection.engine))

        for found in [thing for thing in gc.get_objects() if issubclass(type(thing), Engine)]:
            take_in(found)
        event.listen(Engine, "engine_connect", engine_connect)
        return lambda: event.remove(Engine, "engine_connect", engine_connect)

    def close(self) -> None:
        """Takes the protection off every engine and mapped class, and closes the log."""
        for engine in list(self._installed):
            self.uninstall(engine)
        for stop in self._stops:
            stop()
        self._stops.clear()
        if self.log is not None:
            self.log.close()

    def _governs(self, session: Session, mapper: Mapper[Any]) -> bool:
        dialect = dialect_of(session, mapper)
        return dialect is not None and owner_of_dialect(dialect) is self._gate

    # -- accesses -------------------------------------------------------------------------------------------------

    def access(
        self,
        purpose: Names = None,
        *,
        actor: str | None = None,
        role: Names = None,
        subject: object = None,
        reason: str | None = None,
        withheld: Withheld | None = None,
        maintenance: bool | None = None,
        subjects: object = None,
        break_glass: bool = False,
        ticket: str | None = None,
        **details: object,
    ) -> AccessBlock:
        """Declares who acts, in which role, for which purpose: a context manager, and a decorator.

        What is left out comes from the enclosing access. As a decorator it serves functions, coroutines and
        generators; each call is an access of its own.

        :param purpose: one purpose of the policy, or several.
        :param actor: who acts, in the application's own words.
        :param role: the role acted in, or several.
        :param subject: the person whose own rows are meant: the key of their row, or ``(kind, key)``.
        :param reason: why, in human words; it goes into the log, so it must name no one.
        :param withheld: what uncovered attributes of loaded objects read as: ``"raise"`` (an error), ``"none"``, or
            ``"mask"`` (the category's mask).
        :param maintenance: covers every column, logs everything; only for roles with ``maintenance = true``.
        :param subjects: the people whose data it is about, where statements do not say so themselves: a key,
            ``(kind, key)``, or a list of these. Their pseudonyms stand in every event, which is then not "unbounded".
        :param break_glass: acts for a purpose that the policy opens to the role in an emergency only, for the time that it
            says: later the access has ended. Takes ``actor``, ``reason`` and ``ticket``; it is on the disk before the block
            runs, and waits for a review by somebody else.
        :param ticket: where the emergency is on record; it goes into the log.
        :param details: whatever else is to be kept with the access. ``route``, what is being served, goes into the log.
        :raises UnknownPurpose, UnknownRole, RoleDenied: on entry, where the policy does not allow the combination.
        :raises AccessEnded: on entry, where the enclosing access has been left.
        :raises LogUnavailable: on entry, where a broken glass cannot be written down.
        :raises PolicyError: an argument cannot be meant. Under ``mode="observe"`` all of these are
            logged instead, and the block runs with as much of the declaration as the policy allows.
        """
        return self._scopes.access(
            purpose,
            actor=actor,
            role=role,
            subject=subject,
            reason=reason,
            withheld=withheld,
            maintenance=maintenance,
            subjects=subjects,
            break_glass=break_glass,
            ticket=ticket,
            **details,
        )

    def request(self, request: str | None = None, **declared: Any) -> AccessBlock:
        """Opens a root that inherits nothing, to be filled in by ``privacy.current().bind(...)``.

        :param request: the caller's own id of the request, for the log.
        :param declared: what is known already, as for :meth:`access`. ``route="GET /orders/{id}"`` says what is being
            served, for the log and its reports: the pattern, not the address, which may hold a person's key.
        """
        return self._scopes.request(request, **declared)

    def system(self, name: str, *, reason: str | None = None, **details: object) -> AccessBlock:
        """The access of a job that the policy names under ``[systems]``. Inherits nothing.

        :raises UnknownRole: the policy knows no such system. Under ``mode="observe"`` that is logged on entry instead.
        """
        return self._scopes.system(name, reason=reason, **details)

    def carry(self, function: Callable[P, R]) -> Callable[P, R]:
        """Takes the current access, as one of its own, into a thread, task or background job.

        :raises NoAccess: none is declared here.
        """
        return self._scopes.carry(function)

    def current(self) -> Scope:
        """The scope in force: ``.access`` says what is declared, ``.bind(...)`` fills in the request around it.

        :raises NoAccess: none is declared here.
        """
        return self._scopes.require()

    async def load(self, *objects_and_names: Any) -> None:
        """Loads what the access in force covers of objects of an ``AsyncSession``, one SELECT an object.

        :param objects_and_names: objects, and names of attributes where not all covered ones are wanted.
        :raises AccessDenied: a named attribute is not covered.
        """
        objects = [thing for thing in objects_and_names if not isinstance(thing, str)]
        names = [thing for thing in objects_and_names if isinstance(thing, str)]
        for instance in objects:
            await load_covered(self._memory, instance, names)

    # -- sealing --------------------------------------------------------------------------------------------------

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

    def looks_after(self, table: Table) -> bool:
        """Whether a table is among those of this policy."""
        return self._live.looks_after(table)

    @property
    def plaintext_read(self) -> dict[str, int]:
        """How many plain values this process has read of each column that accepts them."""
        return self._accepted.counts()

    # -- giving data away -----------------------------------------------------------------------------------------

    def disclose(
        self,
        session: Session,
        *,
        to: str,
        subjects: object,
        categories: str | Iterable[str],
        ground: str | None = None,
        evidence: Mapping[str, object] | None = None,
        format: Literal["json", "csv"] = "json",  # noqa: A002 - the contract's name
    ) -> Disclosure:
        """Gives people's data to a recipient of the policy: the only door out. See docs/disclosure.md.

        Reads it, for the access in force, and writes the record in the session's transaction. The data can be had once
        that is committed: ``disclosure = ...; session.commit(); send(disclosure.data)``.

        :param to: as the policy names the recipient. One of the access's roles must have it under ``disclose``.
        :param subjects: a key, ``(kind, key)``, or a list or set of these.
        :param categories: what is to be given: one category of the policy, or several.
        :param ground: of the policy, where data is given without consent.
        :param evidence: what the ground requires, and nothing else.
        :param format: of the data, ``"json"`` or ``"csv"``.
        :raises DisclosureRefused: it may not be given; it is logged as a denial, and says what is in the way.
        :raises UnknownPerson: not all of the people are there.
        :raises LogUnavailable: it cannot be logged; roll back.
        """
        return self._disclosures.disclose(
            session,
            to=to,
            subjects=subjects,
            categories=categories,
            ground=ground,
            evidence=evidence,
            format=format,
        )

    def received(
        self,
        session: Session | Connection,
        *,
        from_: str | Giver,
        subjects: object,
        categories: str | Iterable[str],
        how_obtained: str,
        at: datetime | None = None,
    ) -> str:
        """Writes down that data was received from somebody else (APPI 30), in the transaction of its rows.

        :param from_: a recipient of the policy, or a :class:`~sa_privacy.Giver`.
        :param subjects: whose data it is, whose rows must be there: a key, ``(kind, key)``, or a list or set of these.
        :param categories: what was received; the access in force must cover writing it.
        :param how_obtained: how the giver had come by it.
        :param at: when it was received, aware; None: now.
        :returns: the id of the record.
        :raises DisclosureRefused: something of it is missing, or the access does not cover it.
        """
        return receive(
            self._desk,
            session,
            from_=from_,
            subjects=subjects,
            categories=categories,
            how_obtained=how_obtained,
            at=at,
        )

    @property
    def provisions(self) -> Provisions:
        """The records of what was given away and received."""
        return Provisions(self._desk)

    # -- columns --------------------------------------------------------------------------------------------------

    @property
    def row_sources(self) -> RowSources:
        """Where the wall's conditions about rows come from, beside the policy."""
        rules = self._gate.rules
        return RowSources(rules.consents, rules.entered)

    @property
    def metadata(self) -> MetaData:
        """The library's own tables: consent, provisions, requests, staff. ``privacy.metadata.create_all(engine)`` makes
        them; ``sa-privacy tables upgrade`` keeps them up to date.
        """
        return OWN_TABLES

    @property
    def staff(self) -> Staff:
        """Accounts, granted roles and pledges of those who act."""
        return self._staff

    @property
    def consents(self) -> Consents:
        """The ledger of consent: who agreed to what, and took it back."""
        return self._consents

    @property
    def requests(self) -> Requests:
        """What people ask for: disclosure, correction, ceasing use or provision, erasure. See docs/requests.md."""
        return self._requests

    @property
    def erasure(self) -> Erasures:
        """The end of a person's data: a plan to look at, and its execution. See docs/erasure.md."""
        return self._erasures

    @property
    def catalogue(self) -> Catalogue:
        """All tables and columns this policy looks after, as of now."""
        return self._live.current()

    def annotate(
        self,
        column: QueryableAttribute[Any] | KeyedColumnElement[Any],
        *,
        category: str,
        purposes: Collection[str] | None = None,
        encrypt: bool = True,
        lookup: LookupSpec = None,
        field: str | None = None,
    ) -> None:
        """Annotates a column of a model that one cannot edit; see :func:`sa_privacy.pii_column`.

        :param column: a mapped attribute, or a column of a table (``table.c.email``, ``Customer.__table__.c.email``).
        :raises PolicyError: the category or a purpose is unknown, `column` is no column of a table, or it is annotated
            otherwise already, or its table is none of those that the policy looks after.
        """
        if category not in self.policy.categories:
            raise PolicyError(
                f'the policy knows no category "{category}".',
                hint=f"categories of the policy: {', '.join(sorted(self.policy.categories))}.",
            )
        unknown = sorted(frozenset(purposes or ()) - self.policy.purposes.keys())
        if unknown:
            raise PolicyError(
                f"the policy knows no purpose {_quoted(unknown)}.",
                hint=f"purposes of the policy: {', '.join(sorted(self.policy.purposes))}.",
            )
        only = None if purposes is None else frozenset(purposes)
        annotation = Annotation(category, only, encrypt, as_lookup(lookup), field)
        columns = table_columns(column)
        for one in columns:
            table: object = one.table  # None, while it belongs to no table yet
            if isinstance(table, Table) and not self._live.looks_after(table):
                raise PolicyError(
                    f"{table.fullname} is not among the tables this policy looks after.",
                    hint="name its MetaData too: Privacy(..., metadata=[...]), or leave metadata= out.",
                    columns=(f"{table.fullname}.{one.name}",),
                )
        for one in columns:
            annotate_column(one, annotation)
        self._live.current()

    def restrict(self, thing: Any, *, role: str | None = None, purpose: str | None = None, where: Where) -> None:
        """Limits a role, or a purpose, to some of a table's rows: on every path, and the gate makes sure of it.

        Rules of one role add up, and so do those of purposes. Who acts in several roles reaches what one of them does.

        :param thing: a mapped class or a ``Table``; classes that inherit from it, by a table of their own or in the same,
            are limited with it.
        :param where: takes the columns of the row (``c.team_id``) and the :class:`~sa_privacy.access.Access` in force, and
            gives a SQLAlchemy condition; subqueries in it are not limited themselves. It is asked once for an access.
        :raises PolicyError: the policy does not know the role or the purpose, none is named, or `thing` is no table with
            personal data.
        """
        self._gate.rules.restrict(thing, role, purpose, where)
        self._keep_bulk_changes_in_step()

    def _keep_bulk_changes_in_step(self) -> None:
        """Sessions are watched once a row rule may hold: others pay nothing."""
        if self._gate.rules and not self._ruled:
            self._ruled = True
            self._stops.append(fetch_what_changes(self._gate, self._governs))

    @overload
    def declare(self, *, function: str, touches: Iterable[str]) -> None: ...
    @overload
    def declare(self, *, view: str, reads: Iterable[str]) -> None: ...
    @overload
    def declare(
        self,
        *,
        sql: str,
        reads: Iterable[str] = (),
        matches: Iterable[str] = (),
        writes: Iterable[str] = (),
        dialect: Literal["sqlite", "postgresql"] = "postgresql",
    ) -> None: ...
    def declare(self, **said: Any) -> None:
        """Says of SQL what the library cannot see for itself.

        :param function: a SQL function, and the columns it `touches`; none where it touches nothing personal.
        :param view: a view, and the columns it `reads`.
        :param sql: a statement, whatever its literals, and the columns it `reads`, `matches` and `writes`.
        :raises PolicyError: a column is not in the catalogue.
        """
        known = self.catalogue.columns
        for what in ("touches", "reads", "matches", "writes"):
            for name in said.get(what, ()):
                if name not in known:
                    raise PolicyError(
                        f'"{name}" is not a personal column.',
                        hint=f"personal columns: {', '.join(sorted(known)) or 'none'}.",
                    )
        self._declarations = adding(self._declarations, **said)
        self._live.renew()

    def explain(
        self, statement: ClauseElement | Query[Any] | str, *, engine: Engine | AsyncEngine | None = None
    ) -> Explanation:
        """What a statement would touch under the access in force, and whether it would run. Runs nothing.

        Values that come with the execution are not known yet: ``insert(Customer)`` without values writes every column.

        :param engine: an engine this ``Privacy`` is installed on; may be left out where there is just one.
        :raises PolicyError: no engine is known, or this ``Privacy`` is not installed on it.
        """
        known = list(self._installed)
        if engine is None and len(known) != 1:
            raise PolicyError(
                "which engine would run it?" if known else "this Privacy is installed on no engine.",
                hint="explain(statement, engine=...) with an engine it is installed on.",
            )
        plain = known[0] if engine is None else _sync(engine)
        installation = self._installed.get(plain)
        if installation is None:
            raise PolicyError(
                "this Privacy is not installed on that engine, which would run anything.",
                hint="privacy.install(engine) first.",
            )
        return explain(self._gate, plain, installation.door, statement)


def _sync(engine: Engine | AsyncEngine) -> Engine:
    engine = getattr(engine, "sync_engine", engine)  # an AsyncEngine's
    if not isinstance(engine, Engine):
        raise PolicyError(f"{type(engine).__name__} is no engine.", hint="give an Engine or an AsyncEngine.")
    return root_engine(engine)


def _must_be_apart(log: EventLog | None, engine: Engine) -> None:
    """A log in a SQLite file, which has one writer at a time, would wait for the statement that waits for the log."""
    shares_file = getattr(log, "shares_file", None)  # only a log in a database can tell
    if shares_file is not None and shares_file(engine):
        raise PolicyError(
            "the access log is in the SQLite file of the engine it is to watch: its events could not be committed while "
            "the application writes.",
            hint='give it a file of its own: TableLog("sqlite:///access-log.db"), or AccessLog.open("access-log").',
        )


def _collections(metadata: Any) -> tuple[MetaData, ...] | None:
    if metadata is None:
        return None
    several = metadata if isinstance(metadata, (list, tuple, set, frozenset)) else (metadata,)
    found = tuple(one if isinstance(one, MetaData) else getattr(one, "metadata", None) for one in several)
    if not all(isinstance(one, MetaData) for one in found):
        raise PolicyError("metadata must be MetaData or declarative bases.", hint="metadata=Base.metadata.")
    return found  # type: ignore[return-value]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
