"""The privacy officer at work: files and erasures that people asked for, and retention."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from benchmarks.soak.models import Customer
from benchmarks.soak.turn import Turn, Wrong

__all__ = ["answer", "retain", "settle", "waiting"]

_WAITING: Final = ("identified", "in_work", "handed_on")
_TAG: Final = re.compile(r"\b([a-z]+\d+[a-z]\d+c\d+)[/|.]")


def officer(turn: Turn) -> Any:
    """The access of who answers requests and erases."""
    return turn.privacy.request(turn.name, role="officer", actor=turn.actor.name, reason="the day's work")


def waiting(turn: Turn, engine: Engine, found: list[tuple[str, str]]) -> None:
    """Which requests wait: kind and reference. Where the last step's COMMIT was cut off and is still under way, one may
    be found in two states.
    """
    with officer(turn), Session(engine) as session:
        for state in _WAITING:
            asked = turn.privacy.requests.list(session, state=state)
            found += [one for request in asked if (one := (request.kind, request.reference)) not in found]


def answer(turn: Turn, engine: Engine, kind: str, reference: str) -> None:
    """Carries one request out, from wherever it stands, and answers it."""
    requests = turn.privacy.requests
    with officer(turn), Session(engine) as session:
        request = requests.show(session, reference)
        if request.state == "identified":
            requests.begin(session, reference)
            session.commit()
        if request.person is None:
            raise Wrong(f"nobody knows whose the request {reference} is")
        name = request.person[1]
        key = 0 if name.startswith("erased:") else int(name)  # nobody's: they were erased upon another request
        tag = session.scalars(select(Customer.tag).where(Customer.id == key)).first()
        if kind == "erasure":
            if request.state != "handed_on":
                requests.hand_on(session, reference)
            session.commit()
            if tag is not None:
                _erase(turn, engine, session, key, tag, reference)
            requests.answer(session, reference)
        else:
            answered = requests.answer(session, reference)
            session.commit()
            tags = set(_TAG.findall(answered.file.json() if answered.file else ""))
            turn.rows += len(tags)
            if tags != {tag}:
                raise Wrong(f"the file of {tag} tells of {sorted(tags)}")
        session.commit()


def _erase(turn: Turn, engine: Engine, session: Session, key: int, tag: str, reference: str) -> None:
    plan = turn.privacy.erasure.plan(session, key)
    session.commit()
    turn.writing(("people", tag, None))
    with turn.ending():
        turn.privacy.erasure.run(engine, plan, request=reference)


def retain(turn: Turn, engine: Engine) -> None:
    """One night's retention."""
    with officer(turn):
        turn.privacy.retention.run(engine, chunk=100)


def settle(turn: Turn, engine: Engine) -> None:
    """Closes what a killed process left open in the ledger of erasures."""
    with officer(turn):
        turn.privacy.erasure.resume(engine)
