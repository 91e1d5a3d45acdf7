"""The shop in Chromium: looked at in both languages and two widths, walked with the keyboard, searched for barriers.

The pictures are kept in ``build/screenshots``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from examples.shop_app.web.app import create_app
from examples.shop_app.web.seed import EMPLOYEES, PASSWORD
from examples.shop_app.web.shop import Shop
from tests.shop.web.serving import EN, JA
from tests.support.chromium import ARGUMENTS, find_chromium

pytestmark = pytest.mark.browser

PICTURES: Final = Path(__file__).parents[3] / "build" / "screenshots"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
#: Colours are the same in both languages, and the dearest to look at.
LOOKED_FOR: Final[dict[str, dict[str, Any]]] = {
    "en": {"resultTypes": ["violations"]},
    "ja": {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": False}}},
}
#: What is there for whom; of pages that are made alike, one.
PAGES: Final[dict[str, tuple[str, ...]]] = {
    "": ("/", "/privacy", "/register", "/sign-in", "/staff/sign-in", "/nowhere"),
    JA: ("/my", "/my/details", "/my/orders", "/my/seen", "/"),
    "tanaka": ("/desks", "/desks/shipping", "/desks/shipping/customers/1", "/desks/campaigns"),
    "suzuki": ("/desks/orders", "/desks/orders/customers/1"),
    "kato": ("/desks/campaigns", "/desks/campaigns/customers/1"),
    "ito": ("/desks/improvement", "/desks/improvement/customers/1"),
    "sato": ("/desks/inquiries", "/desks/inquiries/customers/1", "/desks/inquiries/emergency/1", "/staff/pledge"),
    "mori": (
        *("/officer", "/officer/log", "/officer/people?person=1", "/officer/denied", "/officer/reviews"),
        *("/officer/requests", "/officer/holds", "/officer/retention", "/officer/provisions", "/officer/staff"),
    ),
}


@pytest.fixture(scope="module")
def address(shop: Shop) -> Iterator[str]:
    """The shop on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(create_app(shop), port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(
            timeout=20_000
        )  # milliseconds; a page is there in a tenth of a second, where nobody else works
        found = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A window of somebody new. What the browser complains of fails the test."""
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "the server responded with a status of 4" not in message.text:
            complaints.append(message.text)

    context = browser.new_context(base_url=address, viewport=DESKTOP, locale="en-US", reduced_motion="reduce")  # type: ignore[arg-type]
    opened = context.new_page()
    opened.on("console", heard)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


def sign_in(page: Page, who: str) -> None:
    if who in EMPLOYEES:
        page.goto("/staff/sign-in")
        page.fill("#name", who)
    else:
        page.goto("/sign-in")
        page.fill("#email", who)
    page.fill("#password", PASSWORD)
    page.click("main button")


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("who", PAGES, ids=lambda who: who.partition(".")[0] or "nobody")
def test_every_page_is_open_to_everybody(who: str, language: str, page: Page) -> None:
    """No barrier that axe-core knows, nothing wider than a phone, one heading, and its language said."""
    if who:
        sign_in(page, who)
    page.goto(f"/language/{language}")
    for path in PAGES[who]:
        page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
        page.goto(path)
        found: Any = Axe().run(page, options=LOOKED_FOR[language]).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], path
        expect(page.locator("h1")).to_have_count(1)
        assert page.locator("html").get_attribute("lang") == language
        name = f"{language}-{who.partition('.')[0] or 'nobody'}{path.partition('?')[0].replace('/', '-')}"
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        page.screenshot(path=PICTURES / f"{name}-phone.png")


def focused(page: Page) -> str:
    """What has the focus: its text or its name; it has to be seen that it has."""
    seen = (
        "(e => { const s = getComputedStyle(e); return s.outlineStyle != 'none' && parseFloat(s.outlineWidth) >= 2 })"
    )
    assert page.evaluate(f"{seen}(document.activeElement)"), page.evaluate("document.activeElement.outerHTML")
    text: str = page.evaluate("document.activeElement.innerText || document.activeElement.id || ''")
    return text.strip().split("\n")[0]


def test_a_customer_walks_the_shop_with_the_keyboard_alone(page: Page) -> None:
    """Skips to the content, signs in, orders, agrees, asks for the file and takes it."""
    page.goto("/sign-in")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page) == "email"
    page.keyboard.type(EN)
    page.keyboard.press("Tab")
    assert focused(page) == "password"
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/my")
    order = []
    for _ in range(9):
        page.keyboard.press("Tab")
        order.append(focused(page))
    assert order == [
        *("Skip to the content", "Belue", "Shop", "My orders", "My data", "Sign out", "日本語"),
        *("Change my details", "Who has seen my data"),
    ]
    page.goto("/")
    page.focus("#q-umbrella")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Thank you. Your order has been received.")
    page.goto("/my")
    page.get_by_role("button", name="I agree (Offers of our advertising partner)").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("You have agreed")
    page.get_by_role("button", name="I take it back (Offers of our advertising partner)").press("Enter")
    page.locator("#password-disclosure").type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("It was made sure that it is you")
    with page.expect_download() as download:
        page.get_by_role("button", name="Fetch as a page").press("Enter")
    assert "Rhonda Bailey" in Path(download.value.path()).read_text("utf-8")


def test_what_is_wrong_in_a_form_is_announced_and_led_to(page: Page) -> None:
    page.goto("/register")
    page.get_by_role("button", name="Register").press("Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Something is missing")
    expect(page).to_have_title("Something is missing – Register – Belue")
    name = page.get_by_label("Name", exact=True)
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description("Please write your name.")
    expect(page.locator("#password")).to_have_accessible_description(
        "12 characters or more; a few words in a row do well. The password needs 12 characters or more."
    )
    alert.get_by_role("link", name="Please write your address.").press("Enter")
    expect(page.locator("#address")).to_be_focused()


def test_the_same_customer_looks_different_at_each_desk(page: Page) -> None:
    """The order desk may ship as well: one person, two purposes."""
    sign_in(page, "suzuki")
    page.goto("/desks/orders/customers/1")
    card = page.locator("article.card")
    expect(card).to_contain_text("湯呑み")
    expect(card).to_contain_text("@example.org")
    assert "090-" not in card.inner_text()
    page.get_by_role("navigation", name="Desks").get_by_role("link", name="Shipping desk").press("Enter")
    expect(card).to_contain_text("090-")
    assert "湯呑み" not in card.inner_text()
    assert "@example.org" not in card.inner_text()


def test_the_officer_finds_who_saw_a_customer_and_closes_a_review(page: Page) -> None:
    sign_in(page, "mori")
    page.goto("/officer")
    expect(page.get_by_text("The log holds")).to_be_visible()
    page.get_by_role("link", name="emergencies to review").press("Enter")
    page.get_by_label("What you found").first.fill("Spoke to the carrier.")
    page.get_by_role("button", name="Justified", exact=True).first.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Your verdict is in the log.")
    page.get_by_role("link", name="Who saw a person").press("Enter")
    page.get_by_label("Customer number").fill("1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="uses of the data of customer 1")).to_be_visible()
    # on whichever page: others have looked at the customer since
    while not page.get_by_text("emergency access").count():
        page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("emergency access").first).to_be_visible()
    page.get_by_role("link", name="Access log").press("Enter")
    page.get_by_label("Decision").select_option("denied")
    page.get_by_role("button", name="Show").press("Enter")
    expect(page.locator("tbody tr").first).to_contain_text("denied")
    assert "allowed" not in page.locator("tbody").inner_text()
