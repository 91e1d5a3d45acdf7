"""Every error of the library, with its code and its way out.

An error names the column, the purpose and the role, and says what to do next. It never carries a value of
personal data, a key or an identifier of a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "AccessDenied",
    "AccessEnded",
    "Busy",
    "CellRejected",
    "ClockWentBack",
    "ConsentRefused",
    "DisclosureRefused",
    "ErasureRefused",
    "HoldRefused",
    "KeyUnavailable",
    "LedgerUnavailable",
    "LogChanged",
    "LogUnavailable",
    "LoginRefused",
    "NoAccess",
    "NotGranted",
    "NotLoaded",
    "NotPledged",
    "PersonErased",
    "PlanMoved",
    "PolicyError",
    "PrivacyError",
    "PurposeDenied",
    "RequestRefused",
    "RetentionRefused",
    "ReviewRefused",
    "RoleDenied",
    "RotationRefused",
    "RowsDenied",
    "SealedColumn",
    "StaffRefused",
    "UnderHold",
    "UnknownPerson",
    "UnknownPurpose",
    "UnknownRole",
    "UnreadableStatement",
    "WallDown",
    "WorkersLost",
]


class PrivacyError(Exception):
    """Base of all errors of the library.

    :param message: what was refused or went wrong, in one sentence.
    :param hint: the next step, in one sentence.
    :param columns: the columns concerned, as ``"table.column"``.
    :param purpose: the declared purposes, as the policy names them.
    :param roles: the roles acted in.
    """

    code: ClassVar[str] = "SP-000"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        columns: Iterable[str] = (),
        purpose: Iterable[str] = (),
        roles: Iterable[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.columns: tuple[str, ...] = tuple(columns)
        self.purpose: tuple[str, ...] = tuple(purpose)
        self.roles: tuple[str, ...] = tuple(roles)

    def __str__(self) -> str:
        text = f"[{self.code}]: {self.message}"
        return f"{text}\n  hint: {self.hint}" if self.hint else text

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.__dict__.copy()))


def _rebuild(kind: type[PrivacyError], state: dict[str, object]) -> PrivacyError:
    error = kind.__new__(kind)
    Exception.__init__(error, state.get("message"))
    error.__dict__.update(state)
    return error


class PolicyError(PrivacyError):
    """The policy document, an annotation or the set-up contradicts itself. Lists every fault at once."""

    code = "SP-101"


class AccessDenied(PrivacyError, PermissionError):
    """Base of all denials: the caller may not do this under the access it declared."""

    code = "SP-200"


class PurposeDenied(AccessDenied):
    """The declared purposes do not cover a column."""

    code = "SP-201"


class NoAccess(AccessDenied):
    """Personal data was touched and no access was declared."""

    code = "SP-202"


class RoleDenied(AccessDenied):
    """The role may not act for the purpose."""

    code = "SP-203"


class UnknownPurpose(AccessDenied):
    """The policy does not know the purpose."""

    code = "SP-204"


class UnknownRole(AccessDenied):
    """The policy does not know the role, or the system."""

    code = "SP-205"


class AccessEnded(AccessDenied):
    """The access was declared in a scope that has since been left."""

    code = "SP-206"


class RowsDenied(AccessDenied):
    """The access does not reach all rows, and the statement is not limited to those it reaches."""

    code = "SP-207"
    rule: str | None = None
    """The table and for whom it is restricted, where a row rule stands against it."""


class UnreadableStatement(AccessDenied):
    """The library cannot tell what the statement touches, so it does not run."""

    code = "SP-208"


class NotLoaded(PrivacyError):
    """A covered attribute is not in memory, and asyncio allows no loading here. Use ``await privacy.load(obj)``."""

    code = "SP-209"


class NotGranted(AccessDenied):
    """The role is granted by name, and was not granted to the actor, or no longer is."""

    code = "SP-210"


class NotPledged(AccessDenied):
    """The role takes a pledge, and the actor has not signed its current version."""

    code = "SP-211"


class SealedColumn(PrivacyError):
    """The expression cannot work on sealed values."""

    code = "SP-301"


class CellRejected(PrivacyError):
    """A sealed cell was changed, moved, or written under another key."""

    code = "SP-302"


class KeyUnavailable(PrivacyError):
    """No key is at hand for a sealed column."""

    code = "SP-303"


class RotationRefused(PrivacyError):
    """The keyring is not in the state that this step of a rotation needs, or the key is still in use."""

    code = "SP-305"


class LogUnavailable(PrivacyError):
    """The event could not be made durable, so nothing ran and nothing is handed over."""

    code = "SP-401"


class ReviewRefused(PrivacyError):
    """The review of a break-glass access is none: by the same person, of an unknown access, or the second one."""

    code = "SP-402"


class LogChanged(PrivacyError):
    """What the access log holds is not what was written there. Names the first event that shows it."""

    code = "SP-403"


class ConsentRefused(PrivacyError):
    """What was said of a consent cannot be entered in the ledger."""

    code = "SP-601"


class DisclosureRefused(AccessDenied):
    """Data may not be given to this recipient, or not on this ground with this evidence. Nothing was given."""

    code = "SP-602"


class RequestRefused(PrivacyError):
    """A step of a person's request is not the next one, or lacks what it needs."""

    code = "SP-603"


class StaffRefused(PrivacyError):
    """What was said of an account, a grant or a pledge cannot be entered."""

    code = "SP-604"


class LoginRefused(StaffRefused):
    """Name and password do not go together, or the account is locked. Does not say which."""

    code = "SP-605"


class ClockWentBack(PrivacyError):
    """The clock shows an earlier time than what a ledger holds."""

    code = "SP-606"


class UnknownPerson(PrivacyError):
    """There is no such person. Does not say who was asked for."""

    code = "SP-607"


class LedgerUnavailable(PrivacyError):
    """The library's own tables cannot be read or written: one is not there, or the SQLite file is locked."""

    code = "SP-608"


class UnderHold(AccessDenied):
    """A hold keeps these rows: they are neither deleted nor emptied until it is released. Names the case."""

    code = "SP-701"
    case: str | None = None
    """The number of the case that the hold is for."""


class ErasureRefused(PrivacyError):
    """A person cannot be erased as asked: something is missing, stands against it, or is under way already."""

    code = "SP-702"


class PlanMoved(ErasureRefused):
    """The data is not as it was when the plan was made. Nothing was erased; look at a new plan."""

    code = "SP-703"


class PersonErased(PrivacyError):
    """The person was erased: their key is destroyed, and nothing of theirs is stored any more."""

    code = "SP-704"


class HoldRefused(PrivacyError):
    """A hold cannot be placed, reviewed or released as asked. Says what is missing."""

    code = "SP-706"


class RetentionRefused(PrivacyError):
    """A retention schedule cannot be carried out as the policy says. Names what is in the way."""

    code = "SP-705"


class Busy(PrivacyError):
    """The database did not let a job have its turn. Nothing was changed since the last batch."""

    code = "SP-801"


class WorkersLost(PrivacyError):
    """The workers of a job died one after the other. What was done until then is done."""

    code = "SP-802"


class WallDown(PrivacyError):
    """The database's own rules are not as the policy says, or cannot hold for this statement, so it does not run."""

    code = "SP-501"
