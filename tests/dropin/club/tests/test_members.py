"""What members do."""

from __future__ import annotations

import logging

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.dropin.club import factories, jobs
from tests.dropin.club.models import Member
from tests.dropin.club.security import fits

HANAKO = {"email": "hanako@example.org", "password": "x", "first_name": "Hanako", "last_name": "Yamada"}


def test_sign_up(client: TestClient) -> None:
    answer = client.post("/members", json=HANAKO)
    assert answer.status_code == 201
    assert answer.json() | {"id": 0} == {
        "id": 0, "email": "hanako@example.org", "full_name": "Hanako Yamada", "phone": None, "plan": "basic",
    }  # fmt: skip


def test_sign_up_twice(client: TestClient) -> None:
    assert [client.post("/members", json=HANAKO).status_code for _ in range(2)] == [201, 409]


def test_sign_up_stores_a_hash(client: TestClient, engine: Engine) -> None:
    client.post("/members", json=HANAKO)
    with Session(engine) as session:
        assert fits("x", session.scalars(select(Member)).one().password_hash)


def test_sign_in_whatever_the_case(client: TestClient, engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    factories.make_member(engine, 1)
    caplog.set_level(logging.INFO, "club")
    given = {"email": "MEMBER1@example.org", "password": factories.PASSWORD}
    assert client.post("/login", json=given).status_code == 200
    assert "signed in: <Member" in caplog.text


@pytest.mark.parametrize("given", [{"email": "nobody@example.org"}, {"email": "member1@example.org"}])
def test_sign_in_in_vain(client: TestClient, engine: Engine, given: dict[str, str]) -> None:
    factories.make_member(engine, 1)
    assert client.post("/login", json=given | {"password": "wrong"}).status_code == 401


def test_strangers(client: TestClient) -> None:
    assert client.get("/me").status_code == 401
    assert client.get("/admin/members").status_code == 401


def test_me(client: TestClient, engine: Engine, member: int) -> None:
    factories.make_booking(engine, member, factories.make_course(engine))
    answer = client.get("/me").json()
    assert (answer["id"], answer["email"], answer["full_name"]) == (member, "Member1@example.org", "First1 Last1")
    assert (answer["birthday"], answer["phone"]) == ("1981-01-01", "+81 3 1234 0001")
    assert answer["bookings"][0]["course"]["title"] == "Judo"


def test_change_me(client: TestClient, member: int) -> None:
    assert client.patch("/me", json={"phone": "1"}).json()["phone"] == "1"
    assert client.get("/me").json()["phone"] == "1"


def test_leave(client: TestClient, engine: Engine, member: int) -> None:
    factories.make_booking(engine, member, factories.make_course(engine))
    assert client.delete("/me").status_code == 204
    with Session(engine) as session:
        assert session.get(Member, member) is None


def test_book(client: TestClient, engine: Engine, member: int) -> None:
    course = factories.make_course(engine, "Yoga")
    answer = client.post(f"/courses/{course}/bookings")
    assert (answer.status_code, answer.json()["course"]["title"]) == (201, "Yoga")
    assert jobs.OUTBOX == [("Member1@example.org", "First1, you have a place in Yoga")]


def test_courses(client: TestClient, engine: Engine) -> None:
    factories.make_course(engine, "Yoga")
    factories.make_course(engine, "Judo")
    assert [one["title"] for one in client.get("/courses").json()] == ["Judo", "Yoga"]
