"""Turning a template into a page: its language, its texts, and who is there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from examples.shop_app.web.guarding import token_of
from examples.shop_app.web.policy import DESKS
from examples.shop_app.web.shop import Shop
from examples.shop_app.web.texts import LANGUAGES, TEXTS, Texts
from sa_privacy.policy import OWN_CATEGORY

__all__ = ["PAGE_SIZE", "Asked", "Page", "back", "begin", "language_of", "local_path", "notice", "page"]

PAGE_SIZE: Final = 12


def language_of(request: Request) -> str:
    """The language that was chosen, or the first of the browser's that the shop speaks."""
    chosen = request.session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    wanted = [part.split(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")]
    return next((language for language in wanted if language in LANGUAGES), LANGUAGES[0])


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page, rendered while the access of the request holds: what the template prints is judged like any other use."""
    language, shop = language_of(request), _shop(request)
    html = _TEMPLATES.get_template(template).render(
        request=request,
        lang=language,
        t=TEXTS[language],
        policy=shop.privacy.policy,
        session={"staff": None, "customer": None, **request.session},
        csrf=token_of(request),
        notice=request.session.pop("notice", None),
        desks=DESKS,
        told=lambda columns: _told(shop, columns, language),
        link=lambda **changed: _link(request, changed),
        **values,
    )
    return HTMLResponse(html, status)


def notice(request: Request, key: str) -> None:
    """Says something on the next page."""
    request.session["notice"] = key


def begin(request: Request, **who: object) -> None:
    """A new session: nothing of the one before is kept but the language."""
    language = language_of(request)
    request.session.clear()
    request.session.update(language=language, **who)


def back(path: str) -> RedirectResponse:
    """Where a form leads once it was taken in."""
    return RedirectResponse(path, 303)


def local_path(said: str | None, otherwise: str = "/") -> str:
    """A path of this site, and nothing that a browser would take for another one."""
    if not said or not said.startswith("/") or said.startswith("//") or "\\" in said or not said.isprintable():
        return otherwise
    return said


def _link(request: Request, changed: dict[str, object]) -> str:
    """This page, asked for otherwise."""
    asked = {**request.query_params, **{name: str(value) for name, value in changed.items() if value is not None}}
    return f"{request.url.path}?{urlencode(asked)}"


def _told(shop: Shop, columns: Iterable[str], language: str) -> str:
    """What columns hold, in the words of the policy."""
    held, policy = shop.privacy.catalogue.columns, shop.privacy.policy
    names = dict.fromkeys(held[one].category if one in held else one for one in columns)
    titles = [policy.categories[name].title[language] for name in names if name in policy.categories]
    others = sorted(name for name in names if name not in policy.categories and name != OWN_CATEGORY)
    ledgers = [TEXTS[language]("officer.ledgers")] if OWN_CATEGORY in names else []
    return TEXTS[language]("base.comma").join([*titles, *others, *ledgers])


class Page:
    """Which part of a long list is shown.

    :param number: from 1 on.
    """

    def __init__(self, number: int = 1) -> None:
        self.number = max(1, min(number, 10_000))

    @property
    def start(self) -> int:
        return (self.number - 1) * PAGE_SIZE

    @property
    def end(self) -> int:
        return self.start + PAGE_SIZE


def asked_page(page: int = 1) -> Page:
    return Page(page)


Asked = Annotated[Page, Depends(asked_page)]


def _shop(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


def _day(value: date | datetime | None, language: str) -> str:
    if value is None:
        return "–"
    return f"{value.year}年{value.month}月{value.day}日" if language == "ja" else f"{value.day} {value:%B %Y}"


def _moment(value: datetime | None, language: str) -> str:
    if value is None:
        return "–"
    shown = value.astimezone(UTC)
    return f"{_day(shown, language)} {shown:%H:%M}"


def _stamp(value: datetime) -> str:
    """For tables of many moments."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"


def _period(value: str, t: Texts) -> str:
    """A time as the policy writes it (``"P3Y"``), in words."""
    unit, n = value[-1], value[1:-1]
    return t(f"periods.{unit}{'1' if n == '1' else ''}", n=n) if unit in "YMD" and n.isdecimal() else "–"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["day"], made.filters["moment"], made.filters["stamp"] = _day, _moment, _stamp
    made.filters["period"] = _period
    return made


_TEMPLATES: Final = _environment()
