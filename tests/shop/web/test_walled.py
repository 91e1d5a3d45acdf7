"""The same shop on PostgreSQL, where it stands before the wall: nothing of its pages knows that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import create_engine, text

from examples.shop_app.web.app import create_app
from examples.shop_app.web.shop import Shop, open_shop
from tests.shop.web.serving import CUSTOMERS, EMPLOYEE_AT, EN, sent, signed_in
from tests.support.databases import Database

pytestmark = pytest.mark.backends("postgresql")


@pytest.fixture
def walled(database: Database, tmp_path: Path) -> Iterator[Shop]:
    shop = open_shop(tmp_path, database.url, customers=CUSTOMERS)
    yield shop
    shop.close()
    owner = create_engine(database.url.set(drivername="postgresql+psycopg"))
    with owner.begin() as connection:  # roles are the server's, and other tests have the same
        roles = connection.scalars(
            text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'sap%' ORDER BY length(rolname) DESC")
        ).all()
        for role in roles:
            connection.execute(text(f'DROP OWNED BY "{role}"'))
            connection.execute(text(f'DROP ROLE "{role}"'))
    owner.dispose()


def test_every_desk_works_behind_the_wall(walled: Shop, database: Database, tmp_path: Path) -> None:
    app = create_app(walled)

    def browse(who: str) -> TestClient:
        return signed_in(TestClient(app), who)

    for desk, who in EMPLOYEE_AT.items():
        client = browse(who)
        paths = {"officer": ["/officer", "/officer/staff", "/officer/people?person=1", "/officer/provisions"]}
        for path in paths.get(desk, [f"/desks/{desk}", f"/desks/{desk}/customers/1"]):
            answer = client.get(path)
            assert answer.status_code == 200, (path, answer.text)
    assert browse("tanaka").get("/desks/campaigns").status_code == 403
    assert sent(browse("tanaka"), "/desks/shipping/parcels").text.startswith("number,")
    said = {"person": "3", "case": "2026-99", "reason": "a dispute", "review_by": "2027-01-31"}
    assert "Case 2026-99" in sent(browse("mori"), "/officer/holds", **said).text

    robin = {
        "name": "Robin Field",
        "address": "3 Example Lane",
        "email": "robin@example.com",
        "password": "a long password",
    }
    client = TestClient(app)
    client.get("/language/en")
    assert "Welcome" in sent(client, "/register", **robin).text
    assert "umbrella × 2" in sent(client, "/orders", product="umbrella", quantity="2").text
    sent(client, "/my/requests", kind="disclosure", password=robin["password"])
    [reference] = re.findall(r"/my/requests/(\w+)/file", client.get("/my").text)
    assert "Robin Field" in sent(client, f"/my/requests/{reference}/file", form="json").text

    sent(client, "/my/requests", kind="erasure", password=robin["password"])
    tanaka, mori = browse("tanaka"), browse("mori")
    for order in re.findall(r"/orders/(\d+)/shipped", tanaka.get("/desks/shipping").text):
        sent(tanaka, f"/desks/shipping/orders/{order}/shipped")
    found = re.findall(r"/officer/requests/(\w+)", mori.get("/officer/requests").text)
    pages = {one: mori.get(f"/officer/requests/{one}").text for one in found}
    [asked] = [one for one, page in pages.items() if "signed in" in page and "Erasure" in page]
    sent(mori, f"/officer/requests/{asked}/begin")
    page = sent(mori, f"/officer/requests/{asked}/hand_on").text
    [plan] = re.findall(r'name="plan" value="([^"]+)"', page)
    assert "answered" in sent(mori, f"/officer/requests/{asked}/erase", plan=plan).text
    assert str(client.get("/my").url).endswith("/sign-in?next=/my")

    with walled.engine.connect() as connection, pytest.raises(InsufficientPrivilege):
        connection.connection.cursor().execute("SELECT email FROM customers")
    again = open_shop(tmp_path, database.url)  # as after a restart: nothing is made anew
    assert signed_in(TestClient(create_app(again)), EN).get("/my").status_code == 200
    again.close()
