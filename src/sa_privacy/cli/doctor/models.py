"""What the policy says of the models: what is protected, how, whose it is, and what nobody has decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from sa_privacy.cli.doctor.section import BREAKS, LEAKS, MIND, Risk, Section, listed, many
from sa_privacy.columns.catalogue import Catalogue, PersonalColumn, PersonalTable
from sa_privacy.discovery.decided import KINDS_OF_COLUMNS, Decisions, judge_columns
from sa_privacy.discovery.evidence import LIKELY
from sa_privacy.policy import OWN_CATEGORY
from sa_privacy.privacy import Privacy

__all__ = ["applications_own", "policy_of", "protected"]


def applications_own(catalogue: Catalogue) -> dict[str, PersonalColumn]:
    """The personal columns of the application, without those of the library's own tables."""
    return {name: one for name, one in sorted(catalogue.columns.items()) if one.category != OWN_CATEGORY}


def policy_of(privacy: Privacy) -> Section:
    """Which policy it is, and where it and the models do not fit."""
    policy = privacy.policy
    faults = privacy.retention.faults()
    fits = f"{many(len(faults), 'fault')} against the models" if faults else "fits the models"
    return Section(
        "policy",
        (f"{policy.id}, version {policy.version}, {policy.hash[:19]}; {fits}",),
        {"id": policy.id, "version": policy.version, "hash": policy.hash, "faults": faults},
        [Risk(BREAKS, fault, "correct the schedule, or the models.") for fault in faults],
    )


def protected(privacy: Privacy, tables: Iterable[Table], decisions: Path) -> Section:
    """What is personal, how it is kept, whose it is; and by the rules of `sa-privacy check`, what nobody has decided.

    :param decisions: the file of that command; where there is none, whole kinds of columns count as decided.
    """
    parts = (_personal(privacy.catalogue), _people(privacy), _undecided(privacy.catalogue, tables, decisions))
    return Section(
        "protected",
        [line for lines, _, _ in parts for line in lines],
        {name: fact for _, facts, _ in parts for name, fact in facts.items()},
        [risk for _, _, risks in parts for risk in risks],
    )


_Part = tuple[list[str], dict[str, Any], list[Risk]]


def _personal(catalogue: Catalogue) -> _Part:
    personal = applications_own(catalogue)
    sealed = [name for name, one in personal.items() if one.sealed]
    guarded = [name for name, one in personal.items() if not one.sealed]
    by_subject = sum(one.by_subject for one in personal.values())
    searchable = sum(one.searchable for one in personal.values())
    holders = len({name.rpartition(".")[0] for name in personal})
    how = f"{len(sealed)} sealed ({by_subject} under keys of people, {searchable} searchable), {len(guarded)} guarded"
    nothing = Risk(LEAKS, "nothing is personal here, says the policy: nothing is protected.", "sa-privacy scan")
    return (
        [f"{many(len(personal), 'personal column')} in {many(holders, 'table')}: {how}"],
        {
            "tables": holders,
            "sealed": sealed,
            "guarded": guarded,
            "under_keys_of_people": by_subject,
            "searchable": searchable,
        },
        [] if personal else [nothing],
    )


def _people(privacy: Privacy) -> _Part:
    holding = [table for table in privacy.catalogue if _names(table)]
    people = Counter(table.subject.kind for table in holding if table.subject is not None)
    nobodys = sorted(name for table in holding if table.subject is None for name in _names(table))
    kinds = ", ".join(f"{kind} in {many(count, 'table')}" for kind, count in sorted(people.items()))
    asked = privacy.policy.erasure is not None or privacy.policy.requests is not None
    risk = Risk(
        BREAKS if asked else MIND,
        f"{listed(nobodys)}: personal, and nobody's: no request and no erasure reaches them.",
        "say whose they are: __data_subject__ = DataSubject(...) on the models.",
    )
    return (
        [f"people: {kinds or 'none'}" + (f"; nobody's: {many(len(nobodys), 'column')}" if nobodys else "")],
        {"people": dict(people), "nobodys": nobodys},
        [risk] if nobodys else [],
    )


def _undecided(catalogue: Catalogue, tables: Iterable[Table], decisions: Path) -> _Part:
    wanted = decisions.exists()
    personal = {name: one.category for name, one in catalogue.columns.items()}
    verdict = judge_columns(
        tables, personal, Decisions.load(decisions) if wanted else Decisions(kinds=KINDS_OF_COLUMNS)
    )
    likely = {name for name in verdict.undecided if name in verdict.looks and verdict.looks[name].confidence >= LIKELY}
    looks = sorted(likely | {one.finding.name for one in verdict.swallowed})
    line = f"{len(verdict.undecided)} of {many(verdict.columns, 'column')} undecided"
    line += f", {len(looks)} of them look personal" if looks else ""
    line += "" if wanted else f" (there is no {decisions.name}: sa-privacy check --init)"
    risks = []
    if looks:
        what = f"{listed(looks)}: not annotated, and look{'s' if len(looks) == 1 else ''} personal."
        risks = [Risk(LEAKS if wanted else MIND, what, "annotate, or say that it is not personal: sa-privacy check")]
    elif wanted and not verdict.holds:
        both = [*verdict.undecided, *verdict.contradicted]
        risks = [Risk(BREAKS, f"{listed(both)}: not decided, or decided twice.", "sa-privacy check")]
    facts = {"columns": verdict.columns, "undecided": list(verdict.undecided), "look_personal": looks}
    return [line], facts, risks


def _names(table: PersonalTable) -> list[str]:
    return [one.name for one in table.columns.values() if one.category != OWN_CATEGORY]
