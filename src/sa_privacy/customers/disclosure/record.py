"""Writing the record of a disclosure: a row for each person, then the one that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sa_privacy.customers.disclosure.document import Document, PersonGiven
from sa_privacy.customers.disclosure.gathering import Gathered
from sa_privacy.customers.disclosure.provisions import as_list, as_titles
from sa_privacy.customers.disclosure.tables import PROVIDED, PROVISIONS
from sa_privacy.customers.disclosure.terms import kept_until
from sa_privacy.customers.disclosure.work import Work
from sa_privacy.customers.owned import in_batches

__all__ = ["write_record"]


def write_record(work: Work, document: Document, gathered: Gathered, form: str) -> None:
    """Writes it in the transaction of the session; what fails leaves a part of it there."""
    known = {(column.table, column.column): column.category for column in document.columns}
    batches = list(in_batches(gathered.people))
    for some in batches:
        with work.at_desk([person for person, _ in some]) as connection:
            connection.execute(
                PROVIDED.insert(),
                [
                    {
                        "provision": work.record,
                        "number": given.number,
                        "subject_kind": person.kind,
                        "subject_key": person.text,
                        "categories": as_list(_categories(given, known)),
                        "consent": gathered.consents.get((person.kind, person.text)),
                    }
                    for person, given in some
                ],
            )
            if some is batches[-1]:
                connection.execute(PROVISIONS.insert().values(**_head(work, document, form)))


def _categories(given: PersonGiven, known: Mapping[tuple[str, str], str]) -> set[str]:
    return {known[table, name] for table, rows in given.tables.items() for row in rows for name in row}


def _head(work: Work, document: Document, form: str) -> dict[str, Any]:
    """What APPI 29 asks for, and what it rests on."""
    terms, access = work.terms, work.desk.held()
    recipient, proof = terms.recipient, terms.proof
    return {
        "id": work.record,
        "at": document.at,
        "recipient": recipient.name,
        "kind": recipient.kind,
        "recipient_name": as_titles(recipient.title),
        "address": recipient.address,
        "representative": recipient.representative,
        "country": recipient.country,
        "contract": recipient.contract,
        "categories": as_list(terms.categories),
        "people": len(document.people),
        "ground": proof.ground.name if proof is not None else None,
        "clause": proof.ground.clause if proof is not None else None,
        "article": proof.article if proof is not None else None,
        "evidence": proof.shown if proof is not None else None,
        "actor": access.actor,
        "purposes": as_list(access.purposes),
        "format": form,
        "policy": document.policy.hash,
        "keep_until": kept_until(terms.keep, document.at),
    }
