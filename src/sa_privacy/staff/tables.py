"""The tables about staff: accounts, attempts to log in, what was granted, what was signed."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table

from sa_privacy.ledger import OWN_TABLES, Moment, append_only, own_column, sealed_text

__all__ = ["ACCOUNTS", "ACTOR_LENGTH", "ATTEMPTS", "GRANTS", "SIGNATURES"]

ACTOR_LENGTH = 200
"""The longest name of an actor that a ledger takes."""

ACCOUNTS = Table(
    "sa_privacy_staff_accounts",
    OWN_TABLES,
    Column("id", Integer, primary_key=True),
    own_column("login", String(32), nullable=False, unique=True),  # a keyed pseudonym of the name
    own_column("name", sealed_text(), nullable=False),
    own_column("password", sealed_text()),  # Argon2id, its parameters in it; none until one was chosen
    own_column("created_at", Moment(), nullable=False),
    own_column("created_by", String(ACTOR_LENGTH), nullable=False),
    own_column("changed_at", Moment()),  # the password
    own_column("closed_at", Moment()),
    own_column("secret", String(64)),  # SHA-256 of the one-time secret
    own_column("secret_until", Moment()),
    sqlite_autoincrement=True,  # a number names one person for ever
)

ATTEMPTS = Table(
    "sa_privacy_staff_attempts",
    OWN_TABLES,
    own_column("login", String(32), primary_key=True),  # of names that nobody has, too
    own_column("failures", Integer, nullable=False),
    own_column("not_before", Moment(), nullable=False, index=True),
)

GRANTS = append_only(
    Table(
        "sa_privacy_staff_grants",
        OWN_TABLES,
        Column("id", Integer, primary_key=True),
        own_column("actor", String(ACTOR_LENGTH), nullable=False),
        own_column("role", String(200), nullable=False),
        own_column("revokes", Boolean, nullable=False),
        own_column("at", Moment(), nullable=False),
        own_column("grantor", String(ACTOR_LENGTH), nullable=False),
        own_column("grantor_roles", String(2000), nullable=False),
        own_column("reason", sealed_text(), nullable=False),
        own_column("starts", Moment()),
        own_column("ends", Moment()),
        own_column("policy", String(80), nullable=False),
        own_column("first", Boolean, unique=True),  # true for the first grant of all, else NULL
        Index("ix_sa_privacy_staff_grants_actor", "actor", "role"),
        sqlite_autoincrement=True,
    )
)

SIGNATURES = append_only(
    Table(
        "sa_privacy_staff_signatures",
        OWN_TABLES,
        Column("id", Integer, primary_key=True),
        own_column("actor", String(ACTOR_LENGTH), nullable=False),
        own_column("wording", String(200), nullable=False),
        own_column("version", String(200), nullable=False),
        own_column("language", String(40), nullable=False),
        own_column("sha256", String(64), nullable=False),  # of the text in that language
        own_column("at", Moment(), nullable=False),
        own_column("policy", String(80), nullable=False),
        Index("ix_sa_privacy_staff_signatures_actor", "actor", "wording"),
        sqlite_autoincrement=True,
    )
)
