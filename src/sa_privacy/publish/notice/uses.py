"""What data is used for, and what people are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from sa_privacy.policy import Purpose
from sa_privacy.publish.notice.composing import Composer, each, wanted
from sa_privacy.publish.notice.said import Row, Said, Section

__all__ = ["consent", "purposes"]


def purposes(made: Composer) -> Section | None:
    """Each purpose, its data and its condition; those that the published policy names come first."""
    known = sorted(made.policy.purposes.values(), key=lambda one: one.clause is None)
    if not known:
        return None
    return made.section(
        "purposes",
        made.points(made.said("purposes_lead", "purposes")),
        made.grid("purposes", ("purpose", "data", "condition"), (_purpose(made, one) for one in known)),
    )


def _purpose(made: Composer, one: Purpose) -> Row:
    of = f"purposes.{one.name}"
    consent = made.said(one.consent, f"{of}.consent") if one.consent != "none" else None
    own = made.said("own", f"{of}.rows") if one.rows == "own" else None
    title = Said(made.say.purpose(one.name), (of,))
    return Row(title, (tuple(_data(made, one)), wanted(consent, own)), one.clause)


def _data(made: Composer, one: Purpose) -> Iterator[Said]:
    of = f"purposes.{one.name}"
    if one.read:
        yield Said(made.say.categories(one.read), (f"{of}.read", *each("categories", one.read)))
    found, entered = one.match - one.read, one.write - one.read - one.match
    if found:
        yield made.said("only_found", f"{of}.match", *each("categories", found), data=made.say.categories(found))
    if entered:
        yield made.said("only_entered", f"{of}.write", *each("categories", entered), data=made.say.categories(entered))
    if not (one.read or found or entered):
        yield made.said("only_deletes", f"{of}.delete")


def consent(made: Composer) -> Section | None:
    """What people are asked, word for word, and that they may take it back."""
    policy = made.policy
    asked = [f"purposes.{name}.consent" for name, one in policy.purposes.items() if one.consent == "opt_in"]
    asked += [
        f"recipients.{name}.kind" for name, one in policy.recipients.items() if one.kind.startswith("third_party")
    ]
    objected = [f"purposes.{name}.consent" for name, one in policy.purposes.items() if one.consent == "opt_out"]
    return made.section(
        "consent",
        made.points(
            made.said("consent_lead", *asked) if asked else None,
            made.said("objection_lead", *objected) if objected else None,
        ),
        made.grid("consent", ("matter", "question", "holds"), _questions(made)),
    )


def _questions(made: Composer) -> Iterator[Row]:
    for name, one in made.policy.purposes.items():
        if one.consent != "none" and one.wording is not None:
            yield _question(made, Said(made.say.purpose(name), (f"purposes.{name}",)), one.wording)
    for name, other in made.policy.recipients.items():
        if other.kind.startswith("third_party") and other.wording is not None:
            yield _question(made, Said(made.say.recipient(name), (f"recipients.{name}",)), other.wording)


def _question(made: Composer, title: Said, wording: str) -> Row:
    one, of = made.policy.wordings[wording], f"wordings.{wording}"
    holds = (
        made.said("until_withdrawn", of, *title.of)
        if one.valid_for is None
        else made.said("valid_for", f"{of}.valid_for", *title.of, period=made.say.period(one.valid_for))
    )
    return Row(title, ((Said(made.quoted(made.say.words(one.text)), (f"{of}.text", *title.of)),), (holds,)))
