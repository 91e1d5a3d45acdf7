"""Whom data is given to, and when without consent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sa_privacy.policy import Ground, Recipient
from sa_privacy.publish.notice.composing import Composer, each, wanted
from sa_privacy.publish.notice.said import Block, Row, Said, Section

__all__ = ["giving", "law"]

_EVIDENCE: Final = ("document_number", "issuing_body", "why_no_consent", "approver", "until", "article")
_ROMAN: Final = ("i", "ii", "iii", "iv", "v", "vi", "vii")


def giving(made: Composer) -> Section | None:
    """Who works for the controller; third parties, here and abroad; the records."""
    policy = made.policy
    if not (policy.recipients or policy.grounds):
        return None
    lead = (
        made.said("giving_lead_law", "recipients", "grounds", law=made.phrases["law"])
        if policy.grounds
        else made.said("giving_lead", "recipients")
    )
    records = (
        None
        if policy.records is None
        else made.said(
            "records",
            "records",
            keep=made.say.period(policy.records.keep),
            with_contract=made.say.period(policy.records.keep_with_contract),
        )
    )
    processors = [one for one in policy.recipients.values() if one.kind == "processor"]
    return made.section(
        "giving",
        made.points(lead),
        made.grid(
            "processor",
            ("recipient", "works_on", "data", "review"),
            (_processor(made, one) for one in processors),
            made.said("processor_lead", *(f"recipients.{one.name}.kind" for one in processors)),
        ),
        _third_parties(made, "third_party"),
        _third_parties(made, "third_party_abroad"),
        made.points(records),
    )


def _recipient(made: Composer, one: Recipient, *of: str) -> Said:
    details = [made.say.words({"": text}) for text in (one.representative, one.address) if text]
    title = made.say.recipient(one.name)
    more = made.phrases["bracketed"].format(text=title, more=made.say.list(details)) if details else title
    return Said(more, (f"recipients.{one.name}", *of))


def _given(made: Composer, one: Recipient, *of: str) -> Said:
    parts = (f"recipients.{one.name}.categories", *each("categories", one.categories), *of)
    return Said(made.say.categories(one.categories), parts)


def _processor(made: Composer, one: Recipient) -> Row:
    of = f"recipients.{one.name}"
    works_on = Said(made.say.purposes(one.purposes), (f"{of}.purposes", *each("purposes", one.purposes)))
    by = one.review_by
    day = None if by is None else made.said("review_by", f"{of}.review_by", day=by.isoformat())
    return Row(_recipient(made, one), ((works_on,), (_given(made, one),), wanted(day)))


def _third_parties(made: Composer, kind: str) -> list[Block]:
    rows = [_third_party(made, one) for one in made.policy.recipients.values() if one.kind == kind]
    return made.grid(kind, ("recipient", "country", "data", "condition"), rows)


def _third_party(made: Composer, one: Recipient) -> Row:
    of = f"recipients.{one.name}"
    grounds = [f"grounds.{name}" for name, ground in made.policy.grounds.items() if one.kind in ground.to]
    if one.wording is not None:
        title = made.say.words(made.policy.wordings[one.wording].title)
        condition = made.said("if_agreed_to", f"{of}.wording", f"wordings.{one.wording}", wording=title)
    elif grounds:
        condition = made.said("if_agreed_or_law", f"{of}.kind", *grounds, law=made.phrases["law"])
    else:
        condition = made.said("if_agreed", f"{of}.kind")
    country = Said(made.say.words({"": one.country}), (f"{of}.country",)) if one.country else None
    return Row(_recipient(made, one), (wanted(country), (_given(made, one),), (condition,)))


def law(made: Composer) -> Section | None:
    """The grounds on which data is given without consent, and the authorities that may get it."""
    grounds, recipients = made.policy.grounds, made.policy.recipients
    authorities = [one for one in recipients.values() if one.kind == "authority"]
    if not grounds:
        return None
    return made.section(
        "law",
        made.points(made.said("law_lead", "grounds")),
        made.grid("law", ("case", "to", "shown"), (_ground(made, one) for one in grounds.values())),
        made.grid(
            "authority",
            ("recipient", "at_most"),
            (Row(_recipient(made, one, "grounds"), ((_given(made, one, "grounds"),),)) for one in authorities),
        ),
    )


def _ground(made: Composer, one: Ground) -> Row:
    of = f"grounds.{one.name}"
    title, parts = made.say.words(one.title), [of]
    if one.article is not None:
        item = int(one.article.rpartition("-")[2])
        article = made.phrases["article"].format(item=item if made.say.tongue == "ja" else _ROMAN[item - 1])
        title = made.phrases["bracketed"].format(text=title, more=article)
        parts.append(f"{of}.article")
    kinds = [kind for kind in ("authority", "third_party", "third_party_abroad") if kind in one.to]
    to = Said(made.say.list(made.phrases[f"to_{kind}"] for kind in kinds), (f"{of}.to",))
    return Row(Said(title, tuple(parts)), ((to,), tuple(_evidence(made, one))), one.clause)


def _evidence(made: Composer, one: Ground) -> Iterator[Said]:
    for name in _EVIDENCE:
        if name in one.requires:
            yield made.said("evidence_article" if name == "article" else name, f"grounds.{one.name}.requires")
