"""The first tables: consent, provisions and receipts, requests, staff."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sa_privacy.integrations.alembic.tables.frozen import keep_rows, let_rows_go, moment, sealed

revision = "sap_0001"
down_revision = None
branch_labels = ("sa_privacy",)
depends_on = None

_TABLES = (
    "sa_privacy_consent_state",
    "sa_privacy_consents",
    "sa_privacy_emptied",
    "sa_privacy_erasures",
    "sa_privacy_held",
    "sa_privacy_holds",
    "sa_privacy_passes",
    "sa_privacy_provided",
    "sa_privacy_provisions",
    "sa_privacy_receipts",
    "sa_privacy_received",
    "sa_privacy_replacing",
    "sa_privacy_requests",
    "sa_privacy_staff_accounts",
    "sa_privacy_staff_attempts",
    "sa_privacy_staff_grants",
    "sa_privacy_staff_signatures",
    "sa_privacy_subject_keys",
    "sa_privacy_wordings",
    "sa_privacy_request_steps",
)
#: Those that only grow.
_LEDGERS = (
    "sa_privacy_consents",
    "sa_privacy_erasures",
    "sa_privacy_held",
    "sa_privacy_holds",
    "sa_privacy_provided",
    "sa_privacy_provisions",
    "sa_privacy_receipts",
    "sa_privacy_received",
    "sa_privacy_requests",
    "sa_privacy_staff_grants",
    "sa_privacy_staff_signatures",
    "sa_privacy_wordings",
    "sa_privacy_request_steps",
)


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "sa_privacy_emptied",
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("row_key", sa.String(length=400), nullable=False),
        sa.Column("schedule", sa.String(length=200), nullable=False),
        sa.Column("column_name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "row_key", "schedule", "column_name"),
    )
    op.create_table(
        "sa_privacy_erasures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("record", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=100), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("plan", sa.String(length=80), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.Column("request", sa.String(length=32), nullable=True),
        sa.Column("ledger", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("record"),
    )
    op.create_index("ix_sa_privacy_erasures_request", "sa_privacy_erasures", ["request"], unique=False)
    op.create_table(
        "sa_privacy_held",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hold", sa.String(length=36), nullable=False),
        sa.Column("case_number", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=True),
        sa.Column("person_kind", sa.String(length=100), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("row_key", sa.Text(), nullable=True),
        sa.Column("condition", sa.Text(), nullable=True),
        sa.Column("freeze", sa.Boolean(), nullable=False),
        sa.Column("since", moment(), nullable=False),
        sa.Column("review_by", sa.Date(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hold"),
    )
    op.create_table(
        "sa_privacy_holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hold", sa.String(length=36), nullable=False),
        sa.Column("step", sa.String(length=10), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("case_number", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=True),
        sa.Column("freeze", sa.Boolean(), nullable=False),
        sa.Column("review_by", sa.Date(), nullable=True),
        sa.Column("reason", sealed(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sa_privacy_holds_hold"), "sa_privacy_holds", ["hold"], unique=False)
    op.create_table(
        "sa_privacy_replacing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("guard", sa.String(length=63), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "sa_privacy_passes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work", sa.String(length=100), nullable=False),
        sa.Column("made_in", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "sa_privacy_consent_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("said", sa.String(length=10), nullable=False),
        sa.Column("version", sa.String(length=100), nullable=False),
        sa.Column("valid_until", moment(), nullable=True),
        sa.Column("at", moment(), nullable=False),
        sa.Column("entered", moment(), nullable=False),
        sa.Column("record", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("what", "kind", "subject", name="uq_sa_privacy_consent_state"),
    )
    op.create_table(
        "sa_privacy_consents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("record", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("said", sa.String(length=10), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("entered", moment(), nullable=False),
        sa.Column("how", sa.String(length=20), nullable=False),
        sa.Column("wording", sa.String(length=200), nullable=True),
        sa.Column("version", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("valid_until", moment(), nullable=True),
        sa.Column("evidence", sealed(), nullable=True),
        sa.Column("authority", sa.String(length=20), nullable=True),
        sa.Column("agent", sealed(), nullable=True),
        sa.Column("agent_evidence", sealed(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.Column("previous", sa.String(length=36), nullable=True),
        sa.Column("idempotency_key", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("previous"),
        sa.UniqueConstraint("record"),
    )
    op.create_index("ix_sa_privacy_consents_person", "sa_privacy_consents", ["kind", "subject", "what"], unique=False)
    op.create_table(
        "sa_privacy_provided",
        sa.Column("provision", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject_kind", sa.String(length=100), nullable=False),
        sa.Column("subject_key", sa.String(length=200), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("consent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("provision", "number"),
    )
    op.create_index(
        "ix_sa_privacy_provided_subject", "sa_privacy_provided", ["subject_kind", "subject_key"], unique=False
    )
    op.create_table(
        "sa_privacy_provisions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("recipient_name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("representative", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("contract", sa.Text(), nullable=True),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=True),
        sa.Column("clause", sa.Text(), nullable=True),
        sa.Column("article", sa.Text(), nullable=True),
        sa.Column("evidence", sealed(), nullable=True),
        sa.Column("actor", sealed(), nullable=False),
        sa.Column("purposes", sa.Text(), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.Column("keep_until", moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sa_privacy_provisions_at"), "sa_privacy_provisions", ["at"], unique=False)
    op.create_index(op.f("ix_sa_privacy_provisions_keep_until"), "sa_privacy_provisions", ["keep_until"], unique=False)
    op.create_table(
        "sa_privacy_receipts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("entered_at", moment(), nullable=False),
        sa.Column("giver", sealed(), nullable=False),
        sa.Column("address", sealed(), nullable=True),
        sa.Column("representative", sealed(), nullable=True),
        sa.Column("how_obtained", sealed(), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("actor", sealed(), nullable=False),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.Column("keep_until", moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sa_privacy_receipts_at"), "sa_privacy_receipts", ["at"], unique=False)
    op.create_index(op.f("ix_sa_privacy_receipts_keep_until"), "sa_privacy_receipts", ["keep_until"], unique=False)
    op.create_table(
        "sa_privacy_received",
        sa.Column("receipt", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject_kind", sa.String(length=100), nullable=False),
        sa.Column("subject_key", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("receipt", "number"),
    )
    op.create_index(
        "ix_sa_privacy_received_subject", "sa_privacy_received", ["subject_kind", "subject_key"], unique=False
    )
    op.create_table(
        "sa_privacy_requests",
        sa.Column("reference", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("received_at", moment(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("claimed", sealed(), nullable=True),
        sa.Column("about", sealed(), nullable=True),
        sa.Column("agent", sealed(), nullable=True),
        sa.Column("authority", sa.String(length=20), nullable=True),
        sa.Column("agent_evidence", sealed(), nullable=True),
        sa.Column("once", sa.String(length=64), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("reference"),
        sa.UniqueConstraint("once"),
    )
    op.create_index(op.f("ix_sa_privacy_requests_due_on"), "sa_privacy_requests", ["due_on"], unique=False)
    op.create_table(
        "sa_privacy_staff_accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=32), nullable=False),
        sa.Column("name", sealed(), nullable=False),
        sa.Column("password", sealed(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("changed_at", moment(), nullable=True),
        sa.Column("closed_at", moment(), nullable=True),
        sa.Column("secret", sa.String(length=64), nullable=True),
        sa.Column("secret_until", moment(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("login"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sa_privacy_staff_attempts",
        sa.Column("login", sa.String(length=32), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("not_before", moment(), nullable=False),
        sa.PrimaryKeyConstraint("login"),
    )
    op.create_index(
        op.f("ix_sa_privacy_staff_attempts_not_before"), "sa_privacy_staff_attempts", ["not_before"], unique=False
    )
    op.create_table(
        "sa_privacy_staff_grants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=200), nullable=False),
        sa.Column("revokes", sa.Boolean(), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("grantor", sa.String(length=200), nullable=False),
        sa.Column("grantor_roles", sa.String(length=2000), nullable=False),
        sa.Column("reason", sealed(), nullable=False),
        sa.Column("starts", moment(), nullable=True),
        sa.Column("ends", moment(), nullable=True),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.Column("first", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("first"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sa_privacy_staff_grants_actor", "sa_privacy_staff_grants", ["actor", "role"], unique=False)
    op.create_table(
        "sa_privacy_staff_signatures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("wording", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_sa_privacy_staff_signatures_actor", "sa_privacy_staff_signatures", ["actor", "wording"], unique=False
    )
    op.create_table(
        "sa_privacy_subject_keys",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("wrapped", sa.LargeBinary(length=65), nullable=True),
        sa.Column("made", moment(), nullable=False),
        sa.Column("destroyed_at", moment(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "subject", name="uq_sa_privacy_subject_keys"),
    )
    op.create_table(
        "sa_privacy_wordings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("entered", moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "version", "language", name="uq_sa_privacy_wordings"),
    )
    op.create_table(
        "sa_privacy_request_steps",
        sa.Column("request", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("by_person", sa.Boolean(), nullable=False),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("subject_kind", sa.String(length=80), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("checked", sa.String(length=32), nullable=True),
        sa.Column("check_number", sa.Integer(), nullable=True),
        sa.Column("valid_until", moment(), nullable=True),
        sa.Column("article", sa.String(length=20), nullable=True),
        sa.Column("what", sealed(), nullable=True),
        sa.Column("reason", sealed(), nullable=True),
        sa.Column("evidence", sealed(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request"],
            ["sa_privacy_requests.reference"],
        ),
        sa.PrimaryKeyConstraint("request", "number"),
    )
    op.create_index(
        "ix_sa_privacy_request_steps_subject", "sa_privacy_request_steps", ["subject_kind", "subject"], unique=False
    )
    op.create_index(
        "ix_sa_privacy_request_steps_checked", "sa_privacy_request_steps", ["checked", "check_number"], unique=True
    )
    keep_rows(*_LEDGERS)


def downgrade() -> None:
    """Removes them, with all that they hold."""
    for table in reversed(_TABLES):
        op.drop_table(table)
    let_rows_go()
