"""Who answers for the data, what people may ask, and where they turn."""

from __future__ import annotations

from collections.abc import Mapping

from sa_privacy.publish.notice.composing import Composer, each
from sa_privacy.publish.notice.said import Block, Fact, Facts, Said, Section
from sa_privacy.publish.speaker import plain

__all__ = ["contact", "rights", "who"]


def who(made: Composer) -> Section | None:
    """The controller."""
    asked = made.policy.contact
    return made.section(
        "who",
        _facts(
            made,
            ("name", made.policy.controller, "policy.controller"),
            *(
                (name, {} if asked is None else getattr(asked, name), f"contact.{name}")
                for name in ("address", "representative", "in_charge")
            ),
        ),
    )


def contact(made: Composer) -> Section | None:
    """Where people turn."""
    asked = made.policy.contact
    if asked is None:
        return None
    return made.section(
        "contact",
        _facts(
            made,
            ("requests", asked.requests, "contact.requests"),
            ("complaints", asked.complaints, "contact.complaints"),
        ),
    )


def _facts(made: Composer, *known: tuple[str, Mapping[str, str], str]) -> list[Block]:
    facts = tuple(
        Fact(made.phrases[name], Said(text, (of,))) for name, words, of in known if (text := made.say.words(words))
    )
    return [Facts(facts)] if facts else []


def rights(made: Composer) -> Section | None:
    """What people may ask, how it is made sure that it is them, and when they have the answer."""
    policy, say = made.policy, made.say
    rules = policy.requests
    own = [name for name, one in policy.purposes.items() if one.rows == "own"]
    themselves = made.said("rights_own", *each("purposes", own), purposes=say.purposes(own)) if own else None
    if rules is None:
        return made.section("rights", made.points(themselves))
    ways = [
        say.words(rules.identity_words.get(way, {}))
        or (made.phrases["signed_in"] if way == "signed_in" else way.replace("_", " "))
        for way in rules.identity
    ]
    return made.section(
        "rights",
        made.points(
            made.said("rights_ask", "requests"),
            made.said(
                "rights_identity",
                "requests.identity",
                *each("requests.identity_words", rules.identity_words),
                ways=say.list(map(plain, ways)),
            )
            if ways
            else made.said("rights_identity_any", "requests"),
            made.said("rights_answer", "requests.answer_within", period=say.period(rules.answer_within)),
            made.said("rights_roles", "requests.roles", *each("roles", rules.roles), roles=say.roles(rules.roles))
            if rules.roles
            else None,
            themselves,
        ),
    )
