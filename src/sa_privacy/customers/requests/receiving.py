"""Taking requests in: whoever asks gets the same receipt, whether we know them or not."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from sa_privacy.customers.agent import Agent
from sa_privacy.customers.requests.book import Found, add_request, find, find_once
from sa_privacy.customers.requests.checks import needed, once_key, received_at, words
from sa_privacy.customers.requests.course import Course, Work, as_seen_by
from sa_privacy.customers.requests.states import KINDS, Kind, advance
from sa_privacy.customers.requests.view import Request
from sa_privacy.customers.requests.who import SIGNED_IN, Who, rules_of, who_acts
from sa_privacy.errors import RequestRefused
from sa_privacy.ledger import Desk
from sa_privacy.policy import RequestRules

__all__ = ["Receiving"]


class Receiving:
    """Takes requests in, at the desk of one policy."""

    def __init__(self, desk: Desk, course: Course) -> None:
        self._desk = desk
        self._course = course

    def receive(
        self,
        session: Session | Connection,
        kind: Kind,
        *,
        claimed: str | None,
        about: str | None,
        agent: Agent | None,
        language: str | None,
        at: datetime | None,
        once: str | None,
    ) -> Request:
        """See :meth:`sa_privacy.customers.requests.requests.Requests.receive`."""
        access = self._desk.held()
        rules = rules_of(self._desk)
        language = self._language(kind, language)
        claimed, about = words(claimed, "claimed"), words(about, "about")
        with self._desk.open(session) as connection:
            who = who_acts(self._desk, connection, access, anybody=True)
            self._must_say_who(who, claimed, agent)
            key = None if once is None else once_key(who, once)
            before = None if key is None else find_once(connection, key)
            if before is not None:
                return self._again(connection, before, kind, who)
            now = self._desk.moment()
            made = self._made(rules, kind, language, agent, received_at(at, now))
            add_request(
                connection,
                reference=made.reference,
                kind=kind,
                received_at=made.received_at,
                due_on=made.due_on,
                language=made.language,
                claimed=claimed,
                about=about,
                agent=None if agent is None else agent.name,
                authority=made.authority,
                agent_evidence=None if agent is None else agent.evidence,
                once=key,
                actor=who.by,
                policy=self._desk.policy.hash,
            )
        if who.person is None or (rules.identity and SIGNED_IN not in rules.identity):
            return made
        work = Work(Found(made, None), who, "identify", now, advance(made.progress, "identify", now, rules))
        return self._course.write(session, work, method=SIGNED_IN, subject=who.person)

    def _language(self, kind: object, language: str | None) -> str:
        if kind not in KINDS:
            raise RequestRefused("there is no such kind of request.", hint=f"kinds: {', '.join(KINDS)}.")
        languages = self._desk.policy.languages
        if language is not None and language not in languages:
            raise RequestRefused("the policy has no words in that language.", hint=f"one of {', '.join(languages)}.")
        return language or languages[0]

    @staticmethod
    def _must_say_who(who: Who, claimed: str | None, agent: object) -> None:
        if who.person is None and (claimed is None or not claimed.strip()):
            raise RequestRefused("it does not say who asks.", hint="claimed=...: the name and address they give.")
        if agent is None:
            return
        if not isinstance(agent, Agent):
            raise RequestRefused("that is no agent.", hint="agent=Agent(name=..., authority=..., evidence=...).")
        if who.person is not None:
            raise RequestRefused("who is signed in asks for themselves.", hint="leave agent= out.")
        needed(agent.name, "who the agent is", "name")
        needed(agent.evidence, "what shows that the agent may", "evidence")

    @staticmethod
    def _made(rules: RequestRules, kind: Kind, language: str, agent: Agent | None, received: datetime) -> Request:
        return Request(
            reference=uuid.uuid4().hex,
            kind=kind,
            state="received",
            received_at=received,
            due_on=rules.answer_within.after(received).date(),
            language=language,
            authority=None if agent is None else agent.authority,
            failures=0,
            identified_until=None,
            steps=(),
        )

    @staticmethod
    def _again(connection: Connection, reference: str, kind: Kind, who: Who) -> Request:
        """The receipt of a request that was received under this key before."""
        found = find(connection, reference)
        if found is None or found.request.kind != kind:
            raise RequestRefused("another request was received under this key.", hint="once= names one submission.")
        if who.person is not None:
            return as_seen_by(who, found.request)
        request = replace(found.request, state="received", steps=(), failures=0, identified_until=None, person=None)
        return replace(request, claimed=None, about=None, agent=None)
