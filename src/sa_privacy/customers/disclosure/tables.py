"""The tables of what was given away, and of what was received: append-only, a row for each time and one for each person.

What APPI Article 29 asks of whom gives data to a third party, and Article 30 of whom receives it, stands in them. What was
handed to a processor is written down too, and is told apart: it is no provision (Article 27(5)).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Integer, String, Table, Text

from sa_privacy.ledger import KEY_LENGTH, OWN_TABLES, Moment, append_only, own_column, sealed_text

__all__ = ["PROVIDED", "PROVISIONS", "RECEIPTS", "RECEIVED"]

PROVISIONS: Final = append_only(
    Table(
        "sa_privacy_provisions",
        OWN_TABLES,
        own_column("id", String(36), primary_key=True),
        own_column("at", Moment(), nullable=False, index=True),
        own_column("recipient", Text(), nullable=False),  # as the policy names it
        own_column("kind", String(20), nullable=False),  # of recipient: "processor" is an entrustment, no provision
        own_column("recipient_name", Text(), nullable=False),  # JSON, by language
        own_column("address", Text()),
        own_column("representative", Text()),
        own_column("country", Text()),
        own_column("contract", Text()),
        own_column("categories", Text(), nullable=False),  # what was asked for, separated by blanks
        own_column("people", Integer(), nullable=False),
        own_column("ground", Text()),  # None: each person consented, or it is an entrustment
        own_column("clause", Text()),
        own_column("article", Text()),
        own_column("evidence", sealed_text()),  # JSON
        own_column("actor", sealed_text(), nullable=False),
        own_column("purposes", Text(), nullable=False),
        own_column("format", String(8), nullable=False),
        own_column("policy", String(80), nullable=False),  # its hash
        own_column("keep_until", Moment(), nullable=False, index=True),
    )
)
"""One row for each time that data was given away."""

PROVIDED: Final = append_only(
    Table(
        "sa_privacy_provided",
        OWN_TABLES,
        own_column("provision", String(36), primary_key=True),
        own_column("number", Integer(), primary_key=True, autoincrement=False),  # in what was given
        own_column("subject_kind", String(100), nullable=False),
        own_column("subject_key", String(KEY_LENGTH), nullable=False),
        own_column("categories", Text(), nullable=False),  # what of this person's was in it
        own_column("consent", Text()),  # the entry of the consent ledger that it rests on
    )
)
"""One row for each person whose data was in it."""

RECEIPTS: Final = append_only(
    Table(
        "sa_privacy_receipts",
        OWN_TABLES,
        own_column("id", String(36), primary_key=True),
        own_column("at", Moment(), nullable=False, index=True),  # when it was received
        own_column("entered_at", Moment(), nullable=False),
        own_column("giver", sealed_text(), nullable=False),  # may be a person
        own_column("address", sealed_text()),
        own_column("representative", sealed_text()),
        own_column("how_obtained", sealed_text(), nullable=False),  # how the giver came by it
        own_column("categories", Text(), nullable=False),
        own_column("people", Integer(), nullable=False),
        own_column("actor", sealed_text(), nullable=False),
        own_column("policy", String(80), nullable=False),
        own_column("keep_until", Moment(), nullable=False, index=True),
    )
)
"""One row for each time that data was received from somebody else."""

RECEIVED: Final = append_only(
    Table(
        "sa_privacy_received",
        OWN_TABLES,
        own_column("receipt", String(36), primary_key=True),
        own_column("number", Integer(), primary_key=True, autoincrement=False),
        own_column("subject_kind", String(100), nullable=False),
        own_column("subject_key", String(KEY_LENGTH), nullable=False),
    )
)
"""One row for each person whose data was received."""

for _table in (PROVIDED, RECEIVED):
    Index(f"ix_{_table.name}_subject", _table.c.subject_kind, _table.c.subject_key)
