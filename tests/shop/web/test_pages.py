"""The shop's pages, asked for without a browser: what they show to whom, and what they refuse."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from examples.shop_app.models import Base, Customer, CustomerPassword
from examples.shop_app.web.app import create_app
from examples.shop_app.web.guarding import CSP
from examples.shop_app.web.pages import local_path
from examples.shop_app.web.policy import DESKS
from examples.shop_app.web.seed import PASSWORD
from examples.shop_app.web.shop import Shop
from examples.shop_app.web.texts import TEXTS
from tests.shop.web.serving import EMPLOYEE_AT, EN, JA, sent

Browse = Callable[..., TestClient]
WEB = Path(__file__).parents[3] / "examples" / "shop_app" / "web"


def test_no_script_runs_and_nothing_comes_from_elsewhere(browse: Browse) -> None:
    answer = browse().get("/sign-in")
    assert answer.headers["content-security-policy"] == CSP
    assert "script" not in CSP
    assert "unsafe" not in CSP
    assert CSP.startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    for template in WEB.rglob("*.html"):
        assert not re.search(r"<script|style=|\son\w+=|https?://", template.read_text("utf-8")), template.name


def test_the_cookie_of_a_site_on_https_stays_there(shop: Shop) -> None:
    client = TestClient(create_app(shop, https=True), base_url="https://shop.example")
    assert "secure" in client.get("/").headers["set-cookie"].lower()


def test_no_form_is_taken_without_the_token_of_the_session(browse: Browse, shop: Shop) -> None:
    """Every form that there is, by what the application says of itself."""
    client = browse("mori")
    paths = [path for path, verbs in create_app(shop).openapi()["paths"].items() if "post" in verbs]
    assert len(paths) > 12
    before = _counts(shop)
    foreign = re.search(r'name="csrf" value="([^"]+)"', browse("tanaka").get("/desks/shipping").text)
    assert foreign is not None
    for path in paths:
        for token in ({}, {"csrf": "guess"}, {"csrf": foreign[1]}):
            answer = client.post(re.sub(r"\{\w+\}", "1", path), data={"answer": "yes", "to": "campaigns", **token})
            assert answer.status_code == 403, path
    assert _counts(shop) == before


def _counts(shop: Shop) -> dict[str, int]:
    with (
        shop.privacy.access(maintenance=True, actor="test", role="engineer", reason="counting"),
        Session(shop.engine) as session,
    ):
        tables = Base.metadata.sorted_tables
        return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


# -- what a desk sees ---------------------------------------------------------------------------------------------


def _values_of(shop: Shop, number: int) -> dict[str, set[str]]:
    """What is kept about a customer, by category, as pages would print it."""
    comparing = shop.privacy.access(maintenance=True, actor="test", role="engineer", reason="comparing")
    with comparing, Session(shop.engine) as session:
        one = session.get_one(Customer, number)
        items = [item for order in one.orders for item in order.items]
        found: dict[str, set[Any]] = {
            "name": {one.name, one.name_kana},
            "address": {one.address},
            "phone": {one.phone},
            "email": {one.email},
            "order_items": {item.product for item in items},
            "amount": {f"¥{order.amount:,}" for order in one.orders},
            "usage_history": {TEXTS["en"](f"pages.{event.page}") for event in one.usage},
            "opinions": {answer.comment for answer in one.questionnaires},
        }
        assert one.birthday is not None
        found["birthday"] = {f"{one.birthday.day} {one.birthday:%B %Y}"}
    return {name: {html.escape(str(value), quote=False) for value in values if value} for name, values in found.items()}


@pytest.mark.parametrize("desk", DESKS)
def test_a_desk_shows_what_its_purpose_covers_and_nothing_else(desk: str, browse: Browse, shop: Shop) -> None:
    """The same template at each desk; the values are compared with what is in the database."""
    page = browse(EMPLOYEE_AT[desk]).get(f"/desks/{desk}/customers/1")
    assert page.status_code == 200
    shown = html.unescape(page.text)
    covered = shop.privacy.policy.purposes[DESKS[desk]].read
    for category, values in _values_of(shop, 1).items():
        assert values, category
        for value in map(html.unescape, values):
            assert (f">{value}<" in shown or value in shown.replace("\n", " ")) is (category in covered), category


def test_the_list_of_a_desk_holds_no_value_either(browse: Browse, shop: Shop) -> None:
    shown = html.unescape(browse("tanaka").get("/desks/shipping").text)
    kept = _values_of(shop, 1)
    assert kept["name"] & {name for name in kept["name"] if name in shown}
    for category in ("email", "birthday", "opinions"):
        assert not [value for value in kept[category] if value in shown]


def test_who_did_not_agree_is_not_there_for_campaigns(browse: Browse) -> None:
    """Every third one said no: the query of the page says nothing of that."""
    client = browse("kato")
    assert client.get("/desks/campaigns/customers/1").status_code == 200
    assert client.get("/desks/campaigns/customers/3").status_code == 404
    assert "/customers/3" not in client.get("/desks/campaigns").text


def test_a_desk_that_was_not_granted_is_refused_and_the_officer_sees_that(browse: Browse) -> None:
    refused = browse("tanaka").get("/desks/campaigns")
    assert refused.status_code == 403
    assert "SP-203" in refused.text
    assert browse("tanaka").get("/officer").status_code == 403
    assert "enter SP-203" in browse("mori").get("/officer/denied").text


def test_who_has_not_signed_the_pledge_is_led_to_it(browse: Browse) -> None:
    client = browse("yamada")
    refused = client.get("/desks/inquiries")
    assert refused.status_code == 403
    assert "/staff/pledge" in refused.text
    assert sent(client, "/staff/pledge").status_code == 200
    assert client.get("/desks/inquiries").status_code == 200


def test_a_parcel_list_leaves_by_the_door_and_is_on_record(browse: Browse) -> None:
    given = sent(browse("tanaka"), "/desks/shipping/parcels")
    assert given.headers["content-type"].startswith("text/csv")
    assert given.text.splitlines()[0].startswith("number,")
    assert "Tsubame Delivery" in browse("mori").get("/officer/provisions").text


def test_the_glass_is_broken_once_and_somebody_else_looks_at_it(browse: Browse) -> None:
    sato, why = browse("sato"), {"reason": "the parcel must be stopped", "ticket": "INC-7"}
    assert "090-" not in sato.get("/desks/inquiries/customers/1").text
    assert sent(sato, "/desks/inquiries/emergency/1", reason="", ticket="").status_code == 422
    shown = sent(sato, "/desks/inquiries/emergency/1", **why)
    assert "090-" in shown.text
    assert "090-" not in sato.get("/desks/inquiries/customers/1").text
    mori = browse("mori")
    page = mori.get("/officer/reviews").text
    assert "INC-7" in page
    of = re.findall(r'name="of" value="([^"]+)"', page)[0]
    said = sent(mori, "/officer/reviews", of=of, verdict="justified", reason="spoke to the carrier")
    assert "spoke to the carrier" in said.text


# -- customers ----------------------------------------------------------------------------------------------------


def test_the_customer_is_told_who_has_seen_their_data(browse: Browse) -> None:
    """In words, by desk; employees are not named."""
    browse("suzuki").get("/desks/orders/customers/2")
    page = browse(EN).get("/my/seen").text
    assert "Order desk" in page
    assert "Confirming what was ordered" in page
    assert "suzuki" not in page
    assert "staff:" not in page


def test_the_officer_sees_it_with_names_and_can_ask_the_log(browse: Browse) -> None:
    browse("suzuki").get("/desks/orders/customers/2")
    mori = browse("mori")
    assert "staff:3" in mori.get("/officer/people?person=2").text
    rows = mori.get("/officer/log?actor=staff:3&purpose=order_confirmation&decision=allowed&person=2").text
    assert "staff:3" in rows
    assert "staff:2<" not in rows
    today = f"{datetime.now(UTC).date():%Y-%m-%d}"
    assert "staff:3" in mori.get(f"/officer/log?actor=staff:3&day={today}").text
    assert "No event is like that" in mori.get("/officer/log?actor=staff:3&purpose=campaigns").text
    assert "No event is like that" in mori.get("/officer/log?day=2020-01-01").text
    assert mori.get("/officer/log?day=yesterday").status_code == 422


def test_the_log_is_shown_page_by_page_without_gap_or_double(browse: Browse) -> None:
    mori = browse("mori")
    pages = [mori.get(f"/officer/log?actor=staff:1&everything=true&page={n}").text for n in (1, 2)]
    first, second = ([hash(row) for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)[1:]] for page in pages)
    assert len(first) == 12
    assert second


def test_other_peoples_data_is_out_of_reach(browse: Browse) -> None:
    """By every address that a customer could write."""
    other = browse(JA)
    sent(other, "/my/requests", kind="disclosure", password=PASSWORD)
    page = other.get("/my").text
    [reference] = re.findall(r"/my/requests/(\w+)/file", page)
    receipts = re.findall(r"/my/consents/([\w-]+)\"", page)
    assert receipts
    client = browse(EN)
    assert client.get(f"/my/consents/{receipts[0]}").status_code == 404
    answer = sent(client, f"/my/requests/{reference}/file", form="json")
    assert "attachment" not in answer.headers.get("content-disposition", "")
    sent(client, f"/my/requests/{reference}/withdraw")
    assert reference in other.get("/my").text
    assert reference not in client.get("/my").text
    assert "湯呑み" not in client.get("/my/orders").text
    assert sent(other, f"/my/requests/{reference}/withdraw").status_code == 200
    for path in ("/desks/shipping", "/officer"):
        assert str(client.get(path).url).startswith("http://shop.example/staff/sign-in")


def test_what_is_asked_for_takes_the_password_once_more(browse: Browse) -> None:
    client = browse(EN)
    assert "was not your password" in sent(client, "/my/requests", kind="erasure", password="a guess").text
    assert "/withdraw" not in client.get("/my").text


def test_who_keeps_guessing_waits(browse: Browse, shop: Shop) -> None:
    """And a name that nobody has is answered the same."""
    client = browse()
    wrong = [sent(client, "/sign-in", email=JA, password=f"guess {n}") for n in range(5)]
    unknown = sent(client, "/sign-in", email="nobody@example.org", password="guess 1")
    assert {answer.status_code for answer in (*wrong, unknown)} == {422}
    assert re.sub(r'value="[^"]*"', "", wrong[0].text) == re.sub(r'value="[^"]*"', "", unknown.text)
    assert _close(shop, datetime.now(UTC) + timedelta(minutes=5)) is not None  # it was closed for a moment
    assert sent(client, "/sign-in", email=JA, password=PASSWORD).status_code == 422
    _close(shop, None)
    assert sent(client, "/sign-in", email=JA, password=PASSWORD).status_code == 200


def _close(shop: Shop, until: datetime | None) -> datetime | None:
    """Keeps a customer out until a moment, so that no test has to wait; returns until when they were kept out."""
    with shop.privacy.access("sign_in", role="visitor"), Session(shop.engine) as session:
        found = session.get_one(CustomerPassword, 1)
        before, found.closed_until = found.closed_until, until
        session.commit()
    return before


def test_from_registering_to_being_forgotten(browse: Browse, shop: Shop) -> None:
    """A whole life: register, order, agree, look, take the file, leave; and the officer's part of it."""
    client = browse()
    robin = {
        "name": "Robin Field",
        "address": "3 Example Lane",
        "email": "robin@example.com",
        "password": "a long password",
    }
    missing = sent(client, "/register", **{**robin, "name": "", "password": "short"})
    assert missing.status_code == 422
    assert missing.text.count('aria-invalid="true"') == 2
    assert "Welcome" in sent(client, "/register", **robin).text
    assert sent(browse(), "/register", **robin).status_code == 422  # the address is taken
    assert "umbrella × 2" in sent(client, "/orders", product="umbrella", quantity="2").text
    assert "You have agreed" in sent(client, "/my/consents", to="campaigns", answer="yes").text
    with shop.privacy.access("sign_in", role="visitor"), Session(shop.engine) as session:
        number = session.scalars(select(Customer.id).where(Customer.email == robin["email"])).one()
    kato = browse("kato")
    assert kato.get(f"/desks/campaigns/customers/{number}").status_code == 200
    sent(client, "/my/consents", to="campaigns", answer="no")
    assert kato.get(f"/desks/campaigns/customers/{number}").status_code == 404

    sent(client, "/my/requests", kind="disclosure", password=robin["password"])
    [reference] = re.findall(r"/my/requests/(\w+)/file", client.get("/my").text)
    file = json.loads(sent(client, f"/my/requests/{reference}/file", form="json").text)
    text = json.dumps(file)
    assert "Robin Field" in text
    assert "argon2" not in text
    assert "cannot be fetched" in sent(client, f"/my/requests/{reference}/file", form="json").text

    sent(client, "/my/requests", kind="erasure", password=robin["password"])
    mori, tanaka = browse("mori"), browse("tanaka")
    listed = mori.get("/officer/requests").text
    [asked] = [one for one in re.findall(r"/officer/requests/(\w+)", listed) if f"Customer {number}<" in mori.get(f"/officer/requests/{one}").text and "Erasure" in mori.get(f"/officer/requests/{one}").text]  # fmt: skip
    at = f"/officer/requests/{asked}"
    sent(mori, f"{at}/begin")
    waits = sent(mori, f"{at}/hand_on").text
    assert "stands against it" in waits  # the order is not sent yet
    with shop.privacy.access("shipping", actor="staff:2", role="warehouse"), Session(shop.engine) as session:
        [order] = session.get_one(Customer, number).orders
    sent(tanaka, f"/desks/shipping/orders/{order.id}/shipped")
    plan = re.findall(r'name="plan" value="([^"]+)"', mori.get(at).text)
    assert "not as it was" in sent(mori, f"{at}/erase", plan="sha256:other").text
    assert "answered" in sent(mori, f"{at}/erase", plan=plan[0]).text
    assert str(client.get("/my").url).startswith("http://shop.example/sign-in")
    assert sent(browse(), "/sign-in", email=robin["email"], password=robin["password"]).status_code == 422
    assert tanaka.get(f"/desks/shipping/customers/{number}").status_code == 404


def test_a_hold_is_placed_and_released(browse: Browse) -> None:
    mori = browse("mori")
    wrong = sent(mori, "/officer/holds", person="x", case="", reason="", review_by="")
    assert wrong.status_code == 422
    said = {"person": "3", "case": "2026-99", "reason": "a dispute", "review_by": "2027-01-31"}
    placed = sent(mori, "/officer/holds", **said).text
    assert "Case 2026-99" in placed
    hold = re.findall(r"/officer/holds/([\w-]+)/release", placed)[0]
    assert "Case 2026-99" not in sent(mori, f"/officer/holds/{hold}/release", reason="settled").text


def test_a_letter_is_answered_once_it_is_sure_who_wrote_it(browse: Browse) -> None:
    mori = browse("mori")
    reference = re.findall(r"/officer/requests/(\w+)", mori.get("/officer/requests").text)[0]
    at = f"/officer/requests/{reference}"
    assert "make sure who it is first" in sent(mori, f"{at}/answer").text
    assert "1 failed checks" in sent(mori, f"{at}/identify", person="2", evidence="a card", passed="no").text
    sent(mori, f"{at}/identify", person="2", evidence="a card", passed="yes")
    sent(mori, f"{at}/begin")
    answer = sent(mori, f"{at}/answer")
    assert "attachment" in answer.headers["content-disposition"]
    assert "Rhonda Bailey" in answer.text


def test_the_retention_plan_looks_ahead(browse: Browse) -> None:
    mori = browse("mori")
    assert "Books of account" in mori.get("/officer/retention?as_of=2031-01-01").text
    assert mori.get("/officer/retention?as_of=soon").status_code == 422


# -- small things -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "", None, "/a\nb", "javascript:1"]
)
def test_a_link_back_leads_nowhere_else(said: str | None) -> None:
    assert local_path(said, "/my") == "/my"
    assert local_path("/my/seen", "/") == "/my/seen"


def test_both_languages_say_the_same_and_say_all() -> None:
    """Every text has its other half, with the same places in it; every one that a template names is there."""
    en, ja = TEXTS["en"].all, TEXTS["ja"].all
    assert en.keys() == ja.keys()
    for key, text in en.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", ja[key])), key
    templates = "".join(path.read_text("utf-8") for path in WEB.rglob("*.html"))
    assert set(re.findall(r"""\bt\(["']([\w.]+)["'][,)]""", templates)) <= en.keys()


def test_an_unknown_page_and_a_wrong_number_say_so_kindly(browse: Browse) -> None:
    client = browse("tanaka")
    assert client.get("/nowhere").status_code == 404
    assert client.get("/desks/shipping/customers/999").status_code == 404
    assert client.get("/desks/shipping/customers/x").status_code == 422


@pytest.mark.parametrize(
    "typed", ["9" * 30, "9" * 5000, "\x00", "9999-12-31", "x" * 300], ids=["30", "5000", "0", "last", "long"]
)
def test_what_nobody_would_type_is_answered_like_a_mistake(typed: str, browse: Browse) -> None:
    """Test clients raise what would be a 500."""
    path = quote(typed)
    desk = browse("sato")
    assert desk.get(f"/desks/inquiries/customers/{path}").status_code in (404, 422)
    assert sent(desk, f"/desks/inquiries/emergency/{path}", reason=typed, ticket=typed).status_code in (404, 422)
    office = browse("mori")
    for field in ("person", "day"):
        assert office.get("/officer/log", params={field: typed}).status_code == 422
    assert office.get("/officer/people", params={"person": typed}).status_code == 422
    assert office.get("/officer/retention", params={"as_of": typed}).status_code == 422
    assert sent(office, "/officer/holds", person=typed, case="1", reason="x", review_by=typed).status_code == 422
    me = browse(EN)
    assert sent(me, "/my/consents", to=typed, answer="yes").status_code == 404
    assert sent(me, "/my/details", name="Me", address="Here", birthday=typed).status_code == 422
    assert sent(browse(), "/staff/sign-in", name=typed, password=typed).status_code == 422
