"""What managers do."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.dropin.club import factories


@pytest.fixture
def crowd(engine: Engine, manager: int) -> list[int]:
    return [manager, *(factories.make_member(engine, n, plan="gold" if n > 3 else "basic") for n in range(1, 6))]


def test_members_only(client: TestClient, member: int) -> None:
    assert client.get("/admin/members").status_code == 403


def test_a_page(client: TestClient, crowd: list[int]) -> None:
    page = client.get("/admin/members?sort=last_name&size=2&page=2").json()
    assert (page["total"], [one["full_name"] for one in page["items"]]) == (6, ["First3 Last3", "First4 Last4"])


def test_search(client: TestClient, crowd: list[int]) -> None:
    page = client.get("/admin/members?q=MEMBER3&plan=basic").json()
    assert (page["total"], page["items"][0]["email"]) == (1, "Member3@example.org")


def test_sorted_by_birthday(client: TestClient, crowd: list[int]) -> None:
    page = client.get("/admin/members?sort=birthday&size=1").json()
    assert page["items"][0]["full_name"] == "First1 Last1"


def test_desk(client: TestClient, engine: Engine, crowd: list[int]) -> None:
    course = factories.make_course(engine)
    for number in crowd[1:3]:
        factories.make_booking(engine, number, course, paid=True)
    assert [one["member"]["full_name"] for one in client.get(f"/admin/courses/{course}/desk").json()] == [
        "First1 Last1",
        "First2 Last2",
    ]


def test_plans(client: TestClient, crowd: list[int]) -> None:
    assert client.get("/admin/plans").json() == {"basic": 4, "gold": 2}


def test_turnover(client: TestClient, engine: Engine, crowd: list[int]) -> None:
    course = factories.make_course(engine, price="12.50")
    for number in crowd[:2]:
        factories.make_booking(engine, number, course, paid=True)
    assert {title: float(total) for title, total in client.get("/admin/turnover").json().items()} == {"Judo": 25.0}


def test_birth_years(client: TestClient, crowd: list[int]) -> None:
    assert client.get("/admin/birth-years").json()["1981"] == 1


def test_export(client: TestClient, crowd: list[int]) -> None:
    lines = client.get("/admin/members.csv").text.splitlines()
    assert (lines[0], len(lines)) == ("id,name,email,bookings", 7)
    assert lines[-1].endswith("First5 Last5,Member5@example.org,0")
