"""The file as a page that people read and print."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from sa_privacy import PolicyError
from sa_privacy.customers.file import page as file_html
from sa_privacy.customers.file.files import PersonFile
from sa_privacy.customers.file.words import WORDS

HOSTILE = "<script>alert(\"x\")</script><img src=x onerror='y'>&amp;\"'`{{ 7*7 }}{% raw %}"
VOID = {"meta", "br", "img", "link", "input", "hr"}


def content(value: Any = HOSTILE) -> dict[str, Any]:
    """A file in which every text is hostile."""
    titles = {"en": value, "ja": value}
    request = {
        "reference": value,
        "kind": "disclosure",
        "received_at": "2026-11-26T09:00:00+00:00",
        "due_on": "2026-12-10",
        "state": "received",
        "by_agent": None,
    }
    return {
        "format": "sa-privacy-person-file",
        "version": 1,
        "made_at": "2026-11-26T09:00:00+00:00",
        "controller": titles,
        "policy": {"id": value, "version": value, "hash": value},
        "person": {"kind": "customer", "key": value},
        "request": request,
        "categories": [
            {
                "name": "name",
                "title": titles,
                "columns": ["customers.name"],
                "purposes": [{"name": "p", "title": titles, "clause": value, "consent": "opt_in"}],
                "recipients": [{"name": "r", "title": titles, "kind": "third_party_abroad", "country": value}],
                "retention": None,
            }
        ],
        "data": [
            {
                "table": value,
                "rows": [
                    {
                        "row": {value: value},
                        "values": [
                            {"column": "name", "category": "name", "value": value},
                            {"column": value, "category": None, "value": None},
                        ],
                        "about_others": [value],
                    },
                    {"row": {"id": 2}, "values": [], "about_others": ["customers.name"]},
                ],
                "mentioned_in": 3,
            }
        ],
        "consents": [
            {
                "to": value,
                "title": titles,
                "said": "withdrawn",
                "at": "2026-11-26T09:00:00+00:00",
                "how": how,
                "version": value,
                "valid_until": None,
                "by_agent": "statutory",
            }
            for how in ("web", "app", "form", "letter", "call", "email", "counter")
        ],
        "provisions": [
            {
                "to": value,
                "name": titles,
                "kind": "third_party",
                "address": value,
                "representative": value,
                "country": None,
                "at": "2026-11-26T09:00:00+00:00",
                "categories": ["name", value],
            }
        ],
        "received": [
            {
                "giver": value,
                "address": value,
                "representative": None,
                "how_obtained": value,
                "at": "2026-11-26T09:00:00+00:00",
                "categories": ["name"],
            }
        ],
        "uses": {
            "counts": [
                {
                    "day": "2026-11-26",
                    "purposes": [{"name": value, "title": {}}],
                    "roles": [{"name": value, "title": titles}],
                    "changed": True,
                    "times": 2,
                }
            ],
            "maybe": 1,
        },
        "requests": [request],
        "not_disclosed": {"columns": [value], "article": "33-2-1", "words": titles, "reason": value},
    }


class Page(HTMLParser):
    """A page as a browser takes it apart; every element that is opened is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_hostile_values_are_text(language: str) -> None:
    page = Page(PersonFile(content()).html(language))
    assert page.text.count(HOSTILE) >= 15
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "iframe", "object", "form"}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_says_its_language_and_title_and_loads_nothing(language: str) -> None:
    text = PersonFile(content("plain"), language).html()
    page = Page(text)
    assert page.all("html") == [{"lang": language}]
    assert WORDS[language]["title"] in page.text
    assert not {name for _, attributes in page.tags for name in attributes} & {"src", "href", "srcset", "action"}
    assert "url(" not in text
    assert "@import" not in text
    assert page.all("meta")[0] == {"charset": "utf-8"}


def test_tables_and_sections_are_made_for_readers_of_screens() -> None:
    page = Page(PersonFile(content("plain")).html("en"))
    assert all(attributes.get("scope") in {"col", "row"} for attributes in page.all("th"))
    headings = {attributes.get("id") for attributes in page.all("h2")}
    assert {attributes["aria-labelledby"] for attributes in page.all("section")} == headings
    assert len(page.all("h1")) == len(page.all("main")) == 1


def test_another_language_reads_the_nearest() -> None:
    file = PersonFile(content("plain"))
    assert '<html lang="ja">' in file.html("ja-JP")
    assert '<html lang="en">' in file.html("fr")


def test_nothing_kept_is_said_so() -> None:
    empty = {
        **content("plain"),
        "data": [],
        "categories": [],
        "consents": [],
        "provisions": [],
        "received": [],
        "uses": None,
    }
    empty |= {"requests": [], "not_disclosed": None, "controller": {}}
    text = PersonFile(empty).html("en")
    for name in ("no_data", "no_consents", "no_provisions", "no_received", "unknown", "no_requests"):
        assert WORDS["en"][name] in text


def test_both_languages_have_the_same_words() -> None:
    assert WORDS["en"].keys() == WORDS["ja"].keys()


@pytest.fixture
def without_jinja(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    file_html._template.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    yield
    file_html._template.cache_clear()


@pytest.mark.usefixtures("without_jinja")
def test_without_jinja_there_is_still_the_json() -> None:
    file = PersonFile(content("plain"))
    with pytest.raises(PolicyError, match="Jinja2"):
        file.html("en")
    assert file.json()
