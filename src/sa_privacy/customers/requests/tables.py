"""The tables of people's requests. A request and its steps are written once, and never changed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Date, ForeignKey, Index, Integer, String, Table, Text

from sa_privacy.ledger import KEY_LENGTH, OWN_TABLES, Moment, append_only, own_column, sealed_text

__all__ = ["REQUESTS", "STEPS"]

REQUESTS: Final = append_only(
    Table(
        "sa_privacy_requests",
        OWN_TABLES,
        own_column("reference", String(32), primary_key=True),  # random: knowing one tells nothing of the others
        own_column("kind", String(20), nullable=False),
        own_column("received_at", Moment(), nullable=False),
        own_column("due_on", Date(), nullable=False, index=True),
        own_column("language", String(35), nullable=False),
        own_column("claimed", sealed_text()),  # who they say they are
        own_column("about", sealed_text()),  # what they ask for, in their words
        own_column("agent", sealed_text()),
        own_column("authority", String(20)),  # why the agent may
        own_column("agent_evidence", sealed_text()),
        own_column("once", String(64), unique=True),
        own_column("actor", Text()),
        own_column("policy", String(80), nullable=False),
    )
)

STEPS: Final = append_only(
    Table(
        "sa_privacy_request_steps",
        OWN_TABLES,
        own_column("request", String(32), ForeignKey("sa_privacy_requests.reference"), primary_key=True),
        own_column("number", Integer(), primary_key=True, autoincrement=False),
        own_column("at", Moment(), nullable=False),
        own_column("step", String(20), nullable=False),
        own_column("state", String(20), nullable=False),  # after it
        own_column("actor", Text()),
        own_column("by_person", Boolean(), nullable=False),  # the person themselves, signed in
        own_column("policy", String(80), nullable=False),
        own_column("method", Text()),
        own_column("subject_kind", String(80)),  # of a successful check only
        own_column("subject", String(KEY_LENGTH)),
        own_column("checked", String(32)),  # a keyed pseudonym of whom a check was about, be they there or not
        own_column("check_number", Integer()),  # of all checks against them
        own_column("valid_until", Moment()),
        own_column("article", String(20)),
        own_column("what", sealed_text()),  # columns that were corrected, purposes or recipients that were ceased
        own_column("reason", sealed_text()),
        own_column("evidence", sealed_text()),
        Index("ix_sa_privacy_request_steps_subject", "subject_kind", "subject"),
        Index("ix_sa_privacy_request_steps_checked", "checked", "check_number", unique=True),
    )
)
