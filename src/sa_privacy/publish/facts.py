"""What is published, as plain values: all that a policy and the models say, so that it can be compared later."""

from __future__ import annotations

from typing import Any

from sa_privacy.columns import Catalogue, PersonalColumn
from sa_privacy.policy import OWN_CATEGORY, Policy
from sa_privacy.policy.writing import as_sections

__all__ = ["facts_of", "personal_columns"]


def personal_columns(catalogue: Catalogue | None) -> tuple[PersonalColumn, ...]:
    """The application's own personal columns, by table, each table in its own order."""
    if catalogue is None:
        return ()
    place = {f"{t.name}.{column}": at for t in catalogue.tables for at, column in enumerate(t.all_columns)}
    found = (one for one in catalogue.columns.values() if one.category != OWN_CATEGORY)
    return tuple(sorted(found, key=lambda one: (one.table, place.get(one.name, -1), one.name)))


def facts_of(policy: Policy, catalogue: Catalogue | None) -> dict[str, dict[str, Any]]:
    """The sections of the policy, and the columns that the models have.

    What a purpose opens stands verb by verb, however the policy wrote it.
    """
    facts = as_sections(policy)
    for purpose in facts.get("purposes", {}).values():
        used = purpose.pop("use", None)
        if used is not None:
            purpose |= {"read": used, "match": used, "write": used}
    facts["columns"] = {one.name: _column(one, catalogue) for one in personal_columns(catalogue)}
    return facts


def _column(one: PersonalColumn, catalogue: Catalogue | None) -> dict[str, Any]:
    people = None if catalogue is None else catalogue.by_name[one.table].subject
    return {
        "category": one.category,
        "sealed": one.sealed,
        "searchable": one.searchable,
        "under_keys_of_people": one.by_subject,
        "purposes": None if one.purposes is None else sorted(one.purposes),
        "people": None if people is None else people.kind,
    }
