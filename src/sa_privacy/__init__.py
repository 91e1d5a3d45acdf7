"""A published privacy policy, made true inside a SQLAlchemy application.

Say which category of personal data a column holds (:func:`pii_column`), write down for which purposes each category
may be used (:class:`Policy`), install the :class:`Privacy` on your engines, and declare who acts for which purpose
(``with privacy.access(...)``). From then on statements outside the declared purpose are refused, uncovered columns stay
out of entity loads, stored values are sealed, and every access is written down before it happens.

Read on in ``privacy/privacy.py``, then follow one denied query through ``gate/engine.py``.
"""

from __future__ import annotations

from sa_privacy.access import Access, Scope
from sa_privacy.accesslog import AccessLog
from sa_privacy.columns import DataSubject, Encrypted, Lookup, lookup_key, pii_column
from sa_privacy.crypto import ERASED, Erased, Keyring
from sa_privacy.customers.agent import Agent
from sa_privacy.customers.disclosure.disclosures import Disclosure
from sa_privacy.customers.disclosure.receipts import Giver
from sa_privacy.errors import (
    AccessDenied,
    AccessEnded,
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
)
from sa_privacy.policy import Policy, Standing
from sa_privacy.privacy import Privacy

__all__ = [
    "ERASED",
    "Access",
    "AccessDenied",
    "AccessEnded",
    "AccessLog",
    "Agent",
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
    "lookup_key",
    "pii_column",
]
__version__ = "0.1.0.dev0"
