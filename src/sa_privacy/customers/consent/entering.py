"""Entering what a person said: the checks, the lock, the entry and the state that it makes, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from sa_privacy.access import Access
from sa_privacy.access.subjects import as_subjects, of_kinds
from sa_privacy.customers.consent.book import New, entries, locked_state, said_with_key, write
from sa_privacy.customers.consent.checks import (
    Words,
    moment_said,
    must_act,
    must_be_allowed,
    must_be_meant,
    the_same,
    valid_until_of,
)
from sa_privacy.customers.consent.entry import ConsentEntry, Said, StateRow, must_follow, must_not_be_twice
from sa_privacy.customers.consent.matters import Matter, matter_of
from sa_privacy.errors import ConsentRefused, UnknownPerson
from sa_privacy.ledger import Desk, Person, find_person

__all__ = ["Entering", "about_person"]

_TRIES: Final = 3


@contextmanager
def about_person(
    desk: Desk, session: Session | Connection, subject: object, *, reading: bool = False
) -> Iterator[tuple[Connection, Person, Access]]:
    """The desk, the person, and the access of whoever may ask about them.

    :param reading: nothing is entered.
    :raises ConsentRefused: it may not; whether there is such a person is not told then.
    """
    access = desk.held()
    must_act(access)
    whom = of_kinds(as_subjects(subject), desk.scopes.kinds())
    with desk.open(session, subjects=whom, reading=reading) as connection:
        must_be_allowed(desk, connection, access)
        if access.subject is None:
            yield connection, find_person(desk, connection, subject), access
            return
        own = find_person(desk, connection, access.subject)
        try:
            person = find_person(desk, connection, subject)
        except UnknownPerson:
            person = None
        if person != own:
            raise ConsentRefused(
                "the access is for one person, and this is somebody else's consent.",
                hint="people speak for themselves: privacy.access(subject=...) with their own key.",
            )
        yield connection, own, access


class Entering:
    """Enters what people say into the ledger of one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def enter(self, session: Session | Connection, subject: object, to: str, said: Said, words: Words) -> ConsentEntry:
        """Enters it; see :meth:`Consents.give <sa_privacy.customers.consent.Consents.give>`."""
        matter = matter_of(self._desk.policy, to)
        must_be_meant(words)
        language = self._language(matter, said, words.language)
        with self._desk.whole(session), about_person(self._desk, session, subject) as (connection, person, access):
            for _ in range(_TRIES):
                before = locked_state(connection, person, matter)
                with connection.begin_nested():
                    if words.idempotency_key is not None:
                        again = said_with_key(connection, person, matter, words.idempotency_key)
                        if again is not None:
                            return the_same(again, said)
                    new = self._new(matter, before, said, words, language, access.actor)
                    record = write(connection, person, matter, before, new)
                    if record is not None:
                        return entries(connection, person, record=record)[0]
        raise ConsentRefused(
            f'others are changing what this person says of "{matter.name}" all the time.', hint="try again."
        )

    def _new(
        self,
        matter: Matter,
        before: StateRow | None,
        said: Said,
        words: Words,
        language: str | None,
        actor: str | None,
    ) -> New:
        """What is to be written after what counts now.

        :raises ConsentRefused: it may not be said now, or was said a moment ago.
        """
        now = self._desk.moment(after=before.entered if before is not None else None)
        at = moment_said(words.at, now, before.at if before is not None else None)
        must_follow(matter, before.said if before is not None else None, said)
        version = before.version if said == "withdrawn" and before is not None else matter.version
        must_not_be_twice(matter, before, said, version, now)
        return New(
            said,
            at,
            now,
            words.how,
            version,
            language,
            valid_until_of(matter, at) if said == "given" else None,
            words.evidence,
            words.by,
            actor,
            self._desk.policy.hash,
            words.idempotency_key,
        )

    def _language(self, matter: Matter, said: Said, language: str | None) -> str | None:
        """In which language the wording was shown.

        :raises ConsentRefused: there is a wording, and it is not said; or it has no text in it.
        """
        wording = matter.wording
        texts = self._desk.policy.languages if wording is None else tuple(wording.text)
        if language is None and wording is not None and said == "given":
            if len(texts) == 1:
                return texts[0]
            raise ConsentRefused(
                f'in which language was the wording "{wording.name}" shown?',
                hint=f'language="{texts[0]}", or {", ".join(texts[1:])}.',
            )
        if language is not None and language not in texts:
            raise ConsentRefused(
                "there is no wording in that language." if wording is not None else "the policy has no such language.",
                hint=f"languages: {', '.join(texts)}.",
            )
        return language
