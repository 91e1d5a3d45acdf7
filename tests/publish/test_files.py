"""Whatever the policy: what is published is well formed, says what it says, and is the same every time."""

from __future__ import annotations

import csv
import html
import io
import itertools
import json
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pyld import jsonld

from sa_privacy.columns.build import build_catalogue
from sa_privacy.policy import Policy
from sa_privacy.policy.writing import as_sections, as_toml
from sa_privacy.publish.notice import as_markdown, as_page, make_notice
from sa_privacy.publish.publication import RECORD, make_publication
from sa_privacy.publish.speaker import languages_of
from tests.publish.drawn import documents_with_everything, models
from tests.publish.shop import POLICY, PUBLISHED, catalogue

VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """Reads a page as strictly as it can be read."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"style", "script"}:
            self.text.append(data)

    def ids(self) -> list[str]:
        return [found for _, attributes in self.tags if (found := attributes.get("id")) is not None]


def _same(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _never(url: str, options: Any) -> Any:
    raise AssertionError(f"fetches {url}")


@given(documents_with_everything(), st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_policy_is_published_it_is_well_formed_and_always_the_same(document: Any, data: Any) -> None:
    policy = Policy(**document)
    held = build_catalogue(policy, [data.draw(models(list(policy.categories)))])
    files = make_publication(policy, held)
    assert make_publication(Policy.loads(as_toml(as_sections(policy))), held) == files
    for name, content in files.items():
        assert policy.hash in content.decode("utf-8"), name
    for language in languages_of(policy):
        notice = make_notice(policy, held, language)
        said = [_same(one.text) for one in notice.said()]
        page = Page(files[f"notice.{language}.html"].decode())
        assert not {tag for tag, _ in page.tags} & {"script", "img", "b", "i", "em"}
        for written in (_same("".join(page.text)), _text_of_markdown(files[f"notice.{language}.md"].decode())):
            for text in said:
                assert text in written
        _drawing(files[f"data-map.{language}.svg"].decode())
        around = Page(files[f"data-map.{language}.html"].decode())
        assert [tag for tag, _ in around.tags].count("script") == 1
        assert len(around.ids()) == len(set(around.ids()))
        for row in csv.reader(io.StringIO(files[f"processing.{language}.csv"].decode("utf-8-sig"))):
            assert len(row) == 15
            assert not [cell for cell in row if cell[:1] in {"=", "+", "-", "@", "＝", "\t", "\r"}]
    json.loads(files[RECORD])
    jsonld.expand(json.loads(files["policy.jsonld"]), {"documentLoader": _never})


def _text_of_markdown(text: str) -> str:
    """What it is rendered to, by a reader of CommonMark with tables that lets no HTML through but line breaks."""
    made = MarkdownIt("commonmark", {"html": False}).enable("table").render(text.replace("<br>", "\u2028"))
    tags = set(re.findall(r"</?([a-z]+\d?)", made))
    assert tags <= {"h1", "h2", "h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "hr"}, tags
    return _same(html.unescape(re.sub(r"<[^>]*>", "", made)))


def _drawing(text: str) -> ElementTree.Element:
    root = ElementTree.fromstring(text)
    names = {one.tag.rpartition("}")[2] for one in root.iter()}
    assert names <= {"svg", "title", "desc", "style", "rect", "text", "g", "path"}
    assert not [
        one for one in root.iter() for attribute in one.attrib if attribute.startswith("on") or "href" in attribute
    ]
    return root


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_of_the_shop_is_one_that_everybody_can_read(language: str) -> None:
    page = Page(as_page(make_notice(POLICY, catalogue(), language), ["en", "ja"]))
    tags = [tag for tag, _ in page.tags]
    root = dict(page.tags)["html"]
    assert root == {"lang": language}
    assert tags.count("h1") == tags.count("main") == 1
    headings = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings))
    ids = page.ids()
    assert len(ids) == len(set(ids))
    for tag, attributes in page.tags:
        for attribute in ("aria-labelledby", "aria-describedby"):
            assert set((attributes.get(attribute) or "").split()) <= set(ids)
        where = attributes.get("href") or ""
        assert not where.startswith("#") or where[1:] in ids
        assert not re.match(r"(https?:)?//", where)
        assert "src" not in attributes
        if tag == "th":
            assert attributes.get("scope") in {"row", "col"}
        if tag == "table":
            assert attributes.get("aria-labelledby")
    other = "ja" if language == "en" else "en"
    assert ("a", {"href": f"notice.{other}.html", "hreflang": other, "lang": other}) in page.tags


def test_markdown_and_page_say_the_same() -> None:
    notice = make_notice(POLICY, catalogue(), "ja")
    markdown, page = _text_of_markdown(as_markdown(notice)), _same("".join(Page(as_page(notice)).text))
    for said in notice.said():
        assert _same(said.text) in markdown
        assert _same(said.text) in page


def test_the_shop_publishes_what_follows_from_its_policy_and_its_models() -> None:
    """`sa-privacy publish --models examples.shop_app.models:Base --policy ... --out ...` makes it so."""
    files = make_publication(POLICY, catalogue())
    assert {path.name for path in PUBLISHED.iterdir()} == files.keys()
    for name, content in files.items():
        assert (PUBLISHED / name).read_bytes() == content, name
