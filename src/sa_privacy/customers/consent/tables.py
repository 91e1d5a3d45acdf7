"""The tables of consent: the ledger of what was said, the state that decides, and the texts that were shown."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint

from sa_privacy.ledger import KEY_LENGTH, OWN_TABLES, Moment, append_only, own_column, sealed_text

__all__ = ["CONSENTS", "CONSENT_STATE", "WORDINGS"]

CONSENTS: Final = append_only(
    Table(
        "sa_privacy_consents",
        OWN_TABLES,
        Column("id", Integer, primary_key=True),
        own_column("record", String(36), nullable=False, unique=True),
        own_column("kind", String(100), nullable=False),
        own_column("subject", String(KEY_LENGTH), nullable=False),
        own_column("what", String(200), nullable=False),
        own_column("said", String(10), nullable=False),
        own_column("at", Moment(), nullable=False),
        own_column("entered", Moment(), nullable=False),
        own_column("how", String(20), nullable=False),
        own_column("wording", String(200)),
        own_column("version", String(100), nullable=False),
        own_column("language", String(35)),
        own_column("valid_until", Moment()),
        own_column("evidence", sealed_text()),
        own_column("authority", String(20)),
        own_column("agent", sealed_text()),
        own_column("agent_evidence", sealed_text()),
        own_column("actor", Text),
        own_column("policy", String(80), nullable=False),
        own_column("previous", String(36), unique=True),
        own_column("idempotency_key", String(200)),
        Index("ix_sa_privacy_consents_person", "kind", "subject", "what"),
    )
)
"""Everything that was ever said, one row each, never changed. ``what`` is ``"purpose:NAME"`` or ``"recipient:NAME"``, so
that a consent to a purpose can never be taken for one to a recipient that is named like it. ``subject`` is the person's
key as the database writes it. ``at`` is when it was said, ``entered`` when it was written here; ``record`` names the entry
to the outside, ``previous`` the one before it of the same person and matter: no two entries have the same one before."""

CONSENT_STATE: Final = Table(
    "sa_privacy_consent_state",
    OWN_TABLES,
    Column("id", Integer, primary_key=True),
    own_column("kind", String(100), nullable=False),
    own_column("subject", String(KEY_LENGTH), nullable=False),
    own_column("what", String(200), nullable=False),
    own_column("said", String(10), nullable=False),
    own_column("version", String(100), nullable=False),
    own_column("valid_until", Moment()),
    own_column("at", Moment(), nullable=False),
    own_column("entered", Moment(), nullable=False),
    own_column("record", String(36), nullable=False),
    UniqueConstraint("what", "kind", "subject", name="uq_sa_privacy_consent_state"),
)
"""What counts now: one row for each person and matter of which something was ever said."""

WORDINGS: Final = append_only(
    Table(
        "sa_privacy_wordings",
        OWN_TABLES,
        Column("id", Integer, primary_key=True),
        own_column("name", String(200), nullable=False),
        own_column("version", String(100), nullable=False),
        own_column("language", String(35), nullable=False),
        own_column("text", Text, nullable=False),
        own_column("entered", Moment(), nullable=False),
        UniqueConstraint("name", "version", "language", name="uq_sa_privacy_wordings"),
    )
)
"""The texts that people agreed to, as they were shown, also after the policy has newer ones."""
