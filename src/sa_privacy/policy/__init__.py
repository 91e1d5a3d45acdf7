"""The policy, and the judgement by it. Pure: no database, no framework, no clock.

``vocabulary``, ``dealings`` and ``retention`` say what a policy speaks of, ``document`` loads and hashes it, ``reading`` checks it (with
``reading_dealings``, ``reading_retention``, ``table``, ``faults`` and ``places``), ``grant`` works out what a set of purposes and roles may do, ``decide`` judges a
request, ``wording`` says why not and what next, and ``ports`` is what the gate asks of others.
"""

from __future__ import annotations

from sa_privacy.policy.dealings import (
    ARTICLES,
    EVIDENCE,
    ConsentRules,
    Ground,
    Recipient,
    RecipientKind,
    RecordRules,
    RequestRules,
    Wording,
)
from sa_privacy.policy.decide import Decision, Denial, Request, Touch, decide
from sa_privacy.policy.document import Policy, check
from sa_privacy.policy.faults import Fault
from sa_privacy.policy.grant import GRANTS_KEPT, Grant, in_emergency, may_act_for, must_be_known, valid_part
from sa_privacy.policy.ports import ConsentPort, StaffPort, Standing
from sa_privacy.policy.retention import Action, Clock, ErasureRules, Guard, Reason, Schedule
from sa_privacy.policy.vocabulary import OWN_CATEGORY, Category, ColumnRule, LogRules, Purpose, Role, System, Verb
from sa_privacy.policy.wording import denied

__all__ = [
    "ARTICLES",
    "EVIDENCE",
    "GRANTS_KEPT",
    "OWN_CATEGORY",
    "Action",
    "Category",
    "Clock",
    "ColumnRule",
    "ConsentPort",
    "ConsentRules",
    "Decision",
    "Denial",
    "ErasureRules",
    "Fault",
    "Grant",
    "Ground",
    "Guard",
    "LogRules",
    "Policy",
    "Purpose",
    "Reason",
    "Recipient",
    "RecipientKind",
    "RecordRules",
    "Request",
    "RequestRules",
    "Role",
    "Schedule",
    "StaffPort",
    "Standing",
    "System",
    "Touch",
    "Verb",
    "Wording",
    "check",
    "decide",
    "denied",
    "in_emergency",
    "may_act_for",
    "must_be_known",
    "valid_part",
]
