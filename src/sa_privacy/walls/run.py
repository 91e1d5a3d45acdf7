"""The wall at run time on PostgreSQL: every statement runs as the role that stands for the access in force.

The role, and what row policies read (whose rows, which rules), are set together, by one statement, for the transaction
only (``set_config(.., true)``, which is ``SET LOCAL``), so that nothing of it outlives the transaction on a connection
that a pooler hands to somebody else. It is said once in a transaction, again when the access changes, and again after
ROLLBACK TO SAVEPOINT, which brings an earlier role and earlier settings back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

from sqlalchemy import Engine, TextClause, TextualSelect, event
from sqlalchemy.util import LRUCache

from sa_privacy.accesslog import members
from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.errors import PrivacyError, UnreadableStatement, WallDown
from sa_privacy.gate.engine import Gate
from sa_privacy.gate.rows.rule import at_desk
from sa_privacy.gate.statements.evidence import access_members
from sa_privacy.gate.statements.results import WitnessedFetch
from sa_privacy.walls.beginning import begin_saying
from sa_privacy.walls.reach import base_role, desk_role, role_of
from sa_privacy.walls.rows import RowSources, WalledRules
from sa_privacy.walls.settings import Asking, Settings
from sa_privacy.walls.text import TRANSACTION, Verdict, judge

__all__ = ["PostgreSQLWall"]

_ROLE = "sa_privacy_wall"  # in Connection.info: what the transaction was told last
_SAVEPOINTS = frozenset({"savepoint", "rollback_to_savepoint", "release_savepoint"})


class PostgreSQLWall:
    """The wall of one engine. ``remove()`` takes it off again; the roles in the database stay."""

    def __init__(self, engine: Engine, gate: Gate, rows: Callable[[], RowSources]) -> None:
        self._engine = ref(engine)  # it goes with its engine
        self._dialect = engine.dialect
        self._gate = gate
        self._scope = gate.scopes.get
        self._live = gate.live
        self._rows = rows
        self._told = gate.live.current()
        self._settings = self._made(self._told)
        self._texts: LRUCache[str, Verdict] = LRUCache(2000)
        # After the gate: what that refuses asks nothing here.
        self._listeners: list[tuple[str, Any]] = [
            ("do_execute", self.follow),
            ("do_executemany", self.follow),
            ("do_execute_no_params", self.follow_no_params),
            ("begin", _forget),
            ("begin_twophase", _forget),
        ]
        for name, listener in self._listeners:
            event.listen(engine, name, listener)

    def remove(self) -> None:
        """Takes the wall off the engine."""
        engine = self._engine()
        if engine is not None:
            for name, listener in self._listeners:
                event.remove(engine, name, listener)

    # -- before each statement --------------------------------------------------------------------------------------

    def follow(self, cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        """Refuses text that would change roles; becomes the role of the access in force where it is not that already.

        :raises UnreadableStatement: it is such a text.
        :raises WallDown: the database knows no such role, or the login may not become it.
        """
        text = _text_of(statement, context)
        verdict = self._judged(text) if text is not None else None
        if verdict is not None and verdict.refused:
            self._refuse(verdict)
        connection = context.root_connection
        try:
            info = connection.info
        except NotImplementedError:
            return  # the dialect asks its own questions of a first connection, before anybody has it
        if _is_transaction_control(verdict, context):
            info.pop(_ROLE, None)  # an earlier role may be back, or none
            return
        wanted = self._wanted()
        told = info.get(_ROLE)
        if told is wanted or told == wanted:
            return
        proxied = connection.connection
        if getattr(proxied.dbapi_connection, "autocommit", False):
            self._refuse_autocommit(context)
            return
        try:
            if not begin_saying(proxied.driver_connection, wanted.plain):
                self._say(proxied, wanted)
        except Exception as error:
            if isinstance(error, self._dialect.loaded_dbapi.Error) and _is_of_roles(error):
                raise self._down(error) from None
            raise
        info[_ROLE] = wanted

    @staticmethod
    def _say(proxied: Any, wanted: Asking) -> None:
        ask = proxied.cursor()
        try:
            ask.execute(wanted.sql, wanted.parameters)
        finally:
            ask.close()

    def follow_no_params(self, cursor: Any, statement: str, context: Any) -> None:
        """The same, for statements sent without parameters."""
        self.follow(cursor, statement, (), context)

    # -- text ------------------------------------------------------------------------------------------------------

    def _judged(self, text: str) -> Verdict:
        verdict: Verdict | None = self._texts.get(text)
        if verdict is None:
            verdict = self._texts[text] = judge(text, self._dialect.paramstyle)
        return verdict

    def _refuse(self, verdict: Verdict) -> None:
        scope = self._scope()
        access = scope.access if scope is not None and scope.alive else None
        said = members(decision="denied", denials=["unreadable"], policy=self._gate.policy.hash, unbounded=True)
        self._gate.evidence.writer(access)("intent", access_members(access) + b"," + said)
        raise UnreadableStatement(verdict.refused, hint=verdict.hint)

    # -- the role ----------------------------------------------------------------------------------------------------

    def _wanted(self) -> Asking:
        scope = self._scope()
        settings = self._settings
        if self._told is not self._live.now:
            settings = self._renewed()
        if scope is None or not scope.alive:
            return settings.base
        notes = scope.access.notes
        known: tuple[Settings, Asking] | None = notes.get(self)
        if known is None or known[0] is not settings:
            known = notes[self] = (settings, settings.of(scope.access))
        return known[1]

    def _renewed(self) -> Settings:
        """How accesses are told is worked out anew with the catalogue, which another rule renews, too."""
        self._told = self._live.current()
        self._settings = self._made(self._told)
        return self._settings

    def _made(self, catalogue: Catalogue) -> Settings:
        return Settings(self._gate.policy, catalogue, WalledRules(self._rows().rules), self._dialect)

    def _refuse_autocommit(self, context: Any) -> None:
        """Without a transaction there is nothing to set a role for: the statement runs as the login itself."""
        if isinstance(context.cursor_fetch_strategy, WitnessedFetch):
            raise WallDown(
                "personal data is not used under AUTOCOMMIT: the role of the access holds for a transaction.",
                hint="use a transaction (engine.begin(), Session) for statements that touch personal data.",
            )

    def _down(self, error: BaseException) -> PrivacyError:
        scope = self._scope()
        grant = scope.access.grant if scope is not None and scope.alive else None
        purposes = grant.purposes if grant is not None else ()
        role = (role_of(grant, self._live.current()) if grant else None) or base_role(self._gate.policy)
        if grant is not None and at_desk(grant):
            hint = "run sa-privacy wall apply with the library's own tables in place."
            if role == desk_role(grant.policy):
                hint = "name the desk in this login's zone: sa-privacy wall apply --login NAME=ROLE,+desk."
        elif len(purposes) > 1 and grant is not None and grant.system is None:
            hint = (
                f"name the combination where the wall is made: sa-privacy wall apply --together {','.join(purposes)}."
            )
        else:
            hint = "run sa-privacy wall check, with the login of this application, and then wall apply."
        return WallDown(
            f'the login of this engine may not act as the database role "{role}" ({type(error).__name__}).',
            hint=hint,
            purpose=purposes,
            roles=grant.roles if grant is not None else (),
        )


def _forget(connection: Any, *_: Any) -> None:
    """A new transaction knows no role yet."""
    connection.info.pop(_ROLE, None)


def _text_of(statement: str, context: Any) -> str | None:
    """The statement, where a person wrote it; None where SQLAlchemy did."""
    compiled = context.compiled
    if compiled is None:
        return statement
    if isinstance(compiled.statement, (TextClause, TextualSelect)) or context.isddl:
        return str(compiled.string)
    return None if statement == context.statement or context.isinsert else statement


def _is_transaction_control(verdict: Verdict | None, context: Any) -> bool:
    compiled = context.compiled
    if compiled is not None and compiled.statement.__visit_name__ in _SAVEPOINTS:
        return True
    return verdict is not None and verdict.kind == TRANSACTION


def _is_of_roles(error: BaseException) -> bool:
    """Whether the server says that the role is unknown, or not to be had."""
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return state in {"42501", "22023", "42704"}
