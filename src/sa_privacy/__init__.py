"""A published privacy policy, made true inside a SQLAlchemy application.

Say which category of personal data a column holds (:func:`pii_column`), write down for which purposes each category
may be used (:class:`Policy`), install the :class:`Privacy` on your engines, and declare who acts for which purpose
(``with privacy.access(...)``). From then on statements outside the declared purpose are refused, uncovered columns stay
out of entity loads, stored values are sealed, and every access is written down before it happens.

Read on in ``privacy/privacy.py``, then follow one denied query through ``gate/engine.py``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from sa_privacy.errors import (
    AccessDenied,
    AccessEnded,
    Busy,
    CellRejected,
    ClockWentBack,
    ConsentRefused,
    DisclosureRefused,
    ErasureRefused,
    HoldRefused,
    KeyUnavailable,
    LedgerUnavailable,
    LogChanged,
    LoginRefused,
    LogUnavailable,
    NoAccess,
    NotGranted,
    NotLoaded,
    NotPledged,
    PersonErased,
    PlanMoved,
    PolicyError,
    PrivacyError,
    PurposeDenied,
    RequestRefused,
    RetentionRefused,
    ReviewRefused,
    RoleDenied,
    RotationRefused,
    RowsDenied,
    SealedColumn,
    StaffRefused,
    UnderHold,
    UnknownPerson,
    UnknownPurpose,
    UnknownRole,
    UnreadableStatement,
    WallDown,
    WorkersLost,
)

if TYPE_CHECKING:
    from sa_privacy.access import Access, Scope
    from sa_privacy.accesslog import AccessLog
    from sa_privacy.columns import DataSubject, Encrypted, Lookup, lookup_key, pii_column
    from sa_privacy.crypto import ERASED, Erased, Keyring
    from sa_privacy.customers.agent import Agent
    from sa_privacy.customers.disclosure.disclosures import Disclosure
    from sa_privacy.customers.disclosure.receipts import Giver
    from sa_privacy.policy import Policy, Standing
    from sa_privacy.privacy import Privacy

__all__ = [
    "ERASED",
    "Access",
    "AccessDenied",
    "AccessEnded",
    "AccessLog",
    "Agent",
    "Busy",
    "CellRejected",
    "ClockWentBack",
    "ConsentRefused",
    "DataSubject",
    "Disclosure",
    "DisclosureRefused",
    "Encrypted",
    "Erased",
    "ErasureRefused",
    "Giver",
    "HoldRefused",
    "KeyUnavailable",
    "Keyring",
    "LedgerUnavailable",
    "LogChanged",
    "LogUnavailable",
    "LoginRefused",
    "Lookup",
    "NoAccess",
    "NotGranted",
    "NotLoaded",
    "NotPledged",
    "PersonErased",
    "PlanMoved",
    "Policy",
    "PolicyError",
    "Privacy",
    "PrivacyError",
    "PurposeDenied",
    "RequestRefused",
    "RetentionRefused",
    "ReviewRefused",
    "RoleDenied",
    "RotationRefused",
    "RowsDenied",
    "Scope",
    "SealedColumn",
    "StaffRefused",
    "Standing",
    "UnderHold",
    "UnknownPerson",
    "UnknownPurpose",
    "UnknownRole",
    "UnreadableStatement",
    "WallDown",
    "WorkersLost",
    "lookup_key",
    "pii_column",
]
__version__ = "0.1.0.dev0"

_ROOMS: Final = {
    "sa_privacy.access": ("Access", "Scope"),
    "sa_privacy.accesslog": ("AccessLog",),
    "sa_privacy.columns": ("DataSubject", "Encrypted", "Lookup", "lookup_key", "pii_column"),
    "sa_privacy.crypto": ("ERASED", "Erased", "Keyring"),
    "sa_privacy.customers.agent": ("Agent",),
    "sa_privacy.customers.disclosure.disclosures": ("Disclosure",),
    "sa_privacy.customers.disclosure.receipts": ("Giver",),
    "sa_privacy.policy": ("Policy", "Standing"),
    "sa_privacy.privacy": ("Privacy",),
}
_PLACES: Final = {name: room for room, names in _ROOMS.items() for name in names}

if not TYPE_CHECKING:  # a type checker knows the names above, and no others

    def __getattr__(name: str) -> Any:
        """Imports what is asked for, so that a file of models does not wait for the gate, nor ``sa-privacy`` for SQLAlchemy."""
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_PLACES[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
