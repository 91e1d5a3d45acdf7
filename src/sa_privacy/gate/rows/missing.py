"""A flush under row rules that touches fewer rows than it was meant for: some are out of reach, or their version is stale.

SQLAlchemy would call all of it stale data. A row that the access does not reach is refused with the name of the rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from sqlalchemy import and_, func, or_, select

from sa_privacy.errors import PrivacyError
from sa_privacy.gate.people.people import is_owner
from sa_privacy.gate.rows import row_law
from sa_privacy.gate.sqlalchemy_private import is_flush

if TYPE_CHECKING:
    from sa_privacy.access import Access
    from sa_privacy.errors import RowsDenied
    from sa_privacy.gate.rows.limits import LimitsInForce
    from sa_privacy.gate.statements.evidence import Evidence
    from sa_privacy.gate.statements.plan import Plan

__all__ = ["CountedFetch", "Missing"]


#: Rows that are asked for at once.
_AT_ONCE: Final = 100


class Missing:
    """Tells of one UPDATE or DELETE of a flush whether it reached all the rows it was meant for.

    :param error: what is raised where it did not.
    """

    __slots__ = ("_access", "_context", "_error", "_evidence", "_plan")

    def __init__(self, error: RowsDenied, evidence: Evidence, plan: Plan, access: Access, context: Any) -> None:
        self._error = error
        self._evidence = evidence
        self._plan = plan
        self._access = access
        self._context = context

    @classmethod
    def of(cls, plan: Plan, limits: LimitsInForce, access: Access, context: Any, evidence: Evidence) -> Missing | None:
        """None where no rule limits what the statement changes, or where nobody expects its rows to be there."""
        if context.isinsert or not is_flush(context):
            return None
        error = row_law.refusal_of_rows(plan.footprint, limits.for_access(access), access)
        if error is None:
            return None
        missing = cls(error, evidence, plan, access, context)
        if context.executemany and not context.dialect.supports_sane_multi_rowcount:
            missing._look_first()
        return missing

    def check(self, touched: int) -> None:
        """Compares what was touched with what was meant; less than 0 is not known.

        :raises RowsDenied: a row is not there for the access.
        """
        wanted = len(self._context.compiled_parameters)
        if not 0 <= touched < wanted or self._is_stale(touched, wanted):
            return
        self._refuse()

    def _look_first(self) -> None:
        """Where the driver will not say how many rows were touched, the database is asked beforehand."""
        if self._keys()[0] and self._reached() < len(self._context.compiled_parameters):
            self._refuse()

    def _refuse(self) -> NoReturn:
        denials = [f"rows of {self._error.rule}"]
        self._evidence.refused(self._plan, self._access, "denied", denials, (), self._context)
        raise self._error

    def check_cursor(self) -> bool:
        """The same, right after the statement ran; False where it gives rows, which are to be counted.

        :raises RowsDenied: a row is not there for the access.
        """
        cursor = self._context.cursor
        if cursor.description is not None:
            return False
        self.check(cursor.rowcount)
        return True

    def _is_stale(self, touched: int, wanted: int) -> bool:
        """Whether all the rows are reached, but not in the version that was asked for: SQLAlchemy's to say."""
        keys, others = self._keys()
        gone = touched if self._context.isdelete else 0
        return bool(others) and bool(keys) and self._reached() + gone >= wanted

    def _keys(self) -> tuple[dict[Any, Any], frozenset[str]]:
        """The parameters for the columns of the primary key, none where one has none, and the other columns that are asked."""
        table, [(name, pins)] = self._context.compiled.statement.table, self._plan.footprint.mentions
        binds = {pin.column: pin.bind for pin in pins if not pin.many and not is_owner(pin.bind)}
        keys = {column: binds.pop(f"{name}.{column.name}", None) for column in table.primary_key}
        return ({} if None in keys.values() else keys), frozenset(binds)

    def _reached(self) -> int:
        """How many of the rows, whatever their version, are there for the access."""
        context, (keys, _) = self._context, self._keys()
        found = 0
        try:
            for start in range(0, len(context.compiled_parameters), _AT_ONCE):
                some = context.compiled_parameters[start : start + _AT_ONCE]
                rows = [and_(*(column == one[bind] for column, bind in keys.items())) for one in some]
                there = select(func.count()).select_from(context.compiled.statement.table).where(or_(*rows))
                found += context.root_connection.scalar(there)
        except PrivacyError:  # nor may it ask
            return 0
        return found


class CountedFetch:
    """The fetch strategy of a flush that touches no personal data: it looks for missing rows, and no more."""

    __slots__ = ("_inner", "_missing")

    def __init__(self, inner: Any, missing: Missing) -> None:
        self._inner = inner
        self._missing: Missing | None = missing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @property
    def alternate_cursor_description(self) -> Any:
        """What SQLAlchemy asks for right after the statement ran."""
        if self._missing is not None and self._missing.check_cursor():
            self._missing = None
        return self._inner.alternate_cursor_description

    def fetchall(self, result: Any, dbapi_cursor: Any) -> Any:
        """The rows of RETURNING."""
        rows = self._inner.fetchall(result, dbapi_cursor)
        missing, self._missing = self._missing, None
        if missing is not None:
            missing.check(len(rows))
        return rows
