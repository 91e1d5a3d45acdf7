"""A policy that is written down again means the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sa_privacy.policy import Policy
from sa_privacy.policy.writing import as_sections, as_toml
from tests.policy.test_policy_properties import Document, documents
from tests.support.draws import draws

SHOP = Path(__file__).parents[2] / "examples" / "shop_app" / "privacy.toml"


@given(documents(), st.data())
@settings(max_examples=draws(150), deadline=None)
def test_whatever_policy_is_written_down_means_the_same(document: Document, data: Any) -> None:
    policy = Policy(**document)
    comments: dict[tuple[str, ...], list[str]] = {("policy",): ["a remark", ""]}
    for name in data.draw(st.sets(st.sampled_from([*policy.purposes]))):
        comments["purposes", name] = ['[roles.x] = "']
    text = as_toml(as_sections(policy), comments)
    assert Policy.loads(text).hash == policy.hash
    assert Policy(**as_sections(policy)).hash == policy.hash


def test_the_shops_policy_is_written_as_a_person_would_read_it() -> None:
    policy = Policy.load(SHOP)
    text = as_toml(as_sections(policy))
    assert Policy.loads(text).hash == policy.hash
    assert (
        '[purposes.sign_in]\ntitle = {en = "Signing in", ja = "ログイン"}\nread = ["login_secret"]\nmatch = ["email"]\n'
        in text
    )


def test_what_toml_forbids_in_a_text_is_escaped() -> None:
    said = 'a "quoted" \\ word,\ta tab, a\nbreak, \x01 and \x7f'
    policy = Policy(
        policy={"id": said, "version": "1"}, categories={"住所": {"title": said}}, purposes={"x": {"use": ["住所"]}}
    )
    assert Policy.loads(as_toml(as_sections(policy))).id == said
