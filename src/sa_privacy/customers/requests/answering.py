"""Answering: with the person's file where disclosure was asked for, else with what was done."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from sa_privacy.customers.disclosure.until_committed import Awaited
from sa_privacy.customers.file.files import FileMaker, PersonFile
from sa_privacy.customers.requests.checks import must_hold, names, needed, words
from sa_privacy.customers.requests.course import Course
from sa_privacy.customers.requests.view import Request
from sa_privacy.errors import RequestRefused
from sa_privacy.ledger import Desk

__all__ = ["Answer", "Answering"]


class Answer(NamedTuple):
    """An answered request.

    :ivar file: the person's file, where disclosure was asked for; to be had once the session has committed.
    """

    request: Request
    file: PersonFile | None


class Answering:
    """Answers requests, at the desk of one policy.

    :param erased: whether what a request for erasure asks for was done.
    """

    def __init__(self, desk: Desk, course: Course, files: FileMaker, erased: Callable[[Connection, str], bool]) -> None:
        self._desk = desk
        self._course = course
        self._files = files
        self._erased = erased

    def preview(self, session: Session | Connection, reference: str, leave_out: Collection[str]) -> PersonFile:
        """See :meth:`sa_privacy.customers.requests.requests.Requests.preview`."""
        left_out = names(leave_out, "leave_out")
        work = self._course.may(session, reference, "answer")
        if work.found.request.kind != "disclosure":
            raise RequestRefused("only a request for disclosure is answered with a file.", hint="answer(...).")
        whose = self._course.subject_of(work)
        return self._files.make(session, whose, work.found.request, at=work.at, leave_out=left_out)

    def answer(
        self,
        session: Session | Connection,
        reference: str,
        leave_out: Collection[str],
        article: str | None,
        reason: str | None,
    ) -> Answer:
        """See :meth:`sa_privacy.customers.requests.requests.Requests.answer`."""
        left_out, reason = names(leave_out, "leave_out"), words(reason, "reason")
        work = self._course.may(session, reference, "answer")
        request = work.found.request
        if left_out or article is not None:
            if request.kind != "disclosure":
                raise RequestRefused("only of a file columns can be left out.", hint="refuse(...) says why not.")
            must_hold(request.kind, article)
            needed(reason, "why they are left out", "reason")
        if request.kind == "erasure":
            with self._desk.open(session) as connection:
                done = self._erased(connection, reference)
            if not done:
                raise RequestRefused(
                    "the request was handed on, and nothing is erased yet.",
                    hint="privacy.erasure.run(engine, plan, request=REFERENCE) first, or refuse(...) with the article.",
                )
        file = None
        if request.kind == "disclosure":
            whose = self._course.subject_of(work)
            file = self._files.make(
                session, whose, request, at=work.at, leave_out=left_out, article=article, reason=reason
            )
            if isinstance(session, Session):
                with self._desk.open(session) as connection:
                    is_there = self._desk.scopes.carry(partial(self._course.is_taken, connection, work))
                    file = replace(file, awaited=Awaited(session, connection, is_there))
        return Answer(self._course.write(session, work, article=article, reason=reason, what=left_out), file)
