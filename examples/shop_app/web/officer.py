"""The privacy officer's desk: what was done with people's data, what people ask for, what must stay, what has to go."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from examples.shop_app.web.acting import Database, Staff, TheShop
from examples.shop_app.web.pages import Asked, back, notice, page
from examples.shop_app.web.policy import OFFICER
from examples.shop_app.web.seen import only_ledgers, uses_of
from examples.shop_app.web.shop import Shop
from examples.shop_app.web.typed import day_of, number_of
from sa_privacy import (
    ErasureRefused,
    HoldRefused,
    PlanMoved,
    RequestRefused,
    RetentionRefused,
    ReviewRefused,
    UnknownPerson,
)
from sa_privacy.accesslog import Event, Wanted, open_reviews
from sa_privacy.accesslog.questions import denied
from sa_privacy.accesslog.reviews import break_glasses, review
from sa_privacy.customers.erasure import ErasurePlan
from sa_privacy.customers.requests.articles import REFUSALS, articles_for
from sa_privacy.customers.requests.states import Step, may
from sa_privacy.customers.requests.view import Request as Asking

__all__ = ["router"]

_REFUSED = (RequestRefused, ErasureRefused, HoldRefused, RetentionRefused, PlanMoved, UnknownPerson)
Field = Annotated[str, Form()]


def in_office(shop: TheShop, _actor: Staff) -> None:
    """Everything here is done as the officer, whatever other roles they have."""
    shop.privacy.current().bind(role=OFFICER)


router = APIRouter(prefix="/officer", dependencies=[Depends(in_office)])


@router.get("")
def overview(request: Request, shop: TheShop, database: Database) -> Response:
    now = datetime.now(UTC)
    requests = shop.privacy.requests.list(database)
    waiting = [one for one in requests if one.is_open]
    return page(
        request,
        "officer/overview.html",
        proof=shop.log.verify(),
        size=shop.journal.status(),
        waiting=waiting,
        overdue=[one for one in waiting if one.due_on < now.date()],
        reviews=open_reviews(shop.journal),
        refused=denied(shop.journal, since=now - timedelta(days=7)),
        holds=shop.privacy.holds.in_force(database),
        due=[one for one in shop.privacy.retention.plan(database).due if one.to_do],
        given=shop.privacy.provisions.list(database),
    )


# -- the log ------------------------------------------------------------------------------------------------------


@router.get("/log")
def log(
    request: Request,
    shop: TheShop,
    asked: Asked,
    actor: str = "",
    purpose: str = "",
    decision: str = "",
    person: str = "",
    day: str = "",
    everything: bool = False,
) -> Response:
    said = {
        "actor": actor.strip(),
        "purpose": purpose,
        "decision": decision,
        "person": person.strip(),
        "day": day.strip(),
    }
    day_meant, number, wrong = day_of(said["day"]), number_of(said["person"]), {}
    if said["day"] and day_meant is None:
        wrong["day"] = "officer.wrong_day"
    if said["person"] and number is None:
        wrong["person"] = "officer.wrong_person"
    begins = None if day_meant is None else datetime.combine(day_meant, time(), UTC)
    wanted = Wanted(
        actor=said["actor"] or None,
        purpose=said["purpose"] or None,
        decisions=frozenset({decision} if decision else ()),
        subject=None if number is None else shop.pseudonym(number),
        since=begins,
        until=None if begins is None else begins + timedelta(days=1),
        kinds=_SHOWN,
    )
    found = [] if wrong else _latest(shop, wanted, asked.end + 1, everything=everything)
    return page(
        request,
        "officer/log.html",
        status=422 if wrong else 200,
        events=found[asked.start : asked.end],
        number=asked.number,
        more=len(found) > asked.end,
        said=said,
        everything=everything,
        wrong=wrong,
        proof=shop.log.verify(),
    )


_SHOWN = frozenset({"intent", "outcome", "use", "break_glass", "review", "erased"})


def _latest(shop: Shop, wanted: Wanted, count: int, *, everything: bool) -> list[Event]:
    """The latest events. Unless everything is wanted, a statement is told by its end, and not by its beginning as well, and
    what touches the library's own tables alone is left out: each request asks them who stands in which role.
    """
    fetched = count
    while True:
        found = shop.journal.last(wanted, fetched)
        shown = [event for event in reversed(found) if everything or _tells(event)]
        if len(shown) >= count or len(found) < fetched:
            return shown[:count]
        fetched *= 4


def _tells(event: Event) -> bool:
    if event.kind == "intent" and event.decision == "allowed":
        return False
    return event.kind not in ("outcome", "use") or not only_ledgers(event)


@router.get("/people")
def people(request: Request, shop: TheShop, asked: Asked, person: str = "") -> Response:
    said = person.strip()
    number = number_of(said)
    uses = [] if number is None else uses_of(shop, number)
    wrong = {"person": "officer.wrong_person"} if said and number is None else {}
    return page(
        request,
        "officer/people.html",
        status=422 if wrong else 200,
        person=said,
        wrong=wrong,
        uses=uses[asked.start : asked.end],
        number=asked.number,
        more=len(uses) > asked.end,
        found=len(uses),
    )


@router.get("/denied")
def refusals(request: Request, shop: TheShop) -> Response:
    return page(request, "officer/denied.html", found=denied(shop.journal))


@router.get("/reviews")
def reviews(request: Request, shop: TheShop) -> Response:
    return page(request, "officer/reviews.html", glasses=break_glasses(shop.journal)[::-1], wrong=None)


@router.post("/reviews")
def close_review(
    request: Request, shop: TheShop, actor: Staff, of: Field, verdict: Field = "", reason: Field = ""
) -> Response:
    try:
        review(shop.log, of=of, verdict=verdict, by=actor, reason=reason, source=shop.journal)  # type: ignore[arg-type] # it checks
    except ReviewRefused as error:
        glasses = break_glasses(shop.journal)[::-1]
        return page(request, "officer/reviews.html", status=422, glasses=glasses, wrong=error)
    notice(request, "officer.reviewed")
    return back("/officer/reviews")


# -- what must stay, what has to go, what was given ---------------------------------------------------------------


@router.get("/holds")
def holds(request: Request, shop: TheShop, database: Database) -> Response:
    return _holds(request, shop, database)


@router.post("/holds")
def place_hold(
    request: Request,
    shop: TheShop,
    database: Database,
    person: Field = "",
    case: Field = "",
    reason: Field = "",
    review_by: Field = "",
) -> Response:
    said = {"person": person.strip(), "case": case.strip(), "reason": reason.strip(), "review_by": review_by.strip()}
    wrong = {name: "officer.wrong_needed" for name, value in said.items() if not value}
    number, day = number_of(said["person"]), day_of(said["review_by"])
    if said["person"] and number is None:
        wrong["person"] = "officer.wrong_person"
    if day is None:
        wrong["review_by"] = "officer.wrong_day"
    if day is None or wrong:
        return _holds(request, shop, database, said=said, wrong=wrong)
    try:
        shop.privacy.holds.place(database, subject=number, case=said["case"], reason=said["reason"], review_by=day)
        database.commit()
    except (HoldRefused, UnknownPerson) as error:
        database.rollback()
        return _holds(request, shop, database, said=said, refused=error)
    notice(request, "officer.held")
    return back("/officer/holds")


@router.post("/holds/{hold}/release")
def release_hold(request: Request, shop: TheShop, database: Database, hold: str, reason: Field = "") -> Response:
    try:
        shop.privacy.holds.release(database, hold, reason=reason.strip())
        database.commit()
    except HoldRefused as error:
        database.rollback()
        return _holds(request, shop, database, refused=error)
    notice(request, "officer.released")
    return back("/officer/holds")


def _holds(
    request: Request,
    shop: Shop,
    database: Session,
    *,
    said: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
    refused: Exception | None = None,
) -> Response:
    return page(
        request,
        "officer/holds.html",
        status=422 if wrong or refused else 200,
        holds=shop.privacy.holds.in_force(database),
        said=said or {},
        wrong=wrong or {},
        refused=refused,
    )


@router.get("/retention")
def retention(request: Request, shop: TheShop, database: Database, as_of: str = "") -> Response:
    day = day_of(as_of)
    wrong = bool(as_of) and day is None
    plan = shop.privacy.retention.plan(database, as_of=day)
    return page(request, "officer/retention.html", status=422 if wrong else 200, plan=plan, as_of=as_of, wrong=wrong)


@router.get("/provisions")
def provisions(request: Request, shop: TheShop, database: Database) -> Response:
    return page(request, "officer/provisions.html", provisions=shop.privacy.provisions.list(database)[::-1])


@router.get("/staff")
def staff(request: Request, shop: TheShop, database: Database) -> Response:
    with shop.privacy.access(role="access_manager"):
        return page(request, "officer/staff.html", report=shop.privacy.staff.report(database))


# -- what people ask for ------------------------------------------------------------------------------------------


@router.get("/requests")
def requests(request: Request, shop: TheShop, database: Database) -> Response:
    today = datetime.now(UTC).date()
    return page(request, "officer/requests.html", requests=shop.privacy.requests.list(database), today=today)


@router.get("/requests/{reference}")
def one_request(request: Request, shop: TheShop, database: Database, reference: str) -> Response:
    return _request(request, shop, database, reference)


@router.post("/requests/{reference}/{step}")
def take_step(
    request: Request,
    shop: TheShop,
    database: Database,
    reference: str,
    step: str,
    person: Field = "",
    evidence: Field = "",
    passed: Field = "",
    article: Field = "",
    reason: Field = "",
    plan: Field = "",
) -> Response:
    """Takes one step of a request; which ones are open is for its course to say."""
    asked = shop.privacy.requests
    try:
        if step == "identify":
            number = number_of(person) or 0
            how = "identity_card"
            asked.identify(database, reference, number, method=how, evidence=evidence or None, passed=passed == "yes")
        elif step == "begin":
            asked.begin(database, reference)
        elif step == "hand_on":
            asked.hand_on(database, reference)
        elif step == "refuse":
            asked.refuse(database, reference, article=article, reason=reason)
        elif step == "close":
            asked.close(database, reference, reason=reason)
        elif step == "erase":
            _erase(shop, database, reference, plan)
        elif step == "answer":
            file = asked.answer(database, reference).file
            database.commit()
            if file is not None:
                name = {"Content-Disposition": 'attachment; filename="file-of-a-person.html"'}
                return Response(file.html(), media_type="text/html", headers=name)
        else:
            raise HTTPException(404)
        database.commit()
    except _REFUSED as error:
        database.rollback()
        return _request(request, shop, database, reference, refused=error)
    notice(request, "officer.step_taken")
    return back(f"/officer/requests/{reference}")


def _erase(shop: Shop, database: Session, reference: str, plan: str) -> None:
    """Carries out the plan that was looked at, and no other; then the request is answered."""
    found = shop.privacy.requests.show(database, reference)
    made = _plan(shop, database, found)
    if made is None or made.hash != plan:
        raise PlanMoved("the data is not as it was when the plan was shown.", hint="look at the plan once more.")
    database.commit()
    shop.privacy.erasure.run(shop.office, made, request=reference, reason=f"request {reference[:8]}")
    shop.privacy.requests.answer(database, reference)


def _plan(shop: Shop, database: Session, asking: Asking) -> ErasurePlan | None:
    """What the erasure that was asked for would do; None where the person is gone."""
    try:
        return shop.privacy.erasure.plan(database, asking.person)
    except UnknownPerson:
        return None


def _request(
    request: Request, shop: Shop, database: Session, reference: str, *, refused: Exception | None = None
) -> Response:
    try:
        found = shop.privacy.requests.show(database, reference)
    except RequestRefused:
        raise HTTPException(404) from None
    steps: tuple[Step, ...] = ("begin", "hand_on", "answer", "refuse", "close", "identify")
    values: dict[str, Any] = {
        "steps": [step for step in steps if may(found.progress, step)],
        "articles": [REFUSALS[article] for article in articles_for(found.kind)],
        "plan": _plan(shop, database, found) if found.state == "handed_on" else None,
    }
    today, status = datetime.now(UTC).date(), 422 if refused else 200
    return page(request, "officer/request.html", status=status, asking=found, refused=refused, today=today, **values)
