"""The application."""

from __future__ import annotations

import csv
import io
import logging
from typing import Any, Literal

from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException, Response
from sqlalchemy import URL, extract, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from tests.dropin.club import jobs
from tests.dropin.club.database import Databases, Opened, Reporting
from tests.dropin.club.models import Booking, Course, Member
from tests.dropin.club.schemas import BookingOut, Change, CourseOut, DeskOut, Login, MemberOut, MeOut, Page, SignUp
from tests.dropin.club.security import Current, Manager, hashed, sign_in

log = logging.getLogger("club.web")
router = APIRouter()


def create_app(url: URL | str) -> FastAPI:
    """The application on a database."""
    app = FastAPI()
    app.state.databases = Databases(url)
    app.include_router(router)
    return app


@router.post("/login")
def login(given: Login, session: Opened) -> dict[str, str]:
    return {"token": sign_in(session, given.email, given.password)}


@router.post("/members", response_model=MemberOut, status_code=201)
def sign_up(given: SignUp, session: Opened) -> Member:
    values = given.model_dump(exclude={"password"})
    member = Member(**values, password_hash=hashed(given.password))
    session.add(member)
    try:
        session.commit()
    except IntegrityError:
        raise HTTPException(409, "there is such a member") from None
    log.info("new member: %r", member)
    return member


@router.get("/me", response_model=MeOut)
def me(member: Current) -> Member:
    return member


@router.patch("/me", response_model=MemberOut)
def change_me(given: Change, member: Current, session: Opened) -> Member:
    for name, value in given.model_dump(exclude_unset=True).items():
        setattr(member, name, value)
    session.commit()
    return member


@router.delete("/me", status_code=204)
def leave(member: Current, session: Opened) -> None:
    session.delete(member)
    session.commit()


@router.get("/courses", response_model=list[CourseOut])
def courses(session: Opened) -> Any:
    return session.scalars(select(Course).order_by(Course.title)).all()


@router.post("/courses/{number}/bookings", response_model=BookingOut, status_code=201)
def book(number: int, member: Current, session: Opened, tasks: BackgroundTasks) -> Booking:
    booking = Booking(course=session.get_one(Course, number), member=member)
    session.add(booking)
    session.commit()
    session.refresh(booking)
    tasks.add_task(jobs.confirm, session.get_bind(), booking.id)
    return booking


@router.get("/admin/members", response_model=Page)
def members(
    _: Manager,
    session: Opened,
    q: str = "",
    plan: str | None = None,
    sort: Literal["id", "last_name", "birthday"] = "id",
    page: int = 1,
    size: int = 10,
) -> dict[str, Any]:
    wanted = select(Member)
    if q:
        wanted = wanted.where(or_(Member.last_name.ilike(f"%{q}%"), Member.email.ilike(f"%{q}%")))
    if plan:
        wanted = wanted.where(Member.plan == plan)
    total = session.scalar(select(func.count()).select_from(wanted.subquery()))
    wanted = wanted.order_by(getattr(Member, sort), Member.id).limit(size).offset((page - 1) * size)
    return {"total": total, "items": session.scalars(wanted).all()}


@router.get("/admin/courses/{number}/desk", response_model=list[DeskOut])
def desk(number: int, _: Manager, session: Opened) -> Any:
    wanted = select(Booking).where(Booking.course_id == number).options(joinedload(Booking.member))
    return session.scalars(wanted.order_by(Booking.id)).all()


@router.get("/admin/plans")
def plans(_: Manager, session: Reporting) -> dict[str, int]:
    return {
        str(name): found for name, found in session.execute(select(Member.plan, func.count()).group_by(Member.plan))
    }


@router.get("/admin/turnover")
def turnover(_: Manager, session: Reporting) -> dict[str, Any]:
    total = func.sum(Course.price)
    asked = select(Course.title, total).join(Course.bookings).where(Booking.paid).group_by(Course.title)
    return {str(name): found for name, found in session.execute(asked.order_by(total.desc()))}


@router.get("/admin/birth-years")
def birth_years(_: Manager, session: Reporting) -> dict[int, int]:
    year = extract("year", Member.birthday)
    asked = select(year, func.count()).where(Member.birthday.is_not(None)).group_by(year)
    return {int(born): count for born, count in session.execute(asked)}


@router.get("/admin/members.csv")
def export(_: Manager, session: Opened) -> Response:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "name", "email", "bookings"])
    for one in session.scalars(select(Member).options(selectinload(Member.bookings)).order_by(Member.id)):
        writer.writerow([one.id, one.full_name, one.email, len(one.bookings)])
    return Response(out.getvalue(), media_type="text/csv")
