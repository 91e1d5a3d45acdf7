"""Makes the notice of a policy."""

from __future__ import annotations

from sa_privacy.columns import Catalogue
from sa_privacy.policy import Policy
from sa_privacy.publish.notice.care import care, retention
from sa_privacy.publish.notice.composing import Composer
from sa_privacy.publish.notice.giving import giving, law
from sa_privacy.publish.notice.people import contact, rights, who
from sa_privacy.publish.notice.said import Notice, Said
from sa_privacy.publish.notice.uses import consent, purposes
from sa_privacy.publish.speaker import plain

__all__ = ["make_notice"]


def make_notice(policy: Policy, catalogue: Catalogue | None, language: str) -> Notice:
    """What a policy and the models tell people, in one language.

    Nothing is said that does not follow from a part of them, which stands beside it.

    :param language: one of :func:`~sa_privacy.publish.speaker.languages_of` the policy.
    """
    made = Composer(policy, catalogue, language)
    controller = made.say.words(policy.controller)
    composed = (each(made) for each in (who, purposes, consent, care, retention, giving, law, rights, contact))
    return Notice(
        language,
        made.phrases["title"],
        Said(controller, ("policy.controller",)) if controller else None,
        tuple(section for section in composed if section is not None),
        plain(policy.id),
        plain(policy.version),
        policy.hash,
    )
